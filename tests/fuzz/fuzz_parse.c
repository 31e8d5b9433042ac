/* fuzz_parse.c - any octets into the parser and all decoders; every scan variant agrees */
#include <stdlib.h>

#include "sip/parse.h"
#include "sip/scan.h"
#include "sip/wide.h"
#include "support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_variants(struct slice datagram)
{
	static const char *const names[] = {"sse42", "avx2", "avx512", "vbmi2"};
	struct sip_scan want, got;

	sip_scan_scalar(datagram, &want);
	for (uint32_t i = 0; i < 4; i++) {
		sip_scan_fn *scan = sip_scan_variant(names[i]);

		if (scan == NULL)
			continue;
		scan(datagram, &got);
		if (got.n != want.n || got.complete != want.complete ||
		    memcmp(got.lf, want.lf, want.n * sizeof(want.lf[0])) != 0)
			abort();
		if (want.complete &&
		    (got.head_end != want.head_end || got.bare_cr != want.bare_cr))
			abort();
	}
}

/* What the walk by bits and the walk by octets say of one message is the same. */
static void check_ways(struct slice datagram)
{
	bool has = sip_wide;
	struct sip_msg msg;
	enum sip_error e = sip_parse(datagram, &msg), look = look_at_everything(&msg);

	sip_wide = false;
	if (sip_parse(datagram, &msg) != e || look_at_everything(&msg) != look)
		abort();
	sip_wide = has;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice datagram = slice_of(data, size);
	struct sip_msg msg;

	check_variants(datagram);
	check_ways(datagram);
	sip_is_keepalive(datagram);
	sip_parse(datagram, &msg);
	assert_sound(&msg, datagram);
	sip_parse_answerable(&msg);
	look_at_everything(&msg);
	return 0;
}
