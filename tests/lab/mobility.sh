#!/bin/bash
# mobility.sh - terminals that change their access network while they are in a call: one step by step, then a thousand
. "$(dirname "$0")/common.bash"
start_saker 2 20 20 || { fail "start"; exit 1; }
{
	echo impi,impu,password
	for ((i = 1; i <= 1000; i++)); do echo "digest$i@ims.example,sip:digest$i@ims.example,secret"; done
} >"$RUN/digest.csv"
check "subscribers" sakerctl sub import "$RUN/digest.csv"
moves() { python3 "$root/tests/lab/mobility.py" "$LAB" "$@"; }
moves one 2
equal "one binding each" "$(sakerctl -o json reg show sip:digest1@ims.example | grep -c '"flow"') $(sakerctl -o json reg show sip:digest2@ims.example | grep -c '"flow"')" "1 1"
equal "no session is left" "$(metric saker_sessions)" 0
equal "a thousand move in five hundred calls, none is lost" "$(moves many 1000)" "500 "
equal "no session is left of them" "$(metric saker_sessions)" 0
