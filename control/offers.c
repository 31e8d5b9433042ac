/* offers.c - session descriptions on their way, and what they need */
#include "control/offers.h"

#include <ev.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "abi/token.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/charging.h"
#include "control/control.h"
#include "control/held.h"
#include "control/link.h"
#include "control/register.h"
#include "control/resources.h"
#include "control/session.h"
#include "ifc/description.h"
#include "media/profile.h"
#include "sip/name_addr.h"
#include "sip/parse.h"

enum {
	BUCKETS = 4096,
	TEXT_MAX = 16384, /* of one offer; more is not kept */
	AGE_MS = 300000,  /* timer C and what is around it (RFC 3261 §16.8) */
	NOT_ACCEPTABLE = 488,
	UNAVAILABLE = 503,
	EXTENSION_REQUIRED = 421,
	ICID_LEN = 32,
};

static const char wrong_answer[] = "the session description cannot be accepted";

struct call {
	struct call *next, **at;      /* in the bucket */
	struct call *older, *younger; /* in the order they came */
	struct offers *of;
	uint64_t key, since_ms;
	uint64_t caller; /* tag */
	bool begun;
	uint64_t dialog; /* as session.h names it, once begun */

	struct addr place[2]; /* where each side was last, by enum resources_side; family 0: not
			      known */
	struct slice offer;   /* the last one, heap; empty: it is answered for good */
	enum resources_side offerer; /* who made it */
	bool late;                   /* in a response: a PRACK or an ACK answers it */

	uint16_t refused; /* it cannot go on, and with this status it ends: */
	const char *why;
	uint64_t refused_tag; /* with this called terminal; 0: with whichever */

	bool unready;            /* it may not ring: preconditions do not stand yet */
	struct waiting *ringing; /* 180s that wait for them */

	struct resources resources;
	struct slice call_id; /* in text */
	uint8_t text[];
};

/* A message that waits for resources of up to two terminals. */
struct waiting {
	struct held held; /* of an ACK unused */
	struct offers *of;
	struct waiting *next; /* of those that ring */
	uint64_t call, tag, dialog;
	uint16_t status; /* of a response; 0: a request */
	bool loose;      /* an ACK, which cannot be held */
	uint8_t asked;   /* answers that are still to come */
	struct policy_outcome worst;
};

struct offers {
	struct control *c;
	struct ev_timer tick;
	struct hash_key hash; /* Call-IDs come from the wire */
	uint32_t most;
	struct call *oldest, *youngest;
	struct offers_stats stats;
	struct sip_msg msg; /* under work, as what follows */
	struct sdp offer, answer;
	struct media_profile profile;
	struct call *bucket[BUCKETS];
};

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	offers_expire(w->data, clock_ms());
}

static void on_release(void *ctx, struct slice call_id);

struct offers *offers_open(struct control *c, uint32_t most)
{
	struct offers *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->c = c;
	o->most = most;
	if (RAND_bytes((uint8_t *)&o->hash, sizeof(o->hash)) != 1) {
		free(o);
		return NULL;
	}
	ev_timer_init(&o->tick, on_tick, 1., 1.);
	o->tick.data = o;
	ev_timer_start(c->loop, &o->tick);
	sessions_on_release(c->sessions, on_release, o);
	return o;
}

/* ---- those that are kept ---- */

static void offer_drop(struct call *k)
{
	free((void *)k->offer.p);
	k->offer = SLICE_EMPTY;
	k->late = false;
}

static void resume(struct waiting *w)
{
	w->of->stats.passed++;
	w->held.locate = LOCATE_GRANTED;
	held_resume(&w->held);
}

static void ring(struct offers *o, struct call *k)
{
	k->unready = false;
	for (struct waiting *w; (w = k->ringing);) {
		k->ringing = w->next;
		o->stats.ringing--;
		resume(w);
	}
}

static void forget(struct offers *o, struct call *k)
{
	ring(o, k); /* whoever waits, waits for nothing any more */
	*k->at = k->next;
	if (k->next)
		k->next->at = k->at;
	*(k->older ? &k->older->younger : &o->oldest) = k->younger;
	*(k->younger ? &k->younger->older : &o->youngest) = k->older;
	o->stats.kept--;
	resources_end(&k->resources);
	offer_drop(k);
	free(k);
}

