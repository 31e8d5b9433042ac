/* component.c - Media-Component-Descriptions from SDP (TS 29.213 table 6.2.1, 6.2.2) */
#include "media/component.h"

static enum media_type type_of(struct slice kind)
{
	static const char *const names[] = {"audio",   "video", "data",   "application",
					    "control", "text",  "message"};

	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_eq_nocase(kind, slice_str(names[i])))
			return (enum media_type)i;
	return MEDIA_OTHER;
}

/* By the direction of the answer, or of the offer where there is none yet. */
static enum media_status status_of(const struct sdp_media *last, bool ue_says)
{
	if (last->port == 0)
		return MEDIA_REMOVED;
	switch (last->direction) {
	case SDP_SEND:
		return ue_says ? MEDIA_UPLINK : MEDIA_DOWNLINK;
	case SDP_RECEIVE:
		return ue_says ? MEDIA_DOWNLINK : MEDIA_UPLINK;
	case SDP_INACTIVE:
		return MEDIA_DISABLED;
	default:
		return MEDIA_ENABLED;
	}
}

/* A description says what its author wants to receive. AS counts the headers, TIAS does not. */
static uint64_t wanted(const struct sdp_media *m)
{
	if (!m)
		return SDP_UNSAID;
	return m->bandwidth.as != SDP_UNSAID ? m->bandwidth.as : m->bandwidth.tias;
}

static struct addr place(const struct sdp_media *m)
{
	struct addr a = {0};

	if (m && !m->nowhere && m->address.family)
		a = m->address;
	if (m)
		a.port = m->port;
	return a;
}

static struct addr rtcp_place(const struct sdp_media *m)
{
	return m && !m->nowhere ? m->rtcp : (struct addr){0};
}

static void put_flows(const struct sdp_media *ue, const struct sdp_media *far,
		      struct media_component *c)
{
	const struct sdp_media *any = ue ? ue : far;

	c->flow[c->n_flow++] = (struct media_flow){
		.number = 1, .ue = place(ue), .far = place(far), .ports = any->ports};
	/* One port for both where either side has RTCP on that of RTP. */
	if ((ue && ue->rtcp.port == 0) || (far && far->rtcp.port == 0))
		return;
	c->flow[c->n_flow++] = (struct media_flow){.number = 2,
						   .rtcp = true,
						   .ue = rtcp_place(ue),
						   .far = rtcp_place(far),
						   .ports = 1};
}

static uint64_t known(uint64_t a, uint64_t b)
{
	return a != SDP_UNSAID ? a : b;
}

static void component_of(const struct sdp_media *offer, const struct sdp_media *answer,
			 bool ue_offers, struct media_component *c)
{
	const struct sdp_media *ue = ue_offers ? offer : answer;
	const struct sdp_media *far = ue_offers ? answer : offer;
	const struct sdp_media *last = answer ? answer : offer;

	*c = (struct media_component){
		.type = type_of(offer->kind),
		.status = status_of(last, last == ue),
		.up = wanted(far),
		.down = wanted(ue),
		.rs = known(last->bandwidth.rs, offer->bandwidth.rs),
		.rr = known(last->bandwidth.rr, offer->bandwidth.rr),
		.offer = offer->text,
		.answer = answer ? answer->text : SLICE_EMPTY,
	};
	/* As long as one side has said nothing the other's word stands for both. */
	c->up = known(c->up, answer ? SDP_UNSAID : c->down);
	c->down = known(c->down, answer ? SDP_UNSAID : c->up);
	if (c->status != MEDIA_REMOVED)
		put_flows(ue, far, c);
}

void media_of(const struct sdp *offer, const struct sdp *answer, bool ue_offers,
	      struct media *out)
{
	out->ue_offers = ue_offers;
	out->n = offer->n;
	for (uint32_t i = 0; i < offer->n; i++) {
		component_of(&offer->media[i],
			     answer && i < answer->n ? &answer->media[i] : NULL, ue_offers,
			     &out->component[i]);
		out->component[i].number = (uint16_t)(i + 1);
	}
}
