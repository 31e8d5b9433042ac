/* test_sdp.c - session descriptions: what is read, what is refused, where reading ends */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/sdp.h"
#include "support.h"

static const char call[] = "v=0\r\n"
			   "o=- 1 1 IN IP4 192.0.2.1\r\n"
			   "s=-\r\n"
			   "c=IN IP4 192.0.2.1\r\n"
			   "b=AS:128\r\n"
			   "t=0 0\r\n"
			   "m=audio 49170 RTP/AVP 0 96 101\r\n"
			   "b=RS:600\r\n"
			   "a=rtpmap:96 AMR-WB/16000/1\r\n"
			   "a=rtpmap:101 telephone-event/8000\r\n"
			   "a=curr:qos local none\r\n"
			   "a=curr:qos remote sendrecv\r\n"
			   "a=des:qos mandatory local sendrecv\r\n"
			   "m=video 51372/2 RTP/AVPF 97\r\n"
			   "c=IN IP6 2001:db8::7\r\n"
			   "b=TIAS:512000\r\n"
			   "a=rtcp:53020 IN IP6 2001:db8::8\r\n"
			   "a=sendonly\r\n"
			   "m=message 0 TCP/MSRP *\r\n";

static struct sdp sdp;

static const char *read_text(const char *text)
{
	return sdp_read(slice_str(text), &sdp);
}

static void assert_addr(const struct addr *a, const char *text)
{
	char memory[ADDR_TEXT_MAX];

	assert_string_equal(addr_text(a, memory), text);
}

static void a_call_is_read(void **state)
{
	const struct sdp_media *m = sdp.media;

	assert_null(read_text(call));
	assert_int_equal(sdp.n, 3);
	assert_slice(m[0].kind, "audio");
	assert_slice(m[0].protocol, "RTP/AVP");
	assert_int_equal(m[0].port, 49170);
	assert_int_equal(m[0].n_format, 3);
	assert_slice(m[0].format[0].codec, "PCMU");
	assert_slice(m[0].format[1].codec, "AMR-WB");
	assert_slice(m[0].format[2].codec, "telephone-event");
	assert_addr(&m[0].rtcp, "192.0.2.1:49171");
	assert_int_equal(m[0].direction, SDP_BOTH);
	assert_int_equal(m[0].bandwidth.as, 128000);
	assert_int_equal(m[0].bandwidth.rs, 600);
	assert_true(m[0].bandwidth.rr == SDP_UNSAID && m[0].bandwidth.tias == SDP_UNSAID);
	assert_true(m[0].quality.said && m[0].quality.mandatory);
	assert_int_equal(m[0].quality.local, SDP_INACTIVE);
	assert_int_equal(m[0].quality.remote, SDP_BOTH);
	assert_true(slice_starts(m[0].text, SLICE("m=audio")));
	assert_true(m[0].text.p + m[0].text.len == m[1].text.p);
	assert_int_equal(m[1].ports, 2);
	assert_int_equal(m[1].address.family, 6);
	assert_addr(&m[1].rtcp, "[2001:db8::8]:53020");
	assert_int_equal(m[1].direction, SDP_SEND);
	assert_int_equal(m[1].bandwidth.tias, 512000);
	assert_int_equal(m[1].bandwidth.as, 128000);
	assert_int_equal(m[2].port, 0);
	assert_int_equal(m[2].rtcp.port, 0);
}

static const char head[] = "v=0\r\nc=IN IP4 192.0.2.1\r\n";

static const char *read_with(const char *behind)
{
	static char text[8192];

	snprintf(text, sizeof(text), "%s%s", head, behind);
	return read_text(text);
}

