/* refreshed.c - refreshes that a worker answered, taken over into the registrations
 *
 * The worker has checked the request and said 200 OK; here the binding is prolonged. That is
 * cheap, and done at once, so that nobody takes the binding for expired. Its set then waits to
 * be written, and is written once, however often it was refreshed meanwhile.
 *
 * As a rule nothing has changed but the time: then disk and data plane are told of that alone.
 * On disk it is a line of a journal, whose oldest lines are looked at as it grows: one that a
 * later line or the set itself has overtaken is forgotten, and for another the set is written.
 */
#include <stdlib.h>

#include "abi/message.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/charging.h"
#include "control/install.h"
#include "control/persist.h"
#include "control/record.h"
#include "control/reg_event.h"
#include "control/register.h"
#include "control/third_party.h"
#include "sip/name_addr.h"
#include "sip/parse.h"

enum {
	/* Sets written in one tick: a 16th of those that wait, so that under a flood each is
	   refreshed some times before it is written once; within these bounds, so that few do
	   not wait, and REGISTERs come between many. */
	TICK_SETS_MIN = 1024,
	TICK_SETS_MAX = 2048,
	TICK_LINES = 2 * TICK_SETS_MAX, /* of the journal, looked at in one tick */
	JOURNAL_MIN = 16384,            /* lines that are let be, however few sets there are */
	HELD_MAX = 4096,
	QUEUE_START = 1024,
};

/* A notice about a set that a REGISTER is working on a copy of. */
struct held {
	struct held *next;
	uint64_t wall_ms;     /* when it came */
	struct abi_punt punt; /* its data follow */
};

struct refreshed {
	struct registrar *r;
	struct ev_timer tick;
	/* Ids of the sets that wait: a ring. */
	uint64_t *id;
	uint32_t cap, first, n; /* cap: a power of two */
	struct held *held, **last_held;
	uint32_t n_held;
	struct sip_msg msg; /* of what is being taken over */
};

enum taken {
	TAKEN,
	TAKEN_REPEAT, /* of a request taken before, or overtaken by a later one */
	TAKEN_GONE,   /* there is no such binding any more */
	TAKEN_LATER,  /* cannot be taken now */
};

static bool grow(struct refreshed *f)
{
	uint32_t cap = f->cap ? 2 * f->cap : QUEUE_START;
	uint64_t *id = malloc(cap * sizeof(*id));

	if (!id)
		return false;
	for (uint32_t i = 0; i < f->n; i++)
		id[i] = f->id[(f->first + i) & (f->cap - 1)];
	free(f->id);
	f->id = id;
	f->cap = cap;
	f->first = 0;
	return true;
}

static bool queue_put(struct refreshed *f, uint64_t id)
{
	if (f->n == f->cap && !grow(f))
		return false;
	f->id[(f->first + f->n++) & (f->cap - 1)] = id;
	return true;
}

static uint64_t queue_take(struct refreshed *f)
{
	uint64_t id = f->id[f->first];

	f->first = (f->first + 1) & (f->cap - 1);
	f->n--;
	return id;
}

static void tick_start(struct refreshed *f)
{
	if (!ev_is_active(&f->tick))
		ev_timer_again(f->r->c->loop, &f->tick);
}

static void contact_write(struct control *c, const struct registration_set *s, uint32_t i)
{
	const struct registration_contact *k = &s->contact[i];
	struct record_prolonged r = {
		.set_id = s->id,
		.contact = record_contact(k),
		.cseq = k->cseq,
		.expires_wall_ms = k->expires_wall_ms,
		.registered_wall_ms = k->registered_wall_ms,
	};

	persist_prolong(c->persist, &r);
	install_prolong(c->installer, s, i);
}

static void set_write(struct refreshed *f, struct registration_set *s)
{
	struct control *c = f->r->c;
	bool whole = s->unwritten == REGISTRATION_CHANGED;

	s->unwritten = REGISTRATION_WRITTEN;
	for (uint32_t i = 0; i < s->n_contact; i++) {
		if (s->contact[i].prolonged && !whole)
			contact_write(c, s, i);
		s->contact[i].prolonged = false;
	}
	if (whole)
		commit_change(c, s, REGINFO_REGISTER);
	else
		reg_event_changed(c->reg_events, s->id, REGINFO_REGISTER);
}

static void set_wait(struct refreshed *f, struct registration_set *s,
		     enum registration_unwritten what)
{
	bool waits = s->unwritten != REGISTRATION_WRITTEN;

	if (what > s->unwritten)
		s->unwritten = (uint8_t)what;
	if (waits)
		return;
	if (queue_put(f, s->id))
		tick_start(f);
	else
		set_write(f, s);
}

