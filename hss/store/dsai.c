/* dsai.c - dynamic service activation, and activation of service identities (TS 29.328 §7.6.17,
 * §7.6.18) */
#include "store/application.h"
#include "store/db.h"

static enum store_result run_for(struct store *s, enum store_statement id, const char *tag)
{
	struct statement *st = store_take(s, id);

	store_bind_text(st, 1, tag);
	return store_run(st);
}

enum store_result store_dsai_put(struct store *s, const char *tag, const char *server)
{
	struct statement *st;

	if (!*tag || strlen(tag) > STORE_KEY_MAX || !*server || strlen(server) > STORE_HOST_MAX)
		return STORE_FAIL;
	st = store_take(s, ST_PUT_DSAI);
	store_bind_text(st, 1, tag);
	store_bind_text(st, 2, server);
	return store_run(st);
}

enum store_result store_dsai_del(struct store *s, const char *tag)
{
	char server[STORE_HOST_MAX + 1];
	enum store_result r = store_find_dsai(s, slice_str(tag), server);

	if (r == STORE_OK)
		r = run_for(s, ST_DEL_DSAI_STATES, tag);
	return r == STORE_OK ? run_for(s, ST_DEL_DSAI, tag) : r;
}

enum store_result store_find_dsai(struct store *s, struct slice tag,
				  char server[STORE_HOST_MAX + 1])
{
	struct statement *st = store_take(s, ST_DSAI);
	enum store_result r;

	store_bind_slice(st, 1, tag);
	r = store_row(st);
	if (r == STORE_OK && !store_column_text(st, 0, server, STORE_HOST_MAX + 1))
		r = STORE_FAIL;
	store_reset(st);
	return r;
}

enum store_result store_dsais(struct store *s,
			      bool (*each)(void *ctx, const char *tag, const char *server),
			      void *ctx)
{
	char tag[STORE_KEY_MAX + 1], server[STORE_HOST_MAX + 1];
	struct statement *st = store_take(s, ST_DSAIS);
	enum store_result r;

	while ((r = store_row(st)) == STORE_OK) {
		if (!store_column_text(st, 0, tag, sizeof(tag)) ||
		    !store_column_text(st, 1, server, sizeof(server))) {
			r = STORE_FAIL;
			break;
		}
		if (!each(ctx, tag, server))
			break;
	}
	store_reset(st);
	return r == STORE_NONE ? STORE_OK : r;
}

enum store_result store_dsai_active(struct store *s, const char *identity, struct slice tag,
				    bool *active)
{
	struct statement *st = store_take(s, ST_DSAI_OFF);
	enum store_result r;

	store_bind_text(st, 1, identity);
	store_bind_slice(st, 2, tag);
	r = store_row(st);
	store_reset(st);
	*active = r == STORE_NONE;
	return r == STORE_NONE ? STORE_OK : r;
}

enum store_result store_dsai_set(struct store *s, const char *identity, struct slice tag,
				 bool active)
{
	struct statement *st = store_take(s, active ? ST_SET_DSAI_ON : ST_SET_DSAI_OFF);

	store_bind_text(st, 1, identity);
	store_bind_slice(st, 2, tag);
	return store_run(st);
}

enum store_result store_dsai_servers(struct store *s, const char *identity,
				     char (*out)[STORE_HOST_MAX + 1], uint32_t most,
				     uint32_t *n)
{
	struct statement *st = store_take(s, ST_DSAI_SERVERS);
	enum store_result r;

	*n = 0;
	store_bind_text(st, 1, identity);
	while ((r = store_row(st)) == STORE_OK) {
		if (*n == most || !store_column_text(st, 0, out[*n], sizeof(out[*n]))) {
			r = STORE_FAIL;
			break;
		}
		(*n)++;
	}
	store_reset(st);
	return r == STORE_NONE ? STORE_OK : r;
}

enum store_result store_psi_inactive(struct store *s, const char *identity, bool *inactive)
{
	struct statement *st = store_take(s, ST_PSI_INACTIVE);
	enum store_result r;

	store_bind_text(st, 1, identity);
	r = store_row(st);
	if (r == STORE_OK)
		*inactive = store_column_int(st, 0) != 0;
	store_reset(st);
	return r;
}

enum store_result store_psi_set_inactive(struct store *s, const char *identity, bool inactive)
{
	struct statement *st = store_take(s, ST_SET_PSI_INACTIVE);

	store_bind_text(st, 1, identity);
	store_bind_int(st, 2, inactive);
	return store_run(st);
}
