#!/bin/bash
# criteria.sh - filter criteria from provisioning over the HSS to a registered user: refused where they are broken,
# evaluated, pushed, and kept over the death of control
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	sed -i '/^control:/a\  ip-association: true' "$RUN/saker.yaml"
	printf '\nscscf:\n  shared-ifc: %s/shared.xml\n' "$RUN" >>"$RUN/saker.yaml"
}
criterion() { # priority server trigger
	echo "<InitialFilterCriteria><Priority>$1</Priority>$3<ApplicationServer><ServerName>sip:$2.ims.example</ServerName>"
	echo "</ApplicationServer></InitialFilterCriteria>"
}
cnf() { echo "<TriggerPoint><ConditionTypeCNF>1</ConditionTypeCNF>$1</TriggerPoint>"; }
spt() { echo "<SPT><Group>$1</Group>$2</SPT>"; }
echo "<SharedIFCSets><SharedIFCSet><SharedIFCSetID>5</SharedIFCSetID>$(criterion 50 shared "")</SharedIFCSet></SharedIFCSets>" \
	>"$RUN/shared.xml"
video="<SessionDescription><Line>m</Line><Content>^video</Content></SessionDescription>"
{
	criterion 1 orig "$(cnf "$(spt 0 "<SessionCase>0</SessionCase>")")"
	criterion 2 video "$(cnf "$(spt 0 "<Method>INVITE</Method>")$(spt 1 "$video")")"
} >"$RUN/good.xml"
criterion 1 other "" >"$RUN/other.xml"
{ echo; criterion 1 broken "$(cnf "$(spt 0 "<RequestURI>(a</RequestURI>")")"; } >"$RUN/broken.xml"
invite() { # line of SDP
	local body="v=0
o=- 1 1 IN IP4 10.10.0.2
s=-
c=IN IP4 10.10.0.2
t=0 0
$1
"
	printf 'INVITE sip:digest2@ims.example SIP/2.0\nVia: SIP/2.0/UDP 10.10.0.2;branch=z9hG4bKi\nMax-Forwards: 70\n'
	printf 'From: <sip:digest1@ims.example>;tag=1\nTo: <sip:digest2@ims.example>\nCall-ID: i\nCSeq: 1 INVITE\n'
	printf 'Content-Type: application/sdp\nContent-Length: %d\n\n%s' ${#body} "$body"
}
invite "m=audio 4000 RTP/AVP 8" >"$RUN/audio.sip"
invite "m=video 4000 RTP/AVP 99" >"$RUN/video.sip"

matches() { # case message: the servers that are asked
	sakerctl -o json ifc test --impu sip:digest1@ims.example --case "$1" --message "$RUN/$2.sip" | python3 -c '
import json, sys
print(*(r["server"].split(":")[1].split(".")[0] for r in json.load(sys.stdin)["rows"] if r["matches"] == "yes"))'; }
refused() { sakerctl -o json metrics | python3 -c '
import json, sys
print(sum(int(r["value"]) for r in json.load(sys.stdin)["rows"] if r["metric"] == "saker_install_refused_total"))'; }

start_saker 1 20 20 || { fail "start"; exit 1; }
check "lint takes what is right" sakerctl ifc lint "$RUN/good.xml"
check "and a file of shared sets" sakerctl ifc lint "$RUN/shared.xml"
equal "lint says where it is wrong" "$(sakerctl ifc lint "$RUN/broken.xml" 2>&1)" "$RUN/broken.xml:2: ( without )"
check "provisioned" sakerctl sub profile put gold "$RUN/good.xml"
if sakerctl sub profile put bad "$RUN/broken.xml" >"$RUN/said" 2>&1; then
	fail "broken criteria are provisioned"
elif grep -q "line 2: ( without )" "$RUN/said"; then
	ok "broken criteria are refused with their line"
else
	fail "broken criteria are refused: $(cat "$RUN/said")"
fi
check "a subscriber with them" sakerctl sub add digest1@ims.example impu=sip:digest1@ims.example password=secret profile=gold
check "and one without" sakerctl sub add digest2@ims.example impu=sip:digest2@ims.example password=secret
check "registers" lab_in lte python3 "$root/tests/lab/refresh.py" 10.10.0.2:5070 10.10.0.1:5060 digest1 secret 1 700 register
equal "calls with audio" "$(matches orig audio)" "orig"
equal "calls with video" "$(matches orig video)" "orig video"
equal "is called with video" "$(matches term video)" "video"
kill -KILL "$(saker_pid control)"
saker_restart control || fail "control does not restart"
sleep 1
equal "after the death of control" "$(matches orig video)" "orig video"
check "another profile is pushed" sakerctl sub profile put gold "$RUN/other.xml"
sleep 1
equal "and counts from then on" "$(matches term audio)" "other"
equal "the data plane took every profile and set" "$(refused)" 0
if sakerctl ifc test --impu sip:nobody@ims.example --case orig --message "$RUN/audio.sip" >"$RUN/said" 2>&1; then
	fail "a user who is not registered has criteria"
else
	ok "who is not registered has none here"
fi
