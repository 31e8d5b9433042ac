/* test_store_postgres.c - the store in a database: lost connections, crashes of the server,
 * what they may take and what never; run by over_postgres.sh */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "fixture.h"
#include "store/move.h"

/* The n-th statement from now is not sent any more; the linker puts us between the store and
 * libpq. */
static long fault; /* 0: none will */

int __real_PQsendQueryPrepared(PGconn *conn, const char *name, int n, const char *const *value,
			       const int *len, const int *format, int result_format);
int __wrap_PQsendQueryPrepared(PGconn *conn, const char *name, int n, const char *const *value,
			       const int *len, const int *format, int result_format);
int __wrap_PQsendQueryPrepared(PGconn *conn, const char *name, int n, const char *const *value,
			       const int *len, const int *format, int result_format)
{
	if (fault && --fault == 0)
		return 0;
	return __real_PQsendQueryPrepared(conn, name, n, value, len, format, result_format);
}

static const char our_backends[] = "FROM pg_stat_activity WHERE application_name = 'saker-hss'";

/* The server ends our connections, in order. */
static void end_connections(void)
{
	PGconn *conn = fixture_connect();
	char sql[160];

	snprintf(sql, sizeof(sql), "SELECT count(pg_terminate_backend(pid, 5000)) %s",
		 our_backends);
	assert_true(fixture_sql(conn, sql) > 0);
	PQfinish(conn);
}

static pid_t backend(void)
{
	PGconn *conn = fixture_connect();
	char sql[160];
	pid_t pid;

	snprintf(sql, sizeof(sql), "SELECT max(pid) %s", our_backends);
	pid = (pid_t)fixture_sql(conn, sql);
	PQfinish(conn);
	assert_true(pid > 1);
	return pid;
}

/* Until it answers again, as it does within seconds. */
static void await_server(struct fixture *f)
{
	struct store_impi i;
	uint64_t start = clock_ms();

	while (store_find_impi(f->store, SLICE("alice@home.example"), &i) != STORE_OK) {
		assert_true(clock_ms() - start < 20000);
		usleep(50000);
	}
}

static void test_lost_between_calls(void **state)
{
	struct fixture *f = *state;

	fixture_people(f);
	assert_int_equal(fixture_mar(f), CX_SUCCESS);
	uint64_t sqn = fixture_impi(f->store, "alice@home.example").sqn;
	for (int i = 0; i < 3; i++) {
		end_connections();
		assert_int_equal(fixture_mar(f), CX_SUCCESS);
	}
	/* Nothing was lost: no epoch began. */
	assert_true(fixture_impi(f->store, "alice@home.example").sqn < sqn + 4 * 32);
}

/* Never half of it: neither what was before the loss nor what comes behind it. */
static void test_lost_within_a_transaction(void **state)
{
	struct fixture *f = *state;
	struct store_impi i;
	struct store_tie tie;

	fixture_people(f);
	i = fixture_impi(f->store, "alice@home.example");
	assert_int_equal(store_begin(f->store, STORE_CX), STORE_OK);
	assert_int_equal(store_set_sqn(f->store, i.id, 6400), STORE_OK);
	end_connections();
	store_assign(f->store, i.implicit_set, STORE_REGISTERED, SLICE("s"), SLICE("h"));
	assert_int_equal(store_find_tie(f->store, i.implicit_set, i.id, &tie), STORE_FAIL);
	assert_int_equal(store_tie(f->store, i.implicit_set, i.id, true, false), STORE_FAIL);
	assert_int_equal(store_commit(f->store), STORE_FAIL);
	assert_int_equal(fixture_impi(f->store, "alice@home.example").sqn, 0);
	assert_int_equal(fixture_impu(f->store, "tel:+1").state, STORE_NOT_REGISTERED);
	/* Lost between the last change and the commit. */
	assert_int_equal(store_begin(f->store, STORE_CX), STORE_OK);
	assert_int_equal(store_set_sqn(f->store, i.id, 6400), STORE_OK);
	end_connections();
	assert_int_equal(store_commit(f->store), STORE_FAIL);
	assert_int_equal(fixture_impi(f->store, "alice@home.example").sqn, 0);
}

static void test_nth_statement_fails(void **state)
{
	struct fixture *f = *state;

	fixture_people(f);
	for (int what = 0; what < 2; what++) {
		long n = 0;
		int result;

		for (;;) {
			uint64_t sqn = fixture_impi(f->store, "alice@home.example").sqn;

			assert_int_equal(fixture_sar(f, CX_SAT_USER_DEREGISTRATION),
					 CX_SUCCESS);
			fault = ++n;
			result = what ? fixture_sar(f, CX_SAT_REGISTRATION) : fixture_mar(f);
			bool hit = fault == 0;
			fault = 0;
			if (!hit)
				break;
			assert_int_equal(result, CX_UNABLE_TO_COMPLY);
			assert_int_equal(fixture_impi(f->store, "alice@home.example").sqn, sqn);
			assert_string_equal(fixture_impu(f->store, "tel:+1").scscf, "");
			assert_true(n < 100);
		}
		assert_in_range(n, 4, 50);
		assert_int_equal(result, CX_SUCCESS);
	}
}

