/* signalling.c - the bearers that registered terminals signal over */
#include "control/signalling.h"

#include <ev.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/control.h"
#include "control/register.h"

enum {
	BUCKETS_MIN = 1024,
	NAME_MAX_OCTETS = 80,
	ASKED_SHARE = 4, /* of the window at most a part of so many: calls need the rest */
};

enum state {
	OVER, /* refused, or taken away: until the terminal registers anew */
	IDLE, /* waits in line */
	ASKING,
	OPEN,
};

/* The way to a terminal: a set, and an address. */
struct path {
	struct path *next;            /* in the bucket */
	struct path *before, *behind; /* in line */
	struct signalling *of;
	uint64_t set_id;
	struct addr ue; /* without a port */
	struct policy_session *session;
	enum state state;
	bool wanted; /* while its set is settled */
	bool gone;   /* nobody wants it; only its question holds it */
};

struct signalling {
	struct control *c;
	struct ev_timer tick;
	struct path **bucket;
	uint32_t n_bucket; /* a power of two */
	struct path *first, *last;
	uint32_t asking;
	struct signalling_stats stats;
};

/* ---- in line ---- */

static void wait_in_line(struct path *p)
{
	struct signalling *s = p->of;

	p->state = IDLE;
	p->before = s->last;
	p->behind = NULL;
	*(s->last ? &s->last->behind : &s->first) = p;
	s->last = p;
	s->stats.waiting++;
	if (!ev_is_active(&s->tick))
		ev_timer_again(s->c->loop, &s->tick);
}

static void leave_line(struct path *p)
{
	struct signalling *s = p->of;

	*(p->before ? &p->before->behind : &s->first) = p->behind;
	*(p->behind ? &p->behind->before : &s->last) = p->before;
	s->stats.waiting--;
}

/* ---- the table ---- */

/* Ids of sets are hashes already. */
static struct path **bucket_of(struct signalling *s, uint64_t set_id)
{
	return &s->bucket[set_id & (s->n_bucket - 1)];
}

/* Without memory the chains become longer. */
static void grow(struct signalling *s)
{
	uint32_t n = s->n_bucket, cap = 2 * n;
	struct path **old = s->bucket, **new = calloc(cap, sizeof(struct path *));

	if (!new)
		return;
	s->bucket = new;
	s->n_bucket = cap;
	for (uint32_t i = 0; i < n; i++)
		for (struct path *p = old[i], *next; p; p = next) {
			struct path **at = bucket_of(s, p->set_id);

			next = p->next;
			p->next = *at;
			*at = p;
		}
	free(old);
}

static struct path *find(struct signalling *s, uint64_t set_id, const struct addr *ue)
{
	struct path *p = *bucket_of(s, set_id);

	while (p && (p->set_id != set_id || !addr_same_ip(&p->ue, ue)))
		p = p->next;
	return p;
}

static struct path *path_new(struct signalling *s, uint64_t set_id, const struct addr *ue)
{
	struct path *p = calloc(1, sizeof(*p)), **at;

	if (!p)
		return NULL;
	if (s->stats.paths >= s->n_bucket)
		grow(s);
	at = bucket_of(s, set_id);
	p->of = s;
	p->set_id = set_id;
	p->ue = *ue;
	p->ue.port = 0;
	p->next = *at;
	*at = p;
	s->stats.paths++;
	return p;
}

static void session_end(struct path *p)
{
	struct policy_session *session = p->session;

	p->session = NULL;
	p->of->stats.open -= p->state == OPEN;
	if (session)
		policy_end(session);
}

/* It is out of its bucket. */
static void path_end(struct path *p)
{
	bool asking = p->state == ASKING;

	p->of->stats.paths--;
	if (p->state == IDLE)
		leave_line(p);
	session_end(p);
	p->gone = true;
	if (!asking)
		free(p);
}

/* ---- questions ---- */

static void ask_more(struct signalling *s);

static void told(void *ctx, const struct policy_outcome *o)
{
	struct path *p = ctx;
	struct signalling *s = p->of;

	s->asking--;
	if (p->gone) {
		free(p);
	} else if (o->verdict == POLICY_GRANTED) {
		p->state = OPEN;
		s->stats.open++;
	} else {
		session_end(p);
		p->state = OVER;
		if (o->verdict == POLICY_NO_ANSWER)
			wait_in_line(p);
		else
			s->stats.refused++;
	}
	/* Who does not answer is asked again at the next tick. */
	if (o->verdict != POLICY_NO_ANSWER)
		ask_more(s);
}

static struct slice name_of(const struct path *p, struct text *t)
{
	text_hex(t, p->set_id, 16);
	text_char(t, ' ');
	addr_put_host(t, &p->ue);
	return text_slice(t);
}

static bool begin(struct path *p, const struct registration_set *set)
{
	uint8_t memory[NAME_MAX_OCTETS];
	struct text t = text_in(memory, sizeof(memory));
	const struct policy_ask ask = {
		.kind = POLICY_SIGNALLING,
		.ue = p->ue,
		.identity = slice_str(set->impu[0]),
		.name = name_of(p, &t),
	};

	p->session = policy_begin(p->of->c->policy, &ask, told, p, p);
	return p->session != NULL;
}

