/* rtr.c - what the HSS asks of an S-CSCF: end a registration (RTR), take a new profile (PPR) */
#define _GNU_SOURCE
#include "hss/rtr.h"

#include <stdio.h>
#include <stdlib.h>

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include "base/clock.h"
#include "base/log.h"
#include "cx/codec.h"
#include "hss/again.h"
#include "hss/decide.h"
#include "hss/userdata.h"

enum { ANSWER_WAIT_S = 10 };

/* A profile that changed: the sets up to `done` have it. */
struct changed {
	int64_t profile, done;
};

struct rtr {
	struct store *store;
	const char *origin;
	struct metrics_counters *counters;
	struct rtr_sender sender;
	struct again *again;
	uint32_t n_changed;
	struct changed changed[RTR_PROFILES_MAX];
	struct store_impu set[SET_IMPUS_MAX];
	struct store_service service;
	char impi[1][IMPI_MAX + 1];
	uint8_t user_data[HSS_USER_DATA_MAX];
};

static const char *command_text(uint32_t command)
{
	return command == CX_RTR ? "RTR" : "PPR";
}

/* A request under way; freed when it is over. */
struct asked {
	struct rtr *x;
	struct again_item item;
};

/* What passes by itself: nobody was there, or was too busy. */
static bool may_pass(int result)
{
	return result == CX_NO_ANSWER || result == CX_UNABLE_TO_DELIVER ||
	       result == CX_TOO_BUSY;
}

/* Takes the item. Any thread. */
static void over(struct rtr *x, struct again_item *item, int result)
{
	bool again = false;

	item->tries++;
	if (may_pass(result))
		again = again_put(x->again, item, clock_ms());
	else
		free(item->rtr);
	log_event(result == CX_SUCCESS ? LOG_INFO : LOG_WARN, "rtr", "answer",
		  LOG_Z("command", command_text(item->command)),
		  LOG_Z("result", cx_result_name(result)),
		  LOG_Z("again", again ? "yes" : "no"));
}

static void end(struct asked *a, struct msg **m, int result)
{
	metrics_count(a->x->counters, (int)a->item.command, result);
	over(a->x, &a->item, result);
	fd_msg_free(*m);
	*m = NULL;
	free(a);
}

/* On freeDiameter's thread. */
static void on_answer(void *ctx, struct msg **m)
{
	struct asked *a = ctx;
	union cx_any_answer answer;

	cx_decode_answer(a->item.command, *m, &answer);
	end(a, m, answer.result);
}

static void on_expiry(void *ctx, DiamId_t to, size_t to_len, struct msg **m)
{
	end(ctx, m, CX_NO_ANSWER);
}

static bool send_diameter(void *ctx, const struct again_item *item, const void *request)
{
	struct asked *a = malloc(sizeof(*a));
	struct msg *m = NULL;
	struct timespec until;

	if (!a || cx_request(item->command, &m, request, slice_str(item->host)) != 0) {
		free(a);
		return false;
	}
	*a = (struct asked){ctx, *item};
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ANSWER_WAIT_S;
	if (fd_msg_send_timeout(&m, on_answer, a, on_expiry, &until) == 0)
		return true;
	if (m)
		fd_msg_free(m);
	free(a);
	return false;
}

struct rtr *rtr_open(struct store *store, const char *origin, struct metrics_counters *counters,
		     const struct rtr_sender *sender)
{
	struct rtr *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->store = store;
	x->origin = origin;
	x->counters = counters;
	x->sender = sender ? *sender : (struct rtr_sender){send_diameter, x};
	x->again = again_new();
	if (x->again)
		return x;
	free(x);
	return NULL;
}

void rtr_close(struct rtr *x)
{
	if (x)
		again_free(x->again);
	free(x);
}

/* Takes the item; the sender's callback gives it back, or nothing does. */
static void send_request(struct rtr *x, struct again_item *item, const void *request)
{
	bool sent = x->sender.send(x->sender.ctx, item, request);

	log_event(sent ? LOG_INFO : LOG_WARN, "rtr", sent ? "sent" : "not_sent",
		  LOG_Z("command", command_text(item->command)), LOG_Z("host", item->host));
	if (!sent)
		over(x, item, CX_NO_ANSWER);
}

