/* test_mar.c - Multimedia-Auth by the steps of TS 29.228 §6.3.1 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "aka/aka.h"
#include "aka/milenage.h"
#include "fixture.h"

static struct cx_mar request(const char *name, const char *impu, enum cx_auth_scheme scheme)
{
	return (struct cx_mar){.impi = slice_str(name),
			       .impu = slice_str(impu),
			       .server_name = SLICE("sip:s1"),
			       .n_vectors = 1,
			       .scheme = scheme};
}

static struct cx_mar alice(void)
{
	return request("alice@home.example", "sip:alice@home.example", CX_AUTH_AKA);
}

static int ask(struct fixture *f, struct cx_mar r, struct cx_maa *a)
{
	hss_mar(f->hss, &r, a);
	return a->result;
}

static struct store_impi impi_of(struct fixture *f, const char *name)
{
	struct store_impi i;

	assert_int_equal(store_find_impi(f->store, slice_str(name), &i), STORE_OK);
	return i;
}

static struct store_impu impu_of(struct fixture *f, const char *name)
{
	struct store_impu u;

	assert_int_equal(store_find_impu(f->store, slice_str(name), &u), STORE_OK);
	return u;
}

static struct store_tie tie_of(struct fixture *f, const char *impi)
{
	struct store_impi i = impi_of(f, impi);
	struct store_tie t;

	assert_int_equal(store_find_tie(f->store, i.implicit_set, i.id, &t), STORE_OK);
	return t;
}

static void test_identities_and_schemes(void **state)
{
	static const struct {
		const char *impi, *impu;
		enum cx_auth_scheme scheme;
		int result;
		enum cx_auth_scheme given;
	} row[] = {
		{"nobody@home.example", "sip:alice@home.example", CX_AUTH_AKA,
		 CX_ERROR_USER_UNKNOWN, 0},
		{"alice@home.example", "sip:nobody@home.example", CX_AUTH_AKA,
		 CX_ERROR_USER_UNKNOWN, 0},
		{"alice@home.example", "sip:bob@home.example", CX_AUTH_AKA,
		 CX_ERROR_IDENTITIES_DONT_MATCH, 0},
		{"alice@home.example", "tel:+1", CX_AUTH_AKA, CX_SUCCESS, CX_AUTH_AKA},
		{"alice@home.example", "tel:+1", CX_AUTH_DIGEST, CX_SUCCESS, CX_AUTH_DIGEST},
		{"alice@home.example", "tel:+1", CX_AUTH_UNKNOWN, CX_SUCCESS, CX_AUTH_AKA},
		{"alice@home.example", "tel:+1", CX_AUTH_OTHER,
		 CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED, 0},
		{"bob@home.example", "sip:bob@home.example", CX_AUTH_UNKNOWN, CX_SUCCESS,
		 CX_AUTH_DIGEST},
		{"bob@home.example", "sip:bob@home.example", CX_AUTH_AKA,
		 CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED, 0},
	};
	struct fixture *f = *state;
	struct cx_maa a;

	fixture_people(f);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(ask(f, request(row[i].impi, row[i].impu, row[i].scheme), &a),
				 row[i].result);
		assert_int_equal(a.n_vectors, row[i].result == CX_SUCCESS);
		if (row[i].result == CX_SUCCESS)
			assert_int_equal(a.vector[0].scheme, row[i].given);
	}
}

/* TS 33.203 Annex T. */
static void test_giba(void **state)
{
	static const struct {
		const char *text;
		uint8_t family, bits, last;
	} row[] = {{"10.1.2.3", 4, 32, 3},
		   {"2001:db8::7", 6, 128, 7},
		   {"2001:db8::/56", 6, 56, 0}};
	static const char *const impu[] = {"sip:carol@home.example", NULL};
	struct fixture *f = *state;
	struct cx_maa a;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct store_subscriber *sub = fixture_subscriber("carol@home.example", impu);

		sub->auth = STORE_AUTH_GIBA;
		strcpy(sub->giba, row[i].text);
		fixture_put(f, sub);
		assert_int_equal(
			ask(f, request("carol@home.example", impu[0], CX_AUTH_GIBA), &a),
			CX_SUCCESS);
		assert_int_equal(a.n_vectors, 1);
		assert_int_equal(a.vector[0].scheme, CX_AUTH_GIBA);
		assert_int_equal(a.vector[0].framed.family, row[i].family);
		assert_int_equal(a.vector[0].framed_bits, row[i].bits);
		assert_int_equal(a.vector[0].framed.ip[row[i].family == 4 ? 3 : 15],
				 row[i].last);
		assert_int_equal(
			ask(f, request("carol@home.example", impu[0], CX_AUTH_UNKNOWN), &a),
			CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED);
		assert_int_equal(store_subscriber_del(f->store, SLICE("carol@home.example")),
				 STORE_OK);
	}
	fixture_people(f);
	assert_int_equal(ask(f, request("alice@home.example", "tel:+1", CX_AUTH_GIBA), &a),
			 CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED);
}

