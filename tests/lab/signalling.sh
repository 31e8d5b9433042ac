#!/bin/bash
# signalling.sh - registrations whose bearers a PCRF is asked to watch: none waits for it, whatever it does
#
#   lte, wlan: digest1, which moves    node: all roles; PCRF 127.0.0.1:3870
. "$(dirname "$0")/common.bash"
# shellcheck disable=SC2034
PCRF_POLICY="  signalling: true
  drop-on-signalling-loss: true"
. "$(dirname "$0")/pcrf.bash"
start_saker 1 20 20 || { fail "start"; exit 1; }
sakerctl sub add digest1@ims.example impu=sip:digest1@ims.example password=secret >/dev/null
diameter_watch 3870
pcrf_killer
python3 "$root/tests/lab/signalling.py" "$LAB" "$BUILD/tests/peers/diameter/peer_pcrf" "$RUN/pcrf.log" "$BUILD/control/ctl/sakerctl -c $RUN/saker.yaml" "bash $RUN/kill.sh"
kill $killer
equal "nobody is registered" "$(metric saker_registrations)" 0
equal "no path is left" "$(metric 'saker_signalling_paths{state="open"}') $(metric 'saker_signalling_paths{state="waiting"}') $(metric 'saker_signalling_paths{state="none"}')" "0 0 0"
equal "no policy session is left" "$(metric saker_policy_sessions) $(sakerctl -o json policy show | grep -c '"session"')" "0 0"
equal "none was abandoned" "$(metric saker_policy_abandoned_total)" 0
diameter_seen 16777236 30 # Rx
