#!/bin/bash
# three_nodes.sh - P-CSCF, I-CSCF and S-CSCF as three nodes, Mw on the wire between them, Cx to one HSS
#
#   lte 10.10.0.2 ─ 10.10.0.1 ┐
#                             p ─ 10.30.0.2 ┐            Mw: bridge br0 in host core
#  wlan 10.20.0.2 ─ 10.20.0.1 ┘             │
#                             i ─ 10.30.0.3 ┼─ br0
#                             s ─ 10.30.0.4 ┘
#
#   i 10.99.0.3, s 10.99.0.4 ── br1 10.99.0.1: Diameter; the HSS runs in host core
. "$(dirname "$0")/common.bash"
base=$RUN

topology() {
	local node
	lab_down
	lab_netns "${LAB}core"
	ip -n "${LAB}core" link set lo up
	for bridge in br0 br1; do
		ip -n "${LAB}core" link add $bridge type bridge
		ip -n "${LAB}core" link set $bridge up
	done
	ip -n "${LAB}core" addr add 10.99.0.1/24 dev br1
	for node in p i s; do
		lab_netns "$LAB$node"
		ip -n "$LAB$node" link set lo up
		lab_veth $node core core mw-$node
		ip -n "${LAB}core" link set mw-$node master br0
	done
	for node in i s; do
		ip -n "$LAB$node" link add cx type veth peer name cx-$node netns "${LAB}core"
		ip -n "${LAB}core" link set cx-$node master br1 up
		ip -n "$LAB$node" addr add "10.99.0.$([ $node = i ] && echo 3 || echo 4)/24" dev cx
		ip -n "$LAB$node" link set cx up
	done
	lab_access p lte
	lab_access p wlan
}

common() { # node roles
	cat <<YAML
realm: ims.example
pcscf-uri: sip:pcscf.ims.example:5060
icscf-uri: sip:icscf.ims.example:5060
scscf-uri: sip:scscf.ims.example:5060
runtime-dir: $(NODE=$1 saker_sockets)
state-dir: $base/$1
YAML
}

dataplane() { # roles driver last octet
	cat <<YAML
dataplane:
  roles: [$1]
  idle: adaptive
  users: 2000
  transactions: 4096
  icscf: 10.30.0.3:5060
  scscf: 10.30.0.4:5060
  peers:
    - {name: pcscf.ims.example, net: 10.30.0.2}
    - {name: icscf.ims.example, net: 10.30.0.3}
    - {name: scscf.ims.example, net: 10.30.0.4}
  ports:
    - name: core
      device: "$(saker_device "$2" core 0)"
      addresses: [10.30.0.$3/24]
      zone: core
YAML
}

configure() { # driver
	local driver=$1
	mkdir -p "$base/p" "$base/i" "$base/s" "$base/hss"
	{
		common p
		dataplane pcscf "$driver" 2
		cat <<YAML
    - name: lte
      device: "$(saker_device "$driver" lte 1)"
      addresses: [10.10.0.1/24]
      zone: access
    - name: wlan
      device: "$(saker_device "$driver" wlan 2)"
      addresses: [10.20.0.1/24]
      zone: access
YAML
	} >"$base/p/saker.yaml"
	{
		common i
		dataplane icscf "$driver" 3
		printf 'control:\n  hss: 10.99.0.1:3868\n  diameter-identity: icscf.ims.example\n'
	} >"$base/i/saker.yaml"
	{
		common s
		dataplane scscf "$driver" 4
		printf 'control:\n  hss: 10.99.0.1:3868\n  diameter-identity: scscf.ims.example\n  auth-tries: 10\n'
	} >"$base/s/saker.yaml"
	{
		common hss
		printf 'hss:\n  diameter-listen: 10.99.0.1:3868\n  peers: [icscf.ims.example, scscf.ims.example]\n'
	} >"$base/hss/saker.yaml"
}

at() { NODE=$1 RUN=$base/$2 "${@:3}"; }

