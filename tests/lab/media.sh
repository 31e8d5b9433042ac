#!/bin/bash
# media.sh - what terminals may offer, whether answers fit, and that nothing is kept of it when the sessions are over
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	cat >>"$RUN/saker.yaml" <<-EOF
		policy:
		  access: [10.10.0.0/16]
		  codecs: [PCMA]
		  streams: 1
	EOF
}
start_saker 1 20 20 || { fail "start"; exit 1; }
for user in digest1 digest2; do
	sakerctl sub add $user@ims.example impu=sip:$user@ims.example password=secret >/dev/null
done
cases() { lab_in lte python3 "$root/tests/lab/media.py" 10.10.0.1:5060 10.10.0.2:5070 digest1 10.10.0.2:5072 digest2 secret; }

cases
equal "refused: not allowed" "$(metric 'saker_offers_total{result="refused"}')" 4
equal "refused: malformed" "$(metric 'saker_offers_total{result="malformed"}')" 1
equal "answers that did not fit" "$(metric 'saker_offers_total{result="unfit"}')" 2
equal "sessions ended for it" "$(metric 'saker_sessions_ended_total{by="policy"}')" 2
equal "no session is left" "$(metric saker_sessions)" 0
equal "no offer is kept" "$(metric saker_offers_kept)" 0
