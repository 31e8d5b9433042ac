#!/bin/bash
# sh.sh - Application Servers on Sh: they read, write, subscribe and hear; permissions; the death of the HSS; hostile requests
#
#   lte: digest1 10.10.0.2:5070    node: P-, I-, S-CSCF; HSS 127.0.0.1:3868; as1 and as2 on loopback
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	sed -i 's/^  diameter-listen: .*/&\n  application-servers: [as1.ims.example, as2.ims.example]/' "$RUN/saker.yaml"
}
peers=()
stop_all() {
	[ ${#peers[@]} -gt 0 ] && kill "${peers[@]}" 2>/dev/null
	saker_stop_all
	lab_down
}
trap stop_all EXIT

server() { # NAME: in and out are pipes of that name
	mkfifo "$RUN/$1.in" "$RUN/$1.out"
	: >"$RUN/$1.log"
	ip netns exec "${LAB}node" python3 "$root/tests/peers/application_server.py" 127.0.0.1:3868 "$1.ims.example" ims.example \
		hss.ims.example "$RUN/$1.log" <"$RUN/$1.in" >"$RUN/$1.out" 2>"$RUN/$1.err" &
	peers+=($!)
}
tell() { # NAME LINE: its answer
	local line=none fd
	case $1 in as1) fd=5 ;; *) fd=7 ;; esac
	echo "$2" >&$fd
	read -r -t 25 line <&$((fd + 1))
	echo "$line"
}
says() { # NAME SERVER LINE RESULT [PART]
	local said
	said=$(tell "$2" "$3")
	case $said in
	"$4"*"${5:-}"*) ok "$1" ;;
	*) fail "$1: said '${said:0:300}', wanted $4 ${5:-}" ;;
	esac
}
heard() { grep -cF "$2" "$RUN/$1.log"; }
hears() { # NAME SERVER PART COUNT: within 8 s
	local i
	for ((i = 0; i < 80; i++)); do
		[ "$(heard "$2" "$3")" -ge "$4" ] && break
		sleep 0.1
	done
	equal "$1" "$(heard "$2" "$3")" "$4"
}
data() { # NUMBER [DATA]
	echo "<Sh-Data><RepositoryData><ServiceIndication>notes</ServiceIndication><SequenceNumber>$1</SequenceNumber>${2:+<ServiceData>$2</ServiceData>}</RepositoryData></Sh-Data>"
}
register() { lab_in lte python3 "$root/tests/lab/network.py" register 10.10.0.2:5070 10.10.0.1:5060 digest1; }
criteria() { # SERVER
	echo "<InitialFilterCriteria><Priority>0</Priority><TriggerPoint><ConditionTypeCNF>0</ConditionTypeCNF><SPT><ConditionNegated>0</ConditionNegated><Group>0</Group><Method>MESSAGE</Method></SPT></TriggerPoint><ApplicationServer><ServerName>$1</ServerName></ApplicationServer></InitialFilterCriteria>" >"$RUN/profile.xml"
	sakerctl sub profile put notes "$RUN/profile.xml" >/dev/null
}
user=sip:digest1@ims.example

start_saker 1 2 2 || { fail "start"; exit 1; }
criteria sip:other.ims.example
check "a user" sakerctl sub add digest1@ims.example impu=$user impu=tel:+15551234 password=secret profile=notes
diameter_watch 3868
server as1
exec 5>"$RUN/as1.in" 6<"$RUN/as1.out"
server as2
exec 7>"$RUN/as2.in" 8<"$RUN/as2.out"

# Who may do what.
says "nothing is allowed before it is said" as1 "udr $user 11" 105102
for name in as1 as2; do
	check "$name may do everything" sakerctl as add $name.ims.example all=all
done
check "as2 may not write" sakerctl as add AS2.ims.example repository_data=pull,notify
check "a wrong word is refused" eval '! sakerctl as add as2.ims.example repository_data=steal 2>/dev/null'
equal "the list shows it" "$(sakerctl -o json as list | python3 -c '
import json, sys
print(next(r["operations"] for r in json.load(sys.stdin)["rows"] if r["host"] == "as2.ims.example" and r["reference"] == "repository_data"))')" pull,notify

# Reading.
says "state" as1 "udr $user 11" 2001 "<IMSUserState>0<"
says "by telephone number" as1 "udr - 11 msisdn=51552143" 2001 "<IMSUserState>0<"
says "identities" as1 "udr $user 10 set=2" 2001 "<IMSPublicIdentity>tel:+15551234<"
says "telephone numbers" as1 "udr $user 17" 2001 "<MSISDN>15551234<"
says "another server's criteria" as1 "udr $user 13 server=sip:as1.ims.example" 2001 "<IFCs></IFCs>"
says "charging" as1 "udr $user 16" 2001 "<ChargingInformation>"
says "a location is nobody's here" as1 "udr $user 14 domain=1 current=0" 104100
says "a location of no domain" as1 "udr $user 14" 5005
says "nobody" as1 "udr sip:nobody@ims.example 11" 105001

