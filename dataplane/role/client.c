/* client.c - the branches of a request: client transactions (RFC 3261 §17.1, §16.7-16.9; RFC
 * 6026 §7.2) */
#include "role/best.h"
#include "role/forward.h"
#include "role/policy.h"
#include "role/response.h"
#include "role/rest.h"
#include "role/transaction_record.h"
#include "sip/parse.h"

enum { PATIENCE_T1 = 64 }; /* timers B, D, and after CANCEL, in units of T1 */

static void client_free(struct transactions *t, struct client *c)
{
	wheel_clear(&t->wheel, client_timer(t, c));
	record_release(&c->sent);
	record_release(&c->response);
	c->state = CLIENT_FREE;
	c->next = t->free_client;
	t->free_client = (int32_t)(c - t->client);
}

void client_orphan(struct role_worker *w, struct client *c)
{
	struct transactions *t = w->transactions;

	c->server = NONE;
	record_release(&c->response);
	if (c->state != CLIENT_COMPLETED || !wheel_is_set(&t->wheel, client_timer(t, c)))
		client_free(t, c);
}

bool transaction_branch(struct pass *p, struct branch_ref *ref)
{
	struct transactions *t = p->w->transactions;
	int32_t i = t->free_client;
	struct client *c;

	if (i == NONE) {
		count(p->w->counters, COUNT_DROP_TXN_FULL);
		return false;
	}
	c = &t->client[i];
	*ref = (struct branch_ref){p->w->id, (uint32_t)i, t->generation + 1};
	c->generation = ref->generation;
	return true;
}

static void note_tried(struct pass *p, int32_t client, const struct target *to,
		       uint32_t breadth)
{
	struct transactions *t = p->w->transactions;
	struct fork *f = &t->fork[p->txn - t->server];

	if (!p->again && p->txn->first_client == NONE)
		f->n = 0;
	if (f->n == FORK_MAX)
		return;
	f->tried[f->n].contact = to->contact;
	f->tried[f->n].instance = to->instance;
	f->tried[f->n].breadth = breadth;
	f->tried[f->n++].client = client;
}

void transaction_send(struct pass *p, const struct branch_ref *ref, struct buf *sent,
		      const struct target *to, uint32_t breadth)
{
	struct transactions *t = p->w->transactions;
	struct client *c = &t->client[ref->slot];
	uint32_t t1 = p->w->node->t1_ms;

	t->free_client = c->next;
	t->generation = ref->generation;
	if (p->more || p->again)
		note_tried(p, (int32_t)ref->slot, to, breadth);
	*c = (struct client){
		.state = CLIENT_CALLING,
		.generation = ref->generation,
		.server = (int32_t)(p->txn - t->server),
		.next = p->txn->first_client,
		.sent = sent,
		.invite = p->txn->invite,
		.to_ue = to->ue,
		.to_server = to->server,
		.to_hop = to->hop,
		.term_user = p->term_user,
		.cseq = p->msg.cseq,
		.interval_ms = t1,
		.deadline_ms = p->now + PATIENCE_T1 * (uint64_t)t1,
	};
	t->ack[ref->slot].uri_len = 0;
	p->txn->first_client = (int32_t)ref->slot;
	if (c->next == NONE && p->n_targets == 1 && !p->more && !p->hide && !p->txn->follows)
		record_release(&p->txn->request); /* what was sent does as well */
	buf_ref(sent);
	p->out->buf[p->out->n++] = sent;
	wheel_set(&t->wheel, client_timer(t, c), p->now + t1);
}

/* ---- ACK and CANCEL, made from the INVITE that was sent ---- */

static void put_headers(struct text *t, const struct sip_msg *m, enum sip_header_id id)
{
	for (const struct sip_header *h = sip_first(m, id); h; h = sip_next(m, h)) {
		text_put(t, sip_header_name(id));
		text_lit(t, ": ");
		text_put(t, sip_value(m, h));
		text_lit(t, "\r\n");
	}
}

static void put_top_via(struct text *t, const struct sip_msg *m)
{
	text_lit(t, "Via: ");
	text_put(t, sip_first_value(m, SIP_H_VIA)); /* the line is ours: one value */
	text_lit(t, "\r\n");
}

