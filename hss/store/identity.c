/* identity.c - look up private and public identities and what hangs on them */
#include "store/db.h"

#define SQN_MASK ((UINT64_C(1) << 48) - 1)

/* 16 octets, or 32. */
static bool read_key(struct statement *st, int column, uint8_t out[32], bool *wide)
{
	*wide = store_column_slice(st, column).len == 32;
	return store_column_blob(st, column, out, *wide ? 32 : 16);
}

static bool read_impi(struct statement *st, struct store_impi *out)
{
	int64_t epochs = store_column_int(st, 9);

	out->id = store_column_int(st, 0);
	out->subscription = store_column_int(st, 2);
	out->implicit_set = store_column_int(st, 3);
	out->auth = (uint32_t)store_column_int(st, 4);
	if (epochs < 0)
		return false;
	out->sqn = (uint64_t)store_column_int(st, 8) + (uint64_t)epochs * STORE_SQN_JUMP;
	/* At its end it stays there: to go round would be to use each a second time. */
	if (out->sqn > SQN_MASK)
		out->sqn = SQN_MASK;
	return store_column_text(st, 1, out->impi, sizeof(out->impi)) &&
	       read_key(st, 5, out->k, &out->k256) && read_key(st, 6, out->opc, &out->tuak) &&
	       store_column_blob(st, 7, out->amf, sizeof(out->amf)) &&
	       store_column_text(st, 10, out->ha1, sizeof(out->ha1)) &&
	       store_column_text(st, 11, out->ha1_sha256, sizeof(out->ha1_sha256)) &&
	       store_column_text(st, 12, out->digest_realm, sizeof(out->digest_realm)) &&
	       store_column_text(st, 13, out->giba, sizeof(out->giba));
}

enum store_result store_find_impi(struct store *s, struct slice impi, struct store_impi *out)
{
	struct statement *st = store_take(s, ST_FIND_IMPI);
	enum store_result r;

	store_bind_slice(st, 1, impi);
	store_bind_int(st, 2, s->db->epoch);
	r = store_row(st);
	if (r == STORE_OK && !read_impi(st, out))
		r = STORE_FAIL;
	store_reset(st);
	return r;
}

static bool read_impu(struct statement *st, struct store_impu *out)
{
	int state = store_column_int(st, 7);

	out->subscription = store_column_int(st, 1);
	out->implicit_set = store_column_int(st, 2);
	out->profile = store_column_int(st, 3);
	out->services = (uint32_t)store_column_int(st, 4);
	out->barred = store_column_int(st, 5) != 0;
	out->state = (enum store_state)state;
	out->masked = store_column_int(st, 10) != 0;
	return state >= STORE_NOT_REGISTERED && state <= STORE_UNREGISTERED &&
	       store_column_text(st, 0, out->impu, sizeof(out->impu)) &&
	       store_column_text(st, 6, out->display_name, sizeof(out->display_name)) &&
	       store_column_text(st, 8, out->scscf, sizeof(out->scscf)) &&
	       store_column_text(st, 9, out->scscf_host, sizeof(out->scscf_host));
}

enum store_result store_find_impu(struct store *s, struct slice impu, struct store_impu *out)
{
	struct statement *st = store_take(s, ST_FIND_IMPU);
	enum store_result r;

	store_bind_slice(st, 1, impu);
	r = store_row(st);
	if (r == STORE_OK && !read_impu(st, out))
		r = STORE_FAIL;
	store_reset(st);
	return r;
}

enum store_result store_implicit_set(struct store *s, int64_t set, struct store_impu *out,
				     uint32_t most, uint32_t *n)
{
	struct statement *st = store_take(s, ST_SET_IMPUS);
	enum store_result r;

	*n = 0;
	store_bind_int(st, 1, set);
	while ((r = store_row(st)) == STORE_OK) {
		if (*n == most || !read_impu(st, &out[*n])) {
			r = STORE_FAIL;
			break;
		}
		(*n)++;
	}
	store_reset(st);
	if (r == STORE_NONE && *n)
		return STORE_OK;
	return r;
}

enum store_result store_subscription_impus(struct store *s, int64_t subscription,
					   struct store_impu *out, uint32_t most, uint32_t *n)
{
	struct statement *st = store_take(s, ST_SUBSCRIPTION_IMPUS);
	enum store_result r;

	*n = 0;
	store_bind_int(st, 1, subscription);
	store_bind_int(st, 2, most);
	while ((r = store_row(st)) == STORE_OK) {
		if (*n == most || !read_impu(st, &out[*n])) {
			r = STORE_FAIL;
			break;
		}
		(*n)++;
	}
	store_reset(st);
	return r == STORE_NONE ? STORE_OK : r;
}

enum store_result store_set_impis(struct store *s, int64_t set, char (*out)[IMPI_MAX + 1],
				  uint32_t most, uint32_t *n)
{
	struct statement *st = store_take(s, ST_SET_IMPIS);
	enum store_result r;

	*n = 0;
	store_bind_int(st, 1, set);
	store_bind_int(st, 2, most);
	while ((r = store_row(st)) == STORE_OK && *n < most) {
		if (!store_column_text(st, 0, out[*n], sizeof(out[*n]))) {
			r = STORE_FAIL;
			break;
		}
		(*n)++;
	}
	store_reset(st);
	return r == STORE_NONE ? STORE_OK : r;
}

enum store_result store_subscription_scscf(struct store *s, int64_t subscription,
					   char scscf[STORE_HOST_MAX + 1])
{
	struct statement *st = store_take(s, ST_SUBSCRIPTION_SCSCF);
	enum store_result r;

	*scscf = 0;
	store_bind_int(st, 1, subscription);
	r = store_row(st);
	if (r == STORE_OK && !store_column_text(st, 0, scscf, STORE_HOST_MAX + 1))
		r = STORE_FAIL;
	store_reset(st);
	return r == STORE_NONE ? STORE_OK : r;
}

enum store_result store_visited_allowed(struct store *s, int64_t subscription,
					struct slice network, bool *allowed)
{
	struct statement *st = store_take(s, ST_VISITED_ALLOWED);
	enum store_result r;

	store_bind_int(st, 1, subscription);
	store_bind_slice(st, 2, network);
	r = store_row(st);
	store_reset(st);
	*allowed = r == STORE_OK;
	return r == STORE_NONE ? STORE_OK : r;
}

enum store_result store_counts(struct store *s, struct store_counts *out)
{
	struct statement *st = store_take(s, ST_COUNT_ALL);
	enum store_result r = store_row(st);

	if (r == STORE_OK)
		*out = (struct store_counts){
			.subscriptions = (uint64_t)store_column_int(st, 0),
			.impis = (uint64_t)store_column_int(st, 1),
			.impus = (uint64_t)store_column_int(st, 2),
			.registered = (uint64_t)store_column_int(st, 3),
		};
	store_reset(st);
	return r;
}
