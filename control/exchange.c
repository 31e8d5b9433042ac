/* exchange.c - SIP requests that control answers, and requests that control sends */
#include "control/exchange.h"

#include <assert.h>
#include <ev.h>
#include <stdlib.h>
#include <sys/random.h>

#include "abi/message.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "control/answered.h"
#include "control/link.h"
#include "control/transaction.h"
#include "sip/parse.h"
#include "sip/reply.h"

enum {
	SERVER_CHAINS = 4096,
	CLIENT_CHAINS = 4096,
	NONCE_DIGITS = 16,
	VIA_OCTETS = 160, /* of a Via of ours */
	DEFAULT_SIP_PORT = 5060,
};

/* Whose octets a transaction sends. */
struct owner {
	enum { OWNER_SERVER, OWNER_CLIENT } kind;
	struct exchanges *e;
};

struct server {
	struct exchange x; /* first: a procedure's exchange is this server */
	struct owner owner;
	struct server *next; /* in its chain, later on the list of the ended */
	struct transaction_id id;
	struct transaction *transaction;
	struct addr to;    /* where responses go */
	uint8_t *response; /* the last one */
	uint32_t response_len;
	bool ended;
	uint8_t memory[]; /* of raw */
};

struct client {
	struct owner owner;
	struct client *next;
	struct transaction *transaction; /* NULL: could not be sent */
	uint64_t nonce;
	struct ev_timer timer_e, timer_f;
	struct addr src, dst;
	uint64_t sa_id;
	uint8_t method;
	void (*done)(void *ctx, const struct sip_msg *response);
	void *ctx;
	uint32_t len;
	uint8_t message[];
};

struct exchanges {
	struct ev_loop *loop;
	struct link *link;
	void (*request)(void *ctx, struct exchange *x);
	void *ctx;
	struct transactions *transactions;
	struct answered *answered;
	struct hash_key key_a, key_b;
	uint64_t nonces;
	bool draining;
	struct server *ended;
	struct ev_prepare sweep;
	struct ev_timer tick;
	struct exchange_stats stats;
	struct sip_msg msg; /* of what is being taken in */
	uint8_t scratch[SIP_MESSAGE_MAX];
	struct server *server[SERVER_CHAINS];
	struct client *client[CLIENT_CHAINS];
};

static void on_send(void *owner)
{
	struct owner *o = owner;

	if (o->kind == OWNER_SERVER) {
		struct server *s =
			(struct server *)((uint8_t *)owner - offsetof(struct server, owner));

		link_send(o->e->link, slice_of(s->response, s->response_len), &s->x.dst, &s->to,
			  s->x.sa_id);
	} else {
		struct client *c = owner;

		link_send(o->e->link, slice_of(c->message, c->len), &c->src, &c->dst, c->sa_id);
	}
}

static void server_free(struct server *s)
{
	transaction_free(s->transaction);
	free(s->response);
	free(s);
}

/* Just before the loop sleeps: no callback holds an exchange any more that was answered. */
static void on_sweep(struct ev_loop *loop, struct ev_prepare *w, int events)
{
	struct exchanges *e = w->data;

	for (struct server *s; (s = e->ended);) {
		e->ended = s->next;
		server_free(s);
	}
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct exchanges *e = w->data;

	answered_expire(e->answered, clock_ms());
}

struct exchanges *exchanges_open(struct ev_loop *loop, struct link *link,
				 void (*request)(void *ctx, struct exchange *x), void *ctx)
{
	struct exchanges *e = calloc(1, sizeof(*e));
	struct hash_key keys[2];

	if (!e)
		return NULL;
	*e = (struct exchanges){.loop = loop, .link = link, .request = request, .ctx = ctx};
	e->transactions = transactions_new(on_send);
	e->answered = answered_new();
	if (!e->transactions || !e->answered ||
	    getrandom(keys, sizeof(keys), 0) != sizeof(keys)) {
		transactions_free(e->transactions);
		answered_free(e->answered);
		free(e);
		return NULL;
	}
	e->key_a = keys[0];
	e->key_b = keys[1];
	e->sweep.data = e->tick.data = e;
	ev_prepare_init(&e->sweep, on_sweep);
	/* Last of the prepare watchers: others may still answer. */
	ev_set_priority(&e->sweep, EV_MINPRI);
	ev_prepare_start(loop, &e->sweep);
	ev_timer_init(&e->tick, on_tick, 1., 1.);
	ev_timer_start(loop, &e->tick);
	return e;
}