void rtr_deregister(void *ctx, const struct ended *e)
{
	struct rtr *x = ctx;
	struct cx_rtr r = {
		.impi = slice_str(e->impi),
		.reason = e->reason,
		.reason_info = slice_str(e->info ? e->info : ""),
		.origin_host = slice_str(x->origin),
	};
	struct again_item item = {.command = CX_RTR};

	if (e->n == 0 || e->impus[0].state == STORE_NOT_REGISTERED || !*e->impus[0].scscf_host)
		return;
	for (uint32_t i = 0; !e->by_impi && i < e->n && i < CX_IMPUS_MAX; i++)
		r.impu[r.n_impus++] = slice_str(e->impus[i].impu);
	for (uint32_t i = 0; i < e->n_associated && i < CX_ASSOCIATED_MAX; i++)
		r.associated_impi[r.n_associated++] = slice_str(e->associated[i]);
	item.rtr = cx_copy_request(CX_RTR, &r);
	if (!item.rtr)
		return;
	snprintf(item.host, sizeof(item.host), "%s", e->impus[0].scscf_host);
	send_request(x, &item, item.rtr);
}

/* In one view, so that profile and set belong together. */
static bool read_set(struct rtr *x, int64_t set, struct text *xml)
{
	uint32_t n, n_impi = 0;
	bool good;

	if (store_begin(x->store, STORE_READ) != STORE_OK)
		return false;
	good = store_implicit_set(x->store, set, x->set, SET_IMPUS_MAX, &n) == STORE_OK &&
	       store_set_impis(x->store, set, x->impi, 1, &n_impi) == STORE_OK && n_impi == 1 &&
	       userdata_write(x->store, x->impi[0], x->set, n, xml) == 0 &&
	       store_service(x->store, x->set[0].subscription, &x->service) == STORE_OK;
	store_rollback(x->store);
	return good;
}

static void push_set(struct rtr *x, struct again_item *item)
{
	struct text xml = text_in(x->user_data, sizeof(x->user_data));
	struct cx_ppr r = {.origin_host = slice_str(x->origin)};

	if (!read_set(x, item->set, &xml) || !*x->set[0].scscf_host)
		return;
	r.impi = slice_str(x->impi[0]);
	r.user_data = text_slice(&xml);
	decide_charging(&x->service, &r.charging);
	snprintf(item->host, sizeof(item->host), "%s", x->set[0].scscf_host);
	send_request(x, item, &r);
}

void rtr_push_set(void *ctx, int64_t set)
{
	push_set(ctx, &(struct again_item){.command = CX_PPR, .set = set});
}

void rtr_push_set_soon(void *ctx, int64_t set)
{
	struct rtr *x = ctx;

	again_put(x->again, &(struct again_item){.command = CX_PPR, .set = set}, clock_ms());
}

/* Whether the registration that a RTR was to end has come back at the same S-CSCF meanwhile:
 * then it is another one, and stays. */
static bool came_back(struct rtr *x, const struct again_item *item)
{
	struct store_impi impi;
	struct store_tie tie;
	uint32_t n;
	enum store_result r = store_find_impi(x->store, item->rtr->impi, &impi);

	if (r == STORE_OK)
		r = store_find_tie(x->store, impi.implicit_set, impi.id, &tie);
	if (r == STORE_OK)
		r = store_implicit_set(x->store, impi.implicit_set, x->set, SET_IMPUS_MAX, &n);
	explicit_bzero(&impi, sizeof(impi));
	return r == STORE_OK && (tie.registered || tie.pending) &&
	       strcmp(x->set[0].scscf_host, item->host) == 0;
}

static void send_again(struct rtr *x)
{
	struct again_item item;

	for (int i = 0; i < RTR_PUSHES_PER_TICK && again_take(x->again, clock_ms(), &item);
	     i++) {
		if (item.command == CX_PPR)
			push_set(x, &item);
		else if (came_back(x, &item))
			free(item.rtr);
		else
			send_request(x, &item, item.rtr);
	}
}

void rtr_push_profile(void *ctx, int64_t profile)
{
	struct rtr *x = ctx;
	uint32_t i = 0;

	while (i < x->n_changed && x->changed[i].profile != profile)
		i++;
	if (i == RTR_PROFILES_MAX) {
		log_event(LOG_WARN, "rtr", "not_pushed", LOG_I("profile", profile));
		return;
	}
	/* Changed again while under way: from the beginning. */
	x->changed[i] = (struct changed){.profile = profile};
	if (i == x->n_changed)
		x->n_changed++;
}

bool rtr_tick(struct rtr *x)
{
	send_again(x);
	for (int i = 0; i < RTR_PUSHES_PER_TICK && x->n_changed; i++) {
		struct changed *c = &x->changed[0];
		enum store_result r =
			store_profile_next_set(x->store, c->profile, c->done, &c->done);

		if (r == STORE_OK) {
			rtr_push_set(x, c->done);
			continue;
		}
		/* A store that fails now is asked again at the next tick. */
		if (r != STORE_NONE)
			break;
		*c = x->changed[--x->n_changed];
	}
	return x->n_changed != 0 || !again_empty(x->again);
}
