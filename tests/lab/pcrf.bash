# pcrf.bash - a node with a PCRF, whose control can be killed by others; sourced after common.bash
#
# PCRF_POLICY: further lines of the section "policy".
PCRF_POLICY=${PCRF_POLICY:-}
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
