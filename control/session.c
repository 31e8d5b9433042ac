/* session.c - dialogs by their tags and by their users, and the BYEs that end them */
#include "control/session.h"

#include <ev.h>
#include <stdlib.h>

#include "abi/message.h"
#include "abi/token.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/control.h"
#include "control/exchange.h"
#include "control/link.h"
#include "control/register.h"
#include "sip/field.h"
#include "sip/name_addr.h"
#include "sip/parse.h"

enum {
	BUCKETS_MIN = 1024,
	/* Above any CSeq that either side can have used (RFC 3261 §8.1.1.5, §12.2.1.1): those
	   of requests that went by are not known. */
	CSEQ_LAST = 0x7fffffff,
	/* Where the terminals have not ended it themselves by then, they do not (RFC 4028 §10).
	 */
	GRACE_MS = 32000,
	WHEEL = 4096,       /* seconds; what is due later waits another round */
	OCTETS_MAX = 16384, /* of one session's texts; more is nothing a terminal says */
};

enum side { CALLER, CALLEE, SIDES };

struct session;

/* A session on the list of one of its users. */
struct tie {
	struct tie *next, **at;
	struct session *session;
	uint64_t user; /* 0: none of ours */
};

/* Of one side: what a request to it carries. */
struct party {
	struct slice uri;   /* remote target */
	struct slice route; /* Route lines */
	struct slice name;  /* From or To, with its tag */
	struct addr hop;
	uint64_t sa_id; /* security associations it is reached through; 0: in clear */
};

struct session {
	struct session *next;               /* in the bucket */
	struct session *due_next, **due_at; /* in the wheel, if due_at */
	uint64_t due_ms;                    /* CLOCK_MONOTONIC; 0: it has no bound */
	struct session *older, *younger;    /* in the order they began */
	uint64_t key;
	uint64_t begun_ms; /* time of day */
	struct tie tie[SIDES];
	struct slice call_id;
	struct party party[SIDES];
	uint8_t text[];
};

struct sessions {
	struct control *c;
	uint32_t most, n;
	uint32_t size; /* of both tables, a power of two */
	struct session **bucket;
	struct tie **user;
	struct session *oldest, *youngest;
	struct ev_timer tick;
	uint64_t ticked_s; /* up to here the wheel has run */
	struct session *wheel[WHEEL];
	struct sessions_stats stats;
	void (*on_release)(void *ctx, struct slice call_id);
	void *release_ctx;
	struct sip_msg msg; /* of the notice under work */
};

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int events);

struct sessions *sessions_open(struct control *c, uint32_t most)
{
	struct sessions *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->c = c;
	s->most = most;
	for (s->size = BUCKETS_MIN; s->size < most; s->size *= 2)
		;
	s->bucket = calloc(s->size, sizeof(struct session *));
	s->user = calloc(s->size, sizeof(struct tie *));
	if (!s->bucket || !s->user) {
		free(s->user);
		free(s->bucket);
		free(s);
		return NULL;
	}
	s->ticked_s = clock_ms() / 1000;
	ev_timer_init(&s->tick, on_tick, 1., 1.);
	s->tick.data = s;
	if (most)
		ev_timer_start(c->loop, &s->tick);
	return s;
}

void sessions_close(struct sessions *s)
{
	if (!s)
		return;
	ev_timer_stop(s->c->loop, &s->tick);
	for (struct session *k = s->oldest, *next; k; k = next) {
		next = k->younger;
		free(k);
	}
	free(s->user);
	free(s->bucket);
	free(s);
}

/* ---- the tables ---- */

static uint64_t mix(uint64_t v)
{
	return v ^ v >> 32; /* a keyed hash already */
}

/* Of one dialog, whichever side says it (RFC 3261 §12). */
static uint64_t dialog_key(const struct hash_key *key, const struct sip_msg *m)
{
	struct slice call_id = sip_first_value(m, SIP_H_CALL_ID);
	uint64_t a = hash_table(key, m->from_tag.p, m->from_tag.len);
	uint64_t b = hash_table(key, m->to_tag.p, m->to_tag.len);
	uint64_t word[3] = {hash_table(key, call_id.p, call_id.len), a < b ? a : b,
			    a < b ? b : a};

	return hash_words(key, word, 3);
}

static struct session **find(struct sessions *s, uint64_t key)
{
	struct session **at = &s->bucket[mix(key) & (s->size - 1)];

	while (*at && (*at)->key != key)
		at = &(*at)->next;
	return at;
}

static void tie_put(struct sessions *s, struct session *k, enum side side)
{
	struct tie *t = &k->tie[side], **first = &s->user[mix(t->user) & (s->size - 1)];

	if (t->user == 0)
		return;
	*t = (struct tie){*first, first, k, t->user};
	if (t->next)
		t->next->at = &t->next;
	*first = t;
}

