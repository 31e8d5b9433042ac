/* test_edit.c - splices, and both ways to emit them */
#include <stdlib.h>

#include "sip/emit.h"
#include "sip/name_addr.h"
#include "sip/parse.h"
#include "support.h"

static struct sip_msg plain(struct slice text)
{
	return (struct sip_msg){.raw = text};
}

static void assert_emits(const struct sip_edits *e, const struct sip_msg *msg, const char *want)
{
	uint8_t out[4096];
	uint32_t n = sip_emit_copy(msg, e, out);

	assert_int_equal(n, strlen(want));
	assert_int_equal(n, sip_emit_length(msg, e));
	assert_memory_equal(out, want, n);
}

static void test_order(void **state)
{
	struct sip_msg m = plain(SLICE("0123456789"));
	struct sip_edits e;

	sip_edits_reset(&e);
	assert_emits(&e, &m, "0123456789");
	sip_edit_insert(&e, 8, SLICE("X"));
	sip_edit_insert(&e, 2, SLICE("A"));
	sip_edit_replace(&e, 4, 2, SLICE("B"));
	sip_edit_insert(&e, 2, SLICE("b"));
	sip_edit_insert(&e, 4, SLICE("c"));
	sip_edit_insert(&e, 6, SLICE("d"));
	sip_edit_insert(&e, 10, SLICE("end"));
	sip_edit_delete(&e, 0, 1);
	sip_edit_insert(&e, 0, SLICE("S"));
	assert_false(e.overflow);
	assert_emits(&e, &m, "S1Ab23Bcd67X89end");
	sip_edits_reset(&e);
	sip_edit_delete(&e, 0, 10);
	assert_int_equal(sip_emit_length(&m, &e), 0);
}

static void test_overlaps(void **state)
{
	static const struct {
		uint32_t at, len;
		bool clash;
	} table[] = {
		{2, 0, false}, {3, 0, false}, {4, 0, true},  {5, 0, true}, {6, 0, false},
		{0, 3, false}, {0, 4, true},  {6, 2, false}, {5, 2, true}, {3, 3, true},
		{4, 1, true},  {2, 6, true},  {7, 1, false},
	};
	struct sip_edits e;

	for (uint32_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		sip_edits_reset(&e);
		sip_edit_delete(&e, 3, 3);
		sip_edit_replace(&e, table[i].at, table[i].len, SLICE("x"));
		assert_int_equal(e.overflow, table[i].clash);
		sip_edits_reset(&e);
		sip_edit_replace(&e, table[i].at, table[i].len, SLICE("x"));
		sip_edit_delete(&e, 3, 3);
		assert_int_equal(e.overflow, table[i].clash);
	}
}

static void test_limits(void **state)
{
	static uint8_t big[SIP_EDIT_TEXT_MAX + 1];
	struct sip_msg m = plain(SLICE("0123456789"));
	struct sip_edits e;
	uint8_t out[16];
	uint32_t len = 7;

	sip_edits_reset(&e);
	for (uint32_t i = 0; i < SIP_EDITS_MAX; i++)
		sip_edit_insert(&e, 1, SLICE("x"));
	assert_int_equal(sip_emit_length(&m, &e), 10 + SIP_EDITS_MAX);
	sip_edit_insert(&e, 1, SLICE("x"));
	assert_true(e.overflow);
	assert_int_equal(sip_emit_length(&m, &e), 0);
	assert_int_equal(sip_emit_copy(&m, &e, out), 0);
	assert_null(sip_emit_in_place(&m, &e, 1000, &len));
	assert_int_equal(len, 7);
	sip_edits_reset(&e);
	sip_edit_insert(&e, 0, slice_of(big, SIP_EDIT_TEXT_MAX));
	assert_false(e.overflow);
	sip_edit_insert(&e, 0, SLICE("x"));
	assert_true(e.overflow);
	sip_edits_reset(&e);
	sip_edit_insert(&e, 0, slice_of(big, SIP_EDIT_TEXT_MAX + 1));
	assert_true(e.overflow);
	sip_edits_reset(&e);
	sip_edit_insert(&e, 11, SLICE("x"));
	assert_int_equal(sip_emit_length(&m, &e), 0);
	sip_edits_reset(&e);
	sip_edit_delete(&e, 9, 2);
	assert_int_equal(sip_emit_length(&m, &e), 0);
	sip_edits_reset(&e);
	sip_edit_delete(&e, UINT32_MAX, 2);
	assert_true(e.overflow);
	sip_edits_reset(&e);
	text_put(&e.arena, slice_of(big, sizeof(big)));
	assert_int_equal(sip_emit_length(&m, &e), 0);
	sip_edits_reset(&e);
	sip_edit_replace_slice(&e, &m, SLICE("elsewhere"), SLICE("x"));
	assert_true(e.overflow);
}

