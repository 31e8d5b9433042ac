/* watcher.c - the subscriber of the reg event package at a P-CSCF (TS 24.229 §5.2.3, RFC 6665
 * §4.1)
 *
 * A dialog is told by our tag: the set's id, by which it is found, and 64 secret bits.
 */
#include "control/watcher.h"

#include <ev.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/control.h"
#include "control/exchange.h"
#include "control/install.h"
#include "control/persist.h"
#include "control/register.h"
#include "control/reginfo_read.h"
#include "control/resolve.h"
#include "sip/field.h"
#include "sip/name_addr.h"

enum {
	TABLE_START = 1024,
	HALF_DIGITS = 16,
	TAG_DIGITS = 2 * HALF_DIGITS,
	RETRY_FIRST_S = 60,
	RETRY_MOST_S = 3600,
	LINGER_S = 40, /* longer than a NOTIFY may take */
	EARLY_S = 600, /* so long before its end a long subscription is prolonged */
	TEXTS_MAX = 4096,
};

struct watcher {
	struct watchers *all;
	struct watcher *next; /* in the chain */
	uint64_t set_id;
	uint64_t secret;
	uint64_t call;          /* random; the Call-ID */
	struct ev_timer timer;  /* when the next SUBSCRIBE is due */
	uint64_t asked_wall_ms; /* when the last SUBSCRIBE of this dialog went out */
	uint32_t cseq, remote_cseq;
	uint32_t version;          /* of the last document; with `told` */
	uint32_t wait_s;           /* before the next try, after one that failed */
	bool told;                 /* a document of this dialog came */
	bool busy;                 /* a SUBSCRIBE is under way */
	bool active;               /* accepted */
	bool over;                 /* to be freed when nothing is under way */
	char *remote_tag, *target; /* heap; NULL: no dialog yet */
	char *route;               /* whole lines; heap */
};

struct watchers {
	struct control *c;
	uint32_t size, n; /* size: a power of two; 0: nobody is subscribed to */
	struct watcher **chain;
	struct watchers_stats stats;
};

/* ---- the table ---- */

static struct watcher **place_of(const struct watchers *w, uint64_t set_id)
{
	struct watcher **at = &w->chain[(set_id ^ set_id >> 32) & (w->size - 1)];

	while (*at && (*at)->set_id != set_id)
		at = &(*at)->next;
	return at;
}

/* Without memory the chains grow longer. */
static void grow(struct watchers *w)
{
	struct watchers was = *w;
	struct watcher **chain = calloc(2 * (size_t)was.size, sizeof(struct watcher *));

	if (!chain)
		return;
	w->size *= 2;
	w->chain = chain;
	for (uint32_t i = 0; i < was.size; i++) {
		for (struct watcher *s = was.chain[i], *next; s; s = next) {
			struct watcher **at = place_of(w, s->set_id);

			next = s->next;
			s->next = NULL;
			*at = s;
		}
	}
	free(was.chain);
}

static void dialog_clear(struct watcher *s)
{
	free(s->remote_tag);
	free(s->target);
	free(s->route);
	s->remote_tag = s->target = s->route = NULL;
	s->cseq = s->remote_cseq = 0;
	s->told = false;
	if (s->active)
		s->all->stats.active--;
	s->active = false;
}

static void watcher_free(struct watcher *s)
{
	ev_timer_stop(s->all->c->loop, &s->timer);
	dialog_clear(s);
	free(s);
}

/* It is found no more; freed when nothing is under way. */
static void watcher_end(struct watcher *s)
{
	struct watcher **at = place_of(s->all, s->set_id);

	if (*at == s) {
		*at = s->next;
		s->all->n--;
	}
	s->over = true;
	if (!s->busy)
		watcher_free(s);
}

static void wait_s(struct watcher *s, double seconds)
{
	ev_timer_stop(s->all->c->loop, &s->timer);
	ev_timer_set(&s->timer, seconds, 0.);
	ev_timer_start(s->all->c->loop, &s->timer);
}

/* ---- SUBSCRIBE ---- */

static const struct registration_set *set_of(const struct watcher *s)
{
	return registrations_by_id(s->all->c->registrations, s->set_id);
}

