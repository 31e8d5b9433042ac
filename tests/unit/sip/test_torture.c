/* test_torture.c - the 49 messages of RFC 4475: which are taken, which are refused, and by what
 */
#include "sip/parse.h"
#include "support.h"

/* Who has the last word on a message. */
enum layer {
	TAKEN,   /* sound for a parser; what is odd concerns user agents, or nobody */
	PARSER,  /* sip_parse refuses it */
	DECODER, /* a header field a proxy looks at does not decode */
};

static const struct {
	const char *name;
	enum layer layer;
	enum sip_error error;
} verdict[] = {
	/* §3.1.1 valid messages */
	{"wsinv", TAKEN, SIP_OK},
	{"intmeth", TAKEN, SIP_OK},
	{"esc01", TAKEN, SIP_OK},
	{"escnull", TAKEN, SIP_OK},
	{"esc02", TAKEN, SIP_OK},
	{"lwsdisp", TAKEN, SIP_OK},
	{"longreq", TAKEN, SIP_OK},
	{"dblreq", TAKEN, SIP_OK},
	{"semiuri", TAKEN, SIP_OK},
	{"transports", TAKEN, SIP_OK},
	{"mpart01", TAKEN, SIP_OK},
	{"unreason", TAKEN, SIP_OK},
	{"noreason", TAKEN, SIP_OK},
	/* §3.1.2 invalid messages */
	{"badinv01", DECODER, SIP_E_VIA},
	{"clerr", PARSER, SIP_E_CONTENT_LENGTH_LARGER},
	{"ncl", PARSER, SIP_E_CONTENT_LENGTH},
	{"scalar02", PARSER, SIP_E_CSEQ},
	{"scalarlg", PARSER, SIP_E_CSEQ},
	{"quotbal", PARSER, SIP_E_TO},
	{"ltgtruri", PARSER, SIP_E_URI},
	{"lwsruri", PARSER, SIP_E_START_LINE},
	{"lwsstart", PARSER, SIP_E_START_LINE},
	{"trws", PARSER, SIP_E_START_LINE},
	{"escruri", PARSER, SIP_E_URI},
	/* A proxy has no use for Date and may forward it (§3.1.2.12). */
	{"baddate", TAKEN, SIP_OK},
	{"regbadct", DECODER, SIP_E_CONTACT},
	{"badaspec", PARSER, SIP_E_TO},
	{"baddn", PARSER, SIP_E_FROM},
	{"badvers", PARSER, SIP_E_VERSION},
	{"mismatch01", PARSER, SIP_E_CSEQ_METHOD},
	{"mismatch02", PARSER, SIP_E_CSEQ_METHOD},
	{"bigcode", PARSER, SIP_E_STATUS},
	/* §3.2 transaction layer: the branch is no key, nothing else is wrong */
	{"badbranch", TAKEN, SIP_OK},
	/* §3.3 application layer */
	{"insuf", PARSER, SIP_E_FROM_MISSING},
	{"unkscm", PARSER, SIP_E_SCHEME},
	{"novelsc", PARSER, SIP_E_SCHEME},
	{"unksm2", TAKEN, SIP_OK},
	{"bext01", TAKEN, SIP_OK},
	{"invut", TAKEN, SIP_OK},
	{"regaut01", TAKEN, SIP_OK},
	{"multi01", PARSER, SIP_E_FROM_TWICE},
	{"mcl01", PARSER, SIP_E_CONTENT_LENGTH_DIFFERS},
	{"bcast", TAKEN, SIP_OK},
	{"zeromf", TAKEN, SIP_OK},
	{"cparam01", TAKEN, SIP_OK},
	{"cparam02", TAKEN, SIP_OK},
	{"regescrt", TAKEN, SIP_OK},
	{"sdp01", TAKEN, SIP_OK},
	/* §3.4 backward compatibility */
	{"inv2543", TAKEN, SIP_OK},
};

enum { VERDICTS = sizeof(verdict) / sizeof(verdict[0]) };

static void test_verdicts(void **state)
{
	struct corpus c = {0};
	struct sip_msg msg;

	corpus_load(&c, "torture");
	assert_int_equal(c.n, 49);
	assert_int_equal(VERDICTS, 49);
	for (uint32_t i = 0; i < VERDICTS; i++) {
		struct slice text = corpus_find(&c, verdict[i].name);
		enum sip_error parsed = sip_parse(text, &msg), whole;

		assert_sound(&msg, text);
		whole = parsed == SIP_OK ? look_at_everything(&msg) : parsed;
		if (whole != verdict[i].error)
			fail_msg("%s: %s, not %s", verdict[i].name,
				 sip_error_info(whole)->warning,
				 sip_error_info(verdict[i].error)->warning);
		assert_int_equal(parsed == SIP_OK, verdict[i].layer != PARSER);
	}
	corpus_free(&c);
}

/* What the sound but strange ones say, once the spaces and folds are seen through. */
static void test_wsinv(void **state)
{
	struct corpus c = {0};
	struct sip_msg msg;

	corpus_load(&c, "torture");
	assert_int_equal(sip_parse(corpus_find(&c, "wsinv"), &msg), SIP_OK);
	assert_int_equal(msg.method, SIP_M_INVITE);
	assert_int_equal(msg.cseq, 9);
	assert_slice(sip_first_value(&msg, SIP_H_MAX_FORWARDS), "0068");
	assert_slice(sip_first_value(&msg, SIP_H_SUBJECT), "");
	assert_slice(sip_first_value(&msg, SIP_H_ROUTE),
		     "<sip:services.example.com;lr;unknownwith=value;unknown-no-value>");
	assert_int_equal(msg.body.len, 150);
	assert_int_equal(sip_parse(corpus_find(&c, "intmeth"), &msg), SIP_OK);
	assert_int_equal(msg.method, SIP_M_OTHER);
	assert_slice(msg.method_name, "!interesting-Method0123456789_*+`.%indeed'~");
	assert_int_equal(sip_parse(corpus_find(&c, "dblreq"), &msg), SIP_OK);
	assert_int_equal(msg.body.len, 0);
	assert_int_equal(msg.raw.p[msg.raw.len - 1], '\n');
	assert_int_equal(msg.method, SIP_M_REGISTER);
	assert_int_equal(sip_parse(corpus_find(&c, "noreason"), &msg), SIP_OK);
	assert_int_equal(msg.status, 100);
	assert_int_equal(msg.reason.len, 0);
	corpus_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_wsinv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
