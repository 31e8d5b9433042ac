/* rx.c - policy sessions by way of Rx (TS 29.214): the P-CSCF as application function */
#define _GNU_SOURCE /* memmem */
#include <arpa/inet.h>
#include <ev.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/control.h"
#include "control/persist.h"
#include "control/policy.h"
#include "control/query.h"
#include "media/component.h"
#include "rx/codec.h"

enum {
	BUCKETS = 65536,
	ERROR_MAX = 256,
	AGAIN_MS = 5000,      /* an end that nobody has heard is told again, */
	ENDING_MS = 600000,   /* for so long */
	BEFORE_MS = 86400000, /* one of before that nobody asks for any more */
	RECORD_MAX = 1024,
	TEXT_MAX = 65536,
	ENDS_A_TICK = 64, /* after a PCRF was away it is not to be flooded */
};

enum command { AAR, STR, RAR, ASR, COMMANDS };

struct policy_session {
	struct policy_session *next, **at; /* in the bucket */
	/* Among those of which something is due: that end, or are of before. */
	struct policy_session *due, **due_at;
	struct policy *of;
	uint64_t key;   /* on disk */
	uint32_t asked; /* AARs under way */
	uint32_t host;  /* the PCRF that has it */
	enum policy_kind kind;
	struct addr ue;
	void *owner;
	bool known; /* the PCRF may have it, */
	bool born;  /* and has said so */
	bool ending, telling, before;
	uint64_t since_ms, again_ms;
	struct slice id, name;
	uint8_t text[];
};

struct policy {
	struct control *c;
	struct queries *queries;
	struct policy_events events[POLICY_KINDS];
	struct ev_timer tick;
	struct hash_key hash;
	struct policy_stats stats;
	struct policy_session *bucket[BUCKETS], *due;
	uint8_t text[TEXT_MAX]; /* of the request under work */
};

/* ---- the interface, as query.h wants it ---- */

static const uint32_t code[COMMANDS] = {RX_AAR, RX_STR, RX_RAR, RX_ASR};

static int request(uint32_t command, struct msg **m, const void *r, struct slice host)
{
	return rx_request(code[command], m, r, host);
}

static int answer(uint32_t command, struct msg **m, int result)
{
	return result == CX_SUCCESS ? rx_answer(code[command], m, &result)
				    : rx_answer_error(m, result);
}

static void *copy_answer(uint32_t command, struct msg *m)
{
	union rx_any_answer a;

	return rx_decode_answer(code[command], m, &a) ? NULL
						      : rx_copy_answer(code[command], &a);
}

static void free_answer(uint32_t command, void *a)
{
	free(a);
}

static void *copy_request(uint32_t command, const void *r)
{
	return rx_copy_request(code[command], r);
}

static int copy_asked(uint32_t command, struct msg *m, void **copy)
{
	union rx_any_request r;
	int result = rx_decode_request(code[command], m, &r);

	if (result)
		return result;
	*copy = copy_request(command, &r);
	return *copy ? 0 : CX_TOO_BUSY;
}

typedef void told(void *ctx, int result);

static void tell(const struct query_waiter *w, const void *a, int result)
{
	((told *)w->done)(w->ctx, a ? *(const int *)a : result);
}

static int asked(void *ctx, uint32_t command, const void *r);

static const struct query_interface interface = {
	.name = "rx",
	.n = COMMANDS,
	.code = {RX_AAR, RX_STR, RX_RAR, RX_ASR},
	.request = request,
	.answer = answer,
	.copy_answer = copy_answer,
	.copy_asked = copy_asked,
	.refuse = rx_answer_error,
	.copy_request = copy_request,
	.free_answer = free_answer,
	.tell = tell,
	.asked = asked,
};

/* ---- sessions ---- */

static struct policy_session **bucket_of(struct policy *p, struct slice id)
{
	return &p->bucket[hash_table(&p->hash, id.p, id.len) % BUCKETS];
}

static struct policy_session *find(struct policy *p, struct slice id)
{
	struct policy_session *s = *bucket_of(p, id);

	while (s && !slice_eq(s->id, id))
		s = s->next;
	return s;
}

static struct policy_session *session_new(struct policy *p, struct slice id, struct slice name)
{
	struct policy_session *s = calloc(1, sizeof(*s) + id.len + name.len);
	struct policy_session **first = bucket_of(p, id);

