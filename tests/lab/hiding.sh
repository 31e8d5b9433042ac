#!/bin/bash
# hiding.sh - what a foreign network sees of ours, both ways, over a restart of the data plane in the middle of a call
#
#   core: a proxy of ours 10.30.0.11:5060, a foreign network 10.30.0.12:5060    node: P-, I- and S-CSCF
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	sed -i -e '/net: 10.30.0.11/a\    - name: foreign.example\n      net: 10.30.0.12\n      trusted: false\n      topology-hiding: true' \
		-e '/^  routes:/a\    - domain: foreign.example\n      to: 10.30.0.12:5060' "$RUN/saker.yaml"
}
start_saker 1 2 2 || { fail "start"; exit 1; }
rm -f "$RUN"/go*
lab_in core python3 "$root/tests/lab/hiding.py" 10.30.0.11:5060 10.30.0.12:5060 10.30.0.1:5060 "$RUN" >"$RUN/hiding.log" 2>&1 & both=$!
for ((i = 0; i < 100; i++)); do
	[ -e "$RUN/go.ready" ] && break
	sleep 0.1
done
check "a call to a foreign network" test -e "$RUN/go.ready"
saker_stop dataplane KILL
saker_restart dataplane || fail "the data plane comes back"
sleep 1
touch "$RUN/go"
wait $both
rc=$?
cat "$RUN/hiding.log"
if [ $rc = 0 ]; then ok "its dialog goes on, and one from there"; else fail "its dialog: $(tail -1 "$RUN/hiding.log")"; fi
equal "one token was not ours for that call" "$(sakerctl -o json metrics | python3 -c '
import json, sys
print(sum(int(r["value"]) for r in json.load(sys.stdin)["rows"] if r["metric"] == "saker_dataplane_hiding_forged_total"))')" 1
check "the node is well" sakerctl status
