/* test_sh.c - what Application Servers may read, write and subscribe to (TS 29.328 §6.1) */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fixture.h"
#include "hss/sh.h"
#include "hss/userdata.h"

enum { ALL = STORE_PULL | STORE_UPDATE | STORE_NOTIFY, NOW = 1800000000 };

static const char *const criteria =
	"<InitialFilterCriteria><Priority>1</Priority><ApplicationServer><ServerName>sip:one"
	"</ServerName></ApplicationServer></InitialFilterCriteria><InitialFilterCriteria>"
	"<Priority>2</Priority><ApplicationServer><ServerName> sip:two </ServerName>"
	"</ApplicationServer></InitialFilterCriteria>";

/* alice with criteria of two servers, and a server that may do everything. */
static struct sh *open_sh(struct fixture *f)
{
	static const char *const carol[] = {"sip:carol@home.example", "tel:+15551234",
					    "sip:hidden@home.example", NULL};
	struct store_subscriber *sub = fixture_subscriber("carol@home.example", carol);
	struct sh *h = sh_new(f->store);

	assert_non_null(h);
	fixture_people(f);
	assert_int_equal(store_profile_put(f->store, "two", slice_str(criteria), -1, 0),
			 STORE_OK);
	snprintf(sub->profile, sizeof(sub->profile), "two");
	sub->barred[2] = true;
	snprintf(sub->service.ccf[sub->service.n_ccf++], STORE_HOST_MAX, "aaa://ccf");
	fixture_put(f, sub);
	assert_int_equal(store_psi_put(f->store, "sip:news@home.example", false, "sip:one"),
			 STORE_OK);
	assert_int_equal(store_psi_put(f->store, "sip:c-!.*!@home.example", true, "sip:one"),
			 STORE_OK);
	assert_int_equal(store_dsai_put(f->store, "tag", "sip:one"), STORE_OK);
	for (uint32_t i = 0; i <= SH_REFERENCE_LAST; i++)
		assert_int_equal(
			store_permission_put(f->store, "as1", i, sh_reference_operations(i)),
			STORE_OK);
	return h;
}

static int pull(struct sh *h, struct sh_udr r, char *xml, size_t size)
{
	struct sh_uda a;

	if (!r.origin_host.len)
		r.origin_host = SLICE("as1");
	hss_udr(h, &r, &a);
	snprintf(xml, size, "%.*s", SLICE_ARG(a.user_data));
	return a.result;
}

static int pull_one(struct sh *h, const char *impu, uint32_t reference, char *xml, size_t size)
{
	return pull(h,
		    (struct sh_udr){.user.impu = slice_str(impu),
				    .what = {.n_references = 1,
					     .reference = {reference},
					     .n_services = 1,
					     .service = {SLICE("s")},
					     .n_tags = 1,
					     .tag = {SLICE("tag")},
					     .server_name = SLICE("sip:two")},
				    .n_domain = 1,
				    .n_current = 1},
		    xml, size);
}

static int update(struct sh *h, const char *host, const char *impu, uint32_t reference,
		  const char *xml)
{
	struct sh_pur r = {.user.impu = slice_str(impu),
			   .n_references = 1,
			   .reference = {reference},
			   .user_data = slice_str(xml),
			   .origin_host = slice_str(host)};
	struct sh_pua a;

	hss_pur(h, &r, &a);
	return a.result;
}

/* Repository data "s" of carol; data NULL: none. */
static int put(struct sh *h, uint32_t sequence, const char *data)
{
	char xml[512];

	snprintf(xml, sizeof(xml),
		 "<Sh-Data><RepositoryData><ServiceIndication>s</ServiceIndication>"
		 "<SequenceNumber>%u</SequenceNumber>%s%s%s</RepositoryData></Sh-Data>",
		 sequence, data ? "<ServiceData>" : "", data ? data : "",
		 data ? "</ServiceData>" : "");
	return update(h, "as1", "sip:carol@home.example", SH_REPOSITORY_DATA, xml);
}

