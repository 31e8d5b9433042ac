/* reg_event.c - SUBSCRIBE, NOTIFY and what is between them (RFC 6665 §4.2) */
#include "control/reg_event.h"

#include <ev.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/control.h"
#include "control/exchange.h"
#include "control/link.h"
#include "control/persist.h"
#include "control/record.h"
#include "control/register.h"
#include "control/resolve.h"
#include "sip/field.h"
#include "sip/name_addr.h"

enum {
	TABLE_START = 1024,
	TEXTS_MAX = 8192, /* octets of one subscription's texts */
	/* After a start: until the first is told, and between two. */
	RESTORED_FIRST_MS = 1000,
	RESTORED_EACH_MS = 1,
};

/* Of one registration set that has subscribers. */
struct followed {
	struct followed *next; /* in the chain */
	uint64_t set_id;
	struct watch *watch;
	uint32_t n;
	struct subscription *first;
};

struct subscription {
	struct reg_events *r;
	struct followed *of;       /* NULL: over, waits for the answer to its last NOTIFY */
	struct subscription *next; /* of the same set */
	struct subscription *chain_next; /* by tag */
	uint64_t number;                 /* the tag's */
	struct ev_timer expiry;
	uint64_t begun_wall_ms, expires_wall_ms;
	uint64_t told; /* watch_news of the last document sent */
	uint32_t version, cseq, remote_cseq;
	bool busy;       /* a NOTIFY is under way */
	bool asked;      /* a SUBSCRIBE wants to see all (RFC 6665 §4.2.1.2) */
	const char *end; /* reason of its end, NULL: goes on */
	struct addr hop;
	uint64_t sa_id; /* security associations it is reached through; 0: in clear */
	char tag[17];   /* ours: 64 secret bits, which tell the dialog */
	/* One allocation. */
	struct slice user, call_id, remote, local, target, event, route;
	uint8_t text[];
};

struct reg_events {
	struct control *c;
	uint32_t size; /* of both tables, a power of two */
	uint32_t n_followed, n_restored;
	struct followed **chain;
	struct subscription **dialog; /* by tag, those that are over and not yet gone too */
	struct reg_events_stats stats;
};

static void followed_free(struct followed *f)
{
	watch_free(f->watch);
	free(f);
}

void reg_events_close(struct reg_events *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; r->chain && r->dialog && i < r->size; i++) {
		for (struct subscription *s = r->dialog[i], *next; s; s = next) {
			next = s->chain_next;
			ev_timer_stop(r->c->loop, &s->expiry);
			free(s);
		}
		for (struct followed *f = r->chain[i], *next; f; f = next) {
			next = f->next;
			followed_free(f);
		}
	}
	free(r->dialog);
	free(r->chain);
	free(r);
}

/* ---- the sets that are followed ---- */

static struct followed **followed_at(struct reg_events *r, uint64_t set_id)
{
	struct followed **at = &r->chain[(set_id ^ set_id >> 32) & (r->size - 1)];

	while (*at && (*at)->set_id != set_id)
		at = &(*at)->next;
	return at;
}

static struct subscription **dialog_at(struct reg_events *r, uint64_t number)
{
	return &r->dialog[number & (r->size - 1)];
}

/* Both tables, which have nearly as many entries; without memory the chains grow longer. */
static void grow(struct reg_events *r)
{
	struct reg_events was = *r;
	struct followed **chain = calloc(2 * was.size, sizeof(struct followed *));
	struct subscription **dialog = calloc(2 * was.size, sizeof(struct subscription *));

	if (!chain || !dialog) {
		free(chain);
		free(dialog);
		return;
	}
	r->size *= 2;
	r->chain = chain;
	r->dialog = dialog;
	for (uint32_t i = 0; i < was.size; i++) {
		for (struct followed *f = was.chain[i], *next; f; f = next) {
			struct followed **at = followed_at(r, f->set_id);

			next = f->next;
			f->next = NULL;
			*at = f;
		}
		for (struct subscription *s = was.dialog[i], *next; s; s = next) {
			struct subscription **at = dialog_at(r, s->number);

			next = s->chain_next;
			s->chain_next = *at;
			*at = s;
		}
	}
	free(was.chain);
	free(was.dialog);
}