static void tie_remove(struct tie *t)
{
	if (t->user == 0)
		return;
	*t->at = t->next;
	if (t->next)
		t->next->at = t->at;
}

static void wheel_put(struct sessions *s, struct session *k)
{
	struct session **first;

	k->due_at = NULL;
	if (k->due_ms == 0)
		return;
	first = &s->wheel[k->due_ms / 1000 % WHEEL];
	k->due_next = *first;
	k->due_at = first;
	if (k->due_next)
		k->due_next->due_at = &k->due_next;
	*first = k;
}

static void wheel_remove(struct session *k)
{
	if (!k->due_at)
		return;
	*k->due_at = k->due_next;
	if (k->due_next)
		k->due_next->due_at = k->due_at;
	k->due_at = NULL;
}

static void put(struct sessions *s, struct session *k)
{
	struct session **at = &s->bucket[mix(k->key) & (s->size - 1)];

	k->next = *at;
	*at = k;
	k->older = s->youngest;
	if (s->youngest)
		s->youngest->younger = k;
	else
		s->oldest = k;
	k->younger = NULL;
	s->youngest = k;
	tie_put(s, k, CALLER);
	tie_put(s, k, CALLEE);
	wheel_put(s, k);
	s->n++;
}

static void take_out(struct sessions *s, struct session *k)
{
	*find(s, k->key) = k->next;
	if (k->older)
		k->older->younger = k->younger;
	else
		s->oldest = k->younger;
	if (k->younger)
		k->younger->older = k->older;
	else
		s->youngest = k->older;
	tie_remove(&k->tie[CALLER]);
	tie_remove(&k->tie[CALLEE]);
	wheel_remove(k);
	s->n--;
}

/* ---- what a notice says ---- */

/* Record-Route of a response begins with who is next to the called side (RFC 3261 §12.1.2):
 * before our entries are those toward it, from us in the reverse order; behind them, in order,
 * those toward the calling side. */
static bool read_routes(struct session *k, const struct sip_msg *m, const struct hash_key *key,
			struct text *out)
{
	enum { ROUTES_MOST = 32 };
	struct slice before[ROUTES_MOST];
	struct sip_name_addr_walk walk;
	struct token_dialog token;
	struct sip_name_addr entry;
	uint32_t n_before = 0, from = out->len;
	bool ours = false;

	sip_walk(&walk, m, SIP_H_RECORD_ROUTE, SIP_E_HEADER);
	while (sip_walk_next(&walk, &entry)) {
		struct sip_uri uri;

		if (sip_uri_decode(entry.uri, &uri) != SIP_OK)
			return false;
		if (token_dialog_get(uri.user, key, k->call_id, &token)) {
			ours = true;
			from = out->len; /* those between entries of ours are no way out */
		} else if (ours) {
			text_lit(out, "Route: ");
			text_put(out, entry.whole);
			text_lit(out, "\r\n");
		} else if (n_before < ROUTES_MOST) {
			before[n_before++] = entry.whole;
		} else {
			return false;
		}
	}
	k->party[CALLER].route = text_since(out, from);
	from = out->len;
	while (n_before) {
		text_lit(out, "Route: ");
		text_put(out, before[--n_before]);
		text_lit(out, "\r\n");
	}
	k->party[CALLEE].route = text_since(out, from);
	k->tie[CALLER].user = token.orig;
	k->tie[CALLEE].user = token.term;
	return ours && walk.error == SIP_OK && !out->overflow;
}

static bool read_contact(const struct sip_msg *m, struct slice *uri)
{
	struct sip_name_addr contact;
	struct slice rest;

	if (sip_name_addr_decode(sip_first_value(m, SIP_H_CONTACT), SIP_E_CONTACT, &contact,
				 &rest) != SIP_OK ||
	    contact.star)
		return false;
	*uri = contact.uri;
	return true;
}

/* A 2xx that says nothing of it leaves a session without a bound, whatever it had (RFC 4028
 * §7.2). */
static uint64_t read_due(const struct sip_msg *m)
{
	struct slice value = sip_first_value(m, SIP_H_SESSION_EXPIRES);
	uint32_t seconds;

	if (!value.p || !sip_delta_seconds(value, &seconds))
		return 0;
	return clock_ms() + seconds * 1000ull + GRACE_MS;
}

