# saker.sh - start, stop and ask the three daemons in the lab's node; sourced after lab.sh
#
# Needs BUILD (the build folder) and RUN (a folder for configuration, sockets, stores and logs).

SAKER_PIDS=()
: "${NODE:=node}"

# Sockets have short paths, whatever folder the clone lies in.
saker_sockets() {
	local dir=/run/saker-lab/$LAB${NODE}
	mkdir -p "$dir"
	echo "$dir"
}

saker_say() { printf '%s\n' "$*" >&2; }

# AF_XDP if this kernel and this veth take it, else AF_PACKET: printed as a device string for an interface.
saker_device() { # driver interface index
	case $1 in
	af_xdp) echo "net_af_xdp$3,iface=$2,start_queue=0,queue_count=$LAB_QUEUES,busy_budget=0" ;;
	af_packet) echo "net_af_packet$3,iface=$2,qpairs=$LAB_QUEUES,blocksz=65536,framesz=2048,framecnt=2048" ;;
	esac
}

# saker_start NAME [ARGS]: starts saker-NAME in the node and waits until it says it is ready.
saker_start() {
	local name=$1 log="$RUN/$1.log" pid i
	shift
	ip netns exec "$LAB$NODE" "$BUILD/$(saker_path "$name")" -c "$RUN/saker.yaml" "$@" >>"$log" 2>&1 &
	pid=$!
	SAKER_PIDS+=("$pid")
	echo "$pid" >"$RUN/$name.pid"
	for ((i = 0; i < 300; i++)); do
		tail -n +"$((${SAKER_LINES:-0} + 1))" "$log" 2>/dev/null | grep -q 'event=ready' && return 0
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	saker_say "saker-$name did not start; its last words:"
	tail -5 "$log" >&2
	return 1
}

saker_path() {
	case $1 in
	dataplane) echo dataplane/saker-dataplane ;;
	control) echo control/saker-control ;;
	hss) echo hss/server/saker-hss ;;
	esac
}

saker_pid() { cat "$RUN/$1.pid" 2>/dev/null; }

saker_stop() { # name, signal
	local pid i
	pid=$(saker_pid "$1") || return 0
	kill "-${2:-TERM}" "$pid" 2>/dev/null || true
	for ((i = 0; i < 50; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$pid" 2>/dev/null || true
	rm -f "$RUN/$1.pid"
}

saker_restart() { # name: for another start after a kill; waits for the new ready line only
	SAKER_LINES=$(wc -l <"$RUN/$1.log")
	saker_start "$1"
	local rc=$?
	SAKER_LINES=0
	return $rc
}

saker_stop_all() {
	local name
	for name in dataplane control hss; do
		saker_stop "$name"
	done
	rm -rf "/run/saker-lab/$LAB${NODE}"
	rmdir /run/saker-lab 2>/dev/null || true
}

sakerctl() { "$BUILD/control/ctl/sakerctl" -c "$RUN/saker.yaml" "$@"; }

# Waits until control has its Diameter connection to the HSS.
saker_wait_hss() {
	local i
	for ((i = 0; i < 100; i++)); do
		sakerctl -o json diameter peers 2>/dev/null | tr -d ' \n' | grep -qE '"peer":"(hss|locator)\.[^{}]*"open":true' && return 0
		sleep 0.1
	done
	saker_say "control is not connected to the HSS: see $RUN/control.log"
	return 1
}
