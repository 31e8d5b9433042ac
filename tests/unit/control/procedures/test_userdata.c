/* test_userdata.c - profiles that are sound, and profiles that mean harm */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "control/userdata.h"

static struct userdata u;

static enum userdata_result decode(const char *xml)
{
	return userdata_decode(slice_str(xml), &u);
}

static void sound(void **state)
{
	assert_int_equal(
		decode("<?xml version=\"1.0\"?>\n<IMSSubscription>\n <PrivateID> alice@x "
		       "</PrivateID>\n"
		       " <ServiceProfile>\n  "
		       "<PublicIdentity><BarringIndication>1</BarringIndication>"
		       "<Identity> sip:Hidden@X.example </Identity></PublicIdentity>\n"
		       "  "
		       "<PublicIdentity><Identity>sip:alice@x.example;lr</"
		       "Identity><Extension><IdentityType>0"
		       "</IdentityType><Extension><DisplayName>Alice "
		       "&lt;\"A\"&gt;</DisplayName></Extension></Extension>"
		       "</PublicIdentity>\n"
		       "  "
		       "<InitialFilterCriteria><Priority>0</"
		       "Priority><ApplicationServer><ServerName>sip:as@x</ServerName>"
		       "</ApplicationServer></InitialFilterCriteria></ServiceProfile>\n"
		       " <ServiceProfile><PublicIdentity><BarringIndication>false</"
		       "BarringIndication><Identity>tel:+1-555"
		       "</Identity></PublicIdentity></ServiceProfile></IMSSubscription>"),
		USERDATA_OK);
	assert_string_equal(u.impi, "alice@x");
	assert_int_equal(u.n_profile, 2);
	assert_int_equal(u.n_identity, 3);
	assert_string_equal(u.identity[0].canonical, "sip:Hidden@x.example");
	assert_true(u.identity[0].barred);
	assert_string_equal(u.identity[1].uri, "sip:alice@x.example;lr");
	assert_string_equal(u.identity[1].canonical, "sip:alice@x.example");
	assert_string_equal(u.identity[1].display, "Alice <\"A\">");
	assert_string_equal(u.identity[2].canonical, "tel:+1555");
	assert_false(u.identity[2].barred);
	assert_int_equal(u.identity[2].profile, 1);
	assert_int_equal(userdata_default(&u), 1);
	assert_int_equal(userdata_find(&u, "tel:+1555"), 2);
	assert_int_equal(userdata_find(&u, "sip:bob@x.example"), -1);
}

#define ONE(identity)                                                                          \
	"<IMSSubscription><ServiceProfile><PublicIdentity><Identity>" identity                 \
	"</Identity></PublicIdentity></ServiceProfile></IMSSubscription>"

static void hostile(void **state)
{
	assert_int_equal(decode("<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b "
				"\"&a;&a;&a;&a;&a;&a;&a;&a;\">"
				"<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]>" ONE("sip:&c;@x")),
			 USERDATA_HOSTILE);
	assert_int_equal(
		decode("<!DOCTYPE l SYSTEM \"http://127.0.0.1:1/x.dtd\">" ONE("sip:a@x")),
		USERDATA_HOSTILE);
	assert_int_equal(decode("<!DOCTYPE l [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>" ONE(
				 "sip:&f;@x")),
			 USERDATA_HOSTILE);
	assert_int_equal(decode(ONE("sip:&nobody;@x")), USERDATA_MALFORMED);
	/* UTF-16 would hide the DTD from a look at the octets. */
	assert_int_equal(userdata_decode(SLICE("\xff\xfe<\0!\0D\0O\0"), &u), USERDATA_HOSTILE);
	assert_int_equal(userdata_decode(SLICE(ONE("sip:a\0@x")), &u), USERDATA_HOSTILE);
}