static void client_free(struct exchanges *e, struct client *c)
{
	ev_timer_stop(e->loop, &c->timer_e);
	ev_timer_stop(e->loop, &c->timer_f);
	transaction_free(c->transaction);
	free(c);
}

void exchanges_close(struct exchanges *e)
{
	if (!e)
		return;
	on_sweep(e->loop, &e->sweep, 0);
	for (uint32_t i = 0; i < SERVER_CHAINS; i++) {
		for (struct server *s = e->server[i], *next; s; s = next) {
			next = s->next;
			server_free(s);
		}
	}
	for (uint32_t i = 0; i < CLIENT_CHAINS; i++) {
		for (struct client *c = e->client[i], *next; c; c = next) {
			next = c->next;
			client_free(e, c);
		}
	}
	ev_prepare_stop(e->loop, &e->sweep);
	ev_timer_stop(e->loop, &e->tick);
	answered_free(e->answered);
	transactions_free(e->transactions);
	free(e);
}

/* RFC 3261 §17.2.3 matches by branch, sent-by and method. A true repeat agrees in source,
 * Call-ID and CSeq as well; with these a branch that is guessed, or that a careless client uses
 * twice, meets nobody else's transaction. So does what comes in clear not meet what came under
 * a security association. */
static struct transaction_id identify(const struct exchanges *e, const struct abi_punt *p,
				      const struct sip_via *via)
{
	const struct sip_msg *m = &e->msg;
	struct transaction_id id;
	uint64_t *half[2] = {&id.a, &id.b};
	const struct hash_key *key[2] = {&e->key_a, &e->key_b};

	for (int i = 0; i < 2; i++) {
		struct hash_mac mac;

		hash_mac_start(&mac, key[i]);
		hash_mac_part(&mac, slice_of(&p->src, sizeof(p->src)));
		hash_mac_u64(&mac, p->sa_id);
		hash_mac_part(&mac, via->branch);
		hash_mac_part(&mac, via->host);
		hash_mac_u64(&mac, via->port);
		hash_mac_part(&mac, m->method_name);
		hash_mac_part(&mac, sip_first_value(m, SIP_H_CALL_ID));
		hash_mac_u64(&mac, m->cseq);
		*half[i] = hash_mac_end(&mac);
	}
	return id;
}

/* RFC 3261 §18.2.2, RFC 3581 §4: back to where the request came from; to the port it names,
 * unless it asked for rport. */
static struct addr response_address(const struct sip_via *via, const struct addr *src)
{
	struct addr to = *src;

	if (!via->rport)
		to.port = via->port ? via->port : DEFAULT_SIP_PORT;
	return to;
}

/* An answer without a transaction: a repeat of the request is answered anew. */
static void reply_stateless(struct exchanges *e, const struct abi_punt *p, uint16_t status,
			    struct slice headers)
{
	struct text out = text_in(e->scratch, sizeof(e->scratch));
	struct sip_reply reply = {
		.status = status,
		.to_tag = SLICE("stateless"),
		.headers = headers,
		.source = &p->src,
	};
	struct sip_via via;
	struct addr to;

	if (sip_via_top(&e->msg, &via) != SIP_OK || !sip_reply_write(&e->msg, &reply, &out))
		return;
	to = response_address(&via, &p->src);
	e->stats.answered[status / 100]++;
	link_send(e->link, text_slice(&out), &p->dst, &to, p->sa_id);
}

static void refuse(struct exchanges *e, const struct abi_punt *p, enum sip_error error)
{
	const struct sip_error_info *info = sip_error_info(error);
	uint8_t memory[160];
	struct text warning = text_in(memory, sizeof(memory));

	e->stats.malformed++;
	if (info->status == 0 || !sip_parse_answerable(&e->msg))
		return;
	text_printf(&warning, "Warning: 399 saker \"%s\"\r\n", info->warning);
	reply_stateless(e, p, info->status, text_slice(&warning));
}

