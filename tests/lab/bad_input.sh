#!/bin/bash
# bad_input.sh - malformed requests, strangers, wrong passwords, an HSS that is down, a configuration with mistakes
. "$(dirname "$0")/common.bash"

start_saker 1 20 300 || { fail "start"; exit 1; }
lab_in lte python3 "$root/tests/lab/bad_input.py" 10.10.0.2:5070 10.10.0.1:5060

equal "registrations" "$(register_users register 20 600000)" 20

# A wrong password: challenged again and again, at last 403; the binding of the right one stays.
binding() { sakerctl -o json reg show sip:user000001@ims.example | grep -v -e expires -e refreshed; }
before=$(binding)
check "wrong password: 401 with a fresh nonce each, in the end 403" \
	lab_in lte python3 "$root/tests/lab/wrong_password.py" 10.10.0.2:5061 10.10.0.1:5060 user000001 10
equal "wrong password: the binding is untouched" "$(binding)" "$before"

# The HSS goes: REGISTER gets 504, registered users go on calling.
saker_stop hss KILL
sipp_run lte down register 10.10.0.1:5060 -i 10.10.0.2 -p 5062 -inf "$RUN/register_lte.csv" -m 1 -auth_uri ims.example -key expires 600000 -timeout 15
check "HSS down: REGISTER is answered 504" grep -q 'SIP/2.0 504' "$RUN/sipp/down/errors.log"
equal "HSS down: calls" "$(make_calls call 100 50 200)" 100
saker_restart hss || fail "the HSS starts again"
check "HSS back: connected" saker_wait_hss
equal "HSS back: registrations" "$(register_users again 20 600000)" 20

# Configuration: file, line, the key, the nearest valid one; exit 2.
for daemon in dataplane control hss; do
	sed 's/^  workers:/  wokers:/' "$RUN/saker.yaml" >"$RUN/wrong.yaml"
	line=$(grep -n wokers "$RUN/wrong.yaml" | cut -d: -f1)
	said=$("$BUILD/$(saker_path $daemon)" -c "$RUN/wrong.yaml" --check 2>&1)
	equal "saker-$daemon --check: exit code" $? 2
	case $said in
	*"wrong.yaml:$line:"*wokers*workers*) ok "saker-$daemon --check: $said" ;;
	*) fail "saker-$daemon --check: $said" ;;
	esac
done