static void malformed(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"<",
		"<IMSSubscription>",
		"<Other/>",
		"no xml",
		"<IMSSubscription></Other>",
		"<IMSSubscription><ServiceProfile></IMSSubscription></ServiceProfile>",
		ONE("sip:a@x") "<x/>",
		ONE("sip:\x01@x"),
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(decode(bad[i]), USERDATA_MALFORMED);
	assert_int_equal(decode("<IMSSubscription/>"), USERDATA_EMPTY);
	assert_int_equal(decode(ONE("")), USERDATA_EMPTY);
	assert_int_equal(decode(ONE("nonsense")), USERDATA_EMPTY);
	assert_int_equal(decode(ONE("sip:!(!@x")), USERDATA_EMPTY);
	assert_int_equal(decode(ONE("sip:a!.*!@x")), USERDATA_OK);
	assert_true(u.identity[0].wildcard);
	assert_string_equal(u.identity[0].canonical, "sip:a!.*!@x");
	assert_int_equal(userdata_default(&u), -1);
	assert_int_equal(
		decode("<IMSSubscription><ServiceProfile><PublicIdentity>"
		       "<Identity>sip:b@x</Identity><Extension><IdentityType>3</IdentityType>"
		       "<Extension><WildcardedIMPU>sip:!b[0-9]!@x</WildcardedIMPU></Extension>"
		       "</Extension></PublicIdentity></ServiceProfile></IMSSubscription>"),
		USERDATA_OK);
	assert_true(u.identity[0].wildcard);
	assert_string_equal(u.identity[0].uri, "sip:!b[0-9]!@x");
	assert_int_equal(decode(ONE("sip:a@x&gt;,&lt;sip:evil@y")), USERDATA_EMPTY);
	assert_int_equal(decode(ONE("sip:a@x&#13;&#10;Route: y")), USERDATA_EMPTY);
	/* An Identity counts only where the schema has it. */
	assert_int_equal(decode("<IMSSubscription><Identity>sip:a@x</"
				"Identity><ServiceProfile><Identity>sip:a@x</Identity>"
				"<Extension><PublicIdentity><Identity>sip:a@x</Identity></"
				"PublicIdentity></Extension>"
				"</ServiceProfile></IMSSubscription>"),
			 USERDATA_EMPTY);
}

static char *repeated(const char *head, const char *each, uint32_t n, const char *tail)
{
	size_t len = strlen(head) + n * strlen(each) + strlen(tail) + 1;
	char *out = malloc(len), *at = stpcpy(out, head);

	while (n--)
		at = stpcpy(at, each);
	strcpy(at, tail);
	return out;
}

static void bounds(void **state)
{
	char *deep = repeated("<IMSSubscription>", "<a>", 40, "");
	char *huge = repeated("<IMSSubscription>", "<a></a>", 10000, "</IMSSubscription>");
	char *long_uri = repeated(
		"<IMSSubscription><ServiceProfile><PublicIdentity><Identity>sip:", "a", 5000,
		"@x</Identity></PublicIdentity></ServiceProfile></IMSSubscription>");
	char many[8192];
	struct text t = text_in(many, sizeof(many));

	assert_int_equal(decode(deep), USERDATA_HOSTILE);
	assert_int_equal(decode(huge), USERDATA_HOSTILE);
	assert_int_equal(decode(long_uri), USERDATA_EMPTY);
	free(deep);
	free(huge);
	free(long_uri);
	text_lit(&t, "<IMSSubscription><ServiceProfile>");
	for (uint32_t i = 0; i < SET_IMPUS_MAX; i++)
		text_printf(&t,
			    "<PublicIdentity><Identity>sip:u%u@x</Identity></PublicIdentity>",
			    i);
	uint32_t fits = t.len;
	text_lit(&t, "</ServiceProfile></IMSSubscription>");
	assert_int_equal(userdata_decode(text_slice(&t), &u), USERDATA_OK);
	assert_int_equal(u.n_identity, SET_IMPUS_MAX);
	t.len = fits;
	text_lit(&t, "<PublicIdentity><Identity>sip:more@x</Identity></PublicIdentity></"
		     "ServiceProfile></IMSSubscription>");
	assert_int_equal(userdata_decode(text_slice(&t), &u), USERDATA_TOO_MUCH);
}

static void long_display_name(void **state)
{
	/* 43 times a character of three octets: 129, one octet too many. */
	char *xml = repeated("<IMSSubscription><ServiceProfile><PublicIdentity><Identity>sip:a@"
			     "x</Identity><Extension>"
			     "<DisplayName>",
			     "\xe2\x82\xac", 43,
			     "</DisplayName></Extension></PublicIdentity></ServiceProfile></"
			     "IMSSubscription>");

	assert_int_equal(decode(xml), USERDATA_OK);
	assert_int_equal(strlen(u.identity[0].display), 126);
	free(xml);
}

/* Every prefix of a sound profile, against a page that may not be read. */
static void truncated(void **state)
{
	static const char xml[] = ONE("sip:a@x.example");
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mprotect(map + page, page, PROT_NONE), 0);
	for (size_t len = 0; len < sizeof(xml) - 1; len++) {
		uint8_t *at = map + page - len;

		memcpy(at, xml, len);
		assert_int_equal(userdata_decode(slice_of(at, len), &u), USERDATA_MALFORMED);
	}
	munmap(map, 2 * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound),
		cmocka_unit_test(hostile),
		cmocka_unit_test(malformed),
		cmocka_unit_test(bounds),
		cmocka_unit_test(long_display_name),
		cmocka_unit_test(truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
