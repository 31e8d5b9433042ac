/* transaction.c - INVITE transactions: records, look-up, and what requests do to them
 *
 * What responses and timers do is in client.c; both halves share transaction_record.h.
 */
#include "role/transaction.h"

#include <sys/random.h>

#include "base/clock.h"
#include "base/lines.h"
#include "role/answer.h"
#include "role/proxy.h"
#include "role/request.h"
#include "role/transaction_record.h"

/* A call is set up in seconds and remembered for 32 more: room for eight times as many as may
 * be in hand at once. */
enum { ACCEPTED_PER_RECORD = 8 };

static uint32_t round_up_pow2(uint32_t n)
{
	uint32_t p = 16;

	while (p < n)
		p <<= 1;
	return p;
}

static void chain_free_lists(struct transactions *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		t->server[i].next = i + 1 < t->n ? (int32_t)(i + 1) : NONE;
		t->client[i].next = i + 1 < t->n ? (int32_t)(i + 1) : NONE;
	}
	for (uint32_t i = 0; i <= t->bucket_mask; i++)
		t->bucket[i] = NONE;
}

struct transactions *transactions_create(struct role_worker *w)
{
	uint32_t n = w->node->transactions, buckets = round_up_pow2(n);
	struct transactions *t = lines_alloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->n = n;
	t->bucket_mask = buckets - 1;
	t->server = lines_alloc(n, sizeof(*t->server));
	t->client = lines_alloc(n, sizeof(*t->client));
	t->fork = lines_alloc(n, sizeof(*t->fork));
	t->ack = lines_alloc(n, sizeof(*t->ack));
	t->timers = lines_alloc(2 * (size_t)n, sizeof(*t->timers));
	t->bucket = lines_alloc(buckets, sizeof(*t->bucket));
	if (!t->server || !t->client || !t->fork || !t->ack || !t->timers || !t->bucket ||
	    !accepted_create(&t->accepted, (uint64_t)n * ACCEPTED_PER_RECORD) ||
	    getrandom(&t->generation, sizeof(t->generation), 0) != sizeof(t->generation)) {
		transactions_destroy(t);
		return NULL;
	}
	chain_free_lists(t);
	wheel_init(&t->wheel, t->timers, clock_ms());
	return t;
}

void transactions_destroy(struct transactions *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->n && t->server && t->client; i++) {
		record_release(&t->server[i].request);
		record_release(&t->server[i].response);
		record_release(&t->client[i].sent);
		record_release(&t->client[i].response);
	}
	free(t->server);
	free(t->client);
	free(t->fork);
	free(t->ack);
	free(t->timers);
	free(t->bucket);
	accepted_destroy(&t->accepted);
	free(t);
}

uint32_t transactions_live(const struct transactions *t)
{
	return t->live;
}

uint64_t transaction_key(const struct pass *p)
{
	struct addr back = answer_destination(&p->via, &p->b->src);
	const struct hash_key *key = &p->w->node->branch_key;
	const struct sip_via *via = &p->via;
	uint64_t word[7] = {
		addr_half(&back, 0),
		addr_half(&back, 1),
		back.port | (uint64_t)back.family << 16 | (uint64_t)via->port << 32,
		hash_table(key, via->branch.p, via->branch.len),
		/* What came under an SA and what did not are never one transaction. */
		hash_table(key, via->host.p, via->host.len) ^ p->b->sa_id,
	};

	if (slice_starts(via->branch, SLICE("z9hG4bK")))
		return hash_words(key, word, 5);
	word[5] = hash_table(key, p->call_id.p, p->call_id.len);
	word[6] = hash_table(key, p->from_tag.p, p->from_tag.len) + p->msg.cseq;
	return hash_words(key, word, 7);
}

void transaction_prefetch(const struct pass *p)
{
	const struct transactions *t = p->w->transactions;

	if (sip_is_request(&p->msg)) {
		__builtin_prefetch(&t->bucket[p->txn_key & t->bucket_mask]);
		accepted_prefetch(&t->accepted, p->txn_key);
	} else if (p->ref.slot < t->n) {
		const char *c = (const char *)&t->client[p->ref.slot];
		__builtin_prefetch(c);
		__builtin_prefetch(c + sizeof(struct client) - 1);
	}
}

