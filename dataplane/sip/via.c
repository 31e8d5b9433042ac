/* via.c - Via (RFC 3261 §20.42, RFC 3581) */
#include "sip/chars.h"
#include "sip/param.h"
#include "sip/quoted.h"
#include "sip/via.h"
#include "sip/wide.h"

enum { DEFAULT_PORT = 5060 };

/* One of the texts that "SIP / 2.0 / UDP" is made of, white space around it allowed. */
static const uint8_t *take_token(const uint8_t *p, const uint8_t *end, struct slice *token)
{
	const uint8_t *start = sip_skip_space(p, end);

	for (p = start; p < end && sip_is(*p, SIP_C_TOKEN);)
		p++;
	*token = slice_between(start, p);
	return p == start ? NULL : p;
}

static const uint8_t *take_slash(const uint8_t *p, const uint8_t *end)
{
	p = sip_skip_space(p, end);
	return p < end && *p == '/' ? p + 1 : NULL;
}

static const uint8_t *take_protocol_slow(const uint8_t *p, const uint8_t *end)
{
	struct slice name, version;

	p = take_token(p, end, &name);
	p = p ? take_slash(p, end) : NULL;
	p = p ? take_token(p, end, &version) : NULL;
	p = p ? take_slash(p, end) : NULL;
	if (p == NULL || !slice_eq_nocase(name, SLICE("SIP")) ||
	    !slice_eq(version, SLICE("2.0")))
		return NULL;
	return p;
}

static const uint8_t *take_protocol(const uint8_t *p, const uint8_t *end)
{
	if (end - p > 8 && memcmp(p, "SIP/2.0/", 8) == 0)
		return p + 8;
	return take_protocol_slow(p, end);
}

static const uint8_t *take_host(const uint8_t *p, const uint8_t *end, struct slice *host)
{
	const uint8_t *start = p;

	if (p < end && *p == '[') {
		while (p < end && (sip_is(*p, SIP_C_HOST) || *p == '[' || *p == ':'))
			p++;
		if (p == end || *p != ']' || p - start < 3)
			return NULL;
		p++;
	} else {
		while (p < end && sip_is(*p, SIP_C_HOST))
			p++;
	}
	*host = slice_between(start, p);
	return p == start ? NULL : p;
}

/* COLON and port, if there: white space around the colon allowed. */
static const uint8_t *take_port(const uint8_t *p, const uint8_t *end, uint16_t *port)
{
	const uint8_t *colon = sip_skip_space(p, end), *start;
	uint64_t number;

	*port = 0;
	if (colon == end || *colon != ':')
		return p;
	start = sip_skip_space(colon + 1, end);
	for (p = start; p < end && ascii_is_digit(*p);)
		p++;
	if (!slice_u64(slice_between(start, p), UINT16_MAX, &number) || number == 0)
		return NULL;
	*port = (uint16_t)number;
	return p;
}

static enum sip_error keep_branch(struct slice value, struct sip_via *out)
{
	if (value.len > SIP_TOKEN_MAX)
		return SIP_E_TOKEN_TOO_LONG;
	if (out->branch.p || !sip_is_token(value))
		return SIP_E_VIA;
	out->branch = value;
	return SIP_OK;
}

static enum sip_error keep_rport(struct slice value, struct sip_via *out)
{
	uint64_t number = 0;

	if (out->rport)
		return SIP_E_VIA;
	if (value.p && (!slice_u64(value, UINT16_MAX, &number) || number == 0))
		return SIP_E_VIA;
	out->rport = true;
	out->rport_value = (uint16_t)number;
	return SIP_OK;
}

/* A received or an rport: from its ';' to its end. */
static inline void keep_source(struct slice whole, struct sip_via *out)
{
	if (out->source.p == NULL)
		out->source.p = whole.p;
	out->source.len = (uint32_t)(whole.p + whole.len - out->source.p);
}

/* A parameter that steers the response may be there once: of two, each hop could believe
 * another one. */
static enum sip_error keep_param(const struct sip_param *param, struct sip_via *out)
{
	struct slice name = param->name;