static struct server **server_chain(struct exchanges *e, const struct transaction_id *id)
{
	return &e->server[id->a % SERVER_CHAINS];
}

static struct server *server_find(struct exchanges *e, const struct transaction_id *id)
{
	struct server *s = *server_chain(e, id);

	while (s && (s->id.a != id->a || s->id.b != id->b))
		s = s->next;
	return s;
}

static struct server *server_new(struct exchanges *e, const struct abi_punt *p,
				 const struct transaction_id *id, const struct sip_via *via)
{
	struct server *s = malloc(sizeof(*s) + p->len);
	struct server **chain = server_chain(e, id);

	if (!s)
		return NULL;
	*s = (struct server){
		.x = {.src = p->src,
		      .dst = p->dst,
		      .sa_id = p->sa_id,
		      .port = p->port,
		      .reason = p->reason},
		.owner = {OWNER_SERVER, e},
		.next = *chain,
		.id = *id,
		.to = response_address(via, &p->src),
	};
	memcpy(s->memory, p->data, p->len);
	s->x.raw = slice_of(s->memory, p->len);
	s->transaction = transaction_server(e->transactions, &s->owner);
	if (!s->transaction || sip_parse(s->x.raw, &s->x.msg) != SIP_OK) {
		server_free(s);
		return NULL;
	}
	*chain = s;
	e->stats.open++;
	return s;
}

/* True: it is a repeat, and was dealt with. */
static bool repeated(struct exchanges *e, const struct transaction_id *id)
{
	struct server *s = server_find(e, id);
	struct answer answer;

	if (s) {
		e->stats.repeats++;
		transaction_repeat(s->transaction);
		return true;
	}
	if (!answered_get(e->answered, id, clock_ms(), &answer))
		return false;
	e->stats.repeats++;
	link_send(e->link, answer.message, &answer.src, &answer.dst, answer.sa_id);
	return true;
}

static void request_input(struct exchanges *e, const struct abi_punt *p)
{
	struct transaction_id id;
	struct sip_via via;
	struct server *s;

	if (sip_via_top(&e->msg, &via) != SIP_OK) {
		refuse(e, p, SIP_E_VIA);
		return;
	}
	/* An ACK is never answered, and belongs to INVITEs, which control does not take. */
	if (e->msg.method == SIP_M_ACK)
		return;
	id = identify(e, p, &via);
	if (repeated(e, &id) || e->draining)
		return;
	e->stats.requests++;
	s = e->stats.open < EXCHANGES_OPEN_MAX ? server_new(e, p, &id, &via) : NULL;
	if (!s) {
		e->stats.shed++;
		reply_stateless(e, p, 503, SLICE("Retry-After: 5\r\n"));
		return;
	}
	e->request(e->ctx, &s->x);
}

static struct client **client_chain(struct exchanges *e, uint64_t nonce)
{
	return &e->client[nonce % CLIENT_CHAINS];
}

static struct client *client_find(struct exchanges *e, const struct sip_msg *m)
{
	const struct slice ours = SLICE(ABI_BRANCH_CONTROL);
	uint8_t octets[NONCE_DIGITS / 2];
	uint64_t nonce = 0;
	struct sip_via via;
	struct client *c;

	if (sip_via_top(m, &via) != SIP_OK || !slice_starts(via.branch, ours) ||
	    !hex_decode(slice_from(via.branch, ours.len), octets, sizeof(octets)))
		return NULL;
	for (uint32_t i = 0; i < sizeof(octets); i++)
		nonce = nonce << 8 | octets[i];
	for (c = *client_chain(e, nonce); c && c->nonce != nonce;)
		c = c->next;
	/* RFC 3261 §17.1.3: branch and the method in CSeq. */
	return c && c->transaction && c->method == m->method ? c : NULL;
}