static void test_total_limit(void **state)
{
	static uint8_t raw[SIP_MESSAGE_MAX];
	struct sip_msg m = plain(slice_of(raw, sizeof(raw)));
	struct sip_edits e;

	sip_edits_reset(&e);
	sip_edit_replace(&e, 5, 3, SLICE("abc"));
	assert_int_equal(sip_emit_length(&m, &e), SIP_MESSAGE_MAX);
	sip_edit_insert(&e, 9, SLICE("d"));
	assert_int_equal(sip_emit_length(&m, &e), 0);
}

static void test_headroom(void **state)
{
	uint8_t memory[64] = "................0123456789";
	struct sip_msg m = plain(slice_of(memory + 16, 10));
	struct sip_edits e;
	uint32_t len = 0;

	sip_edits_reset(&e);
	sip_edit_insert(&e, 3, SLICE("abcd"));
	assert_null(sip_emit_in_place(&m, &e, 3, &len));
	assert_memory_equal(memory, "................0123456789", 26);
	assert_ptr_equal(sip_emit_in_place(&m, &e, 4, &len), memory + 12);
	assert_int_equal(len, 14);
	assert_memory_equal(memory, "............012abcd3456789", 26);
}

static void test_headers(void **state)
{
	struct slice text = SLICE("OPTIONS sip:h SIP/2.0\r\nRoute: <sip:a>, <sip:b>\r\nx:y\r\n"
				  "Route:\r\n <sip:c>\r\n\r\n");
	struct sip_name_addr first;
	const struct sip_header *h;
	struct slice rest;
	struct sip_edits e;
	struct sip_msg m;

	sip_parse(text, &m);
	sip_edits_reset(&e);
	h = sip_first(&m, SIP_H_ROUTE);
	assert_int_equal(sip_name_addr_decode(sip_value(&m, h), SIP_E_ROUTE, &first, &rest),
			 SIP_OK);
	sip_edit_delete_first_value(&e, &m, h, rest);
	h = sip_next(&m, h);
	assert_int_equal(sip_name_addr_decode(sip_value(&m, h), SIP_E_ROUTE, &first, &rest),
			 SIP_OK);
	sip_edit_delete_first_value(&e, &m, h, rest);
	sip_edit_push(&e, &m, SLICE("New: 1\r\n"));
	sip_edit_replace_slice(&e, &m, m.uri, first.uri);
	assert_emits(&e, &m,
		     "OPTIONS sip:c SIP/2.0\r\nNew: 1\r\nRoute: <sip:b>\r\nx:y\r\n\r\n");
	sip_edits_reset(&e);
	sip_edit_delete_all(&e, &m, SIP_H_ROUTE);
	assert_emits(&e, &m, "OPTIONS sip:h SIP/2.0\r\nx:y\r\n\r\n");
}

enum { HEADROOM = 300 };