	if (!s)
		return NULL;
	memcpy(s->text, id.p, id.len);
	if (name.len)
		memcpy(s->text + id.len, name.p, name.len);
	s->id = slice_of(s->text, id.len);
	s->name = slice_of(s->text + id.len, name.len);
	s->of = p;
	s->since_ms = clock_ms();
	s->next = *first;
	s->at = first;
	if (s->next)
		s->next->at = &s->next;
	*first = s;
	p->stats.sessions++;
	return s;
}

static void due_put(struct policy_session *s)
{
	struct policy *p = s->of;

	s->due = p->due;
	s->due_at = &p->due;
	if (s->due)
		s->due->due_at = &s->due;
	p->due = s;
}

static void due_remove(struct policy_session *s)
{
	*s->due_at = s->due;
	if (s->due)
		s->due->due_at = s->due_at;
}

/* When nobody waits for it any more. */
static void session_free(struct policy_session *s)
{
	struct policy *p = s->of;

	if (s->asked || s->telling)
		return;
	*s->at = s->next;
	if (s->next)
		s->next->at = s->at;
	if (s->ending || s->before)
		due_remove(s);
	persist_row_delete(p->c->persist, PERSIST_POLICY, s->key);
	p->stats.sessions--;
	p->stats.ending -= s->ending;
	free(s);
}

/* Kind, PCRF, Session-Id and name, a line each. */
static void store(struct policy_session *s)
{
	uint8_t memory[RECORD_MAX];
	struct text t = text_in(memory, sizeof(memory));

	text_u64(&t, s->kind);
	text_char(&t, '\n');
	text_u64(&t, s->host);
	text_char(&t, '\n');
	text_put(&t, s->id);
	text_char(&t, '\n');
	text_put(&t, s->name);
	if (!t.overflow)
		persist_row_put(s->of->c->persist, PERSIST_POLICY, s->key, text_slice(&t));
}

static struct slice line(struct slice *rest)
{
	struct slice s = slice_sub(*rest, 0, slice_find(*rest, '\n'));

	*rest = slice_from(*rest, s.len + 1);
	return s;
}

static bool take_stored(void *ctx, uint64_t key, struct slice record)
{
	struct policy *p = ctx;
	struct slice kind = line(&record), host = line(&record), id = line(&record);
	struct policy_session *s;
	uint64_t k, h;

	if (!slice_u64(kind, UINT32_MAX, &k) || !slice_u64(host, UINT32_MAX, &h) || id.len == 0)
		return false;
	s = session_new(p, id, record);
	if (!s)
		return true;
	s->key = key;
	s->kind = k == POLICY_SIGNALLING ? POLICY_SIGNALLING : POLICY_SESSION;
	s->host = h < p->c->conf->policy.n_pcrf ? (uint32_t)h : 0;
	s->known = s->before = true;
	due_put(s);
	return true;
}

/* ---- the end of one ---- */

static void end_told(void *ctx, int result)
{
	struct policy_session *s = ctx;

	s->telling = false;
	/* 5002 is as good: it is not there. */
	if (result != CX_NO_ANSWER && result != CX_WINDOW_FULL && result != CX_TOO_BUSY &&
	    result != CX_UNABLE_TO_DELIVER) {
		session_free(s);
		return;
	}
	s->again_ms = clock_ms() + AGAIN_MS;
}

static void tell_end(struct policy_session *s)
{
	const struct rx_str str = {s->id, RX_LOGOUT};

	s->telling = true;
	query(s->of->queries, s->host, &str,
	      (struct query_waiter){STR, (void (*)(void))end_told, s});
}

void policy_end(struct policy_session *s)
{
	if (!s->before)
		due_put(s);
	s->ending = true;
	s->owner = NULL;
	s->since_ms = clock_ms();
	s->of->stats.ending++;
	if (s->asked)
		return; /* when the answer is there */
	if (s->known)
		tell_end(s);
	else
		session_free(s);
}

void policy_end_named(struct policy *p, struct slice name)
{
	for (struct policy_session *s = p->due, *next; s; s = next) {
		next = s->due;
		if (s->before && !s->ending && s->kind == POLICY_SESSION &&
		    slice_eq(s->name, name))
			policy_end(s);
	}
}

