/* test_csv.c - CSV: what is read, where things stand, and what is refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "hss/csv.h"

/* The text ends where memory ends. */
struct guarded {
	uint8_t *map;
	size_t size;
	struct slice text;
};

static struct guarded guard(const void *text, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (len + page - 1) / page * page;
	struct guarded g = {.size = body + page};

	g.map = mmap(NULL, g.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(g.map != MAP_FAILED);
	assert_int_equal(mprotect(g.map + body, page, PROT_NONE), 0);
	if (len)
		memcpy(g.map + body - len, text, len);
	g.text = slice_of(g.map + body - len, len);
	return g;
}

static int set_up(void **state)
{
	*state = malloc(sizeof(struct csv));
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

/* All records as "a|b/c|d"; "!" at what is wrong. */
static void flatten(struct csv *c, char *out)
{
	enum csv_result r;

	*out = 0;
	while ((r = csv_next(c)) != CSV_END) {
		if (*out)
			strcat(out, "/");
		if (r == CSV_WRONG) {
			strcat(out, "!");
			csv_skip_line(c);
			continue;
		}
		for (uint32_t i = 0; i < c->n_fields; i++) {
			if (i)
				strcat(out, "|");
			strncat(out, (const char *)c->field[i].value.p, c->field[i].value.len);
		}
	}
}

static void test_records(void **state)
{
	static const struct {
		const char *text, *want;
	} row[] = {
		{"", ""},
		{"\n\r\n  \n", ""},
		{"a,b\nc,d", "a|b/c|d"},
		{"a,b\r\nc,d\r\n", "a|b/c|d"},
		{"\xef\xbb\xbf"
		 "a,b\n",
		 "a|b"},
		{"a,b\n\n \t\n\r\nc,d\n", "a|b/c|d"},
		{" a , b \n", "a|b"},
		{"a,,\n", "a||"},
		{",\n", "|"},
		{"\"a\",\"b,c\"\n", "a|b,c"},
		{"\"say \"\"hi\"\"\"\n", "say \"hi\""},
		{"\"two\nlines\",b\n", "two\nlines|b"},
		{"\" kept \" , b\n", " kept |b"},
		{"\"\"\n", ""},
		{"a\"b,c\nd\n", "!/d"},
		{"\"a\"b,c\nd\n", "!/d"},
		{"a\rb\nd\n", "!/d"},
		{"\"open", "!"},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct guarded g = guard(row[i].text, strlen(row[i].text));
		char got[256];

		csv_begin(*state, g.text);
		flatten(*state, got);
		if (strcmp(got, row[i].want) != 0)
			fail_msg("row %zu: \"%s\"", i, got);
		munmap(g.map, g.size);
	}
}

static void test_places(void **state)
{
	struct csv *c = *state;

	csv_begin(c, SLICE("a, b\r\n\n\"x\ny\",z\nw\n"));
	assert_int_equal(csv_next(c), CSV_RECORD);
	assert_int_equal(c->field[1].line, 1);
	assert_int_equal(c->field[1].column, 4);
	assert_int_equal(csv_next(c), CSV_RECORD);
	assert_int_equal(c->field[0].line, 3);
	assert_int_equal(c->field[0].column, 1);
	assert_int_equal(c->field[1].line, 4);
	assert_int_equal(c->field[1].column, 4);
	assert_int_equal(csv_next(c), CSV_RECORD);
	assert_int_equal(c->field[0].line, 5);
	assert_int_equal(csv_next(c), CSV_END);
}

static void test_wrong_places(void **state)
{
	static const struct {
		const char *text;
		uint32_t line, column;
	} row[] = {
		{"a\nb,c\"d\n", 2, 4},
		{"a\n\"b\" c\n", 2, 5},
		{"a\n b,\"c\nd\n", 2, 4},
		{"a\nb\rc\n", 2, 2},
	};
	struct csv *c = *state;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		csv_begin(c, slice_str(row[i].text));
		assert_int_equal(csv_next(c), CSV_RECORD);
		assert_int_equal(csv_next(c), CSV_WRONG);
		assert_non_null(c->error);
		assert_int_equal(c->line, row[i].line);
		assert_int_equal(c->column, row[i].column);
	}
	csv_begin(c, slice_of("a\0b\n", 4));
	assert_int_equal(csv_next(c), CSV_WRONG);
	assert_int_equal(c->column, 2);
}

static void test_bounds(void **state)
{
	struct csv *c = *state;
	char *text = malloc(CSV_RECORD_MAX + 1);

	memset(text, 'x', CSV_RECORD_MAX + 1);
	csv_begin(c, slice_of(text, CSV_RECORD_MAX));
	assert_int_equal(csv_next(c), CSV_RECORD);
	assert_int_equal(c->field[0].value.len, CSV_RECORD_MAX);
	csv_begin(c, slice_of(text, CSV_RECORD_MAX + 1));
	assert_int_equal(csv_next(c), CSV_WRONG);
	memset(text, ',', CSV_FIELDS_MAX);
	csv_begin(c, slice_of(text, CSV_FIELDS_MAX - 1));
	assert_int_equal(csv_next(c), CSV_RECORD);
	assert_int_equal(c->n_fields, CSV_FIELDS_MAX);
	csv_begin(c, slice_of(text, CSV_FIELDS_MAX));
	assert_int_equal(csv_next(c), CSV_WRONG);
	free(text);
}

static void test_wipe(void **state)
{
	struct csv *c = *state;

	csv_begin(c, SLICE("465b5ce8b199b49f\n"));
	assert_int_equal(csv_next(c), CSV_RECORD);
	assert_memory_equal(c->memory, "465b", 4);
	csv_wipe(c);
	for (size_t i = 0; i < sizeof(c->memory); i++)
		assert_int_equal(c->memory[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),      cmocka_unit_test(test_places),
		cmocka_unit_test(test_wrong_places), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_wipe),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