static bool next_hop(const struct watcher *s, const struct registration_set *set,
		     struct addr *out)
{
	const struct conf *conf = s->all->c->conf;
	struct sip_name_addr first;
	struct slice rest, uri = s->target ? slice_str(s->target) : SLICE_EMPTY;

	/* The first Route of a dialog, or its target; else the entry of the home network. */
	if (s->route && s->route[0] &&
	    sip_name_addr_decode(slice_from(slice_str(s->route), sizeof("Route: ") - 1),
				 SIP_E_ROUTE, &first, &rest) == SIP_OK)
		uri = first.uri;
	if (uri.len && resolve_uri(conf, uri, out) == RESOLVE_OK)
		return true;
	*out = conf->dataplane.icscf.family ? conf->dataplane.icscf : set->scscf;
	return out->family != 0;
}

static void put_subscribe(struct text *t, struct watcher *s, const struct registration_set *set,
			  const struct addr *local)
{
	const char *pcscf = s->all->c->conf->pcscf_uri, *user = set->impu_uri[0];

	text_lit(t, "SUBSCRIBE ");
	text_str(t, s->target ? s->target : user);
	text_lit(t, " SIP/2.0\r\nMax-Forwards: 70\r\n");
	text_str(t, s->route ? s->route : "");
	text_lit(t, "From: <");
	text_str(t, pcscf);
	text_lit(t, ">;tag=");
	text_hex(t, s->set_id, HALF_DIGITS);
	text_hex(t, s->secret, HALF_DIGITS);
	text_lit(t, "\r\nTo: <");
	text_str(t, user);
	text_char(t, '>');
	if (s->remote_tag) {
		text_lit(t, ";tag=");
		text_str(t, s->remote_tag);
	}
	text_lit(t, "\r\nCall-ID: ");
	text_hex(t, s->call, HALF_DIGITS);
	text_lit(t, "\r\nCSeq: ");
	text_u64(t, ++s->cseq);
	text_lit(t, " SUBSCRIBE\r\nContact: <sip:reg@");
	addr_put(t, local);
	text_lit(t, ">\r\nP-Asserted-Identity: <");
	text_str(t, pcscf);
	text_lit(t, ">\r\nEvent: reg\r\nAccept: application/reginfo+xml\r\nExpires: ");
	text_u64(t, WATCHER_EXPIRES);
	text_lit(t, "\r\n");
	registrar_put_charging(t, s->all->c->registrar, local);
	text_lit(t, "Content-Length: 0\r\n\r\n");
}

static char *copy_text(struct slice s)
{
	char *copy = malloc((size_t)s.len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, s.p, s.len);
	copy[s.len] = 0;
	return copy;
}

static bool put_route(struct text *t, const struct sip_name_addr *na)
{
	text_lit(t, "Route: <");
	text_put(t, na->uri);
	text_lit(t, ">\r\n");
	return !t->overflow;
}

/* The route set of the one who began the dialog: Record-Route backwards (RFC 3261 §12.1.2);
 * forwards where the other side's first request made it (§12.1.1). NULL: no memory, or none
 * that could be kept. */
static char *route_set(const struct sip_msg *m, bool backwards)
{
	enum { KEPT_MAX = 16 };
	uint8_t memory[TEXTS_MAX];
	struct text t = text_in(memory, sizeof(memory));
	struct sip_name_addr route[KEPT_MAX];
	struct sip_name_addr_walk walk;
	uint32_t n = 0;

	sip_walk(&walk, m, SIP_H_RECORD_ROUTE, SIP_E_ROUTE);
	while (n < KEPT_MAX && sip_walk_next(&walk, &route[n]))
		n++;
	for (uint32_t i = 0; i < n; i++)
		put_route(&t, &route[backwards ? n - 1 - i : i]);
	return n == KEPT_MAX || walk.error != SIP_OK || t.overflow ? NULL
								   : copy_text(text_slice(&t));
}

