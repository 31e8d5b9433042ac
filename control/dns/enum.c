/* enum.c - telephone numbers to SIP URIs (RFC 6116) */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "control/dns/enum.h"

#include <ares.h>
#include <pcre2.h>
#include <stdlib.h>
#include <strings.h>

#include "sip/sip.h"
#include "sip/uri.h"

enum {
	DIGITS_MAX = 15, /* ITU-T E.164 */
	NUMBER_MAX = 1 + DIGITS_MAX,
	RECORDS_MAX = 32,
	REGEXP_MAX = 255, /* one character-string of the DNS */
	GROUPS = 10,      /* \0 to \9 */
	STEPS_MAX = 2000,
	DEPTH_MAX = 200,
	HEAP_MAX_KIB = 64,
};

struct enum_question {
	struct dns *d;
	enum_done *done;
	void *ctx;
	uint64_t until_ms;
	uint32_t steps; /* records that led on */
	uint32_t len;
	uint8_t number[NUMBER_MAX];
};

static bool is_global(struct slice number)
{
	if (number.len < 2 || number.len > NUMBER_MAX || number.p[0] != '+')
		return false;
	for (uint32_t i = 1; i < number.len; i++)
		if (!ascii_is_digit(number.p[i]))
			return false;
	return true;
}

bool enum_name(struct slice number, const char *zone, char out[DNS_NAME_MAX + 1])
{
	struct text t = text_in(out, DNS_NAME_MAX + 1);

	if (!is_global(number))
		return false;
	for (uint32_t i = number.len; i-- > 1;) {
		text_char(&t, number.p[i]);
		text_char(&t, '.');
	}
	text_str(&t, zone);
	if (t.overflow || t.len > DNS_NAME_MAX)
		return false;
	text_cstr(&t);
	return true;
}

/* The part of *s up to the next delimiter that has no backslash before it. */
static bool part(struct slice *s, uint8_t delimiter, struct slice *out)
{
	for (uint32_t i = 0; i < s->len; i++) {
		if (s->p[i] == '\\') {
			i++;
			continue;
		}
		if (s->p[i] != delimiter)
			continue;
		*out = slice_sub(*s, 0, i);
		*s = slice_from(*s, i + 1);
		return true;
	}
	return false;
}

static void substitute(struct slice with, struct slice number, const PCRE2_SIZE *at, int groups,
		       struct text *out)
{
	for (uint32_t i = 0; i < with.len; i++) {
		uint32_t g;

		if (with.p[i] != '\\' || i + 1 == with.len) {
			text_char(out, with.p[i]);
			continue;
		}
		i++;
		g = with.p[i] - (uint32_t)'0';
		if (g >= GROUPS)
			text_char(out, with.p[i]);
		/* \K and look-behind may end a match before it begins. */
		else if ((int)g < groups && at[2 * g] <= at[2 * g + 1] &&
			 at[2 * g + 1] <= number.len)
			text_put(out,
				 slice_between(number.p + at[2 * g], number.p + at[2 * g + 1]));
	}
}

static bool match(struct slice pattern, bool nocase, struct slice with, struct slice number,
		  struct text *out)
{
	PCRE2_SIZE where;
	int error, groups = -1;
	pcre2_code *code = pcre2_compile(pattern.p, pattern.len,
					 (nocase ? PCRE2_CASELESS : 0) | PCRE2_NEVER_UTF |
						 PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C,
					 &error, &where, NULL);
	pcre2_match_data *data = code ? pcre2_match_data_create(GROUPS, NULL) : NULL;
	pcre2_match_context *limits = data ? pcre2_match_context_create(NULL) : NULL;

	if (limits) {
		pcre2_set_match_limit(limits, STEPS_MAX);
		pcre2_set_depth_limit(limits, DEPTH_MAX);
		pcre2_set_heap_limit(limits, HEAP_MAX_KIB);
		groups = pcre2_match(code, number.p, number.len, 0, 0, data, limits);
		/* 0: there were more groups than can be named. */
		groups = groups == 0 ? GROUPS : groups;
		if (groups > 0)
			substitute(with, number, pcre2_get_ovector_pointer(data), groups, out);
	}
	pcre2_match_context_free(limits);
	pcre2_match_data_free(data);
	pcre2_code_free(code);
	return groups > 0 && !out->overflow;
}

bool enum_rewrite(const char *regexp, struct slice number, struct text *out)
{
	struct slice s = slice_str(regexp), pattern, with;
	uint8_t delimiter;
	bool nocase;

	if (s.len < 4 || s.len > REGEXP_MAX)
		return false;
	delimiter = s.p[0];
	if (ascii_is_digit(delimiter) || delimiter == 'i' || delimiter == '\\')
		return false;
	s = slice_from(s, 1);
	if (!part(&s, delimiter, &pattern) || !part(&s, delimiter, &with))
		return false;
	nocase = slice_eq(s, SLICE("i"));
	if (s.len && !nocase)
		return false;
	return match(pattern, nocase, with, number, out);
}

