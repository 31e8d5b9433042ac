/* link.c - a connection to a PostgreSQL server that never keeps its caller waiting without
 * bound
 */
#define _GNU_SOURCE
#include "store/link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

enum { LOOK_MS = 10 };

/* A server says many things that are none of ours; errors come with their results. */
static void ignore_notice(void *ctx, const PGresult *r)
{
}

static const char *option_of(const PQconninfoOption *o, const char *keyword)
{
	for (; o->keyword; o++)
		if (strcmp(o->keyword, keyword) == 0)
			return o->val && *o->val ? o->val : NULL;
	return NULL;
}

/* What is shown of it. A host with an @ is the rest of a password that was not escaped. */
static bool show(struct link *l, const PQconninfoOption *o)
{
	const char *host = option_of(o, "host"), *port = option_of(o, "port"),
		   *db = option_of(o, "dbname");

	if (!host)
		host = option_of(o, "hostaddr");
	if ((host && strchr(host, '@')) || (db && strchr(db, '@')) ||
	    (port && strchr(port, '@')))
		return false;
	snprintf(l->shown, sizeof(l->shown), "%.120s%s%.20s/%.60s", host ? host : "local",
		 port ? ":" : "", port ? port : "", db ? db : "");
	return true;
}

/* Of "a,b,c": 3. */
static uint32_t list_length(const char *list)
{
	uint32_t n = 1;

	for (; list && *list; list++)
		n += *list == ',';
	return n;
}

/* "b,c,a" of "a,b,c" for first 1. A list that is not as long as the others is for all of them,
 * and stays: false. */
static bool turn_list(const char *list, uint32_t hosts, uint32_t first, char out[LINK_LIST_MAX])
{
	const char *from = list;
	size_t len = list ? strlen(list) : 0, head;

	if (!len || len + 2 > LINK_LIST_MAX || list_length(list) != hosts)
		return false;
	while (first--)
		from = strchr(from, ',') + 1;
	head = (size_t)(from - list);
	memcpy(out, from, len - head);
	out[len - head] = ',';
	memcpy(out + len - head + 1, list, head);
	/* Its last comma came with the head. */
	out[len] = 0;
	return true;
}

bool link_init(struct link *l, const char *where, char *error)
{
	/* Its own sentence may quote a password. */
	PQconninfoOption *o = PQconninfoParse(where, NULL);

	*l = (struct link){0};
	if (!o || !show(l, o)) {
		snprintf(error, STORE_ERROR_MAX,
			 "the address of the store is no PostgreSQL URI (in names and "
			 "passwords, "
			 "@ is %%40)");
		PQconninfoFree(o);
		return false;
	}
	l->hosts = list_length(option_of(o, "host"));
	if (l->hosts < 2)
		l->hosts = list_length(option_of(o, "hostaddr"));
	PQconninfoFree(o);
	l->where = strdup(where);
	if (!l->where)
		snprintf(error, STORE_ERROR_MAX, "no memory");
	return l->where;
}

void link_close(struct link *l)
{
	link_drop(l);
	if (l->where)
		explicit_bzero(l->where, strlen(l->where));
	free(l->where);
}

void link_drop(struct link *l)
{
	PQfinish(l->conn);
	l->conn = NULL;
	l->queued = l->marks = 0;
}

uint64_t link_until(int wait_ms)
{
	return clock_ms() + (uint64_t)wait_ms;
}

static bool wait_for(PGconn *conn, short events, uint64_t until)
{
	for (;;) {
		struct pollfd fd = {.fd = PQsocket(conn), .events = events};
		uint64_t now = clock_ms();
		int n = now < until ? poll(&fd, 1, (int)(until - now)) : 0;

		if (n > 0)
			return true;
		if (n == 0 || errno != EINTR)
			return false;
	}
}

/* The first line of what libpq says, unless it quotes the password. It ends where the reason is
 * to come, if there was no answer. */
static void say_why(struct link *l, char *error)
{
	const char *message = l->conn ? PQerrorMessage(l->conn) : "no memory";
	const char *password = l->conn ? PQpass(l->conn) : NULL;
	char line[160];
	size_t len;

	if (password && *password && strstr(message, password))
		message = "refused";
	len = (size_t)snprintf(line, sizeof(line) - sizeof("no answer"), "%.*s",
			       (int)strcspn(message, "\n"), message);
	if (len == 0 || message[strcspn(message, "\n") - 1] == ' ')
		strcat(line, "no answer");
	log_event(LOG_ERROR, "store", "not_connected", LOG_Z("server", l->shown),
		  LOG_Z("error", line));
	if (error)
		snprintf(error, STORE_ERROR_MAX, "cannot use the store %.80s: %.140s", l->shown,
			 line);
}

static bool handshake(PGconn *conn, uint64_t until)
{
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;

	while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
		if (PQstatus(conn) == CONNECTION_BAD ||
		    !wait_for(conn, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, until))
			return false;
		next = PQconnectPoll(conn);
	}
	return next == PGRES_POLLING_OK;
}

