/* provision.c - the `sub ...` commands of the HSS's admin socket */
#include "hss/provision.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "hss/criteria.h"
#include "hss/decide.h"
#include "hss/entry.h"
#include "hss/export.h"
#include "hss/import.h"
#include "hss/psi_command.h"
#include "hss/service.h"

enum {
	TRIES = 5, /* of a transaction, when Cx changes what it has read */
	SENTENCE_MAX = ENTRY_ERROR_MAX + 64,
	IMPIS_SHOWN_MAX = 16,
};

/* One command under way, on the heap: it holds secrets and is wiped as a whole. */
struct job {
	struct provision *p;
	const struct admin_request *r;
	struct json *out;
	struct entry entry;
	struct store_subscriber old;
	struct store_impi impi;
	struct store_tie tie;
	uint32_t n_set;
	struct store_impu set[SET_IMPUS_MAX]; /* before the change */
	bool deregister, changed;
	bool by_impi; /* others stay registered with the set */
	enum cx_reason reason;
	const char *info;
	uint32_t n_associated;
	char associated[HSS_ASSOCIATED_MAX][IMPI_MAX + 1];
	char error[SENTENCE_MAX]; /* why a step refused, "" if the store says it all */
	const char *hint;
};

static const char *state_name(enum store_state state)
{
	switch (state) {
	case STORE_REGISTERED:
		return "registered";
	case STORE_UNREGISTERED:
		return "unregistered";
	default:
		return "not_registered";
	}
}

static void answer_failure(struct json *out, enum store_result r, const char *sentence,
			   const char *hint)
{
	switch (r) {
	case STORE_NONE:
		admin_error(out, "not_found", *sentence ? sentence : "no such subscriber",
			    hint ? hint : "sakerctl sub list");
		break;
	case STORE_EXISTS:
		admin_error(out, "exists", *sentence ? sentence : "it is there already", hint);
		break;
	case STORE_BUSY:
		admin_error(out, "busy", "the store is busy", "try again");
		break;
	default:
		admin_error(out, *sentence ? "invalid" : "store",
			    *sentence ? sentence : "the store failed",
			    *sentence
				    ? hint
				    : "see the log of the HSS: is the disk full or read-only?");
		break;
	}
}

static void answer_done(struct json *out, const char *what, const char *name)
{
	json_object(out, NULL);
	json_str(out, what, name);
	json_end_object(out);
}

static struct job *job_new(struct provision *p, const struct admin_request *r, struct json *out)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j) {
		admin_error(out, "memory", "no memory", NULL);
		return NULL;
	}
	j->p = p;
	j->r = r;
	j->out = out;
	return j;
}

static void job_free(struct job *j)
{
	OPENSSL_cleanse(j, sizeof(*j));
	free(j);
}

/* The step in one transaction. Cx does not stop meanwhile: where it came in between, once more.
 */
static enum store_result transact(struct job *j, enum store_result (*step)(struct job *j))
{
	enum store_result r = STORE_BUSY;

	for (int i = 0; r == STORE_BUSY && i < TRIES; i++) {
		*j->error = 0;
		r = store_begin(j->p->store, STORE_PROVISION);
		if (r != STORE_OK)
			return r;
		r = step(j);
		if (r == STORE_OK)
			r = store_commit(j->p->store);
		if (r != STORE_OK)
			store_rollback(j->p->store);
	}
	return r;
}

static enum store_result refuse(struct job *j, const char *key, const char *sentence)
{
	snprintf(j->error, sizeof(j->error), "%s%s%s", key ? key : "", key ? ": " : "",
		 sentence);
	return STORE_FAIL;
}

static struct entry_defaults defaults_of(const struct provision *p)
{
	struct entry_defaults d = {.realm = p->conf->realm};

	memcpy(d.amf, p->conf->hss.amf, sizeof(d.amf));
	return d;
}