static void test_digest(void **state)
{
	struct fixture *f = *state;
	struct cx_mar r = request("bob@home.example", "sip:bob@home.example", CX_AUTH_DIGEST);
	struct cx_maa a;

	fixture_people(f);
	r.n_vectors = 5;
	assert_int_equal(ask(f, r, &a), CX_SUCCESS);
	assert_int_equal(a.n_vectors, 1);
	assert_string_equal(a.vector[0].ha1, "0123456789abcdef0123456789abcdef");
	assert_string_equal(a.vector[0].ha1_sha256, "");
	assert_string_equal(a.vector[0].digest_realm, "home.example");
}

/* The SQN inside a vector, taken out with the key. */
static uint64_t sqn_in(const struct store_impi *i, const struct cx_vector *v)
{
	uint8_t res[8], ck[16], ik[16], ak[6], ak_star[6];
	uint64_t sqn = 0;

	assert_int_equal(milenage_f2345(i->k, i->opc, v->rand, res, ck, ik, ak, ak_star), 0);
	assert_int_equal(v->xres_len, 8);
	assert_memory_equal(v->xres, res, 8);
	assert_memory_equal(v->ck, ck, 16);
	assert_memory_equal(v->ik, ik, 16);
	for (int k = 0; k < 6; k++)
		sqn = sqn << 8 | (uint8_t)(v->autn[k] ^ ak[k]);
	return sqn;
}

static void test_vectors_use_each_sqn_once(void **state)
{
	struct fixture *f = *state;
	struct cx_mar r = alice();
	struct cx_maa a;
	uint64_t last = 0;

	fixture_people(f);
	for (uint32_t wanted = 0; wanted <= 9; wanted++) {
		uint32_t given = wanted == 0 ? 1 : wanted > 5 ? 5 : wanted;
		struct store_impi i = impi_of(f, "alice@home.example");

		r.n_vectors = wanted;
		assert_int_equal(ask(f, r, &a), CX_SUCCESS);
		assert_int_equal(a.n_vectors, given);
		for (uint32_t k = 0; k < given; k++) {
			uint64_t sqn = sqn_in(&i, &a.vector[k]);

			assert_int_equal(a.vector[k].number, k + 1);
			assert_true(aka_sqn_next(&last, k == 0));
			assert_int_equal(sqn, last);
		}
		/* Stored when answered: a restart goes on behind it. */
		fixture_reopen(f);
		assert_int_equal(impi_of(f, "alice@home.example").sqn, last);
	}
}