static void random_edits(struct sip_edits *e, struct slice raw, uint64_t *seed)
{
	uint32_t n = (uint32_t)(next_random(seed) % 12);

	sip_edits_reset(e);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = (uint32_t)(next_random(seed) % (raw.len + 1));
		uint32_t room = raw.len - at;
		uint32_t del = next_random(seed) % 3 ? (uint32_t)(next_random(seed) % 40) : 0;
		uint32_t from = e->arena.len, ins = (uint32_t)(next_random(seed) % 50);
		bool own = next_random(seed) % 4 == 0;

		for (uint32_t k = 0; k < ins; k++)
			text_char(&e->arena, (uint8_t)('A' + i));
		sip_edit_replace(
			e, at, del < room ? del : room,
			own ? slice_sub(raw, (uint32_t)(next_random(seed) % raw.len), ins)
			    : text_since(&e->arena, from));
		/* Clashes are part of the game, but should not end it. */
		e->overflow = false;
	}
}

/* In place and copied must be the same, whatever moves up or down, with guard pages at the end
 * of the headroom and of the message. */
static void test_random(void **state)
{
	struct guarded g = guard_new(HEADROOM + 3796);
	uint32_t emitted = 0, refused = 0;
	uint64_t seed = 3;
	struct sip_edits e;
	static uint8_t want[2 * SIP_MESSAGE_MAX];

	for (uint32_t round = 0; round < 100000; round++) {
		uint32_t size = 1 + (uint32_t)(next_random(&seed) % 600), headroom, len = 0, n;
		bool at_start = round % 2;
		uint8_t *p = at_start ? g.start + next_random(&seed) % HEADROOM
				      : g.start + g.len - size;
		struct sip_msg m = plain(slice_of(p, size));
		uint8_t *got;

		headroom = at_start ? (uint32_t)(p - g.start) : HEADROOM;
		for (uint32_t i = 0; i < size; i++)
			p[i] = (uint8_t)('a' + i % 26);
		random_edits(&e, m.raw, &seed);
		n = sip_emit_copy(&m, &e, want);
		got = sip_emit_in_place(&m, &e, headroom, &len);
		if (n == 0 || n > size + headroom) {
			assert_null(got);
			refused++;
			continue;
		}
		assert_non_null(got);
		assert_int_equal(len, n);
		assert_ptr_equal(got + len, p + size);
		assert_memory_equal(got, want, n);
		emitted++;
	}
	assert_true(emitted > 50000 && refused > 100);
	guard_free(&g);
}

/* parse, emit without edits, parse: the same octets, the same index. */
static void test_fixed_point(void **state)
{
	static uint8_t out[SIP_MESSAGE_MAX];
	struct corpus c = {0};
	struct sip_edits e;
	struct sip_msg a, b;

	corpus_load(&c, "");
	corpus_load(&c, "torture");
	for (uint32_t i = 0; i < c.n; i++) {
		if (sip_parse(c.sample[i].text, &a) != SIP_OK)
			continue;
		sip_edits_reset(&e);
		assert_int_equal(sip_emit_copy(&a, &e, out), a.raw.len);
		assert_memory_equal(out, a.raw.p, a.raw.len);
		sip_edit_push(&e, &a, SLICE("X-New: 1\r\n"));
		assert_int_equal(sip_emit_copy(&a, &e, out), a.raw.len + 10);
		assert_int_equal(sip_parse(slice_of(out, a.raw.len + 10), &b), SIP_OK);
		assert_int_equal(b.n_headers, a.n_headers + 1);
		assert_true(slice_eq(a.body, b.body));
		for (uint32_t k = 0; k < a.n_headers; k++) {
			assert_int_equal(a.header[k].id, b.header[k + 1].id);
			assert_int_equal(a.header[k].value + 10, b.header[k + 1].value);
			assert_int_equal(a.header[k].value_len, b.header[k + 1].value_len);
		}
	}
	corpus_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),    cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_limits),   cmocka_unit_test(test_total_limit),
		cmocka_unit_test(test_headroom), cmocka_unit_test(test_headers),
		cmocka_unit_test(test_random),   cmocka_unit_test(test_fixed_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