	switch (ascii_lower(name.p[0])) {
	case 'b':
		if (slice_eq_nocase(name, SLICE("branch")))
			return keep_branch(param->value, out);
		break;
	case 'r':
		if (slice_eq_nocase(name, SLICE("rport"))) {
			keep_source(param->whole, out);
			return keep_rport(param->value, out);
		}
		if (slice_eq_nocase(name, SLICE("received"))) {
			keep_source(param->whole, out);
			if (out->received.p || param->value.len == 0)
				return SIP_E_VIA;
			out->received = param->value;
		}
		break;
	case 'm':
		if (slice_eq_nocase(name, SLICE("maddr"))) {
			if (out->maddr.p || param->value.len == 0)
				return SIP_E_VIA;
			out->maddr = param->value;
			out->has_ttl_or_maddr = true;
		}
		break;
	case 't':
		if (slice_eq_nocase(name, SLICE("ttl")))
			out->has_ttl_or_maddr = true;
		break;
	default:
		break;
	}
	return SIP_OK;
}

static const uint8_t *take_fixed_part(const uint8_t *p, const uint8_t *end, struct sip_via *out)
{
	const uint8_t *host;

	p = take_protocol(p, end);
	p = p ? take_token(p, end, &out->transport) : NULL;
	if (p == NULL)
		return NULL;
	host = sip_skip_space(p, end);
	if (host == p)
		return NULL;
	p = take_host(host, end, &out->host);
	return p ? take_port(p, end, &out->port) : NULL;
}

/* Whatever the grammar allows. */
static enum sip_error decode_any(struct slice value, struct sip_via *out, struct slice *rest)
{
	const uint8_t *start, *end, *p;
	struct sip_param param;
	enum sip_param_step step;
	enum sip_error e;

	*out = (struct sip_via){0};
	*rest = SLICE_EMPTY;
	if (value.len == 0)
		return SIP_E_VIA;
	end = value.p + value.len;
	start = sip_skip_space(value.p, end);
	p = take_fixed_part(start, end, out);
	if (p == NULL)
		return SIP_E_VIA;
	*rest = slice_between(sip_skip_space(p, end), end);
	out->params = slice_between(rest->p, rest->p);
	out->whole = slice_between(start, p);
	while ((step = sip_param_next(rest, &param)) == SIP_PARAM_FOUND) {
		e = keep_param(&param, out);
		if (e != SIP_OK)
			return e;
		out->params.len = (uint32_t)(rest->p - out->params.p);
		out->whole.len = (uint32_t)(rest->p - start);
	}
	if (step == SIP_PARAM_BAD)
		return SIP_E_VIA;
	if (rest->len == 0)
		return SIP_OK;
	if (rest->p[0] != ',')
		return SIP_E_VIA;
	*rest = slice_between(sip_skip_space(rest->p + 1, end), end);
	return rest->len ? SIP_OK : SIP_E_VIA;
}

/* What is behind "SIP/2.0/UDP " of a Via, and its maps. */
struct via_maps {
	struct slice s;
	struct sip_wide w;
	sip_bits token, equals;
	sip_bits stop; /* ';' and the end */
};

/* One parameter, from behind its ';' to `end`. False: left to decode_any. */
static SIP_WIDE_BOTH bool wide_param(const struct via_maps *m, uint32_t at, uint32_t end,
				     struct sip_via *out)
{
	uint32_t name_end = at + sip_wide_next(&m->w, m->equals | m->stop, at);
	uint32_t name_len = name_end - at;
	struct slice text = SLICE_EMPTY;
	uint64_t name;

	if (name_len == 0 || name_end + 1 == end)
		return false;
	if (name_end < end)
		text = slice_between(m->s.p + name_end + 1, m->s.p + end);
	if (name_len > 8)
		return true;
	name = sip_word_before(m->s.p + name_end, name_len);
	if (name == sip_word("branch", 6)) {
		if (out->branch.p || text.len == 0)
			return false;
		out->branch = text;
		return !sip_wide_cut(&m->w, ~m->token, name_end + 1, end);
	}
	if (name == sip_word("rport", 5)) {
		keep_source(slice_between(m->s.p + at - 1, m->s.p + end), out);
		return keep_rport(text, out) == SIP_OK;
	}
	if (name == sip_word("received", 8)) {
		keep_source(slice_between(m->s.p + at - 1, m->s.p + end), out);
		if (out->received.p || text.len == 0)
			return false;
		out->received = text;
		return true;
	}
	return name != sip_word("maddr", 5) && name != sip_word("ttl", 3);
}

