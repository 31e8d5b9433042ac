/* watch.c - subscriptions of Application Servers to notifications (TS 29.328 §6.1.3) */
#include "store/application.h"
#include "store/db.h"

static void bind_key(struct statement *st, const struct store_watch *w)
{
	store_bind_text(st, 1, w->identity);
	store_bind_int(st, 2, w->reference);
	store_bind_text(st, 3, w->detail);
	store_bind_text(st, 4, w->host);
}

static enum store_result known(struct store *s, const struct store_watch *w)
{
	struct statement *st = store_take(s, ST_WATCH_KNOWN);
	enum store_result r;

	bind_key(st, w);
	r = store_row(st);
	store_reset(st);
	return r;
}

static enum store_result has_room(struct store *s, const char *identity)
{
	struct statement *st = store_take(s, ST_COUNT_WATCHES);
	enum store_result r;
	int64_t n = 0;

	store_bind_text(st, 1, identity);
	r = store_row(st);
	if (r == STORE_OK)
		n = store_column_int(st, 0);
	store_reset(st);
	return r == STORE_OK && n >= STORE_WATCHES_MAX ? STORE_EXISTS : r;
}

enum store_result store_watch_put(struct store *s, const struct store_watch *w)
{
	enum store_result r = known(s, w);
	struct statement *st;

	if (r == STORE_NONE)
		r = has_room(s, w->identity);
	if (r != STORE_OK)
		return r;
	st = store_take(s, ST_PUT_WATCH);
	bind_key(st, w);
	store_bind_int(st, 5, w->expiry);
	store_bind_int(st, 6, w->once);
	store_bind_int(st, 7, w->digest);
	return store_run(st);
}

enum store_result store_watch_del(struct store *s, const struct store_watch *w)
{
	enum store_result r = known(s, w);
	struct statement *st;

	if (r != STORE_OK)
		return r;
	st = store_take(s, ST_DEL_WATCH);
	bind_key(st, w);
	return store_run(st);
}

enum store_result store_watch_del_id(struct store *s, int64_t id)
{
	struct statement *st = store_take(s, ST_DEL_WATCH_ID);

	store_bind_int(st, 1, id);
	return store_run(st);
}

enum store_result store_watch_told(struct store *s, int64_t id, int64_t digest)
{
	struct statement *st = store_take(s, ST_TOLD_WATCH);

	store_bind_int(st, 1, id);
	store_bind_int(st, 2, digest);
	return store_run(st);
}

enum store_result store_watch_told_host(struct store *s, const struct store_watch *w)
{
	struct statement *st = store_take(s, ST_TOLD_HOST);

	bind_key(st, w);
	store_bind_int(st, 5, w->digest);
	return store_run(st);
}

static bool read_watch(struct statement *st, struct store_watch *w)
{
	w->id = store_column_int(st, 0);
	w->reference = (uint32_t)store_column_int(st, 2);
	w->expiry = store_column_int(st, 5);
	w->once = store_column_int(st, 6) != 0;
	w->digest = store_column_int(st, 7);
	return store_column_text(st, 1, w->identity, sizeof(w->identity)) &&
	       store_column_text(st, 3, w->detail, sizeof(w->detail)) &&
	       store_column_text(st, 4, w->host, sizeof(w->host));
}

enum store_result store_watches(struct store *s, const char *identity, int64_t after,
				struct store_watch *out, uint32_t most, uint32_t *n)
{
	struct statement *st = store_take(s, identity ? ST_WATCHES_OF : ST_WATCHES_AFTER);
	int i = 0;
	enum store_result r = STORE_OK;

	*n = 0;
	if (identity)
		store_bind_text(st, ++i, identity);
	store_bind_int(st, ++i, after);
	store_bind_int(st, ++i, most);
	while (*n < most && (r = store_row(st)) == STORE_OK) {
		if (!read_watch(st, &out[*n])) {
			r = STORE_FAIL;
			break;
		}
		(*n)++;
	}
	store_reset(st);
	return r == STORE_NONE ? STORE_OK : r;
}
