/* test_component.c - offers and answers to media components (TS 29.213 §6.2) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "media/component.h"

static struct sdp offer, answer;
static struct media media;

/* Texts stay, for slices point into them. */
static void read_into(struct sdp *sdp, char *memory, size_t size, const char *ip,
		      const char *sections)
{
	int n = snprintf(memory, size, "v=0\r\nc=IN IP4 %s\r\n%s", ip, sections);

	assert_null(sdp_read(slice_of(memory, (size_t)n), sdp));
}

static const struct media_component *exchange(const char *offered, const char *answered,
					      bool ue_offers)
{
	static char a[1024], b[1024];

	read_into(&offer, a, sizeof(a), ue_offers ? "10.0.0.1" : "10.0.0.2", offered);
	if (answered)
		read_into(&answer, b, sizeof(b), ue_offers ? "10.0.0.2" : "10.0.0.1", answered);
	media_of(&offer, answered ? &answer : NULL, ue_offers, &media);
	return media.component;
}

static void assert_place(const struct addr *a, const char *text)
{
	char memory[ADDR_TEXT_MAX];

	assert_string_equal(addr_text(a, memory), text);
}

static void an_audio_call(void **state)
{
	static const char offered[] = "m=audio 1000 RTP/AVP 0\r\nb=AS:64\r\n";
	static const char answered[] = "m=audio 2000 RTP/AVP 0\r\nb=AS:80\r\n";

	for (int ue_offers = 0; ue_offers <= 1; ue_offers++) {
		const struct media_component *c = exchange(offered, answered, ue_offers);

		assert_int_equal(media.n, 1);
		assert_int_equal(c->number, 1);
		assert_int_equal(c->type, MEDIA_AUDIO);
		assert_int_equal(c->status, MEDIA_ENABLED);
		/* What the other side wants to receive is what the UE sends. */
		assert_int_equal(c->up, ue_offers ? 80000 : 64000);
		assert_int_equal(c->down, ue_offers ? 64000 : 80000);
		assert_int_equal(c->n_flow, 2);
		assert_place(&c->flow[0].ue, ue_offers ? "10.0.0.1:1000" : "10.0.0.1:2000");
		assert_place(&c->flow[0].far, ue_offers ? "10.0.0.2:2000" : "10.0.0.2:1000");
		assert_true(c->flow[1].rtcp && c->flow[1].number == 2);
		assert_place(&c->flow[1].ue, ue_offers ? "10.0.0.1:1001" : "10.0.0.1:2001");
		assert_true(slice_starts(c->offer, SLICE("m=audio 1000")));
		assert_true(slice_starts(c->answer, SLICE("m=audio 2000")));
	}
}

static void an_offer_alone_is_preliminary(void **state)
{
	const struct media_component *c =
		exchange("m=audio 1000 RTP/AVP 0\r\nb=AS:64\r\n", NULL, true);

	assert_place(&c->flow[0].ue, "10.0.0.1:1000");
	assert_int_equal(c->flow[0].far.family, 0);
	assert_int_equal(c->up, 64000);
	assert_int_equal(c->down, 64000);
	assert_int_equal(c->answer.len, 0);
}

static void directions(void **state)
{
	static const struct {
		const char *attribute;
		enum media_status ue_answers, far_answers;
	} of[] = {{"a=sendrecv\r\n", MEDIA_ENABLED, MEDIA_ENABLED},
		  {"a=sendonly\r\n", MEDIA_UPLINK, MEDIA_DOWNLINK},
		  {"a=recvonly\r\n", MEDIA_DOWNLINK, MEDIA_UPLINK},
		  {"a=inactive\r\n", MEDIA_DISABLED, MEDIA_DISABLED}};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		char answered[128];

		snprintf(answered, sizeof(answered), "m=audio 2000 RTP/AVP 0\r\n%s",
			 of[i].attribute);
		assert_int_equal(
			exchange("m=audio 1000 RTP/AVP 0\r\n", answered, false)->status,
			of[i].ue_answers);
		assert_int_equal(exchange("m=audio 1000 RTP/AVP 0\r\n", answered, true)->status,
				 of[i].far_answers);
	}
}

static void refused_and_muxed(void **state)
{
	const struct media_component *c =
		exchange("m=audio 1000 RTP/AVP 0\r\na=rtcp-mux\r\nm=video 1002 RTP/AVP 34\r\n"
			 "m=message 7 TCP/MSRP *\r\nm=foo 9 RTP/AVP 0\r\n",
			 "m=audio 2000 RTP/AVP 0\r\na=rtcp-mux\r\nm=video 0 RTP/AVP 34\r\n"
			 "m=message 8 TCP/MSRP *\r\nm=foo 9 RTP/AVP 0\r\n",
			 true);

	assert_int_equal(media.n, 4);
	assert_int_equal(c[0].n_flow, 1);
	assert_int_equal(c[1].status, MEDIA_REMOVED);
	assert_int_equal(c[1].n_flow, 0);
	assert_int_equal(c[1].number, 2);
	assert_int_equal(c[2].type, MEDIA_MESSAGE);
	assert_int_equal(c[2].n_flow, 1);
	assert_int_equal(c[3].type, MEDIA_OTHER);
	assert_true(c[0].up == SDP_UNSAID && c[0].down == SDP_UNSAID);
}

static void nobody_receives_at_nowhere(void **state)
{
	const struct media_component *c =
		exchange("m=audio 1000 RTP/AVP 0\r\n",
			 "m=audio 2000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n", true);

	assert_int_equal(c->flow[0].far.family, 0);
	assert_int_equal(c->status, MEDIA_DOWNLINK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_audio_call),
		cmocka_unit_test(an_offer_alone_is_preliminary),
		cmocka_unit_test(directions),
		cmocka_unit_test(refused_and_muxed),
		cmocka_unit_test(nobody_receives_at_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
