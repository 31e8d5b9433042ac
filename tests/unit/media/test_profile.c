/* test_profile.c - what media a session may have, and what could be offered instead */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "media/profile.h"

static const char offer[] = "v=0\r\n"
			    "o=- 1 1 IN IP4 192.0.2.1\r\n"
			    "c=IN IP4 192.0.2.1\r\n"
			    "m=audio 1000 RTP/AVP 0 96 101\r\n"
			    "b=AS:64\r\n"
			    "a=rtpmap:96 opus/48000/2\r\n"
			    "a=fmtp:96 useinbandfec=1\r\n"
			    "a=rtpmap:101 telephone-event/8000\r\n"
			    "a=sendrecv\r\n"
			    "m=video 1002 RTP/AVP 97\r\n"
			    "a=rtpmap:97 H264/90000\r\n";

static struct sdp sdp;

static const char *check(const struct media_profile *p)
{
	assert_null(sdp_read(slice_str(offer), &sdp));
	return media_profile_check(p, &sdp);
}

/* The text, which is itself allowed. */
static const char *instead(const struct media_profile *p)
{
	static char memory[1024];
	struct text t = text_in(memory, sizeof(memory) - 1);

	media_profile_put(p, &sdp, &t);
	assert_false(t.overflow);
	memory[t.len] = 0;
	assert_null(sdp_read(text_slice(&t), &sdp));
	assert_null(media_profile_check(p, &sdp));
	return memory;
}

static void anything_goes_without_one(void **state)
{
	const struct media_profile none = {0};

	assert_null(check(&none));
	assert_string_equal(instead(&none), offer);
}

static void codecs(void **state)
{
	const struct media_profile all = {.n_codec = 3, .codec = {"pcmu", "OPUS", "h264"}};
	const struct media_profile one = {.n_codec = 1, .codec = {"PCMU"}};

	assert_null(check(&all));
	assert_non_null(check(&one));
	assert_string_equal(instead(&one), "v=0\r\n"
					   "o=- 1 1 IN IP4 192.0.2.1\r\n"
					   "c=IN IP4 192.0.2.1\r\n"
					   "m=audio 1000 RTP/AVP 0 101\r\n"
					   "b=AS:64\r\n"
					   "a=rtpmap:101 telephone-event/8000\r\n"
					   "a=sendrecv\r\n"
					   "m=video 0 RTP/AVP 97\r\n");
}

static void streams(void **state)
{
	const struct media_profile two = {.streams = 2}, one = {.streams = 1};

	assert_null(check(&two));
	assert_non_null(check(&one));
	assert_non_null(strstr(instead(&one), "m=video 0 "));
}

static void bandwidth(void **state)
{
	const struct media_profile enough = {.bandwidth = 64000}, less = {.bandwidth = 48000};

	assert_null(check(&enough));
	assert_non_null(check(&less));
	assert_non_null(strstr(instead(&less), "b=AS:48\r\nb=TIAS:48000\r\na="));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(anything_goes_without_one),
		cmocka_unit_test(codecs),
		cmocka_unit_test(streams),
		cmocka_unit_test(bandwidth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