/* With a policy function its sessions stay, for the next control: they are on disk. */
void offers_close(struct offers *o)
{
	if (!o)
		return;
	ev_timer_stop(o->c->loop, &o->tick);
	sessions_on_release(o->c->sessions, NULL, NULL);
	while (o->oldest) {
		o->oldest->resources.n = 0;
		forget(o, o->oldest);
	}
	free(o);
}

static uint64_t hash(const struct offers *o, struct slice s)
{
	return hash_table(&o->hash, s.p, s.len);
}

static struct slice call_id(const struct offers *o)
{
	return sip_first_value(&o->msg, SIP_H_CALL_ID);
}

static struct call *find(struct offers *o, struct slice id)
{
	uint64_t key = hash(o, id);
	struct call *k = o->bucket[key % BUCKETS];

	while (k && k->key != key)
		k = k->next;
	return k;
}

static struct call *find_key(struct offers *o, uint64_t key)
{
	struct call *k = o->bucket[key % BUCKETS];

	while (k && k->key != key)
		k = k->next;
	return k;
}

/* NULL: no room. */
static struct call *call_new(struct offers *o)
{
	struct slice id = call_id(o);
	uint64_t key = hash(o, id);
	struct call **first = &o->bucket[key % BUCKETS];
	struct call *k = o->most ? malloc(sizeof(*k) + id.len) : NULL;

	if (!k)
		return NULL;
	if (o->stats.kept == o->most) {
		forget(o, o->oldest);
		o->stats.forgotten++;
	}
	*k = (struct call){.next = *first,
			   .at = first,
			   .older = o->youngest,
			   .of = o,
			   .key = key,
			   .since_ms = clock_ms(),
			   .caller = hash(o, o->msg.from_tag)};
	memcpy(k->text, id.p, id.len);
	k->call_id = slice_of(k->text, id.len);
	if (k->next)
		k->next->at = &k->next;
	*(k->older ? &k->older->younger : &o->oldest) = k;
	o->youngest = k;
	*first = k;
	o->stats.kept++;
	return k;
}

/* The side that sent the request of the message under work. */
static enum resources_side asking(const struct offers *o, const struct call *k)
{
	return hash(o, o->msg.from_tag) == k->caller ? RESOURCES_CALLER : RESOURCES_CALLED;
}

static enum resources_side other(enum resources_side side)
{
	return side == RESOURCES_CALLER ? RESOURCES_CALLED : RESOURCES_CALLER;
}

/* NULL: no room. */
static struct call *keep(struct offers *o, struct slice text)
{
	struct call *k = find(o, call_id(o));
	uint8_t *copy = text.len <= TEXT_MAX ? malloc(text.len) : NULL;

	if (!k)
		k = call_new(o);
	if (!k || !copy) {
		free(copy);
		return NULL;
	}
	offer_drop(k);
	memcpy(copy, text.p, text.len);
	k->offer = slice_of(copy, text.len);
	k->offerer = asking(o, k);
	return k;
}

/* Those that have not begun, and wait for nothing that can still come. */
void offers_expire(struct offers *o, uint64_t now_ms)
{
	for (struct call *k = o->oldest, *next; k && k->since_ms + AGE_MS <= now_ms; k = next) {
		next = k->younger;
		if (!k->begun || k->resources.n == 0)
			forget(o, k);
	}
}

/* ---- offers ---- */

/* As the configuration is now: it may have been loaded again. */
static const struct media_profile *profile_now(struct offers *o)
{
	const struct conf_policy *c = &o->c->conf->policy;
	struct media_profile *p = &o->profile;

	_Static_assert(sizeof(p->codec) == sizeof(c->codec), "the same names");
	memcpy(p->codec, c->codec, sizeof(p->codec));
	p->n_codec = c->n_codec;
	p->streams = c->streams;
	p->bandwidth = c->bandwidth;
	return p;
}

/* A Warning for the headers (RFC 3261 §20.43), and if there is room, what could be offered. */
static void reject(struct offers *o, struct held *h, uint16_t status, const char *why,
		   bool instead)
{
	struct text t = text_in(h->route, sizeof(h->route));
	uint32_t lines;

	text_lit(&t, "Warning: ");
	text_u64(&t, instead ? 305 : 399);
	text_char(&t, ' ');
	text_str(&t, o->c->conf->realm);
	text_lit(&t, " \"");
	text_str(&t, why);
	text_lit(&t, "\"\r\n");
	lines = t.len;
	if (instead) {
		text_lit(&t, "Content-Type: application/sdp\r\n\r\n");
		media_profile_put(&o->profile, &o->offer, &t);
	}
	h->route_len = t.overflow ? lines : t.len;
	held_reject(h, status);
}