void policy_adopt(struct policy *p, enum policy_kind kind,
		  void *(*owner_of)(void *ctx, struct policy_session *s, struct slice name),
		  void *ctx)
{
	for (struct policy_session *s = p->due, *next; s; s = next) {
		next = s->due;
		if (!s->before || s->ending || s->kind != kind)
			continue;
		s->owner = owner_of(ctx, s, s->name);
		if (!s->owner) {
			policy_end(s);
			continue;
		}
		due_remove(s);
		s->before = false;
	}
}

/* What is old is given up, what nobody has heard is told again. */
static void look_at(struct policy_session *s, uint64_t now, uint32_t *ends)
{
	if (s->before && !s->ending && s->since_ms + BEFORE_MS <= now)
		policy_end(s);
	if (!s->ending || s->telling || s->asked)
		return;
	if (s->since_ms + ENDING_MS <= now) {
		s->of->stats.abandoned++;
		log_event(LOG_WARN, "rx", "abandoned", LOG_S("session", s->id));
		session_free(s);
	} else if (s->again_ms <= now && *ends < ENDS_A_TICK &&
		   queries_open_to(s->of->queries, s->host)) {
		++*ends;
		tell_end(s);
	}
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct policy *p = w->data;
	uint64_t now = clock_ms();
	uint32_t ends = 0;

	for (struct policy_session *s = p->due, *next; s; s = next) {
		next = s->due;
		look_at(s, now, &ends);
	}
}

/* ---- questions ---- */

struct question {
	struct policy_session *session;
	policy_done *done;
	void *ctx;
	bool sent; /* somebody was connected */
};

static struct policy_outcome outcome_of(int result)
{
	switch (result) {
	case CX_SUCCESS:
	case 2002: /* DIAMETER_LIMITED_SUCCESS */
		return (struct policy_outcome){POLICY_GRANTED, ""};
	case CX_NO_ANSWER:
	case CX_WINDOW_FULL:
	case CX_BAD_ANSWER:
	case CX_UNABLE_TO_DELIVER:
	case CX_TOO_BUSY:
	case RX_UNKNOWN_SESSION_ID: /* it has forgotten: the next question is a first one */
		return (struct policy_outcome){POLICY_NO_ANSWER, rx_result_name(result)};
	default:
		return (struct policy_outcome){POLICY_REFUSED, rx_result_name(result)};
	}
}

static void aar_told(void *ctx, int result)
{
	struct question q = *(struct question *)ctx;
	struct policy_session *s = q.session;
	struct policy_stats *stats = &s->of->stats;
	struct policy_outcome o = outcome_of(result);

	free(ctx);
	/* Whose answer was lost it may have. */
	if (o.verdict == POLICY_GRANTED ||
	    (q.sent && (result == CX_NO_ANSWER || result == CX_BAD_ANSWER)))
		s->known = true;
	s->born = o.verdict == POLICY_GRANTED || (s->born && result != RX_UNKNOWN_SESSION_ID);
	++*(o.verdict == POLICY_GRANTED   ? &stats->granted
	    : o.verdict == POLICY_REFUSED ? &stats->refused
					  : &stats->unanswered);
	q.done(q.ctx, &o); /* which may end the session */
	if (--s->asked || !s->ending)
		return;
	if (s->known && !s->telling)
		tell_end(s);
	else
		session_free(s);
}

static void put_host(struct text *t, const struct addr *a)
{
	char text[INET6_ADDRSTRLEN];

	if (a->family &&
	    inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, text, sizeof(text)))
		text_str(t, text);
	else
		text_lit(t, "any");
}

/* IPFilterRule (RFC 6733 §4.3.1) of one direction; "any" where it is not known. */
static struct slice rule(struct text *t, const char *way, const char *protocol,
			 const struct addr *from, const struct addr *to, uint16_t n_ports)
{
	uint32_t at = t->len;
	const struct addr *end[2] = {from, to};

	text_lit(t, "permit ");
	text_str(t, way);
	text_char(t, ' ');
	text_str(t, protocol);
	for (int i = 0; i < 2; i++) {
		text_str(t, i ? " to " : " from ");
		put_host(t, end[i]);
		/* The port where it is received: of the source any may be used. */
		if (i == 0 || !end[i]->port)
			continue;
		text_char(t, ' ');
		text_u64(t, end[i]->port);
		if (n_ports > 1) {
			text_char(t, '-');
			text_u64(t, end[i]->port + n_ports - 1u);
		}
	}
	return t->overflow ? SLICE_EMPTY : text_since(t, at);
}

