/* registrar.c - REGISTER: which roles of this node work on it, in which order */
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "control/register.h"

enum {
	TICK_CHALLENGES = 1000, /* ended in one tick at most, so that the loop is not held */
	TRIES_TTL_MS = 300000,
};
static const double tick_seconds = 0.25;

static void tick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct registrar *r = w->data;

	nonces_expire(r->nonces, clock_ms(), TICK_CHALLENGES);
	vectors_expire(r->vectors, clock_ms(), TICK_CHALLENGES);
	agreement_expire(r);
}

struct registrar *registrar_open(struct control *c)
{
	const struct conf_control *conf = &c->conf->control;
	struct registrar *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->c = c;
	r->nonces =
		nonces_new(conf->nonce_max, conf->nonce_ttl_s * 1000ull, scscf_unanswered, r);
	r->vectors = vectors_new(conf->nonce_max);
	r->tries = tries_new(TRIES_TTL_MS);
	r->refreshed = refreshed_open(r);
	if (!r->nonces || !r->vectors || !r->tries || !r->refreshed || !agreement_open(c) ||
	    RAND_bytes((uint8_t *)&r->key, sizeof(r->key)) != 1 ||
	    RAND_bytes((uint8_t *)&r->icid_boot, sizeof(r->icid_boot)) != 1) {
		refreshed_close(r->refreshed);
		nonces_free(r->nonces);
		vectors_free(r->vectors);
		tries_free(r->tries);
		free(r);
		return NULL;
	}
	ev_timer_init(&r->tick, tick, tick_seconds, tick_seconds);
	r->tick.data = r;
	ev_timer_start(c->loop, &r->tick);
	return r;
}

void registrar_close(struct registrar *r)
{
	if (!r)
		return;
	ev_timer_stop(r->c->loop, &r->tick);
	/* Nobody is to be called any more, not even those that wait. */
	for (struct registering *g = r->all; g; g = g->next)
		g->behind = NULL;
	while (r->all)
		register_drop(r->all);
	refreshed_close(r->refreshed);
	nonces_free(r->nonces);
	vectors_free(r->vectors);
	tries_free(r->tries);
	free(r);
}

static struct registering *start(struct registrar *r, struct exchange *x)
{
	struct registering *g = r->n_all < REGISTERING_MAX ? calloc(1, sizeof(*g)) : NULL;

	if (!g)
		return NULL;
	g->r = r;
	g->x = x;
	g->next = r->all;
	if (g->next)
		g->next->at = &g->next;
	g->at = &r->all;
	r->all = g;
	r->n_all++;
	return g;
}

/* Ours as P-CSCF unless a P-CSCF was there before: then a peer sends it, with that one's Path.
 * A Path that a terminal wrote counts for nothing. What comes under a security association
 * comes from a terminal, whose own address, behind a NAT, may look like a peer's. */
static bool comes_from_terminal(const struct conf *conf, const struct exchange *x)
{
	return x->sa_id || !(own_peer(conf, &x->src) && sip_first(&x->msg, SIP_H_PATH));
}

void registrar_register(struct registrar *r, struct exchange *x)
{
	const struct conf *conf = r->c->conf;
	uint32_t roles = conf->dataplane.roles;
	struct registering *g = start(r, x);

	if (!g) {
		exchange_reply(r->c->exchanges, x, 503, "Service Unavailable",
			       SLICE("Retry-After: 5\r\n"), SLICE_EMPTY);
		return;
	}
	g->pcscf = roles & CONF_PCSCF && comes_from_terminal(conf, x);
	if (!g->pcscf && (roles == CONF_PCSCF || !own_peer(conf, &x->src))) {
		register_reply(g, 403, "not from a CSCF known here", SLICE_EMPTY);
		return;
	}
	if (!register_decode(g) ||
	    !(g->pcscf ? pcscf_check(g)
		       : register_check_extensions(g, SIP_H_PROXY_REQUIRE, SLICE("path"))))
		return;
	/* A P-CSCF and S-CSCF without an I-CSCF between them have nobody to ask which S-CSCF it
	 * is: it is this one. */
	if (roles & CONF_ICSCF)
		icscf_register(g);
	else if (roles & CONF_SCSCF)
		scscf_register(g);
	else
		forward_register(g, &conf->dataplane.icscf, SLICE_EMPTY);
}

void registrar_stats(const struct registrar *r, struct registrar_stats *out)
{
	*out = r->stats;
	out->challenges = nonces_count(r->nonces);
	out->vectors_users = vectors_users(r->vectors);
	out->refreshed_waiting = refreshed_waiting(r->refreshed);
}