/* What the address says goes before our defaults, and behind what we cannot do without. */
static PGconn *start(const struct link *l)
{
	static const char *const listed[] = {"host", "hostaddr", "port"};
	const char *keyword[12] = {"fallback_application_name",
				   "keepalives_idle",
				   "keepalives_interval",
				   "keepalives_count",
				   "target_session_attrs",
				   "dbname",
				   "client_encoding"};
	const char *value[12] = {"saker-hss", "10", "3", "3", "read-write", l->where, "UTF8"};
	char turned[3][LINK_LIST_MAX];
	PQconninfoOption *o = PQconninfoParse(l->where, NULL);
	size_t n = 7;

	for (size_t i = 0; o && l->first && i < 3; i++)
		if (turn_list(option_of(o, listed[i]), l->hosts, l->first, turned[i])) {
			keyword[n] = listed[i];
			value[n++] = turned[i];
		}
	PQconninfoFree(o);
	return PQconnectStartParams(keyword, value, 1);
}

/* What is provisioned is on disk when a commit returns, whatever the server's default. Names
 * are found in our parts only. Who holds locks and is gone is ended by the server. */
static const char session_sql[] = "SET search_path = pg_catalog;"
				  "SELECT set_config('synchronous_commit', 'on', false)"
				  " WHERE current_setting('synchronous_commit') = 'off';"
				  "SET jit = off;"
				  "SET idle_in_transaction_session_timeout = 10000;"
				  "SET default_transaction_isolation = 'read committed';"
				  "SET default_transaction_read_only = off;";

static bool set_session(struct link *l, uint64_t until)
{
	const char *encoding = PQparameterStatus(l->conn, "server_encoding");
	char sql[sizeof(session_sql) + 96];
	PGresult *r;
	bool done;

	if (!encoding || strcmp(encoding, "UTF8") != 0)
		return false;
	snprintf(sql, sizeof(sql), "%sSET lock_timeout = %d; SET statement_timeout = %d",
		 session_sql, LINK_LOCK_MS, LINK_LONG_MS);
	r = link_query(l, sql, until);
	done = link_result(r) == STORE_OK;
	PQclear(r);
	return done;
}

static bool connect_once(struct link *l, char *error)
{
	uint64_t until = link_until(STORE_WAIT_MS);

	link_drop(l);
	l->conn = start(l);
	if (!l->conn || PQstatus(l->conn) == CONNECTION_BAD || !handshake(l->conn, until)) {
		say_why(l, error);
	} else if (PQsetnonblocking(l->conn, 1) == 0) {
		PQsetNoticeReceiver(l->conn, ignore_notice, NULL);
		if (set_session(l, until))
			return true;
		if (error)
			snprintf(
				error, STORE_ERROR_MAX, "cannot use the store %.100s: %s",
				l->shown,
				l->conn ? "the database must be UTF8, of PostgreSQL 11 or later"
					: "no answer");
	}
	link_drop(l);
	l->first = (l->first + 1) % l->hosts;
	return false;
}

enum store_result link_connect(struct link *l, char *error)
{
	/* Who opens a store waits for all hosts; who has one open, for one at a time. */
	uint32_t tries = error ? l->hosts : 1;

	if (clock_ms() < l->retry_ms)
		return STORE_FAIL;
	while (tries--)
		if (connect_once(l, error)) {
			l->retry_ms = 0;
			return STORE_OK;
		}
	l->retry_ms = clock_ms() + LINK_RETRY_MS;
	return STORE_FAIL;
}

static bool give_up(struct link *l, const char *why)
{
	if (!l->conn)
		return false;
	log_event(LOG_ERROR, "store", "connection_lost", LOG_Z("server", l->shown),
		  LOG_Z("why", why));
	link_drop(l);
	return false;
}

bool link_alive(struct link *l)
{
	struct pollfd fd = {.events = POLLIN};

	if (!l->conn)
		return false;
	/* Nothing is under way: what comes is a notice, or last words and then the end. */
	fd.fd = PQsocket(l->conn);
	for (int i = 0; i < 8 && poll(&fd, 1, 0) > 0; i++)
		if (!PQconsumeInput(l->conn)) {
			give_up(l, "closed");
			break;
		}
	return l->conn;
}

bool link_flush(struct link *l, uint64_t until)
{
	int left;

	while ((left = PQflush(l->conn)) > 0) {
		if (!wait_for(l->conn, POLLIN | POLLOUT, until))
			return give_up(l, "time");
		/* A server that cannot send does not read either. */
		if (!PQconsumeInput(l->conn))
			return give_up(l, "closed");
	}
	return left == 0 || give_up(l, "closed");
}

bool link_next(struct link *l, uint64_t until, PGresult **out)
{
	while (PQisBusy(l->conn)) {
		uint64_t look = link_until(LOOK_MS);

		/* TLS may hold what the socket does not tell of any more. */
		if (!wait_for(l->conn, POLLIN, look < until ? look : until) &&
		    clock_ms() >= until)
			return give_up(l, "time");
		if (!PQconsumeInput(l->conn))
			return give_up(l, "closed");
	}
	*out = PQgetResult(l->conn);
	return true;
}

