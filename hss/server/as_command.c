/* as_command.c - the `as ...` commands of the HSS's admin socket: Application Servers over Sh
 */
#include "hss/as_command.h"

#include <stdio.h>

#include "base/log.h"
#include "base/text.h"
#include "sip/uri.h"

enum { WATCHES_DEFAULT = 100, WATCHES_MAX = 10000, WATCHES_AT_ONCE = 50 };

static const struct {
	const char *name;
	uint32_t operations;
} operation_name[] = {
	{"pull", STORE_PULL},
	{"update", STORE_UPDATE},
	{"notify", STORE_NOTIFY},
	{"all", STORE_PULL | STORE_UPDATE | STORE_NOTIFY},
	{"none", 0},
};

enum { OPERATIONS = sizeof(operation_name) / sizeof(operation_name[0]) };

static void answer(struct json *out, enum store_result r, const char *what, const char *name)
{
	switch (r) {
	case STORE_OK:
		log_event(LOG_INFO, "provision", "as", LOG_Z("name", name),
			  LOG_Z("done", what));
		json_object(out, NULL);
		json_str(out, what, name);
		json_end_object(out);
		return;
	case STORE_NONE:
		admin_error(out, "not_found", "there is no such thing", "sakerctl as list");
		return;
	case STORE_BUSY:
		admin_error(out, "busy", "the store is busy", "try again");
		return;
	default:
		admin_error(out, "store", "the store failed",
			    "see the log of the HSS: is the disk full or read-only?");
	}
}

static bool read_operations(struct slice text, uint32_t *out)
{
	*out = 0;
	while (text.len) {
		uint32_t end = slice_find(text, ',');
		struct slice one = slice_sub(text, 0, end);
		int i = 0;

		while (i < OPERATIONS && !slice_eq(one, slice_str(operation_name[i].name)))
			i++;
		if (i == OPERATIONS)
			return false;
		*out |= operation_name[i].operations;
		text = slice_from(text, end + 1);
	}
	return true;
}

static bool read_reference(struct slice text, uint32_t *out)
{
	char name[32];

	snprintf(name, sizeof(name), "%.*s", SLICE_ARG(text));
	return text.len < sizeof(name) && sh_reference_named(name, out);
}

/* One REFERENCE=OPERATIONS. What makes no sense with a reference is left out of "all". */
static enum store_result add_one(struct store *s, const char *host, const char *word,
				 bool *wrong)
{
	struct slice text = slice_str(word);
	uint32_t equals = slice_find(text, '='), operations, reference = 0;
	struct slice name = slice_sub(text, 0, equals);
	bool every = slice_eq(name, SLICE("all"));
	enum store_result r = STORE_OK;

	*wrong = equals == text.len ||
		 !read_operations(slice_from(text, equals + 1), &operations) ||
		 (!every && !read_reference(name, &reference));
	if (*wrong)
		return STORE_FAIL;
	if (!every)
		return store_permission_put(s, host, reference,
					    operations & sh_reference_operations(reference));
	for (reference = 0; r == STORE_OK && reference <= SH_REFERENCE_LAST; reference++)
		if (sh_reference_operations(reference))
			r = store_permission_put(s, host, reference,
						 operations &
							 sh_reference_operations(reference));
	return r;
}

static void add(struct store *s, const struct admin_request *q, struct json *out)
{
	char host[STORE_HOST_MAX + 1];
	bool wrong = !sh_host(slice_str(q->word[2]), host);
	enum store_result r = wrong ? STORE_FAIL : store_begin(s, STORE_PROVISION);

	for (int i = 3; r == STORE_OK && i < q->n_words; i++)
		r = add_one(s, host, q->word[i], &wrong);
	if (r == STORE_OK)
		r = store_commit(s);
	else
		store_rollback(s);
	if (wrong)
		admin_error(out, "invalid",
			    "not HOST REFERENCE=OPERATIONS, as in as.example.org "
			    "repository_data=pull,update,notify user_state=pull",
			    "sakerctl help as add");
	else
		answer(out, r, "added", host);
}

static void del(struct store *s, const char *name, struct json *out)
{
	char host[STORE_HOST_MAX + 1];
	enum store_result r = STORE_NONE;

	if (sh_host(slice_str(name), host)) {
		r = store_begin(s, STORE_PROVISION);
		if (r == STORE_OK)
			r = store_permissions_del(s, host);
		if (r == STORE_OK)
			r = store_commit(s);
		else
			store_rollback(s);
	}
	answer(out, r, "deleted", name);
}

static bool list_one(void *ctx, const char *host, uint32_t reference, uint32_t operations)
{
	struct json *out = ctx;
	const char *name = sh_reference_name(reference);
	char text[32];
	struct text t = text_in(text, sizeof(text));

	for (int i = 0; i < 3; i++) {
		if (!(operations & operation_name[i].operations))
			continue;
		if (t.len)
			text_char(&t, ',');
		text_str(&t, operation_name[i].name);
	}
	json_object(out, NULL);
	json_str(out, "host", host);
	json_str(out, "reference", name ? name : "unknown");
	json_str(out, "operations", text_cstr(&t));
	json_end_object(out);
	return true;
}

static bool list_tag(void *ctx, const char *tag, const char *server)
{
	struct json *out = ctx;

	json_object(out, NULL);
	json_str(out, "tag", tag);
	json_str(out, "server", server);
	json_end_object(out);
	return true;
}