static const char *protocol_of(struct slice section)
{
	struct slice first = slice_sub(section, 0, slice_find(section, '\n'));

	return memmem(first.p, first.len, "TCP", 3) ? "6" : "17";
}

static void put_flow(struct rx_flow *out, const struct media_flow *f, const char *protocol,
		     struct text *t)
{
	*out = (struct rx_flow){
		.number = f->number,
		.status = RX_UNSAID,
		.usage = f->rtcp ? RX_USAGE_RTCP : RX_UNSAID,
		.protocol = RX_UNSAID,
	};
	out->description[0] = rule(t, "in", protocol, &f->ue, &f->far, f->ports);
	out->description[1] = rule(t, "out", protocol, &f->far, &f->ue, f->ports);
	if (out->description[1].len)
		out->n_description = 2;
}

static uint32_t bits(uint64_t v)
{
	if (v == SDP_UNSAID)
		return RX_UNSAID;
	return v < RX_UNSAID ? (uint32_t)v : RX_UNSAID - 1;
}

/* §5.3.7; a section that is too long is left out. */
static void put_codec(struct rx_component *out, const char *way, const char *role,
		      struct slice section, struct text *t)
{
	uint32_t at = t->len;

	if (section.len == 0 || section.len > RX_CODEC_MAX - 32)
		return;
	text_str(t, way);
	text_char(t, '\n');
	text_str(t, role);
	text_char(t, '\n');
	text_put(t, section);
	if (!t->overflow)
		out->codec[out->n_codec++] = text_since(t, at);
}

static void put_component(struct rx_component *out, const struct media_component *c,
			  bool ue_offers, struct text *t)
{
	*out = (struct rx_component){
		.number = c->number,
		.type = (uint32_t)c->type,
		.status = (uint32_t)c->status,
		.up = bits(c->up),
		.down = bits(c->down),
		.rs = bits(c->rs),
		.rr = bits(c->rr),
		.n_flow = c->n_flow,
	};
	for (uint32_t i = 0; i < c->n_flow; i++)
		put_flow(&out->flow[i], &c->flow[i], protocol_of(c->offer), t);
	put_codec(out, ue_offers ? "uplink" : "downlink", "offer", c->offer, t);
	put_codec(out, ue_offers ? "downlink" : "uplink", "answer", c->answer, t);
}

/* §4.4.5: the signalling path itself. */
static void put_signalling(struct rx_aar *r)
{
	static const uint32_t wanted[] = {RX_LOSS_OF_BEARER, RX_RELEASE_OF_BEARER,
					  RX_IP_CAN_CHANGE};

	r->n_component = 1;
	r->component[0] = (struct rx_component){
		.n_flow = 1,
		.flow = {{.status = MEDIA_ENABLED,
			  .usage = RX_USAGE_SIGNALLING,
			  .protocol = RX_PROTOCOL_SIP}},
		.type = RX_UNSAID,
		.up = RX_UNSAID,
		.down = RX_UNSAID,
		.status = RX_UNSAID,
		.rs = RX_UNSAID,
		.rr = RX_UNSAID,
	};
	r->n_action = sizeof(wanted) / sizeof(wanted[0]);
	memcpy(r->action, wanted, sizeof(wanted));
}

static void put_session(struct rx_aar *r, const struct policy_ask *a, bool first,
			struct text *t)
{
	static const uint32_t wanted[] = {RX_LOSS_OF_BEARER, RX_RECOVERY_OF_BEARER,
					  RX_RELEASE_OF_BEARER, RX_IP_CAN_CHANGE};

	for (uint32_t i = 0; a->media && i < a->media->n && i < RX_COMPONENTS_MAX; i++)
		put_component(&r->component[r->n_component++], &a->media->component[i],
			      a->media->ue_offers, t);
	r->info_status = a->preliminary ? RX_INFO_PRELIMINARY : RX_INFO_FINAL;
	if (!first) /* §4.4.1: said once */
		return;
	r->n_action = sizeof(wanted) / sizeof(wanted[0]);
	memcpy(r->action, wanted, sizeof(wanted));
}

