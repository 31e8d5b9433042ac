/* reply.c - a response to a request (RFC 3261 §8.2.6, §18.2.1, RFC 3581) */
#include <smmintrin.h>

#include "sip/name_addr.h"
#include "sip/param.h"
#include "sip/reply.h"

static const struct {
	uint16_t status;
	const char *reason;
} reasons[] = {
	{100, "Trying"},
	{180, "Ringing"},
	{181, "Call Is Being Forwarded"},
	{182, "Queued"},
	{183, "Session Progress"},
	{199, "Early Dialog Terminated"},
	{200, "OK"},
	{202, "Accepted"},
	{204, "No Notification"},
	{300, "Multiple Choices"},
	{301, "Moved Permanently"},
	{302, "Moved Temporarily"},
	{305, "Use Proxy"},
	{380, "Alternative Service"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{402, "Payment Required"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{407, "Proxy Authentication Required"},
	{408, "Request Timeout"},
	{410, "Gone"},
	{412, "Conditional Request Failed"},
	{413, "Request Entity Too Large"},
	{414, "Request-URI Too Long"},
	{415, "Unsupported Media Type"},
	{416, "Unsupported URI Scheme"},
	{417, "Unknown Resource-Priority"},
	{420, "Bad Extension"},
	{421, "Extension Required"},
	{422, "Session Interval Too Small"},
	{423, "Interval Too Brief"},
	{424, "Bad Location Information"},
	{428, "Use Identity Header"},
	{429, "Provide Referrer Identity"},
	{430, "Flow Failed"},
	{433, "Anonymity Disallowed"},
	{436, "Bad Identity Info"},
	{437, "Unsupported Credential"},
	{438, "Invalid Identity Header"},
	{439, "First Hop Lacks Outbound Support"},
	{440, "Max-Breadth Exceeded"},
	{469, "Bad Info Package"},
	{470, "Consent Needed"},
	{480, "Temporarily Unavailable"},
	{481, "Call/Transaction Does Not Exist"},
	{482, "Loop Detected"},
	{483, "Too Many Hops"},
	{484, "Address Incomplete"},
	{485, "Ambiguous"},
	{486, "Busy Here"},
	{487, "Request Terminated"},
	{488, "Not Acceptable Here"},
	{489, "Bad Event"},
	{491, "Request Pending"},
	{493, "Undecipherable"},
	{494, "Security Agreement Required"},
	{500, "Server Internal Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Server Time-out"},
	{505, "Version Not Supported"},
	{513, "Message Too Large"},
	{580, "Precondition Failure"},
	{600, "Busy Everywhere"},
	{603, "Decline"},
	{604, "Does Not Exist Anywhere"},
	{606, "Not Acceptable"},
};

const char *sip_reason(uint16_t status)
{
	for (uint32_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

/* received says where the request came from, unless the sent-by says so already; who asks for
 * rport gets both (RFC 3581 §4). */
static bool wants_received(const struct sip_via *via, const struct addr *source)
{
	struct addr sent_by;

	return via->rport || via->received.p || !addr_parse_ip(via->host, &sent_by) ||
	       !addr_same_ip(&sent_by, source);
}

static bool is_ours(const struct sip_param *param)
{
	return slice_eq_nocase(param->name, SLICE("received")) ||
	       slice_eq_nocase(param->name, SLICE("rport"));
}

/* What stands between a received and an rport; nothing if there is but one of them. */
static void put_others(struct text *append, struct slice source)
{
	struct sip_param param;

	if (source.len == 0 || slice_find(slice_from(source, 1), ';') == source.len - 1)
		return;
	while (sip_param_next(&source, &param) == SIP_PARAM_FOUND)
		if (!is_ours(&param))
			text_put(append, param.whole);
}

static void put_bare_ip(struct text *out, const struct addr *a)
{
	uint8_t memory[ADDR_TEXT_MAX];
	struct text host = text_in(memory, sizeof(memory));

	if (a->family == 4) {
		addr_put_host(out, a);
		return;
	}
	addr_put_host(&host, a);
	/* RFC 3261's via-received has IPv6 without brackets. */
	if (host.len && host.p[0] == '[')
		text_put(out, slice_sub(text_slice(&host), 1, host.len - 2));
	else
		text_put(out, text_slice(&host));
}

void sip_via_received(const struct sip_via *via, const struct addr *source, struct text *append,
		      struct slice *rport)
{
	*rport = via->source;
	put_others(append, via->source);
	if (!wants_received(via, source))
		return;
	text_lit(append, ";received=");
	put_bare_ip(append, source);
	if (via->rport) {
		text_lit(append, ";rport=");
		text_u64(append, source->port);
	}
}

/* A received value goes into the response on one line: folds, and CRs no one should have sent,
 * become spaces. */
static void put_flat(struct text *out, struct slice s)
{
	const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
	uint32_t from = out->len, i = from;

	text_put(out, s);
	for (; i + 16 <= out->len; i += 16) {
		__m128i *at = (__m128i *)(out->p + i), x = _mm_loadu_si128(at);
		__m128i end = _mm_or_si128(_mm_cmpeq_epi8(x, cr), _mm_cmpeq_epi8(x, lf));

		_mm_storeu_si128(at, _mm_blendv_epi8(x, _mm_set1_epi8(' '), end));
	}
	for (; i < out->len; i++)
		if (out->p[i] == '\r' || out->p[i] == '\n')
			out->p[i] = ' ';
}

static void put_line(struct text *out, enum sip_header_id id, struct slice value)
{
	text_put(out, sip_header_name(id));
	text_lit(out, ": ");
	put_flat(out, value);
	text_lit(out, "\r\n");
}

static void put_all(struct text *out, const struct sip_msg *request, enum sip_header_id id)
{
	for (const struct sip_header *h = sip_first(request, id); h; h = sip_next(request, h))
		put_line(out, id, sip_value(request, h));
}

/* The top Via says where the request really came from, the others are as they came. */
static bool put_vias(struct text *out, const struct sip_msg *request, const struct addr *source)
{
	const struct sip_header *h = sip_first(request, SIP_H_VIA);
	struct slice value = sip_value(request, h), rest, old;
	const uint8_t *end = value.p + value.len, *cut;
	uint8_t memory[SIP_EDIT_TEXT_MAX];
	struct text params = text_in(memory, sizeof(memory));
	struct sip_via via;

	if (sip_via_decode(value, &via, &rest) != SIP_OK)
		return false;
	sip_via_received(&via, source, &params, &old);
	if (params.overflow)
		return false;
	cut = old.p ? old.p : via.whole.p + via.whole.len;
	text_lit(out, "Via: ");
	put_flat(out, slice_between(value.p, cut));
	put_flat(out, text_slice(&params));
	put_flat(out, slice_between(cut + old.len, end));
	text_lit(out, "\r\n");
	for (h = sip_next(request, h); h; h = sip_next(request, h))
		put_line(out, SIP_H_VIA, sip_value(request, h));
	return true;
}

static void put_vias_behind(struct text *out, const struct sip_msg *request, uint32_t skip)
{
	for (const struct sip_header *h = sip_first(request, SIP_H_VIA); h;
	     h = sip_next(request, h))
		if (skip)
			skip--;
		else
			put_line(out, SIP_H_VIA, sip_value(request, h));
}

static void put_to(struct text *out, struct slice to, struct slice tag)
{
	struct sip_name_addr party;
	struct slice rest, old;

	text_lit(out, "To: ");
	put_flat(out, to);
	if (tag.len && sip_name_addr_decode(to, SIP_E_TO, &party, &rest) == SIP_OK &&
	    !sip_param(party.params, SLICE("tag"), &old)) {
		text_lit(out, ";tag=");
		text_put(out, tag);
	}
	text_lit(out, "\r\n");
}

static void put_status(struct text *out, const struct sip_reply *r)
{
	text_lit(out, "SIP/2.0 ");
	text_u64(out, r->status);
	text_char(out, ' ');
	if (r->reason.len)
		put_flat(out, r->reason);
	else
		text_str(out, sip_reason(r->status));
	text_lit(out, "\r\n");
}

/* A request that lacks a field still gets its 400: with what it has. */
static void put_first(struct text *out, const struct sip_msg *request, enum sip_header_id id)
{
	if (sip_first(request, id))
		put_line(out, id, sip_first_value(request, id));
}

static bool put_response(const struct sip_msg *request, const struct sip_reply *r,
			 struct text *out)
{
	put_status(out, r);
	if (r->source) {
		if (!put_vias(out, request, r->source))
			return false;
	} else {
		put_vias_behind(out, request, r->skip_vias);
	}
	put_first(out, request, SIP_H_FROM);
	if (sip_first(request, SIP_H_TO))
		put_to(out, sip_first_value(request, SIP_H_TO), r->to_tag);
	put_first(out, request, SIP_H_CALL_ID);
	put_first(out, request, SIP_H_CSEQ);
	if (r->record_route)
		put_all(out, request, SIP_H_RECORD_ROUTE);
	text_put(out, r->headers);
	text_lit(out, "Content-Length: ");
	text_u64(out, r->body.len);
	text_lit(out, "\r\n\r\n");
	text_put(out, r->body);
	return !out->overflow;
}

bool sip_reply_write(const struct sip_msg *request, const struct sip_reply *r, struct text *out)
{
	uint32_t from = out->len;

	if (out->overflow || !sip_is_request(request) || !sip_first(request, SIP_H_VIA))
		return false;
	if (put_response(request, r, out))
		return true;
	out->len = from;
	return false;
}