/* RFC 3312 §11, RFC 3261 §21.4.16. */
static void require(struct offers *o, struct held *h)
{
	struct text t = text_in(h->route, sizeof(h->route));

	text_lit(&t, "Require: precondition\r\nWarning: 399 ");
	text_str(&t, o->c->conf->realm);
	text_lit(&t, " \"resources have to be asked for as preconditions\"\r\n");
	h->route_len = t.len;
	held_reject(h, EXTENSION_REQUIRED);
}

/* o->offer is what it says. */
static void note_offer(struct offers *o, struct call *k)
{
	if (k && o->c->conf->policy.preconditions)
		k->unready = !sdp_has_quality(&o->offer);
}

/* False: rejected. */
static bool take_offer(struct offers *o, struct held *h, struct slice text)
{
	const char *why = sdp_read(text, &o->offer);

	if (why) {
		o->stats.malformed++;
		reject(o, h, NOT_ACCEPTABLE, why, false);
		return false;
	}
	why = media_profile_check(profile_now(o), &o->offer);
	if (why) {
		o->stats.refused++;
		reject(o, h, NOT_ACCEPTABLE, why, true);
		return false;
	}
	if (o->c->conf->policy.preconditions && o->msg.method == SIP_M_INVITE &&
	    !o->msg.to_tag.len && !sdp_wants_quality(&o->offer)) {
		o->stats.refused++;
		require(o, h);
		return false;
	}
	note_offer(o, keep(o, text));
	return true;
}

/* ---- answers ---- */

/* It cannot be refused any more: the session ends when it has begun, or now. */
static void refuse_later(struct offers *o, struct call *k, uint64_t tag, uint64_t dialog,
			 uint16_t status, const char *why)
{
	k->refused = status;
	k->refused_tag = tag;
	k->why = why;
	sessions_refuse(o->c->sessions, dialog, status, why); /* k may be gone */
}

static void note_unfit(struct offers *o, struct call *k, uint64_t dialog, const char *why)
{
	o->stats.unfit++;
	log_event(LOG_WARN, "offers", "unfit", LOG_S("call", k->call_id), LOG_Z("reason", why));
	refuse_later(o, k, hash(o, o->msg.to_tag), dialog, NOT_ACCEPTABLE, wrong_answer);
}

/* The sender of the message under work, of whichever kind, is here now. */
static void note_place(struct offers *o, struct call *k, const struct abi_punt *p)
{
	enum resources_side side = asking(o, k);

	k->place[sip_is_request(&o->msg) ? side : other(side)] = p->src;
}

/* The first description of a session in a response (RFC 3264 §4, RFC 3261 §13.2.1). */
static void take_late_offer(struct offers *o, const struct abi_punt *p, struct slice text)
{
	const char *why = sdp_read(text, &o->offer);
	struct call *k;

	if (!why)
		why = media_profile_check(profile_now(o), &o->offer);
	k = keep(o, text);
	if (!k)
		return;
	k->late = true;
	note_place(o, k, p);
	k->offerer = other(asking(o, k));
	if (why)
		note_unfit(o, k, 0, why);
}

/* To the call's offer: both are read then. False: it does not fit. */
static bool take_answer(struct offers *o, struct call *k, uint64_t dialog, struct slice text)
{
	const char *why = sdp_read(k->offer, &o->offer);

	if (!why)
		why = sdp_read(text, &o->answer);
	if (!why)
		why = sdp_fits(&o->offer, &o->answer);
	if (why) {
		note_unfit(o, k, dialog, why);
		return false;
	}
	/* Who answers has heard of both sides. */
	k->unready = o->c->conf->policy.preconditions && !sdp_has_quality(&o->answer);
	if (!k->unready)
		ring(o, k);
	return true;
}

/* ---- resources ---- */

static void go_on(struct waiting *w)
{
	struct call *k = find_key(w->of, w->call);

	if (w->loose) {
		free(w);
		return;
	}
	if (w->status == 180 && k && k->unready) {
		w->next = k->ringing;
		k->ringing = w;
		w->of->stats.ringing++;
		return;
	}
	resume(w);
}

/* What is not there yet is refused; what is there already ends. */
static void deny(struct waiting *w, uint16_t status, const char *why)
{
	struct offers *o = w->of;
	struct call *k = find_key(o, w->call);

	o->stats.denied++;
	if (w->status >= 200 || w->loose) {
		if (k)
			refuse_later(o, k, w->tag, w->dialog, status, why);
		go_on(w);
		return;
	}
	if (k && !k->begun)
		forget(o, k);
	reject(o, &w->held, status, why, false);
}

