/* charging.c - accounting sessions, their records on disk, and the CDF that takes them */
#include "control/charging.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>

#include "abi/token.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/control.h"
#include "control/link.h"
#include "control/persist.h"
#include "control/query.h"
#include "control/redirect.h"
#include "control/registration.h"
#include "rf/codec.h"
#include "sip/name_addr.h"
#include "sip/parse.h"
#include "sip/uri.h"

enum {
	BUCKETS = 16384,
	ERROR_MAX = 256,
	ACCOUNTS_MAX = 4, /* S-CSCF and P-CSCF, each for either side */
	ICID_LEN = 32,
	RECORD_MAX = 4096,
	AGAIN_MS = 5000,         /* after nobody has answered */
	FORGOTTEN_MS = 86400000, /* a session whose BYE was never seen */
};

/* One accounting session. */
struct account {
	uint32_t role, node; /* as Rf has them */
	uint32_t number;     /* of the next record */
	struct slice id;     /* Session-Id */
	struct slice cdf;    /* identity of the one to tell; empty: any */
};

struct charge {
	struct charge *next, **at;      /* in the bucket */
	struct charge *before, *behind; /* in the order in which interim records are due */
	uint64_t key;                   /* on disk */
	uint64_t begun_ms, due_ms;      /* CLOCK_MONOTONIC */
	uint32_t n;
	struct account account[ACCOUNTS_MAX];
	struct slice call_id, caller, called, icid;
	uint8_t text[];
};

/* A record that nobody has taken yet. */
struct record {
	struct record *next;
	struct charging *of;
	uint64_t key;
	bool under_way, again, done;
	uint32_t len;
	uint8_t text[];
};

struct charging {
	struct control *c;
	struct queries *queries;
	struct ev_timer tick;
	struct hash_key hash;
	uint64_t next_key, next_charge, again_ms;
	struct record *first, **last, **unsent;
	struct charge *oldest, *youngest; /* by due */
	struct charging_stats stats;
	struct sip_msg msg; /* under work */
	struct charge *bucket[BUCKETS];
};

/* ---- the interface, as query.h wants it ---- */

static int request(uint32_t command, struct msg **m, const void *r, struct slice host)
{
	return rf_acr(m, r, host);
}

static int answer(uint32_t command, struct msg **m, int result)
{
	return rf_answer_error(m, result);
}

static void *copy_answer(uint32_t command, struct msg *m)
{
	struct rf_aca a;

	return rf_decode_aca(m, &a) ? NULL : rf_copy_aca(&a);
}

static void free_answer(uint32_t command, void *a)
{
	free(a);
}

static void *copy_request(uint32_t command, const void *r)
{
	return rf_copy_acr(r);
}

typedef void told(void *ctx, int result);

static void tell(const struct query_waiter *w, const void *a, int result)
{
	((told *)w->done)(w->ctx, a ? *(const int *)a : result);
}

static const struct query_interface interface = {
	.name = "rf",
	.n = 1,
	.code = {RF_ACR},
	.request = request,
	.answer = answer,
	.copy_answer = copy_answer,
	.copy_request = copy_request,
	.free_answer = free_answer,
	.tell = tell,
};

/* ---- texts on disk: a line a value ---- */

static void put_line(struct text *t, struct slice s)
{
	text_put(t, s);
	text_char(t, '\n');
}

static void put_number(struct text *t, uint64_t v)
{
	text_u64(t, v);
	text_char(t, '\n');
}

static struct slice line(struct slice *rest)
{
	struct slice s = slice_sub(*rest, 0, slice_find(*rest, '\n'));

	*rest = slice_from(*rest, s.len + 1);
	return s;
}

static bool number(struct slice *rest, uint64_t *out)
{
	return slice_u64(line(rest), INT64_MAX, out);
}

/* ---- records ---- */