#define assert_within(xml, part)                                                               \
	do {                                                                                   \
		if (!strstr(xml, part))                                                        \
			fail_msg("no %s in %s", part, xml);                                    \
	} while (0)
#define assert_not_within(xml, part) assert_null(strstr(xml, part))

static void test_pull(void **state)
{
	static const struct {
		const char *impu;
		uint32_t reference;
		int result;
		const char *part;
	} row[] = {
		{"sip:carol@home.example", SH_IMS_PUBLIC_IDENTITY, CX_SUCCESS,
		 "<IMSPublicIdentity>sip:carol@home.example</IMSPublicIdentity>"
		 "<IMSPublicIdentity>tel:+15551234</IMSPublicIdentity></PublicIdentifiers>"},
		{"sip:carol@home.example", SH_IMS_USER_STATE, CX_SUCCESS,
		 "<IMSUserState>0</IMSUserState>"},
		{"tel:+15551234", SH_SCSCF_NAME, CX_SUCCESS, "<SCSCFName></SCSCFName>"},
		{"sip:carol@home.example", SH_INITIAL_FILTER_CRITERIA, CX_SUCCESS,
		 "<IFCs><InitialFilterCriteria><Priority>2</Priority>"},
		{"sip:carol@home.example", SH_LOCATION_INFORMATION, SH_USER_DATA_NOT_AVAILABLE,
		 ""},
		{"sip:carol@home.example", SH_USER_STATE, SH_USER_DATA_NOT_AVAILABLE, ""},
		{"sip:carol@home.example", SH_CHARGING_INFORMATION, CX_SUCCESS,
		 "<PrimaryChargingCollectionFunctionName>aaa://ccf<"},
		{"sip:carol@home.example", SH_MSISDN, CX_SUCCESS, "<MSISDN>15551234</MSISDN>"},
		/* Of the server that is named in all of these, there is none. */
		{"sip:carol@home.example", SH_DSAI, SH_DSAI_NOT_AVAILABLE, ""},
		{"sip:carol@home.example", SH_REPOSITORY_DATA, CX_SUCCESS, ""},
		{"sip:news@home.example", SH_PSI_ACTIVATION, CX_SUCCESS,
		 "<PSIActivation>1</PSIActivation>"},
		{"sip:c-12@home.example", SH_PSI_ACTIVATION, CX_SUCCESS,
		 "<PSIActivation>1</PSIActivation>"},
		{"sip:carol@home.example", SH_PSI_ACTIVATION, SH_OPERATION_NOT_ALLOWED, ""},
		{"sip:news@home.example", SH_IMS_USER_STATE, SH_OPERATION_NOT_ALLOWED, ""},
		{"sip:nobody@home.example", SH_IMS_USER_STATE, CX_ERROR_USER_UNKNOWN, ""},
		{"mailto:x", SH_IMS_USER_STATE, CX_ERROR_USER_UNKNOWN, ""},
		{"sip:carol@home.example", 32, SH_USER_DATA_NOT_RECOGNIZED, ""},
		{"sip:carol@home.example", 34, CX_INVALID_AVP_VALUE, ""},
	};
	struct fixture *f = *state;
	struct sh *h = open_sh(f);
	char xml[4096];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(pull_one(h, row[i].impu, row[i].reference, xml, sizeof(xml)),
				 row[i].result);
		assert_within(xml, row[i].part);
		if (!*row[i].part)
			assert_string_equal(xml, "");
	}
	/* The other server's criteria are not its business, nor are barred identities. */
	pull_one(h, "sip:carol@home.example", SH_INITIAL_FILTER_CRITERIA, xml, sizeof(xml));
	assert_not_within(xml, "sip:one");
	sh_free(h);
}