void transaction_approach(const struct pass *p)
{
	const struct transactions *t = p->w->transactions;

	if (p->branch != BRANCH_TRANSACTION || p->ref.slot >= t->n)
		return;
	const struct client *c = &t->client[p->ref.slot];
	if (c->server != NONE) {
		const char *s = (const char *)&t->server[c->server];
		__builtin_prefetch(s);
		__builtin_prefetch(s + sizeof(struct txn) - 1);
	}
	if (c->sent)
		buf_prefetch(c->sent);
	if (c->term_user)
		table_prefetch_impu(p->w->tables, c->term_user);
	__builtin_prefetch(&t->timers[client_timer(t, c)]);
}

void transaction_reach(const struct pass *p)
{
	const struct transactions *t = p->w->transactions;

	if (p->branch != BRANCH_TRANSACTION || p->ref.slot >= t->n)
		return;
	const struct client *c = &t->client[p->ref.slot];
	if (c->term_user)
		table_prefetch_user_entry(p->w->tables, c->term_user);
	if (c->server == NONE)
		return;
	const struct txn *s = &t->server[c->server];
	if (s->response)
		buf_prefetch(s->response);
	if (p->msg.status >= 200 && p->msg.status < 300)
		accepted_prefetch(&t->accepted, s->key);
}

/* ---- server records ---- */

/* 64 bits under a secret key stand for branch, sent-by and sender: nobody outside can make two
 * that meet, so the text need not be kept for as long as the record lives. */
static struct txn *find_server(struct transactions *t, uint64_t key)
{
	for (int32_t i = t->bucket[key & t->bucket_mask]; i != NONE; i = t->server[i].next)
		if (t->server[i].key == key)
			return &t->server[i];
	return NULL;
}

static struct txn *new_server(struct transactions *t, uint64_t key)
{
	int32_t i = t->free_server;
	struct txn *s;

	if (i == NONE)
		return NULL;
	s = &t->server[i];
	t->free_server = s->next;
	*s = (struct txn){
		.key = key, .first_client = NONE, .next = t->bucket[key & t->bucket_mask]};
	t->bucket[key & t->bucket_mask] = i;
	t->live++;
	return s;
}

void server_free(struct role_worker *w, struct txn *s)
{
	struct transactions *t = w->transactions;
	int32_t i = (int32_t)(s - t->server), *link = &t->bucket[s->key & t->bucket_mask];

	while (*link != i)
		link = &t->server[*link].next;
	*link = s->next;
	wheel_clear(&t->wheel, server_timer(t, s));
	record_release(&s->request);
	record_release(&s->response);
	while (s->first_client != NONE) {
		struct client *c = &t->client[s->first_client];
		s->first_client = c->next;
		client_orphan(w, c);
	}
	s->state = SERVER_FREE;
	s->next = t->free_server;
	t->free_server = i;
	t->live--;
	count(w->counters, COUNT_TXN_ENDED);
}

bool transaction_start(struct pass *p)
{
	struct transactions *t = p->w->transactions;
	struct txn *s = new_server(t, p->txn_key);
	struct buf *trying;

	if (!s) {
		count(p->w->counters, COUNT_DROP_TXN_FULL);
		return false;
	}
	count(p->w->counters, COUNT_TXN_STARTED);
	s->state = SERVER_PROCEEDING;
	s->invite = p->msg.method == SIP_M_INVITE;
	s->help = p->service.len != 0;
	s->from_ue = p->source == SOURCE_UE;
	s->upstream = answer_destination(&p->via, &p->b->src);
	s->upstream_local = p->b->dst;
	s->upstream_sa = p->b->sa_id;
	s->upstream_port = p->b->port;
	p->txn = s;
	if (!s->invite)
		return true;
	trying = answer_make(p, 100, NULL, SLICE_EMPTY);
	if (trying)
		transaction_answer(p, trying, 100);
	return true;
}

void transaction_keep(struct pass *p)
{
	if (p->txn->request == p->b) /* on its way once more */
		return;
	record_release(&p->txn->request);
	p->txn->request = p->b;
	buf_ref(p->b);
}

void transaction_follow(struct pass *p)
{
	transaction_keep(p);
	p->txn->follows = true;
}

void transaction_hold(struct pass *p)
{
	transaction_keep(p);
	p->txn->state = SERVER_HELD;
	p->txn->passed_over = p->passed_over;
	wheel_set(&p->w->transactions->wheel, server_timer(p->w->transactions, p->txn),
		  p->now + 64 * (uint64_t)p->w->node->t1_ms);
}

/* ---- responses upstream ---- */

/* No other branch may still bring a response that the records are needed for. */
static bool is_single(const struct transactions *t, const struct txn *s)
{
	return s->first_client == NONE || t->client[s->first_client].next == NONE;
}

