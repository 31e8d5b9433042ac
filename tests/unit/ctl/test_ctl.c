/* test_ctl.c - sakerctl whole: command line in, daemon's answer out, exit code */
#include "ctl/ctl.h"

#include "base/admin.h"
#include "base/text.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/saker-ctl-XXXXXX";

/* A daemon that gives one answer, and notes what it was asked. */
struct daemon {
	struct admin *admin;
	pthread_t thread;
	atomic_bool stop;
	const char *answer;
	char asked[512]; /* words with a space between */
	char payload[512];
};

static struct daemon control, hss;

static void handler(void *ctx, const struct admin_request *r, struct json *out)
{
	struct daemon *d = ctx;
	struct text asked = text_in(d->asked, sizeof(d->asked));

	for (int i = 0; i < r->n_words; i++) {
		text_str(&asked, i ? " " : "");
		text_str(&asked, r->word[i]);
	}
	text_cstr(&asked);
	snprintf(d->payload, sizeof(d->payload), "%.*s", SLICE_ARG(r->payload));
	json_raw(out, d->answer, strlen(d->answer));
}

static void *serve(void *arg)
{
	struct daemon *d = arg;
	struct pollfd p = {.fd = admin_fd(d->admin), .events = POLLIN};

	while (!d->stop)
		if (poll(&p, 1, 5) > 0)
			admin_poll(d->admin);
	return NULL;
}

static void daemon_start(struct daemon *d, const char *name)
{
	char path[128], error[256];

	snprintf(path, sizeof(path), "%s/%s.sock", dir, name);
	*d = (struct daemon){.answer = "{}"};
	d->admin = admin_open(path, handler, d, error);
	assert_non_null(d->admin);
	assert_int_equal(pthread_create(&d->thread, NULL, serve, d), 0);
}

static void daemon_stop(struct daemon *d)
{
	d->stop = true;
	pthread_join(d->thread, NULL);
	admin_close(d->admin);
}

static char out[65536], err[65536];

static int run(const char *const *words)
{
	const char *argv[CTL_WORDS_MAX + 10] = {"sakerctl"};
	int argc = 1;

	while (*words)
		argv[argc++] = *words++;
	FILE *o = fmemopen(out, sizeof(out), "w"), *e = fmemopen(err, sizeof(err), "w");
	memset(out, 0, sizeof(out));
	memset(err, 0, sizeof(err));
	int code = ctl_main(argc, argv, o, e);
	fclose(o);
	fclose(e);
	return code;
}

#define RUN(...) run((const char *const[]){"--runtime-dir", dir, __VA_ARGS__, NULL})
/* Without an option in front. */
#define RUN_BARE(...) run((const char *const[]){__VA_ARGS__, NULL})

static const char *file(const char *name, const char *text)
{
	static char path[4][128];
	static int turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	if (text) {
		FILE *f = fopen(p, "w");
		fputs(text, f);
		fclose(f);
	}
	return p;
}

static void test_words_reach_the_daemon(void **state)
{
	assert_int_equal(RUN("reg", "show", "sip:alice@ims.example"), CTL_OK);
	assert_string_equal(control.asked, "reg show sip:alice@ims.example");
	assert_int_equal(RUN("reg", "list", "--limit", "5", "-o", "json"), CTL_OK);
	assert_string_equal(control.asked, "reg list --limit 5");
	assert_int_equal(RUN("sub", "add", "alice@ims.example", "--", "-o", "k=v"), CTL_OK);
	assert_string_equal(hss.asked, "sub add alice@ims.example -o k=v");
	assert_int_equal(RUN("capture", "start", "--file", "/tmp/x", "--limit", "9"), CTL_OK);
	assert_string_equal(control.asked, "capture start --file /tmp/x --limit 9");
}