/* RFC 3261 §17.1.1.3, §9.1. `to` is the To to write: the response's for ACK, the INVITE's own
 * for CANCEL. */
static struct buf *make_for_invite(struct role_worker *w, struct client *c, struct slice method,
				   struct slice to)
{
	struct sip_msg *m = &w->transactions->sent_msg;
	struct buf *b;

	if (!c->sent || sip_parse(buf_slice(c->sent), m) != SIP_OK)
		return NULL;
	b = buf_alloc(m->head_end + to.len + 256);
	if (!b)
		return NULL;
	struct text t = text_in(b->data, b->tailroom);
	text_put(&t, method);
	text_char(&t, ' ');
	text_put(&t, m->uri);
	text_lit(&t, " SIP/2.0\r\n");
	put_top_via(&t, m);
	text_lit(&t, "Max-Forwards: 70\r\n");
	put_headers(&t, m, SIP_H_ROUTE);
	put_headers(&t, m, SIP_H_FROM);
	text_lit(&t, "To: ");
	text_put(&t, to.p ? to : sip_first_value(m, SIP_H_TO));
	text_lit(&t, "\r\n");
	put_headers(&t, m, SIP_H_CALL_ID);
	text_lit(&t, "CSeq: ");
	text_u64(&t, m->cseq);
	text_char(&t, ' ');
	text_put(&t, method);
	text_lit(&t, "\r\nContent-Length: 0\r\n\r\n");
	if (t.overflow) {
		buf_free(b);
		return NULL;
	}
	b->len = t.len;
	b->src = c->sent->src;
	b->dst = c->sent->dst;
	b->sa_id = c->sent->sa_id;
	b->port = c->sent->port;
	return b;
}

static void send_made(struct role_worker *w, struct buf *b, struct outbox *out)
{
	if (!b) {
		count(w->counters, COUNT_DROP_NOBUF);
		return;
	}
	out->buf[out->n++] = b;
	count(w->counters, COUNT_GENERATED);
}

static void cancel_client(struct role_worker *w, struct client *c, uint64_t now,
			  struct outbox *out)
{
	struct transactions *t = w->transactions;

	if (!c->invite) /* RFC 3261 §9.1 */
		return;
	c->cancel = true;
	if (c->state != CLIENT_PROCEEDING || c->cancel_sent)
		return;
	c->cancel_sent = true;
	c->interval_ms = w->node->t1_ms;
	c->deadline_ms = now + PATIENCE_T1 * (uint64_t)w->node->t1_ms;
	send_made(w, make_for_invite(w, c, SLICE("CANCEL"), SLICE_EMPTY), out);
	wheel_set(&t->wheel, client_timer(t, c), now + c->interval_ms);
}

/* Timer E of the CANCEL (§17.1.2.2), until it or the INVITE is answered. */
static void repeat_cancel(struct role_worker *w, struct client *c, uint64_t now,
			  struct outbox *out)
{
	struct transactions *t = w->transactions;
	uint32_t next =
		c->interval_ms * 2 < w->node->t2_ms ? c->interval_ms * 2 : w->node->t2_ms;

	if (c->cancel_answered) {
		wheel_set(&t->wheel, client_timer(t, c), c->deadline_ms);
		return;
	}
	send_made(w, make_for_invite(w, c, SLICE("CANCEL"), SLICE_EMPTY), out);
	count(w->counters, COUNT_RETRANS_TX);
	c->interval_ms = next;
	wheel_set(&t->wheel, client_timer(t, c), now + next);
}

void clients_cancel(struct role_worker *w, int32_t first, uint64_t now, struct outbox *out)
{
	for (int32_t i = first; i != NONE; i = w->transactions->client[i].next)
		cancel_client(w, &w->transactions->client[i], now, out);
}

/* A next hop failed where it said nothing, or no more than that it cannot now (RFC 3263 §4.3,
 * RFC 3261 §16.7 step 6). */
static bool hop_failed(const struct client *c)
{
	return c->to_hop && !c->heard && c->failed;
}

/* An Application Server's answer stands, but for those with which DefaultHandling begins (TS
 * 24.229 §5.4.3.2): 408, 5xx or none at all, with nothing before. */
