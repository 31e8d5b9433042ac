#!/bin/bash
# control_restart.sh - kill -9 of control, three times, under 100 calls a second: nobody notices
. "$(dirname "$0")/common.bash"
start_saker 1 210 2500 100 || { fail "start"; exit 1; }
equal "registrations" "$(register_users register 200 600000)" 200

# Who is registered, with how many identities and contacts; how long still does not count.
bindings() {
	sakerctl -o json reg list --limit 1000 | python3 -c '
import json, sys
answer = json.load(sys.stdin)
for row in answer["rows"] if isinstance(answer, dict) else answer:
    print(row["impu"], row["impi"], row["roles"], row["identities"], row["contacts"])' | sort
}

# The next user that has not registered yet, tried until it succeeds; milliseconds since $1 (nanoseconds of the clock).
register_next() { # since round
	local try
	{ head -1 "$RUN/register_lte.csv"; sed -n "$((101 + $2))p" "$RUN/register_lte.csv"; } >"$RUN/next.csv"
	for try in 1 2 3 4 5; do
		sipp_run lte "again-$2-$try" register 10.10.0.1:5060 -i 10.10.0.2 -p $((5100 + 10 * $2 + try)) \
			-inf "$RUN/next.csv" -m 1 -auth_uri ims.example -key expires 600000 -timeout 5
		[ "$(sipp_stat "again-$2-$try" "SuccessfulCall(C)")" = 1 ] && break
	done
	echo $((($(date +%s%N) - $1) / 1000000))
}

bindings >"$RUN/before"
equal "bindings listed" "$(wc -l <"$RUN/before")" 200
make_calls call 2500 100 1000 >"$RUN/calls" &
calls=$!
for round in 1 2 3; do
	sleep 5
	killed=$(date +%s%N)
	kill -KILL "$(saker_pid control)"
	saker_restart control || fail "round $round: control does not restart"
	bindings | comm -13 - "$RUN/before" >"$RUN/lost"
	equal "round $round: bindings lost" "$(wc -l <"$RUN/lost")" 0
	took=$(register_next "$killed" "$round")
	if [ "$took" -le 2000 ]; then
		ok "round $round: a registration is answered $took ms after the kill"
	else
		fail "round $round: a registration is answered $took ms after the kill"
	fi
done
wait $calls
equal "calls under three kills" "$(cat "$RUN/calls")" 2500
# A repeat could be the machine's own stall; a message that Saker lost would be counted.
lost=$(sakerctl -o json drops | python3 -c '
import json, sys
print(sum(r["count"] for r in json.load(sys.stdin) if r["reason"] != "drop_l2"))')
equal "messages dropped under three kills" "$lost" 0
echo "retransmissions of the calls: $(sipp_stat call "Retransmissions(C)")"
bindings >"$RUN/after"
equal "the same bindings before and after, and three more" "$(comm -13 "$RUN/after" "$RUN/before" | wc -l) $(wc -l <"$RUN/after")" "0 203"
