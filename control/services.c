/* services.c - the service profiles of registered users (TS 29.228 §B.2.1) */
#define _GNU_SOURCE
#include "control/services.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/admin.h"
#include "base/hash.h"
#include "base/log.h"
#include "control/userdata.h"
#include "criteria/explain.h"
#include "criteria/shared.h"
#include "sip/parse.h"

enum { ERROR_MAX = 256, KNOWN_MAX = 4096 };

/* What one User-Data compiles to, the same for all users with the same profiles. */
struct known {
	uint64_t hash;      /* of the source, without who the user is */
	struct known *next; /* of those that are to be freed */
	uint32_t n;
	struct {
		uint64_t id; /* 0: no services */
		uint32_t at, len;
	} profile[CRITERIA_PROFILES_MAX];
	uint32_t len;
	_Alignas(8) uint8_t octets[];
};

struct services {
	struct criteria_document shared;
	/* Keyed, and not to be guessed: what a foreign HSS sends must not pass for another's
	 * profile. */
	struct hash_key key;
	struct known *known[KNOWN_MAX];    /* each at its hash; another takes its place */
	struct known *replaced;            /* since the last call began */
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

	if (!s || getrandom(&s->key, sizeof(s->key), 0) != sizeof(s->key)) {
		snprintf(error, ERROR_MAX, "no memory or no randomness");
		free(s);
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

static void free_replaced(struct services *s)
{
	while (s->replaced) {
		struct known *k = s->replaced;

		s->replaced = k->next;
		free(k);
	}
}

void services_close(struct services *s)
{
	if (!s)
		return;
	free_replaced(s);
	for (uint32_t i = 0; i < KNOWN_MAX; i++)
		free(s->known[i]);
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

static uint64_t hash_piece(const struct services *s, uint64_t h, struct slice piece)
{
	uint64_t pair[2] = {h, hash_table(&s->key, piece.p, piece.len)};

	return hash_table(&s->key, pair, sizeof(pair));
}

/* Of all but who the user is: the same for all who have the profile. */
static uint64_t hash_profiles(const struct services *s, struct slice xml)
{
	static const struct slice begin = {(const uint8_t *)"<P", 2};
	uint64_t h = 1;

	while (xml.len) {
		const uint8_t *p = memmem(xml.p, xml.len, begin.p, begin.len);
		struct slice piece = p ? slice_between(xml.p, p) : xml, rest;

		h = hash_piece(s, h, piece);
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

static struct known *known_make(uint64_t hash)
{
	struct known *k = calloc(1, sizeof(*k));

	if (k)
		k->hash = hash;
	return k;
}

/* Appends what was compiled last; it may ask for nothing, and then is none. */
static struct known *known_add(struct services *s, struct known *k)
{
	const struct ifc *f = (const struct ifc *)s->compiled.memory;
	uint32_t len = (s->compiled.len + 7) / 8 * 8;
	struct known *larger;

	if (f->n_criteria == 0 && f->n_services == 0 && f->media_profile < 0) {
		k->n++;
		return k;
	}
	larger = realloc(k, sizeof(*k) + k->len + len);
	if (!larger)
		return k;
	k = larger;
	memcpy(k->octets + k->len, s->compiled.memory, s->compiled.len);
	k->profile[k->n].id = hash_piece(s, 0, slice_of(s->compiled.memory, s->compiled.len));
	k->profile[k->n].at = k->len;
	k->profile[k->n].len = s->compiled.len;
	k->len += len;
	k->n++;
	return k;
}

static struct known *compile_all(struct services *s, uint64_t hash, const char *impi,
				 struct slice user_data)
{
	struct criteria_report report = {tell_event, (void *)(uintptr_t)impi};
	struct known *k = known_make(hash);
	struct criteria_document d;

	if (!k || !criteria_read(user_data, &report, &d))
		return k;
	for (uint32_t i = 0; i < d.n_profile && k->n == i; i++) {
		criteria_share(d.profile[i], &s->shared, &report);
		if (criteria_compile(d.profile[i], &report, &s->compiled))
			k = known_add(s, k);
	}
	if (k->n < d.n_profile)
		tell_event(report.ctx, 0, "no memory");
	criteria_free(&d);
	return k;
}

/* NULL: no memory. */
static const struct known *know(struct services *s, const char *impi, struct slice user_data)
{
	uint64_t hash = hash_profiles(s, user_data);
	struct known **place = &s->known[hash % KNOWN_MAX], *k = *place;

	free_replaced(s);
	if (k && k->hash == hash)
		return k;
	k = compile_all(s, hash, impi ? impi : "", user_data);
	if (!k)
		return NULL;
	if (*place) {
		(*place)->next = s->replaced;
		s->replaced = *place;
	}
	*place = k;
	return k;
}

void services_look(struct services *s, const char *impi, struct slice user_data)
{
	if (s && user_data.len)
		know(s, impi, user_data);
}

/* As a rule there is one profile, and it is everybody's. */
static void map_identities(const struct registration_set *set, uint8_t profile[SET_IMPUS_MAX])
{
	struct userdata *u = malloc(sizeof(*u));

	if (u && userdata_decode(slice_str(set->user_data), u) == USERDATA_OK)
		for (uint32_t i = 0; i < set->n_impu; i++) {
			int at = userdata_find(u, set->impu[i]);

			profile[i] = at < 0 ? UINT8_MAX : u->identity[at].profile;
		}
	free(u);
}

void services_of(struct services *s, const struct registration_set *set,
		 struct service_profile profile[SET_IMPUS_MAX])
{
	uint8_t of[SET_IMPUS_MAX] = {0};
	const struct known *k = NULL;

	memset(profile, 0, SET_IMPUS_MAX * sizeof(profile[0]));
	if (s && set->roles & ABI_REG_SCSCF && set->user_data && *set->user_data)
		k = know(s, set->impi, slice_str(set->user_data));
	if (!k)
		return;
	if (k->n > 1)
		map_identities(set, of);
	for (uint32_t i = 0; i < set->n_impu; i++)
		if (of[i] < k->n && k->profile[of[i]].id)
			profile[i] = (struct service_profile){
				k->profile[of[i]].id, slice_of(k->octets + k->profile[of[i]].at,
							       k->profile[of[i]].len)};
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
