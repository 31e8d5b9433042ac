# common.bash - what every lab test starts with; sourced with the folder for its files as $1
#
# A test prints "ok NAME" or "FAIL NAME: why" for each thing it saw, and leaves nothing running.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$root/build}
mkdir -p "${1:?usage: TEST FOLDER}"
RUN=$(cd "$1" && pwd)
export SAKER_LAB=${SAKER_LAB:-skt-}
for part in lab saker config sipp; do
	# shellcheck source=/dev/null
	. "$root/scripts/lib/$part.sh"
done
chmod 755 "$RUN"
trap 'saker_stop_all; lab_down' EXIT
trap 'exit 130' INT TERM

ok() { echo "ok $*"; }
fail() { echo "FAIL $*"; }
# check NAME COMMAND...: ok if the command succeeds
check() {
	local name=$1
	shift
	if "$@" >"$RUN/checked" 2>&1; then
		ok "$name"
	else
		fail "$name: $(tail -1 "$RUN/checked")"
	fi
	cat "$RUN/checked"
}
equal() { # NAME IS WANTED
	if [ "$2" = "$3" ]; then ok "$1"; else fail "$1: is '$2', wanted '$3'"; fi
}

# A node with COUNT subscribers, all roles, WORKERS workers, on AF_XDP or else AF_PACKET.
start_saker() { # workers count calls [callers]
	lab_up
	python3 "$root/scripts/lib/subscribers.py" "$2" "$RUN" "$3" ${4:+"$4"}
	lab_config af_xdp "$1"
	if ! saker_start dataplane; then
		saker_stop dataplane
		lab_config af_packet "$1"
		saker_start dataplane || return 1
	fi
	saker_start hss && saker_start control && saker_wait_hss && sakerctl sub import "$RUN/subscribers.csv" >/dev/null
}

# The value of a series, with its labels if it has any.
metric() { # name
	sakerctl -o json metrics | python3 -c '
import json, sys
print(sum(int(r["value"]) for r in json.load(sys.stdin)["rows"] if r["metric"] == sys.argv[1]))' "$1"
}

# Half of COUNT users on each access network; the number that succeeded.
register_users() { # name count expires
	local half=$(($2 / 2)) a b
	sipp_run lte "$1-lte" register 10.10.0.1:5060 -i 10.10.0.2 -p 5060 -inf "$RUN/register_lte.csv" -m $half -r 100 \
		-auth_uri ims.example -key expires "$3" -timeout 60 & a=$!
	sipp_run wlan "$1-wlan" register 10.20.0.1:5060 -i 10.20.0.2 -p 5060 -inf "$RUN/register_wlan.csv" -m $half -r 100 \
		-auth_uri ims.example -key expires "$3" -timeout 60 & b=$!
	wait $a $b
	echo $(($(sipp_stat "$1-lte" "SuccessfulCall(C)") + $(sipp_stat "$1-wlan" "SuccessfulCall(C)")))
}

# Calls between random pairs; the number that succeeded.
make_calls() { # name count rate hold
	sipp_start wlan "$1-uas" call_uas -i 10.20.0.2 -p 5060
	sipp_run lte "$1" call_uac 10.10.0.1:5060 -i 10.10.0.2 -p 5060 -inf "$RUN/pairs.csv" -m "$2" -r "$3" -l 2000 \
		-d "$4" -timeout 100
	sipp_stop "$1-uas"
	sipp_stat "$1" "SuccessfulCall(C)"
}

# tshark listens to Diameter in the node from now on, where there is tshark.
diameter_watch() { # port
	watched=$1 shark=
	command -v tshark >/dev/null || return 0
	lab_in node tshark -i lo -w "$RUN/diameter.pcap" -f "tcp port $watched" 2>"$RUN/shark.log" >/dev/null & shark=$!
	for _ in $(seq 150); do
		grep -q '^Capturing on' "$RUN/shark.log" && break
		sleep 0.1
	done
}

# And until now: more packets of the application than so many were seen, and none is malformed.
diameter_seen() { # application more-than
	local decode seen
	[ -n "$shark" ] || return 0
	kill $shark
	wait $shark 2>/dev/null
	decode=(-r "$RUN/diameter.pcap" -d "tcp.port==$watched,diameter")
	seen=$(tshark "${decode[@]}" -Y "diameter.applicationId == $1" 2>/dev/null | wc -l)
	if [ "$seen" -gt "$2" ]; then ok "tshark reads $seen packets of it"; else fail "tshark reads $seen packets of it"; fi
	equal "none is malformed" "$(tshark "${decode[@]}" -Y '_ws.malformed' 2>/dev/null | wc -l)" 0
}
