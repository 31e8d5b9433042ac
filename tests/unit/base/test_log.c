/* test_log.c - log lines: their form, hostile values, levels and limits */
#include "base/log.h"
#include "base/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static int saved, file;

/* What is written to stderr from here on. */
static void capture_begin(void)
{
	char name[] = "/tmp/saker-log-XXXXXX";

	fflush(stderr);
	saved = dup(STDERR_FILENO);
	file = mkstemp(name);
	assert_true(file >= 0);
	unlink(name);
	dup2(file, STDERR_FILENO);
}

static char *capture_end(void)
{
	off_t len = lseek(file, 0, SEEK_END);
	char *text = calloc(1, (size_t)len + 1);

	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_int_equal(pread(file, text, (size_t)len, 0), len);
	close(file);
	return text;
}

/* Every test has a second of its own to begin with. */
static int fresh_second(void **state)
{
	uint64_t second = clock_ns() / 1000000000u;

	while (clock_ns() / 1000000000u == second)
		usleep(1000);
	log_set_level(LOG_INFO);
	return 0;
}

static uint32_t count_of(const char *text, const char *what)
{
	uint32_t n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text += strlen(what);
	}
	return n;
}

static void test_form(void **state)
{
	int year, month, day, hour, minute, second, micro, n = 0;

	capture_begin();
	log_event(LOG_WARN, "registrar", "registered", LOG_Z("impu", "sip:alice@ims.example"),
		  LOG_U("contacts", UINT64_MAX), LOG_I("left", -5));
	char *text = capture_end();
	assert_int_equal(sscanf(text, "ts=%4d-%2d-%2dT%2d:%2d:%2d.%6dZ %n", &year, &month, &day,
				&hour, &minute, &second, &micro, &n),
			 7);
	assert_int_equal(n, 31);
	assert_string_equal(text + n,
			    "level=warn mod=registrar event=registered "
			    "impu=sip:alice@ims.example contacts=18446744073709551615 "
			    "left=-5\n");
	free(text);
}

static void test_hostile_values(void **state)
{
	static const struct {
		struct slice in;
		const char *out;
	} row[] = {
		{{(const uint8_t *)"", 0}, "v=\"\"\n"},
		{{(const uint8_t *)"a b", 3}, "v=\"a b\"\n"},
		{{(const uint8_t *)"a=b", 3}, "v=\"a=b\"\n"},
		{{(const uint8_t *)"x\" level=error", 14}, "v=\"x\\\" level=error\"\n"},
		{{(const uint8_t *)"\\", 1}, "v=\"\\\\\"\n"},
		{{(const uint8_t *)"a\r\nts=1", 7}, "v=\"a\\x0d\\nts=1\"\n"},
		{{(const uint8_t *)"\0\x1b[2J\x7f\xc2\x9b", 8},
		 "v=\"\\x00\\x1b[2J\\x7f\\xc2\\x9b\"\n"},
		{{(const uint8_t *)"a:b@c/d+e-f_g.h", 15}, "v=a:b@c/d+e-f_g.h\n"},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		capture_begin();
		log_event(LOG_INFO, "m", "e", LOG_S("v", row[i].in));
		char *text = capture_end();
		char *value =
			strstr(text, "v=\"") ? strstr(text, "v=\"") : strstr(text, "v=a:");
		assert_non_null(value);
		assert_string_equal(value, row[i].out);
		assert_int_equal(count_of(text, "\n"), 1);
		free(text);
	}
}

static void test_long_values(void **state)
{
	static uint8_t huge[100000];

	memset(huge, 'x', sizeof(huge));
	capture_begin();
	log_event(LOG_INFO, "m", "long", LOG_S("v", slice_of(huge, sizeof(huge))),
		  LOG_U("after", 1));
	char *text = capture_end();
	assert_non_null(strstr(text, "xxx...\" after=1\n"));
	assert_int_equal(count_of(text, "x"), 512);
	free(text);

	/* Four times as long when escaped: the field goes, the others stay, and the line says
	 * so. */
	memset(huge, '\n' + 1, sizeof(huge));
	capture_begin();
	log_event(LOG_INFO, "m", "long", LOG_S("v", slice_of(huge, sizeof(huge))),
		  LOG_U("after", 1));
	text = capture_end();
	assert_null(strstr(text, " v="));
	assert_non_null(strstr(text, " after=1 cut=1\n"));
	free(text);
}

