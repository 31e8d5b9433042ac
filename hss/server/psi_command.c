/* psi_command.c - the `sub psi ...` commands of the HSS's admin socket */
#include "hss/psi_command.h"

#include "base/log.h"
#include "hss/psi.h"
#include "sip/uri.h"

static void answer(struct json *out, enum store_result r, const char *what,
		   const char *identity)
{
	switch (r) {
	case STORE_OK:
		log_event(LOG_INFO, "provision", "psi", LOG_Z("identity", identity),
			  LOG_Z("done", what));
		json_object(out, NULL);
		json_str(out, what, identity);
		json_end_object(out);
		return;
	case STORE_NONE:
		admin_error(out, "not_found", "no such service identity",
			    "sakerctl sub psi list");
		return;
	case STORE_BUSY:
		admin_error(out, "busy", "the store is busy", "try again");
		return;
	default:
		admin_error(out, "store", "the store failed",
			    "see the log of the HSS: is the disk full or read-only?");
	}
}

static bool list_one(void *ctx, const char *identity, bool wildcard, const char *server)
{
	struct json *out = ctx;

	json_object(out, NULL);
	json_str(out, "identity", identity);
	json_bool(out, "wildcard", wildcard);
	json_str(out, "server", server);
	json_end_object(out);
	return true;
}

static void list(struct store *s, struct json *out)
{
	enum store_result r;

	json_object(out, NULL);
	json_array(out, "rows");
	r = store_psis(s, false, list_one, out);
	json_end_array(out);
	if (r != STORE_OK)
		json_str(out, "note", "the store failed: this is not all");
	json_end_object(out);
}

static bool count_one(void *ctx, const char *identity, bool wildcard, const char *server)
{
	return ++*(uint32_t *)ctx < STORE_PSI_WILDCARDS_MAX;
}

/* Each is tried in turn at a LIR, so there may not be any number of wildcarded ones. */
static bool has_room(struct store *s, bool wildcard)
{
	uint32_t n = 0;

	return !wildcard ||
	       (store_psis(s, true, count_one, &n) == STORE_OK && n < STORE_PSI_WILDCARDS_MAX);
}

static bool is_server(const char *uri)
{
	struct sip_uri u;

	return strlen(uri) <= STORE_HOST_MAX && sip_uri_decode(slice_str(uri), &u) == SIP_OK &&
	       u.scheme == SIP_SCHEME_SIP;
}

void psi_command(struct store *s, const struct admin_request *r, struct json *out)
{
	bool put = strcmp(r->word[2], "put") == 0 && r->n_words == 5;
	bool del = strcmp(r->word[2], "del") == 0 && r->n_words == 4, wildcard;
	char identity[IMPU_MAX + 1], error[STORE_ERROR_MAX] = "";

	if (strcmp(r->word[2], "list") == 0 && r->n_words == 3)
		list(s, out);
	else if (!put && !del)
		admin_error(out, "usage", "sub psi put IDENTITY SIP-URI, del IDENTITY, list",
			    "sakerctl help sub psi");
	else if (!psi_check(slice_str(r->word[3]), identity, &wildcard, error))
		admin_error(out, "invalid", error, NULL);
	else if (del)
		answer(out, store_psi_del(s, identity), "deleted", identity);
	else if (!is_server(r->word[4]))
		admin_error(out, "invalid", "the server is no SIP URI", NULL);
	else if (!has_room(s, wildcard))
		admin_error(out, "invalid", "there are as many wildcarded ones as may be",
			    NULL);
	else
		answer(out, store_psi_put(s, identity, wildcard, r->word[4]), "put", identity);
}
