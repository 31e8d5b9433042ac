/* via.c - Via (RFC 3261 §20.42, RFC 3581) */
#include "sip/chars.h"
#include "sip/param.h"
#include "sip/quoted.h"
#include "sip/via.h"

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
		if (slice_eq_nocase(name, SLICE("rport")))
			return keep_rport(param->value, out);
		if (slice_eq_nocase(name, SLICE("received"))) {
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

enum sip_error sip_via_decode(struct slice value, struct sip_via *out, struct slice *rest)
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
