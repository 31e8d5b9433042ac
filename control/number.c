/* number.c - dialled numbers to global ones */
#include "control/number.h"

#include "conf/conf.h"

enum { DIGITS_MAX = 15 /* ITU-T E.164 */, DIALLED_MAX = 32 };

/* Where digits are dialled. */
struct plan {
	struct slice country, area; /* digits; area empty: there are no local numbers */
	struct slice national, international;
};

/* The digits without visual separators (RFC 3966 §3); false: there is more than digits. */
static bool digits_of(struct slice s, struct text *out)
{
	for (uint32_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];

		if (c == '-' || c == '.' || c == '(' || c == ')')
			continue;
		if (!ascii_is_digit(c))
			return false;
		text_char(out, c);
	}
	return !out->overflow;
}

static enum number_result put(struct text *out, struct slice before, struct slice area,
			      struct slice digits)
{
	if (digits.len == 0)
		return NUMBER_INCOMPLETE;
	if (before.len + area.len + digits.len > DIGITS_MAX)
		return NUMBER_UNKNOWN;
	text_char(out, '+');
	text_put(out, before);
	text_put(out, area);
	text_put(out, digits);
	return NUMBER_GLOBAL;
}

static bool begins(struct slice digits, struct slice prefix)
{
	return prefix.len && slice_starts(digits, prefix);
}

static enum number_result by_plan(const struct plan *p, struct slice digits, struct text *out)
{
	if (begins(digits, p->international))
		return put(out, SLICE_EMPTY, SLICE_EMPTY,
			   slice_from(digits, p->international.len));
	if (p->country.len == 0)
		return NUMBER_UNKNOWN;
	if (begins(digits, p->national))
		return put(out, p->country, SLICE_EMPTY, slice_from(digits, p->national.len));
	/* Where every number is dialled whole, there is neither prefix nor area. */
	if (p->area.len == 0 && p->national.len)
		return NUMBER_INCOMPLETE;
	return put(out, p->country, p->area, digits);
}

static struct plan home(const struct conf_numbers *n)
{
	return (struct plan){
		.country = slice_str(n->country),
		.area = slice_str(n->area),
		.national = slice_str(n->national),
		.international = slice_str(n->international),
	};
}

static bool is_there(struct slice info, const char *wanted)
{
	struct slice w = slice_str(wanted);

	if (w.len && w.p[w.len - 1] == '*') {
		w.len--;
		return slice_eq_nocase(slice_sub(info, 0, w.len), w);
	}
	return slice_eq_nocase(slice_sub(info, 0, w.len), w) &&
	       (info.len == w.len || info.p[w.len] == ';');
}

/* The plan of the place where the terminal is, as far as it is known; else the home's. */
static struct plan visited(const struct conf_numbers *n, struct slice info)
{
	struct plan p = home(n);

	for (uint32_t i = 0; i < n->n_place; i++) {
		const struct conf_numbers_place *place = &n->place[i];

		if (!is_there(info, place->access))
			continue;
		p.country = slice_str(place->country);
		p.area = slice_str(place->area);
		break;
	}
	return p;
}

static bool own_domain(const struct conf *conf, struct slice host)
{
	bool own = slice_eq_nocase(host, slice_str(conf->realm));

	for (uint32_t i = 0; !own && i < conf->n_domain; i++)
		own = slice_eq_nocase(host, slice_str(conf->domain[i]));
	return own;
}

/* "geo-local.ims.example", and with the access before it (TS 24.229 §7.2A.10.3). */
static bool is_visited(const struct conf *conf, struct slice context)
{
	const struct slice mark = SLICE("geo-local.");

	for (uint32_t i = 0; i + mark.len < context.len; i++)
		if ((i == 0 || context.p[i - 1] == '.') &&
		    slice_eq_nocase(slice_sub(context, i, mark.len), mark))
			return own_domain(conf, slice_from(context, i + mark.len));
	return false;
}

/* A context of digits: what is dialled stands behind it, as RFC 3966 §5.1.5 has it. With a
 * prefix of ours in front it was dialled within that country. */
static enum number_result by_prefix(const struct conf *conf, struct slice context,
				    struct slice digits, struct text *out)
{
	uint8_t memory[DIALLED_MAX];
	struct text t = text_in(memory, sizeof(memory));
	struct plan p = home(&conf->numbers);

	if (!digits_of(slice_from(context, 1), &t) || t.len == 0)
		return NUMBER_UNKNOWN;
	if (begins(digits, p.international))
		return by_plan(&p, digits, out);
	if (begins(digits, p.national) && begins(text_slice(&t), p.country))
		return put(out, p.country, SLICE_EMPTY, slice_from(digits, p.national.len));
	return put(out, text_slice(&t), SLICE_EMPTY, digits);
}

static enum number_result by_context(const struct conf *conf, struct slice context,
				     struct slice info, struct slice digits, struct text *out)
{
	struct plan p = visited(&conf->numbers, info);

	if (slice_starts(context, SLICE("+")))
		return by_prefix(conf, context, digits, out);
	if (context.len && own_domain(conf, context))
		p = home(&conf->numbers);
	else if (context.len && !is_visited(conf, context))
		return NUMBER_UNKNOWN;
	return by_plan(&p, digits, out);
}

static bool is_phone(const struct sip_uri *uri)
{
	struct slice value;

	return uri->scheme == SIP_SCHEME_TEL ||
	       ((uri->scheme == SIP_SCHEME_SIP || uri->scheme == SIP_SCHEME_SIPS) &&
		sip_param(uri->params, SLICE("user"), &value) &&
		slice_eq_nocase(value, SLICE("phone")));
}

enum number_result number_global(const struct conf *conf, const struct sip_uri *uri,
				 struct slice info, struct text *out)
{
	struct slice user = uri->user, params = uri->params, context = SLICE_EMPTY;
	uint8_t memory[DIALLED_MAX];
	struct text digits = text_in(memory, sizeof(memory));

	if (!is_phone(uri) || user.len == 0)
		return NUMBER_NONE;
	if (uri->scheme != SIP_SCHEME_TEL) {
		params = slice_from(user, slice_find(user, ';'));
		user = slice_sub(user, 0, slice_find(user, ';'));
	}
	if (slice_starts(user, SLICE("+")))
		return digits_of(slice_from(user, 1), &digits)
			       ? put(out, SLICE_EMPTY, SLICE_EMPTY, text_slice(&digits))
			       : NUMBER_UNKNOWN;
	if (!digits_of(user, &digits))
		return NUMBER_UNKNOWN; /* a service code, such as *21# */
	sip_param(params, SLICE("phone-context"), &context);
	return by_context(conf, context, info, text_slice(&digits), out);
}
