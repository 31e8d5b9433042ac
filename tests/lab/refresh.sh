#!/bin/bash
# refresh.sh - with control.ip-association: refreshes answered on the worker, known to control, safe over its kill, and nobody else's
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	sed -i '/^control:/a\  ip-association: true' "$RUN/saker.yaml"
}
start_saker 1 20 20 || { fail "start"; exit 1; }

terminal() { # port count seconds what
	lab_in lte python3 "$root/tests/lab/refresh.py" 10.10.0.2:"$1" 10.10.0.1:5060 digest1 secret "$2" "$3" "$4"
}
expires() { sakerctl -o json reg show sip:digest1@ims.example | python3 -c '
import json, sys
print(json.load(sys.stdin)["rows"][0]["expires_s"])'; }
about() { # NAME IS WANTED
	if [ "$2" -le "$3" ] && [ "$2" -ge $(($3 - 10)) ]; then ok "$1"; else fail "$1: is $2, wanted $3"; fi
}

for user in digest1 digest2; do
	check "$user provisioned" sakerctl sub add $user@ims.example impu=sip:$user@ims.example password=secret
done
check "a terminal refreshes without a challenge, as control would answer" terminal 5070 20 700 register
sleep 0.3
about "control knows the expiry" "$(expires)" 700
answered=$(metric saker_dataplane_refreshed_total)
if [ "$answered" -ge 40 ]; then ok "$answered refreshes answered on the worker"; else fail "$answered refreshes answered on the worker"; fi
equal "all of them came to control" "$(metric saker_registration_refreshed_total)" "$answered"
equal "none too late" "$(metric saker_registration_refreshed_late_total)" 0
equal "none waits" "$(metric saker_registration_refreshed_waiting)" 0
check "another port of the same host is challenged" terminal 5072 1 700 stranger

# Power: what is on disk when control is killed is what was granted.
check "a longer refresh" terminal 5070 1 3000 refresh
sleep 0.3
kill -KILL "$(saker_pid control)"
check "control is dead: the worker goes on answering" terminal 5070 1 3100 refresh
saker_restart control || fail "control does not restart"
sleep 1
about "what the worker granted meanwhile is taken over" "$(expires)" 3100
check "and the terminal refreshes as before" terminal 5070 3 3200 refresh
sleep 0.3
about "control knows it" "$(expires)" 3200

# The network ends the registration: it stays ended.
check "de-registered" sakerctl reg dereg sip:digest1@ims.example
sleep 0.2
check "then a refresh is challenged" terminal 5070 1 700 stranger
equal "control refused nothing it was told" "$(metric saker_registration_refreshed_late_total)" 0
