/* service.c - what a subscription wants of its S-CSCF and of charging; public service
 * identities */
#include "store/application.h"
#include "store/db.h"

#include <stdio.h>
#include <stdlib.h>

/* The column `kind`. */
enum store_item { ITEM_MANDATORY = 1, ITEM_OPTIONAL, ITEM_SERVER, ITEM_CCF, ITEM_ECF };

static enum store_result add_item(struct store *s, int64_t subscription, enum store_item kind,
				  uint32_t position, const char *value)
{
	struct statement *st = store_take(s, ST_ADD_ITEM);

	store_bind_int(st, 1, subscription);
	store_bind_int(st, 2, kind);
	store_bind_int(st, 3, position);
	store_bind_text(st, 4, value);
	return store_run(st);
}

static enum store_result add_numbers(struct store *s, int64_t subscription,
				     enum store_item kind, const uint32_t *value, uint32_t n)
{
	enum store_result r = STORE_OK;
	char text[12];

	if (n > STORE_CAPABILITIES_MAX)
		return STORE_FAIL;
	for (uint32_t i = 0; r == STORE_OK && i < n; i++) {
		snprintf(text, sizeof(text), "%u", value[i]);
		r = add_item(s, subscription, kind, i, text);
	}
	return r;
}

static enum store_result add_names(struct store *s, int64_t subscription, enum store_item kind,
				   const char (*value)[STORE_HOST_MAX + 1], uint32_t n,
				   uint32_t most)
{
	enum store_result r = n > most ? STORE_FAIL : STORE_OK;

	for (uint32_t i = 0; r == STORE_OK && i < n; i++)
		r = add_item(s, subscription, kind, i, value[i]);
	return r;
}

static bool is_empty(const struct store_service *v)
{
	return !v->n_mandatory && !v->n_optional && !v->n_servers && !v->n_ccf && !v->n_ecf;
}

enum store_result service_put(struct store *s, int64_t subscription,
			      const struct store_service *v)
{
	struct store_service have;
	enum store_result r;

	if (is_empty(v))
		return STORE_OK;
	r = store_service(s, subscription, &have);
	if (r != STORE_OK || !is_empty(&have))
		return r;
	r = add_numbers(s, subscription, ITEM_MANDATORY, v->mandatory, v->n_mandatory);
	if (r == STORE_OK)
		r = add_numbers(s, subscription, ITEM_OPTIONAL, v->optional, v->n_optional);
	if (r == STORE_OK)
		r = add_names(s, subscription, ITEM_SERVER, v->server, v->n_servers,
			      STORE_SERVERS_MAX);
	if (r == STORE_OK)
		r = add_names(s, subscription, ITEM_CCF, v->ccf, v->n_ccf, STORE_CHARGING_MAX);
	if (r == STORE_OK)
		r = add_names(s, subscription, ITEM_ECF, v->ecf, v->n_ecf, STORE_CHARGING_MAX);
	return r;
}

static bool read_number(const char *text, uint32_t *out, uint32_t *n)
{
	uint64_t value;

	if (*n == STORE_CAPABILITIES_MAX || !slice_u64(slice_str(text), UINT32_MAX, &value))
		return false;
	out[(*n)++] = (uint32_t)value;
	return true;
}

static bool read_name(const char *text, char (*out)[STORE_HOST_MAX + 1], uint32_t *n,
		      uint32_t most)
{
	if (*n == most)
		return false;
	snprintf(out[(*n)++], STORE_HOST_MAX + 1, "%s", text);
	return true;
}

static bool read_item(struct statement *st, struct store_service *out)
{
	char value[STORE_HOST_MAX + 1];

	if (!store_column_text(st, 1, value, sizeof(value)))
		return false;
	switch (store_column_int(st, 0)) {
	case ITEM_MANDATORY:
		return read_number(value, out->mandatory, &out->n_mandatory);
	case ITEM_OPTIONAL:
		return read_number(value, out->optional, &out->n_optional);
	case ITEM_SERVER:
		return read_name(value, out->server, &out->n_servers, STORE_SERVERS_MAX);
	case ITEM_CCF:
		return read_name(value, out->ccf, &out->n_ccf, STORE_CHARGING_MAX);
	case ITEM_ECF:
		return read_name(value, out->ecf, &out->n_ecf, STORE_CHARGING_MAX);
	default:
		return false;
	}
}

enum store_result store_service(struct store *s, int64_t subscription,
				struct store_service *out)
{
	struct statement *st = store_take(s, ST_ITEMS);
	enum store_result r;

	memset(out, 0, sizeof(*out));
	store_bind_int(st, 1, subscription);
	while ((r = store_row(st)) == STORE_OK)
		if (!read_item(st, out)) {
			r = STORE_FAIL;
			break;
		}
	store_reset(st);
	return r == STORE_NONE ? STORE_OK : r;
}

enum store_result store_psi_put(struct store *s, const char *identity, bool wildcard,
				const char *server)
{
	struct statement *st;

	if (!*identity || strlen(identity) > IMPU_MAX || strlen(server) > STORE_HOST_MAX)
		return STORE_FAIL;
	st = store_take(s, ST_PUT_PSI);
	store_bind_text(st, 1, identity);
	store_bind_int(st, 2, wildcard);
	store_bind_text(st, 3, server);
	return store_run(st);
}

enum store_result store_psi_del(struct store *s, const char *identity)
{
	struct statement *st = store_take(s, ST_PSI_KNOWN);
	enum store_result r;

	store_bind_text(st, 1, identity);
	r = store_row(st);
	store_reset(st);
	if (r != STORE_OK)
		return r;
	r = application_forget(s, identity);
	if (r != STORE_OK)
		return r;
	st = store_take(s, ST_DEL_PSI);
	store_bind_text(st, 1, identity);
	return store_run(st);
}

enum store_result store_find_psi(struct store *s, struct slice identity,
				 char server[STORE_HOST_MAX + 1])
{
	struct statement *st = store_take(s, ST_FIND_PSI);
	enum store_result r;

	store_bind_slice(st, 1, identity);
	r = store_row(st);
	if (r == STORE_OK && !store_column_text(st, 0, server, STORE_HOST_MAX + 1))
		r = STORE_FAIL;
	store_reset(st);
	return r;
}

enum store_result store_psis(struct store *s, bool wildcards_only,
			     bool (*each)(void *ctx, const char *identity, bool wildcard,
					  const char *server),
			     void *ctx)
{
	char identity[IMPU_MAX + 1], server[STORE_HOST_MAX + 1];
	struct statement *st = store_take(s, ST_PSIS);
	enum store_result r;

	store_bind_int(st, 1, wildcards_only);
	while ((r = store_row(st)) == STORE_OK) {
		if (!store_column_text(st, 0, identity, sizeof(identity)) ||
		    !store_column_text(st, 2, server, sizeof(server))) {
			r = STORE_FAIL;
			break;
		}
		if (!each(ctx, identity, store_column_int(st, 1) != 0, server))
			break;
	}
	store_reset(st);
	return r == STORE_NONE ? STORE_OK : r;
}