static void test_nth_statement_of_a_put_fails(void **state)
{
	static const char *const impu[] = {"sip:n@home.example", "tel:+9", NULL};
	struct fixture *f = *state;
	struct store_subscriber *sub = fixture_subscriber("n@home.example", impu);
	struct store_counts before, after;
	char error[STORE_ERROR_MAX];
	enum store_result r = STORE_FAIL;
	long n = 0;

	strcpy(sub->visited[0], "abroad.example");
	sub->n_visited = 1;
	fixture_people(f);
	assert_int_equal(store_counts(f->store, &before), STORE_OK);
	while (r != STORE_OK) {
		fault = ++n;
		r = store_subscriber_put(f->store, sub, false, error);
		bool hit = fault == 0;
		fault = 0;
		assert_int_equal(r, hit ? STORE_FAIL : STORE_OK);
		if (!hit)
			break;
		assert_int_equal(store_counts(f->store, &after), STORE_OK);
		assert_memory_equal(&before, &after, sizeof(before));
	}
	assert_in_range(n, 7, 50);
	free(sub);
}

/* A process of the server dies: all of them begin anew, and what was not on the disk is lost.
 */
static void test_crash_never_repeats_an_sqn(void **state)
{
	struct fixture *f = *state;
	bool lost = false;

	if (geteuid() != 0)
		skip();
	fixture_people(f);
	for (int crash = 0; crash < 3; crash++) {
		PGconn *conn;
		uint64_t given;

		for (int i = 0; i < 10; i++)
			assert_int_equal(fixture_mar(f), CX_SUCCESS);
		given = fixture_impi(f->store, "alice@home.example").sqn;
		assert_int_equal(kill(backend(), SIGKILL), 0);
		await_server(f);
		assert_true(fixture_impi(f->store, "alice@home.example").sqn > given);
		conn = fixture_connect();
		lost = lost ||
		       (uint64_t)fixture_sql(
			       conn, "SELECT coalesce(max(sqn), 0) FROM state.sqn") < given;
		PQfinish(conn);
		/* Of what was provisioned, nothing. */
		assert_int_equal(store_subscriber_del(f->store, SLICE("bob@home.example")),
				 crash ? STORE_NONE : STORE_OK);
	}
	/* Else this test would show nothing. */
	assert_true(lost);
}

static void test_epoch_begins_when_state_may_be_lost(void **state)
{
	static const char *const loss[] = {
		"DELETE FROM state.alive",               /* as after a crash */
		"UPDATE main.meta SET boot = 'another'", /* another server, or a later one */
		"DROP SCHEMA state CASCADE",             /* by hand */
		"DROP TABLE state.alive; CREATE UNLOGGED TABLE state.alive(one bigint PRIMARY "
		"KEY);"
		"INSERT INTO state.alive VALUES(1)", /* as from a dump */
	};
	struct fixture *f = *state;
	uint64_t sqn = 0;

	fixture_people(f);
	for (size_t i = 0; i < sizeof(loss) / sizeof(loss[0]); i++) {
		PGconn *conn = fixture_connect();

		fixture_sql(conn, loss[i]);
		PQfinish(conn);
		fixture_reopen(f);
		sqn += STORE_SQN_JUMP;
		assert_int_equal(fixture_impi(f->store, "alice@home.example").sqn, sqn);
		fixture_reopen(f);
		assert_int_equal(fixture_impi(f->store, "alice@home.example").sqn, sqn);
	}
}

/* The log of the server is as far on the disk as it was written when we asked; its writer of
 * its own accord comes by every ten seconds only (postgres.bash). */
static bool on_disk(PGconn *conn)
{
	return fixture_sql(conn, "SELECT (pg_current_wal_flush_lsn() >="
				 " current_setting('test.lsn')::pg_lsn)::int") == 1;
}

static void note_lsn(PGconn *conn)
{
	fixture_sql(conn, "SELECT set_config('test.lsn', pg_current_wal_insert_lsn()::text,"
			  " false)");
}

