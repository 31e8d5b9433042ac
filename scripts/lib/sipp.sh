# sipp.sh - run SIPp as UEs in a host of the lab; sourced after lab.sh
#
# SIPp runs as the user nobody, never as root, in a folder of its own; its counters are read from its statistics file.

SIPP_DIR=$(dirname "${BASH_SOURCE[0]}")/../../bench/sipp

# sipp_prepare NAME SCENARIO: makes $RUN/sipp/NAME and sets SIPP_ARGS to what names the scenario: a file of bench/sipp, or
# with a dash before it one of SIPp's own.
sipp_prepare() {
	local dir
	dir=$(sipp_dir "$1")
	if [ "${2#-}" = "$2" ]; then
		cp "$SIPP_DIR/$2.xml" "$dir/scenario.xml"
		SIPP_ARGS=(-sf scenario.xml)
	else
		SIPP_ARGS=(-sn "${2#-}")
	fi
	SIPP_ARGS+=(-nostdin -trace_stat -fd 1 -stf stat.csv -trace_err -error_file errors.log)
}

# sipp_run HOST NAME SCENARIO REMOTE [SIPp's arguments]: to the end. SIPp's exit code.
sipp_run() {
	local host=$1 name=$2 scenario=$3 remote=$4
	shift 4
	sipp_prepare "$name" "$scenario"
	(cd "$RUN/sipp/$name" && lab_as "$host" sipp "$remote" "${SIPP_ARGS[@]}" -timeout_error "$@" >screen.log 2>&1)
}

# sipp_start HOST NAME SCENARIO [SIPp's arguments]: in the background, for servers; its PID in $RUN/sipp/NAME/pid.
sipp_start() {
	local host=$1 name=$2 scenario=$3
	shift 3
	sipp_prepare "$name" "$scenario"
	# exec all the way, so that the PID is SIPp's own.
	(cd "$RUN/sipp/$name" && exec ip netns exec "$LAB$host" setpriv --reuid=65534 --regid=65534 --clear-groups \
		sipp "${SIPP_ARGS[@]}" "$@" >screen.log 2>&1) &
	echo $! >"$RUN/sipp/$name/pid"
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
