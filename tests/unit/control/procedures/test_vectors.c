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
		maa.vector[i].rand[0] = (uint8_t)i;
		maa.vector[i].xres_len = 8;
	}
}

static void in_order_each_once(void **state)
{
	struct vectors *v = vectors_new(2, 1000);
	struct cx_vector out;

	fill(3);
	vectors_put(v, SLICE("a"), &maa, 0);
	assert_false(vectors_take(v, SLICE("b"), 0, &out));
	for (uint32_t i = 1; i < 3; i++) {
		assert_true(vectors_take(v, SLICE("a"), 0, &out));
		assert_int_equal(out.rand[0], i);
	}
	assert_false(vectors_take(v, SLICE("a"), 0, &out));
	assert_int_equal(vectors_users(v), 0);
	/* A later answer takes the place of what was left; one of one vector leaves nothing. */
	vectors_put(v, SLICE("a"), &maa, 0);
	fill(5);
	vectors_put(v, SLICE("a"), &maa, 0);
	assert_int_equal(vectors_users(v), 1);
	fill(1);
	vectors_put(v, SLICE("a"), &maa, 0);
	assert_int_equal(vectors_users(v), 0);
	vectors_free(v);
}

static void bounded(void **state)
{
	struct vectors *v = vectors_new(2, 1000);
	struct cx_vector out;

	fill(CX_VECTORS_MAX);
	vectors_put(v, SLICE("a"), &maa, 0);
	vectors_put(v, SLICE("b"), &maa, 1);
	vectors_put(v, SLICE("c"), &maa, 2);
	assert_int_equal(vectors_users(v), 2);
	assert_false(vectors_take(v, SLICE("a"), 2, &out));
	assert_true(vectors_take(v, SLICE("b"), 1000, &out));
	assert_false(vectors_take(v, SLICE("b"), 1001, &out));
	assert_true(vectors_take(v, SLICE("c"), 1001, &out));
	vectors_drop(v, SLICE("c"));
	vectors_drop(v, SLICE("c"));
	assert_int_equal(vectors_users(v), 0);
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_each_once),
		cmocka_unit_test(bounded),
		TEST(used_for_the_next_challenges),
		TEST(not_after_these),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
