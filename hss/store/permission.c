/* permission.c - what each Application Server may do over Sh (TS 29.328 §6.2) */
#include "store/application.h"
#include "store/db.h"

enum store_result store_permission_put(struct store *s, const char *host, uint32_t reference,
				       uint32_t operations)
{
	struct statement *st =
		store_take(s, operations ? ST_PUT_PERMISSION : ST_DEL_PERMISSION);

	if (!*host || strlen(host) > STORE_HOST_MAX)
		return STORE_FAIL;
	store_bind_text(st, 1, host);
	store_bind_int(st, 2, reference);
	if (operations)
		store_bind_int(st, 3, operations);
	return store_run(st);
}

enum store_result store_permission_known(struct store *s, const char *host, bool *known)
{
	struct statement *st = store_take(s, ST_HOST_KNOWN);
	enum store_result r;

	store_bind_text(st, 1, host);
	r = store_row(st);
	store_reset(st);
	*known = r == STORE_OK;
	return r == STORE_NONE ? STORE_OK : r;
}

static enum store_result run_for(struct store *s, enum store_statement id, const char *name)
{
	struct statement *st = store_take(s, id);

	store_bind_text(st, 1, name);
	return store_run(st);
}

enum store_result store_permissions_del(struct store *s, const char *host)
{
	bool known = false;
	enum store_result r = store_permission_known(s, host, &known);

	if (r == STORE_OK && !known)
		return STORE_NONE;
	if (r == STORE_OK)
		r = run_for(s, ST_DEL_WATCHES_OF_HOST, host);
	return r == STORE_OK ? run_for(s, ST_DEL_PERMISSIONS, host) : r;
}

enum store_result store_find_permission(struct store *s, struct slice host, uint32_t reference,
					uint32_t *operations)
{
	struct statement *st = store_take(s, ST_PERMISSION);
	enum store_result r;

	*operations = 0;
	store_bind_slice(st, 1, host);
	store_bind_int(st, 2, reference);
	r = store_row(st);
	if (r == STORE_OK)
		*operations = (uint32_t)store_column_int(st, 0);
	store_reset(st);
	return r == STORE_NONE ? STORE_OK : r;
}

enum store_result store_permissions(struct store *s,
				    bool (*each)(void *ctx, const char *host,
						 uint32_t reference, uint32_t operations),
				    void *ctx)
{
	struct statement *st = store_take(s, ST_PERMISSIONS);
	char host[STORE_HOST_MAX + 1];
	enum store_result r;

	while ((r = store_row(st)) == STORE_OK) {
		if (!store_column_text(st, 0, host, sizeof(host))) {
			r = STORE_FAIL;
			break;
		}
		if (!each(ctx, host, (uint32_t)store_column_int(st, 1),
			  (uint32_t)store_column_int(st, 2)))
			break;
	}
	store_reset(st);
	return r == STORE_NONE ? STORE_OK : r;
}

enum store_result application_forget(struct store *s, const char *identity)
{
	enum store_result r = run_for(s, ST_FORGET_REPOSITORY, identity);

	if (r == STORE_OK)
		r = run_for(s, ST_FORGET_WATCHES, identity);
	return r == STORE_OK ? run_for(s, ST_FORGET_DSAI, identity) : r;
}