static void test_table(void **state)
{
	control.answer = "{\"rows\":[{\"impu\":\"sip:a@b\",\"contacts\":2,\"left\":null},"
			 "{\"impu\":\"sip:gr\xc3\xbc\xc3\x9f@b\",\"contacts\":10,\"tags\":["
			 "\"x\",\"y\"],\"ok\":true}],"
			 "\"note\":\"2 of 7\",\"total\":7}";
	assert_int_equal(RUN("reg", "list"), CTL_OK);
	assert_string_equal(out, "IMPU        CONTACTS  LEFT  TAGS  OK\n"
				 "sip:a@b            2     -  -     -\n"
				 "sip:gr\xc3\xbc\xc3\x9f@b        10     -  x, y  yes\n"
				 "total  7\n"
				 "2 of 7\n");
	control.answer = "{\"rows\":[]}";
	assert_int_equal(RUN("reg", "list"), CTL_OK);
	assert_string_equal(out, "(none)\n");
}

static void test_lines(void **state)
{
	control.answer =
		"{\"impu\":\"sip:a@b\",\"set\":{\"scscf\":\"x\",\"impus\":[\"p\",\"q\"]},"
		"\"contacts\":[{\"uri\":\"u\",\"q\":0.5}],\"none\":[]}";
	assert_int_equal(RUN("reg", "show", "sip:a@b"), CTL_OK);
	assert_string_equal(out, "impu  sip:a@b\n"
				 "set:\n"
				 "  scscf  x\n"
				 "  impus  p, q\n"
				 "contacts:\n"
				 "  URI    Q\n"
				 "  u    0.5\n"
				 "none  -\n");
}

/* Nothing of what a terminal obeys comes through. */
static void test_control_characters(void **state)
{
	control.answer =
		"{\"a\\u001b[2J\":\"\\u001b]0;x\\u0007\\r\\n\\u009b\\u007f\\u0000end\",\"o\":{"
		"\"k\":{\"\\u009bz\":[[1]]}}}";
	assert_int_equal(RUN("reg", "show", "x"), CTL_OK);
	for (const char *p = out; *p; p++)
		assert_true(*p == '\n' || ((unsigned char)*p >= 0x20 && *p != 0x7f));
	assert_non_null(strstr(out, "end"));
	assert_null(strstr(out, "\xc2\x9b"));
}

static void test_json(void **state)
{
	control.answer = "{\"z\":1,\"a\":[]}";
	assert_int_equal(RUN("-o", "json", "reg", "list"), CTL_OK);
	assert_string_equal(out, "{\n  \"z\": 1,\n  \"a\": []\n}\n");
	assert_int_equal(RUN("-o", "xml", "reg", "list"), CTL_USAGE);
}

static void test_data_is_printed_as_it_is(void **state)
{
	control.answer = "{\"data\":\"# HELP x\\nx 1\\n\"}";
	assert_int_equal(RUN("metrics"), CTL_OK);
	assert_string_equal(out, "# HELP x\nx 1\n");
}

static void test_errors_of_the_daemon(void **state)
{
	static const struct {
		const char *code;
		int exit;
	} row[] = {{"not_found", CTL_FAILED},
		   {"usage", CTL_USAGE},
		   {"bad_request", CTL_USAGE},
		   {"unknown_command", CTL_USAGE},
		   {"config", CTL_USAGE},
		   {"unreachable", CTL_UNREACHABLE},
		   {"", CTL_FAILED}};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char answer[200];

		snprintf(answer, sizeof(answer),
			 "{\"error\":{\"code\":\"%s\",\"message\":\"no \\u001b "
			 "such\",\"hint\":\"look\"}}",
			 row[i].code);
		control.answer = answer;
		assert_int_equal(RUN("reg", "show", "x"), row[i].exit);
		assert_string_equal(err, "error: no ? such\nhint: look\n");
		assert_string_equal(out, "");
		assert_int_equal(RUN("-o", "json", "reg", "show", "x"), row[i].exit);
		assert_string_equal(err, "");
		assert_non_null(strstr(out, "\"message\": \"no \\u001B such\""));
	}
	control.answer = "{\"error\":\"strange\"}";
	assert_int_equal(RUN("reg", "show", "x"), CTL_FAILED);
	assert_string_equal(err, "error: strange\n");
	control.answer = "{\"cut\":";
	assert_int_equal(RUN("reg", "show", "x"), CTL_FAILED);
	assert_non_null(strstr(err, "the answer of control is no JSON"));
}