/* Ends the client and tells its owner; it is nowhere any more when done is called. */
static void client_end(struct exchanges *e, struct client *c, const struct sip_msg *response)
{
	struct client **at = client_chain(e, c->nonce);
	void (*done)(void *ctx, const struct sip_msg *response) = c->done;
	void *ctx = c->ctx;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	e->stats.requests_open--;
	client_free(e, c);
	done(ctx, response);
}

static void timer_e_start(struct client *c)
{
	ev_timer_stop(c->owner.e->loop, &c->timer_e);
	ev_timer_set(&c->timer_e, transaction_timer_e_ms(c->transaction) / 1000., 0.);
	ev_timer_start(c->owner.e->loop, &c->timer_e);
}

static void response_input(struct exchanges *e, const struct abi_punt *p)
{
	struct client *c = client_find(e, &e->msg);

	if (!c) /* late, a repeat of one taken in already, or forged */
		return;
	transaction_response(c->transaction, e->msg.status);
	if (transaction_is_open(c->transaction)) {
		timer_e_start(c);
		return;
	}
	/* Its own copy: done may send requests and so come back here. */
	struct sip_msg *m = malloc(sizeof(*m));

	if (m)
		*m = e->msg;
	client_end(e, c, m);
	free(m);
}

void exchanges_input(struct exchanges *e, const struct abi_punt *p)
{
	enum sip_error error = sip_parse(slice_of(p->data, p->len), &e->msg);

	if (error != SIP_OK && e->msg.status == 0)
		refuse(e, p, error);
	else if (error != SIP_OK)
		e->stats.malformed++;
	else if (sip_is_request(&e->msg))
		request_input(e, p);
	else
		response_input(e, p);
}

/* sip_reply_write ends without a body; with one, the last line and the empty line are made
 * anew. */
static bool body_put(struct text *out, struct slice body)
{
	const struct slice end = SLICE("Content-Length: 0\r\n\r\n");

	if (body.len == 0)
		return true;
	if (out->len < end.len || !slice_eq(text_since(out, out->len - end.len), end))
		return false;
	out->len -= end.len;
	text_lit(out, "Content-Length: ");
	text_u64(out, body.len);
	text_lit(out, "\r\n\r\n");
	text_put(out, body);
	return !out->overflow;
}

/* One tag for all responses of a transaction; its id is secret, so a hash of it is shown. */
void exchange_tag(const struct exchanges *e, const struct exchange *x, char tag[17])
{
	const struct server *s = (const struct server *)x;
	struct text t = text_in(tag, 17);

	text_hex(&t, hash_table(&e->key_a, &s->id, sizeof(s->id)), 16);
	tag[16] = 0;
}

static bool response_write(struct exchanges *e, struct server *s, uint16_t status,
			   const char *reason, struct slice headers, struct slice body)
{
	struct text out = text_in(e->scratch, sizeof(e->scratch));
	char tag[17];
	uint8_t *copy;

	exchange_tag(e, &s->x, tag);
	struct sip_reply reply = {
		.status = status,
		.reason = reason ? slice_str(reason) : SLICE_EMPTY,
		.to_tag = status > 100 ? slice_str(tag) : SLICE_EMPTY,
		.headers = headers,
		.source = &s->x.src,
	};
	if (!sip_reply_write(&s->x.msg, &reply, &out) || !body_put(&out, body))
		return false;
	copy = malloc(out.len);
	if (!copy)
		return false;
	memcpy(copy, out.p, out.len);
	free(s->response);
	s->response = copy;
	s->response_len = out.len;
	return true;
}

/* Off the table; its answer is kept for repeats. */
static void server_end(struct exchanges *e, struct server *s)
{
	struct server **at = server_chain(e, &s->id);
	struct answer answer = {s->id, s->x.dst, s->to, s->x.sa_id,
				slice_of(s->response, s->response_len)};

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	if (s->response)
		answered_put(e->answered, &answer, clock_ms());
	s->ended = true;
	s->next = e->ended;
	e->ended = s;
	e->stats.open--;
}