/* One KEY=VALUE. A word that is none may be a key that lost its name: it is not quoted. */
static enum store_result take_word(struct job *j, int i)
{
	struct slice word = slice_str(j->r->word[i]);
	uint32_t equals = slice_find(word, '=');
	struct slice name = slice_sub(word, 0, equals);
	char error[ENTRY_ERROR_MAX], sentence[ENTRY_ERROR_MAX];
	const char *near;
	int key;

	if (equals == word.len) {
		snprintf(sentence, sizeof(sentence), "word %d is not KEY=VALUE", i + 1);
		return refuse(j, NULL, sentence);
	}
	key = entry_key(name);
	if (key < 0) {
		near = entry_key_near(name);
		snprintf(sentence, sizeof(sentence), "word %d has an unknown key%s%s", i + 1,
			 near ? "; perhaps " : "", near ? near : "");
		return refuse(j, NULL, sentence);
	}
	if (entry_set(&j->entry, (enum entry_key)key, slice_from(word, equals + 1), error))
		return STORE_OK;
	return refuse(j, entry_key_name((enum entry_key)key), error);
}

/* The IMPI and all KEY=VALUE of the command. */
static enum store_result take_words(struct job *j)
{
	enum store_result r = STORE_OK;
	char error[ENTRY_ERROR_MAX];

	entry_clear(&j->entry);
	if (!entry_set(&j->entry, ENTRY_IMPI, slice_str(j->r->word[2]), error))
		return refuse(j, "IMPI", error);
	for (int i = 3; r == STORE_OK && i < j->r->n_words; i++)
		r = take_word(j, i);
	return r;
}

static enum store_result step_add(struct job *j)
{
	struct entry_defaults d = defaults_of(j->p);
	char error[ENTRY_ERROR_MAX];
	enum entry_key where;
	enum store_result r = take_words(j);

	if (r != STORE_OK)
		return r;
	if (!entry_complete(&j->entry, &d, &where, error))
		return refuse(j, entry_key_name(where), error);
	return store_subscriber_put(j->p->store, &j->entry.sub, false, j->error);
}

static void cmd_add(struct job *j)
{
	enum store_result r = transact(j, step_add);

	if (r == STORE_OK)
		answer_done(j->out, "added", j->entry.sub.impi);
	else if (r == STORE_NONE)
		answer_failure(j->out, r, "no such profile",
			       "sakerctl sub profile put NAME FILE");
	else
		answer_failure(j->out, r, j->error,
			       r == STORE_FAIL ? "sakerctl help sub add" : NULL);
}

/* Reads the subscriber, its set and its tie. */
static enum store_result read_subscriber(struct job *j, struct slice impi)
{
	struct store *s = j->p->store;
	enum store_result r = store_find_impi(s, impi, &j->impi);

	if (r == STORE_OK)
		r = store_implicit_set(s, j->impi.implicit_set, j->set, SET_IMPUS_MAX,
				       &j->n_set);
	if (r == STORE_OK)
		r = store_find_tie(s, j->impi.implicit_set, j->impi.id, &j->tie);
	if (r == STORE_OK)
		r = store_set_impis(s, j->impi.implicit_set, j->associated, HSS_ASSOCIATED_MAX,
				    &j->n_associated);
	if (r == STORE_OK)
		r = store_subscriber_get(s, impi, &j->old);
	return r;
}

static const struct store_impu *find_before(const struct job *j, const char *impu)
{
	for (uint32_t i = 0; i < j->n_set; i++)
		if (strcmp(j->set[i].impu, impu) == 0)
			return &j->set[i];
	return NULL;
}

static bool is_served(const struct job *j)
{
	return j->n_set && *j->set[0].scscf;
}

/* The user shall register again, and find an S-CSCF then; one who is not registered has nothing
 * to do again. */
static void end_by_change(struct job *j, const char *info)
{
	j->deregister = true;
	j->reason = j->n_set && j->set[0].state == STORE_UNREGISTERED ? CX_REASON_REMOVE_S_CSCF
								      : CX_REASON_SERVER_CHANGE;
	j->info = info;
}