static void ask_more(struct signalling *s)
{
	struct policy_stats policy;

	if (!s->c->policy || !s->first)
		return;
	policy_stats(s->c->policy, &policy);
	while (policy.up && s->first &&
	       s->asking < 1 + s->c->conf->policy.window / ASKED_SHARE) {
		struct path *p = s->first;
		const struct registration_set *set =
			registrations_by_id(s->c->registrations, p->set_id);

		leave_line(p);
		p->state = OVER;
		/* A set is not there for a moment while another takes its identities: it is
		 * settled then. */
		if (!set || set->n_impu == 0)
			continue;
		if (!begin(p, set)) {
			wait_in_line(p);
			return;
		}
		p->state = ASKING;
		s->asking++;
	}
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct signalling *s = w->data;

	ask_more(s);
	if (!s->first)
		ev_timer_stop(loop, w);
}

/* ---- what is registered ---- */

/* Its terminal is here, not behind another P-CSCF. */
static bool is_ours(const struct signalling *s, const struct registration_contact *k)
{
	return k->hop.family == 0 && k->flow.family != 0 &&
	       own_policy_covers(s->c->conf, &k->flow);
}

/* What has no contact any more. */
static void sweep(struct signalling *s, uint64_t set_id)
{
	for (struct path **at = bucket_of(s, set_id); *at;) {
		struct path *p = *at;

		if (p->set_id != set_id || p->wanted) {
			p->wanted = false;
			at = &p->next;
			continue;
		}
		*at = p->next;
		path_end(p);
	}
}

void signalling_settle(struct signalling *s, uint64_t set_id)
{
	const struct registration_set *set;

	if (!s || !s->c->policy || !s->c->conf->policy.signalling)
		return;
	set = registrations_by_id(s->c->registrations, set_id);
	for (uint32_t i = 0; set && i < set->n_contact; i++) {
		const struct registration_contact *k = &set->contact[i];
		struct path *p;

		if (!is_ours(s, k))
			continue;
		p = find(s, set_id, &k->flow);
		if (!p)
			p = path_new(s, set_id, &k->flow);
		if (!p)
			continue; /* goes without; asked again when it registers anew */
		p->wanted = true;
		if (p->state == OVER)
			wait_in_line(p);
	}
	sweep(s, set_id);
	ask_more(s);
}

/* ---- what the network says ---- */

static void drop_contacts(const struct path *p)
{
	struct control *c = p->of->c;
	struct registration_set *set = registrations_by_id(c->registrations, p->set_id);
	uint64_t now = clock_wall_ms();

	for (uint32_t i = 0; set && i < set->n_contact; i++) {
		struct registration_contact *k = &set->contact[i];

		if (!is_ours(p->of, k) || !addr_same_ip(&k->flow, &p->ue) ||
		    k->expires_wall_ms <= now)
			continue;
		k->expires_wall_ms = now;
		p->of->stats.dropped++;
	}
	if (set)
		registrations_touch(c->registrations, set);
}

static void on_event(void *ctx, void *owner, const struct policy_event *e)
{
	struct signalling *s = ctx;
	struct path *p = owner;

	if (e->kind == POLICY_CHANGED)
		s->stats.changed++;
	if (e->kind != POLICY_LOST && e->kind != POLICY_RELEASED)
		return;
	s->stats.lost++;
	if (e->kind == POLICY_RELEASED && p->state != ASKING) {
		session_end(p);
		p->state = OVER;
	}
	if (s->c->conf->policy.drop_on_signalling_loss)
		drop_contacts(p);
}

struct policy_events signalling_policy_events(struct signalling *s)
{
	return (struct policy_events){on_event, s};
}

/* ---- opening and closing ---- */

struct signalling *signalling_open(struct control *c)
{
	struct signalling *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->c = c;
	s->n_bucket = BUCKETS_MIN;
	s->bucket = calloc(s->n_bucket, sizeof(struct path *));
	if (!s->bucket) {
		free(s);
		return NULL;
	}
	ev_timer_init(&s->tick, on_tick, 0., 1.);
	s->tick.data = s;
	return s;
}

void signalling_close(struct signalling *s)
{
	if (!s)
		return;
	ev_timer_stop(s->c->loop, &s->tick);
	for (uint32_t i = 0; i < s->n_bucket; i++)
		for (struct path *p = s->bucket[i], *next; p; p = next) {
			next = p->next;
			free(p);
		}
	free(s->bucket);
	free(s);
}

/* As name_of wrote it. */
static bool name_read(struct slice name, uint64_t *set_id, struct addr *ue)
{
	uint32_t end = slice_find(name, ' ');

	return hex_u64(slice_sub(name, 0, end), set_id) &&
	       addr_parse(slice_from(name, end + 1), 0, ue);
}

static void *owner_of(void *ctx, struct policy_session *session, struct slice name)
{
	struct signalling *s = ctx;
	const struct registration_set *set;
	struct path *p = NULL;
	struct addr ue;
	uint64_t id;

	if (!s->c->conf->policy.signalling || !name_read(name, &id, &ue) || find(s, id, &ue))
		return NULL;
	set = registrations_by_id(s->c->registrations, id);
	for (uint32_t i = 0; set && i < set->n_contact && !p; i++)
		if (is_ours(s, &set->contact[i]) && addr_same_ip(&set->contact[i].flow, &ue))
			p = path_new(s, id, &ue);
	if (!p)
		return NULL;
	p->session = session;
	p->state = OPEN;
	s->stats.open++;
	return p;
}

static bool settle_each(void *ctx, struct registration_set *set)
{
	signalling_settle(ctx, set->id);
	return true;
}

void signalling_start(struct signalling *s)
{
	policy_adopt(s->c->policy, POLICY_SIGNALLING, owner_of, s);
	if (s->c->conf->policy.signalling)
		registrations_each(s->c->registrations, settle_each, s);
}

void signalling_stats(const struct signalling *s, struct signalling_stats *out)
{
	*out = s->stats;
}
