/* ways.c - what an operator sees of the DNS and of the ways out of the network */
#include "control/ways.h"

#include <stdlib.h>
#include <strings.h>

#include "base/admin.h"
#include "base/clock.h"
#include "base/json.h"
#include "control/dns/record.h"
#include "control/outbound.h"
#include "control/routes.h"

/* The one question of an operator that is under way, or was answered and not yet shown. */
struct ways {
	struct outbound *outbound;
	char name[DNS_NAME_MAX + 1]; /* empty: none */
	enum dns_type type;
	bool answered;
	enum dns_status status;
	uint64_t until_ms;
	uint32_t len;
	uint8_t octets[DNS_ANSWER_MAX];
};

struct ways *ways_open(struct outbound *o)
{
	struct ways *w = calloc(1, sizeof(*w));

	if (w)
		w->outbound = o;
	return w;
}

void ways_close(struct ways *w)
{
	free(w);
}

static void put_ttl(struct json *out, uint64_t until_ms)
{
	uint64_t now = clock_ms();

	json_u64(out, "ttl", until_ms > now ? (until_ms - now) / 1000 : 0);
}

/* ---- the DNS ---- */

static void put_first(void *ctx, const char *text)
{
	char **first = ctx;

	if (!*first)
		*first = strdup(text);
}

static void show_known(void *ctx, const struct dns_known *k)
{
	struct json *out = ctx;
	char *first = NULL;

	dns_records(k->octets, k->type, put_first, &first);
	json_object(out, NULL);
	json_str(out, "name", k->name);
	json_str(out, "type", dns_type_name(k->type));
	put_ttl(out, k->until_ms);
	json_str(out, "first", first ? first : "nothing");
	json_end_object(out);
	free(first);
}

void ways_dns_show(struct ways *w, int n, const char *const *word, struct json *out)
{
	json_object(out, NULL);
	json_array(out, "rows");
	dns_each(outbound_dns(w->outbound), show_known, out);
	json_end_array(out);
	json_end_object(out);
}

static void on_answer(void *ctx, enum dns_status status, struct slice octets, uint64_t until_ms)
{
	struct ways *w = ctx;

	w->answered = true;
	w->status = status;
	w->until_ms = until_ms;
	w->len = octets.len <= sizeof(w->octets) ? octets.len : 0;
	if (w->len)
		memcpy(w->octets, octets.p, w->len);
}

static void put_record(void *ctx, const char *text)
{
	json_str(ctx, NULL, text);
}

static void put_question(const struct ways *w, struct json *out)
{
	static const char *const state[] = {"found", "nothing", "no answer"};

	json_object(out, NULL);
	json_str(out, "name", w->name);
	json_str(out, "type", dns_type_name(w->type));
	json_str(out, "state", w->answered ? state[w->status] : "asked");
	if (w->answered) {
		put_ttl(out, w->until_ms);
		json_array(out, "records");
		dns_records(slice_of(w->octets, w->len), w->type, put_record, out);
		json_end_array(out);
	}
	json_end_object(out);
}

/* Nobody else is answered before: the callback writes into w alone. */
static bool begin(struct ways *w, const char *name, enum dns_type type)
{
	size_t len = strlen(name);

	if (w->name[0] && !w->answered)
		return false;
	memcpy(w->name, name, len + 1);
	w->type = type;
	w->answered = false;
	dns_ask(outbound_dns(w->outbound), slice_of(name, len), type, on_answer, w);
	return true;
}

void ways_dns_query(struct ways *w, int n, const char *const *word, struct json *out)
{
	enum dns_type type = DNS_A;

	if (n < 1 || n > 2 || strlen(word[0]) > DNS_NAME_MAX) {
		admin_error(out, "usage", "dns query NAME [A|AAAA|SRV|NAPTR]", NULL);
		return;
	}
	if (n == 2 && !dns_type_of(word[1], &type)) {
		admin_error(out, "usage", "the type is none of A, AAAA, SRV and NAPTR", NULL);
		return;
	}
	if ((strcasecmp(w->name, word[0]) != 0 || w->type != type) &&
	    !begin(w, word[0], type)) {
		admin_error(out, "busy", "another name is being asked for", "ask again");
		return;
	}
	put_question(w, out);
	if (w->answered)
		w->name[0] = 0;
}

void ways_dns_flush(struct ways *w, int n, const char *const *word, struct json *out)
{
	json_object(out, NULL);
	json_u64(out, "forgotten", dns_flush(outbound_dns(w->outbound)));
	json_end_object(out);
}

/* ---- the ways ---- */

static void put_hops(struct json *out, const struct abi_route_view *v)
{
	uint8_t memory[ABI_ROUTE_ADDRESSES * (ADDR_TEXT_MAX + 1)];
	struct text t = text_in(memory, sizeof(memory));

	for (uint32_t i = 0; i < v->n_addr; i++) {
		text_str(&t, i ? " " : "");
		addr_put(&t, &v->addr[i]);
	}
	json_str(out, "hops", text_cstr(&t));
}

static void show_route(void *ctx, const struct abi_route_view *v)
{
	struct json *out = ctx;

	json_object(out, NULL);
	json_slice(out, "to", v->to);
	json_str(out, "kind", v->kind == ABI_ROUTE_PROXY ? "proxy" : "called");
	put_hops(out, v);
	json_slice(out, "uri", v->uri);
	put_ttl(out, v->expires_ms);
	json_end_object(out);
}

void ways_route_show(struct ways *w, int n, const char *const *word, struct json *out)
{
	json_object(out, NULL);
	json_array(out, "rows");
	routes_each(outbound_routes(w->outbound), show_route, out);
	json_end_array(out);
	json_end_object(out);
}

void ways_route_flush(struct ways *w, int n, const char *const *word, struct json *out)
{
	json_object(out, NULL);
	json_u64(out, "forgotten", routes_flush(outbound_routes(w->outbound)));
	json_end_object(out);
}
