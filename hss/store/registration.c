/* registration.c - what Cx changes: SQN, state, assigned S-CSCF, ties of IMPIs to sets */
#include "store/sqlite.h"

enum store_result store_set_sqn(struct store *s, int64_t impi, uint64_t sqn)
{
	sqlite3_stmt *st = store_take(s, ST_PUT_SQN);

	sqlite3_bind_int64(st, 1, impi);
	sqlite3_bind_int64(st, 2, (int64_t)sqn);
	sqlite3_bind_int64(st, 3, s->epoch);
	return store_run(s, st);
}

enum store_result store_assign(struct store *s, int64_t set, enum store_state state,
			       struct slice scscf, struct slice host)
{
	sqlite3_stmt *st;

	if (scscf.len > STORE_HOST_MAX || host.len > STORE_HOST_MAX)
		return STORE_FAIL;
	/* No row is the same as not registered with nobody: the table holds only who is there.
	 */
	if (state == STORE_NOT_REGISTERED && scscf.len == 0) {
		st = store_take(s, ST_DEL_ASSIGNMENT);
		sqlite3_bind_int64(st, 1, set);
		return store_run(s, st);
	}
	st = store_take(s, ST_PUT_ASSIGNMENT);
	sqlite3_bind_int64(st, 1, set);
	sqlite3_bind_int(st, 2, state);
	store_bind_slice(st, 3, scscf);
	store_bind_slice(st, 4, host);
	return store_run(s, st);
}

enum store_result store_find_tie(struct store *s, int64_t set, int64_t impi,
				 struct store_tie *out)
{
	sqlite3_stmt *st = store_take(s, ST_TIES);
	enum store_result r;

	*out = (struct store_tie){0};
	sqlite3_bind_int64(st, 1, set);
	while ((r = store_row(s, st)) == STORE_OK) {
		bool registered = sqlite3_column_int(st, 1) != 0;
		bool pending = sqlite3_column_int(st, 2) != 0;

		if (sqlite3_column_int64(st, 0) == impi) {
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
	sqlite3_stmt *st = store_take(s, registered || pending ? ST_PUT_TIE : ST_DEL_TIE);

	sqlite3_bind_int64(st, 1, set);
	sqlite3_bind_int64(st, 2, impi);
	if (registered || pending) {
		sqlite3_bind_int(st, 3, registered);
		sqlite3_bind_int(st, 4, pending);
	}
	return store_run(s, st);
}

enum store_result store_restoration_put(struct store *s, int64_t set, int64_t impi,
					struct slice info)
{
	sqlite3_stmt *st = store_take(s, info.len ? ST_PUT_RESTORATION : ST_DEL_RESTORATION);

	if (info.len > STORE_RESTORATION_MAX)
		return STORE_FAIL;
	sqlite3_bind_int64(st, 1, set);
	sqlite3_bind_int64(st, 2, impi);
	if (info.len)
		sqlite3_bind_blob(st, 3, info.p, (int)info.len, SQLITE_STATIC);
	return store_run(s, st);
}

enum store_result store_restorations(struct store *s, int64_t set,
				     void (*each)(void *ctx, int64_t impi, struct slice info),
				     void *ctx)
{
	sqlite3_stmt *st = store_take(s, ST_RESTORATIONS);
	enum store_result r;

	sqlite3_bind_int64(st, 1, set);
	while ((r = store_row(s, st)) == STORE_OK) {
		const void *info = sqlite3_column_blob(st, 1);
		int len = sqlite3_column_bytes(st, 1);

		if (!info || len <= 0 || len > STORE_RESTORATION_MAX) {
			r = STORE_FAIL;
			break;
		}
		each(ctx, sqlite3_column_int64(st, 0), slice_of(info, (size_t)len));
	}
	sqlite3_reset(st);
	return r == STORE_NONE ? STORE_OK : r;
}

enum store_result store_restorations_del(struct store *s, int64_t set)
{
	sqlite3_stmt *st = store_take(s, ST_DEL_RESTORATIONS);

	sqlite3_bind_int64(st, 1, set);
	return store_run(s, st);
}

enum store_result store_untie(struct store *s, int64_t set)
{
	sqlite3_stmt *st = store_take(s, ST_DEL_TIES);

	sqlite3_bind_int64(st, 1, set);
	return store_run(s, st);
}