void registrar_gone(struct registrar *r, uint64_t set_id)
{
	struct registration_set *s = registrations_by_id(r->c->registrations, set_id);

	if (s)
		set_wait(r->refreshed, s, REGISTRATION_CHANGED);
}

/* The binding it is about: the worker found it by its flow, too. */
static struct registration_contact *find(struct registration_set *s, const struct addr *flow,
					 struct slice uri)
{
	for (uint32_t i = 0; i < s->n_contact; i++)
		if (addr_eq(&s->contact[i].flow, flow) &&
		    slice_eq(slice_str(s->contact[i].uri), uri))
			return &s->contact[i];
	return NULL;
}

/* Workers do not know of each other, and until they are told anew each request with a CSeq
 * above the old one is granted. Of those the highest counts; the same one again, a repeat, was
 * granted again, and a little later. */
static enum taken prolong(struct refreshed *f, struct registration_contact *k,
			  const struct sip_name_addr *contact, uint64_t expires_wall_ms,
			  uint64_t now, bool *changed)
{
	const struct sip_msg *m = &f->msg;

	if (!slice_eq(slice_str(k->call_id), sip_first_value(m, SIP_H_CALL_ID)) ||
	    m->cseq > k->cseq) {
		*changed = binding_prolong(k, m, contact, expires_wall_ms, now);
		return TAKEN;
	}
	if (m->cseq == k->cseq && expires_wall_ms > k->expires_wall_ms)
		k->expires_wall_ms = expires_wall_ms;
	return TAKEN_REPEAT;
}

/* The identity in To, canonical. */
static const char *identity(const struct sip_msg *m, uint8_t memory[IMPU_MAX + 1])
{
	struct text t = text_in(memory, IMPU_MAX + 1);
	struct sip_name_addr to;
	struct slice rest;
	struct sip_uri uri;

	if (sip_name_addr_decode(sip_first_value(m, SIP_H_TO), SIP_E_TO, &to, &rest) !=
		    SIP_OK ||
	    sip_uri_decode(to.uri, &uri) != SIP_OK || !sip_uri_identity(&uri, &t))
		return "";
	return text_cstr(&t);
}

static bool contact_of(const struct sip_msg *m, struct sip_name_addr *contact)
{
	struct slice rest;

	return sip_name_addr_decode(sip_first_value(m, SIP_H_CONTACT), SIP_E_CONTACT, contact,
				    &rest) == SIP_OK &&
	       !contact->star && contact->params.len <= REGISTER_PARAMS_MAX;
}

/* The worker that answered is P-CSCF and S-CSCF at once. */
static void charge(const struct refreshed *f, const uint8_t *impu)
{
	charging_registered(f->r->c->charging,
			    &(struct charging_register){
				    .call_id = sip_first_value(&f->msg, SIP_H_CALL_ID),
				    .identity = slice_str((const char *)impu),
				    .pcscf = true,
				    .status = 200,
			    });
}

/* now: when the notice came, which is after the worker answered. */
static enum taken take(struct refreshed *f, const struct abi_punt *p, uint64_t now)
{
	struct control *c = f->r->c;
	uint8_t memory[IMPU_MAX + 1];
	struct registration_contact *k;
	struct sip_name_addr asked;
	struct registration_set *s;
	bool changed = false;
	enum taken how;

	if (sip_parse(slice_of(p->data, p->len), &f->msg) != SIP_OK ||
	    !contact_of(&f->msg, &asked))
		return TAKEN_GONE;
	s = registrations_by_impu(c->registrations, identity(&f->msg, memory));
	if (!s)
		return TAKEN_GONE;
	if (register_is_changing(f->r, s->id))
		return TAKEN_LATER;
	k = find(s, &p->src, asked.uri);
	if (!k)
		return TAKEN_GONE;
	how = prolong(f, k, &asked, now + p->expires * 1000ull, now, &changed);
	k->prolonged = true;
	changed |= !addr_eq(&k->local, &p->dst);
	k->local = p->dst;
	registrations_touch(c->registrations, s);
	set_wait(f, s, changed ? REGISTRATION_CHANGED : REGISTRATION_PROLONGED);
	if (how == TAKEN) {
		third_party_refreshed(c, s, &f->msg);
		charge(f, memory);
	}
	return how;
}

static void end(struct refreshed *f, enum taken how)
{
	struct registrar_stats *s = &f->r->stats;

	s->refreshed++;
	if (how != TAKEN_REPEAT) {
		s->attempts[REGISTER_AGAIN]++;
		s->successes[REGISTER_AGAIN]++;
	}
	if (how != TAKEN && how != TAKEN_REPEAT) {
		s->refreshed_late++;
		log_event(LOG_DEBUG, "registrar", "refreshed_late");
	}
}

