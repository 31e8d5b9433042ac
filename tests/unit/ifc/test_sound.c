/* test_sound.c - compiled criteria that were tampered with do no harm */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support.h"

static const char xml[] =
	"<ServiceProfile><CoreNetworkServicesAuthorization><Extension><ListOfServiceIds>"
	"<ServiceId>urn:a</ServiceId></ListOfServiceIds></Extension>"
	"</CoreNetworkServicesAuthorization>"
	"<InitialFilterCriteria><Priority>1</Priority><TriggerPoint><ConditionTypeCNF>1"
	"</ConditionTypeCNF><SPT><Group>0</Group><RequestURI>^sip:(bob|tom)[0-9]{1,3}@"
	"</RequestURI></SPT><SPT><Group>1</Group><SIPHeader><Header>X-One</Header><Content>abc"
	"</Content></SIPHeader></SPT><SPT><Group>1</Group><Method>SPECIAL</Method></SPT>"
	"<SPT><Group>0</Group><SIPHeader><Header>X.*</Header><Content>[ab]c</Content></"
	"SIPHeader>"
	"</SPT><SPT><Group>2</Group><SessionDescription><Line>m</Line><Content>a.d</Content>"
	"</SessionDescription></SPT></TriggerPoint>"
	"<ApplicationServer><ServerName>sip:as</ServerName><ServiceInfo>x</ServiceInfo>"
	"</ApplicationServer></InitialFilterCriteria>"
	"<InitialFilterCriteria><Priority>2</Priority><ApplicationServer><ServerName>sip:b"
	"</ServerName></ApplicationServer></InitialFilterCriteria></ServiceProfile>";

/* Whatever was taken for sound is asked all there is to ask; what it points to outside ends on
 * the guard page or with the sanitizer. */
static void use(const struct ifc *f, const struct sip_msg *m)
{
	for (uint8_t c = 0; c < IFC_CASES; c++) {
		struct ifc_ask ask = {.session_case = c, .registered = c & 1};
		struct ifc_match match;
		volatile uint8_t sum = 0;

		for (uint32_t i = 0; i <= f->n_criteria; i++) {
			if (ifc_next(f, m, &ask, i, &match) != IFC_MATCH)
				continue;
			for (uint32_t k = 0; k < match.server.len; k++)
				sum = (uint8_t)(sum + match.server.p[k]);
			for (uint32_t k = 0; k < match.service.len; k++)
				sum = (uint8_t)(sum + match.service.p[k]);
		}
		ifc_authorised(f, SLICE("urn:a"));
	}
}

static void survives_tampering(void **state)
{
	static struct criteria_compiled good;
	static struct sip_msg m;
	struct criteria_document d;
	uint32_t refused = 0, rounds = 200000;
	char request[2048];
	static uint8_t padded[IFC_SIZE_MAX + 8];
	(void)state;

	compile_good(xml, &d, &good);
	criteria_free(&d);
	memcpy(padded, good.memory, good.len);
	request_write(request, sizeof(request), "SPECIAL", "sip:bob12@home",
		      "X-One: abc\r\nContent-Type: application/sdp\r\n", "v=0\r\nm=and\r\n");
	parse_good(request, &m);
	use((const struct ifc *)good.memory, &m);
	srand(3);
	for (uint32_t i = 0; i < rounds; i++) {
		/* At an address divisible by eight, and so up to seven octets off the page. */
		struct slice s = at_guard(padded, (good.len + 7) / 8 * 8);
		uint8_t *p = (uint8_t *)(uintptr_t)s.p;

		for (int k = 1 + rand() % 3; k; k--) {
			uint32_t at = (uint32_t)rand() % good.len;

			/* The masks are most of it and say little. */
			if (at < sizeof(struct ifc) && at >= 32 && rand() % 8)
				at = (uint32_t)sizeof(struct ifc) +
				     (uint32_t)rand() %
					     (good.len - (uint32_t)sizeof(struct ifc));
			p[at] = (uint8_t)(rand() % 2 ? rand() : p[at] ^ 1 << rand() % 8);
		}
		if (ifc_sound(p, good.len)) {
			refused++;
			continue;
		}
		use((const struct ifc *)p, &m);
	}
	assert_true(refused > rounds / 10 && refused < rounds);
}

static void refuses_the_wrong_size(void **state)
{
	static struct criteria_compiled good;
	struct criteria_document d;
	(void)state;

	compile_good(xml, &d, &good);
	criteria_free(&d);
	for (uint32_t len = 0; len < good.len; len++)
		assert_non_null(ifc_sound(good.memory, len));
	assert_non_null(ifc_sound(good.memory + 4, good.len - 4));
	assert_null(ifc_sound(good.memory, good.len));
}

/* Twice the same profile is twice the same octets, wherever they are made. */
static void same_source_same_octets(void **state)
{
	static struct criteria_compiled a, b;
	struct criteria_document d;
	(void)state;

	memset(&a, 0xaa, sizeof(a));
	memset(&b, 0x55, sizeof(b));
	compile_good(xml, &d, &a);
	criteria_free(&d);
	compile_good(xml, &d, &b);
	criteria_free(&d);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.memory, b.memory, a.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_tampering),
		cmocka_unit_test(refuses_the_wrong_size),
		cmocka_unit_test(same_source_same_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