static bool may_go_on(const struct client *best)
{
	if (best->to_hop)
		return hop_failed(best);
	if (best->to_server)
		return !best->heard && (best->status == 408 || best->status / 100 == 5);
	return best->status < 600;
}

/* What is said where no branch brought an answer. A next hop that we gave up long before the
 * caller does is worth an answer to any request; another's silence is not (RFC 4320 §4.2):
 * who asked knows himself when it is too late. */
static bool answer_silence(struct role_worker *w, struct txn *s, const struct client *best,
			   uint64_t now, struct outbox *out)
{
	if (s->cancelled)
		return s->invite && server_answer(w, s, 487, "cancelled", now, out);
	if (best->to_hop)
		return server_answer(w, s, 504, "no next hop of that network answers", now,
				     out);
	return s->invite &&
	       server_answer(w, s, best->status, "no answer, or none that could be passed on",
			     now, out);
}

/* If every branch has ended, further contacts are tried, or the INVITE is answered. */
static void conclude(struct role_worker *w, struct txn *s, uint64_t now, struct outbox *out)
{
	struct client *best;

	if (s->state != SERVER_PROCEEDING)
		return;
	best = best_of(w->transactions, s);
	if (!best || (may_go_on(best) && server_go_on(w, s, now, out)))
		return;
	if (best->response) {
		struct buf *b = best_response(w->transactions, s, best);

		server_respond(w, s, b, best->status, now, out);
		count(w->counters, COUNT_FORWARDED);
	} else if (!answer_silence(w, s, best, now, out)) {
		server_free(w, s);
	}
}

void transaction_conclude(struct pass *p)
{
	if (!p->txn) /* abandoned */
		return;
	p->txn->more = false;
	conclude(p->w, p->txn, p->now, p->out);
}

/* The branch is over: timer D soaks up repeats of the final response. */
static void complete(struct role_worker *w, struct client *c, uint16_t status, uint64_t now)
{
	struct transactions *t = w->transactions;

	c->state = CLIENT_COMPLETED;
	c->status = status;
	if (c->sent && (hop_failed(c) ||
			(c->to_server && !c->heard && (status == 408 || status / 100 == 5))))
		rest_begin(w, &c->sent->dst, now);
	wheel_set(&t->wheel, client_timer(t, c), now + PATIENCE_T1 * (uint64_t)w->node->t1_ms);
}

/* ---- responses ---- */

static struct buf *emit_upstream(struct pass *p, struct txn *s, struct client *c)
{
	struct buf *b = response_emit(p, c->to_ue, s->from_ue, &s->upstream, c->term_user);

	if (!b)
		return NULL;
	b->src = s->upstream_local;
	b->dst = s->upstream;
	b->sa_id = s->upstream_sa;
	b->port = s->upstream_port;
	return b;
}

static enum verdict provisional(struct pass *p, struct txn *s, struct client *c)
{
	struct transactions *t = p->w->transactions;
	struct buf *b;

	if (c->state != CLIENT_CALLING && c->state != CLIENT_PROCEEDING)
		return record_absorb(p);
	/* Timer C starts with the first, and anew with each but a 100 (§16.7 step 2). */
	bool restart = c->state == CLIENT_CALLING || p->msg.status > 100;
	c->heard |= p->msg.status > 100;
	c->state = CLIENT_PROCEEDING;
	if (s->follows) {
		s->follows = false;
		record_release(&s->request);
	}
	if (!c->cancel_sent && restart) {
		c->deadline_ms = p->now + p->w->node->timer_c_ms;
		wheel_set(&t->wheel, client_timer(t, c), c->deadline_ms);
		if (c->cancel)
			cancel_client(p->w, c, p->now, p->out);
	}
	if (p->msg.status == 100 || s->state != SERVER_PROCEEDING)
		return record_absorb(p);
	b = emit_upstream(p, s, c);
	if (!b)
		return VERDICT_DROP;
	count(p->w->counters, COUNT_FORWARDED);
	server_respond(p->w, s, b, p->msg.status, p->now, p->out);
	return VERDICT_SEND;
}

/* So that a de-registration can end the session (TS 24.229 §5.4.5.1). The called side is told
 * apart from the calling one by where the message comes from. */
