#!/bin/bash
# reg_event.sh - a terminal subscribes to its registration and is told of all that happens to it, up to its end by the network
. "$(dirname "$0")/common.bash"
start_saker 1 20 20 || { fail "start"; exit 1; }

said() { # WORD: the terminal has come so far
	for _ in $(seq 100); do
		grep -q "$1" "$RUN/terminal" && return 0
		sleep 0.05
	done
	return 1
}

sakerctl sub add digest1@ims.example impu=sip:digest1@ims.example password=secret >/dev/null
lab_in lte python3 "$root/tests/lab/reg_event.py" 10.10.0.1:5060 10.10.0.2:5070 digest1 secret 10.10.0.2:5072 \
	>"$RUN/terminal" 2>&1 & pid=$!
check "subscribed; told of a second terminal that comes and goes" said reauth
equal "the subscription is shown" "$(sakerctl -o json reg subscribers | grep -c '"impu"')" 1
check "the operator wants it to register again" sakerctl reg reauth sip:digest1@ims.example --within 20
check "told of that, and of the new registration" said dereg
check "the operator ends the registration" sakerctl reg dereg sip:digest1@ims.example
if wait $pid; then ok "told of the end"; else fail "told of the end: $(tail -1 "$RUN/terminal")"; fi
sleep 0.2
equal "no subscription is left" "$(metric saker_reg_event_subscriptions)" 0
equal "all NOTIFYs were answered" "$(metric saker_reg_event_failed_total)" 0