static void what_is_wrong_is_said(void **state)
{
	static const char *const wrong[] = {
		"m=audio\r\n",
		"m=audio 1\r\n",
		"m=audio x RTP/AVP 0\r\n",
		"m=audio -1 RTP/AVP 0\r\n",
		"m=audio 65536 RTP/AVP 0\r\n",
		"m=audio 4294967296 RTP/AVP 0\r\n",
		"m=audio 18446744073709551617 RTP/AVP 0\r\n",
		"m=audio 1/0 RTP/AVP 0\r\n",
		"m=audio 1/99999 RTP/AVP 0\r\n",
		"m=audio 1 RTP/AVP\r\n",
		"m=audio 1 RTP/AVP \r\n",
		"m= 1 RTP/AVP 0\r\n",
		"b=AS\r\n",
		"b=AS:\r\n",
		"b=AS:-1\r\n",
		"b=AS:4294967296\r\n",
		"c=IN IP4\r\n",
		"c=IN IP5 192.0.2.1\r\n",
		"c=\r\n",
		"m=audio 1 RTP/AVP 0\r\na=rtcp:65536\r\n",
		"m=audio 1 RTP/AVP 0\r\na=rtcp:1 IN\r\n",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (!read_with(wrong[i]))
			fail_msg("taken: %s", wrong[i]);
	assert_non_null(read_text(""));
	assert_non_null(read_text("v=1\r\n"));
	assert_non_null(read_text("m=audio 1 RTP/AVP 0\r\n"));
	assert_non_null(read_text("v=0\r\nm=audio 1 RTP/AVP 0\r\n"));
	assert_null(read_text("v=0\r\nm=audio 0 RTP/AVP 0\r\n"));
}

static void what_is_strange_is_taken(void **state)
{
	assert_null(read_with("x=1\r\nhello\r\n=\r\nm=audio 9 RTP/AVP 0\r\na=foo\r\na=\r\n"));
	assert_int_equal(sdp.n, 1);
	assert_null(read_text("v=0\nc=IN IP4 192.0.2.1\nm=audio 9 RTP/AVP 8"));
	assert_slice(sdp.media[0].format[0].codec, "PCMA");
	/* A name leads to no address, and a group's TTL is no part of it. */
	assert_null(read_with("m=audio 9 RTP/AVP 0\r\nc=IN IP4 host.example\r\n"));
	assert_int_equal(sdp.media[0].address.family, 0);
	assert_null(read_with("m=audio 9 RTP/AVP 0\r\nc=IN IP4 233.252.0.1/127\r\n"));
	assert_int_equal(sdp.media[0].address.ip[0], 233);
}

static void hold_of_old(void **state)
{
	assert_null(read_with("m=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n"));
	assert_true(sdp.media[0].nowhere);
	assert_int_equal(sdp.media[0].direction, SDP_SEND);
	assert_null(read_with("m=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=recvonly\r\n"));
	assert_int_equal(sdp.media[0].direction, SDP_INACTIVE);
}

static void rtcp_is_where_it_says(void **state)
{
	assert_null(read_with("m=audio 9 RTP/AVP 0\r\na=rtcp:77\r\n"));
	assert_addr(&sdp.media[0].rtcp, "192.0.2.1:77");
	assert_null(read_with("m=audio 9 RTP/AVP 0\r\na=rtcp-mux\r\n"));
	assert_int_equal(sdp.media[0].rtcp.port, 0);
	assert_null(read_with("m=audio 65535 RTP/AVP 0\r\n"));
	assert_int_equal(sdp.media[0].rtcp.port, 0);
	assert_null(read_with("m=image 9 udptl t38\r\n"));
	assert_int_equal(sdp.media[0].rtcp.port, 0);
}

static char *many(const char *line, uint32_t n)
{
	char *text = calloc(1, sizeof(head) + n * strlen(line));

	strcpy(text, head);
	for (uint32_t i = 0, at = sizeof(head) - 1; i < n; i++, at += strlen(line))
		memcpy(text + at, line, strlen(line));
	return text;
}

static void number_is_bounded(void **state)
{
	static const struct {
		const char *line;
		uint32_t n;
		bool taken;
	} of[] = {{"m=audio 9 RTP/AVP 0\r\n", SDP_MEDIA_MAX, true},
		  {"m=audio 9 RTP/AVP 0\r\n", SDP_MEDIA_MAX + 1, false},
		  {"m=audio 9 RTP/AVP 0\r\n", 10000, false},
		  {"a=rtpmap:0 PCMU/8000\r\n", 10000, true}};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		char *text = many(of[i].line, of[i].n);

		assert_int_equal(read_text(text) == NULL, of[i].taken);
		free(text);
	}
}

static void formats_are_bounded(void **state)
{
	char text[1024] = "m=audio 9 RTP/AVP";

	for (int i = 0; i < SDP_FORMATS_MAX; i++)
		strcat(text, " 1");
	assert_null(read_with(text));
	assert_int_equal(sdp.media[0].n_format, SDP_FORMATS_MAX);
	strcat(text, " 1");
	assert_non_null(read_with(text));
}

/* Nothing behind the end is looked at, wherever it is. */
static void every_prefix(void **state)
{
	for (uint32_t len = 0; len < sizeof(call); len++) {
		struct guarded g = guard_new(len);
		struct slice s = guard_at_end(&g, slice_of(call, len));
		const char *error = sdp_read(s, &sdp);

		for (uint32_t i = 0; !error && i < sdp.n; i++)
			assert_true(sdp.media[i].text.p >= s.p &&
				    sdp.media[i].text.p + sdp.media[i].text.len <= s.p + len);
		guard_free(&g);
	}
}

static void answers_fit_or_not(void **state)
{
	static const struct {
		const char *answer;
		bool fits;
	} of[] = {
		{"m=audio 9 RTP/AVP 0\r\nm=video 0 RTP/AVP 97\r\n", true},
		{"m=audio 9 RTP/AVP 0\r\nm=video 9 RTP/AVP 97\r\n", true},
		{"m=audio 9 RTP/AVP 0\r\n", false},
		{"m=video 9 RTP/AVP 0\r\nm=audio 0 RTP/AVP 97\r\n", false},
		{"m=audio 9 RTP/SAVP 0\r\nm=video 0 RTP/AVP 97\r\n", false},
		{"m=audio 9 RTP/AVP 0\r\nm=video 0 RTP/AVP 97\r\nm=text 0 RTP/AVP 98\r\n",
		 false},
	};
	struct sdp offer;

	assert_null(read_with("m=audio 9 RTP/AVP 0\r\nm=video 9 RTP/AVP 97\r\n"));
	offer = sdp; /* its text is not looked at but for kinds, which are the same below */
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		char text[512], *at = text;

		at += snprintf(at, sizeof(text), "%s%s", head, of[i].answer);
		assert_null(read_with("m=audio 9 RTP/AVP 0\r\nm=video 9 RTP/AVP 97\r\n"));
		offer = sdp;
		struct sdp answer;
		assert_null(sdp_read(slice_of(text, (size_t)(at - text)), &answer));
		assert_int_equal(sdp_fits(&offer, &answer) == NULL, of[i].fits);
	}
	assert_null(read_with("m=audio 0 RTP/AVP 0\r\n"));
	offer = sdp;
	struct sdp answer;
	assert_null(sdp_read(SLICE("v=0\r\nc=IN IP4 192.0.2.2\r\nm=audio 9 RTP/AVP 0\r\n"),
			     &answer));
	assert_non_null(sdp_fits(&offer, &answer));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_read),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(what_is_strange_is_taken),
		cmocka_unit_test(hold_of_old),
		cmocka_unit_test(rtcp_is_where_it_says),
		cmocka_unit_test(number_is_bounded),
		cmocka_unit_test(formats_are_bounded),
		cmocka_unit_test(every_prefix),
		cmocka_unit_test(answers_fit_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
