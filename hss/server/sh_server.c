/* sh_server.c - the Sh commands of the HSS on the wire: decode, decide, answer */
#define _GNU_SOURCE
#include "hss/sh_server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include "base/log.h"
#include "sh/codec.h"

enum { ERROR_MAX = 256, LOCK_WAIT_S = 1 };

static const uint32_t served[] = {SH_UDR, SH_PUR, SH_SNR};

enum { SERVED = sizeof(served) / sizeof(served[0]) };

struct handler {
	struct sh_server *server;
	uint32_t command;
};

struct sh_server {
	struct sh *sh;
	struct pnr *pnr;
	struct sh_events events;
	struct metrics_counters *counters;
	pthread_mutex_t lock; /* of sh and its store */
	struct handler handler[SERVED];
};

/* Under the lock, because the answer points into the memory of the decision. */
static int decide(struct sh_server *s, uint32_t command, const union sh_any_request *r,
		  union sh_any_answer *a)
{
	switch (command) {
	case SH_UDR:
		hss_udr(s->sh, &r->udr, &a->uda);
		break;
	case SH_PUR:
		hss_pur(s->sh, &r->pur, &a->pua);
		break;
	default:
		hss_snr(s->sh, &r->snr, (int64_t)time(NULL), &a->sna);
		break;
	}
	return a->result;
}

/* Nobody waits without a bound, not for a thread that the store holds up either. */
static bool lock(struct sh_server *s)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOCK_WAIT_S;
	return pthread_mutex_clocklock(&s->lock, CLOCK_MONOTONIC, &until) == 0;
}

static int refuse(struct msg **m, int result)
{
	return sh_answer_error(m, result) ? 0 : result;
}

static void act(struct sh_server *s, const struct sh_subject *subject,
		const struct sh_changes *changes)
{
	if (changes->data)
		pnr_identity_changed(s->pnr, subject->identity);
	if (changes->criteria && s->events.criteria_changed)
		s->events.criteria_changed(s->events.ctx, subject->impu.implicit_set);
}

/* The peer that the message came from is the server itself, or hands on for others: one server
 * may not speak for another. */
static bool speaks_for(struct sh_server *s, struct msg *m, struct slice origin)
{
	char peer[STORE_HOST_MAX + 1];
	DiamId_t from;
	size_t len;
	bool is_server;

	if (fd_msg_source_get(m, &from, &len) != 0 || !from ||
	    !sh_host(slice_of(from, len), peer))
		return false;
	return slice_eq(origin, slice_str(peer)) ||
	       (store_permission_known(s->sh->store, peer, &is_server) == STORE_OK &&
		!is_server);
}

static struct slice *origin_of(uint32_t command, union sh_any_request *r)
{
	switch (command) {
	case SH_UDR:
		return &r->udr.origin_host;
	case SH_PUR:
		return &r->pur.origin_host;
	default:
		return &r->snr.origin_host;
	}
}

/* The result that *m now carries, or 0: *m is not an answer. */
static int answer(struct sh_server *s, uint32_t command, struct msg **m)
{
	union sh_any_request r;
	union sh_any_answer a;
	struct slice *origin = origin_of(command, &r);
	char host[STORE_HOST_MAX + 1];
	int result = sh_decode_request(command, *m, &r);

	if (!result && !sh_host(*origin, host))
		result = CX_INVALID_AVP_VALUE;
	if (result)
		return refuse(m, result);
	*origin = slice_str(host);
	if (!lock(s))
		return refuse(m, CX_TOO_BUSY);
	if (!speaks_for(s, *m, *origin)) {
		pthread_mutex_unlock(&s->lock);
		return refuse(m, CX_AUTHORIZATION_REJECTED);
	}
	result = decide(s, command, &r, &a);
	act(s, &s->sh->subject, &s->sh->changes);
	if (sh_answer(command, m, &a) != 0)
		result = refuse(m, CX_UNABLE_TO_COMPLY);
	pthread_mutex_unlock(&s->lock);
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
		log_event(LOG_ERROR, "sh", "no_answer", LOG_U("command", h->command));
		fd_msg_free(*m);
		*m = NULL;
		return 0;
	}
	metrics_count(h->server->counters, (int)h->command, result);
	log_event(LOG_DEBUG, "sh", "answered", LOG_U("command", h->command),
		  LOG_Z("result", sh_result_name(result)));
	*action = DISP_ACT_SEND;
	return 0;
}

static bool handlers_open(struct sh_server *s)
{
	for (int i = 0; i < SERVED; i++) {
		struct handler *h = &s->handler[i];
		struct disp_when when = {.command = sh_command(served[i])};

		h->server = s;
		h->command = served[i];
		if (!when.command ||
		    fd_disp_register(on_request, DISP_HOW_CC, &when, h, NULL) != 0)
			return false;
	}
	return true;
}

struct sh_server *sh_server_open(struct store *store, struct metrics_counters *counters,
				 struct pnr *pnr, const struct sh_events *events, char *error)
{
	struct sh_server *s = calloc(1, sizeof(*s));

	if (s)
		s->sh = sh_new(store);
	if (!s || !s->sh || pthread_mutex_init(&s->lock, NULL) != 0) {
		snprintf(error, ERROR_MAX, "no memory");
		if (s)
			sh_free(s->sh);
		free(s);
		return NULL;
	}
	s->counters = counters;
	s->pnr = pnr;
	s->events = *events;
	if (handlers_open(s))
		return s;
	snprintf(error, ERROR_MAX, "cannot register the Sh commands with freeDiameter");
	sh_server_close(s);
	return NULL;
}

void sh_server_close(struct sh_server *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	sh_free(s->sh);
	free(s);
}
