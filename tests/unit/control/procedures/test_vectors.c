/* test_vectors.c - AKA vectors that are left over, and challenges by them */
#include "client.h"

#include "base/clock.h"
#include "control/register.h"

static struct cx_maa maa;

static void fill(uint32_t n)
{
	memset(&maa, 0, sizeof(maa));
	maa.result = CX_SUCCESS;
	maa.n_vectors = n;
	for (uint32_t i = 0; i < n; i++) {
		maa.vector[i].scheme = CX_AUTH_AKA;
		memset(maa.vector[i].rand, (int)i, 16);
		memset(maa.vector[i].autn, (int)i + 20, 16);
		memset(maa.vector[i].xres, (int)i + 40, 8);
		memset(maa.vector[i].ck, (int)i + 60, 16);
		memset(maa.vector[i].ik, (int)i + 80, 16);
		maa.vector[i].number = 1;
		maa.vector[i].xres_len = 8;
	}
}

static void in_order_each_once(void **state)
{
	struct vectors *v = vectors_new(2);
	struct cx_vector out;

	fill(3);
	vectors_put(v, SLICE("a"), SLICE("sip:x"), &maa, 1000);
	assert_false(vectors_take(v, SLICE("b"), SLICE("sip:x"), 0, &out));
	/* Those of one pair of identities are no other's. */
	assert_false(vectors_take(v, SLICE("a"), SLICE("sip:y"), 0, &out));
	for (uint32_t i = 1; i < 3; i++) {
		assert_true(vectors_take(v, SLICE("a"), SLICE("sip:x"), 0, &out));
		assert_memory_equal(&out, &maa.vector[i], sizeof(out));
	}
	assert_false(vectors_take(v, SLICE("a"), SLICE("sip:x"), 0, &out));
	assert_int_equal(vectors_users(v), 0);
	/* A later answer takes the place of what was left; one of one vector leaves nothing. */
	vectors_put(v, SLICE("a"), SLICE("sip:x"), &maa, 1000);
	fill(5);
	vectors_put(v, SLICE("a"), SLICE("sip:x"), &maa, 1000);
	assert_int_equal(vectors_users(v), 1);
	fill(1);
	vectors_put(v, SLICE("a"), SLICE("sip:x"), &maa, 1000);
	assert_int_equal(vectors_users(v), 0);
	vectors_free(v);
}

static void bounded(void **state)
{
	struct vectors *v = vectors_new(2);
	struct cx_vector out;

	fill(CX_VECTORS_MAX);
	vectors_put(v, SLICE("a"), SLICE("sip:x"), &maa, 1000);
	vectors_put(v, SLICE("b"), SLICE("sip:x"), &maa, 1001);
	vectors_put(v, SLICE("c"), SLICE("sip:x"), &maa, 1002);
	assert_int_equal(vectors_users(v), 2);
	assert_false(vectors_take(v, SLICE("a"), SLICE("sip:x"), 2, &out));
	assert_true(vectors_take(v, SLICE("b"), SLICE("sip:x"), 1000, &out));
	assert_false(vectors_take(v, SLICE("b"), SLICE("sip:x"), 1001, &out));
	assert_true(vectors_take(v, SLICE("c"), SLICE("sip:x"), 1001, &out));
	vectors_drop(v, SLICE("c"));
	vectors_drop(v, SLICE("c"));
	assert_int_equal(vectors_users(v), 0);
	/* Their time ends without anybody asking for them. */
	vectors_put(v, SLICE("a"), SLICE("sip:x"), &maa, 1000);
	vectors_put(v, SLICE("b"), SLICE("sip:x"), &maa, 1000);
	vectors_expire(v, 999, 10);
	assert_int_equal(vectors_users(v), 2);
	vectors_expire(v, 1000, 1);
	assert_int_equal(vectors_users(v), 1);
	vectors_expire(v, 1000, 10);
	assert_int_equal(vectors_users(v), 0);
	/* A shorter time given later counts for those alone that are put with it. */
	vectors_put(v, SLICE("a"), SLICE("sip:x"), &maa, 1000);
	vectors_put(v, SLICE("b"), SLICE("sip:x"), &maa, 10);
	vectors_expire(v, 10, 10);
	assert_false(vectors_take(v, SLICE("b"), SLICE("sip:x"), 10, &out));
	assert_true(vectors_take(v, SLICE("a"), SLICE("sip:x"), 999, &out));
	vectors_free(v);
}

static struct fake *f;

static int setup(void **state)
{
	f = fake_new(CONF_PCSCF | CONF_ICSCF | CONF_SCSCF);
	f->conf.control.vectors = 3;
	return 0;
}

static int teardown(void **state)
{
	fake_free(f);
	return 0;
}

/* Three vectors, told apart by their RAND; all have the same RES. */
static void three_vectors(void)
{
	fake_aka(f);
	f->maa.n_vectors = 3;
	for (uint32_t i = 1; i < 3; i++) {
		f->maa.vector[i] = f->maa.vector[0];
		f->maa.vector[i].rand[0] = (uint8_t)(0xa0 + i);
	}
}