/* The S-CSCF of now was chosen by other capabilities (TS 29.228 §6.1.3.1, SERVER_CHANGE). */
static bool wants_other_scscf(const struct store_service *now, const struct store_service *old)
{
	return now->n_mandatory != old->n_mandatory ||
	       memcmp(now->mandatory, old->mandatory, sizeof(now->mandatory)) != 0;
}

static bool list_differs(const struct store_service *now, const struct store_service *old,
			 enum entry_key key)
{
	uint8_t a[STORE_HOST_MAX + 1], b[STORE_HOST_MAX + 1];
	uint32_t n = service_count(now, key);
	bool differs = n != service_count(old, key);

	for (uint32_t i = 0; i < n && !differs; i++) {
		struct text ta = text_in(a, sizeof(a)), tb = text_in(b, sizeof(b));

		service_put_item(now, key, i, &ta);
		service_put_item(old, key, i, &tb);
		differs = !slice_eq(text_slice(&ta), text_slice(&tb));
	}
	return differs;
}

static bool charging_differs(const struct store_service *now, const struct store_service *old)
{
	return list_differs(now, old, ENTRY_CCF) || list_differs(now, old, ENTRY_ECF);
}

/* What the S-CSCF must hear. A set that loses an identity, or in which one becomes barred, is
 * registered no longer: PPR can do neither (TS 29.228 §6.6.1). */
static void compare(struct job *j)
{
	const struct store_subscriber *now = &j->entry.sub, *old = &j->old;
	uint32_t kept = 0;

	j->deregister = j->changed = false;
	for (uint32_t i = 0; i < now->n_impus; i++) {
		const struct store_impu *before = find_before(j, now->impu[i]);

		kept += before != NULL;
		if (before && now->barred[i] && !before->barred) {
			j->deregister = true;
			j->reason = CX_REASON_PERMANENT_TERMINATION;
			j->info = "barred";
		}
		j->changed |= !before || now->barred[i] != before->barred;
	}
	for (uint32_t i = 0; i < now->n_impus && i < old->n_impus; i++)
		j->changed |= strcmp(now->impu_profile[i], old->impu_profile[i]) != 0;
	if (kept < j->n_set && !j->deregister)
		end_by_change(j, "identities changed");
	if (!j->deregister && wants_other_scscf(&now->service, &old->service))
		end_by_change(j, "capabilities changed");
	j->changed |= strcmp(now->profile, old->profile) != 0 ||
		      strcmp(now->display_name, old->display_name) != 0 ||
		      charging_differs(&now->service, &old->service);
	j->deregister &= is_served(j);
	j->changed &= is_served(j) && !j->deregister;
}

static enum store_result end_registration(struct job *j)
{
	int64_t set = j->impi.implicit_set;
	enum store_result r =
		store_assign(j->p->store, set, STORE_NOT_REGISTERED, SLICE_EMPTY, SLICE_EMPTY);

	if (r == STORE_OK)
		r = store_untie(j->p->store, set);
	return r == STORE_OK ? store_restorations_del(j->p->store, set) : r;
}

static enum store_result step_set(struct job *j)
{
	struct entry_defaults d = defaults_of(j->p);
	char error[ENTRY_ERROR_MAX];
	enum entry_key where;
	enum store_result r = take_words(j);

	if (r == STORE_OK)
		r = read_subscriber(j, slice_str(j->entry.sub.impi));
	if (r != STORE_OK)
		return r;
	if (!entry_change(&j->entry, &j->old, &d, &where, error))
		return refuse(j, entry_key_name(where), error);
	r = store_subscriber_put(j->p->store, &j->entry.sub, true, j->error);
	/* The subscriber was found: what is missing is a profile. */
	if (r == STORE_NONE)
		return refuse(j, NULL, "no such profile");
	compare(j);
	if (r == STORE_OK && j->deregister)
		r = end_registration(j);
	return r;
}