static bool acr_of(struct slice text, struct rf_acr *out, struct slice *cdf)
{
	uint64_t n[7];
	struct slice rest = text;

	*out = (struct rf_acr){.session = line(&rest)};
	for (int i = 0; i < 7; i++)
		if (!number(&rest, &n[i]))
			return false;
	out->record = (uint32_t)n[0];
	out->number = (uint32_t)n[1];
	out->at = (int64_t)n[2];
	out->role = (uint32_t)n[3];
	out->node = (uint32_t)n[4];
	out->answered = (int64_t)n[5];
	out->cause =
		out->record == RF_STOP || out->record == RF_EVENT ? (uint32_t)n[6] : RF_UNSAID;
	out->method = line(&rest);
	out->call_id = line(&rest);
	out->calling[0] = line(&rest);
	out->called = line(&rest);
	out->icid = line(&rest);
	out->orig_ioi = line(&rest);
	*cdf = line(&rest);
	out->n_calling = out->calling[0].len != 0;
	out->user[0].type = 2;
	out->user[0].identity = out->role == RF_ORIGINATING ? out->calling[0] : out->called;
	out->n_user = out->user[0].identity.len != 0;
	return out->session.len != 0;
}

static void pump(struct charging *ch);

/* Those at the head that are done are gone. */
static void sweep(struct charging *ch)
{
	for (struct record *r; (r = ch->first) && r->done;) {
		ch->first = r->next;
		if (ch->unsent == &r->next)
			ch->unsent = &ch->first;
		if (ch->last == &r->next)
			ch->last = &ch->first;
		free(r);
	}
}

static void finish(struct record *r)
{
	struct charging *ch = r->of;

	persist_row_delete(ch->c->persist, PERSIST_ACR, r->key);
	r->done = true;
	ch->stats.spooled--;
	sweep(ch);
}

static bool is_transient(int result)
{
	return result == CX_NO_ANSWER || result == CX_WINDOW_FULL || result == CX_BAD_ANSWER ||
	       (result >= 3000 && result < 5000);
}

static void record_told(void *ctx, int result)
{
	struct record *r = ctx;
	struct charging *ch = r->of;

	r->under_way = false;
	ch->stats.sent--;
	if (is_transient(result)) {
		/* From the oldest on, when there is somebody again. */
		r->again = true;
		ch->again_ms = clock_ms() + AGAIN_MS;
		ch->unsent = &ch->first;
		return;
	}
	if (result / 1000 == 2) {
		ch->stats.taken++;
	} else {
		ch->stats.rejected++;
		log_event(LOG_ERROR, "charging", "rejected", LOG_U("record", r->key),
			  LOG_Z("reason", cx_result_name(result)));
	}
	finish(r);
	pump(ch);
}

/* The CDF of this identity if it is connected, else the first that is, or n. */
static uint32_t choose(const struct charging *ch, struct slice cdf)
{
	const struct conf_charging *conf = &ch->c->conf->charging;
	uint32_t i = conf->n_cdf;

	while (i-- > 0)
		if (slice_eq_nocase(slice_str(conf->cdf[i].identity), cdf) &&
		    queries_open_to(ch->queries, i))
			return i;
	for (i = 0; i < conf->n_cdf && !queries_open_to(ch->queries, i);)
		i++;
	return i;
}

static void send(struct charging *ch, struct record *r)
{
	struct slice cdf;
	struct rf_acr acr;

	if (!acr_of(slice_of(r->text, r->len), &acr, &cdf)) {
		ch->stats.rejected++;
		finish(r);
		return;
	}
	acr.again = r->again;
	ch->stats.repeated += r->again;
	r->under_way = r->again = true;
	ch->stats.sent++;
	query(ch->queries, choose(ch, cdf), &acr,
	      (struct query_waiter){0, (void (*)(void))record_told, r});
}

static void pump(struct charging *ch)
{
	if (choose(ch, SLICE_EMPTY) == ch->c->conf->charging.n_cdf || clock_ms() < ch->again_ms)
		return;
	while (*ch->unsent && ch->stats.sent < ch->c->conf->charging.window) {
		struct record *r = *ch->unsent;

		ch->unsent = &r->next;
		if (!r->under_way && !r->done)
			send(ch, r);
	}
}

static struct record *record_new(struct charging *ch, uint64_t key, struct slice text)
{
	struct record *r = malloc(sizeof(*r) + text.len);

	if (!r)
		return NULL;
	*r = (struct record){.of = ch, .key = key, .len = text.len};
	memcpy(r->text, text.p, text.len);
	*ch->last = r;
	ch->last = &r->next;
	ch->stats.spooled++;
	if (ch->next_key <= key)
		ch->next_key = key + 1;
	return r;
}

static uint64_t wall_s(void)
{
	return clock_wall_ms() / 1000;
}

