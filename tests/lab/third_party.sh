#!/bin/bash
# third_party.sh - Application Servers hear of registrations: each state once, with what their criteria want, whatever dies meanwhile
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	sed -i '/^control:/a\  ip-association: true\n  unregistered-ttl: 4s' "$RUN/saker.yaml"
	cat >>"$RUN/saker.yaml" <<-EOF
		dns:
		  servers: [127.0.0.1:$dns_port]
		  timeout: 200ms
		  ttl-max: 2s
		  negative-ttl: 1s
	EOF
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
	EOF
	cat >"$RUN/example.zone" <<-'EOF'
		$TTL 300
		@ SOA ns hostmaster 1 3600 600 86400 1
		@ NS ns
		ns A 127.0.0.1
		_sip._udp.as SRV 10 5 5070 dead.as
		_sip._udp.as SRV 20 5 5070 live.as
		dead.as A 10.30.0.12
		live.as A 10.30.0.11
	EOF
	ip netns exec "$LAB$NODE" nsd -d -c "$RUN/nsd.conf" >"$RUN/nsd.log" 2>&1 &
	name_server=$!
	sleep 0.5
}
name_server=
dns_port=15354
py="$root/tests/lab/third_party.py"
criterion() { # priority server types more
	echo "<InitialFilterCriteria><Priority>$1</Priority><TriggerPoint><ConditionTypeCNF>1</ConditionTypeCNF><SPT><Group>0</Group>"
	echo "<Method>REGISTER</Method><Extension>$(for t in $3; do echo "<RegistrationType>$t</RegistrationType>"; done)</Extension>"
	echo "</SPT></TriggerPoint><ApplicationServer><ServerName>$2</ServerName>$4</ApplicationServer></InitialFilterCriteria>"
}
unregistered="<TriggerPoint><ConditionTypeCNF>1</ConditionTypeCNF><SPT><Group>0</Group><SessionCase>2</SessionCase></SPT></TriggerPoint>"
{
	criterion 1 "sip:as.example" "0 2" ""
	echo "<InitialFilterCriteria><Priority>2</Priority>$unregistered<ApplicationServer>"
	echo "<ServerName>sip:voicemail.example</ServerName></ApplicationServer></InitialFilterCriteria>"
} >"$RUN/named.xml"
all="<ServiceInfo>hello</ServiceInfo><Extension><IncludeRegisterRequest/><IncludeRegisterResponse/></Extension>"
criterion 1 "sip:10.30.0.11:5070" "0 1 2" "$all" >"$RUN/all.xml"
criterion 1 "sip:10.30.0.11:5070" "0 1 2" "" >"$RUN/plain.xml"
criterion 1 "sip:10.30.0.11:5070" "0 1 2" "<DefaultHandling>1</DefaultHandling>" >"$RUN/strict.xml"

