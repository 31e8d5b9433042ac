/* feature.c - feature parameters of Contact, Accept-Contact and Reject-Contact (RFC 3840 §9) */
#include "sip/feature.h"

/* Longer names and values are none. */
enum { VALUE_MAX = 256, THOUSAND = 1000 };

/* RFC 3840 §9: the tags that are written without a leading '+'. */
static bool is_feature(struct slice name)
{
	static const struct slice base[] = {
		SLICE("audio"),       SLICE("automata"),    SLICE("class"),
		SLICE("duplex"),      SLICE("data"),        SLICE("control"),
		SLICE("mobility"),    SLICE("description"), SLICE("events"),
		SLICE("priority"),    SLICE("methods"),     SLICE("schemes"),
		SLICE("application"), SLICE("video"),       SLICE("language"),
		SLICE("type"),        SLICE("isfocus"),     SLICE("actor"),
		SLICE("text"),        SLICE("extensions"),
	};

	if (name.len > 1 && name.p[0] == '+')
		return true;
	for (uint32_t i = 0; i < sizeof(base) / sizeof(base[0]); i++)
		if (slice_eq_nocase(name, base[i]))
			return true;
	return false;
}

/* Of the text in lower case. 0: too long. */
static uint64_t hash_nocase(const struct hash_key *key, struct slice s)
{
	uint8_t lower[VALUE_MAX];

	if (s.len > sizeof(lower))
		return 0;
	for (uint32_t i = 0; i < s.len; i++)
		lower[i] = ascii_lower(s.p[i]);
	return hash_table(key, lower, s.len);
}

/* [sign] digits [. digits] from the front of *s, in thousandths; false: none, or one that does
 * not fit. */
static bool take_number(struct slice *s, int32_t *out)
{
	bool negative = s->len && s->p[0] == '-';
	uint32_t i = s->len && (negative || s->p[0] == '+') ? 1 : 0, digits = 0;
	int64_t v = 0;

	for (; i < s->len && ascii_is_digit(s->p[i]); i++, digits++)
		if ((v = v * 10 + (s->p[i] - '0')) > INT32_MAX / THOUSAND)
			return false;
	v *= THOUSAND;
	if (i < s->len && s->p[i] == '.')
		for (int32_t weight = THOUSAND / 10; ++i < s->len && ascii_is_digit(s->p[i]);
		     weight /= 10)
			v += weight * (s->p[i] - '0');
	*out = (int32_t)(negative ? -v : v);
	*s = slice_from(*s, i);
	return digits > 0;
}

/* Behind '#': "=5", ">=5", "<=5", "1:5" (RFC 3840 §9). */
static bool decode_range(struct slice s, struct feature *f)
{
	bool least = slice_starts(s, SLICE(">=")), most = slice_starts(s, SLICE("<=")),
	     exact = slice_starts(s, SLICE("="));
	int32_t low = INT32_MIN, high = INT32_MAX;

	s = slice_from(s, least || most ? 2 : exact);
	if (!take_number(&s, most ? &high : &low))
		return false;
	if (exact) {
		high = low;
	} else if (!least && !most) {
		if (!slice_starts(s, SLICE(":")))
			return false;
		s = slice_from(s, 1);
		if (!take_number(&s, &high))
			return false;
	}
	f->kind = FEATURE_RANGE;
	f->value = feature_range(low, high);
	return s.len == 0;
}

static bool decode_value(struct slice s, const struct hash_key *key, struct feature *f)
{
	if (s.len == 0)
		return false;
	if (s.p[0] == '#')
		return decode_range(slice_from(s, 1), f);
	if (s.p[0] == '<') {
		f->kind = FEATURE_STRING;
		f->value = hash_table(key, s.p, s.len);
		return s.p[s.len - 1] == '>';
	}
	f->kind = s.p[0] == '!' ? FEATURE_NOT : FEATURE_TOKEN;
	f->value = hash_nocase(key, f->kind == FEATURE_NOT ? slice_from(s, 1) : s);
	return f->value != 0;
}

/* The next of "a,b" ; a string has commas of its own and stands alone. */
static bool take_value(struct slice *rest, struct slice *value)
{
	uint32_t end;

	if (rest->len == 0)
		return false;
	end = rest->p[0] == '<' ? rest->len : slice_find(*rest, ',');
	*value = slice_trim(slice_sub(*rest, 0, end));
	*rest = slice_from(*rest, end + 1);
	return true;
}

static struct slice unquote(struct slice s)
{
	return s.len >= 2 && s.p[0] == '"' ? slice_sub(s, 1, s.len - 2) : s;
}

uint32_t sip_features(struct slice params, const struct hash_key *key, struct feature *out,
		      uint32_t most, bool *cut)
{
	struct sip_param param;
	uint32_t n = 0;

	if (cut)
		*cut = false;
	while (sip_param_next(&params, &param) == SIP_PARAM_FOUND) {
		struct slice rest = param.value.p ? slice_trim(unquote(param.value))
						  : SLICE("TRUE"),
			     value;

		if (!is_feature(param.name) || param.name.len > VALUE_MAX)
			continue;
		while (take_value(&rest, &value)) {
			struct feature f = {.tag = (uint32_t)hash_nocase(key, param.name)};

			if (!decode_value(value, key, &f))
				continue;
			if (n == most) {
				if (cut)
					*cut = true;
				return n;
			}
			out[n++] = f;
		}
	}
	return n;
}

bool sip_feature_meets(const struct feature *a, const struct feature *b)
{
	bool tokens = a->kind <= FEATURE_NOT && b->kind <= FEATURE_NOT;

	if (tokens && a->kind == FEATURE_NOT && b->kind == FEATURE_NOT)
		return true;
	if (tokens && a->kind != b->kind)
		return a->value != b->value;
	if (a->kind != b->kind)
		return false;
	if (a->kind == FEATURE_RANGE)
		return feature_low(a) <= feature_high(b) && feature_low(b) <= feature_high(a);
	return a->value == b->value;
}