static void test_pending_and_name(void **state)
{
	struct fixture *f = *state;
	struct cx_mar r = alice();
	struct cx_maa a;

	fixture_people(f);
	/* Not registered: name stored, pending. */
	assert_int_equal(ask(f, r, &a), CX_SUCCESS);
	assert_string_equal(impu_of(f, "tel:+1").scscf, "sip:s1");
	assert_int_equal(impu_of(f, "tel:+1").state, STORE_NOT_REGISTERED);
	assert_true(tie_of(f, "alice@home.example").pending);
	/* Another S-CSCF tries: its name takes the place. */
	r.server_name = SLICE("sip:s2");
	assert_int_equal(ask(f, r, &a), CX_SUCCESS);
	assert_string_equal(impu_of(f, "tel:+1").scscf, "sip:s2");
	/* Registered at the same one: nothing but vectors. */
	struct store_impi i = impi_of(f, "alice@home.example");
	assert_int_equal(store_assign(f->store, i.implicit_set, STORE_REGISTERED,
				      SLICE("sip:s2"), SLICE("h")),
			 STORE_OK);
	assert_int_equal(store_tie(f->store, i.implicit_set, i.id, true, false), STORE_OK);
	assert_int_equal(ask(f, r, &a), CX_SUCCESS);
	assert_false(tie_of(f, "alice@home.example").pending);
	/* Registered elsewhere: new name, still registered, pending. */
	r.server_name = SLICE("sip:s3");
	assert_int_equal(ask(f, r, &a), CX_SUCCESS);
	assert_string_equal(impu_of(f, "tel:+1").scscf, "sip:s3");
	assert_int_equal(impu_of(f, "tel:+1").state, STORE_REGISTERED);
	assert_true(tie_of(f, "alice@home.example").pending);
	assert_true(tie_of(f, "alice@home.example").registered);
	/* Without a name, or with one that is none. */
	r.server_name = SLICE_EMPTY;
	assert_int_equal(ask(f, r, &a), CX_MISSING_AVP);
	char longest[300] = {0};
	r.server_name = slice_of(longest, sizeof(longest));
	assert_int_equal(ask(f, r, &a), CX_INVALID_AVP_VALUE);
}

static void auts_make(const struct store_impi *i, const uint8_t rand[16], uint64_t sqn_ms,
		      uint8_t out[30])
{
	static const uint8_t zero[2];
	uint8_t res[8], ck[16], ik[16], ak[6], ak_star[6], mac_a[8], sqn[6];

	for (int k = 0; k < 6; k++)
		sqn[k] = (uint8_t)(sqn_ms >> (40 - 8 * k));
	memcpy(out, rand, 16);
	assert_int_equal(milenage_f2345(i->k, i->opc, rand, res, ck, ik, ak, ak_star), 0);
	assert_int_equal(milenage_f1(i->k, i->opc, rand, sqn, zero, mac_a, out + 22), 0);
	for (int k = 0; k < 6; k++)
		out[16 + k] = sqn[k] ^ ak_star[k];
}

static uint64_t next(uint64_t sqn)
{
	assert_true(aka_sqn_next(&sqn, true));
	return sqn;
}

/* Where SEQ ends there is no vector more, and the SQN stays. */
static void test_sqn_ends(void **state)
{
	const uint64_t end = (UINT64_C(1) << 43) - 1;
	struct fixture *f = *state;
	struct cx_mar r = alice();
	struct cx_maa a;

	fixture_people(f);
	assert_int_equal(store_set_sqn(f->store, impi_of(f, "alice@home.example").id,
				       (end - 2) << 5 | 31),
			 STORE_OK);
	/* All that were asked for, or none. */
	r.n_vectors = 3;
	assert_int_equal(ask(f, r, &a), CX_UNABLE_TO_COMPLY);
	assert_int_equal(a.n_vectors, 0);
	assert_int_equal(impi_of(f, "alice@home.example").sqn, (end - 2) << 5 | 31);
	r.n_vectors = 2;
	assert_int_equal(ask(f, r, &a), CX_SUCCESS);
	assert_int_equal(impi_of(f, "alice@home.example").sqn, end << 5);
	assert_int_equal(ask(f, r, &a), CX_UNABLE_TO_COMPLY);
}

/* The HSS is so far ahead that the terminal would take none of its SQNs: it goes back to the
 * terminal's. A step less, and it stays, for the AUTS is an old one. */
