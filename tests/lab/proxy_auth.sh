#!/bin/bash
# proxy_auth.sh - two workers; users of SIP Digest prove each request that begins something, and no proof serves twice
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	sed -i '/^control:/a\  proxy-auth: initial' "$RUN/saker.yaml"
}
start_saker 2 20 20 || { fail "start"; exit 1; }

outcome() { sakerctl -o json metrics | python3 -c '
import json, sys
print(sum(int(r["value"]) for r in json.load(sys.stdin)["rows"]
          if r["metric"].startswith("saker_proxy_auth_total{") and sys.argv[1] in r["metric"]))' "$1"; }
for user in digest1 digest2; do
	check "$user provisioned" sakerctl sub add $user@ims.example impu=sip:$user@ims.example password=secret
done
phones() { lab_in lte python3 "$root/tests/lab/proxy_auth.py" 10.10.0.1:5060 10.10.0.2:5070 digest1 10.10.0.2:5072 digest2 secret "$1"; }
check "a MESSAGE is challenged, and passes with the answer" phones message
check "a call is, and what is within it is not" phones call
check "an answer serves once, on whichever worker it comes" phones replay
check "so it does with REGISTER" phones register
check "wrong passwords: 407, in the end 403" phones wrong
equal "users of AKA register and call as ever" "$(register_users aka 20 600000; make_calls calls 20 20 20)" "20
20"
if [ "$(outcome passed)" -ge 3 ] && [ "$(outcome wrong)" -ge 3 ]; then ok "it is counted"; else fail "counted: $(outcome passed) $(outcome wrong)"; fi
