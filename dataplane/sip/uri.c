/* uri.c - sip, sips and tel URIs (RFC 3261 §19.1, RFC 3966), and canonical public identities */
#include "sip/chars.h"
#include "sip/uri.h"
#include "sip/wide.h"

static enum sip_scheme scheme_of(struct slice name)
{
	if (slice_eq_nocase(name, SLICE("sip")))
		return SIP_SCHEME_SIP;
	if (slice_eq_nocase(name, SLICE("sips")))
		return SIP_SCHEME_SIPS;
	if (slice_eq_nocase(name, SLICE("tel")))
		return SIP_SCHEME_TEL;
	if (slice_eq_nocase(name, SLICE("urn")))
		return SIP_SCHEME_URN;
	return SIP_SCHEME_OTHER;
}

/* RFC 3986 §3.1. */
static bool is_scheme(struct slice s)
{
	if (s.len == 0 || !ascii_is_alpha(s.p[0]))
		return false;
	for (uint32_t i = 1; i < s.len; i++)
		if (!ascii_is_alpha(s.p[i]) && !ascii_is_digit(s.p[i]) && s.p[i] != '+' &&
		    s.p[i] != '-' && s.p[i] != '.')
			return false;
	return true;
}

/* 0-15; -1: no hexadecimal digit. */
static int hex_value(uint8_t c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The octet that "%HH" at s.p[i] stands for; -1: it is no escape. */
static int escaped(struct slice s, uint32_t i)
{
	if (s.len - i < 3 || s.p[i] != '%' || hex_value(s.p[i + 1]) < 0 ||
	    hex_value(s.p[i + 2]) < 0)
		return -1;
	return hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2]);
}

/* Octets of the set, and whole escapes. */
static bool is_escaped_text(struct slice s, enum sip_chars set)
{
	for (uint32_t i = 0; i < s.len; i++) {
		if (sip_is(s.p[i], set) && s.p[i] != '%')
			continue;
		if (escaped(s, i) < 0)
			return false;
		i += 2;
	}
	return true;
}

static bool take_userinfo(struct slice info, struct sip_uri *out)
{
	uint32_t colon = slice_find(info, ':');

	out->user = slice_sub(info, 0, colon);
	out->password = slice_from(info, colon + 1);
	return out->user.len > 0 && is_escaped_text(out->user, SIP_C_USER) &&
	       is_escaped_text(out->password, SIP_C_USER);
}

/* host of hostport: what is behind it, or a slice with p NULL. */
static struct slice take_host(struct slice s, struct sip_uri *out)
{
	uint32_t i = 0;

	if (s.len && s.p[0] == '[') {
		struct addr ip;

		i = slice_find(s, ']');
		if (i == s.len || !addr_parse_ip(slice_sub(s, 0, i + 1), &ip))
			return SLICE_EMPTY;
		i++;
	} else {
		while (i < s.len && sip_is(s.p[i], SIP_C_HOST))
			i++;
	}
	out->host = slice_sub(s, 0, i);
	return i ? slice_from(s, i) : SLICE_EMPTY;
}

static bool take_port(struct slice *s, struct sip_uri *out)
{
	uint32_t i = 1;
	uint64_t port;

	if (s->len == 0 || s->p[0] != ':')
		return true;
	while (i < s->len && ascii_is_digit(s->p[i]))
		i++;
	if (!slice_u64(slice_sub(*s, 1, i - 1), UINT16_MAX, &port) || port == 0)
		return false;
	out->port = (uint16_t)port;
	*s = slice_from(*s, i);
	return true;
}

/* Behind the host: ";params?headers", each part optional. */
static bool take_tail(struct slice s, struct sip_uri *out)
{
	uint32_t mark = slice_find(s, '?');

	out->params = slice_sub(s, 0, mark);
	out->headers = slice_from(s, mark + 1);
	if (out->params.len && out->params.p[0] != ';')
		return false;
	return sip_all_uri(out->params) && sip_all_uri(out->headers);
}

