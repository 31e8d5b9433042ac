/* scan.h - stage one of the parser: where lines end
 *
 * Finds each LF of the header section, up to and including the empty line. The
 * variants (scalar, SSE4.2, AVX2, AVX-512, AVX-512 with VBMI2) give the same answer but for
 * `plain`; sip_scan picks the widest the CPU has, once, at start.
 */
#pragma once

#include "base/limits.h"
#include "base/slice.h"

struct sip_scan {
	uint32_t n;    /* lines found, start line included */
	bool complete; /* the empty line was found */
	bool bare_cr;  /* a CR that no LF follows, before the empty line; if complete */
	/* Complete, at most SIP_HEADERS_MAX header lines, every line ends in CRLF with no white
	 * space before it, no bare CR. False: it is not so, or was not looked for. */
	bool plain;
	uint16_t head_end; /* offset behind the empty line's LF */
	/* Offset of each LF; the tail is room for the last block. */
	uint16_t lf[SIP_HEADERS_MAX + 2 + 64];
};

typedef void sip_scan_fn(struct slice datagram, struct sip_scan *out);

/* Any thread. Stops at the empty line, after SIP_HEADERS_MAX + 2 lines, at the end, or after
 * SIP_MESSAGE_MAX octets. Reads nothing outside the datagram. */
extern sip_scan_fn *sip_scan;

sip_scan_fn sip_scan_scalar;
/* By name "scalar", "sse42", "avx2", "avx512", "vbmi2": NULL where this CPU has it not. For
 * tests and the bench. */
sip_scan_fn *sip_scan_variant(const char *name);
