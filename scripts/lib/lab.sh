# lab.sh - the lab's network: hosts in network namespaces, joined by veth; sourced by scripts/lab, quickstart and tests
#
#   ${LAB}lte  10.10.0.2 ── veth ── 10.10.0.1 ┐
#              fd00:10::2            fd00:10::1│
#                                              │  saker-dataplane's ports (AF_XDP or AF_PACKET),
#   ${LAB}wlan 10.20.0.2 ── veth ── 10.20.0.1 ┤  in ${LAB}node; control and hss beside it,
#              fd00:20::2            fd00:20::1│  Diameter over that namespace's loopback
#                                              │
#   ${LAB}core 10.30.0.2 ── veth ── 10.30.0.1 ┘
#              .10, .11: peers       fd00:30::1
#
# The addresses on the right belong to the data plane, not to the kernel of ${LAB}node. Nothing here leaves the
# machine. Everything made is named after $LAB and removed by lab_down, whatever state it is in.

LAB=${SAKER_LAB:-saker-}
LAB_HOSTS=(lte wlan core)
LAB_MTU=${SAKER_LAB_MTU:-1500}
LAB_QUEUES=${SAKER_LAB_QUEUES:-1}

lab_net() { # host -> the second octet of its network
	case $1 in lte) echo 10 ;; wlan) echo 20 ;; core) echo 30 ;; esac
}

# Runs a command in a host: lab_in lte ping 10.10.0.1. As the unprivileged user `nobody` with lab_as.
lab_in() { local host=$1; shift; ip netns exec "$LAB$host" "$@"; }
lab_as() { local host=$1; shift; ip netns exec "$LAB$host" setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

# A veth pair: interface IF in host NODE, for its data plane, and interface PEERIF in host PEER.
lab_veth() { # node if peer peerif
	# XDP wants as many queues to send from there as there are here to receive on, and no more.
	ip -n "$LAB$1" link add "$2" mtu "$LAB_MTU" numrxqueues "$LAB_QUEUES" numtxqueues "$LAB_QUEUES" type veth \
		peer name "$4" netns "$LAB$3" mtu "$LAB_MTU" numrxqueues "$LAB_QUEUES" numtxqueues "$LAB_QUEUES"
	# A veth hands over UDP with unfinished checksums and merged segments until told not to.
	ip netns exec "$LAB$1" ethtool -K "$2" tx off rx off tso off gso off gro off >/dev/null 2>&1 || true
	ip netns exec "$LAB$3" ethtool -K "$4" tx off rx off tso off gso off gro off >/dev/null 2>&1 || true
	# The data plane is the host at this end; the kernel must not answer for it.
	ip netns exec "$LAB$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"
	ip -n "$LAB$1" link set "$2" up
	ip -n "$LAB$3" link set "$4" up
}

# `ip netns add` mounts its folder onto itself, and lab_down takes that away when it is empty: one at a time, for several labs
# come and go at once.
LAB_LOCK=/run/saker-lab.lock
lab_netns() { flock "$LAB_LOCK" ip netns add "$1"; } # name

# An access network: host HOST with the terminals, joined to NODE.
lab_access() { # node host
	local node=$1 host=$2 n
	n=$(lab_net "$host")
	lab_netns "$LAB$host"
	lab_veth "$node" "$host" "$host" eth0
	ip netns exec "$LAB$host" sysctl -qw net.ipv6.conf.eth0.accept_dad=0
	ip -n "$LAB$host" link set lo up
	ip -n "$LAB$host" addr add "10.$n.0.2/24" dev eth0
	ip -n "$LAB$host" addr add "fd00:$n::2/64" dev eth0 nodad
	ip -n "$LAB$host" route add default via "10.$n.0.1"
	ip -n "$LAB$host" -6 route add default via "fd00:$n::1"
}

lab_up() {
	local host
	lab_down
	lab_netns "${LAB}node"
	ip -n "${LAB}node" link set lo up
	for host in "${LAB_HOSTS[@]}"; do
		lab_access node "$host"
	done
	for n in 10 11 12 13; do
		ip -n "${LAB}core" addr add "10.30.0.$n/24" dev eth0
	done
}

# Ends what still runs in the lab's namespaces (only there), then removes them.
lab_down() {
	local ns pids
	for ns in $(ip netns list | awk '{print $1}' | grep "^$LAB" || true); do
		pids=$(ip netns pids "$ns" 2>/dev/null || true)
		# shellcheck disable=SC2086
		[ -n "$pids" ] && kill -KILL $pids 2>/dev/null || true
		ip netns del "$ns" 2>/dev/null || true
	done
	# shellcheck disable=SC2016
	flock "$LAB_LOCK" sh -c '[ -n "$(ls /run/netns 2>/dev/null)" ] || umount /run/netns 2>/dev/null || true'
}
