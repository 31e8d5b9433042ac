/* test_guard.c - the in-place guard, against a page that may not be touched */
#include "diameter/diameter.h"
#include "diameter/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { HEADER = 20, V = 0x80, M = 0x40, SESSION_ID = 263, FAILED = 279, ROOM = 1 << 20 };

/* The message lies directly before a page without access. */
struct room {
	uint8_t *end;
	uint8_t octets[ROOM];
	uint32_t len;
};

static void put32(struct room *r, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		r->octets[r->len++] = (uint8_t)(v >> shift);
}

static void begin(struct room *r)
{
	r->len = 0;
	put32(r, 1u << 24);
	put32(r, 0xc0000000 | 300);
	while (r->len < HEADER)
		r->octets[r->len++] = 0x11;
}

static void avp_head(struct room *r, uint32_t code, uint8_t flags, uint32_t vendor,
		     uint32_t len)
{
	put32(r, code);
	put32(r, (uint32_t)flags << 24 | len);
	if (flags & V)
		put32(r, vendor);
}

static void avp(struct room *r, uint32_t code, uint8_t flags, uint32_t vendor,
		const char *value, uint32_t len)
{
	avp_head(r, code, flags, vendor, len + (flags & V ? 12 : 8));
	memcpy(r->octets + r->len, value, len);
	r->len += len;
	while (r->len % 4)
		r->octets[r->len++] = 0;
}

/* Where the message was placed; its octets may have been changed there. */
static uint8_t *guard(struct room *r, uint32_t *changes)
{
	uint8_t *at = r->end - r->len;

	memcpy(at, r->octets, r->len);
	*changes = diameter_guard(at, r->len);
	return at;
}

static int setup(void **state)
{
	struct room *r = calloc(1, sizeof(*r));
	uint8_t *map = mmap(NULL, ROOM + 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(map != MAP_FAILED);
	assert_int_equal(mprotect(map + ROOM, 4096, PROT_NONE), 0);
	r->end = map + ROOM;
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct room *r = *state;

	munmap(r->end - ROOM, ROOM + 4096);
	free(r);
	return 0;
}

static void nul_in_session_id(void **state)
{
	static const struct {
		const char *in, *out;
		uint32_t len, changes;
	} row[] = {
		{"a;1;2", "a;1;2", 5, 0},
		{"\0a;1;2", "_a;1;2", 6, 1},
		{"a;\0;2", "a;_;2", 5, 1},
		{"a;1;2\0", "a;1;2_", 6, 1},
		{"\0", "_", 1, 1},
		{"\0\0\0\0", "____", 4, 4},
		{"", "", 0, 0},
	};
	struct room *r = *state;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint32_t changes;
		uint8_t *at;

		begin(r);
		avp(r, SESSION_ID, M, 0, row[i].in, row[i].len);
		at = guard(r, &changes);
		assert_int_equal(changes, row[i].changes);
		assert_memory_equal(at + HEADER + 8, row[i].out, row[i].len);
		/* Nothing else, padding included. */
		memcpy(at + HEADER + 8, row[i].in, row[i].len);
		assert_memory_equal(at, r->octets, r->len);
	}
}

static void vendor_zero(void **state)
{
	static const uint32_t code[] = {SESSION_ID, 264, 273, 278, 1, 600};
	struct room *r = *state;

	for (size_t i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
		for (int m = 0; m <= M; m += M) {
			uint32_t changes;
			uint8_t *at;

			begin(r);
			avp(r, 1, M, 0, "user", 4);
			uint32_t where = r->len + 8;

			avp(r, code[i], (uint8_t)(V | m), 0, "a\0b", 3);
			at = guard(r, &changes);
			assert_int_equal(changes, 1);
			assert_memory_equal(at + where, "\xff\xff\xff\xff", 4);
			memset(at + where, 0, 4);
			assert_memory_equal(at, r->octets, r->len);
		}
	}
}

static void honest_is_untouched(void **state)
{
	/* A challenge that looks like AVPs, one of them without a length. */
	static const char rand[] =
		"\x00\x00\x01\x17\x40\x00\x00\x08\x00\x00\x01\x07\x80\x00\x00\x00";
	struct room *r = *state;
	uint32_t changes;

	begin(r);
	avp(r, SESSION_ID, M, 0, "host;1;2;cx", 11);
	avp(r, 601, V | M, 10415, "sip:a@b\0", 8);
	avp(r, 609, V | M, 10415, rand, 16);
	avp(r, 1, M, 0, "\0\0", 2);
	assert_memory_equal(guard(r, &changes), r->octets, r->len);
	assert_int_equal(changes, 0);
}

