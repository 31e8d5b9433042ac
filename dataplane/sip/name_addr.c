/* name_addr.c - name-addr, addr-spec and their lists (RFC 3261 §20.10, §25.1) */
#include "sip/chars.h"
#include "sip/name_addr.h"
#include "sip/quoted.h"
#include "sip/wide.h"

/* scheme ":" and at least one octet, all of them such as a URI may have. */
static bool is_uri(struct slice s)
{
	uint32_t i = 0;

	if (s.len == 0 || s.len > SIP_URI_MAX || !ascii_is_alpha(s.p[0]))
		return false;
	while (i < s.len && sip_is(s.p[i], SIP_C_TOKEN))
		i++;
	return i + 1 < s.len && s.p[i] == ':' && sip_all_uri(slice_from(s, i + 1));
}

/* The display name at p, if any: gives the place of its '<', or NULL if there is no '<' where
 * one must be. */
static const uint8_t *take_display(const uint8_t *p, const uint8_t *end, struct slice *display)
{
	const uint8_t *start = p;

	if (p < end && *p == '"') {
		p = sip_skip_quoted(p, end);
		if (p == NULL)
			return NULL;
		*display = slice_between(start, p);
		p = sip_skip_space(p, end);
	} else {
		while (p < end && sip_is(*p, SIP_C_PHRASE))
			p++;
		*display = slice_trim(slice_between(start, p));
	}
	return p < end && *p == '<' ? p : NULL;
}

/* addr-spec without brackets: what follows a ';' belongs to the header field, and a '?' or
 * ',' may not be in it (RFC 3261 §20). */
static const uint8_t *take_bare(const uint8_t *p, const uint8_t *end, struct slice *uri)
{
	const uint8_t *start = p;

	while (p < end && sip_is(*p, SIP_C_URI) && *p != ';' && *p != ',' && *p != '?')
		p++;
	*uri = slice_between(start, p);
	return p;
}

/* The URI at p, with or without brackets and display name; gives what is behind. */
static const uint8_t *take_address(const uint8_t *p, const uint8_t *end,
				   struct sip_name_addr *out)
{
	const uint8_t *open = take_display(p, end, &out->display);
	const uint8_t *close;

	if (open == NULL) {
		out->display = SLICE_EMPTY;
		p = take_bare(p, end, &out->uri);
		return is_uri(out->uri) ? p : NULL;
	}
	close = memchr(open, '>', (size_t)(end - open));
	if (close == NULL)
		return NULL;
	out->uri = slice_between(open + 1, close);
	return is_uri(out->uri) ? close + 1 : NULL;
}

/* "*" stands alone: as Contact's whole value (RFC 3261 §20.10). */
static bool is_star(struct slice value)
{
	return value.len == 1 && value.p[0] == '*';
}

/* Whatever the grammar allows. */
static enum sip_error decode_any(struct slice value, enum sip_error what,
				 struct sip_name_addr *out, struct slice *rest)
{
	const uint8_t *start, *end, *p;
	struct sip_param param;
	enum sip_param_step step;

	*out = (struct sip_name_addr){0};
	*rest = SLICE_EMPTY;
	if (value.len == 0)
		return what;
	end = value.p + value.len;
	start = sip_skip_space(value.p, end);
	if (is_star(slice_trim(value))) {
		out->star = true;
		out->whole = slice_trim(value);
		return SIP_OK;
	}
	p = take_address(start, end, out);
	if (p == NULL)
		return what;
	*rest = slice_between(sip_skip_space(p, end), end);
	out->params = slice_between(rest->p, rest->p);
	out->whole = slice_between(start, p);
	while ((step = sip_param_next(rest, &param)) == SIP_PARAM_FOUND) {
		out->params.len = (uint32_t)(rest->p - out->params.p);
		out->whole.len = (uint32_t)(rest->p - start);
	}
	if (step == SIP_PARAM_BAD)
		return what;
	if (rest->len == 0)
		return SIP_OK;
	if (rest->p[0] != ',')
		return what;
	*rest = slice_between(sip_skip_space(rest->p + 1, end), end);
	return rest->len ? SIP_OK : what;
}

/* Where the '<' is, if nothing stands before it or a quoted name without escapes and at most
 * one space behind; value.len: it is otherwise. */
static SIP_WIDE_BOTH uint32_t wide_open(struct slice value, const struct sip_wide *w,
					struct slice *display)
{
	uint32_t close;

	if (value.p[0] == '<')
		return 0;
	if (value.p[0] != '"' || sip_wide_eq(w, '\\'))
		return value.len;
	close = 1 + sip_wide_next(w, sip_wide_eq(w, '"'), 1);
	if (close + 2 >= value.len || value.p[close] != '"')
		return value.len;
	*display = slice_sub(value, 0, close + 1);
	close += value.p[close + 1] == ' ';
	return value.p[close + 1] == '<' ? close + 1 : value.len;
}