static struct followed *follow(struct reg_events *r, const struct registration_set *set)
{
	struct followed **at = followed_at(r, set->id), *f = *at;

	if (f)
		return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->set_id = set->id;
	f->watch = watch_new(set);
	if (!f->watch) {
		free(f);
		return NULL;
	}
	*at = f;
	r->n_followed++;
	return f;
}

static void unfollow(struct reg_events *r, struct followed *f)
{
	if (f->n)
		return;
	*followed_at(r, f->set_id) = f->next;
	r->n_followed--;
	followed_free(f);
}

/* ---- subscriptions ---- */

/* Nothing more is told; freed when nothing is under way. */
static void subscription_end(struct subscription *s)
{
	struct reg_events *r = s->r;
	struct followed *f = s->of;
	struct subscription **at;

	if (f) {
		at = &f->first;
		while (*at != s)
			at = &(*at)->next;
		*at = s->next;
		f->n--;
		s->of = NULL;
		r->stats.active--;
		ev_timer_stop(r->c->loop, &s->expiry);
		persist_subscription_delete(r->c->persist, s->number);
		unfollow(r, f);
	}
	if (s->busy)
		return;
	at = dialog_at(r, s->number);
	while (*at != s)
		at = &(*at)->chain_next;
	*at = s->chain_next;
	free(s);
}

/* What all its subscribers know by now. */
static void settle(struct followed *f)
{
	uint64_t told = UINT64_MAX;

	for (const struct subscription *s = f->first; s; s = s->next)
		if (s->told < told)
			told = s->told;
	watch_told(f->watch, told);
}

static void notify(struct subscription *s);

/* Any other answer ends it: the subscriber is not there, or does not want it (RFC 6665
 * §4.2.2). */
static void notified(void *ctx, const struct sip_msg *response)
{
	struct subscription *s = ctx;

	s->busy = false;
	if (!response || response->status >= 300) {
		s->r->stats.failed++;
		log_event(LOG_INFO, "reg_event", "notify_failed", LOG_S("user", s->user),
			  LOG_U("status", response ? response->status : 0));
		subscription_end(s);
		return;
	}
	if (!s->of) {
		subscription_end(s);
		return;
	}
	settle(s->of);
	notify(s);
}

static void put_state(struct text *t, const struct subscription *s)
{
	uint64_t now = clock_wall_ms();
	uint64_t left = s->expires_wall_ms > now ? (s->expires_wall_ms - now) / 1000 : 0;

	text_lit(t, "Subscription-State: ");
	if (s->end) {
		text_lit(t, "terminated;reason=");
		text_str(t, s->end);
	} else {
		text_lit(t, "active;expires=");
		text_u64(t, left);
	}
	text_lit(t, "\r\n");
}

static void put_local_contact(struct text *t, const struct reg_events *r,
			      const struct addr *toward)
{
	struct addr local;

	if (!exchanges_local(r->c->exchanges, toward, &local))
		return;
	text_lit(t, "Contact: <sip:reg@");
	addr_put(t, &local);
	text_lit(t, ">\r\n");
}