static void test_no_daemon(void **state)
{
	assert_int_equal(RUN("lcore", "show"), CTL_UNREACHABLE);
	assert_non_null(strstr(err, "/dataplane.sock: start the daemon"));
	assert_int_equal(RUN("-o", "json", "lcore", "show"), CTL_UNREACHABLE);
	assert_non_null(strstr(out, "\"code\": \"unreachable\""));
}

static void test_status(void **state)
{
	control.answer = "{\"state\":\"ready\",\"registrations\":3}";
	hss.answer = "{\"state\":\"ready\"}";
	assert_int_equal(RUN("status"), CTL_UNREACHABLE);
	assert_non_null(strstr(out, "dataplane:\n  state   down\n  reason  no socket "));
	assert_non_null(strstr(out, "control:\n  state          ready\n  registrations  "
				    "3\nhss:\n  state  ready\n"));
	assert_string_equal(control.asked, "status");
}

static void test_import(void **state)
{
	const char *csv = file("users.csv", "impi,impu\na,b\n");

	hss.answer = "{\"added\":1}";
	assert_int_equal(RUN("sub", "import", "--skip-errors", csv), CTL_OK);
	assert_string_equal(hss.asked, "sub import --skip-errors");
	assert_string_equal(hss.payload, "impi,impu\na,b\n");
	assert_string_equal(out, "added  1\n");
	assert_int_equal(RUN("sub", "import", "/nowhere.csv"), CTL_FAILED);
	assert_string_equal(err, "error: /nowhere.csv: No such file or directory\n");
	assert_int_equal(RUN("sub", "import", "--skip-errors"), CTL_USAGE);
	assert_int_equal(RUN("sub", "profile", "put", "mmtel", csv), CTL_OK);
	assert_string_equal(hss.asked, "sub profile put mmtel");
	assert_string_equal(hss.payload, "impi,impu\na,b\n");
	unlink(csv);
}