static void tell_ended(struct job *j)
{
	struct ended e = {
		.impus = j->set,
		.n = j->n_set,
		.impi = j->impi.impi,
		.associated = (const char(*)[IMPI_MAX + 1]) j->associated,
		.by_impi = j->by_impi,
		.reason = j->reason,
		.info = j->info,
	};

	/* The others, in the places of all. */
	for (uint32_t i = 0; !j->by_impi && i < j->n_associated; i++)
		if (strcmp(j->associated[i], j->impi.impi) != 0)
			memmove(j->associated[e.n_associated++], j->associated[i],
				sizeof(j->associated[0]));
	j->p->deregister(j->p->ctx, &e);
}

static void tell(struct job *j)
{
	struct provision *p = j->p;

	if (j->deregister && p->deregister)
		tell_ended(j);
	if (j->changed && p->push_set)
		p->push_set(p->ctx, j->impi.implicit_set);
	pnr_set_changed(p->pnr, j->impi.implicit_set);
}

static void cmd_set(struct job *j)
{
	enum store_result r = transact(j, step_set);

	if (r != STORE_OK) {
		answer_failure(j->out, r, j->error,
			       r == STORE_FAIL ? "sakerctl help sub set" : NULL);
		return;
	}
	log_event(LOG_INFO, "provision", "changed", LOG_Z("impi", j->impi.impi));
	tell(j);
	answer_done(j->out, "changed", j->impi.impi);
}

static enum store_result step_del(struct job *j)
{
	enum store_result r = read_subscriber(j, slice_str(j->r->word[2]));

	if (r != STORE_OK)
		return r;
	/* While other private identities stay registered with the set, only its own
	 * registration ends. */
	j->deregister = is_served(j) && (j->tie.registered || j->tie.others == 0);
	j->by_impi = j->tie.others != 0;
	j->reason = j->n_set && j->set[0].state == STORE_UNREGISTERED
			    ? CX_REASON_REMOVE_S_CSCF
			    : CX_REASON_PERMANENT_TERMINATION;
	j->info = "subscription ended";
	return store_subscriber_del(j->p->store, slice_str(j->impi.impi));
}

static void cmd_del(struct job *j)
{
	enum store_result r = transact(j, step_del);

	if (r != STORE_OK) {
		answer_failure(j->out, r, "", NULL);
		return;
	}
	log_event(LOG_INFO, "provision", "deleted", LOG_Z("impi", j->impi.impi));
	tell(j);
	answer_done(j->out, "deleted", j->impi.impi);
}

/* In the order of enum cx_reason. */
static const char *const reason_name[] = {"permanent_termination", "new_server_assigned",
					  "server_change", "remove_scscf"};

static bool take_reason(struct job *j)
{
	const char *word = j->r->n_words > 3 ? j->r->word[3] : reason_name[0];

	for (uint32_t i = 0; i < sizeof(reason_name) / sizeof(reason_name[0]); i++)
		if (strcmp(word, reason_name[i]) == 0) {
			j->reason = (enum cx_reason)i;
			return true;
		}
	return false;
}

/* Only this private identity's part of it, where others share the set. */
static enum store_result end_part(struct job *j)
{
	struct store *s = j->p->store;
	int64_t set = j->impi.implicit_set;
	enum store_result r = store_tie(s, set, j->impi.id, false, false);

	return r == STORE_OK ? store_restoration_put(s, set, j->impi.id, SLICE_EMPTY) : r;
}

static enum store_result find_by_word(struct job *j, char (*impis)[IMPI_MAX + 1], uint32_t *n);

static enum store_result step_dereg(struct job *j)
{
	char impis[IMPIS_SHOWN_MAX][IMPI_MAX + 1];
	uint32_t n = 0;
	enum store_result r = find_by_word(j, impis, &n);