/* By telephone number: TBCD, two digits an octet, the low half first. */
static void test_msisdn(void **state)
{
	struct sh_udr r = {.user.msisdn = SLICE("\x51\x55\x21\x43"),
			   .what = {.n_references = 1, .reference = {SH_IMS_USER_STATE}}};
	struct fixture *f = *state;
	struct sh *h = open_sh(f);
	char xml[1024];

	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_SUCCESS);
	assert_within(xml, "<IMSUserState>0<");
	r.user.msisdn = SLICE("\xf1");
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_SUCCESS);
	r.user.msisdn = SLICE("\x99");
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_ERROR_USER_UNKNOWN);
	r.user.msisdn = SLICE("\xff");
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_INVALID_AVP_VALUE);
	r.user.msisdn = SLICE("\x1f\x22");
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_INVALID_AVP_VALUE);
	r.user.msisdn = SLICE("\xa1");
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_INVALID_AVP_VALUE);
	sh_free(h);
}

static void test_what(void **state)
{
	struct fixture *f = *state;
	struct sh *h = open_sh(f);
	struct sh_udr r = {.user.impu = SLICE("sip:carol@home.example"),
			   .what.n_references = 1};
	char xml[4096];

	/* What is needed besides the reference. */
	r.what.reference[0] = SH_REPOSITORY_DATA;
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_MISSING_AVP);
	r.what.reference[0] = SH_INITIAL_FILTER_CRITERIA;
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_MISSING_AVP);
	r.what.reference[0] = SH_DSAI;
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_MISSING_AVP);
	r.what.n_tags = 1;
	r.what.tag[0] = SLICE("other");
	assert_int_equal(pull(h, r, xml, sizeof(xml)), SH_DSAI_NOT_AVAILABLE);
	r.what.reference[0] = SH_LOCATION_INFORMATION;
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_MISSING_AVP);
	r.n_domain = r.n_current = 1;
	r.domain[0] = 2;
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_INVALID_AVP_VALUE);
	r.what.reference[0] = SH_IMS_PUBLIC_IDENTITY;
	r.what.n_identity_sets = 1;
	r.what.identity_set[0] = 4;
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_INVALID_AVP_VALUE);
	r.what.identity_set[0] = SH_ALIAS_IDENTITIES;
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_SUCCESS);
	assert_not_within(xml, "tel:");
	r.what.identity_set[0] = SH_REGISTERED_IDENTITIES;
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_SUCCESS);
	assert_string_equal(xml, "");
	/* A name that is no text. */
	r.what.reference[0] = SH_REPOSITORY_DATA;
	r.what.n_services = 1;
	r.what.service[0] = SLICE("\xff");
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_INVALID_AVP_VALUE);
	r.what.service[0] = SLICE("a\nb");
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_INVALID_AVP_VALUE);
	/* Another user's private identity. */
	r.what.reference[0] = SH_IMS_USER_STATE;
	r.user.impi = SLICE("carol@home.example");
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_SUCCESS);
	r.user.impi = SLICE("bob@home.example");
	assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_ERROR_IDENTITIES_DONT_MATCH);
	sh_free(h);
}

static void test_state(void **state)
{
	struct fixture *f = *state;
	struct sh *h = open_sh(f);
	char xml[1024];

	assert_int_equal(fixture_mar(f), CX_SUCCESS);
	pull_one(h, "tel:+1", SH_IMS_USER_STATE, xml, sizeof(xml));
	assert_within(xml, "<IMSUserState>3<");
	assert_int_equal(fixture_sar(f, CX_SAT_REGISTRATION), CX_SUCCESS);
	pull_one(h, "sip:alice@home.example", SH_IMS_USER_STATE, xml, sizeof(xml));
	assert_within(xml, "<IMSUserState>1<");
	pull_one(h, "sip:alice@home.example", SH_SCSCF_NAME, xml, sizeof(xml));
	assert_within(xml, "<SCSCFName>sip:s1<");
	assert_int_equal(fixture_sar(f, CX_SAT_USER_DEREGISTRATION), CX_SUCCESS);
	assert_int_equal(fixture_sar(f, CX_SAT_UNREGISTERED_USER), CX_SUCCESS);
	pull_one(h, "tel:+1", SH_IMS_USER_STATE, xml, sizeof(xml));
	assert_within(xml, "<IMSUserState>2<");
	sh_free(h);
}

/* Each operation has its own refusal (TS 29.329 §6.2), and each reference its own permission.
 */