static void test_export(void **state)
{
	const char *csv = file("export.csv", NULL);
	struct stat st;
	char text[64] = "";

	hss.answer = "{\"data\":\"impi\\na\\n\"}";
	assert_int_equal(RUN("sub", "export", "--format", "csv"), CTL_OK);
	assert_string_equal(hss.asked, "sub export --format csv");
	assert_string_equal(out, "impi\na\n");
	assert_int_equal(RUN("sub", "export", "--format", "csv", csv), CTL_OK);
	assert_string_equal(hss.asked, "sub export --format csv");
	assert_string_equal(out, "");
	FILE *f = fopen(csv, "r");
	assert_non_null(f);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, f), 7);
	fclose(f);
	assert_string_equal(text, "impi\na\n");
	assert_int_equal(stat(csv, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	unlink(csv);
	hss.answer = "{\"rows\":[]}";
	assert_int_equal(RUN("sub", "export"), CTL_FAILED);
}

static void test_command_line(void **state)
{
	assert_int_equal(run((const char *const[]){NULL}), CTL_USAGE);
	assert_non_null(strstr(err, "usage: sakerctl"));
	assert_int_equal(RUN_BARE("--help"), CTL_OK);
	assert_non_null(strstr(out, "exit codes:\n  0  done\n"));
	assert_int_equal(RUN_BARE("help", "sub", "profile"), CTL_OK);
	assert_string_equal(
		out,
		"  sub profile put NAME FILE|-     store filter criteria (XML) under a name\n");
	assert_int_equal(RUN_BARE("sub", "profile", "--help"), CTL_OK);
	assert_non_null(strstr(out, "sub profile put"));
	assert_int_equal(RUN_BARE("help", "nothing"), CTL_USAGE);
	assert_int_equal(RUN_BARE("reg", "sow", "x"), CTL_USAGE);
	assert_string_equal(
		err,
		"error: there is no such command\nhint: did you mean 'sakerctl reg show'?\n");
	assert_int_equal(RUN_BARE("staus"), CTL_USAGE);
	assert_non_null(strstr(err, "'sakerctl status'"));
	assert_int_equal(RUN_BARE("xyzzy"), CTL_USAGE);
	assert_string_equal(err, "error: there is no such command\nhint: sakerctl --help\n");
	assert_int_equal(RUN_BARE("reg"), CTL_USAGE);
	assert_non_null(strstr(err, "reg dereg IMPU"));
	assert_int_equal(RUN_BARE("reg", "show"), CTL_USAGE);
	assert_string_equal(err, "error: something is missing\nhint: sakerctl reg show IMPU\n");
	assert_int_equal(RUN_BARE("status", "now"), CTL_USAGE);
	assert_int_equal(RUN_BARE("--loud", "status"), CTL_USAGE);
	assert_int_equal(RUN_BARE("status", "-c"), CTL_USAGE);
	assert_int_equal(RUN("reg", "show", ""), CTL_USAGE);
	assert_int_equal(RUN_BARE("\xff\xfe", "status"), CTL_USAGE);
}

static void test_too_many_words(void **state)
{
	const char *words[CTL_WORDS_MAX + 2] = {"reg", "show"};

	for (int i = 2; i <= CTL_WORDS_MAX; i++)
		words[i] = "x";
	assert_int_equal(run(words), CTL_USAGE);
	words[CTL_WORDS_MAX] = NULL; /* fits sakerctl, but not the socket */
	const char *with_dir[CTL_WORDS_MAX + 4] = {"--runtime-dir", dir};
	memcpy(with_dir + 2, words, sizeof(words));
	assert_int_equal(run(with_dir), CTL_USAGE);
	assert_string_equal(err, "error: too many words\n");
}

static void test_config(void **state)
{
	char text[256];
	const char *good, *bad, *other;

	snprintf(text, sizeof(text), "realm: a.b\nruntime-dir: %s\n", dir);
	good = file("good.yaml", text);
	bad = file("bad.yaml", "realm: a.b\nworkers: 1\n");
	snprintf(text, sizeof(text),
		 "realm: a.b\nruntime-dir: %s\nlog-level: warn\ndataplane: {workers: 2}\n",
		 dir);
	other = file("other.yaml", text);

	assert_int_equal(RUN_BARE("config", "check", good), CTL_OK);
	assert_int_equal(RUN_BARE("-c", good, "config", "check"), CTL_OK);
	assert_int_equal(RUN_BARE("config", "check", bad), CTL_USAGE);
	assert_non_null(strstr(
		err, "bad.yaml:2: unknown key 'workers' — did you mean 'dataplane.workers'?"));
	assert_int_equal(RUN_BARE("-o", "json", "config", "check", bad), CTL_USAGE);
	assert_non_null(strstr(out, "\"code\": \"config\""));
	assert_int_equal(RUN_BARE("config", "example"), CTL_OK);
	assert_non_null(strstr(out, "\nrealm: ims.example\n"));
	assert_int_equal(RUN_BARE("-c", good, "config", "show"), CTL_OK);
	assert_non_null(strstr(out, "\n  workers: 1\n"));
	assert_int_equal(RUN_BARE("-c", good, "config", "diff", other), CTL_OK);
	assert_string_equal(out, "KEY                TAKES\n"
				 "log-level          reload\n"
				 "dataplane.workers  restart\n"
				 "a restart is needed\n");
	assert_int_equal(RUN_BARE("-c", good, "config", "diff", good), CTL_OK);
	assert_string_equal(out, "(none)\nno difference\n");
	assert_int_equal(RUN_BARE("-c", good, "config", "diff", bad), CTL_USAGE);

	/* The sockets are where the configuration says. */
	control.answer = "{}";
	assert_int_equal(RUN_BARE("-c", good, "reg", "list"), CTL_OK);
	assert_int_equal(RUN_BARE("-c", bad, "reg", "list"), CTL_USAGE);
	assert_non_null(strstr(err, "bad.yaml:2:"));
	unlink(good);
	unlink(bad);
	unlink(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_reach_the_daemon),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_data_is_printed_as_it_is),
		cmocka_unit_test(test_errors_of_the_daemon),
		cmocka_unit_test(test_no_daemon),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_import),
		cmocka_unit_test(test_export),
		cmocka_unit_test(test_command_line),
		cmocka_unit_test(test_too_many_words),
		cmocka_unit_test(test_config),
	};

	if (!mkdtemp(dir))
		return 1;
	daemon_start(&control, "control");
	daemon_start(&hss, "hss");
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	daemon_stop(&control);
	daemon_stop(&hss);
	rmdir(dir);
	return failed;
}