start_planes() { # driver
	configure "$1"
	local node
	for node in p i s; do
		at $node $node saker_start dataplane || return 1
	done
}

stop_all() {
	local node
	for node in p i s hss; do
		NODE=$node RUN=$base/$node saker_stop_all
	done
	lab_down
}
trap stop_all EXIT

topology
python3 "$root/scripts/lib/subscribers.py" 100 "$base" 200
if ! start_planes af_xdp; then
	for node in p i s; do RUN=$base/$node saker_stop dataplane; done
	start_planes af_packet || { fail "the data planes start"; exit 1; }
fi
at core hss saker_start hss || { fail "the HSS starts"; exit 1; }
for node in p i s; do
	at $node $node saker_start control || { fail "control of $node starts"; exit 1; }
done
check "subscribers imported" at core hss sakerctl sub import "$base/subscribers.csv"

RUN=$base
equal "three nodes: registrations" "$(register_users register 100 600000)" 100
equal "three nodes: calls" "$(make_calls call 200 50 200)" 200
sipp_start wlan message-uas message_uas -i 10.20.0.2 -p 5060
sipp_run lte message message_uac 10.10.0.1:5060 -i 10.10.0.2 -p 5060 -inf "$RUN/pairs.csv" -m 200 -r 100 -timeout 30
sipp_stop message-uas
equal "three nodes: messages" "$(sipp_stat message "SuccessfulCall(C)")" 200

# The S-CSCF loses all it knew; the HSS gives back who is registered (TS 23.380 §4), callers and called.
NODE=s RUN=$base/s saker_stop control KILL
NODE=s RUN=$base/s saker_stop dataplane
rm -f "$base"/s/control.db*
NODE=s RUN=$base/s saker_restart dataplane && NODE=s RUN=$base/s saker_restart control || fail "the S-CSCF comes back"
at s s saker_wait_hss
sets() { at s s sakerctl -o json reg list | grep -c '"impu"'; }
equal "three nodes: the S-CSCF knows nobody" "$(sets)" 0
equal "three nodes: calls of users it forgot" "$(make_calls forgotten 100 20 200)" 100
if [ "$(sets)" -ge 20 ]; then ok "three nodes: users were restored"; else fail "three nodes: restored $(sets)"; fi
equal "three nodes: de-registrations" "$(register_users deregister 100 0)" 100

# The P-CSCF is told by the S-CSCF of what ends there, also after either of them began anew (TS 24.229 §5.2.3).
equal "three nodes: registered again" "$(register_users again 10 600000)" 10
watched() { at p p sakerctl -o json metrics | python3 -c '
import json, sys
print(sum(int(r["value"]) for r in json.load(sys.stdin)["rows"] if r["metric"] == "saker_watcher_subscriptions"))'; }
known() { at p p sakerctl -o json reg list | grep -c '"impu"'; }
within() { # WANTED COMMAND...: within some seconds
	local wanted=$1 n
	shift
	for n in $(seq 100); do
		[ "$("$@")" = "$wanted" ] && return 0
		sleep 0.05
	done
	echo "$("$@") instead of $wanted"
	return 1
}
identity() { at s s sakerctl -o json reg list | python3 -c '
import json, sys
print(json.load(sys.stdin)["rows"][0]["impu"])'; }
all=$(known)
check "three nodes: the P-CSCF is told of its users" within 10 watched
check "three nodes: the operator of the S-CSCF ends a registration" at s s sakerctl reg dereg "$(identity)"
check "three nodes: the P-CSCF knows that user no more" within $((all - all / 10)) known
for node in p s; do
	NODE=$node RUN=$base/$node saker_stop control KILL
	NODE=$node RUN=$base/$node saker_restart control || fail "control of $node comes back"
	[ $node = s ] && at s s saker_wait_hss
	all=$(known)
	check "three nodes: after the death of control of $node the P-CSCF is told" within $all watched
	check "three nodes: the operator ends another" at s s sakerctl reg dereg "$(identity)"
	check "three nodes: the P-CSCF knows that one no more" within $((all - 1)) known
done