static void test_what_waits_for_the_disk(void **state)
{
	static const char *const impu[] = {"sip:n@home.example", NULL};
	struct fixture *f = *state;
	PGconn *conn = fixture_connect();
	bool ahead = false;

	fixture_people(f);
	note_lsn(conn);
	assert_true(on_disk(conn));
	for (int i = 0; i < 10 && !ahead; i++) {
		assert_int_equal(fixture_mar(f), CX_SUCCESS);
		note_lsn(conn);
		ahead = !on_disk(conn);
	}
	assert_true(ahead);
	assert_int_equal(store_checkpoint(f->store), STORE_OK);
	assert_true(on_disk(conn));
	assert_int_equal(fixture_mar(f), CX_SUCCESS);
	fixture_put(f, fixture_subscriber("n@home.example", impu));
	note_lsn(conn);
	assert_true(on_disk(conn));
	PQfinish(conn);
}

/* A server that stands still: an error in time, and all is well when it goes on. */
static void test_server_stands_still(void **state)
{
	struct fixture *f = *state;
	uint64_t start;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	fixture_people(f);
	pid = backend();
	assert_int_equal(kill(pid, SIGSTOP), 0);
	start = clock_ms();
	int result = fixture_mar(f);
	uint64_t took = clock_ms() - start;
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(result, CX_UNABLE_TO_COMPLY);
	assert_in_range(took, STORE_WAIT_MS / 2, 2000);
	await_server(f);
	assert_int_equal(fixture_mar(f), CX_SUCCESS);
}

/* A socket that takes connections and says nothing, as a host that has lost its power. */
static int silent_host(uint16_t *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static void test_second_host(void **state)
{
	struct fixture *f = *state;
	char uri[256], error[STORE_ERROR_MAX];
	const char *folder = strstr(f->path, "host=") + 5;
	struct store *before = f->store;
	uint16_t port;
	int fd = silent_host(&port);

	fixture_people(f);
	snprintf(uri, sizeof(uri),
		 "postgresql:///postgres?user=saker&host=127.0.0.1,%.*s&port=%u,%s",
		 (int)strcspn(folder, "&"), folder, port, getenv("SAKER_TEST_POSTGRES_PORT"));
	f->store = f->hss->store = store_open(uri, error);
	if (!f->store)
		fail_msg("%s", error);
	assert_int_equal(fixture_mar(f), CX_SUCCESS);
	end_connections();
	await_server(f);
	assert_int_equal(fixture_mar(f), CX_SUCCESS);
	store_close(f->store);
	f->store = f->hss->store = before;
	/* None but the silent one: an error, in time. */
	uint64_t started = clock_ms();
	snprintf(uri, sizeof(uri), "postgresql://127.0.0.1:%u/postgres", port);
	assert_null(store_open(uri, error));
	assert_true(clock_ms() - started < 2000);
	close(fd);
}

static char stderr_text[1 << 16];

/* What store_open says and logs. */
static void open_and_listen(const char *where, char *error)
{
	int before = dup(2), into = memfd_create("log", 0);
	struct store *s;
	ssize_t n;

	fflush(stderr);
	dup2(into, 2);
	s = store_open(where, error);
	dup2(before, 2);
	n = pread(into, stderr_text, sizeof(stderr_text) - 1, 0);
	stderr_text[n > 0 ? n : 0] = 0;
	close(into);
	close(before);
	assert_null(s);
	assert_true(*error);
}

static void test_password_is_never_shown(void **state)
{
	static const char *const where[] = {
		"postgresql://saker:geheim@127.0.0.1:%s/postgres",
		"postgresql://saker:a@geheim@127.0.0.1:%s/postgres",
		"postgresql://saker:geheim@127.0.0.1:%s/postgres?nosuch=geheim",
		"postgresql://saker@127.0.0.1:%s/postgres?password=geheim",
		"postgresql://saker@127.0.0.1:%s/postgres?password=%%zzgeheim",
		"postgresql://saker:geheim@nowhere.invalid:%s/postgres",
		"postgresql://saker:geheim@127.0.0.1:1/%s",
		"postgres://geheim:geheim@127.0.0.1:%s/postgres",
	};
	char uri[256], error[STORE_ERROR_MAX];

	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		snprintf(uri, sizeof(uri), where[i], getenv("SAKER_TEST_POSTGRES_PORT"));
		open_and_listen(uri, error);
		if (strstr(error, "geheim") || strstr(stderr_text, "geheim"))
			fail_msg("%s: %s\n%s", uri, error, stderr_text);
	}
}

