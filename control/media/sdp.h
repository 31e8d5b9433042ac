/* sdp.h - a session description (RFC 8866), as far as resources and media policy need it
 *
 * Bounded whatever the text: at most SDP_MEDIA_MAX m-lines and SDP_FORMATS_MAX formats of each;
 * more is an error, and so is what cannot be read; lines of no meaning here are passed over.
 * Slices point into the text. Any thread.
 */
#pragma once

#include "base/addr.h"
#include "base/slice.h"

enum { SDP_MEDIA_MAX = 16, SDP_FORMATS_MAX = 32 };

enum sdp_direction { /* of the one who says it */
		     SDP_INACTIVE,
		     SDP_SEND,
		     SDP_RECEIVE,
		     SDP_BOTH,
};

/* Bits per second; SDP_UNSAID: nothing is said. */
#define SDP_UNSAID UINT64_MAX

struct sdp_bandwidth {
	uint64_t as, tias, rs, rr; /* RFC 8866 §5.8, RFC 3890, RFC 3556 */
};

struct sdp_format {
	struct slice number; /* as in the m-line */
	struct slice codec;  /* the name in rtpmap, or of RFC 3551; empty: not known */
};

/* Precondition of type qos (RFC 3312 §5): directions that stand, or are wanted. */
struct sdp_quality {
	bool said;
	uint8_t local, remote; /* curr: enum sdp_direction */
	bool mandatory;        /* des: of strength mandatory, on either side */
};

struct sdp_media {
	struct slice text; /* the section, from "m=" to its end */
	struct slice kind; /* audio, video, ... */
	struct slice protocol;
	uint16_t port; /* 0: refused, or taken away (RFC 3264 §8.2) */
	uint16_t ports;
	struct addr address; /* port 0; family 0: a name, which no filter can have */
	bool nowhere;        /* the unspecified address: on hold as of old (RFC 3264 §8.4) */
	struct addr rtcp;    /* address and port of RTCP; port 0: none of its own */
	enum sdp_direction direction;
	struct sdp_bandwidth bandwidth; /* the section's own, else the session's */
	struct sdp_quality quality;
	uint32_t n_format;
	struct sdp_format format[SDP_FORMATS_MAX];
};

struct sdp {
	struct slice text;
	uint32_t n;
	struct sdp_media media[SDP_MEDIA_MAX];
};

/* NULL, or a sentence that says what is wrong; then *out is of no use. */
const char *sdp_read(struct slice text, struct sdp *out);
/* RFC 3312 §5: some stream may not be used before its resources stand. */
bool sdp_wants_quality(const struct sdp *d);
/* They do for every such stream, as this description says. */
bool sdp_has_quality(const struct sdp *d);
/* NULL, or what of the answer does not fit the offer (RFC 3264 §6). */
const char *sdp_fits(const struct sdp *offer, const struct sdp *answer);