static bool put_notify(struct text *t, struct subscription *s)
{
	uint8_t memory[SIP_MESSAGE_MAX];
	struct text body = text_in(memory, sizeof(memory) - 2048);
	struct reginfo_wish wish = {.told = s->asked ? 0 : s->told, .version = s->version};
	struct hash_key key;
	bool full;

	if (link_token_key(s->r->c->link, &key))
		wish.key = &key;
	if (!reginfo_put(&body, s->of->watch, &wish, &full))
		return false;
	text_lit(t, "NOTIFY ");
	text_put(t, s->target);
	text_lit(t, " SIP/2.0\r\nMax-Forwards: 70\r\n");
	text_put(t, s->route);
	text_lit(t, "From: ");
	text_put(t, s->local);
	text_lit(t, ";tag=");
	text_str(t, s->tag);
	text_lit(t, "\r\nTo: ");
	text_put(t, s->remote);
	text_lit(t, "\r\nCall-ID: ");
	text_put(t, s->call_id);
	text_lit(t, "\r\nCSeq: ");
	text_u64(t, ++s->cseq);
	text_lit(t, " NOTIFY\r\n");
	put_local_contact(t, s->r, &s->hop);
	text_lit(t, "Event: ");
	text_put(t, s->event);
	text_lit(t, "\r\n");
	put_state(t, s);
	text_lit(t, "Content-Type: application/reginfo+xml\r\nContent-Length: ");
	text_u64(t, body.len);
	text_lit(t, "\r\n\r\n");
	text_put(t, text_slice(&body));
	return !t->overflow;
}

/* A terminal that registered anew is reached through its new associations (TS 33.203 §7.4). */
static bool find_way(struct subscription *s, struct request_way *way)
{
	const struct control *c = s->r->c;
	const struct registration_set *set;

	if (own_way(c, &s->hop, s->sa_id, way))
		return true;
	set = registrations_by_id(c->registrations, s->of->set_id);
	for (uint32_t i = 0; set && i < set->n_contact; i++) {
		const struct registration_contact *k = &set->contact[i];

		if (!k->sa_id || !addr_same_ip(&k->flow, &s->hop))
			continue;
		s->hop = k->flow;
		s->sa_id = k->sa_id;
		return own_way(c, &s->hop, s->sa_id, way);
	}
	return false;
}

/* If there is something to tell, and nothing under way. */
static void notify(struct subscription *s)
{
	uint8_t memory[SIP_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));
	struct reg_events *r = s->r;
	struct request_way way;

	if (s->busy || !s->of || !(s->asked || s->end || s->told < watch_news(s->of->watch)))
		return;
	if (!find_way(s, &way)) {
		r->stats.failed++;
		subscription_end(s);
		return;
	}
	if (!put_notify(&t, s)) {
		r->stats.too_large++;
		log_event(LOG_WARN, "reg_event", "too_large", LOG_S("user", s->user));
		subscription_end(s);
		return;
	}
	s->version++;
	s->asked = false;
	s->told = watch_news(s->of->watch);
	s->busy = true;
	r->stats.notified++;
	if (s->end) /* that was all; the answer frees it */
		subscription_end(s);
	request_send(r->c->exchanges, text_slice(&t), &way, notified, s);
}

static void arm(struct subscription *s, uint64_t ms)
{
	ev_timer_stop(s->r->c->loop, &s->expiry);
	ev_timer_set(&s->expiry, (double)ms / 1000., 0.);
	ev_timer_start(s->r->c->loop, &s->expiry);
}

/* Or the first time after a start. */
static void on_expiry(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct subscription *s = w->data;
	uint64_t now = clock_wall_ms();

	if (s->expires_wall_ms > now)
		arm(s, s->expires_wall_ms - now);
	else
		s->end = "timeout";
	notify(s);
}

void reg_event_changed(struct reg_events *r, uint64_t set_id, enum reginfo_cause cause)
{
	struct followed *f = *followed_at(r, set_id);

	if (!f)
		return;
	if (!watch_change(f->watch, registrations_by_id(r->c->registrations, set_id), cause))
		return;
	for (struct subscription *s = f->first, *next; s; s = next) {
		next = s->next;
		/* Nobody is registered any more (TS 24.229 §5.4.2.1.2). */
		if (watch_is_over(f->watch))
			s->end = "noresource";
		if (!next) { /* f may go with its last subscriber */
			notify(s);
			return;
		}
		notify(s);
	}
}

/* ---- SUBSCRIBE ---- */