static void test_permissions(void **state)
{
	struct fixture *f = *state;
	struct sh *h = open_sh(f);
	struct sh_udr udr = {
		.user.impu = SLICE("sip:carol@home.example"),
		.what = {.n_references = 2, .reference = {SH_IMS_USER_STATE, SH_SCSCF_NAME}},
		.origin_host = SLICE("as2")};
	struct sh_snr snr = {
		.user = udr.user, .what = udr.what, .origin_host = udr.origin_host};
	struct sh_sna sna;
	char xml[512];

	assert_int_equal(pull(h, udr, xml, sizeof(xml)), SH_USER_DATA_CANNOT_BE_READ);
	store_permission_put(f->store, "as2", SH_IMS_USER_STATE, STORE_PULL);
	assert_int_equal(pull(h, udr, xml, sizeof(xml)), SH_USER_DATA_CANNOT_BE_READ);
	assert_string_equal(xml, "");
	store_permission_put(f->store, "as2", SH_SCSCF_NAME, STORE_PULL);
	assert_int_equal(pull(h, udr, xml, sizeof(xml)), CX_SUCCESS);
	assert_int_equal(update(h, "as2", "sip:carol@home.example", SH_REPOSITORY_DATA, "<x/>"),
			 SH_USER_DATA_CANNOT_BE_MODIFIED);
	hss_snr(h, &snr, NOW, &sna);
	assert_int_equal(sna.result, SH_USER_DATA_CANNOT_BE_NOTIFIED);
	/* Who may not ask does not learn who exists. */
	udr.user.impu = SLICE("sip:nobody@home.example");
	udr.origin_host = SLICE("as3");
	assert_int_equal(pull(h, udr, xml, sizeof(xml)), SH_USER_DATA_CANNOT_BE_READ);
	/* Nor is a permission any good for what cannot be done. */
	store_permission_put(f->store, "as2", SH_IMS_USER_STATE, ALL);
	assert_int_equal(update(h, "as2", "sip:carol@home.example", SH_IMS_USER_STATE, "<x/>"),
			 SH_OPERATION_NOT_ALLOWED);
	store_permission_put(f->store, "as2", SH_IMS_USER_STATE, 0);
	udr.user.impu = SLICE("sip:carol@home.example");
	udr.origin_host = SLICE("as2");
	assert_int_equal(pull(h, udr, xml, sizeof(xml)), SH_USER_DATA_CANNOT_BE_READ);
	sh_free(h);
}

static void test_sequence(void **state)
{
	struct fixture *f = *state;
	struct sh *h = open_sh(f);
	char xml[1024];

	assert_int_equal(put(h, 1, "<a/>"), SH_TRANSPARENT_DATA_OUT_OF_SYNC);
	assert_int_equal(put(h, 0, NULL), SH_OPERATION_NOT_ALLOWED);
	assert_int_equal(put(h, 0, "<a/>"), CX_SUCCESS);
	assert_true(h->changes.data);
	assert_int_equal(put(h, 0, "<b/>"), SH_TRANSPARENT_DATA_OUT_OF_SYNC);
	assert_false(h->changes.data);
	assert_int_equal(put(h, 2, "<b/>"), SH_TRANSPARENT_DATA_OUT_OF_SYNC);
	pull_one(h, "sip:carol@home.example", SH_REPOSITORY_DATA, xml, sizeof(xml));
	assert_within(xml, "<SequenceNumber>0</SequenceNumber><ServiceData><a/></ServiceData>");
	assert_int_equal(put(h, 1, "<b/>"), CX_SUCCESS);
	pull_one(h, "sip:carol@home.example", SH_REPOSITORY_DATA, xml, sizeof(xml));
	assert_within(xml, "<SequenceNumber>1</SequenceNumber><ServiceData><b/></ServiceData>");
	/* Another identity of the same user has its own. */
	assert_int_equal(pull_one(h, "tel:+15551234", SH_REPOSITORY_DATA, xml, sizeof(xml)),
			 CX_SUCCESS);
	assert_string_equal(xml, "");
	assert_int_equal(put(h, 2, NULL), CX_SUCCESS);
	pull_one(h, "sip:carol@home.example", SH_REPOSITORY_DATA, xml, sizeof(xml));
	assert_string_equal(xml, "");
	assert_int_equal(put(h, 3, "<c/>"), SH_TRANSPARENT_DATA_OUT_OF_SYNC);
	/* Made anew, and empty is something. */
	assert_int_equal(put(h, 0, ""), CX_SUCCESS);
	pull_one(h, "sip:carol@home.example", SH_REPOSITORY_DATA, xml, sizeof(xml));
	assert_within(xml, "<SequenceNumber>0</SequenceNumber><ServiceData> </ServiceData>");
	sh_free(h);
}

