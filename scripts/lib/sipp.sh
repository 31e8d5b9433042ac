# sipp.sh - run SIPp as UEs in a host of the lab; sourced after lab.sh
#
# SIPp runs as the user nobody, never as root, in a folder of its own; its counters are read from its statistics file.

SIPP_DIR=$(dirname "${BASH_SOURCE[0]}")/../../bench/sipp

# sipp_run HOST NAME SCENARIO REMOTE [SIPp's arguments]: to the end; files in $RUN/sipp/NAME. SIPp's exit code.
sipp_run() {
	local host=$1 name=$2 scenario=$3 remote=$4 dir
	shift 4
	dir=$(sipp_dir "$name")
	if [ "${scenario#-}" = "$scenario" ]; then
		cp "$SIPP_DIR/$scenario.xml" "$dir/scenario.xml"
		set -- -sf scenario.xml "$@"
	else
		set -- -sn "${scenario#-}" "$@"
	fi
	(cd "$dir" && lab_as "$host" sipp "$remote" -nostdin -trace_stat -fd 1 -stf stat.csv -trace_rtt -rtt_freq 1 \
		-trace_err -error_file errors.log -timeout_error "$@" >screen.log 2>&1)
}

# In the background; its PID in $RUN/sipp/NAME/pid. For servers.
sipp_start() {
	local host=$1 name=$2 scenario=$3
	local dir
	shift 3
	dir=$(sipp_dir "$name")
	if [ "${scenario#-}" = "$scenario" ]; then
		cp "$SIPP_DIR/$scenario.xml" "$dir/scenario.xml"
		set -- -sf scenario.xml "$@"
	else
		set -- -sn "${scenario#-}" "$@"
	fi
	# exec all the way, so that the PID is SIPp's own.
	(cd "$dir" && exec ip netns exec "$LAB$host" setpriv --reuid=65534 --regid=65534 --clear-groups \
		sipp -nostdin -trace_stat -fd 1 -stf stat.csv -trace_err -error_file errors.log "$@" >screen.log 2>&1) &
	echo $! >"$dir/pid"
	sleep 0.3
}

# Ends a server once its calls are over.
sipp_stop() {
	local pid i
	pid=$(cat "$RUN/sipp/$1/pid" 2>/dev/null) || return 0
	kill -USR1 "$pid" 2>/dev/null || return 0
	for ((i = 0; i < 60; i++)); do
		kill -0 "$pid" 2>/dev/null || return 0
		sleep 0.1
	done
	kill -KILL "$pid" 2>/dev/null || true
}

sipp_dir() {
	local dir=$RUN/sipp/$1
	rm -rf "$dir"
	mkdir -p "$dir"
	chown 65534:65534 "$dir"
	echo "$dir"
}

# sipp_stat NAME COLUMN: the last value of a cumulative counter, such as SuccessfulCall(C).
sipp_stat() {
	awk -F';' -v want="$2" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == want) at = i }
		NR > 1 && at { value = $at }
		END { print value + 0 }' "$RUN/sipp/$1/stat.csv" 2>/dev/null || echo 0
}