/* What a 2xx, or a NOTIFY that overtook it, says of the dialog. False: not enough. */
static bool dialog_take(struct watcher *s, const struct sip_msg *m, struct slice tag,
			bool backwards)
{
	struct sip_name_addr contact;
	struct slice rest;

	if (s->remote_tag)
		return slice_eq(slice_str(s->remote_tag), tag);
	if (tag.len == 0 ||
	    sip_name_addr_decode(sip_first_value(m, SIP_H_CONTACT), SIP_E_CONTACT, &contact,
				 &rest) != SIP_OK ||
	    contact.star || contact.uri.len > SIP_URI_MAX)
		return false;
	s->route = route_set(m, backwards);
	s->target = copy_text(contact.uri);
	s->remote_tag = copy_text(tag);
	if (s->route && s->target && s->remote_tag)
		return true;
	dialog_clear(s);
	return false;
}

/* TS 24.229 §5.2.3: 600 seconds before its end, or after half of a shorter one. */
static void prolong_later(struct watcher *s, uint32_t expires)
{
	wait_s(s, expires > 2 * EARLY_S ? expires - EARLY_S : expires / 2. + 1.);
}

static void try_later(struct watcher *s)
{
	s->wait_s = s->wait_s ? s->wait_s * 2 : RETRY_FIRST_S;
	if (s->wait_s > RETRY_MOST_S)
		s->wait_s = RETRY_MOST_S;
	wait_s(s, s->wait_s);
}

static void refused(struct watcher *s, uint32_t status)
{
	bool again = s->remote_tag && (status == 481 || status == 408);

	s->all->stats.failed++;
	log_event(LOG_INFO, "watcher", "subscribe_failed", LOG_U("set", s->set_id),
		  LOG_U("status", status));
	dialog_clear(s);
	if (again)
		wait_s(s, 0.);
	else if (status == 0 || status == 408 || status == 480 || status >= 500)
		try_later(s);
	else /* it will not be: until the next REGISTER */
		watcher_end(s);
}

static void answered(void *ctx, const struct sip_msg *m)
{
	struct watcher *s = ctx;
	uint32_t expires = WATCHER_EXPIRES;
	struct slice value = m ? sip_first_value(m, SIP_H_EXPIRES) : SLICE_EMPTY;

	s->busy = false;
	if (s->over) {
		watcher_free(s);
		return;
	}
	if (!m || m->status >= 300 || !dialog_take(s, m, m->to_tag, true)) {
		refused(s, m && m->status >= 300 ? m->status : 0);
		return;
	}
	if (!s->active)
		s->all->stats.active++;
	s->active = true;
	s->wait_s = 0;
	if (value.p)
		sip_delta_seconds(value, &expires);
	prolong_later(s, expires);
}

static void subscribe(struct watcher *s)
{
	uint8_t memory[SIP_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));
	const struct registration_set *set = set_of(s);
	struct request_way way = {0};
	struct addr local;

	if (s->busy)
		return;
	/* Its end ended the subscription too. */
	if (!set || set->n_contact == 0) {
		watcher_end(s);
		return;
	}
	if (!next_hop(s, set, &way.dst) ||
	    !exchanges_local(s->all->c->exchanges, &way.dst, &local)) {
		try_later(s);
		return;
	}
	if (!s->remote_tag) {
		RAND_bytes((uint8_t *)&s->secret, sizeof(s->secret));
		RAND_bytes((uint8_t *)&s->call, sizeof(s->call));
	}
	put_subscribe(&t, s, set, &local);
	s->asked_wall_ms = clock_wall_ms();
	s->busy = true;
	s->all->stats.subscribed++;
	request_send(s->all->c->exchanges, t.overflow ? SLICE_EMPTY : text_slice(&t), &way,
		     answered, s);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *w, int events)
{
	subscribe(w->data);
}

static bool is_ours(const struct control *c, const struct registration_set *set)
{
	return c->conf->pcscf.reg_event && set->roles == ABI_REG_PCSCF && set->n_contact;
}

static void begin(struct watchers *w, const struct registration_set *set, double seconds)
{
	struct watcher **at = place_of(w, set->id), *s = *at;

	if (s || w->n >= WATCHERS_MAX || !is_ours(w->c, set))
		return;
	s = calloc(1, sizeof(*s));
	if (!s)
		return;
	s->all = w;
	s->set_id = set->id;
	ev_timer_init(&s->timer, on_timer, 0., 0.);
	s->timer.data = s;
	*at = s;
	if (++w->n > w->size)
		grow(w);
	wait_s(s, seconds);
}