static void decide(struct waiting *w)
{
	const struct conf_policy *c = &w->of->c->conf->policy;

	if (w->worst.verdict == POLICY_REFUSED) {
		deny(w, (uint16_t)c->refused_status, w->worst.why);
	} else if (w->worst.verdict == POLICY_NO_ANSWER && c->reject_on_failure) {
		deny(w, UNAVAILABLE, "the policy function does not answer");
	} else {
		w->of->stats.unasked += w->worst.verdict == POLICY_NO_ANSWER;
		go_on(w);
	}
}

static void answered(void *ctx, const struct policy_outcome *outcome)
{
	struct waiting *w = ctx;

	/* Refused is worse than not answered. */
	if (w->worst.verdict == POLICY_GRANTED || outcome->verdict == POLICY_REFUSED)
		w->worst = *outcome;
	if (--w->asked == 0)
		decide(w);
}

/* From or To of the message under work, of the terminal on that side. */
static struct slice identity_of(const struct offers *o, const struct call *k,
				enum resources_side side)
{
	struct sip_name_addr name;
	struct slice rest,
		value = sip_first_value(&o->msg, side == asking(o, k) ? SIP_H_FROM : SIP_H_TO);

	return sip_name_addr_decode(value, SIP_E_HEADER, &name, &rest) == SIP_OK ? name.uri
										 : SLICE_EMPTY;
}

/* o->offer, and o->answer if there is one, are those of the call. */
static void ask(struct offers *o, struct call *k, struct waiting *w, enum resources_side side,
		const struct addr *ue, bool answered_now)
{
	uint8_t memory[ICID_LEN];
	struct text icid = text_in(memory, sizeof(memory));
	struct hash_key key;
	struct resources_ask a = {
		.side = side,
		.ue = *ue,
		.alone = k->begun || side == RESOURCES_CALLER,
		.ue_offers = side == k->offerer,
		.offer = &o->offer,
		.answer = answered_now ? &o->answer : NULL,
		.name = k->call_id,
		.owner = k,
	};

	if (!own_policy_covers(o->c->conf, ue))
		return;
	a.identity = identity_of(o, k, side);
	if (link_token_key(o->c->link, &key)) {
		token_icid_put(&icid, &key, k->call_id);
		a.icid = text_slice(&icid);
	}
	w->asked++;
	if (!resources_ask(&k->resources, o->c->policy, &a, answered, w)) {
		w->asked--;
		w->worst = (struct policy_outcome){POLICY_NO_ANSWER, "no memory"};
	}
}

/* For an offer that begins a call, the one terminal is asked for that makes it; for an answer
 * both. */
static void want(struct offers *o, struct call *k, struct waiting *w, bool answer)
{
	if (o->c->policy && k && !k->refused) {
		enum resources_side side = asking(o, k);

		if (answer) {
			ask(o, k, w, side, &k->place[side], true);
			ask(o, k, w, other(side), &k->place[other(side)], true);
		} else if (o->c->conf->policy.preliminary && !k->begun) {
			ask(o, k, w, side, &k->place[side], false);
		}
	}
	if (w->asked == 0)
		decide(w);
}

/* ---- messages ---- */

static bool read(struct offers *o, const struct abi_punt *p)
{
	return sip_parse(slice_of(p->data, p->len), &o->msg) == SIP_OK;
}

/* A PRACK or an ACK with the answer to an offer in a response (RFC 3262 §5, RFC 3261
 * §13.2.2.4). */
static bool answers_late(const struct offers *o, const struct call *k)
{
	return k && k->late && (o->msg.method == SIP_M_PRACK || o->msg.method == SIP_M_ACK);
}

/* What has begun, is answered, and has no resources is of no more use. */
static void tidy(struct offers *o, uint64_t key)
{
	struct call *k = find_key(o, key);

	if (k && k->begun && k->offer.len == 0 && k->resources.n == 0)
		forget(o, k);
}

static void take_request(struct offers *o, struct waiting *w, const struct abi_punt *p,
			 struct slice text)
{
	struct call *k = find(o, call_id(o));
	uint64_t key = w->call;