static enum store_result list_watches(struct store *s, int64_t after, uint64_t limit,
				      struct json *out)
{
	struct store_watch w[WATCHES_AT_ONCE];
	enum store_result r = STORE_OK;
	uint32_t n = 1;

	while (r == STORE_OK && n && limit) {
		uint32_t most = limit < WATCHES_AT_ONCE ? (uint32_t)limit : WATCHES_AT_ONCE;

		r = store_watches(s, NULL, after, w, most, &n);
		for (uint32_t i = 0; r == STORE_OK && i < n; i++) {
			const char *name = sh_reference_name(w[i].reference);

			json_object(out, NULL);
			json_u64(out, "id", (uint64_t)w[i].id);
			json_str(out, "identity", w[i].identity);
			json_str(out, "reference", name ? name : "unknown");
			json_str(out, "detail", w[i].detail);
			json_str(out, "host", w[i].host);
			json_u64(out, "expiry", (uint64_t)w[i].expiry);
			json_end_object(out);
			after = w[i].id;
		}
		limit -= n;
	}
	return r;
}

static bool read_options(const struct admin_request *q, uint64_t *limit, uint64_t *from)
{
	*limit = WATCHES_DEFAULT;
	*from = 0;
	for (int i = 2; i < q->n_words; i += 2) {
		bool is_limit = strcmp(q->word[i], "--limit") == 0;
		bool is_from = strcmp(q->word[i], "--from") == 0;

		if ((!is_limit && !is_from) || i + 1 == q->n_words ||
		    !slice_u64(slice_str(q->word[i + 1]), is_limit ? WATCHES_MAX : INT64_MAX,
			       is_limit ? limit : from))
			return false;
	}
	return true;
}

enum list { LIST_PERMISSIONS, LIST_TAGS, LIST_WATCHES };

static void list(struct store *s, const struct admin_request *q, enum list which,
		 struct json *out)
{
	uint64_t limit = 0, from = 0;
	enum store_result r;

	if (which == LIST_WATCHES && !read_options(q, &limit, &from)) {
		admin_error(out, "usage", "as watches [--limit N] [--from ID]", NULL);
		return;
	}
	json_object(out, NULL);
	json_array(out, "rows");
	if (which == LIST_PERMISSIONS)
		r = store_permissions(s, list_one, out);
	else if (which == LIST_TAGS)
		r = store_dsais(s, list_tag, out);
	else
		r = list_watches(s, (int64_t)from, limit, out);
	json_end_array(out);
	if (r != STORE_OK)
		json_str(out, "note", "the store failed: this is not all");
	json_end_object(out);
}

static bool count_tag(void *ctx, const char *tag, const char *server)
{
	++*(uint32_t *)ctx;
	return true;
}

static bool is_server(const char *uri)
{
	struct sip_uri u;

	return strlen(uri) <= STORE_HOST_MAX && sip_uri_decode(slice_str(uri), &u) == SIP_OK &&
	       u.scheme == SIP_SCHEME_SIP;
}

static void put_tag(struct store *s, const char *tag, const char *server, struct json *out)
{
	char before[STORE_HOST_MAX + 1];
	uint32_t n = 0;

	if (!*tag || strlen(tag) > STORE_KEY_MAX || !text_is_utf8(slice_str(tag)) ||
	    !is_server(server))
		admin_error(out, "invalid", "not TAG SIP-URI", NULL);
	else if (store_find_dsai(s, slice_str(tag), before) == STORE_NONE &&
		 (store_dsais(s, count_tag, &n) != STORE_OK || n >= STORE_DSAI_MAX))
		admin_error(out, "invalid", "there are as many tags as may be", NULL);
	else
		answer(out, store_dsai_put(s, tag, server), "put", tag);
}

static bool is(const struct admin_request *q, const char *verb, int n_words)
{
	return q->n_words == n_words && strcmp(q->word[1], verb) == 0;
}

static bool is_dsai(const struct admin_request *q, const char *verb, int n_words)
{
	return is(q, "dsai", n_words) && strcmp(q->word[2], verb) == 0;
}

/* A permission that goes takes its subscriptions along, a tag what hangs on it. */
static bool changes(const struct admin_request *q)
{
	return q->n_words >= 3 && strcmp(q->word[1], "watches") != 0;
}

void as_command(struct store *s, struct pnr *pnr, const struct admin_request *q,
		struct json *out)
{
	if (q->n_words >= 4 && strcmp(q->word[1], "add") == 0)
		add(s, q, out);
	else if (is(q, "del", 3))
		del(s, q->word[2], out);
	else if (is(q, "list", 2))
		list(s, q, LIST_PERMISSIONS, out);
	else if (q->n_words >= 2 && strcmp(q->word[1], "watches") == 0)
		list(s, q, LIST_WATCHES, out);
	else if (is_dsai(q, "put", 5))
		put_tag(s, q->word[3], q->word[4], out);
	else if (is_dsai(q, "del", 4))
		answer(out, store_dsai_del(s, q->word[3]), "deleted", q->word[3]);
	else if (is_dsai(q, "list", 3))
		list(s, q, LIST_TAGS, out);
	else
		admin_error(out, "usage", "as has add, del, list, watches, dsai put|del|list",
			    "sakerctl --help");
	if (changes(q))
		pnr_all_changed(pnr);
}
