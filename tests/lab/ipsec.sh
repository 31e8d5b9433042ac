#!/bin/bash
# ipsec.sh - terminals under ESP by Scapy: each algorithm, IPv4; new associations for old; what must not get through; restarts
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	sed -i '/^control:/i\pcscf:\n  protected-ports: {server: 5101, client: [5102, 5103]}\n  security:\n    integrity: [hmac-sha-256-128, hmac-sha-1-96, hmac-md5-96, aes-gmac]' "$RUN/saker.yaml"
}
start_saker 1 4 4 || { fail "start"; exit 1; }

drops() { sakerctl -o json drops --all | python3 -c '
import json, sys
print(sum(int(r["count"]) for r in json.load(sys.stdin)["rows"] if r["reason"] == sys.argv[1]))' "$1"; }
terminals() { # alg ealg what [inside]
	lab_in lte /usr/bin/python3 "$root/tests/lab/ipsec.py" "$RUN/subscribers.csv" 10.10.0.2 10.10.0.1 "$@"
}
six() { # alg ealg what
	lab_in lte /usr/bin/python3 "$root/tests/lab/ipsec.py" "$RUN/subscribers.csv" fd00:10::2 fd00:10::1 "$@"
}

for suite in "hmac-sha-1-96 aes-cbc" "hmac-md5-96 null" "hmac-sha-1-96 null" "hmac-sha-256-128 aes-cbc" "aes-gmac null" "null aes-gcm"; do
	# shellcheck disable=SC2086
	check "$suite: two terminals register, talk, renew, leave" terminals $suite call
done
did=$(terminals hmac-sha-1-96 aes-cbc hostile) && ok "what must not get through does not: $did" || fail "hostile: $did"
check "IPv6" six hmac-sha-1-96 aes-cbc call
check "behind a NAT: ESP in UDP, aes-cbc" terminals hmac-sha-1-96 aes-cbc call 192.168.1.4
check "behind a NAT: ESP in UDP, aes-gcm" terminals null aes-gcm call 192.168.1.4

# Associations outlive control, and the data plane: no sequence number comes twice, or the terminal would not take it.
mkfifo "$RUN/more"
terminals hmac-sha-1-96 aes-cbc calls <"$RUN/more" >"$RUN/calls" 2>&1 & pid=$!
exec 9>"$RUN/more"
for _ in $(seq 100); do
	grep -q up "$RUN/calls" && break
	sleep 0.05
done
sleep 0.5
saker_stop control KILL
sleep 0.5
saker_restart control && saker_wait_hss || fail "control does not restart"
sleep 1
echo >&9
exec 9>&-
if wait $pid; then ok "$(tail -1 "$RUN/calls") calls over the death of control"; else fail "calls over the death of control: $(tail -1 "$RUN/calls")"; fi