static bool hold(struct refreshed *f, const struct abi_punt *p, uint64_t now)
{
	struct held *h = f->n_held < HELD_MAX ? malloc(sizeof(*h) + p->len) : NULL;

	if (!h)
		return false;
	h->next = NULL;
	h->wall_ms = now;
	memcpy(&h->punt, p, sizeof(*p) + p->len);
	*f->last_held = h;
	f->last_held = &h->next;
	f->n_held++;
	tick_start(f);
	return true;
}

void registrar_refreshed(struct registrar *r, const struct abi_punt *p)
{
	struct refreshed *f = r->refreshed;
	uint64_t now = clock_wall_ms();
	enum taken how = take(f, p, now);

	if (how == TAKEN_LATER && hold(f, p, now))
		return;
	end(f, how);
}

/* Each once; what has to wait further goes to the end. */
static void held_retry(struct refreshed *f)
{
	struct held *h = f->held, *next;

	f->held = NULL;
	f->last_held = &f->held;
	f->n_held = 0;
	for (; h; h = next) {
		enum taken how = take(f, &h->punt, h->wall_ms);

		next = h->next;
		if (how != TAKEN_LATER || !hold(f, &h->punt, h->wall_ms))
			end(f, how);
		free(h);
	}
}

static uint32_t tick_sets(const struct refreshed *f)
{
	uint32_t n = f->n / 16;

	if (n < TICK_SETS_MIN)
		return TICK_SETS_MIN;
	return n < TICK_SETS_MAX ? n : TICK_SETS_MAX;
}

/* Up to `most` of those that wait now. */
static void queue_write(struct refreshed *f, uint32_t most)
{
	uint32_t n = f->n < most ? f->n : most;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t id = queue_take(f);
		struct registration_set *s = registrations_by_id(f->r->c->registrations, id);

		if (!s || s->unwritten == REGISTRATION_WRITTEN)
			continue;
		/* On disk the older state would stand behind the newer one. There is room: one
		 * was taken out. */
		if (register_is_changing(f->r, id))
			queue_put(f, id);
		else
			set_write(f, s);
	}
}

/* A line that is the last word about its contact: the set itself is written, and says as much.
 * Where a REGISTER is about to write another one it goes to the journal's end. */
static void look_at(void *ctx, const struct record_prolonged *line)
{
	struct refreshed *f = ctx;
	struct control *c = f->r->c;
	const struct registration_set *s = registrations_by_id(c->registrations, line->set_id);
	uint32_t i = 0;

	while (s && i < s->n_contact &&
	       (s->contact[i].cseq != line->cseq ||
		record_contact(&s->contact[i]) != line->contact))
		i++;
	if (!s || i == s->n_contact)
		return;
	if (register_is_changing(f->r, s->id))
		persist_prolong(c->persist, line);
	else
		persist_put(c->persist, s, NULL, NULL);
}

/* Two lines for each set are more than the last words of all: among the oldest, nearly all have
 * been overtaken. */
static void journal_shorten(struct refreshed *f)
{
	struct control *c = f->r->c;
	uint64_t most = JOURNAL_MIN + 2ull * registrations_count(c->registrations);
	uint64_t have = persist_prolonged(c->persist);
	uint32_t n = have < most + TICK_LINES ? (uint32_t)(have - most) : TICK_LINES;

	if (have > most)
		persist_prolonged_forget(c->persist,
					 persist_prolonged_oldest(c->persist, n, look_at, f));
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct refreshed *f = w->data;

	held_retry(f);
	queue_write(f, tick_sets(f));
	journal_shorten(f);
	if (f->n == 0 && f->n_held == 0)
		ev_timer_stop(loop, w);
}

void registrar_flush(struct registrar *r)
{
	held_retry(r->refreshed);
	queue_write(r->refreshed, UINT32_MAX);
}

struct refreshed *refreshed_open(struct registrar *r)
{
	struct refreshed *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->r = r;
	f->last_held = &f->held;
	ev_timer_init(&f->tick, on_tick, 0., REFRESHED_TICK_MS / 1000.);
	f->tick.data = f;
	return f;
}

void refreshed_close(struct refreshed *f)
{
	if (!f)
		return;
	ev_timer_stop(f->r->c->loop, &f->tick);
	for (struct held *h = f->held, *next; h; h = next) {
		next = h->next;
		free(h);
	}
	free(f->id);
	free(f);
}

uint32_t refreshed_waiting(const struct refreshed *f)
{
	return f->n + f->n_held;
}