static void refuse(struct reg_events *r, struct exchange *x, uint16_t status,
		   const char *warning, struct slice headers)
{
	uint8_t memory[512];
	struct text t = text_in(memory, sizeof(memory));

	r->stats.refused++;
	text_put(&t, headers);
	if (warning)
		text_printf(&t, "Warning: 399 %s \"%s\"\r\n", r->c->conf->realm, warning);
	exchange_reply(r->c->exchanges, x, status, NULL, text_slice(&t), SLICE_EMPTY);
}

struct wish {
	struct slice event; /* as it was said, id included */
	uint32_t expires;
};

static struct slice before_params(struct slice s)
{
	return slice_trim(slice_sub(s, 0, slice_find(s, ';')));
}

static bool accepts(const struct sip_msg *m)
{
	bool any = false;

	for (const struct sip_header *h = sip_first(m, SIP_H_ACCEPT); h; h = sip_next(m, h)) {
		struct slice rest = sip_value(m, h), token;

		while (sip_next_token(&rest, &token)) {
			struct slice type = before_params(token);

			any = true;
			if (slice_eq_nocase(type, SLICE("application/reginfo+xml")) ||
			    slice_eq_nocase(type, SLICE("application/*")) ||
			    slice_eq_nocase(type, SLICE("*/*")))
				return true;
		}
	}
	return !any;
}

/* False: answered. */
static bool read_wish(struct reg_events *r, struct exchange *x, struct wish *w)
{
	const struct sip_msg *m = &x->msg;
	struct slice expires = sip_first_value(m, SIP_H_EXPIRES);

	w->event = sip_first_value(m, SIP_H_EVENT);
	w->expires = REG_EVENT_EXPIRES;
	if (!slice_eq_nocase(before_params(w->event), SLICE("reg"))) {
		refuse(r, x, 489, NULL, SLICE("Allow-Events: reg\r\n"));
		return false;
	}
	if (!accepts(m)) {
		refuse(r, x, 406, NULL, SLICE("Accept: application/reginfo+xml\r\n"));
		return false;
	}
	if (expires.p && !sip_delta_seconds(expires, &w->expires)) {
		refuse(r, x, 400, "malformed Expires", SLICE_EMPTY);
		return false;
	}
	if (w->expires && w->expires < REG_EVENT_EXPIRES_MIN) {
		refuse(r, x, 423, NULL, SLICE("Min-Expires: 60\r\n"));
		return false;
	}
	if (w->expires > REG_EVENT_EXPIRES)
		w->expires = REG_EVENT_EXPIRES;
	return true;
}

static bool is_own_flow(const struct registration_set *set, const struct exchange *x)
{
	for (uint32_t i = 0; i < set->n_contact; i++) {
		const struct registration_contact *c = &set->contact[i];

		if (c->sa_id == x->sa_id && addr_eq(&c->flow, &x->src))
			return true;
	}
	return false;
}

/* An identity of the set; or of nobody registered here, such as a P-CSCF's or an AS's own. */
static bool may_assert(struct reg_events *r, const struct registration_set *set,
		       struct slice uri)
{
	uint8_t memory[IMPU_MAX + 1];
	struct text t = text_in(memory, sizeof(memory));
	struct registration_set *of;
	struct sip_uri u;

	if (sip_uri_decode(uri, &u) != SIP_OK)
		return false;
	if (u.scheme <= SIP_SCHEME_SIPS && u.user.len == 0)
		return true; /* a node */
	if (!sip_uri_identity(&u, &t))
		return false;
	of = registrations_by_impu(r->c->registrations, text_cstr(&t));
	return of ? of == set : !own_domain(r->c->conf, u.host);
}

/* TS 24.229 §5.4.2.1.1. */
static bool may_subscribe(struct reg_events *r, const struct registration_set *set,
			  const struct exchange *x)
{
	struct sip_name_addr_walk walk;
	struct sip_name_addr who;
	uint32_t n = 0;

	if (is_own_flow(set, x))
		return true;
	if (x->sa_id || !own_peer(r->c->conf, &x->src))
		return false;
	sip_walk(&walk, &x->msg, SIP_H_P_ASSERTED_IDENTITY, SIP_E_HEADER);
	while (sip_walk_next(&walk, &who)) {
		if (!may_assert(r, set, who.uri))
			return false;
		n++;
	}
	return n > 0 && walk.error == SIP_OK;
}

