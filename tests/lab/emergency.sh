#!/bin/bash
# emergency.sh - calls for help of those who are registered, registered for emergency, and not at all, while the node is overloaded
#
#   lte: alice 10.10.0.2:5070, sos :5071, a stranger :5072    wlan: the flood, 10.20.0.2
#   core: answering points 10.30.0.11:5070 and :5071          node: P-, I-, S- and E-CSCF
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	sed -i 's/roles: \[pcscf, icscf, scscf\]/roles: [pcscf, icscf, scscf, ecscf]/' "$RUN/saker.yaml"
	policy true true
}
# What a reload may change. allow-unregistered normal-registration
policy() {
	sed -i '/^emergency:/,$d' "$RUN/saker.yaml"
	cat >>"$RUN/saker.yaml" <<-YAML
	emergency:
	  numbers:
	    - {number: "112"}
	    - {number: "110", service: "urn:service:sos.police"}
	  allow-unregistered: $1
	  unregistered-rate: 5
	  normal-registration: $2
	  psap:
	    - {service: "urn:service:sos.police", access: "IEEE-802.11*", to: "sip:police.example", address: "10.30.0.11:5071"}
	    - {to: "sip:psap1.example", address: "10.30.0.11:5070"}
	    - {to: "sip:psap2.example", address: "10.30.0.11:5071"}
	  access:
	    - {prefix: 10.10.0.0/24, info: "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=26201d0f1"}
	    - {prefix: 10.20.0.0/24, info: "IEEE-802.11;i-wlan-node-id=00112233"}
	YAML
}
reload() { # allow-unregistered normal-registration
	policy "$@"
	kill -HUP "$(saker_pid dataplane)"
	sleep 0.5
}
peers=()
stop_all() {
	[ ${#peers[@]} -gt 0 ] && kill "${peers[@]}" 2>/dev/null
	saker_stop_all
	lab_down
}
trap stop_all EXIT
refused() { sakerctl -o json metrics | python3 -c '
import json, sys
print(sum(int(r["value"]) for r in json.load(sys.stdin)["rows"] if "drops" in r["metric"] and "overload" in json.dumps(r)))'; }
psap() { # port name
	echo answer >"$RUN/$2.mode"
	lab_in core python3 "$root/tests/lab/emergency.py" psap 10.30.0.11:"$1" "$2" "$RUN" &
	peers+=($!)
	named[$2]=$!
}
mode() { echo "$2" >"$RUN/$1.mode"; }
call() { lab_in "${net:-lte}" python3 "$root/tests/lab/emergency.py" call "$@"; }
alice() { call 10.10.0.2:5070 10.10.0.1:5060 alice normal "$1"; }
sos() { call 10.10.0.2:5071 10.10.0.1:5060 sos sos "$1"; }
stranger() { call 10.10.0.2:5072 10.10.0.1:5060 anonymous none "$1"; }

declare -A named
start_saker 1 2 2 || { fail "start"; exit 1; }
for user in alice sos; do
	check "$user provisioned" sakerctl sub add $user@ims.example impu=sip:$user@ims.example password=secret
done
psap 5070 psap1
psap 5071 psap2
sleep 0.5

# Each call is answered, asked for more by the answering point inside the dialog, and ended by it.
equal "a registered terminal calls urn:service:sos" "$(alice urn:service:sos)" psap1
equal "with 112" "$(alice tel:112)" psap1
equal "with sip:112 and user=phone" "$(alice "sip:112@ims.example;user=phone")" psap1
equal "one that is registered for emergency" "$(sos urn:service:sos)" psap1
equal "one that is not registered" "$(stranger urn:service:sos)" psap1
equal "the police, by the place" "$(net=wlan call 10.20.0.2:5070 10.20.0.1:5060 anonymous none tel:110)" psap2
check "the first call asserted alice" grep -q "^urn:service:sos asserted=<sip:alice@ims.example> place=3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=26201d0f1;network-provided route=<sip:psap1.example;lr>" "$RUN/psap1.log"
check "nobody is asserted of a stranger" grep -q "^urn:service:sos asserted=None" "$RUN/psap1.log"
check "112 came as the service" test "$(grep -c "^urn:service:sos asserted=<sip:alice" "$RUN/psap1.log")" = 3

# What a stranger may not.
equal "a stranger calls nobody else" "$(stranger sip:alice@ims.example)" 403
equal "nor another service" "$(stranger urn:service:counseling)" 403

# Answering points that do not answer.
mode psap1 busy
equal "the first one refuses: the second" "$(alice urn:service:sos)" psap2
mode psap1 silent
equal "it is silent: the second" "$(alice urn:service:sos)" psap2
mode psap1 answer
if [ "$(metric saker_dataplane_emergency_failover_total)" -ge 2 ]; then ok "counted"; else fail "failover counted"; fi

# Overload: others are refused and dropped, calls for help are not.
lab_in wlan python3 "$root/tests/lab/emergency.py" flood 10.20.0.2 10.20.0.1:5060 25 & flood=$!
peers+=($flood)
sleep 2
before=$(refused)
reached=0
for _ in 1 2 3 4 5; do
	[ "$(call 10.10.0.2:5070 10.10.0.1:5060 alice known tel:112)" = psap1 ] && reached=$((reached + 1))
	[ "$(call 10.10.0.2:5071 10.10.0.1:5060 sos known urn:service:sos)" = psap1 ] && reached=$((reached + 1))
	[ "$(stranger urn:service:sos)" = psap1 ] && reached=$((reached + 1))
done
after=$(refused)
if [ "$after" -gt "$before" ]; then ok "$((after - before)) others were refused meanwhile"; else fail "refused meanwhile: $((after - before))"; fi
equal "of 15 calls for help" "$reached" 15
kill $flood 2>/dev/null
wait $flood 2>/dev/null
sleep 2

# Strangers only so many a second.
check "strangers only so many a second" lab_in lte python3 "$root/tests/lab/emergency.py" burst 10.10.0.2:5073 10.10.0.1:5060 40 10
if [ "$(metric saker_dataplane_emergency_limited_total)" -ge 20 ]; then ok "counted"; else fail "limit counted"; fi
sleep 1.2

# Policy, at a reload.
reload false true
equal "strangers are not allowed" "$(stranger urn:service:sos)" 403
equal "alice still is" "$(alice urn:service:sos)" psap1
reload false false
equal "an emergency registration is asked for" "$(alice urn:service:sos)" "380 emergency emergency-registration"
equal "who has one calls" "$(sos urn:service:sos)" psap1
kill "${named[psap1]}" "${named[psap2]}"
check "the node is well" sakerctl status
