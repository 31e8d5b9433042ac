#!/bin/bash
# rx.sh - resources first: a PCRF that grants, refuses, is silent, slow or away, takes back, storms; hand-over; the death of control
#
#   lte: digest1    wlan: digest2    node: all roles; PCRF 127.0.0.1:3870
. "$(dirname "$0")/common.bash"
. "$(dirname "$0")/pcrf.bash"
start_saker 2 20 20 || { fail "start"; exit 1; }
for user in digest1 digest2; do
	sakerctl sub add $user@ims.example impu=sip:$user@ims.example password=secret >/dev/null
done
diameter_watch 3870
pcrf_killer
python3 "$root/tests/lab/rx.py" "$LAB" "$BUILD/tests/peers/diameter/peer_pcrf" "$RUN/pcrf.log" "$BUILD/control/ctl/sakerctl -c $RUN/saker.yaml" "bash $RUN/kill.sh"
kill $killer
equal "no session is left" "$(metric saker_sessions)" 0
equal "no policy session is left" "$(metric saker_policy_sessions) $(sakerctl -o json policy show | grep -c '"session"')" "0 0"
equal "no offer is kept" "$(metric saker_offers_kept)" 0
equal "none was abandoned" "$(metric saker_policy_abandoned_total)" 0
diameter_seen 16777236 100 # Rx
