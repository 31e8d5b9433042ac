#!/bin/bash
# agents.sh - two user agents of Debian (baresip): digest, 407, calls with media past the node, hold, MESSAGE, goodbye; and what answers
# in place of who is not there: SIPp as voicemail, announcement and redirect server
#
# libre gives up at a challenge whose algorithm it does not know, and knows MD5 only: it is given that alone. Media does not cross Saker: a link of its own joins the two access networks, as their routers would.
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	sed -i -e '/^control:/a\  proxy-auth: initial\n  digest-sha256: false' \
		-e '/net: 10.30.0.11/a\    - name: servers\n      net: 10.30.0.12/31' "$RUN/saker.yaml"
}
start_saker 2 2 2 || { fail "start"; exit 1; }
media() { # link host address host address
	ip -n "$LAB$2" link add "$1" type veth peer name "$1" netns "$LAB$4"
	ip -n "$LAB$2" link set "$1" up
	ip -n "$LAB$4" link set "$1" up
	ip -n "$LAB$2" route add "$5/32" dev "$1"
	ip -n "$LAB$4" route add "$3/32" dev "$1"
}
media media lte 10.10.0.2 wlan 10.20.0.2
media servers lte 10.10.0.2 core 10.30.0.13
server() { # name port [SIPp's arguments]: it serves who is called and is not registered
	local name=$1 port=$2
	shift 2
	echo "<InitialFilterCriteria><Priority>1</Priority><TriggerPoint><ConditionTypeCNF>1</ConditionTypeCNF><SPT><Group>0</Group>"\
"<SessionCase>2</SessionCase></SPT></TriggerPoint><ApplicationServer><ServerName>sip:10.30.0.13:$port</ServerName></ApplicationServer>"\
"</InitialFilterCriteria>" >"$RUN/$name.xml"
	check "profile $name" sakerctl sub profile put "$name" "$RUN/$name.xml"
	sipp_start core "$name" "$name" -i 10.30.0.13 -p "$port" -mi 10.30.0.13 -mp $((port + 20000)) "$@"
}
server voicemail 5080 -rtp_echo
server announcement 5090 -rtp_echo
server redirect 5100 -set to sip:bob@ims.example
for user in alice "bob profile=voicemail" "nobody profile=announcement" "desk profile=redirect"; do
	name=${user%% *}
	# shellcheck disable=SC2086
	check "$name provisioned" sakerctl sub add $name@ims.example impu=sip:$name@ims.example password=secret ${user#"$name"}
done
bindings() { sakerctl -o json reg list | python3 -c 'import json, sys; print(sum("unregistered" not in str(r) for r in json.load(sys.stdin)["rows"]))'; }
metric() { sakerctl -o json metrics | python3 -c '
import json, sys
print(sum(int(r["value"]) for r in json.load(sys.stdin)["rows"] if r["metric"].startswith(sys.argv[1]) and sys.argv[2] in r["metric"]))' "$1" "$2"; }
python3 "$root/tests/lab/agents.py" "$LAB" "$RUN"
equal "nobody is registered any more" "$(bindings)" 0
if [ "$(metric saker_proxy_auth_total passed)" -ge 3 ]; then ok "what they began was proved (407)"; else fail "407: $(metric saker_proxy_auth_total passed)"; fi
equal "all sessions were seen, and their ends" "$(metric saker_sessions_begun_total '') - $(metric saker_sessions_ended_total '{by="user"}')" "4 - 4"
for name in voicemail announcement redirect; do
	sipp_stop $name
	equal "$name had its call" "$(sipp_stat $name "SuccessfulCall(C)")" 1
done