void watcher_registered(struct watchers *w, const struct registration_set *set, bool initial)
{
	struct watcher *s;

	if (w->size == 0)
		return;
	s = *place_of(w, set->id);
	/* Of the user's last registration: whether its notifier still knows it is not known. */
	if (s && initial)
		wait_s(s, 0.);
	begin(w, set, 0.);
}

void watcher_gone(struct watchers *w, uint64_t set_id)
{
	struct watcher *s = w->size ? *place_of(w, set_id) : NULL;

	if (!s)
		return;
	if (s->active)
		w->stats.active--;
	s->active = false;
	wait_s(s, LINGER_S);
}

/* ---- NOTIFY ---- */

static void reply(struct watchers *w, struct exchange *x, uint16_t status)
{
	if (status >= 300)
		w->stats.refused++;
	exchange_reply(w->c->exchanges, x, status, NULL, SLICE_EMPTY, SLICE_EMPTY);
}

static struct watcher *find(const struct watchers *w, const struct sip_msg *m)
{
	uint8_t memory[HALF_DIGITS];
	struct text call = text_in(memory, sizeof(memory));
	uint64_t set_id, secret;
	struct watcher *s;

	if (w->size == 0 || m->to_tag.len != TAG_DIGITS ||
	    !hex_u64(slice_sub(m->to_tag, 0, HALF_DIGITS), &set_id) ||
	    !hex_u64(slice_from(m->to_tag, HALF_DIGITS), &secret))
		return NULL;
	s = *place_of(w, set_id);
	if (!s || s->cseq == 0 || s->secret != secret)
		return NULL;
	text_hex(&call, s->call, HALF_DIGITS);
	return slice_eq(sip_first_value(m, SIP_H_CALL_ID), text_slice(&call)) ? s : NULL;
}

/* Contacts of the set that the document speaks of, by their places. */
struct reading {
	struct watcher *s;
	struct registration_set *set;
	uint64_t now;
	bool listed[SET_CONTACTS_MAX], gone[SET_CONTACTS_MAX];
	uint32_t ended;
};

static void shorten(struct reading *r, uint32_t i, uint64_t until)
{
	if (r->set->contact[i].expires_wall_ms <= until)
		return;
	r->set->contact[i].expires_wall_ms = until;
	r->ended++;
}

static void take_contact(void *ctx, const struct reginfo_contact *k)
{
	struct reading *r = ctx;

	for (uint32_t i = 0; i < r->set->n_contact; i++) {
		if (!binding_same_uri(slice_str(k->uri), slice_str(r->set->contact[i].uri)))
			continue;
		r->listed[i] |= !k->terminated;
		r->gone[i] |= k->terminated;
		if (k->shortened && k->expires != UINT32_MAX)
			shorten(r, i, r->now + 1000ull * k->expires);
	}
}

/* A contact that is listed as active under one identity and as terminated under another is
 * active. One that the document does not name is gone if it was there before the document was
 * asked for. What has ended expires now, and goes by the way of all that expires. */
static void settle(struct reading *r, bool full, bool all)
{
	struct control *c = r->s->all->c;

	for (uint32_t i = 0; i < r->set->n_contact; i++) {
		bool missing = full && !r->listed[i] &&
			       r->set->contact[i].registered_wall_ms < r->s->asked_wall_ms;

		if (all || missing || (r->gone[i] && !r->listed[i]))
			shorten(r, i, r->now);
	}
	if (r->ended == 0)
		return;
	r->s->all->stats.ended += r->ended;
	log_event(LOG_INFO, "watcher", "ended", LOG_Z("impu", r->set->impu[0]),
		  LOG_U("contacts", r->ended));
	if (!register_is_changing(c->registrar, r->set->id)) {
		r->set->version++;
		commit_change(c, r->set, REGINFO_SHORTENED);
	}
	registrations_touch(c->registrations, r->set);
}

enum subscription_end { GOES_ON, ENDS_FOR_GOOD, ENDS_WITH_USER, BEGINS_ANEW, BEGINS_LATER };