static void asks(struct client *cl, bool hss)
{
	fake_clear(f);
	client_send(f, cl, "");
	assert_int_equal(f->status, 401);
	assert_int_equal(strstr(f->trace, "MAR ") != NULL, hss);
}

static void used_for_the_next_challenges(void **state)
{
	struct client cl = {0};
	char before[128];

	three_vectors();
	asks(&cl, true);
	strcpy(before, fake_param(f, "nonce"));
	cl.nc = 1;
	client_send(f, &cl, client_authorization(f, &cl, AUTH_AKAV1_MD5, RES));
	assert_int_equal(f->status, 200);
	cl.nc = 0;
	asks(&cl, false);
	assert_string_not_equal(before, fake_param(f, "nonce"));
	asks(&cl, false);
	asks(&cl, true);
	/* Wrong, and then by the next one left. */
	client_send(f, &cl, client_authorization(f, &cl, AUTH_AKAV1_MD5, SLICE("wrong")));
	assert_int_equal(f->status, 401);
	asks(&cl, false);
	asks(&cl, true);
}

static void not_after_these(void **state)
{
	struct client cl = {0};
	struct slice impu = SLICE("sip:alice@ims.example");

	/* The terminal is elsewhere. */
	three_vectors();
	asks(&cl, true);
	fake_clear(f);
	f->status = 401;
	cl.auts = "AAAAAAAAAAAAAAAAAAA=";
	asks(&(struct client){.call_id = "c2"}, false);
	client_send(f, &cl, client_authorization(f, &cl, AUTH_AKAV1_MD5, RES));
	assert_non_null(strstr(f->trace, "Unknown auts") ? f->trace
							 : strstr(f->trace, "AKA auts"));
	cl.auts = NULL;
	/* The network ended it. */
	cl.nc = 0;
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	three_vectors();
	cl.nc = 0;
	registrar_deregister(f->c.registrar, SLICE("alice@ims.example"), &impu, 1,
			     CX_REASON_PERMANENT_TERMINATION);
	asks(&cl, true);
	/* AKA is not offered any more. */
	f->conf.control.aka = false;
	fake_digest(f, "alice@ims.example", "secret");
	asks(&cl, true);
	assert_non_null(strstr(f->headers, "algorithm=MD5"));
}

static uint32_t left(void)
{
	return vectors_users(f->c.registrar->vectors);
}

static void registers(struct client *cl)
{
	fake_clear(f);
	client_send(f, cl, "");
	assert_int_equal(f->status, 401);
	cl->nc = 1;
	client_send(f, cl, client_authorization(f, cl, AUTH_AKAV1_MD5, RES));
	assert_int_equal(f->status, 200);
}

/* With the registration, whoever ends it, and with a failed authentication, the HSS's state
 * that they were given for is over. */
static void gone_with_what_they_were_for(void **state)
{
	struct client cl = {.cseq = 0}, off = {.cseq = 10};
	struct cx_rtr rtr = {.n_impus = 1, .impu = {SLICE("sip:alice@ims.example")}};
	struct cx_rta rta;

	three_vectors();
	registers(&cl);
	off.contact = "Contact: *\r\nExpires: 0\r\n";
	registers(&off);
	assert_int_equal(left(), 0);
	/* An RTR that names the public identity alone; the operator, likewise. */
	cl.cseq = 20;
	registers(&cl);
	assert_int_equal(left(), 1);
	registrar_rtr(&f->c, &rtr, &rta);
	assert_int_equal(left(), 0);
	cl.cseq = 30;
	registers(&cl);
	assert_int_equal(registrar_deregister(f->c.registrar, SLICE_EMPTY, rtr.impu, 1,
					      CX_REASON_PERMANENT_TERMINATION),
			 1);
	assert_int_equal(left(), 0);
	/* Time. */
	cl.cseq = 40;
	registers(&cl);
	registrations_by_impu(f->c.registrations, "sip:alice@ims.example")
		->contact[0]
		.expires_wall_ms = 1;
	registrar_expire(f->c.registrar,
			 registrations_by_impu(f->c.registrations, "sip:alice@ims.example"));
	assert_int_equal(registrations_count(f->c.registrations), 0);
	assert_int_equal(left(), 0);
	/* One wrong response too many. */
	f->conf.control.auth_tries = 1;
	cl.cseq = 50;
	asks(&cl, true);
	assert_int_equal(left(), 1);
	client_send(f, &cl, client_authorization(f, &cl, AUTH_AKAV1_MD5, SLICE("wrong")));
	assert_int_equal(f->status, 403);
	assert_int_equal(left(), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_each_once), cmocka_unit_test(bounded),
		TEST(used_for_the_next_challenges),   TEST(not_after_these),
		TEST(gone_with_what_they_were_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