static void note_session(struct pass *p, const struct txn *s, const struct client *c,
			 const struct buf *b, const struct buf *received)
{
	struct role_worker *w = p->w;
	struct sip_msg *invite = &w->transactions->sent_msg;
	struct sip_name_addr contact;
	struct slice rest;

	if (!c->sent || sip_parse(buf_slice(c->sent), invite) != SIP_OK ||
	    sip_name_addr_decode(sip_first_value(invite, SIP_H_CONTACT), SIP_E_CONTACT,
				 &contact, &rest) != SIP_OK ||
	    contact.star || contact.uri.len == 0 || contact.uri.len > sizeof(w->notice_uri))
		return;
	memcpy(w->notice_uri, contact.uri.p, contact.uri.len);
	w->notice = (struct role_notice){
		.reason = PUNT_SESSION_BEGUN,
		.b = b,
		.src = received->src,
		.src_sa = received->sa_id,
		.dst = s->upstream,
		.dst_sa = s->upstream_sa,
		.uri = slice_of(w->notice_uri, contact.uri.len),
	};
}

/* Every 2xx goes upstream, repeats too: the caller's ACK answers each (RFC 6026 §7.2). */
static enum verdict success(struct pass *p, struct txn *s, struct client *c)
{
	struct transactions *t = p->w->transactions;
	const struct buf received = *p->b; /* which may be written upon */
	struct buf *b = emit_upstream(p, s, c);

	if (!b)
		return VERDICT_DROP;
	if (c->state == CLIENT_CALLING || c->state == CLIENT_PROCEEDING) {
		if (p->w->node->watch_sessions && !s->help)
			note_session(p, s, c, b, &received);
		c->state = CLIENT_ACCEPTED;
		wheel_clear(&t->wheel, client_timer(t, c));
		record_release(&c->sent);
	}
	count(p->w->counters, COUNT_FORWARDED);
	if (s->state != SERVER_PROCEEDING) {
		p->out->buf[p->out->n++] = b;
		return VERDICT_SEND;
	}
	server_respond(p->w, s, b, p->msg.status, p->now, p->out);
	if (s->state == SERVER_ACCEPTED) /* of a single branch both records are gone now */
		clients_cancel(p->w, s->first_client, p->now, p->out);
	return VERDICT_SEND;
}

/* §16.7 step 6: a 503 of one next hop says nothing of others, so it does not go upstream as it
 * is. */
static void edit_unavailable(struct pass *p)
{
	if (p->msg.status == 503)
		sip_edit_replace(p->edits, 0, p->msg.first_line,
				 SLICE("SIP/2.0 500 Server Internal Error\r\n"));
}

/* The first ACK is made with what is kept from then on. A Request-URI too long to keep has its
 * INVITE stay. */
static struct buf *make_ack(struct pass *p, struct client *c)
{
	struct transactions *t = p->w->transactions;
	struct ack *a = &t->ack[c - t->client];

	if (a->uri_len == 0 && c->sent && sip_parse(buf_slice(c->sent), &t->sent_msg) == SIP_OK)
		ack_keep(a, &t->sent_msg, c->sent);
	if (a->uri_len)
		return ack_make(a, &p->msg);
	return make_for_invite(p->w, c, SLICE("ACK"), sip_first_value(&p->msg, SIP_H_TO));
}

/* Once the INVITE is answered, or can be from the one received, the one sent is of no more use.
 */
static void release_sent(struct transactions *t, const struct txn *s, struct client *c)
{
	if (t->ack[c - t->client].uri_len && (s->state != SERVER_PROCEEDING || s->request))
		record_release(&c->sent);
}

