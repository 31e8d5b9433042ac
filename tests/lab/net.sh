#!/bin/sh
# net.sh - the packet side on kernel interfaces: every driver, one to three workers
#
#   sknet-p                                sknet-n
#   net_peer.py  [p0] ─────── veth ─────── [n0]  saker-net-echo (roles: send it back)
#   10.77.0.9/24, 2001:db8:77::9/64        10.77.0.1/24, 2001:db8:77::1/64
#
# net.sh FOLDER [DRIVER...]     FOLDER: for its files; drivers: af_packet af_xdp tap; all without any
# BUILD: where it was built, default the project's build/. Needs root. Prints "ok NAME" or "FAIL NAME";
# 0 if nothing failed.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../../build}
dir=${1:?usage: net.sh FOLDER [DRIVER...]}
shift
drivers=${*:-af_packet af_xdp tap}
node=$(find "$build" -name saker-net-echo -type f | head -n 1)
mkdir -p "$dir" || exit 3
pid=
failed=0

clean() {
	[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null
	ip netns del sknet-p 2>/dev/null
	ip netns del sknet-n 2>/dev/null
}
trap clean EXIT
trap 'exit 3' INT TERM

say() { # ok|FAIL NAME
	echo "$1 $2"
	[ "$1" = ok ] || failed=1
}

quiet_link() { # namespace interface
	# A veth leaves checksums and VLAN tags for a NIC to fill in.
	ip netns exec "$1" ethtool -K "$2" tx off rx off gso off gro off tso off txvlan off rxvlan off \
		>/dev/null 2>&1
}

peer_addresses() { # interface
	ip -n sknet-p addr add 10.77.0.9/24 dev "$1"
	ip -n sknet-p addr add 2001:db8:77::9/64 dev "$1" nodad
}

namespaces() {
	ip netns del sknet-p 2>/dev/null
	ip netns del sknet-n 2>/dev/null
	# Not while another lab takes the folder of namespaces away (scripts/lib/lab.sh).
	flock /run/saker-lab.lock ip netns add sknet-p && flock /run/saker-lab.lock ip netns add sknet-n || exit 3
	ip -n sknet-p link set lo up
	ip netns exec sknet-n sysctl -qw net.ipv6.conf.default.disable_ipv6=1
}

veth() { # queues
	ip -n sknet-n link add n0 numtxqueues "$1" numrxqueues "$1" type veth \
		peer name p0 netns sknet-p numtxqueues "$1" numrxqueues "$1" || exit 3
	quiet_link sknet-n n0
	quiet_link sknet-p p0
	ip -n sknet-n link set n0 up
	ip -n sknet-p link set p0 up
}

conf() { # device workers queues vlan
	cat >"$dir/saker.yaml" <<-EOF
	realm: ims.example
	runtime-dir: $dir
	state-dir: $dir
	dataplane:
	  workers: $2
	  idle: adaptive
	  huge-pages: never
	  buffers: 16384
	  users: 1000
	  transactions: 1024
	  ports:
	    - name: wire
	      device: "$1"
	      addresses: [10.77.0.1/24, "2001:db8:77::1/64"]
	      queues: $3
	      vlan: $4
	EOF
}

start() {
	ip netns exec sknet-n "$node" -c "$dir/saker.yaml" >"$dir/log" 2>&1 &
	pid=$!
	for _ in $(seq 100); do
		grep -q event=ready "$dir/log" && return 0
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	cat "$dir/log"
	return 1
}

stop() { # name
	kill -TERM "$pid"
	wait "$pid"
	code=$?
	pid=
	[ $code -eq 0 ] && [ ! -e "$dir/dataplane.sock" ] && [ ! -e "$dir/dataplane-abi.sock" ] &&
		say ok "$1stop" || { say FAIL "$1stop (exit $code)"; tail -n 5 "$dir/log"; }
}

peer() { # interface workers prefix checks...
	interface=$1
	workers=$2
	shift 2
	ip netns exec sknet-p python3 "$here/net_peer.py" "$interface" "$dir/dataplane.sock" "$workers" \
		"$@" || failed=1
}

all="ping4 ping6 ping4_fragments ping6_fragments udp4 udp6 full_mtu udp4_fragments udp6_fragments
	udp4_largest keepalive worker_ports handoff many_sources bad_checksum closed_port
	control_socket status"

round() { # driver workers queues
	name="$1-$2w$3q "
	namespaces
	case $1 in
	tap)
		# The driver makes the interface in the node's namespace; the peer gets it once it is there.
		conf "net_tap0,iface=n0" "$2" "$3" 0
		start || { say FAIL "${name}start"; return; }
		ip -n sknet-n link set n0 netns sknet-p
		interface=n0
		ip -n sknet-p link set n0 up
		;;
	*)
		veth "$3"
		interface=p0
		conf "net_${1}0,iface=n0" "$2" "$3" 0
		start || { say FAIL "${name}start"; return; }
		;;
	esac
	peer_addresses "$interface"
	peer "$interface" "$2" "$name" $all
	stop "$name"
}

link_flap() { # driver
	namespaces
	veth 1
	conf "net_${1}0,iface=n0" 1 1 0
	start || { say FAIL "$1 link start"; return; }
	peer_addresses p0
	peer p0 1 "$1 before-flap " udp4
	ip -n sknet-p link set p0 down
	sleep 0.5
	ip -n sknet-p link set p0 up
	ip -n sknet-p addr replace 2001:db8:77::9/64 dev p0 nodad
	sleep 0.5
	peer p0 1 "$1 after-flap " udp4 udp6
	peer p0 1 "$1 " unknown_neighbour
	stop "$1 link "
}

vlan() { # driver
	namespaces
	veth 1
	conf "net_${1}0,iface=n0" 2 1 42
	start || { say FAIL "$1 vlan start"; return; }
	peer p0 2 "$1 " vlan_tagged
	stop "$1 vlan "
}

[ -x "$node" ] || { echo "saker-net-echo is not in $build" >&2; exit 3; }
ulimit -l unlimited 2>/dev/null
# In a build with sanitizers: libxdp 1.3.1 never frees one record for each socket.
echo leak:libxdp >"$dir/lsan"
export LSAN_OPTIONS="suppressions=$dir/lsan:print_suppressions=0"
for driver in $drivers; do
	round "$driver" 1 1
	round "$driver" 2 1
	# A veth has no combined channels, without which DPDK's AF_XDP takes one queue.
	[ "$driver" = af_xdp ] && queues=1 || queues=3
	round "$driver" 3 $queues
	if [ "$driver" != tap ]; then
		vlan "$driver"
		link_flap "$driver"
	fi
done
exit $failed