void exchange_reply(struct exchanges *e, struct exchange *x, uint16_t status,
		    const char *reason, struct slice headers, struct slice body)
{
	struct server *s = (struct server *)x;

	assert(status >= 100 && status <= 699 && !s->ended);
	/* An answer too long for a datagram of ours still has to be one. */
	if (!response_write(e, s, status, reason, headers, body)) {
		log_event(LOG_ERROR, "exchange", "answer_too_long", LOG_U("status", status));
		status = status < 200 ? status : 500;
		if (!response_write(e, s, status, NULL, SLICE_EMPTY, SLICE_EMPTY) &&
		    status < 200)
			return;
	}
	e->stats.answered[status / 100]++;
	if (s->response && !transaction_answer(s->transaction, status))
		on_send(&s->owner);
	if (status >= 200)
		server_end(e, s);
}

static void on_timer_e(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct client *c = w->data;

	transaction_timer_e(c->transaction);
	timer_e_start(c);
}

static void on_timer_f(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct client *c = w->data;
	struct exchanges *e = c->owner.e;

	e->stats.timeouts += c->transaction != NULL;
	client_end(e, c, NULL);
}

/* The message with our Via behind its start line. False: it does not fit. */
static bool via_add(struct client *c, struct slice message)
{
	struct text out = text_in(c->message, message.len + VIA_OCTETS);
	uint32_t line = slice_find(message, '\n');

	if (line == message.len)
		return false;
	text_put(&out, slice_sub(message, 0, line + 1));
	text_lit(&out, "Via: SIP/2.0/UDP ");
	addr_put(&out, &c->src);
	text_lit(&out, ";branch=" ABI_BRANCH_CONTROL);
	text_hex(&out, c->nonce, NONCE_DIGITS);
	text_lit(&out, "\r\n");
	text_put(&out, slice_from(message, line + 1));
	c->len = out.len;
	return !out.overflow && out.len <= SIP_MESSAGE_MAX;
}

static void client_start(struct exchanges *e, struct client *c, struct slice message)
{
	double f = 0.;

	if (e->stats.requests_open <= REQUESTS_OPEN_MAX &&
	    (c->src.family || link_source(e->link, &c->dst, &c->src)) && via_add(c, message) &&
	    sip_parse(slice_of(c->message, c->len), &e->msg) == SIP_OK &&
	    sip_is_request(&e->msg)) {
		c->method = e->msg.method;
		c->transaction = transaction_client(e->transactions, &c->owner);
	}
	if (c->transaction) {
		e->stats.sent++;
		timer_e_start(c);
		f = transaction_timer_f_ms(c->transaction) / 1000.;
	} else {
		log_event(LOG_WARN, "exchange", "not_sent");
	}
	/* What could not be sent ends at the next turn of the loop. */
	ev_timer_set(&c->timer_f, f, 0.);
	ev_timer_start(e->loop, &c->timer_f);
}

void request_send(struct exchanges *e, struct slice message, const struct request_way *way,
		  void (*done)(void *ctx, const struct sip_msg *response), void *ctx)
{
	struct client *c = calloc(1, sizeof(*c) + message.len + VIA_OCTETS);
	struct client **chain;

	if (!c) {
		done(ctx, NULL);
		return;
	}
	c->owner = (struct owner){OWNER_CLIENT, e};
	c->dst = way->dst;
	c->src = way->src;
	c->sa_id = way->sa_id;
	c->done = done;
	c->ctx = ctx;
	c->nonce = hash_table(&e->key_b, &(uint64_t){e->nonces++}, sizeof(uint64_t));
	chain = client_chain(e, c->nonce);
	c->next = *chain;
	*chain = c;
	e->stats.requests_open++;
	ev_timer_init(&c->timer_e, on_timer_e, 0., 0.);
	ev_timer_init(&c->timer_f, on_timer_f, 0., 0.);
	c->timer_e.data = c->timer_f.data = c;
	client_start(e, c, message);
}

bool exchanges_local(const struct exchanges *e, const struct addr *dst, struct addr *out)
{
	return link_source(e->link, dst, out);
}

void exchanges_drain(struct exchanges *e)
{
	e->draining = true;
}

void exchanges_stats(const struct exchanges *e, struct exchange_stats *out)
{
	struct answered_stats kept;

	answered_stats(e->answered, &kept);
	*out = e->stats;
	out->kept = kept.n;
	out->forgotten = kept.early;
}