static void shorter_than_its_header(void **state)
{
	struct room *r = *state;

	for (uint32_t len = 0; len < 20; len++) {
		for (int v = 0; v <= V; v += V) {
			uint32_t changes, header = v ? 12 : 8;
			uint8_t *at;

			begin(r);
			avp_head(r, 1, (uint8_t)(M | v), 10415, len);
			memset(r->octets + r->len, 'x', 8);
			r->len += 8;
			at = guard(r, &changes);
			assert_int_equal(changes, len < header);
			assert_int_equal(at[0], len < header ? 0 : 1);

			/* The same within a group: the group is unknown then, the message
			 * stands. */
			begin(r);
			avp_head(r, FAILED, M, 0, 8 + header + 8);
			avp_head(r, 1, (uint8_t)(M | v), 10415, len);
			memset(r->octets + r->len, 'x', 8);
			r->len += 8;
			at = guard(r, &changes);
			assert_int_equal(changes, len < header);
			assert_int_equal(at[0], 1);
			assert_int_equal(at[HEADER] == 0xff, len < header);
		}
	}
}

static void proxy_info(void **state)
{
	static const struct {
		uint32_t code, len;
		uint8_t flags;
		bool sound;
	} row[] = {
		{280, 12, 0, true},  {33, 12, M, true},  {33, 8, 0, false},
		{33, 11, 0, true},   {33, 13, 0, false}, {33, 7, 0, false},
		{268, 12, 0, false}, {280, 0, 0, false}, {33, 12, V, false},
	};
	struct room *r = *state;
	uint32_t changes;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		begin(r);
		avp_head(r, 284, M, 0, 8 + 24);
		avp(r, 280, 0, 0, "host", 4);
		uint32_t second = r->len;

		avp_head(r, row[i].code, row[i].flags & M, 0, row[i].len);
		put32(r, 0);
		r->octets[second + 4] = row[i].flags;
		assert_int_equal(guard(r, &changes)[HEADER] == 0xff, !row[i].sound);
		assert_int_equal(changes, !row[i].sound);
	}
	for (uint32_t len = 1; len < 8; len++) {
		begin(r);
		avp(r, 284, 0, 0, "\0\0\0\x21\0\0\0", len);
		guard(r, &changes);
		assert_int_equal(changes, 1);
	}
}

static void nested(struct room *r, uint32_t depth)
{
	begin(r);
	for (uint32_t i = depth; i > 0; i--)
		avp_head(r, i % 2 ? FAILED : 260, M, 0, i * 8);
}

static void nesting(void **state)
{
	static const uint32_t depth[] = {1, 8, 9, 10, 100, 8000, 8189};
	struct room *r = *state;

	for (size_t i = 0; i < sizeof(depth) / sizeof(depth[0]); i++) {
		uint32_t changes, deepest = HEADER + 8 * 8;
		uint8_t *at;

		nested(r, depth[i]);
		at = guard(r, &changes);
		assert_int_equal(changes, depth[i] > 8);
		assert_int_equal(at[0], 1);
		/* Exactly the ninth. */
		if (depth[i] > 8) {
			assert_memory_equal(at + deepest, "\xff\xff\xff\xff", 4);
			memcpy(at + deepest, r->octets + deepest, 4);
		}
		assert_memory_equal(at, r->octets, r->len);
	}
}

/* An answer: of this command, with Result-Code of this length after that many other AVPs. */
static uint32_t answer(struct room *r, uint32_t command, uint32_t before, uint32_t len)
{
	begin(r);
	r->octets[4] = 0;
	r->octets[5] = 0;
	r->octets[6] = (uint8_t)(command >> 8);
	r->octets[7] = (uint8_t)command;
	for (uint32_t i = 0; i < before; i++)
		avp(r, i ? 65000 : SESSION_ID, M, 0, "abcde", 5);
	uint32_t where = r->len;

	avp(r, 268, M, 0, "\0\0\7\xd1\0\0\0\0", len);
	avp(r, 268, M, 0, "\0\0\x13\x89", 4);
	return where;
}

static void result_code_moves(void **state)
{
	struct room *r = *state;

	for (uint32_t before = 0; before < 5; before++) {
		uint32_t changes, where = answer(r, 257, before, 4),
				  front = HEADER + (before ? 16 : 0);
		uint8_t *at = guard(r, &changes);

		assert_int_equal(changes, 0);
		assert_memory_equal(at + front, r->octets + where, 12);
		assert_memory_equal(at + front + 12, r->octets + front, where - front);
		assert_memory_equal(at, r->octets, front);
		assert_memory_equal(at + where + 12, r->octets + where + 12,
				    r->len - where - 12);
	}
	/* Of a wrong length: not that one, but the next. */
	for (uint32_t len = 0; len < 9; len++) {
		uint32_t changes, where = answer(r, 257, 2, len), front = HEADER + 16;
		uint8_t *at = guard(r, &changes);

		assert_int_equal(changes, len != 4);
		assert_memory_equal(at + front + 8, len == 4 ? "\0\0\7\xd1" : "\0\0\x13\x89",
				    4);
		assert_int_equal(at[where + 12] == 0xff, len != 4);
	}
}