	if (r != STORE_OK)
		return r;
	j->deregister = is_served(j);
	j->by_impi = strcmp(j->r->word[2], j->impi.impi) == 0;
	if (!j->deregister)
		return refuse(j, NULL, "nobody serves this user");
	return j->by_impi && j->tie.others ? end_part(j) : end_registration(j);
}

static void cmd_dereg(struct job *j)
{
	enum store_result r;

	if (!take_reason(j)) {
		admin_error(j->out, "usage",
			    "a reason is permanent_termination, new_server_assigned, "
			    "server_change or remove_scscf",
			    NULL);
		return;
	}
	r = transact(j, step_dereg);
	if (r != STORE_OK) {
		answer_failure(j->out, r, j->error, NULL);
		return;
	}
	log_event(LOG_INFO, "provision", "deregistered", LOG_Z("impi", j->impi.impi));
	tell(j);
	answer_done(j->out, "deregistered", j->impi.impi);
}

static void show_identities(struct job *j)
{
	json_array(j->out, "rows");
	for (uint32_t i = 0; i < j->n_set; i++) {
		const char *profile = j->old.impu_profile[i];

		json_object(j->out, NULL);
		json_str(j->out, "impu", j->set[i].impu);
		json_str(j->out, "state", state_name(j->set[i].state));
		json_str(j->out, "scscf", j->set[i].scscf);
		json_bool(j->out, "barred", j->set[i].barred);
		json_str(j->out, "profile", *profile ? profile : j->old.profile);
		json_str(j->out, "display", j->set[i].display_name);
		json_end_object(j->out);
	}
	json_end_array(j->out);
}

static void show_auth(struct json *out, const struct store_subscriber *s)
{
	json_array(out, "auth");
	if (s->auth & STORE_AUTH_AKA)
		json_str(out, NULL, "aka");
	if (s->auth & STORE_AUTH_DIGEST)
		json_str(out, NULL, "digest");
	if (s->auth & STORE_AUTH_GIBA)
		json_str(out, NULL, "giba");
	json_end_array(out);
}

static void show_service(struct json *out, const struct store_service *v)
{
	for (int key = 0; key < ENTRY_KEYS_MAX; key++) {
		if (!service_has((enum entry_key)key))
			continue;
		json_array(out, entry_key_name((enum entry_key)key));
		for (uint32_t i = 0; i < service_count(v, (enum entry_key)key); i++) {
			uint8_t memory[STORE_HOST_MAX + 1];
			struct text t = text_in(memory, sizeof(memory));

			service_put_item(v, (enum entry_key)key, i, &t);
			json_slice(out, NULL, text_slice(&t));
		}
		json_end_array(out);
	}
}

static void show_aka(struct json *out, const struct store_subscriber *s)
{
	uint8_t memory[16];
	struct text t = text_in(memory, sizeof(memory));

	if (!(s->auth & STORE_AUTH_AKA))
		return;
	text_hex_bytes(&t, slice_of(s->amf, sizeof(s->amf)));
	json_slice(out, "amf", text_slice(&t));
	t.len = 0;
	text_hex(&t, s->sqn, 12);
	json_slice(out, "sqn", text_slice(&t));
}

static void show(struct job *j, const char (*impis)[IMPI_MAX + 1], uint32_t n)
{
	const struct store_subscriber *s = &j->old;
	struct json *out = j->out;

	json_object(out, NULL);
	show_identities(j);
	json_str(out, "impi", s->impi);
	json_bool(out, "registered", j->tie.registered);
	json_array(out, "sharing");
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(impis[i], s->impi) != 0)
			json_str(out, NULL, impis[i]);
	json_end_array(out);
	json_str(out, "subscription", s->subscription);
	show_service(out, &s->service);
	show_auth(out, s);
	show_aka(out, s);
	if (*s->giba)
		json_str(out, "giba", s->giba);
	json_str(out, "realm", s->digest_realm);
	json_array(out, "visited");
	for (uint32_t i = 0; i < s->n_visited; i++)
		json_str(out, NULL, s->visited[i]);
	json_end_array(out);
	json_end_object(out);
}