static void test_terminal_behind(void **state)
{
	const uint64_t step = UINT64_C(1) << 28, sqn_ms = 100 << 5 | 4;
	struct fixture *f = *state;
	struct cx_mar r = alice();
	uint8_t auts[30];
	struct cx_maa a;

	fixture_people(f);
	assert_int_equal(ask(f, r, &a), CX_SUCCESS);
	struct store_impi i = impi_of(f, "alice@home.example");
	auts_make(&i, a.vector[0].rand, sqn_ms, auts);
	r.auts = slice_of(auts, sizeof(auts));
	assert_int_equal(store_set_sqn(f->store, i.id, (step + 99) << 5), STORE_OK);
	assert_int_equal(ask(f, r, &a), CX_SUCCESS);
	assert_int_equal(sqn_in(&i, &a.vector[0]), next((step + 99) << 5));
	assert_int_equal(store_set_sqn(f->store, i.id, (step + 100) << 5), STORE_OK);
	assert_int_equal(ask(f, r, &a), CX_SUCCESS);
	assert_int_equal(sqn_in(&i, &a.vector[0]), next(sqn_ms));
	/* Now it is in step, and the same AUTS moves nothing. */
	assert_int_equal(ask(f, r, &a), CX_SUCCESS);
	assert_int_equal(sqn_in(&i, &a.vector[0]), next(next(sqn_ms)));
}

static void test_resynchronisation(void **state)
{
	uint64_t sqn_ms = UINT64_C(5000) << 5 | 7;
	struct fixture *f = *state;
	struct cx_mar r = alice();
	uint8_t auts[30];
	struct cx_maa a;

	fixture_people(f);
	assert_int_equal(ask(f, r, &a), CX_SUCCESS);
	struct store_impi i = impi_of(f, "alice@home.example");
	auts_make(&i, a.vector[0].rand, sqn_ms, auts);
	r.auts = slice_of(auts, sizeof(auts));

	/* Not from the S-CSCF that asked. */
	r.server_name = SLICE("sip:other");
	assert_int_equal(ask(f, r, &a), CX_UNABLE_TO_COMPLY);
	r.server_name = SLICE("sip:s1");
	/* Forged, or of a wrong length: nothing changes. */
	auts[29] ^= 1;
	assert_int_equal(ask(f, r, &a), CX_UNABLE_TO_COMPLY);
	auts[29] ^= 1;
	for (uint32_t len = 1; len < 30; len++) {
		r.auts.len = len;
		assert_int_equal(ask(f, r, &a), CX_INVALID_AVP_VALUE);
	}
	assert_int_equal(impi_of(f, "alice@home.example").sqn, i.sqn);
	assert_string_equal(impu_of(f, "tel:+1").scscf, "sip:s1");
	/* The terminal's own. */
	r.auts.len = 30;
	assert_int_equal(ask(f, r, &a), CX_SUCCESS);
	assert_true(aka_sqn_next(&sqn_ms, true));
	assert_int_equal(sqn_in(&i, &a.vector[0]), sqn_ms);
	/* Replayed: the SQN does not go back. */
	uint64_t before = impi_of(f, "alice@home.example").sqn;
	assert_int_equal(ask(f, r, &a), CX_SUCCESS);
	assert_true(aka_sqn_next(&before, true));
	assert_int_equal(sqn_in(&i, &a.vector[0]), before);
	/* To digest it says nothing. */
	r.scheme = CX_AUTH_DIGEST;
	assert_int_equal(ask(f, r, &a), CX_INVALID_AVP_VALUE);
	/* The last one there is, and none behind it. */
	i = impi_of(f, "alice@home.example");
	assert_int_equal(store_set_sqn(f->store, i.id, (UINT64_C(1) << 48) - 1 - 32), STORE_OK);
	r.auts = SLICE_EMPTY;
	r.scheme = CX_AUTH_AKA;
	assert_int_equal(ask(f, r, &a), CX_SUCCESS);
	assert_int_equal(ask(f, r, &a), CX_UNABLE_TO_COMPLY);
}

static void test_no_key_left_behind(void **state)
{
	struct fixture *f = *state;
	struct store_impi nothing = {0};
	struct cx_maa a;

	fixture_people(f);
	assert_int_equal(ask(f, alice(), &a), CX_SUCCESS);
	assert_memory_equal(&f->hss->impi, &nothing, sizeof(nothing));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_identities_and_schemes),
		CASE(test_digest),
		CASE(test_giba),
		CASE(test_vectors_use_each_sqn_once),
		CASE(test_pending_and_name),
		CASE(test_resynchronisation),
		CASE(test_sqn_ends),
		CASE(test_terminal_behind),
		CASE(test_no_key_left_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
