/* sdp.c - reads a session description (RFC 8866, RFC 3264) */
#include "media/sdp.h"

#include "ifc/description.h"

/* What a section inherits. */
struct common {
	struct addr address;
	bool nowhere, addressed;
	struct sdp_bandwidth bandwidth;
	enum sdp_direction direction;
};

static const struct sdp_bandwidth unsaid = {SDP_UNSAID, SDP_UNSAID, SDP_UNSAID, SDP_UNSAID};

/* The next word; words are parted by single spaces. */
static struct slice word(struct slice *rest)
{
	struct slice w = slice_sub(*rest, 0, slice_find(*rest, ' '));

	*rest = slice_from(*rest, w.len + 1);
	return w;
}

static bool is_unspecified(const struct addr *a)
{
	return a->family && addr_half(a, 0) == 0 && addr_half(a, 1) == 0;
}

/* <nettype> <addrtype> <address>; of a group its TTL and number are no matter. A name is no
 * error: it has no family then. */
static bool read_address(struct slice value, struct addr *out)
{
	struct slice net = word(&value), type = word(&value), host = word(&value);
	uint8_t family = slice_eq(type, SLICE("IP4"))   ? 4
			 : slice_eq(type, SLICE("IP6")) ? 6
							: 0;

	if (!slice_eq(net, SLICE("IN")) || !family || host.len == 0)
		return false;
	host = slice_sub(host, 0, slice_find(host, '/'));
	if (!addr_parse_ip(host, out) || out->family != family)
		*out = (struct addr){0};
	out->port = 0;
	return true;
}

/* Kilobits of AS are counted as thousands (RFC 8866 §5.8); the others are in bits. */
static bool read_bandwidth(struct slice value, struct sdp_bandwidth *out)
{
	uint32_t colon = slice_find(value, ':');
	struct slice type = slice_sub(value, 0, colon);
	uint32_t n;

	if (colon == value.len || !slice_u32(slice_from(value, colon + 1), &n))
		return false;
	if (slice_eq(type, SLICE("AS")))
		out->as = n * 1000ull;
	else if (slice_eq(type, SLICE("TIAS")))
		out->tias = n;
	else if (slice_eq(type, SLICE("RS")))
		out->rs = n;
	else if (slice_eq(type, SLICE("RR")))
		out->rr = n;
	return true;
}

static bool read_direction(struct slice attribute, enum sdp_direction *out)
{
	static const struct {
		const char *name;
		enum sdp_direction direction;
	} names[] = {{"sendrecv", SDP_BOTH},
		     {"sendonly", SDP_SEND},
		     {"recvonly", SDP_RECEIVE},
		     {"inactive", SDP_INACTIVE}};

	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!slice_eq(attribute, slice_str(names[i].name)))
			continue;
		*out = names[i].direction;
		return true;
	}
	return false;
}

static uint8_t quality_direction(struct slice s)
{
	return slice_eq(s, SLICE("sendrecv")) ? SDP_BOTH
	       : slice_eq(s, SLICE("send"))   ? SDP_SEND
	       : slice_eq(s, SLICE("recv"))   ? SDP_RECEIVE
					      : SDP_INACTIVE;
}

/* a=curr:qos <status> <direction>, a=des:qos <strength> <status> <direction> */
static void read_quality(struct slice attribute, struct sdp_quality *q)
{
	struct slice rest, status;
	bool current = slice_starts(attribute, SLICE("curr:qos "));

	if (!current && !slice_starts(attribute, SLICE("des:qos ")))
		return;
	rest = slice_from(attribute, slice_find(attribute, ' ') + 1);
	q->said = true;
	if (!current) {
		q->mandatory |= slice_eq(word(&rest), SLICE("mandatory"));
		return;
	}
	status = word(&rest);
	if (slice_eq(status, SLICE("local")) || slice_eq(status, SLICE("e2e")))
		q->local = quality_direction(word(&rest));
	else if (slice_eq(status, SLICE("remote")))
		q->remote = quality_direction(word(&rest));
}