as_pid=
as_start() {
	ip netns exec "${LAB}core" python3 "$py" as 10.30.0.11:5070 "$RUN/heard" "$RUN/mode" & as_pid=$!
	sleep 0.3
}
as_stop() {
	kill -KILL "$as_pid" && wait "$as_pid" 2>/dev/null
	as_pid=
}
trap '[ -z "$as_pid" ] || as_stop; [ -z "$name_server" ] || kill "$name_server"; saker_stop_all; lab_down' EXIT
says() { echo "$1" >"$RUN/mode"; }
forget() { : >"$RUN/heard"; }
heard() { python3 "$py" heard "$RUN/heard" "$@" | tr '\n' ' ' | sed 's/ $//'; }
terminal() { # user port step...
	local user=$1 port=$2
	shift 2
	lab_in lte python3 "$py" terminal 10.10.0.2:"$port" 10.10.0.1:5060 "$user" secret "$@"
}
metric() { sakerctl -o json metrics | python3 -c '
import json, sys
print(sum(int(r["value"]) for r in json.load(sys.stdin)["rows"] if r["metric"].split("{")[0] == sys.argv[1]))' "$1"; }
registered() { sakerctl -o json reg list | grep -c "sip:$1@ims.example" || true; }

start_saker 1 20 20 || { fail "start"; exit 1; }
name_server_start
for profile in all plain strict named; do
	check "profile $profile" sakerctl sub profile put $profile "$RUN/$profile.xml"
done
for user in full:all p1:plain p2:plain p3:plain strict:strict named:named; do
	sakerctl sub add "${user%:*}@ims.example" impu="sip:${user%:*}@ims.example" password=secret profile="${user#*:}" >"$RUN/said" ||
		fail "subscriber $user: $(cat "$RUN/said")"
done

says 200
forget
as_start
check "registers, refreshes on the worker and at control, and ends" terminal full 5071 register=3600 refresh=700 again=900 end
equal "the server heard each" "$(heard)" "3600 700 900 0"
equal "of him" "$(heard user | tr ' ' '\n' | sort -u)" "full"
equal "one of them was answered by a worker" "$(metric saker_dataplane_refreshed_total)" 1
xml="application/3gpp-ims+xml,hello,message/sip,REGISTER sip:ims.example SIP/2.0,message/sip,SIP/2.0 200 OK"
equal "with what its criterion wants" "$(heard parts)" "$xml $xml $xml $xml"
equal "where he is" "$(heard access visited | sed 's/ 3GPP.*//')" '3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=1 "ims.example"'
equal "from us" "$(heard from | sed 's/;tag.*//')" "<sip:scscf.ims.example:5060>"
equal "nothing is owed" "$(metric saker_owed_registers)" 0

forget
check "registers" terminal full 5071 register=3600
check "de-registered by the operator" sakerctl reg dereg sip:full@ims.example
sleep 0.5
equal "the server heard" "$(heard)" "3600 0"
check "registers again" terminal full 5071 register=3600
forget
check "removed from the HSS, which says so (RTR)" sakerctl sub del full@ims.example
sleep 1
equal "the server heard that, too" "$(heard)" "0"

# Nobody there; control dies with what it owes.
forget
as_stop
for n in 1 2 3; do
	check "p$n registers while the server is dead" terminal p$n 508$n register=3600 $([ $n != 2 ] || echo again=1800)
done
check "p3 leaves" terminal p3 5083 end
equal "owed" "$(metric saker_owed_registers)" 3
kill -KILL "$(saker_pid control)"
as_start
saker_restart control || fail "control does not restart"
sleep 4
equal "after a restart each hears its latest state, once" "$(heard user | tr ' ' '\n' | sort | tr '\n' ' ')" "p1 p2 p3 "
equal "which is that" "$(python3 "$py" heard "$RUN/heard" user expires | awk '{print $1, ($2 > 1790) + ($2 > 3580)}' | sort | tr '\n' ' ')" \
	"p1 2 p2 1 p3 0 "
equal "nothing is owed any more" "$(metric saker_owed_registers)" 0
forget
kill -KILL "$(saker_pid control)"
saker_restart control || fail "control does not restart"
sleep 3
equal "and nothing comes twice" "$(heard)" ""

# It is there and says nothing, or that it cannot.
says silent
check "p1 registers anew" terminal p1 5084 register=1200
sleep 0.5
kill -KILL "$(saker_pid control)"
says 200
saker_restart control || fail "control does not restart"
sleep 4
equal "what was sent and not answered comes again as the same state" "$(python3 "$py" times "$RUN/heard")" "2 1"

says 500
forget
check "a server that has to be there" terminal strict 5091 register=3600
sleep 1
equal "it is not: the registration is over" "$(registered strict)" 0
check "and he is challenged" terminal strict 5091 gone=600
equal "ended for that reason" "$(metric saker_third_party_deregistered_total)" 1
says 200
sleep 3
equal "and it hears of the end" "$(heard | awk '{print $1, $NF}')" "3600 0"

# A server by its name: two addresses, of which the first is dead.
forget
check "the server has a name" terminal named 5101 register=3600
sleep 5
equal "the second address heard" "$(heard | sed "s,359.,3600,")" "3600"
equal "both are known, one rests" "$(sakerctl -o json as servers | python3 -c '
import json, sys
print(*(r["addresses"] for r in json.load(sys.stdin)["rows"] if r["server"] == "as.example"))')" "10.30.0.12:5070 (rests) 10.30.0.11:5070"
check "and ends" terminal named 5101 end
sleep 0.5
equal "it heard that at once" "$(heard | sed "s,359.,3600,")" "3600 0"

# Called, not registered: served, then let go of.
lists() { sakerctl -o json reg list | grep -c '"scscf,unregistered"' || true; }
call() { lab_in core python3 "$py" call 10.30.0.10:5060 10.30.0.1:5060 "$1"; }
equal "nobody is served without being registered" "$(lists)" 0
entries=$(metric saker_table_entries)
check "a call to one who has services for that" call named
equal "he is served" "$(lists)" 1
sleep 1.2
equal "workers have a set and an identity more" "$(metric saker_table_entries)" $((entries + 2))
equal "of whom the HSS knows" "$(sakerctl -o json sub show named@ims.example | grep -c '"unregistered"')" 1
check "a call to one who has none" call p3
equal "he is not" "$(lists)" 1
check "he registers" terminal named 5102 register=3600
equal "and is served as any other" "$(lists) $(registered named)" "0 1"
check "and ends" terminal named 5102 end
check "he is called again" call named
equal "and served again" "$(lists)" 1
kill -KILL "$(saker_pid control)"
saker_restart control || fail "control does not restart"
sleep 2
equal "a restart forgets him" "$(lists)" 0
check "and asks anew" call named
equal "when he is called" "$(lists)" 1
check "the HSS ends it" sakerctl sub dereg named@ims.example
sleep 0.5
equal "he is let go" "$(lists)" 0
check "called once more" call named
sleep 5.5
equal "until his time is over" "$(lists)" 0
equal "of which the HSS knows" "$(sakerctl -o json sub show named@ims.example | grep -c '"unregistered"')" 0
