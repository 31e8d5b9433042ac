/* registration.c - what Cx changes: SQN, state, assigned S-CSCF, ties of IMPIs to sets */
#include "store/db.h"

enum store_result store_set_sqn(struct store *s, int64_t impi, uint64_t sqn)
{
	struct statement *st = store_take(s, ST_PUT_SQN);

	store_bind_int(st, 1, impi);
	store_bind_int(st, 2, (int64_t)sqn);
	store_bind_int(st, 3, s->db->epoch);
	return store_run(st);
}

enum store_result store_assign(struct store *s, int64_t set, enum store_state state,
			       struct slice scscf, struct slice host)
{
	struct statement *st;

	if (scscf.len > STORE_HOST_MAX || host.len > STORE_HOST_MAX)
		return STORE_FAIL;
	/* No row is the same as not registered with nobody: the table holds only who is there.
	 */
	if (state == STORE_NOT_REGISTERED && scscf.len == 0) {
		st = store_take(s, ST_DEL_ASSIGNMENT);
		store_bind_int(st, 1, set);
		return store_run(st);
	}
	st = store_take(s, ST_PUT_ASSIGNMENT);
	store_bind_int(st, 1, set);
	store_bind_int(st, 2, state);
	store_bind_slice(st, 3, scscf);
	store_bind_slice(st, 4, host);
	return store_run(st);
}

enum store_result store_find_tie(struct store *s, int64_t set, int64_t impi,
				 struct store_tie *out)
{
	struct statement *st = store_take(s, ST_TIES);
	enum store_result r;

	*out = (struct store_tie){0};
	store_bind_int(st, 1, set);
	while ((r = store_row(st)) == STORE_OK) {
		bool registered = store_column_int(st, 1) != 0;
		bool pending = store_column_int(st, 2) != 0;

		if (store_column_int(st, 0) == impi) {
			out->registered = registered;
			out->pending = pending;
		} else {
			out->others += registered;
			out->others_pending += pending;
		}
	}
	return r == STORE_NONE ? STORE_OK : r;
}

enum store_result store_tie(struct store *s, int64_t set, int64_t impi, bool registered,
			    bool pending)
{
	struct statement *st = store_take(s, registered || pending ? ST_PUT_TIE : ST_DEL_TIE);

	store_bind_int(st, 1, set);
	store_bind_int(st, 2, impi);
	if (registered || pending) {
		store_bind_int(st, 3, registered);
		store_bind_int(st, 4, pending);
	}
	return store_run(st);
}

enum store_result store_restoration_put(struct store *s, int64_t set, int64_t impi,
					struct slice info)
{
	struct statement *st =
		store_take(s, info.len ? ST_PUT_RESTORATION : ST_DEL_RESTORATION);

	if (info.len > STORE_RESTORATION_MAX)
		return STORE_FAIL;
	store_bind_int(st, 1, set);
	store_bind_int(st, 2, impi);
	if (info.len)
		store_bind_blob(st, 3, info.p, info.len);
	return store_run(st);
}

enum store_result store_restorations(struct store *s, int64_t set,
				     void (*each)(void *ctx, int64_t impi, struct slice info),
				     void *ctx)
{
	struct statement *st = store_take(s, ST_RESTORATIONS);
	enum store_result r;

	store_bind_int(st, 1, set);
	while ((r = store_row(st)) == STORE_OK) {
		struct slice info = store_column_slice(st, 1);

		if (info.len == 0 || info.len > STORE_RESTORATION_MAX) {
			r = STORE_FAIL;
			break;
		}
		each(ctx, store_column_int(st, 0), info);
	}
	store_reset(st);
	return r == STORE_NONE ? STORE_OK : r;
}

enum store_result store_restorations_del(struct store *s, int64_t set)
{
	struct statement *st = store_take(s, ST_DEL_RESTORATIONS);

	store_bind_int(st, 1, set);
	return store_run(st);
}

enum store_result store_untie(struct store *s, int64_t set)
{
	struct statement *st = store_take(s, ST_DEL_TIES);

	store_bind_int(st, 1, set);
	return store_run(st);
}
