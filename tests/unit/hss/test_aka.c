/* test_aka.c - Milenage against the official sets, vectors and resynchronisation */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "aka/aka.h"
#include "aka/milenage.h"

/* Test sets 1 to 6 of TS 35.208 §4.3. */
static const struct set {
	const char *k, *rand, *sqn, *amf, *op, *opc, *f1, *f1_star, *f2, *f5, *f3, *f4,
		*f5_star;
} sets[] = {
	{"465b5ce8b199b49faa5f0a2ee238a6bc", "23553cbe9637a89d218ae64dae47bf35", "ff9bb4d0b607",
	 "b9b9", "cdc202d5123e20f62b6d676ac72cb318", "cd63cb71954a9f4e48a5994e37a02baf",
	 "4a9ffac354dfafb3", "01cfaf9ec4e871e9", "a54211d5e3ba50bf", "aa689c648370",
	 "b40ba9a3c58b2a05bbf0d987b21bf8cb", "f769bcd751044604127672711c6d3441",
	 "451e8beca43b"},
	{"0396eb317b6d1c36f19c1c84cd6ffd16", "c00d603103dcee52c4478119494202e8", "fd8eef40df7d",
	 "af17", "ff53bade17df5d4e793073ce9d7579fa", "53c15671c60a4b731c55b4a441c0bde2",
	 "5df5b31807e258b0", "a8c016e51ef4a343", "d3a628ed988620f0", "c47783995f72",
	 "58c433ff7a7082acd424220f2b67c556", "21a8c1f929702adb3e738488b9f5c5da",
	 "30f1197061c1"},
	{"fec86ba6eb707ed08905757b1bb44b8f", "9f7c8d021accf4db213ccff0c7f71a6a", "9d0277595ffc",
	 "725c", "dbc59adcb6f9a0ef735477b7fadf8374", "1006020f0a478bf6b699f15c062e42b3",
	 "9cabc3e99baf7281", "95814ba2b3044324", "8011c48c0c214ed2", "33484dc2136b",
	 "5dbdbb2954e8f3cde665b046179a5098", "59a92d3b476a0443487055cf88b2307b",
	 "deacdd848cc6"},
	{"9e5944aea94b81165c82fbf9f32db751", "ce83dbc54ac0274a157c17f80d017bd6", "0b604a81eca8",
	 "9e09", "223014c5806694c007ca1eeef57f004f", "a64a507ae1a2a98bb88eb4210135dc87",
	 "74a58220cba84c49", "ac2cc74a96871837", "f365cd683cd92e96", "f0b9c08ad02e",
	 "e203edb3971574f5a94b0d61b816345d", "0c4524adeac041c4dd830d20854fc46b",
	 "6085a86c6f63"},
	{"4ab1deb05ca6ceb051fc98e77d026a84", "74b0cd6031a1c8339b2b6ce2b8c4a186", "e880a1b580b6",
	 "9f07", "2d16c5cd1fdf6b22383584e3bef2a8d8", "dcf07cbd51855290b92a07a9891e523e",
	 "49e785dd12626ef2", "9e85790336bb3fa2", "5860fc1bce351e7e", "31e11a609118",
	 "7657766b373d1c2138f307e3de9242f9", "1c42e960d89b8fa99f2744e0708ccb53",
	 "fe2555e54aa9"},
	{"6c38a116ac280c454f59332ee35c8c4f", "ee6466bc96202c5a557abbeff8babf63", "414b98222181",
	 "4464", "1ba00a1a7c6700ac8c3ff3e96ad08725", "3803ef5363b947c6aaa225e58fae3934",
	 "078adfb488241a57", "80246b8d0186bcf1", "16c8233f05a0ac28", "45b0f69ab06c",
	 "3f8c7587fe8e4b233af676aede30ba3b", "a7466cc1e6b2a1337d49d3b66e95d7b4",
	 "1f53cd2b1113"},
};

enum { SETS = sizeof(sets) / sizeof(sets[0]) };

static void octets(const char *hex, uint8_t *out)
{
	for (unsigned v; *hex; hex += 2) {
		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		*out++ = (uint8_t)v;
	}
}

static void same(const uint8_t *got, const char *hex)
{
	uint8_t want[16];

	octets(hex, want);
	assert_memory_equal(got, want, strlen(hex) / 2);
}

struct octets_of {
	uint8_t k[16], rand[16], sqn[6], amf[2], op[16], opc[16];
};

static struct octets_of take(const struct set *s)
{
	struct octets_of o;

	octets(s->k, o.k);
	octets(s->rand, o.rand);
	octets(s->sqn, o.sqn);
	octets(s->amf, o.amf);
	octets(s->op, o.op);
	octets(s->opc, o.opc);
	return o;
}

