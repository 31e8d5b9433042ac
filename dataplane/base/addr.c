/* addr.c - transport addresses from and to text */
#include "base/addr.h"

#include <arpa/inet.h>

/* Four numbers of one to three digits, without leading zeros: one of them in nearly every URI
 * and Via, so not through libc. */
static bool parse_v4(struct slice s, uint8_t *out)
{
	const uint8_t *p = s.p, *end = s.p + s.len;

	if (s.len < 7 || s.len > 15)
		return false;
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t v, digit;

		if (p == end || (v = (uint32_t)*p++ - '0') > 9)
			return false;
		for (uint32_t n = 1; p < end && (digit = (uint32_t)*p - '0') <= 9; n++, p++) {
			if (n == 3 || v == 0)
				return false;
			v = v * 10 + digit;
		}
		if (v > 255 || (i < 3 ? p == end || *p++ != '.' : p != end))
			return false;
		out[i] = (uint8_t)v;
	}
	return true;
}

/* inet_pton wants a NUL. */
static bool parse_v6(struct slice s, uint8_t *out)
{
	char text[INET6_ADDRSTRLEN];

	if (s.len == 0 || s.len >= sizeof(text) || memchr(s.p, 0, s.len))
		return false;
	memcpy(text, s.p, s.len);
	text[s.len] = 0;
	return inet_pton(AF_INET6, text, out) == 1;
}

bool addr_parse_ip(struct slice s, struct addr *out)
{
	struct addr a = {0};

	if (s.len > 2 && s.p[0] == '[') {
		if (s.p[s.len - 1] != ']')
			return false;
		s = slice_sub(s, 1, s.len - 2);
	} else if (s.len && ascii_is_digit(s.p[0]) && parse_v4(s, a.ip)) {
		a.family = 4;
		*out = a;
		return true;
	}
	/* A name, nearly always: no IPv6 address is without a colon. */
	if (slice_find(s, ':') == s.len || !parse_v6(s, a.ip))
		return false;
	a.family = 6;
	*out = a;
	return true;
}

bool addr_parse(struct slice s, uint16_t default_port, struct addr *out)
{
	uint64_t port = default_port;
	struct slice host = s;

	if (s.len && s.p[0] == '[') {
		uint32_t end = slice_find(s, ']');
		host = slice_sub(s, 0, end + 1);
		if (end == s.len)
			return false;
	} else if (slice_find(slice_from(s, slice_find(s, ':') + 1), ':') ==
		   slice_from(s, slice_find(s, ':') + 1).len) {
		host = slice_sub(s, 0, slice_find(s, ':'));
	}
	struct slice rest = slice_from(s, host.len);
	if (rest.len && (rest.p[0] != ':' || !slice_u64(slice_from(rest, 1), 65535, &port)))
		return false;
	if (!addr_parse_ip(host, out))
		return false;
	out->port = (uint16_t)port;
	return true;
}

/* SIP's common case, written without libc and without a branch: four numbers, each put down as
 * three digits and a dot, without the zeros it begins with. */
static void put_v4(struct text *t, const uint8_t *ip)
{
	uint8_t text[4 * 4], *p = text;

	for (int i = 0; i < 4; i++) {
		uint32_t v = ip[i], zeros = (v < 100) + (v < 10);
		uint32_t word = v / 100 | v / 10 % 10 << 8 | v % 10 << 16;

		word = (word | 0x2e303030) >> 8 * zeros;
		memcpy(p, &word, sizeof(word));
		p += 4 - zeros;
	}
	text_put(t, slice_of(text, (size_t)(p - text) - 1));
}

void addr_put_host(struct text *t, const struct addr *a)
{
	char text[INET6_ADDRSTRLEN];

	if (a->family == 4) {
		put_v4(t, a->ip);
	} else if (a->family == 6 && inet_ntop(AF_INET6, a->ip, text, sizeof(text))) {
		text_char(t, '[');
		text_str(t, text);
		text_char(t, ']');
	}
}

void addr_put(struct text *t, const struct addr *a)
{
	addr_put_host(t, a);
	text_char(t, ':');
	text_u64(t, a->port);
}

const char *addr_text(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
	struct text t = text_in(buf, ADDR_TEXT_MAX);

	addr_put(&t, a);
	return text_cstr(&t);
}
