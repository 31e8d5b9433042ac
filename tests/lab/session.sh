#!/bin/bash
# session.sh - calls of a user end when he is de-registered: by the operator, by the HSS, by himself; or when nobody refreshes them; and
# are watched no more when they end
. "$(dirname "$0")/common.bash"
start_saker 1 20 20 || { fail "start"; exit 1; }

terminals() { # what
	lab_in lte python3 "$root/tests/lab/session.py" 10.10.0.1:5060 10.10.0.2:5070 digest1 10.10.0.2:5072 digest2 secret "$1"
}
# in_call WHAT COMMAND...: a call, and when it is up the command; what the terminals say is its result
in_call() {
	local what=$1 pid
	shift
	terminals "$what" >"$RUN/terminals" 2>&1 & pid=$!
	for _ in $(seq 100); do
		grep -q up "$RUN/terminals" && break
		sleep 0.05
	done
	"$@" | grep -E "^(ok|FAIL) "
	wait $pid || { cat "$RUN/terminals"; return 1; }
}
listed() { equal "$1" "$(sakerctl -o json session list | grep -c call_id)" "$2"; }
provision() {
	for user in digest1 digest2; do
		sakerctl sub add $user@ims.example impu=sip:$user@ims.example password=secret >/dev/null
	done
}

provision
check "hung up" in_call hangup listed "a session is listed while the call is up" 1
equal "its end is seen" "$(metric 'saker_sessions_ended_total{by="user"}')" 1
check "the operator de-registers the caller" in_call wait sakerctl reg dereg sip:digest1@ims.example
check "the operator de-registers the called" in_call wait sakerctl reg dereg sip:digest2@ims.example
check "the called de-registers himself" in_call leave true
check "a call that is not refreshed ends (RFC 4028)" in_call timer true
check "the HSS loses the caller (RTR)" in_call wait sakerctl sub del digest1@ims.example
equal "sessions ended so" "$(metric 'saker_sessions_ended_total{by="deregistration"}')" 4
equal "one session ended so" "$(metric 'saker_sessions_ended_total{by="timer"}')" 1
equal "no session is left" "$(metric saker_sessions)" 0
sleep 1
equal "all BYEs are answered" "$(metric saker_session_byes_unanswered_total)" 0
equal "two each" "$(metric saker_session_byes_total)" 10