static uint64_t number(const uint8_t sqn[6])
{
	uint64_t v = 0;

	for (int i = 0; i < 6; i++)
		v = v << 8 | sqn[i];
	return v;
}

static void test_official_sets(void **state)
{
	for (int i = 0; i < SETS; i++) {
		struct octets_of o = take(&sets[i]);
		uint8_t opc[16], mac_a[8], mac_s[8], res[8], ck[16], ik[16], ak[6], ak_star[6];

		assert_int_equal(milenage_opc(o.k, o.op, opc), 0);
		same(opc, sets[i].opc);
		assert_int_equal(milenage_f1(o.k, opc, o.rand, o.sqn, o.amf, mac_a, mac_s), 0);
		same(mac_a, sets[i].f1);
		same(mac_s, sets[i].f1_star);
		assert_int_equal(milenage_f2345(o.k, opc, o.rand, res, ck, ik, ak, ak_star), 0);
		same(res, sets[i].f2);
		same(ck, sets[i].f3);
		same(ik, sets[i].f4);
		same(ak, sets[i].f5);
		same(ak_star, sets[i].f5_star);
	}
}

static void test_opc_in_place(void **state)
{
	struct octets_of o = take(&sets[0]);

	assert_int_equal(milenage_opc(o.k, o.op, o.op), 0);
	same(o.op, sets[0].opc);
}

/* AUTN of the sets follows from their f1 and f5. */
static void test_vector(void **state)
{
	for (int i = 0; i < SETS; i++) {
		struct octets_of o = take(&sets[i]);
		uint8_t ak[6], sqn[6];
		struct aka_vector v;

		assert_int_equal(aka_vector_make(&(struct aka_key){.k = o.k, .opc = o.opc},
						 o.amf, number(o.sqn), o.rand, &v),
				 0);
		octets(sets[i].f5, ak);
		for (int k = 0; k < 6; k++)
			sqn[k] = v.autn[k] ^ ak[k];
		assert_memory_equal(sqn, o.sqn, 6);
		assert_memory_equal(v.autn + 6, o.amf, 2);
		same(v.autn + 8, sets[i].f1);
		same(v.xres, sets[i].f2);
		same(v.ck, sets[i].f3);
		same(v.ik, sets[i].f4);
		assert_memory_equal(v.rand, o.rand, 16);
	}
}

static void auts_make(const struct octets_of *o, uint64_t sqn_ms, uint8_t auts[14])
{
	static const uint8_t zero[2];
	uint8_t res[8], ck[16], ik[16], ak[6], ak_star[6], mac_a[8], sqn[6];

	for (int i = 0; i < 6; i++)
		sqn[i] = (uint8_t)(sqn_ms >> (40 - 8 * i));
	assert_int_equal(milenage_f2345(o->k, o->opc, o->rand, res, ck, ik, ak, ak_star), 0);
	assert_int_equal(milenage_f1(o->k, o->opc, o->rand, sqn, zero, mac_a, auts + 6), 0);
	for (int i = 0; i < 6; i++)
		auts[i] = sqn[i] ^ ak_star[i];
}

