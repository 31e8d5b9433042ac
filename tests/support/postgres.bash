# postgres.bash - a PostgreSQL server of its own for a test; sourced
#
#   postgres_start FOLDER   makes a cluster in FOLDER (that is not there yet) and starts it; sets POSTGRES_PID and POSTGRES_URI
#   postgres_run            starts the server of FOLDER again
#   postgres_stop [SIGNAL]  INT: at once and in order; KILL: as a crash
#   postgres_remove         stops it and removes FOLDER
#
# Anybody on this machine comes in through the socket in FOLDER; 127.0.0.1:POSTGRES_PORT wants a password. Nothing is synced
# to the disk: what a crash of the server takes, it takes without that too.

POSTGRES_PID='' POSTGRES_FOLDER='' POSTGRES_URI='' POSTGRES_PORT=''

# The server refuses to be root.
postgres_as() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
	else
		"$@"
	fi
}

postgres_start() {
	local bin
	bin=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -1)
	[ -n "$bin" ] || { echo "postgres: not installed: scripts/install-deps --tests" >&2; return 1; }
	POSTGRES_BIN=${bin%/initdb}
	POSTGRES_FOLDER=$1
	POSTGRES_PORT=$((20000 + RANDOM % 12000))
	POSTGRES_URI="postgresql:///postgres?user=saker&host=$POSTGRES_FOLDER&port=$POSTGRES_PORT"
	mkdir -m 0711 "$POSTGRES_FOLDER" || return 1
	[ "$(id -u)" != 0 ] || chown postgres:postgres "$POSTGRES_FOLDER"
	(cd "$POSTGRES_FOLDER" && postgres_as "$POSTGRES_BIN/initdb" -D "$POSTGRES_FOLDER/data" -U saker -A trust -E UTF8 \
		--locale=C -N >initdb.log 2>&1) || { cat "$POSTGRES_FOLDER/initdb.log" >&2; return 1; }
	printf '%s\n' 'local all all trust' 'host all all 127.0.0.1/32 scram-sha-256' >"$POSTGRES_FOLDER/data/pg_hba.conf"
	postgres_run
}

# In the place of the subshell that runs it, so that its pid is the server's own.
postgres_serve() {
	cd "$POSTGRES_FOLDER" || exit 1
	local as=()
	[ "$(id -u)" != 0 ] || as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
	exec "${as[@]}" "$POSTGRES_BIN/postgres" -D "$POSTGRES_FOLDER/data" -F -k "$POSTGRES_FOLDER" -p "$POSTGRES_PORT" \
		-c listen_addresses=127.0.0.1 -c shared_buffers=32MB -c max_connections=20 -c wal_writer_delay=10s
}

postgres_run() {
	local i
	for ((i = 0; i < 5; i++)); do
		postgres_serve >>"$POSTGRES_FOLDER/server.log" 2>&1 &
		POSTGRES_PID=$!
		postgres_wait && return 0
		postgres_stop KILL
	done
	tail -5 "$POSTGRES_FOLDER/server.log" >&2
	return 1
}

postgres_wait() {
	local i
	for ((i = 0; i < 100; i++)); do
		kill -0 "$POSTGRES_PID" 2>/dev/null || return 1
		"$POSTGRES_BIN/pg_isready" -q -h "$POSTGRES_FOLDER" -p "$POSTGRES_PORT" && return 0
		sleep 0.1
	done
	return 1
}

postgres_stop() {
	[ -n "$POSTGRES_PID" ] || return 0
	kill "-${1:-INT}" "$POSTGRES_PID" 2>/dev/null
	wait "$POSTGRES_PID" 2>/dev/null
	POSTGRES_PID=''
}

postgres_remove() {
	postgres_stop INT
	[ -z "$POSTGRES_FOLDER" ] || rm -rf "$POSTGRES_FOLDER"
}