static void test_password_works(void **state)
{
	struct fixture *f = *state;
	PGconn *conn = fixture_connect();
	char uri[256], error[STORE_ERROR_MAX];
	struct store *s;

	fixture_people(f);
	fixture_sql(conn, "DROP ROLE IF EXISTS visitor");
	fixture_sql(conn, "CREATE ROLE visitor SUPERUSER LOGIN PASSWORD 'p@ss'");
	snprintf(uri, sizeof(uri), "postgresql://visitor:p%%40ss@127.0.0.1:%s/postgres",
		 getenv("SAKER_TEST_POSTGRES_PORT"));
	s = store_open(uri, error);
	if (!s)
		fail_msg("%s", error);
	assert_int_equal(fixture_impi(s, "alice@home.example").sqn, 0);
	store_close(s);
	fixture_sql(conn, "DROP ROLE visitor");
	PQfinish(conn);
}

/* As README says it is made: nobody's but that of the database. */
static void test_plain_role(void **state)
{
	struct fixture *f = *state;
	PGconn *conn = fixture_connect();
	char uri[256], error[STORE_ERROR_MAX];
	struct store_moved moved;
	struct store *s;

	fixture_people(f);
	PQclear(PQexec(conn, "DROP DATABASE IF EXISTS plain"));
	fixture_sql(conn, "DROP ROLE IF EXISTS plain");
	fixture_sql(conn, "CREATE ROLE plain LOGIN PASSWORD 'p'");
	fixture_sql(conn, "CREATE DATABASE plain OWNER plain");
	snprintf(uri, sizeof(uri), "postgresql://plain:p@127.0.0.1:%s/plain",
		 getenv("SAKER_TEST_POSTGRES_PORT"));
	s = store_open(uri, error);
	if (!s)
		fail_msg("%s", error);
	/* A server goes to a server too. */
	assert_int_equal(store_move(f->store, s, &moved, error), STORE_OK);
	assert_int_equal(moved.subscribers, 4);
	assert_int_equal(store_checkpoint(s), STORE_OK);
	assert_int_equal(store_subscriber_del(s, SLICE("bob@home.example")), STORE_OK);
	store_close(s);
	PQclear(PQexec(conn, "DROP DATABASE plain"));
	fixture_sql(conn, "DROP ROLE plain");
	PQfinish(conn);
}

static void test_open_refuses(void **state)
{
	struct fixture *f = *state;
	PGconn *conn = fixture_connect();
	char uri[256], error[STORE_ERROR_MAX];

	fixture_sql(conn, "UPDATE main.version SET version = 99");
	open_and_listen(f->path, error);
	assert_non_null(strstr(error, "later version"));
	/* A database that is somebody else's is left as it is. */
	fixture_sql(conn, "DROP SCHEMA main, state CASCADE; CREATE SCHEMA main;"
			  "CREATE TABLE main.meta(something int)");
	open_and_listen(f->path, error);
	assert_int_equal(fixture_sql(conn, "SELECT count(*) FROM pg_tables WHERE schemaname"
					   " IN ('main', 'state')"),
			 1);
	/* One that does not keep text as it is. */
	PQclear(PQexec(conn, "DROP DATABASE IF EXISTS latin"));
	fixture_sql(conn,
		    "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
	snprintf(uri, sizeof(uri), "postgresql:///latin%s", strchr(f->path, '?'));
	open_and_listen(uri, error);
	assert_non_null(strstr(error, "UTF8"));
	PQclear(PQexec(conn, "DROP DATABASE latin"));
	PQfinish(conn);
}

/* Several front ends find an empty database at one time. */
static void test_many_open_at_once(void **state)
{
	struct fixture *f = *state;
	pid_t child[6];
	PGconn *conn = fixture_connect();

	store_close(f->store);
	f->store = NULL;
	fixture_sql(conn, "DROP SCHEMA main, state CASCADE");
	for (int i = 0; i < 6; i++) {
		child[i] = fork();
		if (child[i] == 0) {
			char error[STORE_ERROR_MAX];
			struct store *s = store_open(f->path, error);

			if (!s)
				fprintf(stderr, "%s\n", error);
			store_close(s);
			_exit(s ? 0 : 1);
		}
	}
	for (int i = 0; i < 6; i++) {
		int status;

		assert_int_equal(waitpid(child[i], &status, 0), child[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(fixture_sql(conn, "SELECT epoch FROM main.meta"), 1);
	PQfinish(conn);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_lost_between_calls),
		CASE(test_lost_within_a_transaction),
		CASE(test_nth_statement_fails),
		CASE(test_nth_statement_of_a_put_fails),
		CASE(test_crash_never_repeats_an_sqn),
		CASE(test_epoch_begins_when_state_may_be_lost),
		CASE(test_what_waits_for_the_disk),
		CASE(test_server_stands_still),
		CASE(test_second_host),
		CASE(test_password_is_never_shown),
		CASE(test_password_works),
		CASE(test_plain_role),
		CASE(test_open_refuses),
		CASE(test_many_open_at_once),
	};

	if (!fixture_server()) {
		fprintf(stderr, "run by over_postgres.sh\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