/* 65535 is followed by 1. */
static void test_wrap(void **state)
{
	struct fixture *f = *state;
	struct sh *h = open_sh(f);

	assert_int_equal(store_begin(f->store, STORE_PROVISION), STORE_OK);
	assert_int_equal(store_repository_put(f->store, "sip:carol@home.example", SLICE("s"),
					      65535, SLICE("x")),
			 STORE_OK);
	assert_int_equal(store_commit(f->store), STORE_OK);
	assert_int_equal(put(h, 0, "y"), SH_TRANSPARENT_DATA_OUT_OF_SYNC);
	assert_int_equal(put(h, 1, "y"), CX_SUCCESS);
	assert_int_equal(put(h, 2, "y"), CX_SUCCESS);
	sh_free(h);
}

static void test_bad_updates(void **state)
{
	static const struct {
		uint32_t reference;
		const char *impu, *xml;
		int result;
	} row[] = {
		{SH_REPOSITORY_DATA, "sip:carol@home.example", "<Sh-Data>",
		 SH_USER_DATA_NOT_RECOGNIZED},
		{SH_REPOSITORY_DATA, "sip:carol@home.example", "<Sh-Data/>",
		 SH_USER_DATA_NOT_RECOGNIZED},
		{SH_REPOSITORY_DATA, "sip:carol@home.example",
		 "<!DOCTYPE x [<!ENTITY a 'b'>]><Sh-Data/>", SH_USER_DATA_NOT_RECOGNIZED},
		/* What it says is not what it brings. */
		{SH_DSAI, "sip:carol@home.example",
		 "<Sh-Data><RepositoryData><ServiceIndication>s</ServiceIndication>"
		 "<SequenceNumber>0</SequenceNumber><ServiceData/></RepositoryData></Sh-Data>",
		 SH_USER_DATA_NOT_RECOGNIZED},
		{SH_PSI_ACTIVATION, "sip:carol@home.example", "<Sh-Data/>",
		 SH_OPERATION_NOT_ALLOWED},
		{SH_REPOSITORY_DATA, "sip:nobody@home.example", "<Sh-Data/>",
		 CX_ERROR_USER_UNKNOWN},
		{SH_DSAI, "sip:carol@home.example",
		 "<Sh-Data><Sh-IMS-Data><Extension><Extension><DSAI><DSAI-Tag>none</DSAI-Tag>"
		 "<DSAI-Value>1</DSAI-Value></DSAI></Extension></Extension></Sh-IMS-Data>"
		 "</Sh-Data>",
		 SH_DSAI_NOT_AVAILABLE},
	};
	struct fixture *f = *state;
	struct sh *h = open_sh(f);
	char big[40000], xml[64];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(update(h, "as1", row[i].impu, row[i].reference, row[i].xml),
				 row[i].result);
	snprintf(big, sizeof(big),
		 "<Sh-Data><RepositoryData><ServiceIndication>s</ServiceIndication>"
		 "<SequenceNumber>0</SequenceNumber><ServiceData>%0*d</ServiceData>"
		 "</RepositoryData></Sh-Data>",
		 SH_DATA_MAX + 1, 0);
	assert_int_equal(update(h, "as1", "sip:carol@home.example", SH_REPOSITORY_DATA, big),
			 CX_ERROR_TOO_MUCH_DATA);
	/* Two pieces, of which the second is wrong: neither is there. */
	assert_int_equal(
		update(h, "as1", "sip:carol@home.example", SH_REPOSITORY_DATA,
		       "<Sh-Data><RepositoryData><ServiceIndication>s</ServiceIndication>"
		       "<SequenceNumber>0</SequenceNumber><ServiceData>x</ServiceData>"
		       "</RepositoryData><RepositoryData><ServiceIndication>r"
		       "</ServiceIndication><SequenceNumber>5</SequenceNumber><ServiceData>x"
		       "</ServiceData></RepositoryData></Sh-Data>"),
		SH_TRANSPARENT_DATA_OUT_OF_SYNC);
	pull_one(h, "sip:carol@home.example", SH_REPOSITORY_DATA, xml, sizeof(xml));
	assert_string_equal(xml, "");
	sh_free(h);
}