static void put_user(struct rx_aar *r, const struct policy_ask *a, struct text *t)
{
	uint32_t at = t->len;

	if (a->identity.len && a->identity.len <= IMPU_MAX) {
		r->n_user = 1;
		r->user[0] = (struct rx_user){2, a->identity};
	}
	if (a->ue.family == 4) {
		text_put(t, slice_of(a->ue.ip, 4));
		r->ipv4 = text_since(t, at);
		return;
	}
	text_char(t, 0);
	text_char(t, 128); /* the whole address (§5.4.0) */
	text_put(t, slice_of(a->ue.ip, 16));
	r->ipv6 = text_since(t, at);
}

static void ask(struct policy_session *s, const struct policy_ask *a, struct question *q)
{
	bool first = !s->born && s->asked == 0;
	struct policy *p = s->of;
	const struct conf_policy *conf = &p->c->conf->policy;
	struct text t = text_in(p->text, sizeof(p->text));
	struct rx_aar r = {
		.session = s->id,
		.application = slice_str(conf->application),
		.info_status = RX_UNSAID,
		.charging = slice_sub(
			a->icid, 0, a->icid.len < CX_STRING_MAX ? a->icid.len : CX_STRING_MAX),
		.service = a->service,
		.request_type = first ? RX_REQUEST_INITIAL : RX_REQUEST_UPDATE,
	};

	put_user(&r, a, &t);
	if (a->kind == POLICY_SIGNALLING)
		put_signalling(&r);
	else
		put_session(&r, a, first, &t);
	q->sent = queries_open_to(p->queries, s->host);
	s->asked++;
	query(p->queries, s->host, &r, (struct query_waiter){AAR, (void (*)(void))aar_told, q});
}

static struct question *question_new(struct policy_session *s, policy_done *done, void *ctx)
{
	struct question *q = malloc(sizeof(*q));

	if (q)
		*q = (struct question){s, done, ctx, false};
	return q;
}

/* The first PCRF that is connected; the first of all where none is, which is NO_ANSWER. */
static uint32_t choose(const struct policy *p)
{
	for (uint32_t i = 0; i < p->c->conf->policy.n_pcrf; i++)
		if (queries_open_to(p->queries, i))
			return i;
	return 0;
}

struct policy_session *policy_begin(struct policy *p, const struct policy_ask *a,
				    policy_done *done, void *ctx, void *owner)
{
	uint8_t memory[RX_SESSION_MAX];
	struct text id = text_in(memory, sizeof(memory));
	struct policy_session *s;
	struct question *q;

	if (!rx_session_id(&id))
		return NULL;
	s = session_new(p, text_slice(&id), a->name);
	q = s ? question_new(s, done, ctx) : NULL;
	if (s && RAND_bytes((uint8_t *)&s->key, sizeof(s->key)) == 1 && q) {
		s->key >>= 1; /* SQLite's numbers have a sign */
		s->kind = a->kind;
		s->ue = a->ue;
		s->owner = owner;
		s->host = choose(p);
		store(s);
		ask(s, a, q);
		return s;
	}
	free(q);
	if (s)
		session_free(s);
	return NULL;
}

void policy_change(struct policy_session *s, const struct policy_ask *a, policy_done *done,
		   void *ctx)
{
	static const struct policy_outcome none = {POLICY_NO_ANSWER, "no memory"};
	struct question *q = question_new(s, done, ctx);

	if (!s->born && s->asked == 0)
		s->host = choose(s->of);
	if (q)
		ask(s, a, q);
	else
		done(ctx, &none); /* told too early rather than never */
}

/* ---- what the PCRF says of itself ---- */

static enum policy_event_kind kind_of(uint32_t action)
{
	switch (action) {
	case RX_LOSS_OF_BEARER:
		return POLICY_LOST;
	case RX_RECOVERY_OF_BEARER:
		return POLICY_RECOVERED;
	case RX_RELEASE_OF_BEARER:
		return POLICY_RELEASED;
	case RX_IP_CAN_CHANGE:
		return POLICY_CHANGED;
	default:
		return POLICY_OTHER;
	}
}