/* A public identity stands for the first private one of its set. */
static enum store_result find_by_word(struct job *j, char (*impis)[IMPI_MAX + 1], uint32_t *n)
{
	struct slice word = slice_str(j->r->word[2]);
	char impu[IMPU_MAX + 1];
	enum store_result r = read_subscriber(j, word);

	if (r == STORE_NONE && hss_canonical(word, impu)) {
		r = store_find_impu(j->p->store, slice_str(impu), &j->set[0]);
		if (r == STORE_OK)
			r = store_set_impis(j->p->store, j->set[0].implicit_set, impis, 1, n);
		if (r == STORE_OK)
			r = *n ? read_subscriber(j, slice_str(impis[0])) : STORE_NONE;
	}
	if (r == STORE_OK)
		r = store_set_impis(j->p->store, j->impi.implicit_set, impis, IMPIS_SHOWN_MAX,
				    n);
	return r;
}

static void cmd_show(struct job *j)
{
	char impis[IMPIS_SHOWN_MAX][IMPI_MAX + 1];
	enum store_result r = store_begin(j->p->store, STORE_READ);
	uint32_t n = 0;

	if (r == STORE_OK)
		r = find_by_word(j, impis, &n);
	store_rollback(j->p->store);
	if (r == STORE_OK)
		show(j, (const char(*)[IMPI_MAX + 1]) impis, n);
	else
		answer_failure(j->out, r, "", NULL);
}

/* The word behind `name`; NULL if the option is not there. */
static const char *option(const struct admin_request *r, const char *name)
{
	for (int i = 2; i + 1 < r->n_words; i++)
		if (strcmp(r->word[i], name) == 0)
			return r->word[i + 1];
	return NULL;
}

static bool flag(const struct admin_request *r, const char *name)
{
	for (int i = 2; i < r->n_words; i++)
		if (strcmp(r->word[i], name) == 0)
			return true;
	return false;
}

/* Each word is a flag of the list, or, marked by ':' there, an option with its value. */
static bool only_options(struct job *j, const char *const *known)
{
	for (int i = 2; i < j->r->n_words; i++) {
		const char *const *k = known;

		while (*k && strcmp(*k + (**k == ':'), j->r->word[i]) != 0)
			k++;
		if (*k && **k == ':')
			i++;
		if (!*k || i >= j->r->n_words) {
			admin_error(j->out, "usage",
				    *k ? "an option wants a value" : "unknown option or word",
				    "sakerctl help sub");
			return false;
		}
	}
	return true;
}

struct listing {
	struct job *j;
	uint64_t left;
	bool more;
};

static bool list_one(void *ctx, const struct store_subscriber *s)
{
	struct listing *l = ctx;
	struct job *j = l->j;
	struct json *out = j->out;
	struct store_impu *first = &j->set[0];

	l->more = l->left == 0;
	if (l->more)
		return false;
	l->left--;
	if (s->n_impus == 0 ||
	    store_find_impu(j->p->store, slice_str(s->impu[0]), first) != STORE_OK)
		*first = (struct store_impu){0};
	json_object(out, NULL);
	json_str(out, "impi", s->impi);
	json_str(out, "impu", first->impu);
	json_u64(out, "identities", s->n_impus);
	json_str(out, "state", state_name(first->state));
	json_str(out, "scscf", first->scscf);
	json_str(out, "profile", s->profile);
	json_end_object(out);
	return true;
}