void server_respond(struct role_worker *w, struct txn *s, struct buf *b, uint16_t status,
		    uint64_t now, struct outbox *out)
{
	struct transactions *t = w->transactions;
	uint32_t t1 = w->node->t1_ms;

	record_release(&s->response);
	if (status < 200) {
		s->response = b;
		buf_ref(b);
	} else if (!s->invite) { /* timer J */
		s->state = SERVER_ANSWERED;
		s->response = b;
		buf_ref(b);
		record_release(&s->request);
		wheel_set(&t->wheel, server_timer(t, s), now + 64 * (uint64_t)t1);
	} else if (status < 300 && is_single(t, s)) {
		accepted_add(&t->accepted, s->key, now + 64 * (uint64_t)t1);
		server_free(w, s);
	} else if (status < 300) { /* RFC 6026 §7.1: accepted; timer L */
		s->state = SERVER_ACCEPTED;
		record_release(&s->request);
		wheel_set(&t->wheel, server_timer(t, s), now + 64 * (uint64_t)t1);
	} else { /* completed; timers G and H */
		s->state = SERVER_COMPLETED;
		s->response = b;
		buf_ref(b);
		record_release(&s->request);
		s->interval_ms = t1;
		s->deadline_ms = now + 64 * (uint64_t)t1;
		wheel_set(&t->wheel, server_timer(t, s), now + t1);
	}
	out->buf[out->n++] = b;
}

void transaction_answer(struct pass *p, struct buf *response, uint16_t status)
{
	server_respond(p->w, p->txn, response, status, p->now, p->out);
}

/* The INVITE into the scratch pass: as received; or as sent on the only branch, where the Via
 * it came with is behind ours. */
static bool recall(struct transactions *t, const struct txn *s, struct pass *p)
{
	p->b = s->request;
	if (!p->b && s->first_client != NONE) {
		p->b = t->client[s->first_client].sent;
		p->as_sent = true;
	}
	if (!p->b)
		return false;
	proxy_parse(p);
	return p->error == SIP_OK &&
	       (!p->as_sent || sip_via_second(&p->msg, &p->via) == SIP_OK);
}

bool server_answer(struct role_worker *w, struct txn *s, uint16_t status, const char *warning,
		   uint64_t now, struct outbox *out)
{
	struct pass *p = &w->transactions->scratch;
	struct buf *b;

	memset(p, 0, offsetof(struct pass, uri));
	p->w = w;
	if (!recall(w->transactions, s, p))
		return false;
	b = answer_make(p, status, warning, SLICE_EMPTY);
	if (!b) {
		count(w->counters, COUNT_DROP_NOBUF);
		return false;
	}
	b->src = s->upstream_local;
	b->dst = s->upstream;
	b->sa_id = s->upstream_sa;
	b->port = s->upstream_port;
	count(w->counters, COUNT_GENERATED);
	server_respond(w, s, b, status, now, out);
	return true;
}

/* ---- contacts one after the other (RFC 3261 §16.6, last paragraph) ---- */

/* How long those of now are waited for before the next. */
static uint32_t patience(const struct node *n, const struct txn *s)
{
	if (s->at_server)
		return n->server_ms;
	return s->invite && !s->help && !s->at_hop ? n->ring_ms : n->t2_ms;
}

void transaction_spread(struct pass *p)
{
	struct transactions *t = p->w->transactions;
	struct txn *s = p->txn;

	s->more = p->more;
	s->at_server = p->n_targets && p->target[0].server;
	s->at_hop = p->n_targets && p->target[0].hop;
	if (s->more)
		t->fork[s - t->server].called = p->wildcard ? p->called.hash : 0;
	if (s->more)
		wheel_set(&t->wheel, server_timer(t, s), p->now + patience(p->w->node, s));
	else
		wheel_clear(&t->wheel, server_timer(t, s));
}

static const struct fork *fork_of(const struct pass *p)
{
	return &p->w->transactions->fork[p->txn - p->w->transactions->server];
}

/* Of one terminal a further flow is tried only where the one before has failed as a flow. */
static bool flow_failed(const struct client *c)
{
	return c->state == CLIENT_COMPLETED &&
	       (!c->response || c->status == 408 || c->status == 430);
}

bool transaction_tried(const struct pass *p, uint32_t contact, uint32_t instance)
{
	const struct fork *f = fork_of(p);

	for (uint32_t i = 0; i < f->n; i++)
		if (f->tried[i].contact == contact ||
		    (instance && f->tried[i].instance == instance &&
		     !flow_failed(&p->w->transactions->client[f->tried[i].client])))
			return true;
	return f->n == FORK_MAX;
}

