# pcrf.bash - a node with a PCRF, its Diameter under the eye of tshark; sourced after common.bash
#
# PCRF_POLICY: further lines of the section "policy". PEER_PORT, PEER_APPLICATION: of another peer than a PCRF.
PCRF_POLICY=${PCRF_POLICY:-}
PEER_PORT=${PEER_PORT:-3870} PEER_APPLICATION=${PEER_APPLICATION:-16777236}
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	cat >>"$RUN/saker.yaml" <<-EOF
		policy:
		  access: [10.10.0.0/16, 10.20.0.0/16]
		  pcrfs:
		    - identity: pcrf.ims.example
		      address: 127.0.0.1:3870
		  timeout: 1s
		$PCRF_POLICY
	EOF
}

# A command, in $RUN/kill.sh, that kills control and starts it anew. Runs in this shell, which knows the processes.
kill_control() {
	saker_stop control KILL 2>/dev/null
	saker_restart control && saker_wait_hss
}
pcrf_killer() {
	mkfifo "$RUN/kill" "$RUN/killed"
	while read -r _ <>"$RUN/kill"; do
		kill_control >/dev/null 2>&1
		echo done >"$RUN/killed"
	done & killer=$!
	cat >"$RUN/kill.sh" <<-EOF
		echo now >"$RUN/kill"
		read -r _ <"$RUN/killed"
	EOF
}

pcrf_watch() {
	shark=
	if command -v tshark >/dev/null; then
		lab_in node tshark -i lo -w "$RUN/diameter.pcap" -f "tcp port $PEER_PORT" 2>"$RUN/shark.log" >/dev/null & shark=$!
		for _ in $(seq 150); do
			grep -q '^Capturing on' "$RUN/shark.log" && break
			sleep 0.1
		done
	fi
}

# More packets of its application than so many were seen, and none is malformed.
pcrf_seen() { # MORE-THAN
	if [ -n "$shark" ]; then
		kill $shark
		wait $shark 2>/dev/null
		local decode seen
		decode=(-r "$RUN/diameter.pcap" -d "tcp.port==$PEER_PORT,diameter")
		seen=$(tshark "${decode[@]}" -Y "diameter.applicationId == $PEER_APPLICATION" 2>/dev/null | wc -l)
		if [ "$seen" -gt "$1" ]; then ok "tshark reads $seen packets of it"; else fail "tshark reads $seen packets of it"; fi
		equal "none is malformed" "$(tshark "${decode[@]}" -Y '_ws.malformed' 2>/dev/null | wc -l)" 0
	fi
}