static void cmd_list(struct job *j)
{
	static const char *const known[] = {":--limit", ":--from", NULL};
	const char *from = option(j->r, "--from"), *text = option(j->r, "--limit");
	struct listing l = {.j = j, .left = PROVISION_LIST_DEFAULT};
	enum store_result r;

	if (!only_options(j, known))
		return;
	if (text && !slice_u64(slice_str(text), PROVISION_LIST_MAX, &l.left)) {
		admin_error(j->out, "usage", "--limit wants a number up to 100000", NULL);
		return;
	}
	/* Rows are under way when it fails: the answer is then cut short by a note. */
	json_object(j->out, NULL);
	json_array(j->out, "rows");
	r = store_begin(j->p->store, STORE_READ);
	if (r == STORE_OK)
		r = store_subscriber_each(j->p->store, slice_str(from ? from : ""), list_one,
					  &l);
	store_rollback(j->p->store);
	json_end_array(j->out);
	if (r != STORE_OK)
		json_str(j->out, "note", "the store failed: this is not all");
	else if (l.more)
		json_str(j->out, "note", "there are more: --limit N, or --from the last IMPI");
	json_end_object(j->out);
}

static void describe_wrong(const struct import_wrong *w, char out[SENTENCE_MAX])
{
	if (w->line)
		snprintf(out, SENTENCE_MAX, "line %u, column %u: %s%s%s", w->line, w->column,
			 w->key ? w->key : "", w->key ? ": " : "", w->sentence);
	else
		snprintf(out, SENTENCE_MAX, "%s", w->sentence);
}

static void answer_import(struct json *out, const struct import_result *result)
{
	json_object(out, NULL);
	json_u64(out, "imported", result->imported);
	json_u64(out, "skipped", result->skipped);
	if (result->n_wrong) {
		json_array(out, "rows");
		for (uint32_t i = 0; i < result->n_wrong; i++) {
			const struct import_wrong *w = &result->wrong[i];

			json_object(out, NULL);
			json_u64(out, "line", w->line);
			json_u64(out, "column", w->column);
			json_str(out, "key", w->key ? w->key : "");
			json_str(out, "error", w->sentence);
			json_end_object(out);
		}
		json_end_array(out);
	}
	json_end_object(out);
}

static void cmd_import(struct job *j)
{
	static const char *const known[] = {"--skip-errors", NULL};
	struct entry_defaults d = defaults_of(j->p);
	struct import_result result;
	char sentence[SENTENCE_MAX];

	if (!only_options(j, known))
		return;
	if (import_run(j->p->store, &d, j->r->payload, flag(j->r, "--skip-errors"), &result)) {
		log_event(LOG_INFO, "provision", "imported",
			  LOG_U("subscribers", result.imported),
			  LOG_U("skipped", result.skipped));
		answer_import(j->out, &result);
		return;
	}
	describe_wrong(&result.wrong[0], sentence);
	admin_error(j->out, result.wrong[0].line ? "invalid" : "store", sentence,
		    "nothing was imported; --skip-errors takes what is sound");
}

static void cmd_export(struct job *j)
{
	static const char *const known[] = {":--format", "--with-secrets", NULL};
	const char *format = option(j->r, "--format");
	bool secrets = flag(j->r, "--with-secrets");
	enum store_result r;
	struct json data;

	if (!only_options(j, known))
		return;
	if (format && strcmp(format, "csv") != 0 && strcmp(format, "json") != 0) {
		admin_error(j->out, "usage", "--format is csv or json", NULL);
		return;
	}
	json_init(&data);
	r = export_run(j->p->store, format && *format == 'j' ? EXPORT_JSON : EXPORT_CSV,
		       secrets, &data);
	if (r == STORE_OK) {
		if (secrets)
			log_event(LOG_WARN, "provision", "secrets_exported");
		json_object(j->out, NULL);
		json_slice(j->out, "data", slice_of(data.p, data.len));
		json_end_object(j->out);
	} else {
		answer_failure(j->out, r, "", NULL);
	}
	if (data.p)
		OPENSSL_cleanse(data.p, data.cap);
	json_free(&data);
}

static void cmd_psi(struct job *j)
{
	psi_command(j->p->store, j->r, j->out);
}

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (!ascii_is_alpha((uint8_t)name[i]) && !ascii_is_digit((uint8_t)name[i]) &&
		    !strchr("._-@+", name[i]))
			return false;
	return len > 0 && len <= STORE_NAME_MAX;
}