uint32_t transaction_breadth(const struct pass *p)
{
	const struct fork *f;
	uint32_t breadth = 0;

	if (!p->again)
		return 0;
	f = fork_of(p);
	for (uint32_t i = 0; i < f->n; i++)
		if (p->w->transactions->client[f->tried[i].client].state != CLIENT_COMPLETED)
			breadth += f->tried[i].breadth;
	return breadth;
}

/* The INVITE as received goes its way through the roles once more: who is registered by now and
 * where decides, not who was when it came. */
bool server_go_on(struct role_worker *w, struct txn *s, uint64_t now, struct outbox *out)
{
	const struct fork *f = &w->transactions->fork[s - w->transactions->server];
	struct pass *p = &w->transactions->scratch;
	enum verdict v;

	if (!s->more || !s->request)
		return false;
	pass_begin(p, w, s->request);
	if (p->error != SIP_OK)
		return false;
	p->out = out;
	p->now = now;
	p->edits = &w->edits;
	sip_edits_reset(p->edits);
	p->txn = s;
	p->again = true;
	p->called.hash = f->called ? f->called : p->called.hash;
	p->called.by_hash = f->called || p->called.by_hash;
	p->wildcard = f->called != 0;
	p->passed_over = s->at_server;
	v = request_input(p);
	if (v != VERDICT_PUNT)
		return v == VERDICT_SEND || !p->txn; /* abandoned */
	s->more = false;
	buf_ref(s->request);
	out->asked[out->n_asked].b = s->request;
	out->asked[out->n_asked++].reason = p->punt;
	return true;
}

/* Control has said how it goes on. */
static void take_up_again(struct pass *p, struct txn *s)
{
	const struct fork *f = &p->w->transactions->fork[s - p->w->transactions->server];

	p->again = p->passed_over = true;
	if (f->called) {
		p->called.hash = f->called;
		p->called.by_hash = p->wildcard = true;
	}
}

void transaction_abandon(struct pass *p)
{
	server_free(p->w, p->txn);
	p->txn = NULL;
}

/* ---- requests of a known transaction ---- */

static void resend_response(struct pass *p, struct txn *s)
{
	if (!s->response)
		return;
	buf_ref(s->response);
	p->out->buf[p->out->n++] = s->response;
}

/* The method is not in the key that INVITE, CANCEL and ACK share. */
static uint64_t other_key(const struct pass *p)
{
	return transaction_key(p) ^ 0x9e3779b97f4a7c15u * (p->msg.method + 1u);
}

enum verdict transaction_take_other(struct pass *p)
{
	struct txn *s;

	if (p->again)
		return VERDICT_NEXT;
	p->txn_key = other_key(p);
	s = find_server(p->w->transactions, p->txn_key);
	if (!s)
		return VERDICT_NEXT;
	count(p->w->counters, COUNT_RETRANS_RX);
	resend_response(p, s);
	return record_absorb(p);
}

static bool is_accepted(const struct pass *p)
{
	return accepted_has(&p->w->transactions->accepted, p->txn_key, p->now);
}

static enum verdict take_held(struct pass *p, struct txn *s)
{
	if (!s || s->state != SERVER_HELD)
		return pass_drop(p, COUNT_DROP_RESUME);
	wheel_clear(&p->w->transactions->wheel, server_timer(p->w->transactions, s));
	s->state = SERVER_PROCEEDING;
	p->txn = s;
	if (s->passed_over)
		take_up_again(p, s);
	return VERDICT_NEXT;
}

/* Only where it has been to an Application Server has such a request a transaction. */
static enum verdict take_held_other(struct pass *p)
{
	struct txn *s = find_server(p->w->transactions, other_key(p));

	return s && s->state == SERVER_HELD ? take_held(p, s) : VERDICT_NEXT;
}

static enum verdict take_invite(struct pass *p, struct txn *s)
{
	if (p->resume)
		return take_held(p, s);
	if (!s && !is_accepted(p))
		return VERDICT_NEXT;
	count(p->w->counters, COUNT_RETRANS_RX);
	if (s)
		resend_response(p, s);
	return record_absorb(p);
}

static enum verdict take_ack(struct pass *p, struct txn *s)
{
	struct transactions *t = p->w->transactions;

