#!/bin/bash
# control_restart.sh - kill -9 of control, three times, under 100 calls a second: nobody notices
. "$(dirname "$0")/lib.sh"
start_saker 1 200 2500 || { fail "start"; exit 1; }
equal "registrations" "$(register_users register 200 600000)" 200
sakerctl -o json reg list --limit 1000 >"$RUN/before.json"

make_calls call 2500 100 1000 >"$RUN/calls" &
calls=$!
for round in 1 2 3; do
	sleep 5
	kill -KILL "$(saker_pid control)"
	saker_restart control || fail "control restarts, round $round"
	t0=$(date +%s%N)
	# A user of an address of its own registers at once.
	sipp_run lte "again-$round" register 10.10.0.1:5060 -i 10.10.0.2 -p $((5100 + round)) \
		-inf "$RUN/register_lte.csv" -m 1 -key expires 600000 -timeout 10
	t1=$(date +%s%N)
	if [ "$(sipp_stat "again-$round" "SuccessfulCall(C)")" = 1 ] && [ $(((t1 - t0) / 1000000)) -le 2000 ]; then
		ok "round $round: a registration is answered in $(((t1 - t0) / 1000000)) ms"
	else
		fail "round $round: registration after $(((t1 - t0) / 1000000)) ms"
	fi
done
wait $calls
equal "calls under three kills" "$(cat "$RUN/calls")" 2500
equal "no retransmission needed" "$(sipp_stat call "Retransmissions(C)")" 0
sakerctl -o json reg list --limit 1000 >"$RUN/after.json"
check "the same bindings before and after" python3 - "$RUN" <<'PY'
import json, sys
def bindings(name):
    with open(f"{sys.argv[1]}/{name}.json") as f:
        answer = json.load(f)
    rows = answer["rows"] if isinstance(answer, dict) else answer
    # The user that registered again from other ports has them beside its first.
    return {(r["impu"], r["contact"]) for r in rows}
before, after = bindings("before"), bindings("after")
sys.exit(not (len(before) >= 200 and before <= after and len(after - before) <= 3))
PY
