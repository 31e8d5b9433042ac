#!/bin/bash
# charging.sh - every session is told to a CDF, each record once: which is full, silent or away; over the death of control
#
#   lte: digest1    wlan: digest2    node: all roles; CDF 127.0.0.1:3871
. "$(dirname "$0")/common.bash"
. "$(dirname "$0")/pcrf.bash"
lab_config() {
	lab_config_plain "$@"
	cat >>"$RUN/saker.yaml" <<-EOF
		charging:
		  cdfs:
		    - identity: cdf.ims.example
		      address: 127.0.0.1:3871
		  timeout: 1s
		  registrations: true
	EOF
}
start_saker 2 20 20 || { fail "start"; exit 1; }
for user in digest1 digest2; do
	sakerctl sub add $user@ims.example impu=sip:$user@ims.example password=secret >/dev/null
done
diameter_watch 3871
pcrf_killer
python3 "$root/tests/lab/charging.py" "$LAB" "$BUILD/tests/peers/diameter/peer_cdf" "$RUN/cdf.log" "$BUILD/control/ctl/sakerctl -c $RUN/saker.yaml" "bash $RUN/kill.sh"
kill $killer
equal "no accounting session is left" "$(metric saker_charging_open)" 0
equal "and none is shown" "$(sakerctl -o json charging show | grep -c '"call_id"')" 0
equal "no record is left" "$(metric saker_charging_spooled)" 0
equal "none was lost, or rejected" "$(metric 'saker_charging_records_total{result="lost"}') $(metric 'saker_charging_records_total{result="rejected"}')" "0 0"
diameter_seen 3 40 # base accounting