	if (!s && answer_is_acknowledged(p))
		return record_absorb(p);
	if (!s || s->state == SERVER_ACCEPTED)
		return VERDICT_NEXT;
	if (s->state == SERVER_COMPLETED) { /* confirmed; timer I */
		s->state = SERVER_CONFIRMED;
		record_release(&s->response);
		wheel_set(&t->wheel, server_timer(t, s), p->now + p->w->node->t4_ms);
	}
	return record_absorb(p);
}

/* RFC 3261 §16.10: hop by hop. */
static enum verdict take_cancel(struct pass *p, struct txn *s)
{
	if (!s && !is_accepted(p))
		return answer(p, 481, "no INVITE to cancel");
	if (!s)
		return answer(p, 200, NULL);
	if (s->state == SERVER_HELD) {
		if (!server_answer(p->w, s, 487, "cancelled", p->now, p->out))
			server_free(p->w, s);
	} else if (s->state == SERVER_PROCEEDING) {
		s->cancelled = true;
		s->more = false;
		clients_cancel(p->w, s->first_client, p->now, p->out);
	}
	return answer(p, 200, NULL);
}

enum verdict transaction_take(struct pass *p)
{
	if (p->again)
		return VERDICT_NEXT;
	switch (p->msg.method) {
	case SIP_M_INVITE:
		return take_invite(p, find_server(p->w->transactions, p->txn_key));
	case SIP_M_ACK:
		return take_ack(p, find_server(p->w->transactions, p->txn_key));
	case SIP_M_CANCEL:
		return take_cancel(p, find_server(p->w->transactions, p->txn_key));
	default:
		return p->resume ? take_held_other(p) : VERDICT_NEXT;
	}
}

/* ---- timers ---- */

/* An answering point that has said anything keeps the call. */
static bool client_is_heard(const struct transactions *t, const struct txn *s)
{
	for (int32_t i = s->first_client; i != NONE; i = t->client[i].next)
		if (t->client[i].state == CLIENT_PROCEEDING)
			return true;
	return false;
}

/* It has rung for long enough, if there is anybody else: those are called, and these are not
 * any more. Where the others have to wait for the breadth that these hold, they come when these
 * have ended. */
static void ring_expired(struct role_worker *w, struct txn *s, uint64_t now, struct outbox *out)
{
	int32_t ringing = s->first_client;

	if (!s->more) /* the caller has given up, or the user has declined */
		return;
	if ((s->help || s->at_server || s->at_hop) && client_is_heard(w->transactions, s))
		return;
	if (s->at_server || s->at_hop) {
		clients_give_up(w, s, now, out);
		return;
	}
	if (server_go_on(w, s, now, out) || w->transactions->scratch.n_targets)
		clients_cancel(w, ringing, now, out);
	else
		s->more = false;
}

static void server_expired(struct role_worker *w, struct txn *s, uint64_t now,
			   struct outbox *out)
{
	struct transactions *t = w->transactions;

	switch (s->state) {
	case SERVER_HELD: /* control never came back */
		count(w->counters, COUNT_TXN_TIMEOUT);
		if (!server_answer(w, s, 504, "control has not answered in time", now, out))
			server_free(w, s);
		return;
	case SERVER_PROCEEDING:
		ring_expired(w, s, now, out);
		return;
	case SERVER_COMPLETED:
		if (now >= s->deadline_ms) { /* timer H: the ACK never came */
			count(w->counters, COUNT_TXN_TIMEOUT);
			server_free(w, s);
			return;
		}
		buf_ref(s->response);
		out->buf[out->n++] = s->response;
		count(w->counters, COUNT_RETRANS_TX);
		s->interval_ms = s->interval_ms * 2 < w->node->t2_ms ? s->interval_ms * 2
								     : w->node->t2_ms;
		wheel_set(&t->wheel, server_timer(t, s), now + s->interval_ms);
		return;
	default: /* timers I, J and L */
		server_free(w, s);
	}
}

bool transactions_tick(struct role_worker *w, uint64_t now_ms, struct outbox *out)
{
	struct transactions *t = w->transactions;

	while (outbox_has_room(out)) {
		int32_t i = wheel_expired(&t->wheel, now_ms);

		if (i == TIMER_NONE)
			return false;
		if ((uint32_t)i < t->n)
			server_expired(w, &t->server[i], now_ms, out);
		else
			client_expired(w, &t->client[(uint32_t)i - t->n], now_ms, out);
	}
	return true;
}

uint32_t transactions_next(const struct role_worker *w, uint64_t now_ms, uint32_t most)
{
	return wheel_next(&w->transactions->wheel, now_ms, most);
}
