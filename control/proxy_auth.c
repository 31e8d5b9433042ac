/* proxy_auth.c - is a request its user's? (TS 33.203 Annex N) */
#include "control/proxy_auth.h"

#include <ev.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/auth.h"
#include "control/control.h"
#include "control/cx.h"
#include "control/held.h"
#include "control/register.h"
#include "control/registration.h"
#include "control/tries.h"
#include "sip/parse.h"

enum {
	TICK_CHALLENGES = 1000,
	TRIES_TTL_MS = 300000,
	/* Requests that have passed, so that a repeat does not use its count a second time. One
	   that was forgotten for another is challenged anew. */
	PASSED = 65536,
	T1_TIMES = 64,
};
static const double tick_seconds = 0.25;

struct passed {
	uint64_t key, until_ms;
};

struct proxy_auths {
	struct control *c;
	struct nonces *nonces;
	struct tries *tries;
	struct ev_timer tick;
	struct passed *passed;
	struct proxy_auths_stats stats;
};

/* A request that waits for its vector. */
struct asking {
	struct held held; /* first */
	struct proxy_auths *a;
	char impi[IMPI_MAX + 1], impu[IMPU_MAX + 1];
	bool unknown_nonce; /* the response may be right but for its nonce's age */
};

static void unanswered(void *ctx, const struct challenge *c)
{
}

static void tick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct proxy_auths *a = w->data;

	nonces_expire(a->nonces, clock_ms(), TICK_CHALLENGES);
}

struct proxy_auths *proxy_auths_open(struct control *c)
{
	const struct conf_control *conf = &c->conf->control;
	struct proxy_auths *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->c = c;
	a->nonces = nonces_new(conf->nonce_max, conf->nonce_ttl_s * 1000ull, unanswered, a);
	a->tries = tries_new(TRIES_TTL_MS);
	a->passed = calloc(PASSED, sizeof(*a->passed));
	if (!a->nonces || !a->tries || !a->passed) {
		nonces_free(a->nonces);
		tries_free(a->tries);
		free(a->passed);
		free(a);
		return NULL;
	}
	ev_timer_init(&a->tick, tick, tick_seconds, tick_seconds);
	a->tick.data = a;
	ev_timer_start(c->loop, &a->tick);
	return a;
}

void proxy_auths_close(struct proxy_auths *a)
{
	if (!a)
		return;
	ev_timer_stop(a->c->loop, &a->tick);
	nonces_free(a->nonces);
	tries_free(a->tries);
	free(a->passed);
	free(a);
}

static bool has_passed(const struct proxy_auths *a, uint64_t key)
{
	const struct passed *p = &a->passed[key % PASSED];

	return p->key == key && p->until_ms > clock_ms();
}

static void pass(struct asking *h)
{
	struct proxy_auths *a = h->a;

	a->passed[h->held.key % PASSED] = (struct passed){
		h->held.key, clock_ms() + T1_TIMES * (uint64_t)a->c->conf->dataplane.t1_ms};
	a->stats.passed++;
	h->held.locate = LOCATE_PASS;
	held_resume(&h->held);
}

/* True: one too many, and 403 was sent. */
static bool too_often(struct asking *h)
{
	struct proxy_auths *a = h->a;

	a->stats.wrong++;
	if (tries_add(a->tries, slice_str(h->impi), clock_ms()) <
	    a->c->conf->control.auth_tries)
		return false;
	tries_clear(a->tries, slice_str(h->impi));
	held_reject(&h->held, 403);
	return true;
}

static bool parse_again(const struct asking *h, struct sip_msg *m, struct auth_credentials *c)
{
	const struct abi_punt *p = h->held.punt;

	return sip_parse(slice_of(p->data, p->len), m) == SIP_OK &&
	       auth_decode(m, SIP_H_PROXY_AUTHORIZATION, slice_str(h->a->c->conf->realm), c) ==
		       AUTH_FOUND;
}

/* RFC 7616 §3.3: stale only where nothing but the nonce's age was wrong. False: refused. */
static bool judge_unknown(struct asking *h, const struct challenge *ch, uint32_t *offer)
{
	struct auth_credentials c;
	struct sip_msg m;

	if (!parse_again(h, &m, &c))
		return true;
	if (!auth_check(ch, &c, m.method_name))
		return !too_often(h);
	*offer |= AUTH_OFFER_STALE;
	h->a->stats.stale++;
	return true;
}

static void send_challenge(struct asking *h, const struct cx_vector *v)
{
	struct proxy_auths *a = h->a;
	const struct conf *conf = a->c->conf;
	struct text lines = text_in(h->held.route, sizeof(h->held.route));
	char nonce[NONCE_TEXT_MAX + 1];
	uint32_t offer = AUTH_OFFER_PROXY | (conf->control.digest_md5 ? AUTH_OFFER_MD5 : 0u) |
			 (conf->control.digest_sha256 ? AUTH_OFFER_SHA256 : 0u);
	const struct challenge *ch = NULL;
	struct challenge_seed seed = {
		.vector = v,
		.impi = slice_str(h->impi),
		.impu = slice_str(h->impu),
		.realm = slice_str(v->digest_realm[0] ? v->digest_realm : conf->realm),
	};

	if (auth_nonce(v, nonce)) {
		seed.nonce = slice_str(nonce);
		ch = nonces_add(a->nonces, &seed, clock_ms());
	}
	if (!ch) {
		held_reject(&h->held, 503);
		return;
	}
	if (h->unknown_nonce && !judge_unknown(h, ch, &offer))
		return;
	auth_challenge_put(&lines, ch, offer, NULL);
	if (lines.overflow || lines.len == 0) {
		held_reject(&h->held, 500);
		return;
	}
	h->held.route_len = lines.len;
	a->stats.challenged++;
	held_reject(&h->held, 407);
}

