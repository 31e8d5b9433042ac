/* field.c - small header fields: one decode function each */
#include "sip/chars.h"
#include "sip/field.h"
#include "sip/number.h"
#include "sip/param.h"
#include "sip/quoted.h"

enum { CSEQ_LIMIT = 0x7fffffff, Q_FULL = 1000 };

static uint32_t count_digits(struct slice s)
{
	uint32_t n = 0;

	while (n < s.len && ascii_is_digit(s.p[n]))
		n++;
	return n;
}

/* A method that is known is a token. */
static bool is_method(struct slice name)
{
	return sip_method_id(name) != SIP_M_OTHER ||
	       (name.len <= SIP_TOKEN_MAX && sip_is_token(name));
}

/* At most seven digits and one space. False: it is something else, or not sound. */
static bool cseq_usual(struct slice value, uint32_t *number, struct slice *method)
{
	uint32_t digits, n;
	uint64_t text;
	struct slice name;

	if (value.len < sizeof(text))
		return false;
	memcpy(&text, value.p, sizeof(text));
	n = sip_number8(text, &digits);
	name = slice_from(value, digits + 1);
	if (digits == 0 || value.p[digits] != ' ' || !is_method(name))
		return false;
	*number = n;
	*method = name;
	return true;
}

enum sip_error sip_cseq_decode(struct slice value, uint32_t *number, struct slice *method)
{
	uint32_t digits;
	struct slice behind;
	uint64_t n;

	if (cseq_usual(value, number, method))
		return SIP_OK;
	digits = count_digits(value);
	if (digits == 0)
		return SIP_E_CSEQ;
	behind = slice_from(value, digits);
	if (!slice_u64(slice_sub(value, 0, digits), CSEQ_LIMIT, &n))
		return SIP_E_CSEQ;
	*method = slice_trim(behind);
	if (method->p == behind.p || !is_method(*method))
		return SIP_E_CSEQ;
	*number = (uint32_t)n;
	return SIP_OK;
}

/* Digits only, however many; what exceeds max is max. */
static bool saturating(struct slice digits, uint64_t max, uint64_t *out)
{
	if (digits.len == 0 || count_digits(digits) != digits.len)
		return false;
	if (!slice_u64(digits, max, out))
		*out = max;
	return true;
}

enum sip_error sip_max_forwards_decode(struct slice value, uint8_t *out)
{
	uint64_t n;

	if (!saturating(slice_trim(value), UINT8_MAX, &n))
		return SIP_E_MAX_FORWARDS;
	*out = (uint8_t)n;
	return SIP_OK;
}

bool sip_delta_seconds(struct slice value, uint32_t *out)
{
	struct slice s = slice_trim(value);
	uint32_t digits = count_digits(s);
	struct slice behind;
	uint64_t n;

	if (digits == 0)
		return false;
	behind = slice_trim(slice_from(s, digits));
	/* Session-Expires has parameters behind, Retry-After a comment too. */
	if (behind.len && behind.p[0] != ';' && behind.p[0] != '(')
		return false;
	if (!saturating(slice_sub(s, 0, digits), UINT32_MAX, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}

uint16_t sip_qvalue(struct slice params)
{
	struct slice q;
	uint32_t value;

	if (!sip_param(params, SLICE("q"), &q) || q.len == 0 || q.len > 5)
		return Q_FULL;
	if ((q.p[0] != '0' && q.p[0] != '1') || (q.len > 1 && q.p[1] != '.'))
		return Q_FULL;
	if (count_digits(slice_from(q, 2)) != slice_from(q, 2).len)
		return Q_FULL;
	value = (q.p[0] - '0') * Q_FULL;
	for (uint32_t i = 2, weight = 100; i < q.len; i++, weight /= 10)
		value += (q.p[i] - '0') * weight;
	return value > Q_FULL ? Q_FULL : (uint16_t)value;
}

bool sip_next_token(struct slice *rest, struct slice *token)
{
	while (rest->len) {
		uint32_t comma = slice_find(*rest, ',');

		*token = slice_trim(slice_sub(*rest, 0, comma));
		*rest = slice_from(*rest, comma + 1);
		if (token->len)
			return true;
	}
	return false;
}

bool sip_has_token(const struct sip_msg *msg, enum sip_header_id id, struct slice token)
{
	const struct sip_header *h;
	struct slice rest, one;

	for (h = sip_first(msg, id); h; h = sip_next(msg, h))
		for (rest = sip_value(msg, h); sip_next_token(&rest, &one);)
			if (slice_eq_nocase(one, token))
				return true;
	return false;
}

/* White space and the commas between parameters. */
static const uint8_t *skip_separators(const uint8_t *p, const uint8_t *end)
{
	while (p < end && (ascii_is_space(*p) || *p == ','))
		p++;
	return p;
}

bool sip_auth_param(struct slice *rest, struct slice *name, struct slice *value)
{
	const uint8_t *end, *start, *p;

	if (rest->len == 0)
		return false;
	end = rest->p + rest->len;
	start = skip_separators(rest->p, end);
	p = start;
	while (p < end && sip_is(*p, SIP_C_TOKEN))
		p++;
	*name = slice_between(start, p);
	p = sip_skip_space(p, end);
	if (name->len == 0 || p == end || *p != '=')
		return false;
	start = sip_skip_space(p + 1, end);
	if (start < end && *start == '"') {
		p = sip_skip_quoted(start, end);
		if (p == NULL)
			return false;
		*value = slice_between(start + 1, p - 1);
	} else {
		for (p = start; p < end && *p != ',' && !ascii_is_space(*p);)
			p++;
		*value = slice_between(start, p);
	}
	p = sip_skip_space(p, end);
	*rest = slice_between(p, end);
	return p == end || *p == ',';
}

bool sip_auth_scheme(struct slice value, struct slice *scheme, struct slice *rest)
{
	struct slice s = slice_trim(value);
	uint32_t n = 0;

	while (n < s.len && sip_is(s.p[n], SIP_C_TOKEN))
		n++;
	if (n == 0)
		return false;
	*scheme = slice_sub(s, 0, n);
	*rest = slice_trim(slice_from(s, n));
	return n == s.len || ascii_is_space(s.p[n]);
}