static void write_record(struct charging *ch, const struct charge *k, struct account *a,
			 enum rf_record type, const char *method, uint32_t cause)
{
	uint8_t memory[RECORD_MAX];
	struct text t = text_in(memory, sizeof(memory));

	put_line(&t, a->id);
	put_number(&t, type);
	put_number(&t, a->number++);
	put_number(&t, wall_s());
	put_number(&t, a->role);
	put_number(&t, a->node);
	put_number(&t, wall_s());
	put_number(&t, cause);
	put_line(&t, slice_str(method));
	put_line(&t, k->call_id);
	put_line(&t, k->caller);
	put_line(&t, k->called);
	put_line(&t, k->icid);
	put_line(&t, slice_str(ch->c->conf->realm));
	put_line(&t, a->cdf);
	if (t.overflow || ch->stats.spooled >= ch->c->conf->charging.spool ||
	    !record_new(ch, ch->next_key, text_slice(&t))) {
		ch->stats.lost++;
		return;
	}
	ch->stats.written++;
	persist_row_put(ch->c->persist, PERSIST_ACR, ch->next_key - 1, text_slice(&t));
}

/* ---- sessions ---- */

static struct charge **bucket_of(struct charging *ch, struct slice call_id)
{
	return &ch->bucket[hash_table(&ch->hash, call_id.p, call_id.len) % BUCKETS];
}

static struct charge *find(struct charging *ch, struct slice call_id)
{
	struct charge *k = *bucket_of(ch, call_id);

	while (k && !slice_eq(k->call_id, call_id))
		k = k->next;
	return k;
}

static void unlink_due(struct charging *ch, struct charge *k)
{
	*(k->before ? &k->before->behind : &ch->oldest) = k->behind;
	*(k->behind ? &k->behind->before : &ch->youngest) = k->before;
}

/* Behind all others: what is due next is due after the same time for all. */
static void link_due(struct charging *ch, struct charge *k)
{
	k->due_ms = clock_ms() + 1000ull * ch->c->conf->charging.interim_s;
	k->before = ch->youngest;
	k->behind = NULL;
	*(ch->youngest ? &ch->youngest->behind : &ch->oldest) = k;
	ch->youngest = k;
}

static void forget(struct charging *ch, struct charge *k)
{
	*k->at = k->next;
	if (k->next)
		k->next->at = k->at;
	unlink_due(ch, k);
	persist_row_delete(ch->c->persist, PERSIST_CHARGE, k->key);
	ch->stats.open -= k->n;
	free(k);
}

static struct slice keep(uint8_t **at, struct slice s)
{
	struct slice kept = slice_of(*at, s.len);

	if (s.len)
		memcpy(*at, s.p, s.len);
	*at += s.len;
	return kept;
}

/* A copy with texts of its own, in its place. NULL: no memory. */
static struct charge *charge_new(struct charging *ch, const struct charge *like)
{
	size_t octets =
		like->call_id.len + like->caller.len + like->called.len + like->icid.len;
	struct charge *k, **first = bucket_of(ch, like->call_id);
	uint8_t *at;

	for (uint32_t i = 0; i < like->n; i++)
		octets += like->account[i].id.len + like->account[i].cdf.len;
	k = malloc(sizeof(*k) + octets);
	if (!k)
		return NULL;
	*k = *like;
	at = k->text;
	k->call_id = keep(&at, like->call_id);
	k->caller = keep(&at, like->caller);
	k->called = keep(&at, like->called);
	k->icid = keep(&at, like->icid);
	for (uint32_t i = 0; i < k->n; i++) {
		k->account[i].id = keep(&at, like->account[i].id);
		k->account[i].cdf = keep(&at, like->account[i].cdf);
	}
	k->begun_ms = clock_ms();
	k->next = *first;
	k->at = first;
	if (k->next)
		k->next->at = &k->next;
	*first = k;
	link_due(ch, k);
	ch->stats.open += k->n;
	if (ch->next_charge <= k->key)
		ch->next_charge = k->key + 1;
	return k;
}

static void store(struct charging *ch, const struct charge *k)
{
	uint8_t memory[RECORD_MAX];
	struct text t = text_in(memory, sizeof(memory));

	put_line(&t, k->call_id);
	put_line(&t, k->caller);
	put_line(&t, k->called);
	put_line(&t, k->icid);
	for (uint32_t i = 0; i < k->n; i++) {
		put_line(&t, k->account[i].id);
		put_line(&t, k->account[i].cdf);
		put_number(&t, k->account[i].role);
		put_number(&t, k->account[i].node);
		put_number(&t, k->account[i].number);
	}
	if (!t.overflow)
		persist_row_put(ch->c->persist, PERSIST_CHARGE, k->key, text_slice(&t));
}