	if (answers_late(o, k)) {
		bool fits;

		note_place(o, k, p);
		fits = take_answer(o, k, w->dialog, text);
		k = find_key(o, key);
		if (k && o->msg.method == SIP_M_ACK)
			offer_drop(k);
		else if (k)
			k->late = false; /* a 200 that follows may say it again */
		want(o, fits ? k : NULL, w, true);
		tidy(o, key);
	} else if (w->loose) {
		go_on(w);
	} else if (take_offer(o, &w->held, text)) {
		k = find_key(o, key);
		if (k)
			note_place(o, k, p);
		want(o, k, w, false);
	}
}

static void take_response(struct offers *o, struct waiting *w, const struct abi_punt *p,
			  struct slice text)
{
	struct call *k = find(o, call_id(o));

	if (text.len == 0) { /* a 180 */
		go_on(w);
		return;
	}
	if (!k || k->offer.len == 0 || k->late) {
		take_late_offer(o, p, text);
		go_on(w);
		return;
	}
	note_place(o, k, p);
	if (!take_answer(o, k, w->dialog, text))
		k = NULL;
	want(o, k, w, true);
}

static void begin(struct offers *o, struct waiting *w, const struct abi_punt *p)
{
	w->of = o;
	w->call = hash(o, call_id(o));
	w->tag = hash(o, o->msg.to_tag);
	w->status = sip_is_request(&o->msg) ? 0 : o->msg.status;
	w->dialog = sessions_dialog(o->c->sessions, p);
}

void offers_request(struct offers *o, const struct abi_punt *p)
{
	struct waiting *w;
	uint64_t key;

	if (!read(o, p) || !held_key(o->c->helds, p, &o->msg, &key))
		return; /* a worker has read it: it is none of theirs */
	w = (struct waiting *)held_new(o->c->helds, p, key, sizeof(*w));
	if (!w)
		return;
	begin(o, w, p);
	if (sip_is_request(&o->msg))
		take_request(o, w, p, description_of(&o->msg));
	else
		take_response(o, w, p, description_of(&o->msg));
}

void offers_told(struct offers *o, const struct abi_punt *p)
{
	struct waiting *w;

	if (!read(o, p))
		return;
	if (o->msg.method != SIP_M_ACK) {
		struct slice text = description_of(&o->msg);
		struct call *k = keep(o, text);

		if (k)
			note_place(o, k, p);
		if (sdp_read(text, &o->offer) == NULL)
			note_offer(o, k);
		return;
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		return;
	begin(o, w, p);
	w->loose = true;
	take_request(o, w, p, description_of(&o->msg));
}

void offers_begun(struct offers *o, const struct abi_punt *p)
{
	struct call *k = read(o, p) ? find(o, call_id(o)) : NULL;

	if (!k)
		return;
	k->dialog = sessions_dialog(o->c->sessions, p);
	if (!k->begun)
		resources_settle(&k->resources, RESOURCES_CALLED, &p->src);
	k->begun = true;
	ring(o, k);
	if (k->refused && (!k->refused_tag || k->refused_tag == hash(o, o->msg.to_tag))) {
		sessions_refuse(o->c->sessions, k->dialog, k->refused, k->why);
		k = find(o, call_id(o));
		if (k)
			forget(o, k);
		return;
	}
	k->refused = 0;
	if (k->late) /* the ACK has its answer */
		return;
	offer_drop(k);
	tidy(o, k->key);
}

static void over(struct offers *o, struct slice id)
{
	struct call *k = find(o, id);

	if (k)
		forget(o, k);
	if (o->c->policy)
		policy_end_named(o->c->policy, id);
}

void offers_ended(struct offers *o, const struct abi_punt *p)
{
	if (read(o, p))
		over(o, call_id(o));
}

static void on_release(void *ctx, struct slice id)
{
	struct offers *o = ctx;

	charging_released(o->c->charging, id);
	over(o, id);
}

/* ---- what the network says of itself ---- */

/* TS 24.229 §5.2.8.1: all bearers are gone, and with them the session. */
static void on_event(void *ctx, void *owner, const struct policy_event *e)
{
	struct offers *o = ctx;
	struct call *k = owner;

	if (e->kind != POLICY_RELEASED)
		return;
	o->stats.ended++;
	k->refused = UNAVAILABLE;
	k->refused_tag = 0;
	k->why = e->why;
	if (k->begun)
		sessions_refuse(o->c->sessions, k->dialog, UNAVAILABLE, e->why);
}

struct policy_events offers_policy_events(struct offers *o)
{
	return (struct policy_events){on_event, o};
}

void offers_stats(const struct offers *o, struct offers_stats *out)
{
	*out = o->stats;
}