/* At most one '@': with two, hops could disagree about the host. */
static bool take_sip(struct slice s, struct sip_uri *out)
{
	uint32_t at = slice_find(s, '@');

	if (at < s.len) {
		if (!take_userinfo(slice_sub(s, 0, at), out))
			return false;
		s = slice_from(s, at + 1);
		if (slice_find(s, '@') < s.len)
			return false;
	}
	s = take_host(s, out);
	return s.p && take_port(&s, out) && take_tail(s, out);
}

static bool is_number(struct slice s)
{
	for (uint32_t i = 0; i < s.len; i++)
		if (!sip_is(s.p[i], SIP_C_DIGITS) && s.p[i] != '*' && s.p[i] != '#' &&
		    hex_value(s.p[i]) < 0)
			return false;
	return s.len > 0;
}

static bool take_tel(struct slice s, struct sip_uri *out)
{
	uint32_t semicolon = slice_find(s, ';');

	out->user = slice_sub(s, 0, semicolon);
	return is_number(out->user) && take_tail(slice_from(s, semicolon), out);
}

/* Whatever the grammar allows. */
static enum sip_error decode_any(struct slice s, struct sip_uri *out)
{
	uint32_t colon = slice_find(s, ':');
	struct slice behind;
	bool sound;

	*out = (struct sip_uri){.whole = s};
	if (s.len == 0 || s.len > SIP_URI_MAX)
		return SIP_E_URI;
	behind = slice_from(s, colon + 1);
	if (behind.len == 0 || !is_scheme(slice_sub(s, 0, colon)))
		return SIP_E_URI;
	out->scheme = scheme_of(slice_sub(s, 0, colon));
	switch (out->scheme) {
	case SIP_SCHEME_SIP:
	case SIP_SCHEME_SIPS:
		sound = take_sip(behind, out);
		break;
	case SIP_SCHEME_TEL:
		sound = take_tel(behind, out);
		break;
	default:
		out->user = behind;
		sound = sip_all_uri(behind);
		break;
	}
	return sound ? SIP_OK : SIP_E_URI;
}

/* What is behind "sip:". */
static SIP_WIDE_BOTH bool wide_behind(struct slice s, bool small, struct sip_uri *out)
{
	const struct sip_wide w = sip_wide_load(s, small);
	sip_bits ats = sip_wide_eq(&w, '@');
	uint32_t at, host = 0;

	if (ats) {
		at = sip_wide_next(&w, ats, 0);
		if (at == 0 || at >= s.len || s.p[at] != '@' || (ats & (ats - 1)) ||
		    sip_wide_cut(&w, ~sip_wide_in(&w, SIP_C_USER), 0, at))
			return false;
		out->user = slice_sub(s, 0, at);
		out->password = slice_sub(s, at, 0);
		host = at + 1;
	}
	at = host + sip_wide_next(&w, ~sip_wide_in(&w, SIP_C_HOST), host);
	if (at == host || at > s.len)
		return false;
	out->host = slice_between(s.p + host, s.p + at);
	if (at < s.len && s.p[at] == ':') {
		at = sip_wide_port(s, at, &out->port);
		if (at == 0)
			return false;
	}
	out->params = slice_from(s, at);
	out->headers = slice_from(s, s.len);
	return at == s.len || (s.p[at] == ';' && !sip_wide_eq(&w, '?') &&
			       !sip_wide_cut(&w, ~sip_wide_in(&w, SIP_C_URI), at, s.len));
}

/* sip:user@host:port;params without escapes, password and headers, the host a name or an IPv4
 * address. False: it is something else, or not sound. */