/* cn-services=N: the core network services authorisation (TS 29.228 Annex B.2.1A). */
static bool take_cn_services(struct job *j, int32_t *out)
{
	struct slice key = SLICE("cn-services=");
	uint64_t value;

	*out = -1;
	if (j->r->n_words == 4)
		return true;
	struct slice word = slice_str(j->r->word[4]);
	if (j->r->n_words > 5 || !slice_starts(word, key) ||
	    !slice_u64(slice_from(word, key.len), INT32_MAX, &value))
		return false;
	*out = (int32_t)value;
	return true;
}

static void put_profile(struct job *j, const char *name, int32_t cn_services)
{
	struct provision *p = j->p;
	char error[CRITERIA_ERROR_MAX];
	struct slice elements;
	enum store_result r;
	uint32_t services;
	bool known;
	int64_t id;

	if (!criteria_check(j->r->payload, &elements, &services, error)) {
		admin_error(j->out, "invalid", error,
			    "InitialFilterCriteria elements of TS 29.228 Annex E");
		return;
	}
	known = store_profile_named(p->store, name, &id) == STORE_OK;
	r = store_profile_put(p->store, name, elements, cn_services, services);
	if (r != STORE_OK) {
		answer_failure(j->out, r, "", NULL);
		return;
	}
	log_event(LOG_INFO, "provision", "profile_put", LOG_Z("profile", name));
	if (known && p->push_profile)
		p->push_profile(p->ctx, id);
	if (known)
		pnr_all_changed(p->pnr);
	answer_done(j->out, "profile", name);
}

static void cmd_profile(struct job *j)
{
	int32_t cn_services;

	if (strcmp(j->r->word[2], "put") != 0 || j->r->n_words < 4)
		admin_error(j->out, "usage",
			    "sub profile put NAME [cn-services=N], with the XML",
			    "sakerctl help sub profile");
	else if (!is_name(j->r->word[3]))
		admin_error(j->out, "invalid",
			    "not the name of a profile: letters, digits and . _ - @ +", NULL);
	else if (!take_cn_services(j, &cn_services))
		admin_error(j->out, "usage", "behind the name only cn-services=N may stand",
			    NULL);
	else
		put_profile(j, j->r->word[3], cn_services);
}

static const struct {
	const char *verb;
	int least, most; /* words, "sub" and the verb included */
	void (*run)(struct job *j);
} command[] = {
	{"add", 4, ADMIN_WORDS_MAX, cmd_add},
	{"show", 3, 3, cmd_show},
	{"set", 4, ADMIN_WORDS_MAX, cmd_set},
	{"del", 3, 3, cmd_del},
	{"dereg", 3, 4, cmd_dereg},
	{"psi", 3, 5, cmd_psi},
	{"list", 2, 6, cmd_list},
	{"import", 2, 3, cmd_import},
	{"export", 2, 5, cmd_export},
	{"profile", 3, ADMIN_WORDS_MAX, cmd_profile},
};

enum { COMMANDS = sizeof(command) / sizeof(command[0]) };

void provision_command(struct provision *p, const struct admin_request *r, struct json *out)
{
	size_t i = 0;
	struct job *j;

	while (i < COMMANDS && (r->n_words < 2 || strcmp(r->word[1], command[i].verb) != 0))
		i++;
	if (i == COMMANDS) {
		admin_error(out, "unknown_command", "no such command for subscribers",
			    "sub add, show, set, del, dereg, list, import, export, profile "
			    "put, psi");
		return;
	}
	if (r->n_words < command[i].least || r->n_words > command[i].most) {
		admin_error(out, "usage", "too few or too many words", "sakerctl help sub");
		return;
	}
	j = job_new(p, r, out);
	if (!j)
		return;
	command[i].run(j);
	job_free(j);
}