/* RFC 6665 §4.1.3. */
static enum subscription_end end_of(const struct sip_msg *m)
{
	struct slice value = sip_first_value(m, SIP_H_SUBSCRIPTION_STATE), reason;
	uint32_t semicolon = slice_find(value, ';');

	if (!slice_eq_nocase(slice_trim(slice_sub(value, 0, semicolon)), SLICE("terminated")))
		return GOES_ON;
	if (!sip_param(slice_from(value, semicolon), SLICE("reason"), &reason))
		return BEGINS_ANEW;
	if (slice_eq_nocase(reason, SLICE("noresource")))
		return ENDS_WITH_USER;
	if (slice_eq_nocase(reason, SLICE("rejected")))
		return ENDS_FOR_GOOD;
	if (slice_eq_nocase(reason, SLICE("probation")) ||
	    slice_eq_nocase(reason, SLICE("giveup")))
		return BEGINS_LATER;
	return BEGINS_ANEW;
}

/* False: a document that cannot be read. */
static bool take_document(struct watcher *s, const struct sip_msg *m, enum subscription_end end)
{
	struct registration_set *set = registrations_by_id(s->all->c->registrations, s->set_id);
	struct reading r = {.s = s, .set = set, .now = clock_wall_ms()};
	struct reginfo_head head = {0};
	bool missed;

	if (!set)
		return true;
	if (m->body.len && !reginfo_read(m->body, &head, take_contact, &r))
		return false;
	/* RFC 3680 §5.1: an old one changes nothing, and a gap is closed by a full one. */
	if (m->body.len && s->told && head.version <= s->version && end == GOES_ON)
		return true;
	missed = m->body.len && !head.full && s->told && head.version != s->version + 1;
	if (m->body.len) {
		s->version = head.version;
		s->told = true;
	}
	settle(&r, head.full, end == ENDS_WITH_USER);
	if (missed)
		wait_s(s, 0.);
	return true;
}

static void end_or_go_on(struct watcher *s, enum subscription_end end)
{
	if (end == GOES_ON)
		return;
	dialog_clear(s);
	if (end == ENDS_WITH_USER || end == ENDS_FOR_GOOD)
		watcher_end(s);
	else if (end == BEGINS_LATER)
		try_later(s);
	else
		wait_s(s, 0.);
}

void watcher_notify(struct watchers *w, struct exchange *x)
{
	const struct sip_msg *m = &x->msg;
	struct watcher *s = find(w, m);
	enum subscription_end end = end_of(m);

	w->stats.notified++;
	if (!s || x->sa_id || !own_peer(w->c->conf, &x->src) ||
	    !dialog_take(s, m, m->from_tag, false)) {
		reply(w, x, 481);
		return;
	}
	if (m->cseq <= s->remote_cseq) {
		reply(w, x, 500);
		return;
	}
	s->remote_cseq = m->cseq;
	if (!take_document(s, m, end)) {
		reply(w, x, 400);
		return;
	}
	reply(w, x, 200);
	end_or_go_on(s, end);
}

/* ---- all of them ---- */

struct walk {
	struct watchers *w;
	uint32_t n;
};

static bool start_each(void *ctx, struct registration_set *set)
{
	struct walk *walk = ctx;

	if (is_ours(walk->w->c, set))
		begin(walk->w, set, 1. + ++walk->n * (WATCHERS_START_MS / 1000.));
	return true;
}

struct watchers *watchers_open(struct control *c)
{
	struct watchers *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->c = c;
	if (!(c->conf->dataplane.roles & CONF_PCSCF) || c->conf->dataplane.roles & CONF_SCSCF)
		return w;
	w->size = TABLE_START;
	w->chain = calloc(w->size, sizeof(struct watcher *));
	if (!w->chain) {
		free(w);
		return NULL;
	}
	registrations_each(c->registrations, start_each, &(struct walk){w, 0});
	return w;
}

void watchers_close(struct watchers *w)
{
	if (!w)
		return;
	for (uint32_t i = 0; i < w->size; i++) {
		for (struct watcher *s = w->chain[i], *next; s; s = next) {
			next = s->next;
			watcher_free(s);
		}
	}
	free(w->chain);
	free(w);
}

void watchers_stats(const struct watchers *w, struct watchers_stats *out)
{
	*out = w->stats;
}
