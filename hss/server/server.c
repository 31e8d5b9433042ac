/* server.c - the Cx commands of the HSS on the wire: decode, decide, answer */
#define _GNU_SOURCE
#include "hss/server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include "base/log.h"
#include "base/text.h"
#include "cx/codec.h"

enum { ERROR_MAX = 256, LOCK_WAIT_S = 1 };

static const uint32_t served[] = {CX_UAR, CX_SAR, CX_LIR, CX_MAR};

enum { SERVED = sizeof(served) / sizeof(served[0]) };

struct handler {
	struct server *server;
	uint32_t command;
};

struct server {
	struct hss *hss;
	struct rtr *rtr;
	struct pnr *pnr;
	struct metrics_counters *counters;
	pthread_mutex_t lock; /* of hss and its store: the state has one writer anyhow */
	struct handler handler[SERVED];
};

/* TS 29.228 §6.1.3: the S-CSCF that had the user before another one was assigned. */
static void tell_replaced(struct server *s, struct slice impi)
{
	struct hss *h = s->hss;
	char name[IMPI_MAX + 1];
	struct text t = text_in(name, sizeof(name));

	text_put(&t, impi);
	rtr_deregister(s->rtr, &(struct ended){.impus = h->set,
					       .n = h->n_set,
					       .impi = text_cstr(&t),
					       .reason = CX_REASON_NEW_SERVER_ASSIGNED});
}

/* Application Servers may want to know: the state of the user, who serves him. */
static void tell_state(struct server *s, int result)
{
	if (result == CX_SUCCESS || result == CX_SUCCESS_SERVER_NAME_NOT_STORED)
		pnr_set_changed(s->pnr, s->hss->impu.implicit_set);
}

/* Under the lock, because the answer points into the memory of the decision. */
static int decide(struct server *s, uint32_t command, const union cx_any_request *r,
		  union cx_any_answer *a)
{
	switch (command) {
	case CX_UAR:
		hss_uar(s->hss, &r->uar, &a->uaa);
		break;
	case CX_LIR:
		hss_lir(s->hss, &r->lir, &a->lia);
		break;
	case CX_MAR:
		hss_mar(s->hss, &r->mar, &a->maa);
		tell_state(s, a->result);
		break;
	default:
		hss_sar(s->hss, &r->sar, &a->saa);
		tell_state(s, a->result);
		if (a->result == CX_SUCCESS && s->hss->replaced)
			tell_replaced(s, r->sar.impi);
		break;
	}
	return a->result;
}

/* Nobody waits without a bound, not for a thread that the store holds up either. */
static bool lock(struct server *s)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOCK_WAIT_S;
	return pthread_mutex_clocklock(&s->lock, CLOCK_MONOTONIC, &until) == 0;
}

static int refuse(struct msg **m, int result)
{
	return cx_answer_error(m, result) ? 0 : result;
}

/* The result that *m now carries, or 0: *m is not an answer. */
static int answer(struct server *s, uint32_t command, struct msg **m)
{
	union cx_any_request r;
	union cx_any_answer a;
	int result = cx_decode_request(command, *m, &r);

	if (result)
		return refuse(m, result);
	if (!lock(s))
		return refuse(m, CX_TOO_BUSY);
	result = decide(s, command, &r, &a);
	if (cx_answer(command, m, &a) != 0)
		result = refuse(m, CX_UNABLE_TO_COMPLY);
	pthread_mutex_unlock(&s->lock);
	if (command == CX_MAR)
		explicit_bzero(&a, sizeof(a));
	return result;
}

static int on_request(struct msg **m, struct avp *avp, struct session *session, void *opaque,
		      enum disp_action *action)
{
	struct handler *h = opaque;
	struct msg_hdr *header;
	int result;

	/* Answers come to the callback of who asked. */
	if (fd_msg_hdr(*m, &header) != 0 || !(header->msg_flags & CMD_FLAG_REQUEST)) {
		*action = DISP_ACT_CONT;
		return 0;
	}
	result = answer(h->server, h->command, m);
	if (!result) {
		log_event(LOG_ERROR, "server", "no_answer", LOG_U("command", h->command));
		fd_msg_free(*m);
		*m = NULL;
		return 0;
	}
	metrics_count(h->server->counters, h->command, result);
	log_event(LOG_DEBUG, "server", "answered", LOG_U("command", h->command),
		  LOG_Z("result", cx_result_name(result)));
	*action = DISP_ACT_SEND;
	return 0;
}

static bool handlers_open(struct server *s)
{
	for (int i = 0; i < SERVED; i++) {
		struct handler *h = &s->handler[i];
		struct disp_when when = {.command = cx_command(served[i])};

		h->server = s;
		h->command = served[i];
		if (!when.command ||
		    fd_disp_register(on_request, DISP_HOW_CC, &when, h, NULL) != 0)
			return false;
	}
	return true;
}

struct server *server_open(struct store *store, const struct hss_config *config,
			   struct metrics_counters *counters, struct rtr *rtr, struct pnr *pnr,
			   char *error)
{
	struct server *s = calloc(1, sizeof(*s));

	if (s)
		s->hss = hss_new(store, config);
	if (!s || !s->hss || pthread_mutex_init(&s->lock, NULL) != 0) {
		snprintf(error, ERROR_MAX, "no memory");
		if (s)
			hss_free(s->hss);
		free(s);
		return NULL;
	}
	s->counters = counters;
	s->rtr = rtr;
	s->pnr = pnr;
	if (handlers_open(s))
		return s;
	snprintf(error, ERROR_MAX, "cannot register the Cx commands with freeDiameter");
	server_close(s);
	return NULL;
}

void server_close(struct server *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	hss_free(s->hss);
	free(s);
}