/* An identity keeps so many pieces; deleted ones make room. */
static void test_repository_limit(void **state)
{
	struct fixture *f = *state;
	struct sh *h = open_sh(f);
	char xml[256];

	assert_int_equal(put(h, 0, "x"), CX_SUCCESS);
	for (int i = 1; i <= STORE_REPOSITORY_MAX; i++) {
		snprintf(xml, sizeof(xml),
			 "<Sh-Data><RepositoryData><ServiceIndication>n%d</ServiceIndication>"
			 "<SequenceNumber>0</SequenceNumber><ServiceData>x</ServiceData>"
			 "</RepositoryData></Sh-Data>",
			 i);
		assert_int_equal(
			update(h, "as1", "sip:carol@home.example", SH_REPOSITORY_DATA, xml),
			i < STORE_REPOSITORY_MAX ? CX_SUCCESS : CX_ERROR_TOO_MUCH_DATA);
	}
	assert_int_equal(put(h, 1, NULL), CX_SUCCESS);
	assert_int_equal(update(h, "as1", "sip:carol@home.example", SH_REPOSITORY_DATA, xml),
			 CX_SUCCESS);
	sh_free(h);
}

/* An inactive service identity is nobody for who calls it, and can be made active again. */
static void test_activation(void **state)
{
#define ACTIVATION(value)                                                                      \
	"<Sh-Data><Sh-IMS-Data><Extension><PSIActivation>" value "</PSIActivation>"            \
	"</Extension></Sh-IMS-Data></Sh-Data>"
	static const char *const psi[][2] = {
		{"sip:news@home.example", "sip:news@home.example"},
		{"sip:c-!.*!@home.example", "sip:c-7@home.example"}};
	struct fixture *f = *state;
	struct sh *h = open_sh(f);
	char xml[1024];

	for (int i = 0; i < 2; i++) {
		struct cx_lir lir = {.impu = slice_str(psi[i][1])};
		struct cx_lia lia;

		hss_lir(f->hss, &lir, &lia);
		assert_int_equal(lia.result, CX_SUCCESS);
		assert_int_equal(
			update(h, "as1", psi[i][0], SH_PSI_ACTIVATION, ACTIVATION("0")),
			CX_SUCCESS);
		hss_lir(f->hss, &lir, &lia);
		assert_int_equal(lia.result, CX_ERROR_USER_UNKNOWN);
		assert_int_equal(pull_one(h, psi[i][0], SH_PSI_ACTIVATION, xml, sizeof(xml)),
				 CX_SUCCESS);
		assert_within(xml, "<PSIActivation>0<");
		assert_int_equal(
			update(h, "as1", psi[i][0], SH_PSI_ACTIVATION, ACTIVATION("1")),
			CX_SUCCESS);
		hss_lir(f->hss, &lir, &lia);
		assert_int_equal(lia.result, CX_SUCCESS);
	}
	sh_free(h);
}