/* RFC 3551 §6: the payload types that need no rtpmap. */
static struct slice static_codec(struct slice number)
{
	static const struct {
		const char *number, *codec;
	} known[] = {{"0", "PCMU"},  {"3", "GSM"},   {"4", "G723"},  {"8", "PCMA"},
		     {"9", "G722"},  {"13", "CN"},   {"15", "G728"}, {"18", "G729"},
		     {"26", "JPEG"}, {"31", "H261"}, {"33", "MP2T"}, {"34", "H263"}};

	for (uint32_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (slice_eq(number, slice_str(known[i].number)))
			return slice_str(known[i].codec);
	return SLICE_EMPTY;
}

/* a=rtpmap:<number> <codec>/<rate>... */
static void read_rtpmap(struct slice value, struct sdp_media *m)
{
	struct slice number = word(&value);

	for (uint32_t i = 0; i < m->n_format; i++)
		if (slice_eq(m->format[i].number, number))
			m->format[i].codec = slice_sub(value, 0, slice_find(value, '/'));
}

/* a=rtcp:<port> [<nettype> <addrtype> <address>] (RFC 3605) */
static bool read_rtcp(struct slice value, struct addr *rtcp)
{
	uint64_t port;

	if (!slice_u64(word(&value), 65535, &port))
		return false;
	if (value.len && !read_address(value, rtcp))
		return false;
	rtcp->port = (uint16_t)port;
	return true;
}

static const char *read_attribute(struct slice a, struct sdp_media *m, bool *muxed)
{
	if (read_direction(a, &m->direction))
		return NULL;
	if (slice_starts(a, SLICE("rtpmap:")))
		read_rtpmap(slice_from(a, 7), m);
	else if (slice_starts(a, SLICE("rtcp:")))
		return read_rtcp(slice_from(a, 5), &m->rtcp) ? NULL : "a=rtcp is malformed";
	else if (slice_eq(a, SLICE("rtcp-mux")))
		*muxed = true;
	else
		read_quality(a, &m->quality);
	return NULL;
}

static const char *read_media_line(struct slice value, struct sdp_media *m)
{
	struct slice port;
	uint64_t n;

	m->kind = word(&value);
	port = word(&value);
	m->protocol = word(&value);
	if (m->kind.len == 0 || m->protocol.len == 0)
		return "an m-line is malformed";
	if (!slice_u64(slice_sub(port, 0, slice_find(port, '/')), 65535, &n))
		return "an m-line has no port";
	m->port = (uint16_t)n;
	m->ports = 1;
	port = slice_from(port, slice_find(port, '/') + 1);
	if (port.len) {
		if (!slice_u64(port, 1024, &n) || n == 0)
			return "an m-line has no number of ports";
		m->ports = (uint16_t)n;
	}
	while (value.len) {
		struct slice number = word(&value);

		if (number.len == 0)
			continue;
		if (m->n_format == SDP_FORMATS_MAX)
			return "an m-line has too many formats";
		m->format[m->n_format++] = (struct sdp_format){number, static_codec(number)};
	}
	return m->n_format ? NULL : "an m-line has no format";
}

static bool is_rtp(const struct sdp_media *m)
{
	return slice_starts(m->protocol, SLICE("RTP/")) ||
	       slice_starts(m->protocol, SLICE("UDP/TLS/RTP/"));
}

/* RFC 8866 §5.14: without a word of it RTCP is on the next port; sections of one flow for both
 * have none. */
static void place_rtcp(struct sdp_media *m, bool muxed)
{
	struct addr own = m->rtcp;

	m->rtcp = m->address;
	if (muxed || !is_rtp(m) || m->port == 0) {
		m->rtcp.port = 0;
		return;
	}
	if (own.family)
		m->rtcp = own;
	else if (own.port)
		m->rtcp.port = own.port;
	else
		m->rtcp.port = m->port < 65535 ? m->port + 1 : 0;
}

struct reading {
	struct sdp *sdp;
	struct common common;
	struct sdp_media *at; /* NULL: still in the session's own lines */
	bool addressed, muxed;
};

static const char *section_end(struct reading *r, const uint8_t *end)
{
	struct sdp_media *m = r->at;

	if (!m)
		return NULL;
	m->text = slice_between(m->text.p, end);
	if (!r->addressed) {
		m->address = r->common.address;
		m->nowhere = r->common.nowhere;
	}
	if (!r->addressed && !r->common.addressed && m->port)
		return "there is no c-line";
	if (m->nowhere && m->direction != SDP_INACTIVE)
		m->direction = m->direction == SDP_RECEIVE ? SDP_INACTIVE : SDP_SEND;
	place_rtcp(m, r->muxed);
	return NULL;
}

static const char *section_begin(struct reading *r, const uint8_t *line, struct slice value)
{
	const char *error = section_end(r, line);

	if (error)
		return error;
	if (r->sdp->n == SDP_MEDIA_MAX)
		return "there are too many m-lines";
	r->at = &r->sdp->media[r->sdp->n++];
	*r->at = (struct sdp_media){
		.text = slice_of(line, 0),
		.bandwidth = r->common.bandwidth,
		.direction = r->common.direction,
	};
	r->addressed = r->muxed = false;
	return read_media_line(value, r->at);
}

static const char *read_connection(struct reading *r, struct slice value)
{
	struct addr a;

	if (!read_address(value, &a))
		return "a c-line is malformed";
	if (r->at) {
		r->at->address = a;
		r->at->nowhere = is_unspecified(&a);
		r->addressed = true;
	} else {
		r->common.address = a;
		r->common.nowhere = is_unspecified(&a);
		r->common.addressed = true;
	}
	return NULL;
}

static const char *read_line(struct reading *r, const uint8_t *line, uint8_t type,
			     struct slice value)
{
	switch (type) {
	case 'm':
		return section_begin(r, line, value);
	case 'c':
		return read_connection(r, value);
	case 'b':
		return read_bandwidth(value, r->at ? &r->at->bandwidth : &r->common.bandwidth)
			       ? NULL
			       : "a b-line is malformed";
	case 'a':
		if (r->at)
			return read_attribute(value, r->at, &r->muxed);
		read_direction(value, &r->common.direction);
		return NULL;
	default:
		return NULL;
	}
}

const char *sdp_read(struct slice text, struct sdp *out)
{
	struct reading r = {.sdp = out, .common = {.bandwidth = unsaid, .direction = SDP_BOTH}};
	struct slice rest = text, value;
	const uint8_t *line = rest.p;
	uint8_t type;

	out->text = text;
	out->n = 0;
	if (!description_line(&rest, &type, &value) || type != 'v' ||
	    !slice_eq(value, SLICE("0")))
		return "it does not begin with v=0";
	for (line = rest.p; description_line(&rest, &type, &value); line = rest.p) {
		const char *error = read_line(&r, line, type, value);

		if (error)
			return error;
	}
	return section_end(&r, text.p + text.len);
}

const char *sdp_fits(const struct sdp *offer, const struct sdp *answer)
{
	if (offer->n != answer->n)
		return "the answer has not as many m-lines as the offer";
	for (uint32_t i = 0; i < offer->n; i++) {
		const struct sdp_media *o = &offer->media[i], *a = &answer->media[i];

		if (!slice_eq_nocase(o->kind, a->kind))
			return "an m-line of the answer is of another kind";
		if (o->port == 0 && a->port != 0)
			return "the answer takes what was not offered";
		if (a->port && !slice_eq_nocase(o->protocol, a->protocol))
			return "an m-line of the answer has another protocol";
	}
	return NULL;
}

static bool is_wanted(const struct sdp_media *m)
{
	return m->port && m->quality.said && m->quality.mandatory;
}

bool sdp_wants_quality(const struct sdp *d)
{
	for (uint32_t i = 0; i < d->n; i++)
		if (is_wanted(&d->media[i]))
			return true;
	return false;
}

/* A stream of one direction needs it in that one: which of local and remote, either will do. */
static bool stands(const struct sdp_media *m)
{
	if (m->direction == SDP_BOTH)
		return m->quality.local == SDP_BOTH && m->quality.remote == SDP_BOTH;
	return m->direction == SDP_INACTIVE || (m->quality.local && m->quality.remote);
}

bool sdp_has_quality(const struct sdp *d)
{
	for (uint32_t i = 0; i < d->n; i++)
		if (is_wanted(&d->media[i]) && !stands(&d->media[i]))
			return false;
	return true;
}
