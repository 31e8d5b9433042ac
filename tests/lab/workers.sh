#!/bin/bash
# workers.sh - 1, 2 and 3 workers give the same results
. "$(dirname "$0")/common.bash"
base=$RUN
for workers in 1 2 3; do
	RUN=$base/$workers
	mkdir -p "$RUN" && chmod 755 "$RUN"
	if ! start_saker $workers 100 300; then
		fail "start with $workers workers"
		continue
	fi
	equal "$workers workers: registrations" "$(register_users register 100 600000)" 100
	equal "$workers workers: calls" "$(make_calls call 300 100 200)" 300
	sipp_start wlan message-uas message_uas -i 10.20.0.2 -p 5060
	sipp_run lte message message_uac 10.10.0.1:5060 -i 10.10.0.2 -p 5060 -inf "$RUN/pairs.csv" -m 300 -r 200 -timeout 30
	sipp_stop message-uas
	equal "$workers workers: messages" "$(sipp_stat message "SuccessfulCall(C)")" 300
	equal "$workers workers: de-registrations" "$(register_users deregister 100 0)" 100
	saker_stop_all
done
