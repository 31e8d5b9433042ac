/* test_pnr.c - what Application Servers hear of changes, and when they do not (TS 29.328
 * §6.1.4)
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "fixture.h"
#include "hss/pnr.h"

enum { NOW = 1800000000, TICKS = 20 };

static struct {
	struct pnr *x;
	uint32_t sent;
	int result; /* to answer with; 0: not yet */
	int64_t id;
	char host[64], impu[64], xml[4096];
} seen;

static struct metrics_counters counters;

static bool note(void *ctx, int64_t id, const char *host, const struct sh_pnr *r)
{
	seen.sent++;
	seen.id = id;
	snprintf(seen.host, sizeof(seen.host), "%s", host);
	snprintf(seen.impu, sizeof(seen.impu), "%.*s", SLICE_ARG(r->user.impu));
	snprintf(seen.xml, sizeof(seen.xml), "%.*s", SLICE_ARG(r->user_data));
	if (seen.result == CX_WINDOW_FULL)
		return false;
	if (seen.result)
		pnr_answered(seen.x, id, seen.result);
	return true;
}

static void tick(int64_t now_s)
{
	for (int i = 0; i < TICKS; i++)
		pnr_tick(seen.x, now_s);
}

static struct sh *open_all(struct fixture *f)
{
	struct sh *h = sh_new(f->store);

	fixture_people(f);
	for (uint32_t i = 0; i <= SH_REFERENCE_LAST; i++) {
		store_permission_put(f->store, "as1", i, sh_reference_operations(i));
		store_permission_put(f->store, "as2", i, sh_reference_operations(i));
	}
	memset(&seen, 0, sizeof(seen));
	seen.result = CX_SUCCESS;
	seen.x = pnr_open(f->store, "hss.home.example", &counters,
			  &(struct pnr_sender){note, NULL});
	assert_non_null(h);
	assert_non_null(seen.x);
	/* The sweep of the start. */
	tick(NOW);
	assert_int_equal(seen.sent, 0);
	return h;
}

static void close_all(struct sh *h)
{
	pnr_close(seen.x);
	sh_free(h);
}

static void act(struct sh *h)
{
	if (h->changes.data)
		pnr_identity_changed(seen.x, h->subject.identity);
}

static void subscribe(struct sh *h, const char *host, enum sh_reference reference,
		      int64_t expiry, bool once)
{
	struct sh_snr r = {.user.impu = SLICE("sip:alice@home.example"),
			   .what = {.n_references = 1,
				    .reference = {reference},
				    .n_services = 1,
				    .service = {SLICE("s")}},
			   .expiry = expiry,
			   .once = once,
			   .origin_host = slice_str(host)};
	struct sh_sna a;

	hss_snr(h, &r, NOW, &a);
	assert_int_equal(a.result, CX_SUCCESS);
	act(h);
}

static void put(struct sh *h, const char *host, uint32_t sequence, const char *data)
{
	char xml[512];
	struct sh_pur r = {.user.impu = SLICE("sip:alice@home.example"),
			   .n_references = 1,
			   .reference = {SH_REPOSITORY_DATA},
			   .origin_host = slice_str(host)};
	struct sh_pua a;

	snprintf(xml, sizeof(xml),
		 "<Sh-Data><RepositoryData><ServiceIndication>s</ServiceIndication>"
		 "<SequenceNumber>%u</SequenceNumber>%s</RepositoryData></Sh-Data>",
		 sequence, data);
	r.user_data = slice_str(xml);
	hss_pur(h, &r, &a);
	assert_int_equal(a.result, CX_SUCCESS);
	act(h);
}

static void register_alice(struct fixture *f, enum cx_sat type)
{
	assert_int_equal(fixture_sar(f, type), CX_SUCCESS);
	pnr_set_changed(seen.x, fixture_impu(f->store, "tel:+1").implicit_set);
}

static uint32_t watches(struct fixture *f)
{
	struct store_watch w[10];
	uint32_t n;

	assert_int_equal(store_watches(f->store, NULL, 0, w, 10, &n), STORE_OK);
	return n;
}

static void test_repository(void **state)
{
	struct fixture *f = *state;
	struct sh *h = open_all(f);

	put(h, "as1", 0, "<ServiceData><a/></ServiceData>");
	subscribe(h, "as1", SH_REPOSITORY_DATA, 0, false);
	subscribe(h, "as2", SH_REPOSITORY_DATA, 0, false);
	tick(NOW);
	/* As it was when they subscribed. */
	assert_int_equal(seen.sent, 0);
	put(h, "as1", 1, "<ServiceData><b/></ServiceData>");
	tick(NOW);
	/* The one that wrote it knows. */
	assert_int_equal(seen.sent, 1);
	assert_string_equal(seen.host, "as2");
	assert_string_equal(seen.impu, "sip:alice@home.example");
	assert_non_null(
		strstr(seen.xml, "<SequenceNumber>1</SequenceNumber><ServiceData><b/>"));
	put(h, "as2", 2, "");
	tick(NOW);
	assert_int_equal(seen.sent, 2);
	assert_string_equal(seen.host, "as1");
	assert_non_null(strstr(seen.xml, "<SequenceNumber>2</SequenceNumber></Repo"));
	pnr_all_changed(seen.x);
	tick(NOW);
	assert_int_equal(seen.sent, 2);
	close_all(h);
}

