#!/bin/bash
# dns.sh - calls out of the network: ENUM, SRV and NAPTR of a real name server, rules, and a name server that is gone
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
dns_port=15353
lab_config() {
	lab_config_plain "$@"
	cat >>"$RUN/saker.yaml" <<-EOF
		dns:
		  servers: [127.0.0.1:$dns_port]
		  timeout: 200ms
		  ttl-max: 2s
		  negative-ttl: 1s
		numbers:
		  country: 49
		  area: 30
	EOF
	sed -i '/^control:/a\  bgcf:\n    - {prefix: "+44", to: "sip:10.10.0.2:5090"}\n    - {domain: partner.example, to: "sip:far.example"}' "$RUN/saker.yaml"
}
name_server_start() {
	cat >"$RUN/nsd.conf" <<-EOF
		server:
		  ip-address: 127.0.0.1@$dns_port
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
		ns A 127.0.0.1
		far NAPTR 10 10 "s" "SIP+D2T" "" _sip._tcp.far
		far NAPTR 20 10 "s" "SIP+D2U" "" _sip._udp.far
		_sip._udp.far SRV 10 5 5090 host.far
		_sip._udp.far SRV 20 5 5099 gone.far
		host.far A 10.10.0.2
		srv CNAME alias
		_sip._udp.srv SRV 10 0 5090 host.far
		_sip._udp.two SRV 10 0 5091 host.far
		_sip._udp.two SRV 20 0 5090 host.far
		self A 10.10.0.1
		round CNAME trip
		trip CNAME round
	EOF
	cat >"$RUN/enum.zone" <<-'EOF'
		$TTL 300
		@ SOA ns.example. hostmaster.example. 1 3600 600 86400 1
		@ NS ns.example.
		*.0.3.9.4 NAPTR 10 10 "u" "E2U+sip" "!^\\+4930(.*)$!sip:\\1@far.example!" .
		5.5.9.4 NAPTR 10 10 "u" "E2U+sip" "!^.*$!sip:user000001@ims.example!" .
		6.6.9.4 NAPTR 10 10 "u" "E2U+sip" "!^.*$!sip:nobody@ims.example!" .
		1.1.1.9.4 NAPTR 10 10 "u" "E2U+sip" "!((.*)*)*x!sip:x@far.example!" .
	EOF
	ip netns exec "$LAB$NODE" nsd -d -c "$RUN/nsd.conf" >"$RUN/nsd.log" 2>&1 &
	name_server=$!
	sleep 1
}
name_server_stop() {
	kill "$name_server" && wait "$name_server" 2>/dev/null
	name_server=
}
name_server=
trap '[ -z "$name_server" ] || name_server_stop; saker_stop_all; lab_down' EXIT

terminal() { # the lines
	printf '%s\n' "$@" | lab_in lte python3 "$root/tests/lab/dns.py" 10.10.0.2:5070 10.10.0.1:5060 digest1 secret 10.10.0.2:5090
}

start_saker 1 20 20 || { fail "start"; exit 1; }
name_server_start
check "provisioned" sakerctl sub add digest1@ims.example impu=sip:digest1@ims.example password=secret
check "a foreign domain, by NAPTR, SRV and A" terminal "sip:x@far.example sip:x@far.example"
asked=$(metric saker_dns_questions_total)
check "and again" terminal "sip:y@far.example sip:y@far.example"
equal "the second time from memory" "$(metric saker_dns_questions_total)" "$asked"
controlled=$(metric saker_outbound_total)
went=$(metric saker_dataplane_onward_total)
check "and once more" terminal "sip:z@far.example sip:z@far.example"
equal "without control" "$(metric saker_outbound_total) $(($(metric saker_dataplane_onward_total) - went))" "$controlled 1"
fails() { ! "$@"; }
has() { "$@" | grep -qF "$word"; }
word=far.example check "the way is shown" has sakerctl route show
word=10.10.0.2:5090 check "with its hops" has sakerctl route show
check "a hop that is silent is passed by" terminal "sip:x@two.example sip:x@two.example"
began=$(date +%s%N)
check "and at once the next time" terminal "sip:x@two.example sip:x@two.example"
if [ $((($(date +%s%N) - began) / 1000000)) -lt 3000 ]; then ok "within 3 s"; else fail "the silent hop was tried again"; fi
if [ "$(metric saker_dataplane_onward_next_total)" -ge 1 ]; then ok "counted"; else fail "no next hop was tried"; fi
word="10 5 5090 host.far.example" check "an operator asks as a call does" has sakerctl dns query _sip._udp.far.example srv
check "there is nothing of a name" fails sakerctl dns query nobody.example
word=_sip._udp.far.example check "what is known is shown" has sakerctl dns show
check "all is forgotten" sakerctl dns flush
check "the ways too" sakerctl route flush
word=far.example check "none is left" fails has sakerctl route show
check "each is found anew" terminal "sip:x@far.example sip:x@far.example"
check "by SRV alone" terminal "sip:x@srv.example sip:x@srv.example"
check "a number by ENUM" terminal "tel:+4930-12345 sip:12345@far.example"
check "a number by rule" terminal "tel:+44123 tel:+44123"
check "a domain by rule, to where the DNS says" terminal "sip:x@partner.example sip:x@partner.example"
check "nobody knows the domain or the number" terminal "sip:x@nobody.example 404" "tel:+331 404"
check "what leads to ourselves" terminal "sip:x@self.example 404"
check "names in a circle" terminal "sip:x@round.example 404"
check "an expression without end" terminal "tel:+49111 404"
check "numbers as they are dialled" terminal "tel:12345;phone-context=ims.example sip:12345@far.example" \
	"tel:030777;phone-context=ims.example sip:777@far.example" "sip:004930777@ims.example;user=phone sip:777@far.example" \
	"tel:777;phone-context=+4930 sip:777@far.example"
check "what is no number" terminal "tel:*21;phone-context=ims.example 404" "tel:1;phone-context=elsewhere.example 404"
check "a number of our own by ENUM: its user is not there" terminal "tel:+4955 480"
check "or is nobody" terminal "tel:+4966 404"
name_server_stop
sleep 2.5
check "the name server is gone" terminal "sip:x@far.example 504" "tel:+493012345 504"
check "rules do without it" terminal "tel:+44123 tel:+44123"
name_server_start
check "it is back" terminal "sip:x@far.example sip:x@far.example"

# A name server of the worst kind, while others call each other.
name_server_stop
ip netns exec "$LAB$NODE" python3 "$root/tests/lab/hostile_dns.py" "$dns_port" &
name_server=$!
equal "users register" "$(register_users aka 20 600000)" 20
make_calls meanwhile 300 50 100 >"$RUN/meanwhile" &
calls=$!
sleep 1
check "it answers where it is told to" terminal "sip:x@good.example sip:x@good.example" "sip:x@slow.example sip:x@slow.example"
check "answers that live for ever or not at all" terminal "sip:x@eternal.example sip:x@eternal.example" "sip:x@brief.example sip:x@brief.example"
for how in silent servfail refused truncated cut forged noise counts; do
	check "$how" terminal "sip:x@$how.example 504"
done
for how in nothing circle squeezed long many inside group; do
	check "$how" terminal "sip:x@$how.example 404|504"
done
wait "$calls"
equal "calls among users were all made meanwhile" "$(cat "$RUN/meanwhile")" 300
equal "no question is left" "$(metric saker_dns_open)" 0
check "the node is well" sakerctl status