/* Criteria that are off are not in the profile of that identity, and stay in the others'. */
static void test_dsai(void **state)
{
#define DSAI(value)                                                                            \
	"<Sh-Data><Sh-IMS-Data><Extension><Extension><DSAI><DSAI-Tag>tag</DSAI-Tag>"           \
	"<DSAI-Value>" value "</DSAI-Value></DSAI></Extension></Extension></Sh-IMS-Data>"      \
	"</Sh-Data>"
	struct fixture *f = *state;
	struct sh *h = open_sh(f);
	struct store_impu u = fixture_impu(f->store, "sip:carol@home.example"),
			  set[SET_IMPUS_MAX];
	struct sh_udr r = {.user.impu = SLICE("sip:carol@home.example"),
			   .what = {.n_references = 1,
				    .reference = {SH_DSAI},
				    .n_tags = 1,
				    .tag = {SLICE("tag")},
				    .server_name = SLICE("sip:one")}};
	char xml[8192];
	uint32_t n;

	assert_int_equal(update(h, "as1", "sip:carol@home.example", SH_DSAI, DSAI("1")),
			 CX_SUCCESS);
	assert_true(h->changes.criteria);
	for (int on = 0; on < 2; on++) {
		struct text t = text_in(xml, sizeof(xml));
		const char *first;

		assert_int_equal(
			store_implicit_set(f->store, u.implicit_set, set, SET_IMPUS_MAX, &n),
			STORE_OK);
		assert_int_equal(userdata_write(f->store, "carol@home.example", set, n, &t), 0);
		text_cstr(&t);
		first = strstr(xml, "</ServiceProfile>");
		assert_non_null(first);
		assert_int_equal(memmem(xml, (size_t)(first - xml), "sip:one", 7) != NULL, on);
		assert_int_equal(memmem(xml, (size_t)(first - xml), "sip:two", 7) != NULL, 1);
		/* The others in a profile of their own, or all in one. */
		assert_int_equal(strstr(first + 1, "sip:one") != NULL, !on);
		assert_int_equal(pull(h, r, xml, sizeof(xml)), CX_SUCCESS);
		assert_within(xml, on ? "<DSAI-Value>0<" : "<DSAI-Value>1<");
		assert_int_equal(update(h, "as1", "sip:carol@home.example", SH_DSAI, DSAI("0")),
				 CX_SUCCESS);
	}
	sh_free(h);
}

static int subscribe(struct sh *h, struct sh_snr r, struct sh_sna *a)
{
	r.user.impu = SLICE("sip:carol@home.example");
	if (!r.origin_host.len)
		r.origin_host = SLICE("as1");
	hss_snr(h, &r, NOW, a);
	return a->result;
}

static uint32_t watches(struct fixture *f, struct store_watch *out)
{
	uint32_t n;

	assert_int_equal(store_watches(f->store, NULL, 0, out, 10, &n), STORE_OK);
	return n;
}

static void test_subscribe(void **state)
{
	struct fixture *f = *state;
	struct sh *h = open_sh(f);
	struct sh_snr r = {.what = {.n_references = 1,
				    .reference = {SH_REPOSITORY_DATA},
				    .n_services = 1,
				    .service = {SLICE("s")}},
			   .send_data = true,
			   .expiry = NOW + 100};
	struct store_watch w[10];
	struct sh_sna a;

	assert_int_equal(subscribe(h, r, &a), SH_SUBS_DATA_ABSENT);
	assert_int_equal(put(h, 0, "<a/>"), CX_SUCCESS);
	assert_int_equal(subscribe(h, r, &a), CX_SUCCESS);
	assert_int_equal(a.expiry, NOW + 100);
	assert_non_null(memmem(a.user_data.p, a.user_data.len, "<a/>", 4));
	assert_int_equal(watches(f, w), 1);
	assert_string_equal(w[0].identity, "sip:carol@home.example");
	assert_string_equal(w[0].detail, "s");
	assert_string_equal(w[0].host, "as1");
	assert_int_equal(w[0].expiry, NOW + 100);
	/* Once more is the same one. */
	r.expiry = NOW + 200;
	assert_int_equal(subscribe(h, r, &a), CX_SUCCESS);
	fixture_reopen(f);
	h->store = f->store;
	assert_int_equal(watches(f, w), 1);
	assert_int_equal(w[0].expiry, NOW + 200);
	r.expiry = NOW;
	assert_int_equal(subscribe(h, r, &a), CX_INVALID_AVP_VALUE);
	/* No reading, no data in the answer. */
	store_permission_put(f->store, "as1", SH_REPOSITORY_DATA, STORE_NOTIFY);
	r.expiry = 0;
	assert_int_equal(subscribe(h, r, &a), CX_SUCCESS);
	assert_int_equal(a.user_data.len, 0);
	r.unsubscribe = true;
	assert_int_equal(subscribe(h, r, &a), CX_SUCCESS);
	assert_int_equal(watches(f, w), 0);
	assert_int_equal(subscribe(h, r, &a), CX_SUCCESS);
	/* Nobody hears of what cannot be heard of. */
	r = (struct sh_snr){
		.what = {.n_references = 1, .reference = {SH_CHARGING_INFORMATION}}};
	assert_int_equal(subscribe(h, r, &a), SH_USER_DATA_CANNOT_BE_NOTIFIED);
	sh_free(h);
}

