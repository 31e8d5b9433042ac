/* psi.c - public service identities that an Application Server hosts itself */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "hss/psi.h"

#include <pcre2.h>
#include <stdio.h>

#include "base/log.h"
#include "base/text.h"
#include "hss/decide.h"
#include "sip/uri.h"

/* What one match may cost: an expression of an operator meets identities of strangers. */
enum { STEPS_MAX = 20000, DEPTH_MAX = 1000, PATTERN_MAX = 4 * IMPU_MAX };

static bool refuse(char *error, const char *sentence)
{
	snprintf(error, STORE_ERROR_MAX, "%s", sentence);
	return false;
}

static void put_literal(struct text *t, struct slice s)
{
	for (uint32_t i = 0; i < s.len; i++) {
		if (!ascii_is_alpha(s.p[i]) && !ascii_is_digit(s.p[i]))
			text_char(t, '\\');
		text_char(t, s.p[i]);
	}
}

/* The parts before, between and behind the exclamation marks. */
static bool split(struct slice s, struct slice part[3])
{
	uint32_t first = slice_find(s, '!'), second;

	if (first == s.len)
		return false;
	second = first + 1 + slice_find(slice_from(s, first + 1), '!');
	if (second >= s.len)
		return false;
	part[0] = slice_sub(s, 0, first);
	part[1] = slice_sub(s, first + 1, second - first - 1);
	part[2] = slice_from(s, second + 1);
	return part[1].len && slice_find(part[2], '!') == part[2].len;
}

static pcre2_code *compile(struct slice identity)
{
	uint8_t memory[PATTERN_MAX];
	struct text t = text_in(memory, sizeof(memory));
	struct slice part[3];
	PCRE2_SIZE offset;
	int code;

	if (!split(identity, part))
		return NULL;
	text_lit(&t, "^");
	put_literal(&t, part[0]);
	text_lit(&t, "(?:");
	text_put(&t, part[1]);
	text_lit(&t, ")");
	put_literal(&t, part[2]);
	text_lit(&t, "$");
	if (t.overflow)
		return NULL;
	return pcre2_compile(memory, t.len, PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY,
			     &code, &offset, NULL);
}

static bool check_wildcard(struct slice s, char out[IMPU_MAX + 1], char *error)
{
	pcre2_code *code;

	if (s.len > IMPU_MAX || memchr(s.p, 0, s.len) || slice_find(s, ' ') < s.len)
		return refuse(error, "not a public identity");
	if (!slice_starts(s, SLICE("sip:")) && !slice_starts(s, SLICE("tel:")))
		return refuse(error, "a wildcarded identity begins with sip: or tel:");
	code = compile(s);
	if (!code)
		return refuse(error, "not a regular expression between two exclamation marks");
	pcre2_code_free(code);
	memcpy(out, s.p, s.len);
	out[s.len] = 0;
	return true;
}

bool psi_check(struct slice identity, char out[IMPU_MAX + 1], bool *wildcard, char *error)
{
	*wildcard = slice_find(identity, '!') < identity.len;
	if (*wildcard)
		return check_wildcard(identity, out, error);
	return hss_canonical(identity, out) ||
	       refuse(error, "not a public identity (sip:user@domain or tel:+digits)");
}

struct search {
	struct slice identity;
	pcre2_match_context *limits;
	char *server, *matched;
	bool found;
};

static bool matches(struct search *x, const char *wildcard)
{
	pcre2_code *code = compile(slice_str(wildcard));
	pcre2_match_data *data = code ? pcre2_match_data_create(1, NULL) : NULL;
	int r = PCRE2_ERROR_NOMEMORY;

	if (data)
		r = pcre2_match(code, x->identity.p, x->identity.len, 0, 0, data, x->limits);
	if (r < 0 && r != PCRE2_ERROR_NOMATCH)
		log_event(LOG_WARN, "psi", "not_matched", LOG_Z("identity", wildcard),
			  LOG_I("code", r));
	pcre2_match_data_free(data);
	pcre2_code_free(code);
	/* 0: it matched, and there was room for less than all groups. */
	return r >= 0;
}

/* False ends the walk. */
static bool try_one(void *ctx, const char *identity, bool wildcard, const char *server)
{
	struct search *x = ctx;

	if (!matches(x, identity))
		return true;
	snprintf(x->server, STORE_HOST_MAX + 1, "%s", server);
	snprintf(x->matched, IMPU_MAX + 1, "%s", identity);
	x->found = true;
	return false;
}

enum store_result psi_find(struct store *s, struct slice identity,
			   char server[STORE_HOST_MAX + 1], char matched[IMPU_MAX + 1],
			   bool *wildcard)
{
	char canonical[IMPU_MAX + 1];
	struct search x = {.server = server, .matched = matched};
	enum store_result r;

	*wildcard = false;
	if (!hss_canonical(identity, canonical))
		return STORE_NONE;
	x.identity = slice_str(canonical);
	r = store_find_psi(s, x.identity, server);
	if (r != STORE_NONE)
		return r;
	x.limits = pcre2_match_context_create(NULL);
	if (!x.limits)
		return STORE_FAIL;
	pcre2_set_match_limit(x.limits, STEPS_MAX);
	pcre2_set_depth_limit(x.limits, DEPTH_MAX);
	r = store_psis(s, true, try_one, &x);
	pcre2_match_context_free(x.limits);
	*wildcard = x.found;
	if (r != STORE_OK)
		return r;
	return x.found ? STORE_OK : STORE_NONE;
}