static void tell_event(struct policy *p, struct slice id, const struct policy_event *e)
{
	struct policy_session *s = find(p, id);
	const struct policy_events *to;

	p->stats.events[e->kind]++;
	log_event(LOG_INFO, "rx", "event", LOG_S("session", id), LOG_Z("what", e->why),
		  LOG_Z("access", e->access), LOG_Z("radio", e->radio));
	if (!s || s->ending || !s->owner)
		return;
	to = &p->events[s->kind];
	to->event(to->ctx, s->owner, e);
}

static void rar_told(struct policy *p, const struct rx_rar *r)
{
	for (uint32_t i = 0; i < r->n_action; i++)
		tell_event(p, r->session,
			   &(struct policy_event){
				   kind_of(r->action[i]), rx_action_name(r->action[i]),
				   rx_ip_can_name(r->ip_can), rx_rat_name(r->rat)});
}

/* §4.4.6; a session that is not ours is said so (RFC 6733 §8.3.1). */
static int asked(void *ctx, uint32_t command, const void *r)
{
	struct policy *p = ctx;
	static const struct policy_event aborted = {POLICY_RELEASED,
						    "the network aborts the session", "", ""};
	const struct rx_rar *rar = r;
	const struct rx_asr *asr = r;
	struct slice id = command == ASR ? asr->session : rar->session;

	if (!find(p, id)) {
		p->stats.unknown++;
		return RX_UNKNOWN_SESSION_ID;
	}
	if (command == ASR)
		tell_event(p, id, &aborted);
	else
		rar_told(p, rar);
	return CX_SUCCESS;
}

/* ---- opening and closing ---- */

struct policy *policy_open(struct control *c, const struct policy_events events[POLICY_KINDS],
			   char *error)
{
	const struct conf_policy *conf = &c->conf->policy;
	struct policy *p = calloc(1, sizeof(*p));
	struct query_config config = {
		.of = &interface,
		.ctx = p,
		.window = conf->window,
		.timeout_ms = conf->timeout_ms,
		.n_hosts = conf->n_pcrf,
	};

	snprintf(error, ERROR_MAX, "Rx client: no memory, or no thread");
	if (!p)
		return NULL;
	p->c = c;
	memcpy(p->events, events, sizeof(p->events));
	for (uint32_t i = 0; i < conf->n_pcrf; i++)
		config.host[i] = conf->pcrf[i].identity;
	ev_timer_init(&p->tick, on_tick, 1., 1.);
	p->tick.data = p;
	if (RAND_bytes((uint8_t *)&p->hash, sizeof(p->hash)) == 1)
		p->queries = queries_open(c->loop, &config);
	if (p->queries && queries_serve(p->queries, rx_command(RX_RAR)) &&
	    queries_serve(p->queries, rx_command(RX_ASR)) &&
	    persist_load_rows(c->persist, PERSIST_POLICY, take_stored, p, error)) {
		ev_timer_start(c->loop, &p->tick);
		return p;
	}
	policy_close(p);
	return NULL;
}

/* What is open stays on disk, for the next control. */
void policy_close(struct policy *p)
{
	if (!p)
		return;
	ev_timer_stop(p->c->loop, &p->tick);
	if (p->queries) {
		queries_stop(p->queries);
		queries_close(p->queries);
	}
	for (uint32_t i = 0; i < BUCKETS; i++)
		for (struct policy_session *s = p->bucket[i], *next; s; s = next) {
			next = s->next;
			free(s);
		}
	free(p);
}

/* ---- for the operator ---- */

void policy_stats(const struct policy *p, struct policy_stats *out)
{
	struct query_stats q;

	queries_stats(p->queries, &q);
	*out = p->stats;
	out->late = q.late;
	out->up = queries_open_to(p->queries, choose(p));
}

static const char *state_of(const struct policy_session *s)
{
	if (s->ending)
		return "ending";
	if (s->before)
		return "of before";
	return s->asked ? "asking" : "open";
}

void policy_each(const struct policy *p, bool (*each)(void *ctx, const struct policy_row *row),
		 void *ctx)
{
	for (uint32_t i = 0; i < BUCKETS; i++)
		for (const struct policy_session *s = p->bucket[i]; s; s = s->next) {
			const struct policy_row row = {s->id, s->name, s->ue, s->kind,
						       state_of(s)};

			if (!each(ctx, &row))
				return;
		}
}
