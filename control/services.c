/* services.c - the service profiles of registered users (TS 29.228 §B.2.1) */
#define _GNU_SOURCE
#include "control/services.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/admin.h"
#include "base/hash.h"
#include "base/log.h"
#include "control/userdata.h"
#include "criteria/explain.h"
#include "criteria/shared.h"
#include "sip/parse.h"

enum { ERROR_MAX = 256, SEEN_MAX = 4096 /* a power of two */ };

struct services {
	struct criteria_document shared;
	/* Profiles that were looked at, by what is in them; one in the place of another is
	 * looked at, and told of, again. */
	uint64_t seen[SEEN_MAX];
	struct criteria_compiled compiled; /* scratch */
};

struct first_error {
	const char *file;
	char *error;
	bool any;
};

static void keep_first(void *ctx, long line, const char *sentence)
{
	struct first_error *f = ctx;

	if (!f->any)
		snprintf(f->error, ERROR_MAX, "%.100s:%ld: %.120s", f->file, line, sentence);
	f->any = true;
}

struct services *services_open(const char *shared_file, char *error)
{
	struct services *s = calloc(1, sizeof(*s));
	struct first_error first = {.file = shared_file, .error = error};
	struct criteria_report report = {keep_first, &first};
	bool good;

	if (!s) {
		snprintf(error, ERROR_MAX, "no memory");
		return NULL;
	}
	if (!*shared_file)
		return s;
	good = criteria_read_file(shared_file, &report, &s->shared);
	for (uint32_t i = 0; good && i < s->shared.n_profile; i++)
		good = criteria_compile(s->shared.profile[i], &report, &s->compiled);
	/* The operator's own file is right or nothing starts. */
	if (good && !first.any)
		return s;
	if (!first.any)
		snprintf(error, ERROR_MAX, "no memory");
	services_close(s);
	return NULL;
}

void services_close(struct services *s)
{
	if (!s)
		return;
	criteria_free(&s->shared);
	free(s);
}

/* Up to the element's end, or to the end of the text. */
static struct slice behind(struct slice text, struct slice end)
{
	const uint8_t *p = text.len ? memmem(text.p, text.len, end.p, end.len) : NULL;

	return p ? slice_from(text, (uint32_t)(p - text.p) + end.len)
		 : slice_from(text, text.len);
}

static uint64_t hash_piece(uint64_t h, struct slice piece)
{
	/* No secret: what is mistaken for something seen is told of once less. */
	static const struct hash_key key = {0x736572766963650aull, 0x70726f66696c650aull};
	uint64_t pair[2] = {h, hash_table(&key, piece.p, piece.len)};

	return hash_table(&key, pair, sizeof(pair));
}

/* Of all but who the user is: the same for all who have the profile. */
static uint64_t hash_profiles(struct slice xml)
{
	static const struct slice begin = {(const uint8_t *)"<P", 2};
	uint64_t h = 1;

	while (xml.len) {
		const uint8_t *p = memmem(xml.p, xml.len, begin.p, begin.len);
		struct slice piece = p ? slice_between(xml.p, p) : xml, rest;

		h = hash_piece(h, piece);
		rest = slice_from(xml, piece.len);
		if (slice_starts(rest, SLICE("<PublicIdentity>")))
			xml = behind(rest, SLICE("</PublicIdentity>"));
		else if (slice_starts(rest, SLICE("<PrivateID>")))
			xml = behind(rest, SLICE("</PrivateID>"));
		else
			xml = slice_from(rest, begin.len);
	}
	return h;
}

static void tell_event(void *ctx, long line, const char *sentence)
{
	log_event(LOG_WARN, "services", "criterion_refused", LOG_Z("impi", (const char *)ctx),
		  LOG_I("line", line), LOG_Z("why", sentence));
}

void services_look(struct services *s, const char *impi, struct slice user_data)
{
	struct criteria_report report = {tell_event, (void *)(uintptr_t)impi};
	struct criteria_document d;
	uint64_t hash;

	if (!s || user_data.len == 0)
		return;
	hash = hash_profiles(user_data);
	if (s->seen[hash % SEEN_MAX] == hash)
		return;
	s->seen[hash % SEEN_MAX] = hash;
	if (!criteria_read(user_data, &report, &d))
		return;
	for (uint32_t i = 0; i < d.n_profile; i++) {
		criteria_share(d.profile[i], &s->shared, &report);
		if (!criteria_compile(d.profile[i], &report, &s->compiled))
			tell_event(report.ctx, 0, "no memory");
	}
	criteria_free(&d);
}

/* The service profile of an identity that the set has. */
static struct criteria *profile_of(const struct criteria_document *d,
				   const struct registration_set *set, const char *impu)
{
	struct userdata *u = malloc(sizeof(*u));
	struct criteria *found = NULL;
	int i = -1;

	if (u && userdata_decode(slice_str(set->user_data), u) == USERDATA_OK)
		i = userdata_find(u, impu);
	if (i >= 0 && u->identity[i].profile < d->n_profile)
		found = d->profile[u->identity[i].profile];
	free(u);
	return found;
}

static void put_rows(struct services *s, struct criteria *profile, const struct sip_msg *m,
		     const struct ifc_ask *ask, struct json *out)
{
	criteria_share(profile, &s->shared, NULL);
	if (!criteria_compile(profile, NULL, &s->compiled)) {
		admin_error(out, "no_memory", "out of memory", NULL);
		return;
	}
	json_object(out, NULL);
	json_array(out, "rows");
	explain_criteria(profile, &s->compiled, m, ask, out);
	json_end_array(out);
	json_end_object(out);
}

void services_explain(struct services *s, const struct registration_set *set, const char *impu,
		      const char *session_case, const char *registration, struct slice request,
		      struct json *out)
{
	struct sip_msg *m = malloc(sizeof(*m));
	const char *wrong = "the message is no request that can be read";
	struct criteria_document d = {0};
	struct criteria *profile;
	struct ifc_ask ask;

	if (m && sip_parse(request, m) == SIP_OK && sip_is_request(m))
		wrong = explain_ask(session_case, registration, m, &ask);
	if (!m || wrong) {
		admin_error(out, m ? "message" : "no_memory", m ? wrong : "out of memory",
			    NULL);
		free(m);
		return;
	}
	profile = set->user_data && criteria_read(slice_str(set->user_data), NULL, &d)
			  ? profile_of(&d, set, impu)
			  : NULL;
	if (profile)
		put_rows(s, profile, m, &ask, out);
	else
		admin_error(out, "no_profile", "the user has no service profile here",
			    "the S-CSCF that the user is registered at has it");
	criteria_free(&d);
	free(m);
}