static SIP_WIDE bool decode_wide(struct slice s, struct sip_uri *out)
{
	struct slice behind = slice_from(s, sizeof("sip:") - 1);
	uint32_t scheme;

	if (behind.len == 0 || behind.len > SIP_WIDE_MAX)
		return false;
	memcpy(&scheme, s.p, sizeof(scheme));
	if ((scheme | 0x202020) != sip_word("sip:", sizeof(scheme)))
		return false;
	*out = (struct sip_uri){.scheme = SIP_SCHEME_SIP, .whole = s};
	if (behind.len <= SIP_WIDE_SMALL)
		return wide_behind(behind, true, out);
	return wide_behind(behind, false, out);
}

enum sip_error sip_uri_decode(struct slice s, struct sip_uri *out)
{
	if (sip_wide && decode_wide(s, out))
		return SIP_OK;
	return decode_any(s, out);
}

bool sip_uri_addr(const struct sip_uri *uri, uint16_t default_port, struct addr *out)
{
	if (!addr_parse_ip(uri->host, out))
		return false;
	out->port = uri->port ? uri->port : default_port;
	return true;
}

/* '+', digits and visual separators (RFC 3966 §5.1.4). */
static bool is_global_number(struct slice s)
{
	uint32_t digits = 0;

	if (s.len == 0 || s.p[0] != '+')
		return false;
	for (uint32_t i = 1; i < s.len; i++) {
		if (ascii_is_digit(s.p[i]))
			digits++;
		else if (!sip_is(s.p[i], SIP_C_DIGITS) || s.p[i] == '+')
			return false;
	}
	return digits > 0;
}

static void put_global_number(struct slice number, struct text *out)
{
	text_lit(out, "tel:+");
	for (uint32_t i = 0; i < number.len; i++)
		if (ascii_is_digit(number.p[i]))
			text_char(out, number.p[i]);
}

/* Escapes of octets that need none are undone, the others get upper-case digits. */
static void put_user(struct slice user, struct text *out)
{
	static const char digit[] = "0123456789ABCDEF";

	for (uint32_t i = 0; i < user.len; i++) {
		int c = escaped(user, i);

		if (c < 0) {
			text_char(out, user.p[i]);
			continue;
		}
		i += 2;
		if (sip_is((uint8_t)c, SIP_C_BARE)) {
			text_char(out, (uint8_t)c);
		} else {
			text_char(out, '%');
			text_char(out, (uint8_t)digit[c >> 4]);
			text_char(out, (uint8_t)digit[c & 15]);
		}
	}
}

/* What a telephone-subscriber carries behind the number says nothing about who it is. */
static bool is_phone(const struct sip_uri *uri, struct slice *number)
{
	struct slice kind;

	*number = slice_sub(uri->user, 0, slice_find(uri->user, ';'));
	return is_global_number(*number) && sip_param(uri->params, SLICE("user"), &kind) &&
	       slice_eq_nocase(kind, SLICE("phone"));
}

static void put_sip_identity(const struct sip_uri *uri, struct text *out)
{
	text_lit(out, "sip:");
	put_user(uri->user, out);
	text_char(out, '@');
	for (uint32_t i = 0; i < uri->host.len; i++)
		text_char(out, ascii_lower(uri->host.p[i]));
	if (uri->port) {
		text_char(out, ':');
		text_u64(out, uri->port);
	}
}

static bool put_identity(const struct sip_uri *uri, struct text *out)
{
	struct slice number;

	switch (uri->scheme) {
	case SIP_SCHEME_TEL:
		if (!is_global_number(uri->user))
			return false;
		put_global_number(uri->user, out);
		return true;
	case SIP_SCHEME_SIP:
	case SIP_SCHEME_SIPS:
		if (uri->user.len == 0)
			return false;
		if (is_phone(uri, &number))
			put_global_number(number, out);
		else
			put_sip_identity(uri, out);
		return true;
	default:
		return false;
	}
}

bool sip_uri_identity(const struct sip_uri *uri, struct text *out)
{
	uint32_t from = out->len;
	bool before = out->overflow, done;

	out->overflow = false;
	done = put_identity(uri, out) && !out->overflow && out->len - from <= IMPU_MAX;
	out->overflow = before;
	if (!done)
		out->len = from;
	return done;
}
