#!/bin/bash
# postgres.sh - subscribers move from a file to PostgreSQL while they are registered; the server crashes, stands still, comes back
. "$(dirname "$0")/common.bash"
. "$root/tests/support/postgres.bash"
trap 'saker_stop_all; lab_down; postgres_remove' EXIT
hss=$BUILD/hss/server/saker-hss

start_saker 1 200 20 50 || { fail "start"; exit 1; }
equal "registrations over SQLite" "$(register_users sqlite 100 600000)" 100
check "the server starts" postgres_start "$(mktemp -u -d /tmp/saker-postgres-XXXXXX)"
uri="postgresql://saker:geheim@/postgres?host=$POSTGRES_FOLDER&port=$POSTGRES_PORT"

# One that is registered, as sakerctl shows him: state, S-CSCF.
registered() { sakerctl -o json sub list --limit 1000 | python3 -c '
import json, sys
print(sum(1 for row in json.load(sys.stdin)["rows"] if row["state"] == "registered" and row["scscf"]))'; }
sql() { PGOPTIONS=-csearch_path=main "$POSTGRES_BIN/psql" -h "$POSTGRES_FOLDER" -p "$POSTGRES_PORT" -U saker -d postgres -AtqX -c "$1"; }

# Move.
before=$(registered)
[ "$before" -ge 100 ] && ok "$before registered before" || fail "$before registered before"
saker_stop hss
"$hss" --move-store "$RUN/hss.db" "$uri" >"$RUN/moved" 2>"$RUN/move.log"
equal "moving ends well" $? 0
equal "as many subscribers as there were" "$(grep -oE '^moved: [0-9]+ subscribers' "$RUN/moved")" "moved: 200 subscribers"
"$hss" --move-store "$RUN/hss.db" "$uri" >"$RUN/again" 2>&1
equal "a second time is refused" $? 4
check "with a sentence" grep -q 'nothing was moved: the target is not empty' "$RUN/again"
"$hss" --move-store "$RUN/nowhere.db" "$uri" >/dev/null 2>&1
equal "a source that is not there is refused" $? 4
check "and not made" test ! -e "$RUN/nowhere.db"

# Serve from there.
sed -i "/^hss:/a\\  store: $uri" "$RUN/saker.yaml"
SAKER_LINES=$(wc -l <"$RUN/hss.log")
check "the HSS starts over PostgreSQL" saker_start hss
saker_wait_hss
equal "the same are registered" "$(registered)" "$before"
equal "they register again, with their SQNs" "$(register_users moved 100 600000)" 100
equal "calls" "$(make_calls call 20 10 500)" 20

# The server dies as with the power, and comes back: nobody starts the HSS again.
epoch=$(sql 'SELECT epoch FROM meta')
postgres_stop KILL
sakerctl sub show "$(sed -n 2p "$RUN/subscribers.csv" | cut -d, -f1)" >"$RUN/dead" 2>&1
[ $? != 0 ] && ok "without the server, sakerctl says so" || fail "without the server, sakerctl says so"
check "the server comes back" postgres_run
sleep 0.5
equal "registrations after the crash" "$(register_users crash 100 600000)" 100
equal "and none of their SQNs was used before: an epoch began" "$(sql 'SELECT epoch FROM meta')" $((epoch + 1))

# It stands still: an error, in time. Then all goes on.
for pid in $(sql "SELECT pid FROM pg_stat_activity WHERE application_name = 'saker-hss'"); do kill -STOP "$pid"; stopped+=("$pid"); done
from=$(date +%s%N)
sakerctl sub show "$(sed -n 2p "$RUN/subscribers.csv" | cut -d, -f1)" >"$RUN/still" 2>&1
took=$((($(date +%s%N) - from) / 1000000))
[ "$took" -le 2500 ] && ok "an error after $took ms" || fail "an error only after $took ms"
kill -CONT "${stopped[@]}"
equal "registrations after that" "$(register_users still 100 600000)" 100

# The HSS dies, while the database goes on.
saker_stop hss KILL
saker_restart hss || fail "the HSS does not start again"
saker_wait_hss
equal "registrations after the HSS died" "$(register_users again 100 600000)" 100
equal "a restart of the HSS alone begins no epoch" "$(sql 'SELECT epoch FROM meta')" $((epoch + 1))

# And back.
now=$(registered)
saker_stop hss
check "moving back" "$hss" --move-store "$uri" "$RUN/back.db"
sed -i "s|^  store: .*|  store: $RUN/back.db|" "$RUN/saker.yaml"
SAKER_LINES=$(wc -l <"$RUN/hss.log")
check "the HSS starts over SQLite" saker_start hss
saker_wait_hss
equal "the same are registered" "$(registered)" "$now"
equal "registrations over SQLite again" "$(register_users back 100 600000)" 100
if grep -rq geheim "$RUN"/*.log "$RUN"/moved "$RUN"/again "$RUN"/dead "$RUN"/still; then fail "the password is in a log"; else ok "the password is in no log"; fi