static struct registration_set *find_set(struct reg_events *r, const struct exchange *x,
					 uint8_t memory[IMPU_MAX + 1])
{
	struct text t = text_in(memory, IMPU_MAX + 1);
	struct registration_set *set;
	struct sip_uri uri;

	if (sip_uri_decode(x->msg.uri, &uri) != SIP_OK || !sip_uri_identity(&uri, &t))
		return NULL;
	set = registrations_by_impu(r->c->registrations, text_cstr(&t));
	return set && (set->roles & ABI_REG_SCSCF) && set->n_contact ? set : NULL;
}

/* The route set is the Record-Route as it came (RFC 3261 §12.1.1). */
static bool put_routes(struct text *t, const struct sip_msg *m)
{
	for (const struct sip_header *h = sip_first(m, SIP_H_RECORD_ROUTE); h;
	     h = sip_next(m, h)) {
		text_lit(t, "Route: ");
		text_put(t, sip_value(m, h));
		text_lit(t, "\r\n");
	}
	return !t->overflow;
}

static void put_record_routes(struct text *t, const struct sip_msg *m)
{
	for (const struct sip_header *h = sip_first(m, SIP_H_RECORD_ROUTE); h;
	     h = sip_next(m, h)) {
		text_lit(t, "Record-Route: ");
		text_put(t, sip_value(m, h));
		text_lit(t, "\r\n");
	}
}

/* A terminal is behind its flow; others where their first Route, or their Contact, leads: a
 * peer's address, or it goes back to where the SUBSCRIBE came from. */
static struct addr next_hop(struct reg_events *r, const struct exchange *x, struct slice target)
{
	struct slice rest, route = sip_first_value(&x->msg, SIP_H_RECORD_ROUTE);
	struct sip_name_addr first;
	struct addr a;

	if (!own_peer(r->c->conf, &x->src))
		return x->src;
	if (route.p && sip_name_addr_decode(route, SIP_E_ROUTE, &first, &rest) == SIP_OK)
		target = first.uri;
	if (resolve_uri(r->c->conf, target, &a) == RESOLVE_OK && own_peer(r->c->conf, &a))
		return a;
	return x->src;
}

static struct slice keep(uint8_t **at, struct slice s)
{
	struct slice kept = slice_of(*at, s.len);

	if (s.len)
		memcpy(*at, s.p, s.len);
	*at += s.len;
	return kept;
}

static bool read_target(const struct sip_msg *m, struct slice *uri)
{
	struct sip_name_addr contact;
	struct slice rest;

	if (sip_name_addr_decode(sip_first_value(m, SIP_H_CONTACT), SIP_E_CONTACT, &contact,
				 &rest) != SIP_OK ||
	    contact.star)
		return false;
	*uri = contact.uri;
	return uri->len > 0 && uri->len <= SIP_URI_MAX;
}

/* A copy of what the dialog needs. NULL: no memory, or too long. */
static struct subscription *subscription_new(struct reg_events *r,
					     const struct record_subscription *like)
{
	size_t octets = (size_t)like->user.len + like->call_id.len + like->remote.len +
			like->local.len + like->target.len + like->event.len + like->route.len;
	struct subscription *s = octets <= TEXTS_MAX ? calloc(1, sizeof(*s) + octets) : NULL;
	struct text tag;
	uint8_t *at;

	if (!s)
		return NULL;
	at = s->text;
	s->r = r;
	s->number = like->number;
	tag = text_in(s->tag, sizeof(s->tag));
	text_hex(&tag, s->number, 16);
	s->hop = like->hop;
	s->sa_id = like->sa_id;
	s->begun_wall_ms = like->begun_wall_ms;
	s->expires_wall_ms = like->expires_wall_ms;
	s->remote_cseq = like->remote_cseq;
	s->user = keep(&at, like->user);
	s->call_id = keep(&at, like->call_id);
	s->remote = keep(&at, like->remote);
	s->local = keep(&at, like->local);
	s->target = keep(&at, like->target);
	s->event = keep(&at, like->event);
	s->route = keep(&at, like->route);
	ev_timer_init(&s->expiry, on_expiry, 0., 0.);
	s->expiry.data = s;
	return s;
}