static void vectors(void *ctx, const struct cx_maa *maa)
{
	struct asking *h = ctx;

	if (maa->result == CX_SUCCESS && maa->n_vectors &&
	    maa->vector[0].scheme == CX_AUTH_DIGEST) {
		send_challenge(h, &maa->vector[0]);
		return;
	}
	h->a->stats.failed++;
	log_event(LOG_WARN, "proxy_auth", "no_vector", LOG_Z("impi", h->impi),
		  LOG_Z("result", cx_result_name(maa->result)));
	held_reject(&h->held, maa->result == CX_SUCCESS ? 403 : 504);
}

static void challenge(struct asking *h)
{
	struct control *c = h->a->c;
	struct cx_mar q = {
		.impi = slice_str(h->impi),
		.impu = slice_str(h->impu),
		.server_name = slice_str(c->conf->scscf_uri),
		.n_vectors = 1,
		.scheme = CX_AUTH_DIGEST,
	};

	if (c->cx)
		cx_mar(c->cx, &q, vectors, h);
	else
		held_reject(&h->held, 504);
}

static void check(struct asking *h, const struct sip_msg *m, const struct auth_credentials *c)
{
	struct proxy_auths *a = h->a;
	struct challenge *ch = nonces_find(a->nonces, c->nonce, clock_ms());

	if (!ch || strcmp(ch->impi, h->impi)) {
		h->unknown_nonce = true;
		challenge(h);
	} else if (!auth_check(ch, c, m->method_name)) {
		/* Once a guess was made at it a nonce is spent. */
		nonces_remove(a->nonces, ch);
		if (!too_often(h))
			challenge(h);
	} else if (!auth_count(ch, c)) {
		a->stats.stale++;
		challenge(h);
	} else {
		tries_clear(a->tries, slice_str(h->impi));
		pass(h);
	}
}

/* One of the private identities that registered the set. */
static bool is_of_set(const struct registration_set *set, struct slice impi)
{
	if (slice_eq(impi, slice_str(set->impi)))
		return true;
	for (uint32_t i = 0; i < set->n_contact; i++)
		if (slice_eq(impi, slice_str(set->contact[i].impi)))
			return true;
	return false;
}

static void copy_name(char *to, size_t size, struct slice name)
{
	struct text t = text_in((uint8_t *)to, (uint32_t)size);

	text_put(&t, name);
	text_cstr(&t);
}

static void judge(struct asking *h, const struct sip_msg *m)
{
	const struct control *c = h->a->c;
	const struct registration_set *set =
		registrations_by_id(c->registrations, h->held.user);
	struct auth_credentials credentials;
	enum auth_found found = auth_decode(m, SIP_H_PROXY_AUTHORIZATION,
					    slice_str(c->conf->realm), &credentials);

	/* Its registration has just ended. */
	if (!set) {
		held_reject(&h->held, 403);
		return;
	}
	if (found == AUTH_MALFORMED) {
		held_reject(&h->held, 400);
		return;
	}
	copy_name(h->impi, sizeof(h->impi), slice_str(set->impi));
	copy_name(h->impu, sizeof(h->impu), slice_str(set->impu[0]));
	if (found == AUTH_NONE || !auth_is_response(&credentials)) {
		challenge(h);
		return;
	}
	if (!is_of_set(set, credentials.username)) {
		h->a->stats.wrong++;
		held_reject(&h->held, 403);
		return;
	}
	/* RFC 7616 §3.4.6: a digest made for another resource proves nothing here. */
	if (!slice_eq(credentials.uri, m->uri)) {
		held_reject(&h->held, 400);
		return;
	}
	copy_name(h->impi, sizeof(h->impi), credentials.username);
	check(h, m, &credentials);
}

void proxy_auth_request(struct proxy_auths *a, const struct abi_punt *p)
{
	struct helds *helds = a->c->helds;
	struct sip_msg m;
	struct asking *h;
	uint64_t key;

	if (sip_parse(slice_of(p->data, p->len), &m) != SIP_OK ||
	    !held_key(helds, p, &m, &key)) {
		held_reject_other(helds, p, 400);
		return;
	}
	h = (struct asking *)held_new(helds, p, key, sizeof(*h));
	if (!h)
		return;
	h->a = a;
	if (has_passed(a, key)) {
		h->held.locate = LOCATE_PASS;
		held_resume(&h->held);
		return;
	}
	judge(h, &m);
}

void proxy_auths_stats(const struct proxy_auths *a, struct proxy_auths_stats *out)
{
	*out = a->stats;
	out->challenges = nonces_count(a->nonces);
}