static void test_auts(void **state)
{
	struct octets_of o = take(&sets[2]);
	uint64_t want = UINT64_C(0x123456789abc), got = 7;
	uint8_t auts[14];

	auts_make(&o, want, auts);
	assert_true(
		aka_auts_check(&(struct aka_key){.k = o.k, .opc = o.opc}, o.rand, auts, &got));
	assert_int_equal(got, want);
	for (int bit = 0; bit < 14 * 8; bit++) {
		auts[bit / 8] ^= (uint8_t)(1 << bit % 8);
		got = 7;
		assert_false(aka_auts_check(&(struct aka_key){.k = o.k, .opc = o.opc}, o.rand,
					    auts, &got));
		assert_int_equal(got, 7);
		auts[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void test_sqn_next(void **state)
{
	const uint64_t seq_end = (UINT64_C(1) << 43) - 1;
	const struct {
		uint64_t sqn;
		bool new_batch;
		uint64_t next;
	} row[] = {
		{0, true, 1 << 5 | 1},
		{1 << 5 | 1, true, 2 << 5 | 2},
		/* Vectors of one batch share their IND. */
		{1 << 5 | 1, false, 2 << 5 | 1},
		/* IND goes round alone. */
		{31, true, 1 << 5 | 0},
		{7 << 5 | 31, false, 8 << 5 | 31},
		{(seq_end - 1) << 5 | 3, true, seq_end << 5 | 4},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint64_t sqn = row[i].sqn;

		assert_true(aka_sqn_next(&sqn, row[i].new_batch));
		assert_int_equal(sqn, row[i].next);
	}
	/* SEQ does not go round: a USIM would take none of what comes then. */
	for (uint64_t ind = 0; ind < 32; ind++) {
		uint64_t sqn = seq_end << 5 | ind;

		assert_false(aka_sqn_next(&sqn, true));
		assert_false(aka_sqn_next(&sqn, false));
		assert_int_equal(sqn, seq_end << 5 | ind);
	}
}

enum { INDS = 32 };
#define SEQ_END ((UINT64_C(1) << 43) - 1)

/* What a USIM does with an SQN (Annex C.2.1, C.2.2): an array of the highest SEQ for each IND,
 * and a largest step from the highest of all. */
struct usim {
	uint64_t seq[INDS], highest;
};

static bool usim_takes(struct usim *u, uint64_t sqn)
{
	uint64_t seq = sqn >> 5, ind = sqn % INDS, top = u->highest >> 5;

	if (seq <= u->seq[ind] || (seq > top && seq - top > UINT64_C(1) << 28))
		return false;
	u->seq[ind] = seq;
	if (seq > top)
		u->highest = sqn;
	return true;
}

/* Batches held by several S-CSCFs, each used in its order: all are taken, in whatever order the
 * batches are, up to 31 of them late; none twice; and what is passed over within a batch is
 * lost. */
static void test_batches(void **state)
{
	enum { BATCHES = 3 * INDS, BATCH = 5 };
	uint64_t last = 0, sqn[BATCHES][BATCH];
	struct usim u = {{0}, 0};

	for (int b = 0; b < BATCHES; b++)
		for (int k = 0; k < BATCH; k++) {
			assert_true(aka_sqn_next(&last, k == 0));
			sqn[b][k] = last;
		}
	/* The first of each 32 comes last. */
	for (int round = 0; round < BATCHES; round += INDS)
		for (int b = INDS - 1; b >= 0; b--)
			for (int k = 0; k < BATCH; k++)
				assert_true(usim_takes(&u, sqn[round + b][k]));
	for (int b = 0; b < BATCHES; b++)
		for (int k = 0; k < BATCH; k++)
			assert_false(usim_takes(&u, sqn[b][k]));
	/* The second of a batch before the first. */
	assert_true(aka_sqn_next(&last, true));
	uint64_t first = last;
	assert_true(aka_sqn_next(&last, false));
	assert_true(usim_takes(&u, last));
	assert_false(usim_takes(&u, first));
}

/* Whatever the distance between the two, after a resynchronisation the next vector is taken,
 * but where SEQ has ended; and one that was not needed moves nothing. */
static void test_resync_ends_in_sync(void **state)
{
	static const uint64_t at[] = {
		0, 1, 1000, 1 << 20, (1 << 28) - 8, 1 << 29, UINT64_C(1) << 42, SEQ_END - 1};
	enum { N = sizeof(at) / sizeof(at[0]) };

	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			uint64_t he = at[i] << 5 | 3, ms = at[j] << 5 | 9, sqn;
			struct usim u = {.highest = ms};

			for (int k = 0; k < INDS; k++)
				u.seq[k] = at[j];
			sqn = aka_resync(he, ms);
			assert_true(sqn == he || sqn == ms);
			uint64_t next = sqn;
			assert_true(aka_sqn_next(&next, true));
			assert_true(usim_takes(&u, next));
			/* The same AUTS once more. */
			assert_int_equal(aka_resync(next, ms), next);
		}
}

static void test_resync(void **state)
{
	const uint64_t far = UINT64_C(1) << 28;
	const struct {
		uint64_t he, ms, want;
	} row[] = {
		{10 << 5, 20 << 5 | 3, 20 << 5 | 3},     /* behind: go on from the USIM's */
		{20 << 5 | 1, 20 << 5 | 3, 20 << 5 | 1}, /* the next is above: stay */
		{30 << 5, 20 << 5, 30 << 5},
		{(far + 20) << 5, 20 << 5, 20 << 5},         /* one step too far */
		{(far + 19) << 5, 20 << 5, (far + 19) << 5}, /* the last that it takes */
		/* At the end of SEQ there is nothing above either. */
		{SEQ_END << 5, SEQ_END << 5 | 1, SEQ_END << 5},
		{(SEQ_END - 1) << 5, SEQ_END << 5 | 1, SEQ_END << 5 | 1},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(aka_resync(row[i].he, row[i].ms), row[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_official_sets),
		cmocka_unit_test(test_opc_in_place),
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_auts),
		cmocka_unit_test(test_sqn_next),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_resync_ends_in_sync),
		cmocka_unit_test(test_resync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
