#!/bin/bash
# contacts.sh - three terminals of one user: ring together, one after the other, alone by name; two private identities
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	sed -i '/^dataplane:/a\  ring-time: 2s' "$RUN/saker.yaml"
	sed -i '/^control:/a\  flow-timer: 90s\n  expires-emergency: 300s' "$RUN/saker.yaml"
}
start_saker 2 2 2 || { fail "start"; exit 1; }

phones() { # what
	lab_in lte timeout 60 python3 "$root/tests/lab/contacts.py" 10.10.0.2 10.10.0.1:5060 "$RUN/contacts.json" "$1"
}
contacts() { sakerctl -o json reg show "sip:$1@ims.example" | python3 -c '
import json, sys
print(len(json.load(sys.stdin)["rows"]))'; }

for user in carol bob; do
	check "$user provisioned" sakerctl sub add $user@ims.example impu=sip:$user@ims.example password=secret
done
check "three terminals register; their names, their flows" phones register
equal "three contacts" "$(contacts bob)" 3
check "all three ring, one answers, two are cancelled" phones together
check "one ends the call for all with 603" phones decline
check "one after the other by q; by time, and by answer" phones sequence
check "a public and a temporary GRUU lead to one terminal" phones gruu
check "the caller's wishes choose" phones wishes
check "a second private identity of bob's" sakerctl sub add bob-car@ims.example impu=sip:bob@ims.example password=secret \
	subscription=bob@ims.example
check "rings with the first one's terminals" phones two
equal "three contacts again" "$(contacts bob)" 3
check "a private exchange" sakerctl sub add pbx@ims.example "impu=sip:pbx@ims.example;sip:pbx-!.*!@ims.example" password=secret
check "is called by its numbers, which no subscriber has" phones exchange
kill -KILL "$(saker_pid control)"
saker_restart control || fail "control does not restart"
sleep 1
check "a temporary GRUU of before control's death" phones old
saker_stop dataplane
saker_restart dataplane || fail "the data plane does not restart"
sleep 2
check "and of before the data plane's" phones old
check "an emergency registration beside the normal one" phones emergency
equal "four contacts" "$(contacts bob)" 4