static void add(struct reg_events *r, struct followed *f, struct subscription *s)
{
	s->of = f;
	s->next = f->first;
	f->first = s;
	f->n++;
	if (++r->stats.active > r->size)
		grow(r);
	s->chain_next = *dialog_at(r, s->number);
	*dialog_at(r, s->number) = s;
}

static void accept(struct reg_events *r, struct exchange *x, const struct wish *w)
{
	uint8_t memory[4096];
	struct text t = text_in(memory, sizeof(memory));

	text_lit(&t, "Expires: ");
	text_u64(&t, w->expires);
	text_lit(&t, "\r\n");
	put_local_contact(&t, r, &x->src);
	put_record_routes(&t, &x->msg);
	exchange_reply(r->c->exchanges, x, 200, NULL, text_slice(&t), SLICE_EMPTY);
}

static void store(const struct subscription *s)
{
	struct record_subscription record = {
		.number = s->number,
		.set_id = s->of->set_id,
		.sa_id = s->sa_id,
		.begun_wall_ms = s->begun_wall_ms,
		.expires_wall_ms = s->expires_wall_ms,
		.remote_cseq = s->remote_cseq,
		.hop = s->hop,
		.user = s->user,
		.call_id = s->call_id,
		.remote = s->remote,
		.local = s->local,
		.target = s->target,
		.event = s->event,
		.route = s->route,
	};

	persist_subscription_put(s->r->c->persist, &record);
}

/* Once after the 200, whatever changed (RFC 6665 §4.2.1.2). */
static void prolong(struct subscription *s, const struct wish *w)
{
	s->asked = true;
	s->expires_wall_ms = clock_wall_ms() + 1000ull * w->expires;
	ev_timer_stop(s->r->c->loop, &s->expiry);
	if (w->expires == 0) {
		s->end = "timeout";
	} else {
		arm(s, 1000ull * w->expires);
		store(s);
	}
	notify(s);
}

/* The dialog that a SUBSCRIBE begins. */
static struct subscription *begin(struct reg_events *r, const struct exchange *x,
				  const struct wish *w, struct slice user, struct slice target,
				  struct slice route)
{
	const struct sip_msg *m = &x->msg;
	struct record_subscription s = {
		.sa_id = x->sa_id,
		.begun_wall_ms = clock_wall_ms(),
		.remote_cseq = m->cseq,
		.hop = next_hop(r, x, target),
		.user = user,
		.call_id = sip_first_value(m, SIP_H_CALL_ID),
		.remote = sip_first_value(m, SIP_H_FROM),
		.local = sip_first_value(m, SIP_H_TO),
		.target = target,
		.event = w->event,
		.route = route,
	};
	char tag[17];

	exchange_tag(r->c->exchanges, x, tag);
	hex_u64(slice_str(tag), &s.number);
	return subscription_new(r, &s);
}

static void subscribe(struct reg_events *r, struct exchange *x, const struct wish *w)
{
	uint8_t name[IMPU_MAX + 1], routes[SIP_EDIT_TEXT_MAX];
	struct text route = text_in(routes, sizeof(routes));
	struct registration_set *set = find_set(r, x, name);
	struct subscription *s;
	struct followed *f;
	struct slice target;

	if (!set) {
		refuse(r, x, 480, "nobody is registered under this identity", SLICE_EMPTY);
		return;
	}
	if (!may_subscribe(r, set, x)) {
		refuse(r, x, 403, "this registration is not the subscriber's to see",
		       SLICE_EMPTY);
		return;
	}
	if (!read_target(&x->msg, &target) || !put_routes(&route, &x->msg)) {
		refuse(r, x, 400, "Contact missing or malformed, or too long a Record-Route",
		       SLICE_EMPTY);
		return;
	}
	f = r->stats.active < REG_EVENT_MAX ? follow(r, set) : NULL;
	s = f && f->n < REG_EVENT_PER_USER
		    ? begin(r, x, w, slice_str((char *)name), target, text_slice(&route))
		    : NULL;
	if (!s) {
		if (f)
			unfollow(r, f);
		refuse(r, x, 503, "too many subscriptions", SLICE("Retry-After: 60\r\n"));
		return;
	}
	add(r, f, s);
	r->stats.subscribed++;
	accept(r, x, w);
	prolong(s, w);
}

