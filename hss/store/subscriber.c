/* subscriber.c - put, get, delete and walk subscribers */
#include "store/db.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Names read at a time. */
enum { PAGE = 128 };

/* A put under way. */
struct put {
	struct store *s;
	const struct store_subscriber *sub;
	bool replace;
	struct store_impi old; /* when replacing */
	int64_t subscription, set, profile;
	uint32_t had; /* IMPUs the set had before, if it is joined */
	char *error;
};

static enum store_result refuse(struct put *p, enum store_result r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static enum store_result refuse(struct put *p, enum store_result r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(p->error, STORE_ERROR_MAX, format, args);
	va_end(args);
	return r;
}

static enum store_result check_impi(struct put *p)
{
	enum store_result r = store_find_impi(p->s, slice_str(p->sub->impi), &p->old);

	if (r == STORE_OK && !p->replace)
		return refuse(p, STORE_EXISTS, "the private identity exists: %.200s",
			      p->sub->impi);
	if (r == STORE_NONE && p->replace)
		return refuse(p, STORE_NONE, "no such private identity: %.200s", p->sub->impi);
	return r == STORE_NONE ? STORE_OK : r;
}

static const char *subscription_name(const struct store_subscriber *sub)
{
	return *sub->subscription ? sub->subscription : sub->impi;
}

static enum store_result take_subscription(struct put *p)
{
	struct statement *st = store_take(p->s, ST_FIND_SUBSCRIPTION);
	enum store_result r;

	store_bind_text(st, 1, subscription_name(p->sub));
	r = store_row(st);
	if (r == STORE_OK)
		p->subscription = store_column_int(st, 0);
	store_reset(st);
	if (p->replace &&
	    (r == STORE_NONE || (r == STORE_OK && p->subscription != p->old.subscription)))
		return refuse(p, STORE_EXISTS,
			      "a subscriber stays in its subscription: delete and add it");
	if (r != STORE_NONE)
		return r;
	st = store_take(p->s, ST_ADD_SUBSCRIPTION);
	store_bind_text(st, 1, subscription_name(p->sub));
	return store_run_id(st, &p->subscription);
}

/* The set its identities are in already, if they are in one. */
static enum store_result find_set(struct put *p)
{
	p->set = p->replace ? p->old.implicit_set : 0;
	for (uint32_t i = 0; i < p->sub->n_impus; i++) {
		struct statement *st = store_take(p->s, ST_FIND_OWNER);
		int64_t subscription, set;
		enum store_result r;

		store_bind_text(st, 1, p->sub->impu[i]);
		r = store_row(st);
		if (r == STORE_NONE)
			continue;
		if (r != STORE_OK)
			return r;
		subscription = store_column_int(st, 0);
		set = store_column_int(st, 1);
		store_reset(st);
		if (subscription != p->subscription)
			return refuse(p, STORE_EXISTS,
				      "the public identity belongs to somebody else: %.200s",
				      p->sub->impu[i]);
		if (p->set && set != p->set)
			return refuse(p, STORE_EXISTS,
				      "the public identity is in another implicit set: %.190s",
				      p->sub->impu[i]);
		p->set = set;
	}
	return STORE_OK;
}

static enum store_result take_set(struct put *p)
{
	enum store_result r = find_set(p);
	struct statement *st;

	if (r != STORE_OK)
		return r;
	if (p->set == 0) {
		st = store_take(p->s, ST_ADD_SET);
		store_bind_int(st, 1, p->subscription);
		return store_run_id(st, &p->set);
	}
	if (p->replace) {
		/* Those not put again are deleted afterwards; the others keep their row. */
		st = store_take(p->s, ST_MARK_IMPUS);
		store_bind_int(st, 1, p->set);
		return store_run(st);
	}
	st = store_take(p->s, ST_COUNT_IMPUS);
	store_bind_int(st, 1, p->set);
	r = store_row(st);
	if (r == STORE_OK)
		p->had = (uint32_t)store_column_int(st, 0);
	store_reset(st);
	return r;
}

static enum store_result find_profile(struct put *p, const char *name, int64_t *id)
{
	enum store_result r = profile_id(p->s, name, id);

	return r == STORE_NONE ? refuse(p, r, "no such profile: %.64s", name) : r;
}

/* A set that is joined has what its first subscriber gave it; only what is new to it is added.
 */
static enum store_result put_impu(struct put *p, uint32_t i)
{
	const struct store_subscriber *sub = p->sub;
	int64_t profile = p->profile;
	enum store_result r = STORE_OK;
	struct statement *st;

	if (p->had) {
		st = store_take(p->s, ST_FIND_OWNER);
		store_bind_text(st, 1, sub->impu[i]);
		r = store_row(st);
		store_reset(st);
		if (r != STORE_NONE)
			return r;
		if (p->had + 1 > SET_IMPUS_MAX)
			return refuse(p, STORE_EXISTS,
				      "the implicit set is full: %d public identities",
				      SET_IMPUS_MAX);
		p->had++;
	}
	if (*sub->impu_profile[i])
		r = find_profile(p, sub->impu_profile[i], &profile);
	else
		r = STORE_OK;
	if (r != STORE_OK)
		return r;
	st = store_take(p->s, ST_PUT_IMPU);
	store_bind_text(st, 1, sub->impu[i]);
	store_bind_int(st, 2, p->subscription);
	store_bind_int(st, 3, p->set);
	store_bind_int(st, 4, profile);
	store_bind_int(st, 5, sub->barred[i]);
	store_bind_int(st, 6, p->had + i);
	store_bind_text(st, 7, sub->display_name);
	return store_run(st);
}

static enum store_result del_by(struct store *s, enum store_statement id, int64_t key)
{
	struct statement *st = store_take(s, id);

	store_bind_int(st, 1, key);
	return store_run(st);
}

static enum store_result del_all(struct store *s, const enum store_statement *id, size_t n,
				 int64_t key)
{
	enum store_result r = STORE_OK;

	for (size_t i = 0; r == STORE_OK && i < n; i++)
		r = del_by(s, id[i], key);
	return r;
}

static enum store_result put_impus(struct put *p)
{
	static const enum store_statement of_marked[] = {ST_DROP_MARKED_REPOSITORY,
							 ST_DROP_MARKED_WATCHES,
							 ST_DROP_MARKED_DSAI, ST_DEL_MARKED};
	enum store_result r = find_profile(p, p->sub->profile, &p->profile);

	for (uint32_t i = 0; r == STORE_OK && i < p->sub->n_impus; i++)
		r = put_impu(p, i);
	return r != STORE_OK || !p->replace ? r : del_all(p->s, of_marked, 4, p->set);
}

static enum store_result put_impi(struct put *p)
{
	const struct store_subscriber *sub = p->sub;
	struct statement *st = store_take(p->s, p->replace ? ST_SET_IMPI : ST_ADD_IMPI);
	bool keep_sqn = p->replace && sub->sqn == 0;
	enum store_result r;

	store_bind_int(st, 1, p->subscription);
	store_bind_int(st, 2, p->set);
	store_bind_int(st, 3, sub->auth);
	store_bind_blob(st, 4, sub->k, sub->k256 ? 32 : 16);
	store_bind_blob(st, 5, sub->opc, sub->tuak ? 32 : 16);
	store_bind_blob(st, 6, sub->amf, sizeof(sub->amf));
	store_bind_int(st, 7, (int64_t)(keep_sqn ? p->old.sqn : sub->sqn));
	store_bind_int(st, 8, p->s->db->epoch);
	store_bind_text(st, 9, sub->ha1);
	store_bind_text(st, 10, sub->ha1_sha256);
	store_bind_text(st, 11, sub->digest_realm);
	store_bind_int(st, 12, p->profile);
	store_bind_text(st, 13, sub->impi);
	store_bind_text(st, 14, sub->giba);
	r = store_run(st);
	/* The SQN in use lies with the state. */
	if (r == STORE_OK && p->replace && !keep_sqn)
		r = p->s->db->driver->lock_state(p->s->db);
	if (r == STORE_OK && p->replace && !keep_sqn)
		r = store_set_sqn(p->s, p->old.id, sub->sqn);
	return r;
}

static enum store_result put_visited(struct put *p)
{
	enum store_result r =
		p->replace ? del_by(p->s, ST_DEL_VISITED, p->subscription) : STORE_OK;

	for (uint32_t i = 0; r == STORE_OK && i < p->sub->n_visited; i++) {
		struct statement *st = store_take(p->s, ST_ADD_VISITED);

		store_bind_int(st, 1, p->subscription);
		store_bind_text(st, 2, p->sub->visited[i]);
		r = store_run(st);
	}
	return r;
}

static enum store_result put_items(struct put *p)
{
	enum store_result r =
		p->replace ? del_by(p->s, ST_DEL_ITEMS, p->subscription) : STORE_OK;

	return r == STORE_OK ? service_put(p->s, p->subscription, &p->sub->service) : r;
}

/* All that follows, up to save_end, happens or does not. */
static enum store_result save_begin(struct store *s, bool *nested)
{
	*nested = s->db->driver->in_transaction(s->db);
	return *nested ? store_run(store_take(s, ST_SAVE)) : store_begin(s, STORE_PROVISION);
}

static enum store_result save_end(struct store *s, bool nested, enum store_result r)
{
	if (!nested) {
		if (r == STORE_OK)
			return store_commit(s);
		store_rollback(s);
		return r;
	}
	if (r == STORE_OK)
		r = store_run(store_take(s, ST_SAVE_KEEP));
	if (r != STORE_OK && s->db->driver->in_transaction(s->db)) {
		store_run(store_take(s, ST_SAVE_UNDO));
		store_run(store_take(s, ST_SAVE_KEEP));
	}
	return r;
}

enum store_result store_subscriber_put(struct store *s, const struct store_subscriber *sub,
				       bool replace, char *error)
{
	static enum store_result (*const step[])(struct put * p) = {
		check_impi, take_subscription, take_set,  put_impus,
		put_impi,   put_visited,       put_items,
	};
	struct put p = {.s = s, .sub = sub, .replace = replace, .error = error};
	enum store_result r;
	bool nested;

	*error = 0;
	if (!*sub->impi || sub->n_impus == 0 || sub->n_impus > SET_IMPUS_MAX ||
	    sub->n_visited > STORE_VISITED_MAX)
		return refuse(&p, STORE_FAIL,
			      "a subscriber has a private and 1 to %d public identities",
			      SET_IMPUS_MAX);
	r = save_begin(s, &nested);
	if (r != STORE_OK)
		return r;
	for (size_t i = 0; r == STORE_OK && i < sizeof(step) / sizeof(step[0]); i++)
		r = step[i](&p);
	explicit_bzero(&p.old, sizeof(p.old));
	return save_end(s, nested, r);
}

static enum store_result text_of(struct store *s, enum store_statement id, int64_t key,
				 char *out, size_t size)
{
	struct statement *st = store_take(s, id);
	enum store_result r;

	store_bind_int(st, 1, key);
	r = store_row(st);
	if (r == STORE_OK && !store_column_text(st, 0, out, size))
		r = STORE_FAIL;
	store_reset(st);
	return r;
}

static enum store_result get_profile_name(struct store *s, int64_t profile,
					  char out[STORE_NAME_MAX + 1])
{
	*out = 0;
	return profile ? text_of(s, ST_PROFILE_NAME, profile, out, STORE_NAME_MAX + 1)
		       : STORE_OK;
}

static enum store_result get_subscription(struct store *s, int64_t id,
					  struct store_subscriber *out)
{
	char name[IMPI_MAX + 1];
	struct statement *st;
	enum store_result r = text_of(s, ST_SUBSCRIPTION_NAME, id, name, sizeof(name));

	if (r != STORE_OK)
		return r;
	/* Its own name is that of its only IMPI, longer than others may be. */
	if (strcmp(name, out->impi) != 0)
		snprintf(out->subscription, sizeof(out->subscription), "%.*s", STORE_NAME_MAX,
			 name);
	st = store_take(s, ST_VISITED);
	store_bind_int(st, 1, id);
	while (out->n_visited < STORE_VISITED_MAX && (r = store_row(st)) == STORE_OK) {
		if (!store_column_text(st, 0, out->visited[out->n_visited], STORE_HOST_MAX + 1))
			r = STORE_FAIL;
		if (r != STORE_OK)
			break;
		out->n_visited++;
	}
	store_reset(st);
	return r == STORE_NONE ? STORE_OK : r;
}

static enum store_result get_impus(struct store *s, int64_t set, struct store_subscriber *out)
{
	struct store_impu *impus = calloc(SET_IMPUS_MAX, sizeof(*impus));
	enum store_result r =
		impus ? store_implicit_set(s, set, impus, SET_IMPUS_MAX, &out->n_impus)
		      : STORE_FAIL;

	for (uint32_t i = 0; r == STORE_OK && i < out->n_impus; i++) {
		memcpy(out->impu[i], impus[i].impu, sizeof(out->impu[i]));
		out->barred[i] = impus[i].barred;
		r = get_profile_name(s, impus[i].profile, out->impu_profile[i]);
		if (strcmp(out->impu_profile[i], out->profile) == 0)
			*out->impu_profile[i] = 0;
	}
	if (r == STORE_OK)
		memcpy(out->display_name, impus[0].display_name, sizeof(out->display_name));
	free(impus);
	return r;
}

static enum store_result get_own_profile(struct store *s, int64_t impi,
					 struct store_subscriber *out)
{
	struct statement *st = store_take(s, ST_IMPI_PROFILE);
	int64_t profile = 0;
	enum store_result r;

	store_bind_int(st, 1, impi);
	r = store_row(st);
	if (r == STORE_OK)
		profile = store_column_int(st, 0);
	store_reset(st);
	return r == STORE_OK ? get_profile_name(s, profile, out->profile) : r;
}

enum store_result store_subscriber_get(struct store *s, struct slice impi,
				       struct store_subscriber *out)
{
	struct store_impi i = {0};
	enum store_result r = store_find_impi(s, impi, &i);

	memset(out, 0, sizeof(*out));
	if (r != STORE_OK)
		return r;
	memcpy(out->impi, i.impi, sizeof(out->impi));
	out->auth = i.auth;
	memcpy(out->k, i.k, sizeof(out->k));
	memcpy(out->opc, i.opc, sizeof(out->opc));
	out->tuak = i.tuak;
	out->k256 = i.k256;
	memcpy(out->amf, i.amf, sizeof(out->amf));
	out->sqn = i.sqn;
	memcpy(out->ha1, i.ha1, sizeof(out->ha1));
	memcpy(out->ha1_sha256, i.ha1_sha256, sizeof(out->ha1_sha256));
	memcpy(out->digest_realm, i.digest_realm, sizeof(out->digest_realm));
	memcpy(out->giba, i.giba, sizeof(out->giba));
	r = get_own_profile(s, i.id, out);
	if (r == STORE_OK)
		r = get_subscription(s, i.subscription, out);
	if (r == STORE_OK)
		r = store_service(s, i.subscription, &out->service);
	if (r == STORE_OK)
		r = get_impus(s, i.implicit_set, out);
	explicit_bzero(&i, sizeof(i));
	return r;
}

static bool used(struct store *s, enum store_statement id, int64_t key, enum store_result *r)
{
	struct statement *st = store_take(s, id);

	store_bind_int(st, 1, key);
	*r = store_row(st);
	store_reset(st);
	return *r != STORE_NONE;
}

static enum store_result del_impi(struct store *s, const struct store_impi *i)
{
	static const enum store_statement of_impi[] = {ST_DEL_IMPI, ST_DEL_SQN};
	static const enum store_statement of_set[] = {
		ST_DROP_REPOSITORY, ST_DROP_WATCHES,   ST_DROP_DSAI, ST_DEL_IMPUS,
		ST_DEL_SET,         ST_DEL_ASSIGNMENT, ST_DEL_TIES,  ST_DEL_RESTORATIONS};
	static const enum store_statement of_subscription[] = {ST_DEL_SUBSCRIPTION,
							       ST_DEL_VISITED, ST_DEL_ITEMS};
	struct store_tie tie;
	enum store_result r = s->db->driver->lock_state(s->db);

	if (r == STORE_OK)
		r = store_find_tie(s, i->implicit_set, i->id, &tie);
	if (r == STORE_OK)
		r = store_tie(s, i->implicit_set, i->id, false, false);
	if (r == STORE_OK)
		r = store_restoration_put(s, i->implicit_set, i->id, SLICE_EMPTY);
	/* Whoever is left was not registered: nor is the set any longer. */
	if (r == STORE_OK && tie.registered && tie.others == 0)
		r = del_by(s, ST_DEL_ASSIGNMENT, i->implicit_set);
	if (r == STORE_OK)
		r = del_all(s, of_impi, 2, i->id);
	if (r == STORE_OK && !used(s, ST_SET_USED, i->implicit_set, &r))
		r = del_all(s, of_set, 8, i->implicit_set);
	if (r == STORE_OK && !used(s, ST_SUBSCRIPTION_USED, i->subscription, &r))
		r = del_all(s, of_subscription, 3, i->subscription);
	return r;
}

enum store_result store_subscriber_del(struct store *s, struct slice impi)
{
	struct store_impi i;
	bool nested;
	enum store_result r = save_begin(s, &nested);

	if (r != STORE_OK)
		return r;
	r = store_find_impi(s, impi, &i);
	if (r == STORE_OK)
		r = del_impi(s, &i);
	explicit_bzero(&i, sizeof(i));
	return save_end(s, nested, r);
}

/* A page of names is held at a time, however many subscribers there are. */
struct walk {
	struct store_subscriber sub;
	uint32_t n;
	char name[PAGE][IMPI_MAX + 1];
};

static enum store_result read_page(struct store *s, struct slice after, struct walk *w)
{
	struct statement *st = store_take(s, ST_IMPIS_AFTER);
	enum store_result r;

	w->n = 0;
	store_bind_slice(st, 1, after);
	store_bind_int(st, 2, PAGE);
	while ((r = store_row(st)) == STORE_OK && w->n < PAGE) {
		if (!store_column_text(st, 0, w->name[w->n], sizeof(w->name[0]))) {
			r = STORE_FAIL;
			break;
		}
		w->n++;
	}
	store_reset(st);
	return r == STORE_NONE ? STORE_OK : r;
}

/* STORE_NONE: no more is wanted. */
static enum store_result give_page(struct store *s, struct walk *w,
				   bool (*each)(void *ctx, const struct store_subscriber *sub),
				   void *ctx)
{
	for (uint32_t i = 0; i < w->n; i++) {
		enum store_result r = store_subscriber_get(s, slice_str(w->name[i]), &w->sub);

		if (r == STORE_OK && !each(ctx, &w->sub))
			return STORE_NONE;
		/* None: deleted since the page was read. */
		if (r != STORE_OK && r != STORE_NONE)
			return r;
	}
	return STORE_OK;
}

enum store_result store_subscriber_each(struct store *s, struct slice after,
					bool (*each)(void *ctx,
						     const struct store_subscriber *sub),
					void *ctx)
{
	struct walk *w = malloc(sizeof(*w));
	enum store_result r = w ? read_page(s, after, w) : STORE_FAIL;
	char last[IMPI_MAX + 1];

	while (r == STORE_OK && w->n) {
		r = give_page(s, w, each, ctx);
		memcpy(last, w->name[w->n - 1], sizeof(last));
		if (r == STORE_OK)
			r = w->n == PAGE ? read_page(s, slice_str(last), w) : STORE_NONE;
	}
	if (w)
		explicit_bzero(&w->sub, sizeof(w->sub));
	free(w);
	return r == STORE_NONE ? STORE_OK : r;
}