static void write_all(struct charging *ch, struct charge *k, enum rf_record type,
		      const char *method, uint32_t cause)
{
	for (uint32_t i = 0; i < k->n; i++)
		write_record(ch, k, &k->account[i], type, method, cause);
	if (type != RF_STOP)
		store(ch, k);
	pump(ch);
}

static void stop(struct charging *ch, struct charge *k, uint32_t cause)
{
	write_all(ch, k, RF_STOP, "BYE", cause);
	forget(ch, k);
}

static void interim(struct charging *ch, struct charge *k, const char *method)
{
	write_all(ch, k, RF_INTERIM, method, 0);
	unlink_due(ch, k);
	link_due(ch, k);
}

/* Whose token it is says whom we serve: both users, and which terminals are here. */
static bool read_token(const struct charging *ch, const struct hash_key *key,
		       struct slice call_id, struct token_dialog *out)
{
	struct sip_name_addr_walk walk;
	struct sip_name_addr entry;
	struct sip_uri uri;

	sip_walk(&walk, &ch->msg, SIP_H_RECORD_ROUTE, SIP_E_HEADER);
	while (sip_walk_next(&walk, &entry))
		if (sip_uri_decode(entry.uri, &uri) == SIP_OK &&
		    token_dialog_get(uri.user, key, call_id, out))
			return true;
	return false;
}

/* Cut to what an identity may have: a record has to fit. */
static struct slice uri_in(const struct charging *ch, enum sip_header_id id)
{
	struct sip_name_addr name;
	struct slice rest;

	if (sip_name_addr_decode(sip_first_value(&ch->msg, id), SIP_E_HEADER, &name, &rest) !=
	    SIP_OK)
		return SLICE_EMPTY;
	return slice_sub(name.uri, 0, name.uri.len < IMPU_MAX ? name.uri.len : IMPU_MAX);
}

/* The next function of a P-Charging-Function-Addresses as control makes them (profile.c). */
static bool next_function(struct slice *rest, struct slice *name, struct slice *address)
{
	*name = slice_sub(*rest, 0, slice_find(*rest, '='));
	if (name->len == rest->len)
		return false;
	*rest = slice_from(*rest, name->len + 2);
	*address = slice_sub(*rest, 0, slice_find(*rest, '"'));
	*rest = slice_from(*rest, address->len + 1);
	while (rest->len && (rest->p[0] == ';' || rest->p[0] == ' '))
		*rest = slice_from(*rest, 1);
	return true;
}

/* The first of those that the HSS named for the user (TS 29.229 §6.3.19) that we know. */
static struct slice cdf_of(const struct charging *ch, struct slice identity)
{
	const struct conf_charging *conf = &ch->c->conf->charging;
	uint8_t memory[IMPU_MAX + 1];
	struct text canonical = text_in(memory, sizeof(memory));
	const struct registration_set *set;
	struct slice rest, name, address;
	struct sip_uri uri;

	if (sip_uri_decode(identity, &uri) != SIP_OK || !sip_uri_identity(&uri, &canonical))
		return SLICE_EMPTY;
	set = registrations_by_impu(ch->c->registrations, text_cstr(&canonical));
	if (!set || !set->charging)
		return SLICE_EMPTY;
	rest = slice_str(set->charging);
	while (next_function(&rest, &name, &address))
		for (uint32_t i = 0; i < conf->n_cdf; i++)
			if (slice_eq(name, SLICE("ccf")) &&
			    slice_eq_nocase(redirect_uri_host(address),
					    slice_str(conf->cdf[i].identity)))
				return slice_str(conf->cdf[i].identity);
	return SLICE_EMPTY;
}

struct accounts_text {
	uint8_t octets[ACCOUNTS_MAX * RF_SESSION_MAX];
	struct text t;
};

static void add_account(const struct charging *ch, struct charge *k, struct accounts_text *ids,
			uint32_t role, uint32_t node)
{
	uint32_t from = ids->t.len;

	if (rf_session_id(&ids->t))
		k->account[k->n++] = (struct account){
			.role = role,
			.node = node,
			.id = text_since(&ids->t, from),
			.cdf = cdf_of(ch, role == RF_ORIGINATING ? k->caller : k->called),
		};
}

