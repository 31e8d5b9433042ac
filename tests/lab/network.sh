#!/bin/bash
# network.sh - RTR and PPR from the HSS's provisioning, S-CSCF selection, a locator in front of the HSS, restoration
#
#   lte: alice 10.10.0.2:5070, bob :5071    node: P-, I-, S-CSCF; HSS 127.0.0.2:3868, locator 127.0.0.1:3868
#   core: an S-CSCF 10.30.0.11 with capability 2, one 10.30.0.12 with capabilities 2 and 3
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	sed -i -e '/^  hss: 127/c\  hss-identity: locator.ims.example\n  hss: 127.0.0.1:3868\n  hsses:\n    - {identity: hss.ims.example, address: "127.0.0.2:3868"}' \
		-e 's/^  diameter-listen: .*/  diameter-listen: 127.0.0.2:3868\n  peers: [scscf.ims.example, scscf2.ims.example]/' \
		-e '/^control:/i\icscf:\n  scscfs:\n    - {name: "sip:scscf.ims.example:5060", address: "10.30.0.1:5060", capabilities: [1]}\n    - {name: "sip:scscf2.ims.example:5060", address: "10.30.0.11:5060", capabilities: [2]}\n    - {name: "sip:scscf3.ims.example:5060", address: "10.30.0.12:5060", capabilities: [2, 3]}' \
		-e '/net: 10.30.0.11/a\    - name: scscf3.ims.example\n      net: 10.30.0.12' "$RUN/saker.yaml"
}
peers=()
stop_all() {
	[ ${#peers[@]} -gt 0 ] && kill "${peers[@]}" 2>/dev/null
	saker_stop_all
	lab_down
}
trap stop_all EXIT

locator() { # hosts usage seconds: what it answers from now on
	echo "$1 $2 $3" >"$RUN/locator.next"
	mv "$RUN/locator.next" "$RUN/locator"
	: >"$RUN/locator.log"
}
redirected() { wc -l <"$RUN/locator.log"; }
network() { lab_in lte python3 "$root/tests/lab/network.py" "$@"; }
register() { network register 10.10.0.2:"$2" 10.10.0.1:5060 "$1"; }
call() { network call 10.10.0.2:5071 10.10.0.1:5060 bob "$1" 10.10.0.2:5070; }
ctl() { sakerctl "$@" >/dev/null; }
registered() { sakerctl -o json reg show "sip:$1@ims.example" >/dev/null 2>&1 && echo yes || echo no; }
at_hss() { sakerctl -o json sub show "$1@ims.example" | python3 -c 'import json, sys; print(json.load(sys.stdin)["rows"][0]["state"])'; }
shows() { sakerctl -o json reg show "sip:$1@ims.example" | tr -d ' \n' | grep -qF "$2"; }
soon() { # COMMAND...: succeeds within 3 s
	local i
	for ((i = 0; i < 30; i++)); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}
is() { [ "$("${@:2}")" = "$1" ]; }
scscf() { # address policy file
	lab_in core python3 "$root/tests/lab/network.py" scscf "$1" "$2" "$RUN/$3" &
	peers+=($!)
}

rm -f "$RUN"/hss.db* "$RUN"/control.db* "$RUN"/scscf*
lab_up
locator hss.ims.example 0 0
ip netns exec "${LAB}node" python3 "$root/tests/peers/redirect_agent.py" 127.0.0.1:3868 locator.ims.example ims.example "$RUN/locator" &
peers+=($!)
python3 "$root/scripts/lib/subscribers.py" 2 "$RUN" 2
lab_config af_xdp 1
if ! saker_start dataplane; then
	saker_stop dataplane
	lab_config af_packet 1
	saker_start dataplane || { fail "the data plane starts"; exit 1; }
fi
diameter_watch 3868
saker_start hss || { fail "the HSS starts"; exit 1; }
saker_start control || { fail "control starts"; exit 1; }
both_open() { [ "$(sakerctl -o json diameter peers | tr -d ' \n' | grep -o '"open":true' | wc -l)" = 2 ]; }
for ((i = 0; i < 20; i++)); do soon both_open && break; done
check "control is connected to the locator and to the HSS" both_open
for user in alice bob; do
	check "$user provisioned" ctl sub add $user@ims.example impu=sip:$user@ims.example impu=sip:$user-2@ims.example \
		password=secret capabilities=1 ccf=ccf1.ims.example
done

# Dx: each request goes to the locator first, and on to the HSS it names (TS 29.228 §5.6).
equal "bob registers through the locator" "$(register bob 5071)" 200
if [ "$(redirected)" -ge 3 ]; then ok "UAR, MAR and SAR were redirected"; else fail "redirected: $(redirected)"; fi
locator hss.ims.example 6 60
equal "alice too" "$(register alice 5070)" 200
equal "known for the user: one redirection" "$(redirected)" 1
equal "alice is called" "$(call alice)" reached

# PPR (TS 29.228 §6.2): what an operator changes reaches a registered user.
check "the charging address came with the registration" shows alice 'ccf=\"ccf1.ims.example\"'
check "set: another charging address" ctl sub set alice@ims.example ccf=ccf2.ims.example
check "PPR: it is known to control" soon shows alice 'ccf=\"ccf2.ims.example\"'
check "set: one more identity" ctl sub set alice@ims.example impu=sip:alice@ims.example impu=sip:alice-2@ims.example impu=sip:wonder@ims.example
check "PPR: it is known to control" soon shows alice sip:wonder@ims.example
equal "PPR: and in the data plane: it can be called" "$(call wonder)" reached

# RTR (TS 29.228 §6.1.3) for each way an operator ends a registration.
last_reason() { grep -o "event=deregistered impu=sip:alice@ims.example reason=[a-z_]*" "$RUN/control.log" | tail -1 | sed 's/.*=//'; }
ended_by() { # what reason command...
	equal "before $1 alice is registered" "$(register alice 5070)" 200
	check "$1" ctl "${@:3}"
	check "$1: RTR: control knows her no more" soon is no registered alice
	equal "$1: the reason" "$(last_reason)" "$2"
	equal "$1: neither does the HSS" "$(at_hss alice)" not_registered
	equal "$1: nor the data plane" "$(call alice)" 480
}
ended_by "de-registered by private identity" permanent_termination sub dereg alice@ims.example
ended_by "de-registered by public identity" new_server_assigned sub dereg sip:alice@ims.example new_server_assigned
ended_by "removed from its S-CSCF" remove_scscf sub dereg alice@ims.example remove_scscf
ended_by "an identity removed" server_change sub set alice@ims.example impu=sip:alice@ims.example impu=sip:alice-2@ims.example
ended_by "an identity barred" permanent_termination sub set alice@ims.example barred=sip:alice-2@ims.example
equal "before another S-CSCF takes her over alice is registered" "$(register alice 5070)" 200
check "another S-CSCF takes her over" ip netns exec "${LAB}node" python3 "$root/tests/peers/other_scscf.py" 127.0.0.2:3868 \
	scscf2.ims.example ims.example sip:scscf2.ims.example:5060 alice@ims.example sip:alice@ims.example >/dev/null
check "taken over: RTR: control knows her no more" soon is no registered alice
equal "taken over: the reason" "$(last_reason)" new_server_assigned
equal "taken over: she stays registered" "$(at_hss alice)" registered
check "the other S-CSCF is gone, and with it the assignment" ctl sub dereg alice@ims.example
equal "the subscriber is registered again" "$(register alice 5070)" 200
check "the subscriber is deleted" ctl sub del alice@ims.example
check "RTR: control knows her no more" soon is no registered alice
equal "and nobody can call her" "$(call alice)" 404
check "alice provisioned again" ctl sub add alice@ims.example impu=sip:alice@ims.example password=secret capabilities=1

# Service identities go to their Application Server without an S-CSCF.
check "a service identity" ctl sub psi put 'sip:conf-!.*!@ims.example' sip:10.10.0.2:5070
check "a second one" ctl sub psi put sip:news@ims.example sip:nowhere.example
equal "the wildcarded one is called" "$(call conf-7)" reached
equal "one whose server nobody knows" "$(call news)" 504

# S-CSCF selection (TS 29.228 §6.7), and another where the first does not serve (TS 24.229 §5.3.1.3).
scscf 10.30.0.11:5060 403 scscf2
scscf 10.30.0.12:5060 480 scscf3
sleep 0.5
check "alice wants capability 2, and 3 if possible" ctl sub set alice@ims.example capabilities=2 capabilities_optional=3
equal "the best S-CSCF does not serve, the next one decides" "$(register alice 5070)" 403
check "the best was asked first" grep -q "^REGISTER sip:scscf3.ims.example:5060 SIP/2.0 path" "$RUN/scscf3"
check "then the other" grep -q "^REGISTER sip:scscf2.ims.example:5060 SIP/2.0 path" "$RUN/scscf2"
check "alice wants what nobody has" ctl sub set alice@ims.example capabilities=9 capabilities_optional=
equal "no S-CSCF for her" "$(register alice 5070)" 600
check "alice wants what this node has" ctl sub set alice@ims.example capabilities=1
equal "alice is registered here" "$(register alice 5070)" 200

# Restoration (TS 23.380 §4): control and data plane lose everything, the HSS does not.
saker_stop control KILL
saker_stop dataplane
rm -f "$RUN"/control.db*
saker_restart dataplane && saker_restart control || fail "the node comes back"
for ((i = 0; i < 20; i++)); do soon both_open && break; done
equal "the node knows nobody" "$(registered alice)$(registered bob)" nono
equal "bob registers" "$(register bob 5071)" 200
equal "alice, whom the S-CSCF forgot, is called" "$(call alice)" reached
equal "and is registered again" "$(registered alice)" yes
check "by the HSS's restoration information" grep -q "event=restored impu=sip:alice@ims.example" "$RUN/control.log"

# An RTR that finds nobody is sent again.
saker_stop control KILL
check "de-registered while control is away" ctl sub dereg sip:alice@ims.example
saker_restart control || fail "control comes back"
for ((i = 0; i < 10; i++)); do soon is no registered alice && break; done
equal "RTR came all the same" "$(registered alice)" no
equal "bob stays" "$(registered bob)" yes
for ((i = 0; i < 20; i++)); do soon both_open && break; done

# A locator that leads nowhere, or in a circle: an answer all the same.
for wrong in unknown.ims.example locator.ims.example unknown.ims.example,locator.ims.example; do
	locator "$wrong" 0 0
	equal "redirected to $wrong" "$(call nobody-there)" 504
done
locator unknown.ims.example,hss.ims.example 0 0
equal "the second host named is ours" "$(call nobody-there)" 404
check "control is well" ctl status
diameter_seen 16777216 100 # Cx and Dx
