#!/bin/bash
# two_networks.sh - two networks, each a node of all roles with an HSS of its own: users of one call those of the other
#
#   lte 10.10.0.2 ─ 10.10.0.1 a 10.30.0.1 ┐           a: ims.example, +4930, hides its topology
#                                          ├─ br0      host core, and in it br1 10.99.0.1: the name server
#  wlan 10.20.0.2 ─ 10.20.0.1 b 10.30.0.5 ┘           b: other.example, +4989
. "$(dirname "$0")/common.bash"
base=$RUN
name_server=

topology() {
	lab_down
	lab_netns "${LAB}core"
	ip -n "${LAB}core" link set lo up
	for bridge in br0 br1; do
		ip -n "${LAB}core" link add $bridge type bridge
		ip -n "${LAB}core" link set $bridge up
	done
	ip -n "${LAB}core" addr add 10.99.0.1/24 dev br1
	for node in a b; do
		lab_netns "$LAB$node"
		ip -n "$LAB$node" link set lo up
		lab_veth $node core core ic-$node
		ip -n "${LAB}core" link set ic-$node master br0
		ip -n "$LAB$node" link add dns type veth peer name dns-$node netns "${LAB}core"
		ip -n "${LAB}core" link set dns-$node master br1 up
		ip -n "$LAB$node" addr add "10.99.0.$([ $node = a ] && echo 2 || echo 3)/24" dev dns
		ip -n "$LAB$node" link set dns up
	done
	lab_access a lte
	lab_access b wlan
}

configure() { # driver node domain access address, of the core, of the other
	mkdir -p "$base/$2"
	cat >"$base/$2/saker.yaml" <<YAML
realm: $3
pcscf-uri: sip:pcscf.$3:5060
icscf-uri: sip:icscf.$3:5060
scscf-uri: sip:scscf.$3:5060
runtime-dir: $(NODE=$2 saker_sockets)
state-dir: $base/$2
dataplane:
  roles: [pcscf, icscf, scscf]
  idle: adaptive
  users: 2000
  transactions: 4096
  ports:
    - name: access
      device: "$(saker_device "$1" "$4" 0)"
      addresses: [$5/24]
      zone: access
    - name: core
      device: "$(saker_device "$1" core 1)"
      addresses: [$6/24]
      zone: core
  peers:
    - {name: gate.elsewhere.example, net: $7, trusted: false, topology-hiding: $([ "$2" = a ] && echo true || echo false)}
dns:
  servers: [10.99.0.1:53]
  timeout: 200ms
  ttl-max: 2s
control:
  hss: 127.0.0.1:3868
  auth-tries: 10
hss:
  diameter-listen: 127.0.0.1:3868
YAML
}

name_server_start() {
	cat >"$RUN/nsd.conf" <<-EOF
		server:
		  ip-address: 10.99.0.1@53
		  username: ""
		  zonesdir: "$RUN"
		  pidfile: "$RUN/nsd.pid"
		  zonelistfile: "$RUN/nsd.zones"
		  xfrdfile: "$RUN/nsd.xfrd"
		  database: ""
		remote-control:
		  control-enable: no
		zone:
		  name: example
		  zonefile: example.zone
		zone:
		  name: e164.arpa
		  zonefile: enum.zone
	EOF
	cat >"$RUN/example.zone" <<-'EOF'
		$TTL 300
		@ SOA ns hostmaster 1 3600 600 86400 1
		@ NS ns
		ns A 10.99.0.1
		ims NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp.ims
		_sip._udp.ims SRV 10 0 5060 icscf.ims
		icscf.ims A 10.30.0.1
		other NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp.other
		_sip._udp.other SRV 10 0 5060 icscf.other
		icscf.other A 10.30.0.5
	EOF
	cat >"$RUN/enum.zone" <<-'EOF'
		$TTL 300
		@ SOA ns.example. hostmaster.example. 1 3600 600 86400 1
		@ NS ns.example.
		*.0.3.9.4 NAPTR 10 10 "u" "E2U+sip" "!^(.*)$!sip:\\1@ims.example;user=phone!" .
		*.9.8.9.4 NAPTR 10 10 "u" "E2U+sip" "!^(.*)$!sip:\\1@other.example;user=phone!" .
	EOF
	lab_in core nsd -d -c "$RUN/nsd.conf" >"$RUN/nsd.log" 2>&1 &
	name_server=$!
	sleep 1
}

at() { NODE=$1 RUN=$base/$1 "${@:2}"; }
start_planes() { # driver
	configure "$1" a ims.example lte 10.10.0.1 10.30.0.1 10.30.0.5
	configure "$1" b other.example wlan 10.20.0.1 10.30.0.5 10.30.0.1
	at a saker_start dataplane && at b saker_start dataplane
}
stop_all() {
	[ -z "$name_server" ] || kill "$name_server" 2>/dev/null
	for node in a b; do
		NODE=$node RUN=$base/$node saker_stop_all
	done
	lab_down
}
trap stop_all EXIT

topology
python3 "$root/scripts/lib/subscribers.py" 40 "$base" 200
sed 's/ims\.example/other.example/g; s/+4930/+4989/g' "$base/subscribers.csv" >"$base/others.csv"
sed -i 's/@ims\.example aka/@other.example aka/' "$base/register_wlan.csv"
if ! start_planes af_xdp; then
	for node in a b; do at $node saker_stop dataplane; done
	start_planes af_packet || { fail "the data planes start"; exit 1; }
fi
name_server_start
for node in a b; do
	at $node saker_start hss && at $node saker_start control && at $node saker_wait_hss || fail "network $node starts"
	check "its subscribers" at $node sakerctl sub import "$base/$([ $node = a ] && echo subscribers || echo others).csv"
