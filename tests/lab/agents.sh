#!/bin/bash
# agents.sh - two user agents of Debian (baresip): digest, 407, calls with media past the node, hold, MESSAGE, goodbye
#
# libre gives up at a challenge whose algorithm it does not know, and knows MD5 only: it is given that alone. Media does not cross Saker: a link of its own joins the two access networks, as their routers would.
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	sed -i '/^control:/a\  proxy-auth: initial\n  digest-sha256: false' "$RUN/saker.yaml"
}
start_saker 2 2 2 || { fail "start"; exit 1; }
ip -n "${LAB}lte" link add media type veth peer name media netns "${LAB}wlan"
for way in "lte 10.20.0.2" "wlan 10.10.0.2"; do
	read -r host far <<<"$way"
	ip -n "$LAB$host" link set media up
	ip -n "$LAB$host" route add "$far/32" dev media
done
for user in alice bob; do
	check "$user provisioned" sakerctl sub add $user@ims.example impu=sip:$user@ims.example password=secret
done
bindings() { sakerctl -o json reg list | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["rows"]))'; }
metric() { sakerctl -o json metrics | python3 -c '
import json, sys
print(sum(int(r["value"]) for r in json.load(sys.stdin)["rows"] if r["metric"].startswith(sys.argv[1]) and sys.argv[2] in r["metric"]))' "$1" "$2"; }
python3 "$root/tests/lab/agents.py" "$LAB" "$RUN"
equal "nobody is registered any more" "$(bindings)" 0
if [ "$(metric saker_proxy_auth_total passed)" -ge 3 ]; then ok "what they began was proved (407)"; else fail "407: $(metric saker_proxy_auth_total passed)"; fi
equal "both sessions were seen, and their ends" "$(metric saker_sessions_begun_total '') - $(metric saker_sessions_ended_total '{by="user"}')" "2 - 2"
