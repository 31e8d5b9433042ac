/* repository.c - repository data of Application Servers (TS 29.328 §7.6.1) */
#include "store/application.h"
#include "store/db.h"

enum store_result store_find_repository(struct store *s, const char *identity,
					struct slice service, uint32_t *sequence,
					struct text *data)
{
	struct statement *st = store_take(s, ST_REPOSITORY);
	enum store_result r;

	store_bind_text(st, 1, identity);
	store_bind_slice(st, 2, service);
	r = store_row(st);
	if (r == STORE_OK) {
		*sequence = (uint32_t)store_column_int(st, 0);
		text_put(data, store_column_slice(st, 1));
	}
	store_reset(st);
	return r == STORE_OK && data->overflow ? STORE_FAIL : r;
}

static enum store_result known(struct store *s, const char *identity, struct slice service)
{
	struct statement *st = store_take(s, ST_REPOSITORY);
	enum store_result r;

	store_bind_text(st, 1, identity);
	store_bind_slice(st, 2, service);
	r = store_row(st);
	store_reset(st);
	return r;
}

static enum store_result count(struct store *s, const char *identity, int64_t *n)
{
	struct statement *st = store_take(s, ST_COUNT_REPOSITORY);
	enum store_result r;

	store_bind_text(st, 1, identity);
	r = store_row(st);
	if (r == STORE_OK)
		*n = store_column_int(st, 0);
	store_reset(st);
	return r;
}

/* What is deleted makes room. */
static enum store_result make_room(struct store *s, const char *identity)
{
	struct statement *st;
	int64_t n = 0;
	enum store_result r = count(s, identity, &n);

	if (r != STORE_OK || n < STORE_REPOSITORY_MAX)
		return r;
	st = store_take(s, ST_PURGE_REPOSITORY);
	store_bind_text(st, 1, identity);
	r = store_run(st);
	if (r == STORE_OK)
		r = count(s, identity, &n);
	return r == STORE_OK && n >= STORE_REPOSITORY_MAX ? STORE_EXISTS : r;
}

enum store_result store_repository_put(struct store *s, const char *identity,
				       struct slice service, uint32_t sequence,
				       struct slice data)
{
	struct statement *st;
	enum store_result r;

	if (service.len == 0 || service.len > STORE_KEY_MAX ||
	    data.len > STORE_SERVICE_DATA_MAX)
		return STORE_FAIL;
	r = known(s, identity, service);
	if (r == STORE_NONE)
		r = make_room(s, identity);
	if (r != STORE_OK)
		return r;
	st = store_take(s, ST_PUT_REPOSITORY);
	store_bind_text(st, 1, identity);
	store_bind_slice(st, 2, service);
	store_bind_int(st, 3, sequence);
	store_bind_blob(st, 4, data.p ? data.p : (const uint8_t *)"", data.len);
	return store_run(st);
}
