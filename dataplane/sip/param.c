/* param.c - ";name=value" behind a Via, a name-addr or in a URI */
#include "sip/chars.h"
#include "sip/param.h"
#include "sip/quoted.h"

static inline const uint8_t *skip_set(const uint8_t *p, const uint8_t *end, enum sip_chars set)
{
	while (p < end && sip_is(*p, set))
		p++;
	return p;
}

enum sip_param_step sip_param_next(struct slice *rest, struct sip_param *out)
{
	const uint8_t *end, *start, *p, *at, *stop;

	if (rest->len == 0)
		return SIP_PARAM_END;
	end = rest->p + rest->len;
	start = sip_skip_space(rest->p, end);
	*rest = slice_between(start, end);
	if (start == end || *start != ';')
		return SIP_PARAM_END;
	at = sip_skip_space(start + 1, end);
	/* URIs allow more than a token has in a name; what ends one is the same. */
	for (p = at; p < end && sip_is(*p, SIP_C_PARAM) && *p != '=';)
		p++;
	if (p == at)
		return SIP_PARAM_BAD;
	out->name = slice_between(at, p);
	out->value = SLICE_EMPTY;
	stop = p;
	p = sip_skip_space(p, end);
	if (p < end && *p == '=') {
		at = sip_skip_space(p + 1, end);
		stop = at < end && *at == '"' ? sip_skip_quoted(at, end)
					      : skip_set(at, end, SIP_C_PARAM);
		if (stop == NULL || stop == at)
			return SIP_PARAM_BAD;
		out->value = slice_between(at, stop);
	}
	out->whole = slice_between(start, stop);
	*rest = slice_between(stop, end);
	return SIP_PARAM_FOUND;
}

bool sip_param(struct slice params, struct slice name, struct slice *value)
{
	struct sip_param param;

	while (sip_param_next(&params, &param) == SIP_PARAM_FOUND) {
		if (!slice_eq_nocase(param.name, name))
			continue;
		*value = param.value;
		return true;
	}
	return false;
}