static enum verdict failure(struct pass *p, struct txn *s, struct client *c,
			    const struct addr *back)
{
	const struct policy_failure refused = {p->b->src, *back, c->to_ue, s && s->from_ue};
	bool repeat = c->state == CLIENT_COMPLETED;
	uint16_t status = p->msg.status == 503 ? 500 : p->msg.status;

	if (c->state == CLIENT_ACCEPTED)
		return record_absorb(p);
	send_made(p->w, make_ack(p, c), p->out);
	if (repeat || !s)
		return record_absorb(p);
	c->failed = p->msg.status == 503;
	complete(p->w, c, status, p->now);
	if (s->state != SERVER_PROCEEDING)
		return record_absorb(p);
	edit_unavailable(p);
	c->response = emit_upstream(p, s, c);
	if (!c->response)
		buf_free(p->b);
	if (status >= 600) {
		s->more = false;
		clients_cancel(p->w, s->first_client, p->now, p->out);
	}
	conclude(p->w, s, p->now, p->out);
	if (s->state != SERVER_PROCEEDING && p->out->n)
		policy_note_failure(p, &refused, p->out->buf[p->out->n - 1]);
	release_sent(p->w->transactions, s, c);
	return VERDICT_SEND;
}

/* What the session needs is not to be had: the caller hears so, and whoever rings is called no
 * more. Who has answered with a 2xx gets his ACK and BYE from control. */
static enum verdict refuse(struct pass *p, struct txn *s, struct client *c)
{
	struct role_worker *w = p->w;
	uint16_t status = p->resume->status;

	s->more = false;
	if (p->msg.status >= 200) {
		c->state = CLIENT_ACCEPTED;
		wheel_clear(&w->transactions->wheel, client_timer(w->transactions, c));
	} else if (c->state == CLIENT_CALLING) {
		c->state = CLIENT_PROCEEDING; /* it may be cancelled */
	}
	clients_cancel(w, s->first_client, p->now, p->out);
	if (!server_answer(w, s, status, "what the session needs is not to be had", p->now,
			   p->out))
		server_free(w, s);
	return record_absorb(p);
}

/* A response to a request that is no INVITE: one final one goes upstream, a good one at once.
 */
static enum verdict other_response(struct pass *p, struct txn *s, struct client *c)
{
	uint16_t status = p->msg.status == 503 ? 500 : p->msg.status;
	bool last = status / 100 == 2 || status >= 600;
	struct buf *b;

	if (status < 200 || !s || c->state != CLIENT_CALLING)
		return record_absorb(p);
	c->failed = p->msg.status == 503;
	complete(p->w, c, status, p->now);
	/* RFC 4320 §4.2: a 408 helps nobody. */
	if (s->state != SERVER_PROCEEDING || status == 408) {
		conclude(p->w, s, p->now, p->out);
		return record_absorb(p);
	}
	edit_unavailable(p);
	b = emit_upstream(p, s, c);
	if (!b)
		buf_free(p->b);
	c->response = b;
	if (b && last) {
		c->response = NULL;
		server_respond(p->w, s, b, status, p->now, p->out);
		count(p->w->counters, COUNT_FORWARDED);
	} else {
		conclude(p->w, s, p->now, p->out);
	}
	return VERDICT_SEND;
}

/* The record that the branch names; NULL: it is used for another by now. */
static struct client *find_client(const struct pass *p)
{
	struct transactions *t = p->w->transactions;
	struct client *c;

	if (p->ref.slot >= t->n)
		return NULL;
	c = &t->client[p->ref.slot];
	return c->state != CLIENT_FREE && c->generation == p->ref.generation ? c : NULL;
}

enum verdict transaction_response(struct pass *p, const struct addr *back)
{
	struct client *c = find_client(p);
	struct txn *s;

	if (p->msg.method != SIP_M_INVITE && (!c || c->invite))
		return pass_drop(p, COUNT_DROP_RESPONSE_STRAY);
	if (!c) /* a repeat after the records have ended: the caller's ACK answers it */
		return p->msg.status / 100 == 2 ? response_back(p, back)
						: pass_drop(p, COUNT_DROP_RESPONSE_STRAY);
	if (p->msg.cseq != c->cseq)
		return pass_drop(p, COUNT_DROP_RESPONSE_STRAY);
	s = c->server == NONE ? NULL : &p->w->transactions->server[c->server];
	if (!c->invite)
		return p->msg.method == SIP_M_INVITE ? pass_drop(p, COUNT_DROP_RESPONSE_STRAY)
						     : other_response(p, s, c);
	if (p->msg.status >= 300)
		return failure(p, s, c, back);
	if (!s)
		return pass_drop(p, COUNT_DROP_RESPONSE_STRAY);
	if (s->state == SERVER_PROCEEDING && !s->help) {
		enum verdict v = policy_response(p, back);
		if (v != VERDICT_NEXT)
			return v;
		if (p->refused)
			return refuse(p, s, c);
	}
	return p->msg.status < 200 ? provisional(p, s, c) : success(p, s, c);
}