static void begin(struct charging *ch)
{
	const struct conf *conf = ch->c->conf;
	uint8_t memory[ICID_LEN];
	struct text icid = text_in(memory, sizeof(memory));
	struct accounts_text ids;
	struct token_dialog token;
	struct hash_key key;
	struct charge k = {.key = ch->next_charge,
			   .call_id = sip_first_value(&ch->msg, SIP_H_CALL_ID),
			   .caller = uri_in(ch, SIP_H_FROM),
			   .called = uri_in(ch, SIP_H_TO)};
	struct charge *made;

	ids.t = text_in(ids.octets, sizeof(ids.octets));
	if (!link_token_key(ch->c->link, &key) || !read_token(ch, &key, k.call_id, &token))
		return;
	token_icid_put(&icid, &key, k.call_id);
	k.icid = text_slice(&icid);
	if (conf->dataplane.roles & CONF_SCSCF) {
		if (token.orig)
			add_account(ch, &k, &ids, RF_ORIGINATING, RF_SCSCF);
		if (token.term)
			add_account(ch, &k, &ids, RF_TERMINATING, RF_SCSCF);
	}
	if (conf->charging.pcscf && (token.legs & TOKEN_ORIG_UE))
		add_account(ch, &k, &ids, RF_ORIGINATING, RF_PCSCF);
	if (conf->charging.pcscf && (token.legs & TOKEN_TERM_UE))
		add_account(ch, &k, &ids, RF_TERMINATING, RF_PCSCF);
	if (k.n == 0)
		return;
	made = charge_new(ch, &k);
	if (made)
		write_all(ch, made, RF_START, "INVITE", 0);
	else
		ch->stats.lost += k.n;
}

static struct charge *of_notice(struct charging *ch, const struct abi_punt *p)
{
	if (sip_parse(slice_of(p->data, p->len), &ch->msg) != SIP_OK)
		return NULL;
	return find(ch, sip_first_value(&ch->msg, SIP_H_CALL_ID));
}

void charging_begun(struct charging *ch, const struct abi_punt *p)
{
	struct charge *k;

	if (!ch || sip_parse(slice_of(p->data, p->len), &ch->msg) != SIP_OK)
		return;
	k = find(ch, sip_first_value(&ch->msg, SIP_H_CALL_ID));
	if (k)
		interim(ch, k, "INVITE");
	else
		begin(ch);
}

void charging_refreshed(struct charging *ch, const struct abi_punt *p)
{
	struct charge *k = ch ? of_notice(ch, p) : NULL;

	if (k)
		interim(ch, k, "UPDATE");
}

void charging_ended(struct charging *ch, const struct abi_punt *p)
{
	struct charge *k = ch ? of_notice(ch, p) : NULL;

	if (k)
		stop(ch, k, RF_CAUSE_NORMAL);
}

void charging_released(struct charging *ch, struct slice call_id)
{
	struct charge *k = ch ? find(ch, call_id) : NULL;

	if (k)
		stop(ch, k, RF_CAUSE_UNSPECIFIED);
}

static uint32_t cause_of(const struct charging_register *r)
{
	if (r->status >= 300)
		return r->status;
	return (uint32_t)(r->ended ? RF_CAUSE_REGISTRATION_ENDED : RF_CAUSE_SUCCESS);
}

void charging_registered(struct charging *ch, const struct charging_register *r)
{
	uint8_t memory[ICID_LEN];
	struct text icid = text_in(memory, sizeof(memory));
	struct accounts_text ids;
	struct hash_key key;
	struct charge one = {
		.call_id = r->call_id, .caller = r->identity, .called = r->identity};

	if (!ch || !ch->c->conf->charging.registrations || !link_token_key(ch->c->link, &key))
		return;
	token_icid_put(&icid, &key, r->call_id);
	one.icid = text_slice(&icid);
	ids.t = text_in(ids.octets, sizeof(ids.octets));
	if (ch->c->conf->dataplane.roles & CONF_SCSCF)
		add_account(ch, &one, &ids, RF_ORIGINATING, RF_SCSCF);
	if (ch->c->conf->charging.pcscf && r->pcscf)
		add_account(ch, &one, &ids, RF_ORIGINATING, RF_PCSCF);
	for (uint32_t i = 0; i < one.n; i++)
		write_record(ch, &one, &one.account[i], RF_EVENT, "REGISTER", cause_of(r));
	pump(ch);
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct charging *ch = w->data;
	uint64_t now = clock_ms();

	for (struct charge *k = ch->oldest, *next; k; k = next) {
		next = k->behind;
		if (k->begun_ms + FORGOTTEN_MS <= now) {
			ch->stats.forgotten++;
			stop(ch, k, RF_CAUSE_UNSPECIFIED);
		} else if (ch->c->conf->charging.interim_s && k->due_ms <= now) {
			interim(ch, k, "INVITE");
		} else {
			break;
		}
	}
	pump(ch);
}

