/* ours.c - what Saker's parser says */
#include <stdio.h>

#include "sip/name_addr.h"
#include "sip/parse.h"
#include "sip/via.h"
#include "view.h"

static void put(char word[WORD_MAX], struct slice s, bool lower)
{
	size_t n = strlen(word);

	for (uint32_t i = 0; i < s.len && n + 3 < WORD_MAX; i++) {
		uint8_t c = lower ? ascii_lower(s.p[i]) : s.p[i];

		if (c == '\0') {
			word[n++] = '\\';
			c = '0';
		}
		word[n++] = (char)c;
	}
	word[n] = '\0';
}

void view_put(char word[WORD_MAX], struct slice s)
{
	put(word, s, false);
}

void view_put_lower(char word[WORD_MAX], struct slice s)
{
	put(word, s, true);
}

void view_put_number(char word[WORD_MAX], uint64_t n)
{
	snprintf(word, WORD_MAX, "%lu", (unsigned long)n);
}

static int hex(uint8_t c)
{
	return ascii_is_digit(c) ? c - '0' : ascii_lower(c) - 'a' + 10;
}

static void put_unescaped(char word[WORD_MAX], struct slice s)
{
	for (uint32_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];

		if (c == '%' && s.len - i > 2) {
			c = (uint8_t)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
			i += 2;
		}
		view_put(word, slice_of(&c, 1));
	}
}

static bool see_uri(struct slice uri, char word[WORD_MAX])
{
	struct sip_uri u;
	struct slice host;

	if (sip_uri_decode(uri, &u) != SIP_OK)
		return false;
	view_put_lower(word, slice_sub(uri, 0, slice_find(uri, ':')));
	view_put(word, SLICE("|"));
	if (u.scheme != SIP_SCHEME_SIP && u.scheme != SIP_SCHEME_SIPS) {
		view_put(word, slice_from(uri, slice_find(uri, ':') + 1));
		return true;
	}
	put_unescaped(word, u.user);
	view_put(word, SLICE("|"));
	host = u.host;
	if (host.p[0] == '[')
		host = slice_sub(host, 1, host.len - 2);
	view_put_lower(word, host);
	if (u.port) {
		size_t n = strlen(word);

		snprintf(word + n, WORD_MAX - n, "|%u", u.port);
	}
	return true;
}

static bool see_vias(const struct sip_msg *msg, struct view *out)
{
	uint32_t n = 0;

	for (const struct sip_header *h = sip_first(msg, SIP_H_VIA); h; h = sip_next(msg, h)) {
		struct slice rest = sip_value(msg, h);

		do {
			struct sip_via via;

			if (sip_via_decode(rest, &via, &rest) != SIP_OK)
				return false;
			if (n++ == 0)
				view_put(out->word[F_BRANCH], via.branch);
		} while (rest.len);
	}
	view_put_number(out->word[F_VIAS], n);
	return true;
}

static bool see_routes(const struct sip_msg *msg, struct view *out)
{
	struct sip_name_addr_walk walk;
	struct sip_name_addr route;
	uint32_t n = 0;

	sip_walk(&walk, msg, SIP_H_ROUTE, SIP_E_ROUTE);
	while (sip_walk_next(&walk, &route)) {
		struct sip_uri uri;

		if (sip_uri_decode(route.uri, &uri) != SIP_OK)
			return false;
		n++;
	}
	view_put_number(out->word[F_ROUTES], n);
	return walk.error == SIP_OK;
}

bool view_ours(struct slice message, struct view *out)
{
	struct sip_msg msg;

	memset(out, 0, sizeof(*out));
	if (sip_parse(message, &msg) != SIP_OK)
		return false;
	if (sip_is_request(&msg)) {
		view_put(out->word[F_METHOD], msg.method_name);
		if (!see_uri(msg.uri, out->word[F_URI]))
			return false;
	}
	view_put_number(out->word[F_STATUS], msg.status);
	view_put(out->word[F_CALL_ID], sip_first_value(&msg, SIP_H_CALL_ID));
	view_put_number(out->word[F_CSEQ_NUMBER], msg.cseq);
	view_put(out->word[F_CSEQ_METHOD], msg.method_name);
	view_put(out->word[F_FROM_TAG], sip_tag(sip_first_value(&msg, SIP_H_FROM)));
	view_put(out->word[F_TO_TAG], sip_tag(sip_first_value(&msg, SIP_H_TO)));
	return see_vias(&msg, out) && see_routes(&msg, out);
}
