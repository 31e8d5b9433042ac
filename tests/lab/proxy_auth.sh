#!/bin/bash
# proxy_auth.sh - two workers; users of SIP Digest prove each request that begins something, and no proof serves twice
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	sed -i '/^control:/a\  proxy-auth: initial\n  vectors: 3\n  access:\n    - {prefix: 10.20.0.77, allow: [giba, digest]}' "$RUN/saker.yaml"
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
# Three vectors an answer: two are left of each, and the next registration needs no HSS.
equal "two vectors are left of each user's three" "$(metric saker_auth_vectors_users)" 20
equal "they register again by those" "$(register_users again 20 600000)" 20
if [ "$(metric saker_auth_vectors_used_total)" -ge 20 ]; then ok "without the HSS"; else fail "by vectors left over: $(metric saker_auth_vectors_used_total)"; fi
# Where the policy lets it, the address that the access network gave is the proof (TS 33.203 Annex T); and AKA is not allowed there.
check "a subscriber known by his address" sakerctl sub add carol@ims.example impu=sip:carol@ims.example giba=10.20.0.77
lab_in wlan ip addr add 10.20.0.77/24 dev eth0
registers() { # host local user: the status of a REGISTER without credentials
	lab_in "$1" python3 - "$2" "$3" <<'PYTHON'
import socket, sys, time
host, user = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((host, 5090))
s.settimeout(3)
node = (host.rsplit(".", 1)[0] + ".1", 5060)
s.sendto(f"""REGISTER sip:ims.example SIP/2.0\r
Via: SIP/2.0/UDP {host}:5090;branch=z9hG4bK{time.time_ns()}\r
Max-Forwards: 70\r
From: <sip:{user}@ims.example>;tag=g\r
To: <sip:{user}@ims.example>\r
Call-ID: giba-{user}-{host}\r
CSeq: 1 REGISTER\r
Contact: <sip:{user}@{host}:5090>\r
Content-Length: 0\r
\r
""".encode(), node)
print(s.recv(65536).decode().split()[1])
PYTHON
}
equal "his REGISTER from there needs no challenge" "$(registers wlan 10.20.0.77 carol)" 200
equal "sub set: the network gives him another" "$(sakerctl sub set carol@ims.example giba=10.20.0.78 >/dev/null; registers wlan 10.20.0.77 carol)" 403
equal "from elsewhere it proves nothing" "$(registers lte 10.10.0.2 carol)" 403
equal "digest is allowed there" "$(registers wlan 10.20.0.77 digest1)" 401
equal "AKA is not" "$(registers wlan 10.20.0.77 user000001)" 403
if [ "$(outcome passed)" -ge 3 ] && [ "$(outcome wrong)" -ge 3 ]; then ok "it is counted"; else fail "counted: $(outcome passed) $(outcome wrong)"; fi
