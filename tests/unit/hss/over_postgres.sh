#!/bin/bash
# over_postgres.sh - the programs that ask the store, over a PostgreSQL server of their own; their folder is $1
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../support/postgres.bash"
trap postgres_remove EXIT
trap 'exit 130' INT TERM
postgres_start "$(mktemp -u -d /tmp/saker-postgres-XXXXXX)" || { echo "FAIL postgres: the server does not start"; exit 1; }
export SAKER_TEST_POSTGRES=$POSTGRES_URI SAKER_TEST_POSTGRES_PORT=$POSTGRES_PORT
code=0
for part in uar lir mar sar sh pnr as network userdata rtr import provision store store_postgres; do
	"$1/test_hss_$part" || code=1
done
exit $code