enum verdict transaction_cancelled(struct pass *p)
{
	struct client *c = find_client(p);

	if (!c || c->server == NONE || p->msg.cseq != c->cseq)
		return pass_drop(p, COUNT_DROP_RESPONSE_STRAY);
	if (!branch_is_ours(p, &p->w->transactions->server[c->server].upstream, SLICE_EMPTY))
		return pass_drop(p, COUNT_DROP_RESPONSE_FORGED);
	c->cancel_answered = true;
	return record_absorb(p);
}

/* ---- timers ---- */

void clients_give_up(struct role_worker *w, struct txn *s, uint64_t now, struct outbox *out)
{
	for (int32_t i = s->first_client; i != NONE; i = w->transactions->client[i].next) {
		struct client *c = &w->transactions->client[i];

		if (c->state != CLIENT_CALLING)
			continue;
		count(w->counters, COUNT_TXN_TIMEOUT);
		c->failed = true;
		complete(w, c, 408, now);
	}
	conclude(w, s, now, out);
}

/* Timers B and C, and no answer to CANCEL: as if 408 had come (§16.8, §17.1.1.2). */
static void timed_out(struct role_worker *w, struct client *c, uint64_t now, struct outbox *out)
{
	count(w->counters, COUNT_TXN_TIMEOUT);
	c->failed = true;
	complete(w, c, 408, now);
	if (c->server != NONE)
		conclude(w, &w->transactions->server[c->server], now, out);
}

/* The terminal that has said nothing yet is not where it was, but somewhere else (TS 24.229
 * §5.4.3.3: a request goes to the contacts that are registered). */
static bool has_moved(struct role_worker *w, const struct client *c, uint64_t now)
{
	const struct txn *s = c->server == NONE ? NULL : &w->transactions->server[c->server];
	const struct registration *r;

	if (!s || !c->to_ue || !c->invite || !s->follows || s->cancelled)
		return false;
	r = c->term_user ? table_find_user(w->tables, c->term_user) : NULL;
	return r && r->n_contact && !reg_contact_on_flow(r, &c->sent->dst, c->sent->sa_id, now);
}

/* As if its flow had failed (RFC 5626 §5.3): the request is taken up again. */
static void follow(struct role_worker *w, struct client *c, uint64_t now, struct outbox *out)
{
	struct txn *s = &w->transactions->server[c->server];

	count(w->counters, COUNT_FOLLOWED);
	w->transactions->fork[c->server].n = 0;
	s->follows = false;
	s->more = true;
	complete(w, c, 430, now);
	conclude(w, s, now, out);
}

void client_expired(struct role_worker *w, struct client *c, uint64_t now, struct outbox *out)
{
	struct transactions *t = w->transactions;

	switch (c->state) {
	case CLIENT_CALLING:
		if (now >= c->deadline_ms) {
			timed_out(w, c, now, out);
			return;
		}
		if (has_moved(w, c, now)) {
			follow(w, c, now, out);
			return;
		}
		buf_ref(c->sent);
		out->buf[out->n++] = c->sent;
		count(w->counters, COUNT_RETRANS_TX);
		c->interval_ms *= 2; /* timer A, or E with its bound (§17.1.2.2) */
		if (!c->invite && c->interval_ms > w->node->t2_ms)
			c->interval_ms = w->node->t2_ms;
		wheel_set(&t->wheel, client_timer(t, c), now + c->interval_ms);
		return;
	case CLIENT_PROCEEDING:
		if (!c->cancel_sent) /* timer C */
			cancel_client(w, c, now, out);
		else if (now >= c->deadline_ms)
			timed_out(w, c, now, out);
		else
			repeat_cancel(w, c, now, out);
		return;
	case CLIENT_COMPLETED: /* timer D */
		if (c->server == NONE)
			client_free(t, c);
		else
			record_release(&c->sent);
		return;
	default:
		return;
	}
}
