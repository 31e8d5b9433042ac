/* test_userdata.c - the User-Data document (TS 29.228 Annex E) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <libxml/parser.h>

#include "fixture.h"
#include "hss/userdata.h"

static void write_set(struct fixture *f, const char *impu, char *out, size_t size, int result)
{
	struct store_impu u, set[SET_IMPUS_MAX];
	struct text t = text_in(out, size - 1);
	uint32_t n;

	assert_int_equal(store_find_impu(f->store, slice_str(impu), &u), STORE_OK);
	assert_int_equal(store_implicit_set(f->store, u.implicit_set, set, SET_IMPUS_MAX, &n),
			 STORE_OK);
	assert_int_equal(userdata_write(f->store, "alice@home.example", set, n, &t), result);
	out[t.len] = 0;
}

static void test_golden(void **state)
{
	static const char *const impu[] = {"sip:a@home.example", "tel:+1", "sip:b@home.example",
					   NULL};
	struct fixture *f = *state;
	struct store_subscriber *sub = fixture_subscriber("alice@home.example", impu);
	char xml[4096];

	assert_int_equal(store_profile_put(f->store, "base",
					   SLICE("<InitialFilterCriteria><Priority>0</Priority>"
						 "</InitialFilterCriteria>"),
					   3, 0),
			 STORE_OK);
	assert_int_equal(store_profile_put(f->store, "plus", SLICE_EMPTY, -1, 0), STORE_OK);
	snprintf(sub->profile, sizeof(sub->profile), "base");
	snprintf(sub->impu_profile[1], sizeof(sub->impu_profile[1]), "plus");
	sub->barred[2] = true;
	snprintf(sub->display_name, sizeof(sub->display_name), "A <&> \"B\"");
	fixture_put(f, sub);
	write_set(f, "tel:+1", xml, sizeof(xml), 0);
	assert_string_equal(
		xml,
		"<?xml version=\"1.0\" "
		"encoding=\"UTF-8\"?><IMSSubscription><PrivateID>alice@home.example</PrivateID>"
		"<ServiceProfile>"
		"<PublicIdentity><Identity>sip:a@home.example</"
		"Identity><Extension><IdentityType>0</IdentityType>"
		"<Extension><DisplayName>A &lt;&amp;&gt; "
		"\"B\"</DisplayName></Extension></Extension></PublicIdentity>"
		"<PublicIdentity><BarringIndication>1</"
		"BarringIndication><Identity>sip:b@home.example</Identity>"
		"<Extension><IdentityType>0</IdentityType><Extension><DisplayName>A "
		"&lt;&amp;&gt; \"B\"</DisplayName>"
		"</Extension></Extension></PublicIdentity>"
		"<CoreNetworkServicesAuthorization><SubscribedMediaProfileId>3</"
		"SubscribedMediaProfileId>"
		"</CoreNetworkServicesAuthorization>"
		"<InitialFilterCriteria><Priority>0</Priority></InitialFilterCriteria>"
		"</ServiceProfile><ServiceProfile>"
		"<PublicIdentity><Identity>tel:+1</Identity><Extension><IdentityType>0</"
		"IdentityType>"
		"<Extension><DisplayName>A &lt;&amp;&gt; "
		"\"B\"</DisplayName></Extension></Extension></PublicIdentity>"
		"</ServiceProfile></IMSSubscription>");
}

/* Whatever was provisioned, the S-CSCF gets well-formed XML. */
static void test_always_well_formed(void **state)
{
	static const char *const odd[] = {"\x01\x02",       "\xff\xfe",    "]]>", "&#0;",
					  "</DisplayName>", "caf\xc3\xa9", "\xc3"};
	static const char *const impu[] = {"sip:a&b@home.example", NULL};
	struct fixture *f = *state;
	char xml[4096], error[STORE_ERROR_MAX];

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct store_subscriber *sub = fixture_subscriber("alice@home.example", impu);

		snprintf(sub->display_name, sizeof(sub->display_name), "%s", odd[i]);
		/* A database takes nothing else at all. */
		if (fixture_server() && !xmlCheckUTF8((const unsigned char *)odd[i])) {
			assert_int_equal(store_subscriber_put(f->store, sub, i > 0, error),
					 STORE_FAIL);
			free(sub);
			continue;
		}
		assert_int_equal(store_subscriber_put(f->store, sub, i > 0, error), STORE_OK);
		free(sub);
		write_set(f, "sip:a&b@home.example", xml, sizeof(xml), 0);
		xmlDocPtr doc =
			xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, XML_PARSE_NONET);
		assert_non_null(doc);
		xmlFreeDoc(doc);
	}
	xmlCleanupParser();
}

static void test_too_small(void **state)
{
	struct fixture *f = *state;
	char xml[4096];

	fixture_people(f);
	write_set(f, "tel:+1", xml, sizeof(xml), 0);
	for (size_t size = 1; size <= strlen(xml); size++) {
		char *small = malloc(size + 1);

		write_set(f, "tel:+1", small, size, -1);
		free(small);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_golden),
		CASE(test_always_well_formed),
		CASE(test_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