/* What servers keep for an identity ends with it, and is not the next owner's. */
static void test_forgotten(void **state)
{
	static const char *const carol[] = {"sip:carol@home.example", NULL};
	struct fixture *f = *state;
	struct sh *h = open_sh(f);
	struct sh_snr r = {.what = {.n_references = 1, .reference = {SH_IMS_USER_STATE}}};
	struct store_subscriber sub;
	struct store_watch w[10];
	char xml[512], error[STORE_ERROR_MAX];
	struct sh_sna a;

	assert_int_equal(put(h, 0, "<secret/>"), CX_SUCCESS);
	assert_int_equal(subscribe(h, r, &a), CX_SUCCESS);
	/* The identity alone. */
	assert_int_equal(store_subscriber_get(f->store, SLICE("carol@home.example"), &sub),
			 STORE_OK);
	snprintf(sub.impu[0], sizeof(sub.impu[0]), "sip:new@home.example");
	assert_int_equal(store_subscriber_put(f->store, &sub, true, error), STORE_OK);
	assert_int_equal(watches(f, w), 0);
	/* With the subscriber. */
	assert_int_equal(update(h, "as1", "sip:new@home.example", SH_REPOSITORY_DATA,
				"<Sh-Data><RepositoryData><ServiceIndication>s"
				"</ServiceIndication><SequenceNumber>0</SequenceNumber>"
				"<ServiceData>x</ServiceData></RepositoryData></Sh-Data>"),
			 CX_SUCCESS);
	assert_int_equal(store_subscriber_del(f->store, SLICE("carol@home.example")), STORE_OK);
	fixture_put(f, fixture_subscriber("carol@home.example", carol));
	assert_int_equal(
		pull_one(h, "sip:carol@home.example", SH_REPOSITORY_DATA, xml, sizeof(xml)),
		CX_SUCCESS);
	assert_string_equal(xml, "");
	/* A server that is no longer allowed anything. */
	assert_int_equal(subscribe(h, r, &a), CX_SUCCESS);
	assert_int_equal(watches(f, w), 1);
	assert_int_equal(store_permissions_del(f->store, "as1"), STORE_OK);
	assert_int_equal(watches(f, w), 0);
	assert_int_equal(store_permissions_del(f->store, "as1"), STORE_NONE);
	sh_free(h);
}

static void test_host(void **state)
{
	char host[STORE_HOST_MAX + 1];

	assert_true(sh_host(SLICE("AS-1.Home.example"), host));
	assert_string_equal(host, "as-1.home.example");
	assert_false(sh_host(SLICE(""), host));
	assert_false(sh_host(SLICE("a b"), host));
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_make, fixture_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(test_pull),        WITH_STORE(test_msisdn),
		WITH_STORE(test_what),        WITH_STORE(test_state),
		WITH_STORE(test_permissions), WITH_STORE(test_sequence),
		WITH_STORE(test_wrap),        WITH_STORE(test_bad_updates),
		WITH_STORE(test_activation),  WITH_STORE(test_dsai),
		WITH_STORE(test_subscribe),   WITH_STORE(test_forgotten),
		cmocka_unit_test(test_host),  WITH_STORE(test_repository_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
