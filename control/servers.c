/* servers.c - Application Servers by their SIP URI, and where they are */
#include "control/servers.h"

#include <ev.h>
#include <stdlib.h>

#include "abi/install.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "control/control.h"
#include "control/dns/find.h"
#include "control/outbound.h"
#include "control/resolve.h"
#include "ifc/form.h"
#include "sip/uri.h"

enum { SIP_PORT = 5060, TICK_S = 1 };

_Static_assert((int)SERVER_ADDRESSES_MAX == (int)ABI_SERVER_ADDRESSES,
	       "all of them are installed");
_Static_assert((int)SERVERS_MAX < (int)ABI_SERVERS_MAX, "all find room in the data plane");

struct server {
	struct server *next;
	struct servers *all;
	char name[SERVER_NAME_MAX];
	uint32_t uri_len;
	uint8_t uri[SERVER_NAME_MAX + 8]; /* "sip:host", with a port where the URI had one */
	uint32_t holders;
	bool asking;
	bool literal;            /* the host is an address */
	uint32_t host_len;       /* of the name */
	uint16_t port;           /* 0: the URI has none */
	uint64_t met_ms, ask_ms; /* when last; when to ask again */
	enum server_state state;
	uint32_t n;
	struct addr address[SERVER_ADDRESSES_MAX];
	uint64_t rests_until_ms[SERVER_ADDRESSES_MAX];
	uint64_t answered, failed;
};

struct servers {
	struct control *c;
	struct server *first;
	uint32_t n;
	struct ev_timer tick;
	void (*changed)(void *ctx, struct server *server);
	void *ctx;
	uint64_t refused;
};

static void tell(struct server *v)
{
	if (v->all->changed)
		v->all->changed(v->all->ctx, v);
}

static void settle(struct server *v, enum server_state state, const struct addr *a, uint32_t n)
{
	bool same = state == v->state && n == v->n;

	for (uint32_t i = 0; same && i < n; i++)
		same = addr_eq(&a[i], &v->address[i]);
	v->asking = false;
	v->ask_ms = clock_ms() + SERVERS_ASK_S * 1000;
	if (same)
		return;
	v->state = state;
	v->n = n;
	memset(v->rests_until_ms, 0, sizeof(v->rests_until_ms));
	if (n)
		memcpy(v->address, a, n * sizeof(*a));
	if (state != SERVER_FOUND)
		log_event(LOG_WARN, "servers", "not_found", LOG_Z("server", v->name),
			  LOG_Z("why", state == SERVER_SILENT ? "the DNS does not answer"
							      : "the DNS knows no address"));
	tell(v);
}

static void found(void *ctx, enum find_status status, const struct addr *hop, uint32_t n,
		  uint64_t until_ms)
{
	struct addr good[SERVER_ADDRESSES_MAX];
	struct server *v = ctx;
	uint32_t n_good = 0;

	for (uint32_t i = 0; i < n && n_good < SERVER_ADDRESSES_MAX; i++)
		if (outbound_reachable(v->all->c->conf, &hop[i]))
			good[n_good++] = hop[i];
	if (n_good)
		settle(v, SERVER_FOUND, good, n_good);
	else if (status != FIND_FAILED)
		settle(v, SERVER_NOWHERE, NULL, 0);
	else if (v->state == SERVER_FOUND) /* what was known is better than nothing */
		settle(v, SERVER_FOUND, v->address, v->n);
	else
		settle(v, SERVER_SILENT, NULL, 0);
}

/* Peers by name come before the DNS. */
static void ask(struct server *v)
{
	struct control *c = v->all->c;
	struct slice text = slice_of(v->uri, v->uri_len);
	struct sip_uri uri;
	struct addr a;

	switch (resolve_uri(c->conf, text, &a)) {
	case RESOLVE_OK:
		settle(v, SERVER_FOUND, &a, 1);
		return;
	case RESOLVE_SELF:
		settle(v, SERVER_NOWHERE, NULL, 0);
		return;
	case RESOLVE_UNKNOWN:
		break;
	}
	if (!c->outbound) { /* not yet open: on a later tick */
		v->ask_ms = 0;
		return;
	}
	v->asking = true;
	sip_uri_decode(text, &uri);
	find_hops(outbound_dns(c->outbound), &uri, found, v);
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct servers *s = w->data;
	uint64_t now = clock_ms();

	for (struct server *v = s->first; v; v = v->next)
		if (!v->asking && v->ask_ms <= now)
			ask(v);
}

struct servers *servers_open(struct control *c)
{
	struct servers *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->c = c;
	ev_timer_init(&s->tick, on_tick, TICK_S, TICK_S);
	s->tick.data = s;
	ev_timer_start(c->loop, &s->tick);
	return s;
}

void servers_close(struct servers *s)
{
	if (!s)
		return;
	ev_timer_stop(s->c->loop, &s->tick);
	for (struct server *v = s->first, *next; v; v = next) {
		next = v->next;
		free(v);
	}
	free(s);
}

void servers_watch(struct servers *s, void (*changed)(void *ctx, struct server *server),
		   void *ctx)
{
	s->changed = changed;
	s->ctx = ctx;
}

/* "host:port" as it is told apart, in small letters, and the URI that is looked up: a port that
 * is written rules out SRV records (RFC 3263 §4.2), so it is another server then. */