/* One that control had before its last end. */
static void restore(void *ctx, const struct record_subscription *record)
{
	struct reg_events *r = ctx;
	const struct registration_set *set =
		registrations_by_id(r->c->registrations, record->set_id);
	struct followed *f = set && r->stats.active < REG_EVENT_MAX ? follow(r, set) : NULL;
	struct subscription *s = f ? subscription_new(r, record) : NULL;

	if (!s) {
		if (f)
			unfollow(r, f);
		persist_subscription_delete(r->c->persist, record->number);
		return;
	}
	add(r, f, s);
	s->asked = true;
	s->version = s->cseq = 1 + (uint32_t)((clock_wall_ms() - s->begun_wall_ms) / 1000);
	arm(s, RESTORED_FIRST_MS + (uint64_t)RESTORED_EACH_MS * r->n_restored++);
}

static struct subscription *find(struct reg_events *r, const struct sip_msg *m)
{
	struct slice call_id = sip_first_value(m, SIP_H_CALL_ID);
	uint64_t number;

	if (!hex_u64(m->to_tag, &number))
		return NULL;
	for (struct subscription *s = *dialog_at(r, number); s; s = s->chain_next)
		if (s->of && slice_eq(slice_str(s->tag), m->to_tag) &&
		    slice_eq(s->call_id, call_id) && slice_eq(sip_tag(s->remote), m->from_tag))
			return s;
	return NULL;
}

/* Within its dialog (RFC 6665 §4.2.1.2, RFC 3261 §12.2.2). */
static void again(struct reg_events *r, struct exchange *x, const struct wish *w)
{
	struct subscription *s = find(r, &x->msg);

	if (!s || s->end) {
		refuse(r, x, 481, "no such subscription", SLICE_EMPTY);
		return;
	}
	if (x->msg.cseq <= s->remote_cseq) {
		refuse(r, x, 500, "CSeq is not above the last one", SLICE_EMPTY);
		return;
	}
	s->remote_cseq = x->msg.cseq;
	accept(r, x, w);
	prolong(s, w);
}

void reg_event_subscribe(struct reg_events *r, struct exchange *x)
{
	struct wish w;

	if (!read_wish(r, x, &w))
		return;
	if (x->msg.to_tag.len)
		again(r, x, &w);
	else
		subscribe(r, x, &w);
}

struct reg_events *reg_events_open(struct control *c, char *error)
{
	struct reg_events *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->c = c;
	r->size = TABLE_START;
	r->chain = calloc(r->size, sizeof(struct followed *));
	r->dialog = calloc(r->size, sizeof(struct subscription *));
	if (r->chain && r->dialog && persist_load_subscriptions(c->persist, restore, r, error))
		return r;
	reg_events_close(r);
	return NULL;
}

void reg_events_stats(const struct reg_events *r, struct reg_events_stats *out)
{
	*out = r->stats;
}

void reg_events_each(const struct reg_events *r,
		     bool (*each)(void *ctx, const struct reg_event_row *row), void *ctx)
{
	for (uint32_t i = 0; i < r->size; i++) {
		for (const struct subscription *s = r->dialog[i]; s; s = s->chain_next) {
			struct reg_event_row row = {s->user, s->remote, s->expires_wall_ms,
						    s->version};

			if (s->of && !each(ctx, &row))
				return;
		}
	}
}
