/* rtr.c - what the HSS asks of an S-CSCF: end a registration (RTR), take a new profile (PPR) */
#include "hss/rtr.h"

#include <stdlib.h>

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include "base/log.h"
#include "cx/codec.h"
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

static void note_result(struct rtr *x, uint32_t command, int result)
{
	metrics_count(x->counters, (int)command, result);
	log_event(result == CX_SUCCESS ? LOG_INFO : LOG_WARN, "rtr", "answer",
		  LOG_Z("command", command_text(command)),
		  LOG_Z("result", cx_result_name(result)));
}

/* On freeDiameter's thread. */
static void on_answer(struct rtr *x, uint32_t command, struct msg **m)
{
	union cx_any_answer a;

	cx_decode_answer(command, *m, &a);
	note_result(x, command, a.result);
	fd_msg_free(*m);
	*m = NULL;
}

static void on_rta(void *ctx, struct msg **m)
{
	on_answer(ctx, CX_RTR, m);
}

static void on_ppa(void *ctx, struct msg **m)
{
	on_answer(ctx, CX_PPR, m);
}

static void on_expiry(struct rtr *x, uint32_t command, struct msg **m)
{
	note_result(x, command, CX_NO_ANSWER);
	fd_msg_free(*m);
	*m = NULL;
}

static void on_rtr_expiry(void *ctx, DiamId_t to, size_t to_len, struct msg **m)
{
	on_expiry(ctx, CX_RTR, m);
}

static void on_ppr_expiry(void *ctx, DiamId_t to, size_t to_len, struct msg **m)
{
	on_expiry(ctx, CX_PPR, m);
}

static bool send_diameter(void *ctx, uint32_t command, const void *request, struct slice host)
{
	bool is_rtr = command == CX_RTR;
	struct msg *m = NULL;
	struct timespec until;

	if (cx_request(command, &m, request, host) != 0)
		return false;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ANSWER_WAIT_S;
	if (fd_msg_send_timeout(&m, is_rtr ? on_rta : on_ppa, ctx,
				is_rtr ? on_rtr_expiry : on_ppr_expiry, &until) == 0)
		return true;
	if (m)
		fd_msg_free(m);
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
	return x;
}

void rtr_close(struct rtr *x)
{
	free(x);
}

static void send_request(struct rtr *x, uint32_t command, const void *request, const char *host)
{
	bool sent = x->sender.send(x->sender.ctx, command, request, slice_str(host));

	log_event(sent ? LOG_INFO : LOG_WARN, "rtr", sent ? "sent" : "not_sent",
		  LOG_Z("command", command_text(command)), LOG_Z("host", host));
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

	if (e->n == 0 || e->impus[0].state == STORE_NOT_REGISTERED || !*e->impus[0].scscf_host)
		return;
	for (uint32_t i = 0; !e->by_impi && i < e->n && i < CX_IMPUS_MAX; i++)
		r.impu[r.n_impus++] = slice_str(e->impus[i].impu);
	for (uint32_t i = 0; i < e->n_associated && i < CX_ASSOCIATED_MAX; i++)
		r.associated_impi[r.n_associated++] = slice_str(e->associated[i]);
	send_request(x, CX_RTR, &r, e->impus[0].scscf_host);
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

void rtr_push_set(void *ctx, int64_t set)
{
	struct rtr *x = ctx;
	struct text xml = text_in(x->user_data, sizeof(x->user_data));
	struct cx_ppr r = {.origin_host = slice_str(x->origin)};

	if (!read_set(x, set, &xml) || !*x->set[0].scscf_host)
		return;
	r.impi = slice_str(x->impi[0]);
	r.user_data = text_slice(&xml);
	decide_charging(&x->service, &r.charging);
	send_request(x, CX_PPR, &r, x->set[0].scscf_host);
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
	return x->n_changed != 0;
}
