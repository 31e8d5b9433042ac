#!/bin/bash
# isc.sh - Application Servers in the way of calls: in the middle, at the end, beginning calls of their own; and when they die
#
#   lte: digest1 10.10.0.2:5070    wlan: digest2 10.20.0.2:5072
#   core: Kamailio 10.30.0.12:5070, servers of our own 10.30.0.13:5080 and :5081    node: all roles
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	sed -i -e '/net: 10.30.0.11/a\    - name: servers\n      net: 10.30.0.12/31' -e '/^dataplane:/a\  server-time: 1s' "$RUN/saker.yaml"
}
case_is() { echo "<TriggerPoint><ConditionTypeCNF>1</ConditionTypeCNF><SPT><Group>0</Group><SessionCase>$1</SessionCase></SPT></TriggerPoint>"; }
criterion() { # priority trigger server handling
	echo "<InitialFilterCriteria><Priority>$1</Priority>$2<ApplicationServer><ServerName>$3</ServerName>"
	echo "<DefaultHandling>$4</DefaultHandling></ApplicationServer></InitialFilterCriteria>"
}
kamailio_uri=sip:10.30.0.12:5070 first=sip:10.30.0.13:5080 second=sip:10.30.0.13:5081
{ criterion 1 "$(case_is 0)" $kamailio_uri 0; criterion 2 "$(case_is 0)" $first 0; } >"$RUN/two.xml"
criterion 1 "$(case_is 0)" $first 0 >"$RUN/soft.xml"
criterion 1 "$(case_is 0)" $first 1 >"$RUN/hard.xml"
criterion 1 "$(case_is 0)" $kamailio_uri 0 >"$RUN/load.xml"
{ criterion 1 "$(case_is 1)" $second 0; criterion 2 "$(case_is 2)" $second 0; criterion 3 "$(case_is 4)" $first 0; } >"$RUN/called.xml"