enum service { SERVICE_NONE, SERVICE_SIP, SERVICE_TEL };

/* "E2U+sip", and "E2U+pstn:sip" and the like beside others (RFC 6116 §3.4.3, RFC 4769). */
static enum service service_of(const char *text)
{
	struct slice s = slice_str(text), one;

	if (s.len < 4 || !slice_eq_nocase(slice_sub(s, 0, 4), SLICE("E2U+")))
		return SERVICE_NONE;
	for (s = slice_from(s, 4); s.len; s = slice_from(s, one.len + 1)) {
		one = slice_sub(s, 0, slice_find(s, '+'));
		if (slice_eq_nocase(one, SLICE("sip")) ||
		    slice_eq_nocase(one, SLICE("pstn:sip")))
			return SERVICE_SIP;
		if (slice_eq_nocase(one, SLICE("pstn:tel")))
			return SERVICE_TEL;
	}
	return SERVICE_NONE;
}

static bool is_better(const struct ares_naptr_reply *a, const struct ares_naptr_reply *b)
{
	return !b || a->order < b->order ||
	       (a->order == b->order && a->preference < b->preference);
}

static bool is_useful(enum service service, struct slice result)
{
	struct sip_uri uri;

	if (sip_uri_decode(result, &uri) != SIP_OK)
		return false;
	if (service == SERVICE_TEL)
		return uri.scheme == SIP_SCHEME_TEL && slice_starts(uri.user, SLICE("+"));
	return uri.scheme == SIP_SCHEME_SIP && uri.user.len && uri.host.len &&
	       uri.headers.len == 0;
}

/* What a record makes of the number, if that is a URI of use. */
static bool result_of(const struct ares_naptr_reply *r, struct slice number, struct text *out)
{
	enum service service = service_of((const char *)r->service);

	out->len = 0;
	out->overflow = false;
	return service != SERVICE_NONE && strcasecmp((const char *)r->flags, "u") == 0 &&
	       enum_rewrite((const char *)r->regexp, number, out) &&
	       is_useful(service, text_slice(out));
}

/* No result yet, but another name to ask. */
static bool leads_on(const struct ares_naptr_reply *r)
{
	return r->flags[0] == 0 && r->regexp[0] == 0 && r->replacement[0] != 0;
}

static void on_naptr(void *ctx, enum dns_status status, struct slice octets, uint64_t until_ms);

static void end(struct enum_question *q, enum dns_status status, struct slice uri)
{
	q->done(q->ctx, status, uri, q->until_ms);
	free(q);
}

static void take(struct enum_question *q, const struct ares_naptr_reply *list)
{
	struct slice number = slice_of(q->number, q->len);
	const struct ares_naptr_reply *best = NULL;
	uint8_t memory[SIP_URI_MAX];
	struct text out = text_in(memory, sizeof(memory));
	uint32_t i = 0;

	for (const struct ares_naptr_reply *r = list; r && i < RECORDS_MAX; r = r->next, i++)
		if (is_better(r, best) && (leads_on(r) || result_of(r, number, &out)))
			best = r;
	if (best && !leads_on(best) && result_of(best, number, &out))
		end(q, DNS_OK, text_slice(&out));
	else if (best && leads_on(best) && q->steps++ < ENUM_STEPS_MAX)
		dns_ask(q->d, slice_str(best->replacement), DNS_NAPTR, on_naptr, q);
	else
		end(q, DNS_NOTHING, SLICE_EMPTY);
}

static void on_naptr(void *ctx, enum dns_status status, struct slice octets, uint64_t until_ms)
{
	struct enum_question *q = ctx;
	struct ares_naptr_reply *list = NULL;

	if (until_ms < q->until_ms)
		q->until_ms = until_ms;
	if (status != DNS_OK)
		end(q, status, SLICE_EMPTY);
	else if (ares_parse_naptr_reply(octets.p, (int)octets.len, &list) != ARES_SUCCESS)
		end(q, DNS_NOTHING, SLICE_EMPTY);
	else
		take(q, list);
	if (list)
		ares_free_data(list);
}

void enum_ask(struct dns *d, struct slice number, const char *zone, enum_done *done, void *ctx)
{
	char name[DNS_NAME_MAX + 1];
	struct enum_question *q;

	if (!enum_name(number, zone, name)) {
		done(ctx, DNS_NOTHING, SLICE_EMPTY, UINT64_MAX);
		return;
	}
	q = malloc(sizeof(*q));
	if (!q) {
		done(ctx, DNS_FAILED, SLICE_EMPTY, 0);
		return;
	}
	*q = (struct enum_question){
		.d = d, .done = done, .ctx = ctx, .until_ms = UINT64_MAX, .len = number.len};
	memcpy(q->number, number.p, number.len);
	dns_ask(d, slice_str(name), DNS_NAPTR, on_naptr, q);
}
