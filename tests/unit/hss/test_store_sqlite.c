/* test_store_sqlite.c - the store in files: power cuts, lost and corrupt files, full disks */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fixture.h"

/* The n-th step from now fails with this code; the linker puts us between the store and SQLite.
 */
static struct {
	long left; /* 0: none will */
	int code;
} fault;

int __real_sqlite3_step(sqlite3_stmt *st);
int __wrap_sqlite3_step(sqlite3_stmt *st);
int __wrap_sqlite3_step(sqlite3_stmt *st)
{
	if (fault.left && --fault.left == 0)
		return fault.code;
	return __real_sqlite3_step(st);
}

/* Something else opens the file and changes it behind the store's back. */
static void meddle(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* What the state file remembers is lost with the power; the SQN must not come again. */
static void test_power_cut_never_repeats_an_sqn(void **state)
{
	struct fixture *f = *state;
	uint64_t last = 0;

	fixture_people(f);
	for (int cut = 0; cut < 4; cut++) {
		struct store_impi i = fixture_impi(f->store, "alice@home.example");
		uint64_t before = i.sqn;

		for (int n = 1; n <= 2000; n++)
			assert_int_equal(
				store_set_sqn(f->store, i.id, i.sqn + (uint64_t)n * 32),
				STORE_OK);
		if (cut)
			assert_true(before > last);
		last = i.sqn + 2000 * 32;
		assert_int_equal(fixture_impi(f->store, "alice@home.example").sqn, last);
		/* A restart of the program alone jumps nowhere. */
		fixture_reopen(f);
		assert_int_equal(fixture_impi(f->store, "alice@home.example").sqn, last);
		store_close(f->store);
		f->store = NULL;
		meddle(f->path, "UPDATE meta SET boot = 'another'");
		if (cut == 1) {
			/* The log was not on the disk yet. */
			char state_path[512], sql[128];

			snprintf(state_path, sizeof(state_path), "%s-state", f->path);
			snprintf(sql, sizeof(sql), "UPDATE sqn SET sqn = %llu",
				 (unsigned long long)before);
			meddle(state_path, sql);
		}
		fixture_reopen(f);
	}
}

static void test_state_file_lost(void **state)
{
	struct fixture *f = *state;
	char path[512];

	fixture_people(f);
	store_close(f->store);
	f->store = NULL;
	snprintf(path, sizeof(path), "%s-state", f->path);
	assert_int_equal(unlink(path), 0);
	fixture_reopen(f);
	assert_int_equal(fixture_impi(f->store, "alice@home.example").sqn, STORE_SQN_JUMP);
	assert_int_equal(fixture_impu(f->store, "tel:+1").state, STORE_NOT_REGISTERED);
}

/* Epochs lead to the end of the SQNs, and not round it. */
static void test_sqn_ends(void **state)
{
	static const char *const impu[] = {"sip:old@home.example", NULL};
	const uint64_t end = (UINT64_C(1) << 48) - 1;
	struct fixture *f = *state;
	struct store_subscriber *sub = fixture_subscriber("old@home.example", impu);
	char error[STORE_ERROR_MAX], path[512];

	sub->sqn = end - 2 * STORE_SQN_JUMP + 1;
	assert_int_equal(store_subscriber_put(f->store, sub, false, error), STORE_OK);
	snprintf(path, sizeof(path), "%s-state", f->path);
	for (int epoch = 0; epoch < 4; epoch++) {
		uint64_t want = epoch > 1 ? end : sub->sqn + epoch * STORE_SQN_JUMP;

		assert_int_equal(fixture_impi(f->store, "old@home.example").sqn, want);
		store_close(f->store);
		f->store = NULL;
		assert_int_equal(unlink(path), 0);
		fixture_reopen(f);
	}
	free(sub);
}

static void test_files_are_private(void **state)
{
	static const char *const end[] = {"", "-state", "-wal", "-state-wal"};
	struct fixture *f = *state;

	fixture_people(f);
	for (size_t i = 0; i < sizeof(end) / sizeof(end[0]); i++) {
		char path[512];
		struct stat st;

		snprintf(path, sizeof(path), "%s%s", f->path, end[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

static void test_open_refuses(void **state)
{
	struct fixture *f = *state;
	char error[STORE_ERROR_MAX] = "", path[600];
	FILE *junk;

	assert_null(store_open("/nonexistent/folder/hss.db", error));
	assert_true(*error);
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = 0;
	assert_null(store_open(path, error));
	store_close(f->store);
	meddle(f->path, "PRAGMA user_version = 99");
	assert_null(f->store = store_open(f->path, error));
	assert_non_null(strstr(error, "later version"));
	/* No database at all. */
	junk = fopen(f->path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("this is no database\n", junk);
	fclose(junk);
	assert_null(store_open(f->path, error));
	assert_true(*error);
}

/* Root reads and writes everything; somebody else may not write here. */
static void test_read_only(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t child;

	if (geteuid() != 0)
		skip();
	fixture_people(f);
	store_close(f->store);
	f->store = NULL;
	chmod(f->folder, 0555);
	chmod(f->path, 0444);
	child = fork();
	if (child == 0) {
		char error[STORE_ERROR_MAX] = "";

		_exit(seteuid(65534) == 0 && !store_open(f->path, error) && *error ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	chmod(f->folder, 0755);
	chmod(f->path, 0600);
}

/* A file may not grow any further, as on a full disk: errors while it lasts, and afterwards all
 * is well again. */
static void test_disk_full(void **state)
{
	struct fixture *f = *state;
	struct rlimit before, tight;
	int result = CX_SUCCESS;

	fixture_people(f);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = 100 << 10;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	for (int i = 0; i < 1000 && result == CX_SUCCESS; i++)
		result = fixture_mar(f);
	assert_int_equal(result, CX_UNABLE_TO_COMPLY);
	uint64_t sqn = fixture_impi(f->store, "alice@home.example").sqn;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(fixture_mar(f), CX_SUCCESS);
	assert_true(fixture_impi(f->store, "alice@home.example").sqn > sqn);
	fixture_reopen(f);
	assert_int_equal(fixture_mar(f), CX_SUCCESS);
}

/* Each statement of each decision fails once, with each kind of error: the answer is the error,
 * and nothing of the decision stays. */
static void test_nth_statement_fails(void **state)
{
	static const int code[] = {SQLITE_IOERR, SQLITE_FULL, SQLITE_BUSY, SQLITE_CORRUPT,
				   SQLITE_READONLY};
	struct fixture *f = *state;

	fixture_people(f);
	for (size_t c = 0; c < sizeof(code) / sizeof(code[0]); c++) {
		for (int what = 0; what < 2; what++) {
			long n = 0;
			int result;

			do {
				uint64_t sqn = fixture_impi(f->store, "alice@home.example").sqn;

				assert_int_equal(fixture_sar(f, CX_SAT_USER_DEREGISTRATION),
						 CX_SUCCESS);
				fault.code = code[c];
				fault.left = ++n;
				result = what ? fixture_sar(f, CX_SAT_REGISTRATION)
					      : fixture_mar(f);
				bool hit = fault.left == 0;
				fault.left = 0;
				if (!hit)
					break;
				assert_int_equal(result, CX_UNABLE_TO_COMPLY);
				assert_int_equal(
					fixture_impi(f->store, "alice@home.example").sqn, sqn);
				assert_string_equal(fixture_impu(f->store, "tel:+1").scscf, "");
			} while (n < 100);
			assert_in_range(n, 5, 50);
			assert_int_equal(result, CX_SUCCESS);
		}
	}
}

static void test_nth_statement_of_a_put_fails(void **state)
{
	static const char *const impu[] = {"sip:n@home.example", "tel:+9", NULL};
	struct fixture *f = *state;
	struct store_subscriber *sub = fixture_subscriber("n@home.example", impu);
	struct store_counts before, after;
	char error[STORE_ERROR_MAX];
	long n = 0;

	strcpy(sub->visited[0], "abroad.example");
	sub->n_visited = 1;
	fixture_people(f);
	assert_int_equal(store_counts(f->store, &before), STORE_OK);
	for (;;) {
		enum store_result r;

		fault.code = SQLITE_IOERR;
		fault.left = ++n;
		r = store_subscriber_put(f->store, sub, false, error);
		bool hit = fault.left == 0;
		fault.left = 0;
		if (!hit) {
			assert_int_equal(r, STORE_OK);
			break;
		}
		assert_int_equal(r, STORE_FAIL);
		assert_int_equal(store_counts(f->store, &after), STORE_OK);
		assert_memory_equal(&before, &after, sizeof(before));
	}
	assert_in_range(n, 8, 50);
	free(sub);
}

/* A page that is not what it was: an error, not an answer made of it. */
static void test_corrupt_page(void **state)
{
	struct fixture *f = *state;
	uint8_t rubbish[4096];
	struct stat st;
	int fd, result;

	fixture_people(f);
	store_close(f->store);
	f->store = NULL;
	memset(rubbish, 0xa5, sizeof(rubbish));
	fd = open(f->path, O_RDWR);
	assert_int_equal(fstat(fd, &st), 0);
	/* The first page is kept: with it the file would not open at all. */
	for (off_t at = sizeof(rubbish) * 2; at < st.st_size; at += sizeof(rubbish))
		assert_int_equal(pwrite(fd, rubbish, sizeof(rubbish), at), sizeof(rubbish));
	close(fd);
	char error[STORE_ERROR_MAX];
	f->store = store_open(f->path, error);
	if (!f->store)
		return;
	f->hss->store = f->store;
	result = fixture_mar(f);
	assert_true(result == CX_UNABLE_TO_COMPLY || result == CX_ERROR_USER_UNKNOWN);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_power_cut_never_repeats_an_sqn),
		CASE(test_state_file_lost),
		CASE(test_sqn_ends),
		CASE(test_files_are_private),
		CASE(test_open_refuses),
		CASE(test_read_only),
		CASE(test_disk_full),
		CASE(test_nth_statement_fails),
		CASE(test_nth_statement_of_a_put_fails),
		CASE(test_corrupt_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
