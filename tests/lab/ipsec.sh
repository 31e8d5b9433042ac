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

# with_line WHAT COMMAND...: terminals of aes-cbc, and when they are up the command, then their line
with_line() {
	local what=$1 pid result
	shift
	rm -f "$RUN/line"
	mkfifo "$RUN/line"
	terminals hmac-sha-1-96 aes-cbc "$what" <"$RUN/line" >"$RUN/said" 2>&1 & pid=$!
	exec 9>"$RUN/line"
	for _ in $(seq 100); do
		grep -q up "$RUN/said" && break
		sleep 0.05
	done
	"$@"
	echo >&9
	exec 9>&-
	wait $pid
	result=$?
	[ $result = 0 ] || tail -1 "$RUN/said"
	return $result
}

# Associations outlive control, and the data plane, whose sequence numbers go on: the terminals would not take one twice.
kill_control() {
	sleep 0.5
	saker_stop control KILL 2>/dev/null
	sleep 0.5
	saker_restart control && saker_wait_hss
	sleep 1
}
kill_dataplane() {
	saker_stop dataplane KILL 2>/dev/null
	saker_restart dataplane
	for _ in $(seq 50); do
		[ "$(sakerctl -o json status 2>/dev/null | grep -c '"dataplane": *"connected"')" = 1 ] && break
		sleep 0.1
	done
	sleep 1
}
check "calls over the death of control" with_line calls kill_control
check "the same associations when the data plane died and came back" with_line pause kill_dataplane

# Another reader of ESP: what went over the wire is SIP, with the keys that the terminals have, and nothing without.
if command -v tshark >/dev/null; then
	lab_in lte tshark -i eth0 -w "$RUN/esp.pcap" -f 'ip proto 50' 2>"$RUN/shark.log" >/dev/null & shark=$!
	for _ in $(seq 150); do
		grep -q '^Capturing on' "$RUN/shark.log" && break
		sleep 0.1
	done
	sleep 0.5
	check "a call that is captured" with_line pause true
	sleep 1
	kill $shark
	wait $shark 2>/dev/null
	keys=(-o esp.enable_encryption_decode:TRUE)
	while read -r _ spi ck ik; do
		keys+=(-o "uat:esp_sa:\"IPv4\",\"*\",\"*\",\"$spi\",\"AES-CBC [RFC3602]\",\"0x$ck\",\"HMAC-SHA-1-96 [RFC2404]\",\"0x${ik}00000000\"")
	done < <(grep '^sa ' "$RUN/said")
	shown=$(tshark -r "$RUN/esp.pcap" "${keys[@]}" -Y 'sip.Request-Line contains "BYE"' 2>/dev/null | wc -l)
	equal "tshark reads BYEs: three calls, two legs each" "$shown" 6
	equal "and nothing without keys" "$(tshark -r "$RUN/esp.pcap" -Y sip 2>/dev/null | wc -l)" 0
fi

# Keys, of the subscribers and of the associations, are in no log, and nothing that is shown has them.
cut -d, -f1- "$RUN/subscribers.csv" | grep -oiE '[0-9a-f]{32}' | sort -u >"$RUN/keys"
grep '^sa ' "$RUN/said" | grep -oE '[0-9a-f]{32}' >>"$RUN/keys"
sakerctl sa show >"$RUN/shown.log" 2>&1
sakerctl -o json metrics >>"$RUN/shown.log" 2>&1
sakerctl sub show "$(sed -n 2p "$RUN/subscribers.csv" | cut -d, -f1)" >>"$RUN/shown.log" 2>&1
if [ "$(wc -l <"$RUN/keys")" -ge 4 ] && ! grep -liFf "$RUN/keys" "$RUN"/*.log; then
	ok "no key in a log, nor in what sakerctl shows"
else
	fail "keys: $(grep -liFf "$RUN/keys" "$RUN"/*.log | tr '\n' ' ')"
fi