static bool is_error(const PGresult *r)
{
	return r && PQresultStatus(r) == PGRES_FATAL_ERROR;
}

PGresult *link_last(struct link *l, uint64_t until)
{
	PGresult *last = NULL, *next;

	if (!l->conn || !link_flush(l, until))
		return NULL;
	do {
		if (!link_next(l, until, &next)) {
			PQclear(last);
			return NULL;
		}
		if (next && !is_error(last)) {
			PQclear(last);
			last = next;
		} else {
			PQclear(next);
		}
	} while (next);
	/* The server ended the connection with its last word. */
	if (PQstatus(l->conn) == CONNECTION_BAD)
		give_up(l, "closed");
	return last;
}

static bool enter(struct link *l)
{
	return l->conn &&
	       (PQpipelineStatus(l->conn) != PQ_PIPELINE_OFF || PQenterPipelineMode(l->conn));
}

bool link_prepare(struct link *l, const char *name, const char *sql)
{
	if (!enter(l) || !PQsendPrepare(l->conn, name, sql, 0, NULL))
		return give_up(l, "closed");
	l->queued++;
	return true;
}

bool link_send(struct link *l, const char *name, int n, const char *const *octets,
	       const int *len)
{
	static const int binary[LINK_VALUES_MAX] = {[0 ... LINK_VALUES_MAX - 1] = 1};

	if (!enter(l) || n > LINK_VALUES_MAX ||
	    !PQsendQueryPrepared(l->conn, name, n, octets, len, binary, 1))
		return give_up(l, "closed");
	l->queued++;
	return true;
}

static bool mark(struct link *l)
{
	if (!enter(l) || !PQpipelineSync(l->conn))
		return give_up(l, "closed");
	l->queued = 0;
	l->marks++;
	return true;
}

void link_mark(struct link *l)
{
	/* What the socket does not take now goes with the next. */
	if (mark(l) && PQflush(l->conn) < 0)
		give_up(l, "closed");
}

/* The one of two results that is told: errors before all that follows from them. */
static PGresult *take(struct link *l, PGresult *kept, PGresult *next)
{
	switch (PQresultStatus(next)) {
	case PGRES_PIPELINE_SYNC:
		PQclear(next);
		if (--l->marks == 0)
			return kept;
		PQclear(kept);
		return NULL;
	case PGRES_PIPELINE_ABORTED:
		PQclear(next);
		return kept;
	default:
		PQclear(is_error(kept) ? next : kept);
		return is_error(kept) ? kept : next;
	}
}

/* All that is under way. False: dropped. */
static bool read_marks(struct link *l, uint64_t until, PGresult **out)
{
	PGresult *next;

	*out = NULL;
	if (!link_flush(l, until))
		return false;
	while (l->marks) {
		bool there = link_next(l, until, &next);

		if (there && next)
			*out = take(l, *out, next);
		else if (there && PQstatus(l->conn) == CONNECTION_BAD)
			there = give_up(l, "closed");
		if (!there) {
			PQclear(*out);
			*out = NULL;
			return false;
		}
	}
	return true;
}

PGresult *link_sync(struct link *l, uint64_t until)
{
	PGresult *r;

	return mark(l) && read_marks(l, until, &r) ? r : NULL;
}

PGresult *link_query(struct link *l, const char *sql, uint64_t until)
{
	PGresult *r = NULL;

	if (!l->conn)
		return NULL;
	if (PQpipelineStatus(l->conn) != PQ_PIPELINE_OFF) {
		if ((l->queued && !mark(l)) || !read_marks(l, until, &r))
			return NULL;
		if (is_error(r))
			return r;
		PQclear(r);
		PQexitPipelineMode(l->conn);
	}
	if (!PQsendQuery(l->conn, sql)) {
		give_up(l, "closed");
		return NULL;
	}
	return link_last(l, until);
}

/* Appendix A of PostgreSQL's manual. */
static enum store_result result_of_state(const char *state)
{
	static const char *const busy[] = {
		"40001", /* serialization_failure */
		"40P01", /* deadlock_detected */
		"55P03", /* lock_not_available: lock_timeout */
		"57014", /* query_canceled: statement_timeout */
	};

	for (size_t i = 0; i < sizeof(busy) / sizeof(busy[0]); i++)
		if (strcmp(state, busy[i]) == 0)
			return STORE_BUSY;
	return strncmp(state, "23", 2) == 0 ? STORE_EXISTS : STORE_FAIL;
}

enum store_result link_result(const PGresult *r)
{
	const char *state;
	enum store_result result;

	if (!r)
		return STORE_FAIL;
	if (!is_error(r) && PQresultStatus(r) != PGRES_BAD_RESPONSE)
		return STORE_OK;
	state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	result = state ? result_of_state(state) : STORE_FAIL;
	/* The code, not the sentence: that may quote what was bound. */
	if (result != STORE_EXISTS)
		log_event(result == STORE_BUSY ? LOG_WARN : LOG_ERROR, "store",
			  result == STORE_BUSY ? "busy" : "failed",
			  LOG_Z("sqlstate", state ? state : ""));
	return result;
}