pids=()
declare -A pid
stop_all() {
	[ ${#pids[@]} -gt 0 ] && kill "${pids[@]}" 2>/dev/null
	saker_stop_all
	lab_down
}
trap stop_all EXIT
says() { echo "$2" >"$RUN/$1.mode"; }
server() { # name port
	says "$1" silent
	ip netns exec "${LAB}core" python3 "$root/tests/lab/isc.py" as 10.30.0.13:"$2" "$RUN/$1.mode" "$RUN/$1.log" &
	pids+=($!)
	pid[$1]=$!
}
kamailio_start() {
	cat >"$RUN/kamailio.cfg" <<-'CFG'
		debug=1
		log_stderror=yes
		children=1
		auto_aliases=no
		disable_tcp=yes
		listen=udp:10.30.0.12:5070
		loadmodule "tm.so"
		loadmodule "sl.so"
		loadmodule "rr.so"
		loadmodule "pv.so"
		loadmodule "textops.so"
		loadmodule "siputils.so"
		loadmodule "xlog.so"
		request_route {
			if (is_method("REGISTER")) { # a third party's: criteria without a method hold for it too
				sl_send_reply("200", "Heard");
				exit;
			}
			xlog("L_ALERT", "SEEN $rm $hdr(P-Served-User)\n");
			if (!loose_route() && has_totag() && !is_method("ACK")) {
				sl_send_reply("481", "Not through here");
				exit;
			}
			if (!has_totag())
				record_route();
			t_relay();
		}
	CFG
	ip netns exec "${LAB}core" kamailio -f "$RUN/kamailio.cfg" -DD -E -m 32 -M 4 -Y "$RUN" -P "$RUN/kamailio.pid" >>"$RUN/kamailio.log" 2>&1 &
	pids+=($!)
	pid[kamailio]=$!
	for ((i = 0; i < 50; i++)); do
		[ -n "$(lab_in core ss -Hlun 'src 10.30.0.12 and sport = 5070')" ] && break
		sleep 0.1
	done
}
profile() { # user profile
	sakerctl sub del "$1@ims.example" >/dev/null 2>&1
	sakerctl sub add "$1@ims.example" impu="sip:$1@ims.example" password=secret ${2:+profile=$2} >/dev/null || fail "subscriber $1"
}
place() { # call|message [called]
	lab_in lte python3 "$root/tests/lab/isc.py" "$1" 10.10.0.1:5060 10.10.0.2:5070 digest1 10.10.0.2:5072 digest2 secret "${2:-digest2}" 2>&1
}
seen() { grep -c "^[^ ]* *.*$2" "$RUN/$1.log" || true; }
forget() { for log in kamailio first second; do : >"$RUN/$log.log"; done; }

start_saker 2 20 20 || { fail "start"; exit 1; }
kamailio_start
server first 5080
server second 5081
for name in two soft hard load called; do
	check "profile $name" sakerctl sub profile put $name "$RUN/$name.xml"
done
profile digest1
profile digest2
equal "without services" "$(place call)" digest2

# Two servers in a row, the first stays in the dialog.
profile digest1 two
says first b2bua
equal "a proxy, then a server that begins a call of its own" "$(place call)" b2bua
equal "Kamailio had INVITE and BYE" "$(grep -oE "SEEN (INVITE|BYE)" "$RUN/kamailio.log" | sort | uniq -c | tr -s ' \n' ' ')" " 1 SEEN BYE 1 SEEN INVITE "
equal "for the calling user" "$(grep -c "SEEN INVITE <sip:digest1@ims.example>;sescase=orig;regstate=reg" "$RUN/kamailio.log")" 1
equal "and the second after it" "$(grep -c "^INVITE .*served=<sip:digest1@ims.example>;sescase=orig" "$RUN/first.log")" 1
says first "divert sip:digest2@ims.example"
equal "MESSAGE, by two proxies" "$(place message)" digest2

# Servers that answer.
profile digest1 soft
says first "redirect sip:else@where.example"
equal "a redirection goes to the caller" "$(place call)" 302
says first busy
equal "so does a refusal" "$(place call)" 486
says first voicemail
equal "and an answer" "$(place call)" voicemail
profile digest1
profile digest2 called
says second "divert sip:digest1@ims.example"
says first voicemail
equal "who is called diverts, and has services for that" "$(place call)" voicemail
equal "which are told so" "$(grep -c "served=<sip:digest2@ims.example>;orig-cdiv;regstate=reg" "$RUN/first.log")" 1
profile away called
says second voicemail
equal "who is not registered has a voicemail" "$(place call away)" voicemail
equal "which is told so" "$(grep -c "served=<sip:away@ims.example>;sescase=term;regstate=unreg" "$RUN/second.log")" 1
profile digest2

# Servers that do not.
profile digest1 soft
for what in silent fail; do
	says first $what
	equal "one that is $what is passed over" "$(place call)" digest2
	equal "by MESSAGE too" "$(place message)" digest2
done
profile digest1 hard
says first silent
equal "or ends the call" "$(place call)" 408
says first fail
equal "with its own word" "$(place call)" 500
kill -KILL "${pid[first]}"
equal "one that is dead, too" "$(place call)" 408
profile digest1 soft
equal "or is passed over" "$(place call)" digest2

# Calls through Kamailio while it dies.
for ((i = 1; i <= 20; i++)); do
	impi=$(sed -n "$((i + 1))p" "$RUN/subscribers.csv" | cut -d, -f1)
	sakerctl sub set "$impi" profile=load >/dev/null || fail "profile of $impi"
done
equal "users register" "$(register_users aka 20 600000)" 20
before=$(metric saker_dataplane_chain_asked_total)
equal "100 calls through it" "$(make_calls through 100 50 100)" 100
equal "each" "$(($(metric saker_dataplane_chain_asked_total) - before))" 100
(sleep 2; kill -KILL "${pid[kamailio]}" $(pgrep -P "${pid[kamailio]}")) &
# Those that were up go down with it: it is in their route set. None fails to begin.
sipp_start wlan dying-uas call_uas -i 10.20.0.2 -p 5060
sipp_run lte dying call_uac 10.10.0.1:5060 -i 10.10.0.2 -p 5060 -inf "$RUN/pairs.csv" -m 300 -r 50 -d 100 -max_non_invite_retrans 3 -timeout 60
sipp_stop dying-uas
done=$(sipp_stat dying "SuccessfulCall(C)")
if [ "$done" -ge 280 ]; then ok "$done of 300 calls while it dies"; else fail "calls while it dies: $done of 300"; fi
equal "none was refused" "$(grep -c "CSeq: 1 INVITE" "$RUN/sipp/dying/errors.log" || true)" 0
if [ "$(metric saker_dataplane_chain_skipped_total)" -gt 10 ]; then ok "the rest without it"; else fail "skipped: $(metric saker_dataplane_chain_skipped_total)"; fi
left() { metric 'saker_lcore_transactions{lcore="0"}'; }
for _ in {1..150}; do [ "$(left)" = 0 ] && break; sleep 0.5; done
equal "no transaction is left over" "$(left)" 0
check "the node is well" sakerctl status