/* The last AVP of an answer is the beginning of one, with a length of nothing: its walk ends.
 */
static void answer_ends_within_a_header(void **state)
{
	struct room *r = *state;
	uint32_t changes;

	begin(r);
	memcpy(r->octets + 4, "\x40\0\1\1", 4); /* an answer of CE */
	avp(r, 263, 0x40, 0, "s", 1);
	put32(r, 999);
	put32(r, (uint32_t)V << 24);
	guard(r, &changes);
	assert_int_equal(changes, 0);
}

static void unknown_command(void **state)
{
	struct room *r = *state;
	uint32_t changes;

	answer(r, 999, 1, 4);
	assert_int_equal(guard(r, &changes)[0], 0);
	assert_int_equal(changes, 1);
	assert_true(diameter_command(999));
	assert_int_equal(guard(r, &changes)[0], 1);
	assert_int_equal(changes, 0);
	/* A request is refused by the library without harm. */
	answer(r, 998, 1, 4);
	r->octets[4] = 0x80;
	assert_memory_equal(guard(r, &changes), r->octets, r->len);
}

static bool is_peer(struct slice identity)
{
	return slice_eq_nocase(identity, SLICE("peer.test"));
}

static bool stranger(struct room *r)
{
	uint8_t *at = r->end - r->len;

	memcpy(at, r->octets, r->len);
	return guard_stranger(at, r->len, is_peer);
}

static void cer(struct room *r, const char *first, const char *second)
{
	begin(r);
	r->octets[4] = 0x80;
	r->octets[6] = 1;
	r->octets[7] = 1;
	avp(r, 269, 0, 0, "x", 1);
	if (first)
		avp(r, 264, M, 0, first, (uint32_t)strlen(first));
	if (second)
		avp(r, 264, M, 0, second, (uint32_t)strlen(second));
}

static void strangers(void **state)
{
	struct room *r = *state;

	cer(r, "PEER.test", NULL);
	assert_false(stranger(r));
	cer(r, "peer.test", "peer.test");
	assert_false(stranger(r));
	for (int i = 0; i < 4; i++) {
		static const char *const pair[4][2] = {{"nobody.test", NULL},
						       {"peer.test", "nobody.test"},
						       {NULL, NULL},
						       {"", NULL}};

		cer(r, pair[i][0], pair[i][1]);
		assert_true(stranger(r));
		/* Anything but a CER is not looked at. */
		r->octets[7] = 24;
		assert_false(stranger(r));
	}
	cer(r, "peer.test", NULL);
	uint32_t whole = r->len;

	for (r->len = 20; r->len < whole; r->len++)
		assert_int_equal(stranger(r), r->len < whole - 3);
}

static void learned_group(void **state)
{
	struct room *r = *state;
	uint32_t changes;

	begin(r);
	avp_head(r, 612, V | M, 10415, 12 + 8);
	avp_head(r, 613, M, 0, 3);
	guard(r, &changes);
	assert_int_equal(changes, 0);
	assert_true(diameter_grouped(10415, 612));
	guard(r, &changes);
	assert_int_equal(changes, 1);
}

static void every_prefix(void **state)
{
	struct room *r = *state;
	uint32_t changes, whole;

	begin(r);
	avp(r, SESSION_ID, M, 0, "a\0b", 3);
	avp_head(r, FAILED, M, 0, 8 + 16);
	avp(r, 601, V, 10415, "abcd", 4);
	avp(r, 264, V, 0, "x", 1);
	for (whole = r->len; r->len > 0; r->len--)
		guard(r, &changes);
	r->len = whole;
	assert_int_equal(diameter_guard(r->octets, 0), 0);
}

/* No outcome to compare with, but the page and the sanitizers watch. */
static void random_octets(void **state)
{
	struct room *r = *state;
	uint32_t changes, seed = 1;

	for (int round = 0; round < 20000; round++) {
		nested(r, 12);
		avp(r, SESSION_ID, M, 0, "a\0b", 3);
		for (int i = 0; i < 4; i++) {
			seed = seed * 1664525 + 1013904223;
			r->octets[HEADER + (seed >> 8) % (r->len - HEADER)] =
				(uint8_t)(seed >> 24);
		}
		guard(r, &changes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nul_in_session_id),
		cmocka_unit_test(vendor_zero),
		cmocka_unit_test(honest_is_untouched),
		cmocka_unit_test(shorter_than_its_header),
		cmocka_unit_test(proxy_info),
		cmocka_unit_test(nesting),
		cmocka_unit_test(result_code_moves),
		cmocka_unit_test(answer_ends_within_a_header),
		cmocka_unit_test(strangers),
		cmocka_unit_test(unknown_command),
		cmocka_unit_test(learned_group),
		cmocka_unit_test(every_prefix),
		cmocka_unit_test(random_octets),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