/* A dialog: k's slices point into notice, message and routes. */
static bool read_begun(struct session *k, const struct sip_msg *m, const struct abi_punt *p,
		       const struct hash_key *key, struct text *routes)
{
	k->begun_ms = clock_wall_ms();
	k->call_id = sip_first_value(m, SIP_H_CALL_ID);
	k->party[CALLER] = (struct party){
		.uri = slice_of(p->data + p->len, p->uri_len),
		.name = sip_first_value(m, SIP_H_FROM),
		.hop = p->dst,
		.sa_id = p->dst_sa_id,
	};
	k->party[CALLEE] = (struct party){
		.name = sip_first_value(m, SIP_H_TO),
		.hop = p->src,
		.sa_id = p->sa_id,
	};
	return read_contact(m, &k->party[CALLEE].uri) && read_routes(k, m, key, routes);
}

/* A re-INVITE, of either side: both have new targets, and the same routes (§12.2.1.2). */
static bool read_again(struct session *k, const struct session *old, const struct sip_msg *m,
		       const struct abi_punt *p)
{
	enum side asking =
		slice_eq(sip_tag(old->party[CALLER].name), m->from_tag) ? CALLER : CALLEE;
	struct party *a = &k->party[asking], *b = &k->party[asking == CALLER ? CALLEE : CALLER];

	*k = *old;
	a->uri = slice_of(p->data + p->len, p->uri_len);
	a->hop = p->dst;
	a->sa_id = p->dst_sa_id;
	b->hop = p->src;
	b->sa_id = p->sa_id;
	return read_contact(m, &b->uri);
}

static struct slice keep(uint8_t **at, struct slice s)
{
	struct slice kept = slice_of(*at, s.len);

	if (s.len)
		memcpy(*at, s.p, s.len);
	*at += s.len;
	return kept;
}

/* A copy with texts of its own. */
static struct session *session_new(const struct session *like)
{
	size_t octets = like->call_id.len;
	struct session *k;
	uint8_t *at;

	for (enum side i = CALLER; i < SIDES; i++)
		octets += like->party[i].uri.len + like->party[i].route.len +
			  like->party[i].name.len;
	k = octets <= OCTETS_MAX ? malloc(sizeof(*k) + octets) : NULL;
	if (!k)
		return NULL;
	*k = *like;
	at = k->text;
	k->call_id = keep(&at, like->call_id);
	for (enum side i = CALLER; i < SIDES; i++) {
		k->party[i].uri = keep(&at, like->party[i].uri);
		k->party[i].route = keep(&at, like->party[i].route);
		k->party[i].name = keep(&at, like->party[i].name);
	}
	return k;
}

static struct session *session_read(struct sessions *s, const struct abi_punt *p,
				    const struct hash_key *key, struct session **old)
{
	uint8_t memory[OCTETS_MAX];
	struct text routes = text_in(memory, sizeof(memory));
	struct session k = {0};
	uint64_t hash;

	if (sip_parse(slice_of(p->data, p->len), &s->msg) != SIP_OK || sip_is_request(&s->msg))
		return NULL;
	hash = dialog_key(key, &s->msg);
	*old = *find(s, hash);
	if (*old ? !read_again(&k, *old, &s->msg, p)
		 : !read_begun(&k, &s->msg, p, key, &routes))
		return NULL;
	k.key = hash;
	k.due_ms = read_due(&s->msg);
	return session_new(&k);
}

static void forget(struct sessions *s, struct session *k)
{
	take_out(s, k);
	free(k);
}

void sessions_begun(struct sessions *s, const struct abi_punt *p)
{
	struct session *k = NULL, *old = NULL;
	struct hash_key key;

	if (s->most == 0)
		return;
	if (link_token_key(s->c->link, &key))
		k = session_read(s, p, &key, &old);
	if (!k) {
		s->stats.unread++;
		return;
	}
	if (old) {
		forget(s, old);
	} else {
		s->stats.begun++;
		if (s->n == s->most) {
			forget(s, s->oldest);
			s->stats.forgotten++;
		}
	}
	put(s, k);
}

void sessions_refreshed(struct sessions *s, const struct abi_punt *p)
{
	struct hash_key key;
	struct session *k;

	if (s->most == 0 || !link_token_key(s->c->link, &key) ||
	    sip_parse(slice_of(p->data, p->len), &s->msg) != SIP_OK || sip_is_request(&s->msg))
		return;
	k = *find(s, dialog_key(&key, &s->msg));
	if (!k)
		return;
	wheel_remove(k);
	k->due_ms = read_due(&s->msg);
	wheel_put(s, k);
}

void sessions_ended(struct sessions *s, const struct abi_punt *p)
{
	struct hash_key key;
	struct session *k;

	if (s->most == 0 || !link_token_key(s->c->link, &key) ||
	    sip_parse(slice_of(p->data, p->len), &s->msg) != SIP_OK)
		return;
	k = *find(s, dialog_key(&key, &s->msg));
	if (!k)
		return;
	forget(s, k);
	s->stats.ended++;
}

/* ---- the BYEs ---- */

