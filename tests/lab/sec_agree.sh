#!/bin/bash
# sec_agree.sh - security agreements in clear: offered, chosen, refused, shown, counted, and gone when control starts anew
. "$(dirname "$0")/common.bash"
eval "$(declare -f lab_config | sed '1s/lab_config/lab_config_plain/')"
lab_config() {
	lab_config_plain "$@"
	sed -i '/^control:/i\pcscf:\n  protected-ports: {server: 5101, client: [5102, 5103]}\n  security:\n    required: false' "$RUN/saker.yaml"
}
start_saker 1 4 4 || { fail "start"; exit 1; }

terminal() { # user what
	lab_in lte python3 "$root/tests/lab/sec_agree.py" 10.10.0.2:5062 10.10.0.1:5060 "$@"
}
sets() { # [IMPU]: state, spi_pc, spi_ps, port_pc, local, alg, ealg, ue of each set
	sakerctl -o json sa show "$@" | python3 -c '
import json, sys
for r in json.load(sys.stdin)["rows"]:
	print(*(r[k] for k in ("state", "spi_pc", "spi_ps", "port_pc", "local", "alg", "ealg", "ue")))'; }

read -r spi_c spi_s port_c port_s < <(terminal user000001 offer)
equal "the set of the answer is the one control has" "$(sets sip:user000001@ims.example)" \
	"temporary ${spi_c:-none} ${spi_s:-none} ${port_c:-none} 10.10.0.1:${port_s:-none} hmac-sha-1-96 aes-cbc 10.10.0.2:6000"
equal "its ports are ours" "${port_c:-} ${port_s:-}" "5102 5101"
check "each challenge gives SPIs of its own" terminal user000001 again
equal "and the terminal has one set" "$(sets | wc -l)" 1
check "everything wrong in turn" terminal user000002 wrong
equal "no set came of it" "$(sets | wc -l)" 1
equal "counted as malformed" "$(metric 'saker_sa_refused_total{reason="malformed"}')" 6
equal "counted as without anything in common" "$(metric 'saker_sa_refused_total{reason="no_common"}')" 4
equal "counted as a Security-Verify in clear" "$(metric 'saker_sa_refused_total{reason="verify"}')" 1
equal "sets by state" "$(metric 'saker_sa_sets{state="temporary"}')" 1
equal "those that the data plane has" "$(metric 'saker_table_entries{table="sa_sets"}')" 1
check "who offers none is challenged as before" terminal user000003 none
if grep -qiE '[^a-z](ck|ik)=' "$RUN/control.log"; then fail "keys in the log"; else ok "no keys in the log"; fi
equal "the store is its owner's alone" "$(stat -c %a "$RUN/control.db")" 600

# Temporary sets are not kept: their challenges are not, either.
saker_stop control
sed -i 's/required: false/required: true/' "$RUN/saker.yaml"
saker_restart control && saker_wait_hss || fail "control does not restart"
equal "none after a restart" "$(sets | wc -l)" 0
equal "nor in the data plane" "$(metric 'saker_table_entries{table="sa_sets"}')" 0
check "policy that wants one" terminal user000004 required