/* Octets `from` to `to`: a scheme, a colon and what a URI may have. */
static SIP_WIDE_BOTH bool wide_uri(struct slice value, const struct sip_wide *w, uint32_t from,
				   uint32_t to)
{
	uint32_t colon = from + sip_wide_next(w, ~sip_wide_in(w, SIP_C_TOKEN), from);

	return colon + 1 < to && value.p[colon] == ':' && ascii_is_alpha(value.p[from]) &&
	       !sip_wide_cut(w, ~sip_wide_in(w, SIP_C_URI), from, to);
}

/* Octets `from` to `to` are parameters, none of them quoted, without a name, or without a value
 * behind its '='; from == to: there are none. */
static SIP_WIDE_BOTH bool wide_params(struct slice value, const struct sip_wide *w,
				      sip_bits param, sip_bits semicolon, uint32_t from,
				      uint32_t to)
{
	sip_bits equals = sip_wide_eq(w, '=');
	sip_bits names = sip_wide_cut(w, semicolon, from, to) << 1;
	sip_bits values = sip_wide_cut(w, equals, from, to) << 1;

	if (from == to)
		return true;
	return value.p[from] == ';' && !(names & (~param | equals)) && !(values & ~param);
}

static SIP_WIDE_BOTH bool wide_element(struct slice value, bool small,
				       struct sip_name_addr *out, struct slice *rest)
{
	const struct sip_wide w = sip_wide_load(value, small);
	sip_bits param = sip_wide_in(&w, SIP_C_PARAM), semicolon = sip_wide_eq(&w, ';');
	struct slice display = SLICE_EMPTY;
	uint32_t open = wide_open(value, &w, &display), close, end;

	if (open == value.len)
		return false;
	close = open + sip_wide_next(&w, sip_wide_eq(&w, '>'), open);
	if (close >= value.len || value.p[close] != '>' ||
	    !wide_uri(value, &w, open + 1, close))
		return false;
	end = close + 1 + sip_wide_next(&w, ~(param | semicolon), close + 1);
	if (end > value.len || !wide_params(value, &w, param, semicolon, close + 1, end))
		return false;
	if (end < value.len &&
	    (value.p[end] != ',' || end + 1 == value.len || ascii_is_space(value.p[end + 1])))
		return false;
	*out = (struct sip_name_addr){
		.whole = slice_sub(value, 0, end),
		.display = display,
		.uri = slice_between(value.p + open + 1, value.p + close),
		.params = slice_between(value.p + close + 1, value.p + end),
	};
	*rest = slice_from(value, end < value.len ? end + 1 : end);
	return true;
}

/* <scheme:...>;name=value, with or without a quoted name before it, and without white space;
 * perhaps a comma and another one behind. False: it is something else, or not sound. */
static SIP_WIDE bool decode_wide(struct slice value, struct sip_name_addr *out,
				 struct slice *rest)
{
	if (value.len > SIP_WIDE_MAX || value.len < sizeof("<a:b>") - 1)
		return false;
	if (value.len <= SIP_WIDE_SMALL)
		return wide_element(value, true, out, rest);
	return wide_element(value, false, out, rest);
}

enum sip_error sip_name_addr_decode(struct slice value, enum sip_error what,
				    struct sip_name_addr *out, struct slice *rest)
{
	if (sip_wide && decode_wide(value, out, rest))
		return SIP_OK;
	return decode_any(value, what, out, rest);
}

bool sip_only_tag(struct slice params, struct slice *tag)
{
	struct slice value = slice_from(params, sizeof(";tag=") - 1);
	uint32_t name;

	if (params.len == 0) {
		*tag = SLICE_EMPTY;
		return true;
	}
	if (value.len == 0 || value.p[-1] != '=' || slice_find(value, ';') < value.len)
		return false;
	memcpy(&name, params.p, sizeof(name));
	if ((name | 0x20202000) != sip_word(";tag", sizeof(name)) || value.p[0] == '"' ||
	    ascii_is_space(value.p[0]))
		return false;
	*tag = value;
	return true;
}

struct slice sip_tag(struct slice value)
{
	struct sip_name_addr field;
	struct slice rest, tag;

	if (sip_name_addr_decode(value, SIP_E_FROM, &field, &rest) != SIP_OK)
		return SLICE_EMPTY;
	if (sip_only_tag(field.params, &tag))
		return tag;
	return sip_param(field.params, SLICE("tag"), &tag) ? tag : SLICE_EMPTY;
}

void sip_walk(struct sip_name_addr_walk *w, const struct sip_msg *msg, enum sip_header_id id,
	      enum sip_error what)
{
	*w = (struct sip_name_addr_walk){
		.msg = msg,
		.header = sip_first(msg, id),
		.error = SIP_OK,
		.what = what,
	};
	w->rest = w->header ? sip_value(msg, w->header) : SLICE_EMPTY;
}

bool sip_walk_next(struct sip_name_addr_walk *w, struct sip_name_addr *out)
{
	if (w->error != SIP_OK || w->header == NULL)
		return false;
	w->error = sip_name_addr_decode(w->rest, w->what, out, &w->rest);
	if (w->error != SIP_OK)
		return false;
	if (w->rest.len == 0) {
		w->header = sip_next(w->msg, w->header);
		if (w->header)
			w->rest = sip_value(w->msg, w->header);
	}
	return true;
}