# Writing.
says "nothing is there" as1 "udr $user 0 service=notes" 2001
says "no subscription to nothing" as2 "snr $user 0 service=notes" 105106
says "made" as1 "pur $user 0 $(data 0 '<a>one</a>')" 2001
says "not twice" as1 "pur $user 0 $(data 0 '<a>two</a>')" 105105
says "as2 may not" as2 "pur $user 0 $(data 1 '<a>two</a>')" 105103
says "as2 may read" as2 "udr $user 0 service=notes" 2001 "<SequenceNumber>0</SequenceNumber><ServiceData><a>one</a></ServiceData>"

# Hearing.
says "as2 subscribes" as2 "snr $user 0 service=notes send=1 expiry=3600" 2001 "<a>one</a>"
says "as1 too" as1 "snr $user 0 service=notes" 2001
says "to state" as1 "snr $user 11" 2001
says "to the S-CSCF" as2 "snr $user 12" 2001
says "to criteria" as1 "snr $user 13 server=sip:as1.ims.example" 2001
says "to identities" as2 "snr $user 10" 2001
says "not to charging" as1 "snr $user 16" 105104
says "changed" as1 "pur $user 0 $(data 1 '<a>two</a>')" 2001
hears "as2 hears of it" as2 "<SequenceNumber>1</SequenceNumber><ServiceData><a>two</a>" 1
equal "as1 wrote it itself" "$(heard as1 RepositoryData)" 0
check "the user registers" register
hears "as1 hears of his state" as1 "<IMSUserState>1<" 1
hears "as2 of his S-CSCF" as2 "<SCSCFName>sip:scscf.ims.example:5060<" 1
criteria sip:as1.ims.example
hears "as1 hears of its criteria" as1 "<ServerName>sip:as1.ims.example<" 1
check "a third identity" sakerctl sub set digest1@ims.example impu=$user impu=tel:+15551234 impu=sip:third@ims.example
hears "as2 hears of it" as2 "<IMSPublicIdentity>sip:third@ims.example<" 1

# Switching criteria off and on.
check "a tag" sakerctl as dsai put notes-tag sip:as1.ims.example
says "subscribed to" as2 "snr $user 19 tag=notes-tag" 2001
says "off" as1 "pur $user 19 <Sh-Data><Sh-IMS-Data><Extension><Extension><DSAI><DSAI-Tag>notes-tag</DSAI-Tag><DSAI-Value>1</DSAI-Value></DSAI></Extension></Extension></Sh-IMS-Data></Sh-Data>" 2001
hears "as2 hears of that" as2 "<DSAI-Value>1<" 1
sent() { grep -c 'event=sent command=PPR' "$RUN/hss.log"; }
for ((i = 0; i < 40; i++)); do [ "$(sent)" -ge 1 ] && break; sleep 0.1; done
check "and the S-CSCF has a new profile" test "$(sent)" -ge 1

# One that is gone, and one that is not.
check "as1 answers no more" test "$(tell as1 "answer 0")" = ok
check "the user goes" sakerctl sub dereg $user
hears "as1 was told, and says nothing" as1 "<IMSUserState>0<" 1
hears "as2 hears all the same" as2 "<SCSCFName></SCSCFName>" 1
check "as1 answers again" test "$(tell as1 "answer 2001")" = ok

# The death of the HSS: subscriptions are there afterwards, and what was not told is.
saker_stop hss KILL
saker_restart hss || fail "the HSS starts again"
hears "what as1 had not taken is told again" as1 "<IMSUserState>0<" 2
says "the data is there" as2 "udr $user 0 service=notes" 2001 "<a>two</a>"
says "deleted" as1 "pur $user 0 $(data 2)" 2001
hears "as2 hears of it after the restart" as2 "<SequenceNumber>2</SequenceNumber></RepositoryData>" 1
says "as2 ends it" as2 "snr $user 0 service=notes unsubscribe=1" 2001
says "made again" as1 "pur $user 0 $(data 0 '<a>three</a>')" 2001
says "a short subscription" as2 "snr $user 0 service=notes expiry=2" 2001
sleep 3
says "changed when it is over" as1 "pur $user 0 $(data 1 '<a>four</a>')" 2001
sleep 0.5
equal "as2 hears nothing" "$(heard as2 "<a>three</a>")$(heard as2 "<a>four</a>")" 00

diameter_seen 16777217 50 # Sh

# What must be refused, and by which code; the service stays.
while read -r name wanted; do
	says "hostile: $name" as1 "hostile $name" "$wanted"
done <<END
no-user 5005
empty-user 5005
two-users 5009
no-reference 5005
negative-reference 5004
many-references 5009
same-reference 5004
nul-identity 5004
long-identity 5004
short-reference 5014
long-avp none
unknown-mandatory 5001
required-feature 105011
no-type 5005
wrong-type 5004
short-time 5004
past-time 5004
no-data 5005
deep-data 105100
entities 105100
large-data 5004
binary-data 105100
push 3001
other-server 5003
other-application 3001
cx 5003
END
says "after all that: state" as1 "udr $user 11" 2001 "<IMSUserState>0<"
check "as1 may nothing any more" sakerctl as del as1.ims.example
says "and is told so" as1 "udr $user 11" 105102
equal "its subscriptions are gone" "$(sakerctl -o json as watches | grep -c as1.ims.example)" 0