static SIP_WIDE_BOTH bool wide_behind(struct slice s, bool small, struct sip_via *out)
{
	struct via_maps m = {.s = s, .w = sip_wide_load(s, small)};
	sip_bits params;
	uint32_t at, next;

	m.token = sip_wide_in(&m.w, SIP_C_TOKEN);
	m.equals = sip_wide_eq(&m.w, '=');
	m.stop = sip_wide_eq(&m.w, ';') | (sip_bits)1 << s.len;
	params = sip_wide_in(&m.w, SIP_C_PARAM) | m.stop;
	at = sip_wide_next(&m.w, ~sip_wide_in(&m.w, SIP_C_HOST), 0);
	if (at == 0 || at > s.len)
		return false;
	out->host = slice_sub(s, 0, at);
	if (at < s.len && s.p[at] == ':')
		at = sip_wide_port(s, at, &out->port);
	if (at == 0 || (at < s.len && s.p[at] != ';') || sip_wide_cut(&m.w, ~params, at, s.len))
		return false;
	out->params = slice_from(s, at);
	for (; at < s.len; at = next) {
		next = at + 1 + sip_wide_next(&m.w, m.stop, at + 1);
		if (next > s.len || next - at > SIP_WIDE_SMALL ||
		    !wide_param(&m, at + 1, next, out))
			return false;
	}
	return true;
}

/* "SIP/2.0/UDP host:port;name=value;name" without white space, the host a name or an IPv4
 * address, one element. False: it is something else, or not sound. */
static SIP_WIDE bool decode_wide(struct slice value, struct sip_via *out, struct slice *rest)
{
	enum { HOST_AT = sizeof("SIP/2.0/UDP ") - 1 };
	struct slice behind = slice_from(value, HOST_AT);

	if (behind.len > SIP_WIDE_MAX || behind.len == 0 ||
	    memcmp(value.p, "SIP/2.0/", 8) != 0 || memcmp(value.p + 8, "UDP ", 4) != 0)
		return false;
	*out = (struct sip_via){.whole = value, .transport = slice_sub(value, 8, 3)};
	*rest = slice_from(value, value.len);
	if (behind.len <= SIP_WIDE_SMALL)
		return wide_behind(behind, true, out);
	return wide_behind(behind, false, out);
}

enum sip_error sip_via_decode(struct slice value, struct sip_via *out, struct slice *rest)
{
	if (sip_wide && decode_wide(value, out, rest))
		return SIP_OK;
	return decode_any(value, out, rest);
}

enum sip_error sip_via_top(const struct sip_msg *msg, struct sip_via *out)
{
	const struct sip_header *h = sip_first(msg, SIP_H_VIA);
	struct slice rest;

	return h ? sip_via_decode(sip_value(msg, h), out, &rest) : SIP_E_VIA_MISSING;
}

enum sip_error sip_via_second(const struct sip_msg *msg, struct sip_via *out)
{
	const struct sip_header *h = sip_first(msg, SIP_H_VIA);
	struct slice rest;
	enum sip_error e;

	if (h == NULL)
		return SIP_E_VIA_MISSING;
	e = sip_via_decode(sip_value(msg, h), out, &rest);
	if (e != SIP_OK)
		return e;
	if (rest.len == 0) {
		h = sip_next(msg, h);
		if (h == NULL)
			return SIP_E_VIA_MISSING;
		rest = sip_value(msg, h);
	}
	return sip_via_decode(rest, out, &rest);
}

bool sip_via_destination(const struct sip_via *via, struct addr *out)
{
	uint16_t port = via->port ? via->port : DEFAULT_PORT;

	if (!addr_parse_ip(via->received.len ? via->received : via->host, out))
		return false;
	out->port = via->rport_value ? via->rport_value : port;
	return true;
}