static bool name_put(struct server *v, struct slice text)
{
	struct text name = text_in(v->name, sizeof(v->name));
	struct text plain = text_in(v->uri, sizeof(v->uri));
	struct sip_uri uri;
	struct addr unused;

	if (sip_uri_decode(text, &uri) != SIP_OK || uri.scheme != SIP_SCHEME_SIP ||
	    uri.host.len == 0)
		return false;
	for (uint32_t i = 0; i < uri.host.len; i++)
		text_char(&name, ascii_lower(uri.host.p[i]));
	v->literal = sip_uri_addr(&uri, SIP_PORT, &unused);
	v->host_len = name.len;
	v->port = uri.port;
	text_lit(&plain, "sip:");
	text_put(&plain, text_slice(&name));
	if (uri.port) {
		text_char(&name, ':');
		text_u64(&name, uri.port);
		text_char(&plain, ':');
		text_u64(&plain, uri.port);
	}
	text_cstr(&name);
	v->uri_len = plain.len;
	return !name.overflow && !plain.overflow;
}

static bool make_room(struct servers *s)
{
	struct server **oldest = NULL, *gone;

	if (s->n < SERVERS_MAX)
		return true;
	for (struct server **at = &s->first; *at; at = &(*at)->next)
		if ((*at)->holders == 0 && !(*at)->asking &&
		    (!oldest || (*at)->met_ms < (*oldest)->met_ms))
			oldest = at;
	if (!oldest)
		return false;
	gone = *oldest;
	*oldest = gone->next;
	free(gone);
	s->n--;
	return true;
}

static struct server *add(struct servers *s, const struct server *like)
{
	struct server *v = make_room(s) ? malloc(sizeof(*v)) : NULL;

	if (!v) {
		s->refused++;
		return NULL;
	}
	*v = *like;
	v->all = s;
	v->next = s->first;
	s->first = v;
	s->n++;
	ask(v);
	return v;
}

static struct server *get(struct servers *s, const struct server *like)
{
	struct server *v = s->first;

	while (v && strcmp(v->name, like->name) != 0)
		v = v->next;
	if (!v)
		v = add(s, like);
	if (v)
		v->met_ms = clock_ms();
	return v;
}

struct server *servers_hold(struct servers *s, struct slice uri)
{
	struct server like = {.state = SERVER_ASKED}, *v;

	v = name_put(&like, uri) ? get(s, &like) : NULL;
	if (v)
		v->holders++;
	return v;
}

void servers_meet(struct servers *s, const struct ifc *f)
{
	for (uint32_t i = 0; i < f->n_criteria; i++) {
		struct server like = {.state = SERVER_ASKED};

		if (name_put(&like, ifc_text(f, ifc_criterion(f, i)->server)) && !like.literal)
			get(s, &like);
	}
}

void servers_release(struct servers *s, struct server *v)
{
	v->holders--;
}

const char *server_name(const struct server *v)
{
	return v->name;
}

enum server_state server_state(const struct server *v)
{
	return v->state;
}

uint32_t server_addresses(const struct server *v, struct addr out[SERVER_ADDRESSES_MAX])
{
	memcpy(out, v->address, sizeof(v->address));
	return v->n;
}

static bool pick(const struct server *v, uint32_t *tried, bool rested, struct addr *out)
{
	uint64_t now = clock_ms();

	for (uint32_t i = 0; i < v->n; i++) {
		if (*tried & 1u << i || (rested && v->rests_until_ms[i] > now))
			continue;
		*tried |= 1u << i;
		*out = v->address[i];
		return true;
	}
	return false;
}

bool server_next(const struct server *v, uint32_t *tried, struct addr *out)
{
	return pick(v, tried, true, out) || pick(v, tried, false, out);
}

static void rest(struct server *v, const struct addr *a, uint64_t until_ms)
{
	for (uint32_t i = 0; i < v->n; i++)
		if (addr_eq(&v->address[i], a))
			v->rests_until_ms[i] = until_ms;
}

void server_answered(struct server *v, const struct addr *a)
{
	v->answered++;
	rest(v, a, 0);
}

void server_failed(struct server *v, const struct addr *a)
{
	v->failed++;
	rest(v, a, clock_ms() + SERVERS_REST_MS);
}

bool server_view(const struct server *v, struct abi_server_view *out)
{
	struct slice host = slice_of((const uint8_t *)v->name, v->host_len);

	if (v->literal || v->state == SERVER_ASKED)
		return false;
	*out = (struct abi_server_view){.server_id = abi_server_id(host, v->port),
					.host = host,
					.port = v->port,
					.n_addr = v->n};
	memcpy(out->addr, v->address, v->n * sizeof(out->addr[0]));
	return true;
}

void server_describe(const struct server *v, struct server_row *out)
{
	uint64_t now = clock_ms();

	*out = (struct server_row){
		.name = v->name,
		.state = v->state,
		.n = v->n,
		.answered = v->answered,
		.failed = v->failed,
	};
	for (uint32_t i = 0; i < v->n; i++) {
		out->address[i] = v->address[i];
		out->resting[i] = v->rests_until_ms[i] > now;
	}
}

void servers_each(struct servers *s, bool (*each)(void *ctx, struct server *server), void *ctx)
{
	for (struct server *v = s->first; v; v = v->next)
		if (!each(ctx, v))
			return;
}

void servers_stats(const struct servers *s, struct servers_stats *out)
{
	*out = (struct servers_stats){.n = s->n, .refused = s->refused};
	for (const struct server *v = s->first; v; v = v->next) {
		out->nowhere += v->state == SERVER_NOWHERE;
		out->silent += v->state == SERVER_SILENT;
	}
}