static void test_levels(void **state)
{
	enum log_level level = LOG_INFO;

	assert_true(log_level_parse("debug", &level));
	assert_int_equal(level, LOG_DEBUG);
	assert_true(log_level_parse("error", &level));
	assert_int_equal(level, LOG_ERROR);
	assert_false(log_level_parse("Error", &level));
	assert_false(log_level_parse("", &level));
	assert_int_equal(level, LOG_ERROR);

	capture_begin();
	log_set_level(LOG_WARN);
	log_event(LOG_INFO, "m", "hidden");
	log_event(LOG_WARN, "m", "shown");
	log_set_level(LOG_DEBUG);
	log_event(LOG_DEBUG, "m", "shown");
	char *text = capture_end();
	assert_null(strstr(text, "hidden"));
	assert_int_equal(count_of(text, "event=shown"), 2);
	free(text);
}

static void test_limit(void **state)
{
	capture_begin();
	for (int i = 0; i < 3 * LOG_LINES_PER_SECOND; i++)
		log_event(LOG_INFO, "m", "flood");
	log_event(LOG_INFO, "m", "other");
	log_event(LOG_INFO, "other", "flood");
	fresh_second(NULL);
	log_event(LOG_INFO, "m", "later");
	char *text = capture_end();
	assert_int_equal(count_of(text, "mod=m event=flood\n"), LOG_LINES_PER_SECOND);
	assert_int_equal(count_of(text, "event=other\n"), 1);
	assert_int_equal(count_of(text, "mod=other event=flood\n"), 1);
	/* What was left out is said once, before the next line. */
	char *said = strstr(text, "level=warn mod=m event=flood left_out=200\n");
	assert_non_null(said);
	assert_non_null(strstr(said, "event=later\n"));
	assert_int_equal(count_of(text, "left_out="), 1);
	free(text);
}

/* More events than the limiter has room for are still limited, together. */
static void test_many_events(void **state)
{
	char names[400][24];

	capture_begin();
	for (int i = 0; i < 400; i++) {
		snprintf(names[i], sizeof(names[i]), "event%d", i);
		log_event(LOG_INFO, "m", names[i]);
	}
	fresh_second(NULL);
	log_event(LOG_INFO, "m", "later");
	char *text = capture_end();
	assert_int_equal(count_of(text, "event=event"), 127 + LOG_LINES_PER_SECOND);
	assert_non_null(strstr(text, "mod=log event=others left_out=173\n"));
	free(text);
}

/* All events together stay below 1 MiB a second. */
static void test_octets(void **state)
{
	static uint8_t value[500];
	char names[20][24];

	memset(value, 'v', sizeof(value));
	capture_begin();
	for (int i = 0; i < 20; i++)
		snprintf(names[i], sizeof(names[i]), "big%d", i);
	for (int i = 0; i < 20 * LOG_LINES_PER_SECOND; i++)
		log_event(LOG_INFO, "m", names[i % 20],
			  LOG_S("a", slice_of(value, sizeof(value))),
			  LOG_S("b", slice_of(value, sizeof(value))),
			  LOG_S("c", slice_of(value, sizeof(value))));
	char *text = capture_end();
	assert_in_range(strlen(text), 1000000, 1 << 20);
	free(text);
}

static void *chatter(void *name)
{
	for (int i = 0; i < 90; i++)
		log_event(LOG_INFO, "thread", name, LOG_Z("text", "some words in a line"));
	return NULL;
}

static void test_threads(void **state)
{
	static char names[4][8] = {"one", "two", "three", "four"};
	pthread_t thread[4];

	capture_begin();
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, chatter, names[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	char *text = capture_end();
	assert_int_equal(count_of(text, " text=\"some words in a line\"\n"), 360);
	assert_int_equal(count_of(text, "\n"), count_of(text, "\nts=") + 1);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_form, fresh_second),
		cmocka_unit_test_setup(test_hostile_values, fresh_second),
		cmocka_unit_test_setup(test_long_values, fresh_second),
		cmocka_unit_test_setup(test_levels, fresh_second),
		cmocka_unit_test_setup(test_limit, fresh_second),
		cmocka_unit_test_setup(test_many_events, fresh_second),
		cmocka_unit_test_setup(test_octets, fresh_second),
		cmocka_unit_test_setup(test_threads, fresh_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