static void bye_answered(void *ctx, const struct sip_msg *response)
{
	struct sessions *s = ctx;

	s->stats.byes_unanswered += response == NULL;
}

/* As the other side would write it, but for its CSeq. */
static void send_bye(struct sessions *s, const struct session *k, enum side to, uint32_t cause,
		     const char *why)
{
	const struct party *us = &k->party[to == CALLER ? CALLEE : CALLER];
	const struct party *they = &k->party[to];
	uint8_t memory[OCTETS_MAX + 1024];
	struct text t = text_in(memory, sizeof(memory));
	struct request_way way;

	text_lit(&t, "BYE ");
	text_put(&t, they->uri);
	text_lit(&t, " SIP/2.0\r\nMax-Forwards: 70\r\n");
	text_put(&t, they->route);
	text_lit(&t, "From: ");
	text_put(&t, us->name);
	text_lit(&t, "\r\nTo: ");
	text_put(&t, they->name);
	text_lit(&t, "\r\nCall-ID: ");
	text_put(&t, k->call_id);
	text_lit(&t, "\r\nCSeq: ");
	text_u64(&t, CSEQ_LAST);
	text_lit(&t, " BYE\r\nReason: SIP;cause=");
	text_u64(&t, cause);
	text_lit(&t, ";text=\"");
	text_str(&t, why);
	text_lit(&t, "\"\r\nContent-Length: 0\r\n\r\n");
	if (t.overflow || !own_way(s->c, &they->hop, they->sa_id, &way)) {
		s->stats.byes_unanswered++;
		return;
	}
	s->stats.byes++;
	request_send(s->c->exchanges, text_slice(&t), &way, bye_answered, s);
}

static void release(struct sessions *s, struct session *k, uint32_t cause, const char *why)
{
	take_out(s, k);
	send_bye(s, k, CALLER, cause, why);
	send_bye(s, k, CALLEE, cause, why);
	log_event(LOG_INFO, "session", "released", LOG_S("call", k->call_id),
		  LOG_Z("reason", why));
	s->stats.released++;
	if (s->on_release)
		s->on_release(s->release_ctx, k->call_id);
	free(k);
}

void sessions_on_release(struct sessions *s, void (*fn)(void *ctx, struct slice call_id),
			 void *ctx)
{
	s->on_release = fn;
	s->release_ctx = ctx;
}

uint32_t sessions_release(struct sessions *s, const struct registration_set *set,
			  const char *why)
{
	struct hash_key key;
	uint32_t released = 0;

	if (s->n == 0 || !link_token_key(s->c->link, &key))
		return 0;
	for (uint32_t i = 0; i < set->n_impu; i++) {
		uint64_t user = token_user(&key, slice_str(set->impu[i]));
		struct tie *t = s->user[mix(user) & (s->size - 1)];

		while (t) {
			if (t->user != user) {
				t = t->next;
				continue;
			}
			release(s, t->session, 480, why);
			released++;
			/* Both its ties are gone; one of them may have been the next. */
			t = s->user[mix(user) & (s->size - 1)];
		}
	}
	return released;
}

uint64_t sessions_dialog(struct sessions *s, const struct abi_punt *p)
{
	struct hash_key key;

	if (!link_token_key(s->c->link, &key) ||
	    sip_parse(slice_of(p->data, p->len), &s->msg) != SIP_OK)
		return 0;
	return dialog_key(&key, &s->msg);
}

void sessions_refuse(struct sessions *s, uint64_t dialog, uint16_t status, const char *why)
{
	struct session *k = *find(s, dialog);

	if (!k)
		return;
	release(s, k, status, why);
	s->stats.refused++;
}

/* One second of the wheel. */
static void expire(struct sessions *s, uint64_t second)
{
	for (struct session *k = s->wheel[second % WHEEL], *next; k; k = next) {
		next = k->due_next;
		if (k->due_ms / 1000 > second)
			continue;
		release(s, k, 408, "the session was not refreshed in time");
		s->stats.expired++;
	}
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	sessions_expire(w->data, clock_ms());
}

void sessions_expire(struct sessions *s, uint64_t now_ms)
{
	while (s->ticked_s < now_ms / 1000)
		expire(s, s->ticked_s++);
}

void sessions_stats(const struct sessions *s, struct sessions_stats *out)
{
	*out = s->stats;
	out->active = s->n;
}

void sessions_each(const struct sessions *s,
		   bool (*each)(void *ctx, const struct session_row *row), void *ctx)
{
	for (const struct session *k = s->oldest; k; k = k->younger) {
		struct session_row row = {k->call_id, k->party[CALLER].name,
					  k->party[CALLEE].name, k->begun_ms};

		if (!each(ctx, &row))
			return;
	}
}