/* ---- opening and closing ---- */

static bool take_record(void *ctx, uint64_t key, struct slice text)
{
	struct rf_acr acr;
	struct slice cdf;
	struct record *r = acr_of(text, &acr, &cdf) ? record_new(ctx, key, text) : NULL;

	if (r)
		r->again = true; /* who knows */
	return r != NULL;
}

static bool take_charge(void *ctx, uint64_t key, struct slice text)
{
	struct charge k = {.key = key,
			   .call_id = line(&text),
			   .caller = line(&text),
			   .called = line(&text),
			   .icid = line(&text)};

	while (text.len && k.n < ACCOUNTS_MAX) {
		struct account *a = &k.account[k.n++];
		uint64_t role, node, next;

		a->id = line(&text);
		a->cdf = line(&text);
		if (!number(&text, &role) || !number(&text, &node) || !number(&text, &next))
			return false;
		a->role = (uint32_t)role;
		a->node = (uint32_t)node;
		a->number = (uint32_t)next;
	}
	return k.call_id.len && charge_new(ctx, &k);
}

struct charging *charging_open(struct control *c, char *error)
{
	const struct conf_charging *conf = &c->conf->charging;
	struct charging *ch = calloc(1, sizeof(*ch));
	struct query_config config = {
		.of = &interface,
		.window = conf->window,
		.timeout_ms = conf->timeout_ms,
		.n_hosts = conf->n_cdf,
	};

	snprintf(error, ERROR_MAX, "Rf client: no memory, or no thread");
	if (!ch)
		return NULL;
	ch->c = c;
	ch->next_key = ch->next_charge = 1;
	ch->last = ch->unsent = &ch->first;
	for (uint32_t i = 0; i < conf->n_cdf; i++)
		config.host[i] = conf->cdf[i].identity;
	ev_timer_init(&ch->tick, on_tick, 1., 1.);
	ch->tick.data = ch;
	ch->queries = queries_open(c->loop, &config);
	if (ch->queries && persist_load_rows(c->persist, PERSIST_ACR, take_record, ch, error) &&
	    persist_load_rows(c->persist, PERSIST_CHARGE, take_charge, ch, error)) {
		ev_timer_start(c->loop, &ch->tick);
		return ch;
	}
	charging_close(ch);
	return NULL;
}

void charging_close(struct charging *ch)
{
	if (!ch)
		return;
	ev_timer_stop(ch->c->loop, &ch->tick);
	if (ch->queries) {
		queries_stop(ch->queries);
		queries_close(ch->queries);
	}
	for (struct record *r = ch->first, *next; r; r = next) {
		next = r->next;
		free(r);
	}
	for (struct charge *k = ch->oldest, *next; k; k = next) {
		next = k->behind;
		free(k);
	}
	free(ch);
}

void charging_stats(const struct charging *ch, struct charging_stats *out)
{
	*out = ch->stats;
	out->up = choose(ch, SLICE_EMPTY) < ch->c->conf->charging.n_cdf;
}

void charging_each(const struct charging *ch,
		   bool (*each)(void *ctx, const struct charging_row *row), void *ctx)
{
	uint64_t now = clock_ms();

	for (const struct charge *k = ch->oldest; k; k = k->behind) {
		const struct charging_row row = {
			.call_id = k->call_id,
			.icid = k->icid,
			.caller = k->caller,
			.called = k->called,
			.accounts = k->n,
			.records = k->n ? k->account[0].number : 0,
			.age_ms = now - k->begun_ms,
		};

		if (!each(ctx, &row))
			return;
	}
}
