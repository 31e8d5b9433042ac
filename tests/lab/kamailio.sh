#!/bin/bash
# kamailio.sh - a peer network behind Kamailio: calls there and back by SIP and telephone URIs, both proxies in the dialog
#
#   lte, wlan: users of AKA    node: all roles, 10.30.0.1
#   core: Kamailio 10.30.0.12, the way to partner.example and +4989; behind it terminals of SIPp, 10.30.0.13
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	sed -i -e '/^control:/a\  bgcf:\n    - {domain: partner.example, to: "sip:10.30.0.12:5060"}\n    - {prefix: "+4989", to: "sip:10.30.0.12:5060"}' \
		-e '/net: 10.30.0.11/a\    - name: gate.partner.example\n      net: 10.30.0.12' "$RUN/saker.yaml"
}
start_saker 1 20 100 || { fail "start"; exit 1; }

cat >"$RUN/kamailio.cfg" <<'CFG'
debug=1
log_stderror=yes
children=1
auto_aliases=no
disable_tcp=yes
listen=udp:10.30.0.12:5060
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
modparam("rr", "append_fromtag", 1)
request_route {
	if (has_totag()) {
		if (!loose_route()) {
			if (is_method("ACK") && t_check_trans())
				t_relay();
			else if (!is_method("ACK"))
				sl_send_reply("481", "Not through here");
			exit;
		}
		t_relay();
		exit;
	}
	record_route();
	if ($si == "10.30.0.1")
		$du = "sip:10.30.0.13:5060";
	else
		$du = "sip:10.30.0.1:5060";
	t_relay();
}
CFG
lab_in core kamailio -f "$RUN/kamailio.cfg" -DD -E -m 32 -M 4 -Y "$RUN" -P "$RUN/kamailio.pid" >"$RUN/kamailio.log" 2>&1 &
kamailio=$!
trap 'kill "$kamailio" 2>/dev/null; saker_stop_all; lab_down' EXIT
for ((i = 0; i < 50; i++)); do
	[ -n "$(lab_in core ss -Hlun 'src 10.30.0.12 and sport = 5060')" ] && break
	sleep 0.1
done
equal "users register" "$(register_users aka 20 600000)" 20

# bench/sipp's calls with other ends: a scenario each way and for each kind of URI.
stock=$SIPP_DIR
SIPP_DIR=$RUN/scenarios
mkdir -p "$SIPP_DIR"
cp "$stock/call_uas.xml" "$SIPP_DIR"
sed 's/sip:\[field1\]@ims\.example/sip:[field1]@partner.example/' "$stock/call_uac.xml" >"$SIPP_DIR/out_sip.xml"
sed 's/sip:\[field1\]@ims\.example/tel:+498912345/' "$stock/call_uac.xml" >"$SIPP_DIR/out_tel.xml"
sed -e '/^Route:/d' -e '/^P-/d' -e 's/sip:\[field0\]@ims\.example/sip:[field0]@partner.example/' "$stock/call_uac.xml" >"$SIPP_DIR/in_sip.xml"
sed 's/sip:\[field1\]@ims\.example/tel:+49301000020/' "$SIPP_DIR/in_sip.xml" >"$SIPP_DIR/in_tel.xml"
# The called side hangs up: BYE goes back over the route set that it learned.
python3 - "$SIPP_DIR" <<'PYTHON'
import sys
folder = sys.argv[1]
read = lambda name: open(f"{folder}/{name}.xml").read()
def write(name, text):
    open(f"{folder}/{name}.xml", "w").write(text)
uas = read("call_uas")
bye = """<send retrans="500">
    <![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
[routes]
Max-Forwards: 70
From: <sip:called@there.example>;tag=[pid]s[call_number]
To:[$caller]
Call-ID: [call_id]
CSeq: 1 BYE
Content-Length: 0

    ]]>
  </send>
  <recv response="200"/>
"""
answer = uas[uas.index('<recv request="BYE"/>'):uas.index("  <timewait")]
whose = '<recv request="ACK"><action><ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/></action></recv>'
write("bye_uas", uas.replace(answer, bye).replace('<recv request="ACK"/>', whose))
for way in ("out_sip", "in_sip"):
    text = read(way)
    write(f"{way}_ended", text[:text.index("<pause/>")] + answer + "</scenario>\n")
PYTHON

# Of the requests of a kind that the called side got, those that passed both: Via of the node and of Kamailio.
through_both() { # server method
	python3 - "$RUN/sipp/$1/messages.log" "$2" <<'PYTHON'
import re, sys
log, method = sys.argv[1:]
got = re.findall(rf"^{method} .*?\r?\n\r?\n", open(log, errors="replace").read(), re.S | re.M)
vias = ["\n".join(re.findall(r"^Via:.*", m, re.M)) for m in got]
print(sum(bool(re.search(r"UDP 10\.[123]0\.0\.1[:;]", v)) and "UDP 10.30.0.12" in v for v in vias))
PYTHON
}
calls() { # name where-called address where-calling address remote count what [called's scenario]
	local name=$1 from=$1-uas method
	sipp_start "$2" "$name-uas" "${9:-call_uas}" -i "$3" -p 5060 -trace_msg -message_file messages.log
	sipp_run "$4" "$name" "$name" "$6" -i "$5" -p 5060 -inf "$RUN/pairs.csv" -m "$7" -r 50 -d 100 -timeout 30 \
		-trace_msg -message_file messages.log
	sipp_stop "$name-uas"
	equal "$8: calls" "$(sipp_stat "$name" "SuccessfulCall(C)")" "$7"
	equal "$8: retransmissions" "$(($(sipp_stat "$name" "Retransmissions(C)") + $(sipp_stat "$name-uas" "Retransmissions(C)")))" 0
	for method in INVITE ACK BYE; do
		[ "$method" = BYE ] && [ -n "${9:-}" ] && from=$name
		equal "$8: $method through both" "$(through_both "$from" $method)" "$7"
	done
}
calls out_sip core 10.30.0.13 lte 10.10.0.2 10.10.0.1:5060 100 "to the partner"
calls out_tel core 10.30.0.13 lte 10.10.0.2 10.10.0.1:5060 20 "to a number of his"
calls in_sip wlan 10.20.0.2 core 10.30.0.13 10.30.0.12:5060 100 "from the partner"
calls in_tel wlan 10.20.0.2 core 10.30.0.13 10.30.0.12:5060 20 "from him to a number of ours"
calls out_sip_ended core 10.30.0.13 lte 10.10.0.2 10.10.0.1:5060 20 "ended by the partner" bye_uas
calls in_sip_ended wlan 10.20.0.2 core 10.30.0.13 10.30.0.12:5060 20 "from him, ended by ours" bye_uas
equal "Kamailio complains of nothing" "$(grep -cE "ERROR|CRITICAL" "$RUN/kamailio.log")" 0