done
RUN=$base

# bench/sipp's scenarios for users of either network. Pairs are of a caller of a and a callee of b, with their numbers.
stock=$SIPP_DIR
SIPP_DIR=$RUN/scenarios
mkdir -p "$SIPP_DIR"
cp "$stock"/*.xml "$SIPP_DIR"
python3 - "$RUN" <<'PYTHON'
import sys
run = sys.argv[1]
lines = open(f"{run}/pairs.csv").read().split()
number = lambda user, area: f"+49{area}1{user[-6:]}"
rows = [line.split(";") for line in lines[1:]]
open(f"{run}/there.csv", "w").write("SEQUENTIAL\n" + "".join(f"{a};{b};{number(b, 89)}\n" for a, b in rows))
open(f"{run}/back.csv", "w").write("SEQUENTIAL\n" + "".join(f"{b};{a};{number(a, 30)}\n" for a, b in rows))
def write(name, text):
    open(f"{run}/scenarios/{name}.xml", "w").write(text)
for stock in ("call_uac", "message_uac"):
    text = open(f"{run}/scenarios/{stock}.xml").read()
    ours, theirs = "sip:[field1]@ims.example", "sip:[field1]@other.example"
    turned = text.replace("ims.example", "other.example")
    kind = stock.split("_")[0]
    write(f"{kind}_there", text.replace(ours, theirs))
    write(f"{kind}_back", turned.replace(theirs, ours))
    write(f"{kind}_tel_there", text.replace(ours, "tel:[field2]"))
    write(f"{kind}_tel_back", turned.replace(theirs, "tel:[field2]"))
write("register_other", open(f"{run}/scenarios/register.xml").read().replace("ims.example", "other.example"))
PYTHON
sipp_run lte a-users register 10.10.0.1:5060 -i 10.10.0.2 -p 5060 -inf "$RUN/register_lte.csv" -m 20 -r 100 -auth_uri ims.example \
	-key expires 600000 -timeout 60
equal "users of one register" "$(sipp_stat a-users "SuccessfulCall(C)")" 20
sipp_run wlan b-users register_other 10.20.0.1:5060 -i 10.20.0.2 -p 5060 -inf "$RUN/register_wlan.csv" -m 20 -r 100 \
	-auth_uri other.example -key expires 600000 -timeout 60
equal "users of the other register" "$(sipp_stat b-users "SuccessfulCall(C)")" 20

go() { # what kind scenario direction count
	local host=lte remote=10.10.0.1:5060 local_ip=10.10.0.2 far=wlan far_ip=10.20.0.2 name=$3
	if [ "$4" = back ]; then
		host=wlan remote=10.20.0.1:5060 local_ip=10.20.0.2 far=lte far_ip=10.10.0.2
	fi
	sipp_start $far "$name-uas" "$2_uas" -i $far_ip -p 5060 -trace_msg -message_file messages.log
	sipp_run $host "$name" "$3" $remote -i $local_ip -p 5060 -inf "$RUN/$4.csv" -m "$5" -r 50 -d 100 -timeout 30
	sipp_stop "$name-uas"
	equal "$1" "$(sipp_stat "$name" "SuccessfulCall(C)")" "$5"
}
go "calls there" call call_there there 100
go "calls back" call call_back back 100
go "calls to numbers there" call call_tel_there there 50
go "calls to numbers of ours" call call_tel_back back 50
go "messages there" message message_there there 100
go "messages to numbers of ours" message message_tel_back back 50
outbound() { at "$1" sakerctl -o json metrics | python3 -c '
import json, sys
print(sum(int(r["value"]) for r in json.load(sys.stdin)["rows"] if r["metric"] == sys.argv[1]))' "$2"; }
if [ "$(outbound a saker_dataplane_onward_total)" -gt 200 ]; then ok "by ways the workers know"; else fail "ways: $(outbound a saker_dataplane_onward_total)"; fi
# Which way a call took in the first network is not seen in the other, nor what the first keeps to itself.
equal "no terminal's Via is seen" "$(grep -E "^Via:" "$RUN/sipp/call_there-uas/messages.log" | grep -c "10\.10\.0\.")" 0
equal "no charging either" "$(grep -ciE "^P-Charging|^P-Access-Network" "$RUN/sipp/call_there-uas/messages.log" || true)" 0

# One call to nobody, and one when the other network is gone.
sed 's/\[field1\]@other/nobody@other/' "$SIPP_DIR/message_there.xml" >"$SIPP_DIR/nobody.xml"
sipp_run lte nobody nobody 10.10.0.1:5060 -i 10.10.0.2 -p 5060 -inf "$RUN/there.csv" -m 1 -timeout 20
if grep -q "404" "$RUN/sipp/nobody/errors.log"; then ok "nobody there: 404"; else fail "nobody there: $(tail -3 "$RUN/sipp/nobody/errors.log" | tr '\n' ' ')"; fi
for part in control dataplane; do at b saker_stop $part KILL; done
began=$(date +%s)
sipp_run lte gone message_there 10.10.0.1:5060 -i 10.10.0.2 -p 5060 -inf "$RUN/there.csv" -m 1 -timeout 30
if grep -qE "SIP/2.0 (504|408|503)" "$RUN/sipp/gone/errors.log"; then ok "the other network is gone: an answer"; else fail "gone: $(tail -3 "$RUN/sipp/gone/errors.log" | tr '\n' ' ')"; fi
if [ $(($(date +%s) - began)) -le 12 ]; then ok "in time"; else fail "after $(($(date +%s) - began)) s"; fi
check "the first is well" at a sakerctl status