static void test_state(void **state)
{
	struct fixture *f = *state;
	struct sh *h = open_all(f);

	subscribe(h, "as1", SH_IMS_USER_STATE, 0, false);
	register_alice(f, CX_SAT_REGISTRATION);
	tick(NOW);
	assert_int_equal(seen.sent, 1);
	assert_non_null(strstr(seen.xml, "<IMSUserState>1<"));
	register_alice(f, CX_SAT_RE_REGISTRATION);
	tick(NOW);
	assert_int_equal(seen.sent, 1);
	subscribe(h, "as2", SH_SCSCF_NAME, 0, false);
	register_alice(f, CX_SAT_USER_DEREGISTRATION);
	tick(NOW);
	assert_int_equal(seen.sent, 3);
	close_all(h);
}

static void test_criteria(void **state)
{
	struct sh_snr r = {.user.impu = SLICE("sip:bob@home.example"),
			   .what = {.n_references = 1,
				    .reference = {SH_INITIAL_FILTER_CRITERIA},
				    .server_name = SLICE("sip:one")},
			   .origin_host = SLICE("as1")};
	struct fixture *f = *state;
	struct sh *h = open_all(f);
	struct sh_sna a;

	hss_snr(h, &r, NOW, &a);
	assert_int_equal(a.result, CX_SUCCESS);
	act(h);
	/* Of another server: none of its business. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			store_profile_put(
				f->store, "always",
				i ? SLICE("<InitialFilterCriteria><ApplicationServer>"
					  "<ServerName>sip:one</ServerName></ApplicationServer>"
					  "</InitialFilterCriteria>")
				  : SLICE("<InitialFilterCriteria><Priority>9</Priority>"
					  "</InitialFilterCriteria>"),
				-1, 0),
			STORE_OK);
		pnr_all_changed(seen.x);
		tick(NOW);
		assert_int_equal(seen.sent, i);
	}
	assert_non_null(strstr(seen.xml, "<ServerName>sip:one<"));
	close_all(h);
}

static void test_identities(void **state)
{
	struct fixture *f = *state;
	struct sh *h = open_all(f);
	struct store_subscriber sub;
	char error[STORE_ERROR_MAX];

	subscribe(h, "as1", SH_IMS_PUBLIC_IDENTITY, 0, false);
	assert_int_equal(store_subscriber_get(f->store, SLICE("alice@home.example"), &sub),
			 STORE_OK);
	snprintf(sub.impu[sub.n_impus++], sizeof(sub.impu[0]), "sip:more@home.example");
	assert_int_equal(store_subscriber_put(f->store, &sub, true, error), STORE_OK);
	pnr_set_changed(seen.x, fixture_impu(f->store, "tel:+1").implicit_set);
	tick(NOW);
	assert_int_equal(seen.sent, 1);
	assert_non_null(strstr(seen.xml, "sip:more@home.example"));
	close_all(h);
}

static void test_expiry(void **state)
{
	struct fixture *f = *state;
	struct sh *h = open_all(f);

	subscribe(h, "as1", SH_IMS_USER_STATE, NOW + 10, false);
	register_alice(f, CX_SAT_REGISTRATION);
	tick(NOW + 9);
	assert_int_equal(seen.sent, 1);
	assert_int_equal(watches(f), 1);
	register_alice(f, CX_SAT_USER_DEREGISTRATION);
	tick(NOW + 10);
	assert_int_equal(seen.sent, 1);
	assert_int_equal(watches(f), 0);
	close_all(h);
}

static void test_once(void **state)
{
	struct fixture *f = *state;
	struct sh *h = open_all(f);

	subscribe(h, "as1", SH_IMS_USER_STATE, 0, true);
	register_alice(f, CX_SAT_REGISTRATION);
	tick(NOW);
	assert_int_equal(seen.sent, 1);
	assert_int_equal(watches(f), 0);
	close_all(h);
}

/* One that does not answer: told later, as it is then; the other one at once. */
static void test_gone(void **state)
{
	struct fixture *f = *state;
	struct sh *h = open_all(f);
	uint64_t until = clock_ms() + 3000;

	subscribe(h, "as1", SH_IMS_USER_STATE, 0, false);
	seen.result = CX_UNABLE_TO_DELIVER;
	register_alice(f, CX_SAT_REGISTRATION);
	tick(NOW);
	assert_int_equal(seen.sent, 1);
	assert_true(pnr_tick(seen.x, NOW));
	/* While it waits, others are told. */
	seen.result = CX_SUCCESS;
	subscribe(h, "as2", SH_SCSCF_NAME, 0, false);
	register_alice(f, CX_SAT_USER_DEREGISTRATION);
	tick(NOW);
	assert_int_equal(seen.sent, 2);
	assert_string_equal(seen.host, "as2");
	/* It was told nothing of being registered, and there is nothing to tell now. */
	register_alice(f, CX_SAT_REGISTRATION);
	tick(NOW);
	assert_int_equal(seen.sent, 3);
	while (seen.sent < 4 && clock_ms() < until) {
		usleep(20000);
		pnr_tick(seen.x, NOW);
	}
	assert_int_equal(seen.sent, 4);
	assert_string_equal(seen.host, "as1");
	assert_non_null(strstr(seen.xml, "<IMSUserState>1<"));
	tick(NOW);
	assert_int_equal(seen.sent, 4);
	close_all(h);
}

/* Tries are bounded, and nothing is lost by that: the sweep finds it. */
static void test_restart(void **state)
{
	struct fixture *f = *state;
	struct sh *h = open_all(f);

	subscribe(h, "as1", SH_IMS_USER_STATE, 0, false);
	seen.result = CX_WINDOW_FULL;
	register_alice(f, CX_SAT_REGISTRATION);
	tick(NOW);
	assert_int_equal(seen.sent, 1);
	pnr_close(seen.x);
	fixture_reopen(f);
	h->store = f->store;
	seen.result = CX_SUCCESS;
	seen.x = pnr_open(f->store, "hss.home.example", &counters,
			  &(struct pnr_sender){note, NULL});
	tick(NOW);
	assert_int_equal(seen.sent, 2);
	assert_non_null(strstr(seen.xml, "<IMSUserState>1<"));
	tick(NOW);
	assert_int_equal(seen.sent, 2);
	close_all(h);
}

/* A change while the server thinks about the one before. */
static void test_overtaken(void **state)
{
	struct fixture *f = *state;
	struct sh *h = open_all(f);

	put(h, "as1", 0, "<ServiceData><a/></ServiceData>");
	subscribe(h, "as2", SH_REPOSITORY_DATA, 0, false);
	seen.result = 0;
	put(h, "as1", 1, "<ServiceData><b/></ServiceData>");
	tick(NOW);
	put(h, "as1", 2, "<ServiceData><c/></ServiceData>");
	tick(NOW);
	assert_int_equal(seen.sent, 1);
	pnr_answered(seen.x, seen.id, CX_SUCCESS);
	seen.result = CX_SUCCESS;
	tick(NOW);
	assert_int_equal(seen.sent, 2);
	assert_non_null(strstr(seen.xml, "<c/>"));
	/* A second answer is nobody's. */
	pnr_answered(seen.x, seen.id, CX_SUCCESS);
	tick(NOW);
	assert_int_equal(seen.sent, 2);
	close_all(h);
}

static void test_refused(void **state)
{
	struct fixture *f = *state;
	struct sh *h = open_all(f);

	subscribe(h, "as1", SH_IMS_USER_STATE, 0, false);
	/* It will not have it: not told again and again. */
	seen.result = CX_UNABLE_TO_COMPLY;
	register_alice(f, CX_SAT_REGISTRATION);
	tick(NOW);
	pnr_all_changed(seen.x);
	tick(NOW);
	assert_int_equal(seen.sent, 1);
	assert_int_equal(watches(f), 1);
	/* It knows of no subscription. */
	seen.result = SH_NO_SUBSCRIPTION_TO_DATA;
	register_alice(f, CX_SAT_USER_DEREGISTRATION);
	tick(NOW);
	assert_int_equal(seen.sent, 2);
	assert_int_equal(watches(f), 0);
	/* A permission that was taken back ends it too. */
	subscribe(h, "as1", SH_IMS_USER_STATE, 0, false);
	store_permission_put(f->store, "as1", SH_IMS_USER_STATE, STORE_PULL);
	register_alice(f, CX_SAT_REGISTRATION);
	tick(NOW);
	assert_int_equal(seen.sent, 2);
	assert_int_equal(watches(f), 0);
	close_all(h);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_make, fixture_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(test_repository), WITH_STORE(test_state),
		WITH_STORE(test_criteria),   WITH_STORE(test_identities),
		WITH_STORE(test_expiry),     WITH_STORE(test_once),
		WITH_STORE(test_gone),       WITH_STORE(test_restart),
		WITH_STORE(test_overtaken),  WITH_STORE(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
