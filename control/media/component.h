/* component.h - what a session's media ask of one side's access network (TS 29.213 §6.2)
 *
 * Made from an offer and its answer, or from an offer alone, which is preliminary: the far
 * end's addresses are not known then. The numbers are those of TS 29.214. Any thread.
 */
#pragma once

#include "media/sdp.h"

enum { MEDIA_FLOWS_MAX = 2 };

enum media_type { /* TS 29.214 §5.3.19 */
		  MEDIA_AUDIO,
		  MEDIA_VIDEO,
		  MEDIA_DATA,
		  MEDIA_APPLICATION,
		  MEDIA_CONTROL,
		  MEDIA_TEXT,
		  MEDIA_MESSAGE,
		  MEDIA_OTHER = -1,
};

enum media_status { /* Flow-Status, §5.3.11 */
		    MEDIA_UPLINK,
		    MEDIA_DOWNLINK,
		    MEDIA_ENABLED,
		    MEDIA_DISABLED,
		    MEDIA_REMOVED,
};

/* Where each side receives; family or port 0: any. */
struct media_flow {
	uint16_t number; /* Flow-Number, from 1 */
	bool rtcp;       /* Flow-Usage */
	struct addr ue, far;
	uint16_t ports; /* of consecutive ones from those on */
};

struct media_component {
	uint16_t number; /* Media-Component-Number: the m-line's, from 1 */
	enum media_type type;
	enum media_status status;
	/* Bits per second; SDP_UNSAID: nothing is said. Up is what the UE sends. */
	uint64_t up, down, rs, rr;
	/* Sections of the descriptions, for Codec-Data; empty: none. */
	struct slice offer, answer;
	uint32_t n_flow;
	struct media_flow flow[MEDIA_FLOWS_MAX];
};

struct media {
	bool ue_offers; /* the offer is the UE's */
	uint32_t n;
	struct media_component component[SDP_MEDIA_MAX];
};

/* answer NULL: preliminary. Slices point into the descriptions' text. */
void media_of(const struct sdp *offer, const struct sdp *answer, bool ue_offers,
	      struct media *out);
