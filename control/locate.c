/* locate.c - which S-CSCF serves a called user: LIR at the I-CSCF; restoration at the S-CSCF */
#include "control/locate.h"

#include <ev.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/control.h"
#include "control/cx.h"
#include "control/link.h"
#include "control/registration.h"
#include "control/register.h"
#include "control/resolve.h"
#include "control/restore.h"
#include "control/select.h"
#include "sip/name_addr.h"
#include "sip/parse.h"
#include "sip/uri.h"
#include "sip/via.h"

enum {
	HELD_MAX = 8192, /* messages; more: 503 */
	HELD_BUCKETS = 2048,
	RESUME_RETRY_MS = 20, /* when the ring to the worker is full */
	RESUME_GIVE_UP_MS = 2000,
};

/* A message from its punt until it was resumed. */
struct held {
	struct locator *l;
	struct held *chain, **at; /* same bucket */
	uint64_t key; /* keyed MAC over what makes a repeat: no collision can be made */
	char impu[IMPU_MAX + 1]; /* canonical Request-URI; of a caller, P-Asserted-Identity */
	struct restoring restoring;
	bool originating; /* the caller is the one we do not know */
	struct held *next_retry;
	uint64_t give_up_ms;
	enum abi_locate locate;
	uint16_t status;
	struct addr hop;
	uint32_t route_len;
	uint8_t route[SIP_URI_MAX];
	struct abi_punt punt; /* its data follow */
};

struct locator {
	struct control *c;
	struct hash_key hash;
	struct select_counts chosen;
	struct ev_timer retry_timer;
	struct held *retry;
	uint32_t n;
	struct held *bucket[HELD_BUCKETS];
};

static void forget(struct held *h)
{
	*h->at = h->chain;
	if (h->chain)
		h->chain->at = h->at;
	h->l->n--;
	free(h);
}

static bool hand_back(struct held *h)
{
	return link_resume(h->l->c->link, &h->punt, h->locate, h->status, &h->hop,
			   slice_of(h->route, h->route_len));
}

/* The one place where a held message leaves: resumed, or kept for the next try. */
static void resume(struct held *h)
{
	struct locator *l = h->l;

	if (hand_back(h)) {
		forget(h);
		return;
	}
	h->give_up_ms = clock_ms() + RESUME_GIVE_UP_MS;
	h->next_retry = l->retry;
	l->retry = h;
	if (!ev_is_active(&l->retry_timer))
		ev_timer_start(l->c->loop, &l->retry_timer);
}

static void retry(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct locator *l = w->data;
	struct held **at = &l->retry;
	uint64_t now = clock_ms();

	while (*at) {
		struct held *h = *at;

		if (!hand_back(h) && h->give_up_ms > now) {
			at = &h->next_retry;
			continue;
		}
		*at = h->next_retry;
		forget(h);
	}
	if (!l->retry)
		ev_timer_stop(loop, w);
}

static void reject(struct held *h, uint16_t status)
{
	h->locate = LOCATE_REJECT;
	h->status = status;
	resume(h);
}

struct locator *locator_open(struct control *c)
{
	struct locator *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->c = c;
	if (RAND_bytes((uint8_t *)&l->hash, sizeof(l->hash)) != 1) {
		free(l);
		return NULL;
	}
	ev_timer_init(&l->retry_timer, retry, RESUME_RETRY_MS / 1000.0,
		      RESUME_RETRY_MS / 1000.0);
	l->retry_timer.data = l;
	return l;
}

void locator_close(struct locator *l)
{
	if (!l)
		return;
	ev_timer_stop(l->c->loop, &l->retry_timer);
	for (uint32_t i = 0; i < HELD_BUCKETS; i++)
		while (l->bucket[i])
			forget(l->bucket[i]);
	free(l);
}

/* TS 24.229 §5.4.3.2, §5.4.3.3: the S-CSCF has nothing of the user. The P-CSCF that hears 504
 * makes the UE register anew. */
static void restored(void *ctx, enum restore_result result)
{
	struct held *h = ctx;

	switch (result) {
	case RESTORE_OK:
		h->locate = LOCATE_LOCAL;
		resume(h);
		return;
	case RESTORE_LATER:
		reject(h, 503);
		return;
	case RESTORE_NO_HSS:
		reject(h, 504);
		return;
	case RESTORE_NOBODY:
		reject(h, h->originating ? 403 : 480);
		return;
	case RESTORE_FAILED:
		reject(h, h->originating ? 504 : 480);
		return;
	}
}

static void restore(struct held *h)
{
	struct control *c = h->l->c;

	if (!c->conf->control.restoration) {
		reject(h, h->originating ? 403 : 480);
		return;
	}
	h->restoring = (struct restoring){c, h->impu, restored, h};
	restore_user(&h->restoring);
}

static void to_scscf(struct held *h, struct slice server_name)
{
	switch (resolve_uri(h->l->c->conf, server_name, &h->hop)) {
	case RESOLVE_OK:
		if (server_name.len > sizeof(h->route)) {
			reject(h, 500);
			return;
		}
		memcpy(h->route, server_name.p, server_name.len);
		h->route_len = server_name.len;
		h->locate = LOCATE_SCSCF;
		resume(h);
		return;
	case RESOLVE_SELF:
		/* The worker did not find the user here, and neither did located(): either we
		 * forgot him, or the HSS keeps our name for a user who is not registered, and
		 * has no services for that state here. */
		restore(h);
		return;
	case RESOLVE_UNKNOWN:
		log_event(LOG_WARN, "locate", "scscf_unknown",
			  LOG_S("server_name", server_name));
		reject(h, 504);
		return;
	}
}

/* TS 24.229 §5.3.2.1: nobody serves the called user yet. Here there is nothing to be done for
 * one who is not registered. */
static void choose(struct held *h, const struct cx_capabilities *want)
{
	uint8_t memory[SIP_URI_MAX];
	struct text uri = text_in(memory, sizeof(memory));
	struct select_tried tried = {0};
	struct addr hop;

	switch (select_scscf(h->l->c->conf, want, &h->l->chosen, &tried, &uri)) {
	case SELECT_OK:
		if (resolve_uri(h->l->c->conf, text_slice(&uri), &hop) == RESOLVE_SELF)
			reject(h, 480);
		else
			to_scscf(h, text_slice(&uri));
		return;
	case SELECT_NONE:
		reject(h, 600);
		return;
	case SELECT_USED:
		reject(h, 480);
		return;
	}
}

/* TS 24.229 §5.3.2.1 */
static void located(void *ctx, const struct cx_lia *a)
{
	struct held *h = ctx;

	/* Registered here while the HSS was being asked. */
	if (registrations_by_impu(h->l->c->registrations, h->impu)) {
		h->locate = LOCATE_LOCAL;
		resume(h);
		return;
	}
	switch (a->result) {
	case CX_SUCCESS:
	case CX_SUCCESS_SERVER_NAME_NOT_STORED:
		if (a->server_name.len)
			to_scscf(h, a->server_name);
		else
			reject(h, 480);
		break;
	case CX_UNREGISTERED_SERVICE:
		choose(h, &a->capabilities);
		break;
	case CX_ERROR_IDENTITY_NOT_REGISTERED:
		reject(h, 480);
		break;
	case CX_ERROR_USER_UNKNOWN:
		reject(h, 404);
		break;
	case CX_NO_ANSWER:
	case CX_UNABLE_TO_DELIVER:
		reject(h, 504);
		break;
	case CX_WINDOW_FULL:
	case CX_TOO_BUSY:
		reject(h, 503);
		break;
	default:
		reject(h, 500);
	}
}

/* A repeat has the same branch, sent-by and CSeq (RFC 3261 §17.2.3), and comes from the same
 * place. */
static bool key_of(const struct locator *l, const struct abi_punt *p, const struct sip_msg *m,
		   uint64_t *out)
{
	struct hash_mac mac;
	struct sip_via via;

	if (sip_via_top(m, &via) != SIP_OK)
		return false;
	hash_mac_start(&mac, &l->hash);
	hash_mac_part(&mac, via.branch);
	hash_mac_part(&mac, via.host);
	hash_mac_u64(&mac, via.port);
	hash_mac_part(&mac, m->method_name);
	hash_mac_u64(&mac, m->cseq);
	hash_mac_part(&mac, slice_of(&p->src, sizeof(p->src)));
	*out = hash_mac_end(&mac);
	return true;
}

static struct held *find(const struct locator *l, uint64_t key)
{
	struct held *h = l->bucket[key % HELD_BUCKETS];

	while (h && h->key != key)
		h = h->chain;
	return h;
}

static struct held *hold(struct locator *l, const struct abi_punt *p, uint64_t key)
{
	struct held *h = l->n < HELD_MAX ? calloc(1, sizeof(*h) + p->len) : NULL;
	struct held **bucket = &l->bucket[key % HELD_BUCKETS];

	if (!h)
		return NULL;
	h->l = l;
	h->key = key;
	memcpy(&h->punt, p, sizeof(*p));
	memcpy(h->punt.data, p->data, p->len);
	h->at = bucket;
	h->chain = *bucket;
	if (h->chain)
		h->chain->at = &h->chain;
	*bucket = h;
	l->n++;
	return h;
}

/* An S-CSCF's Service-Route on top tells a request of its served user (register.h). */
static bool is_originating(const struct control *c, const struct sip_msg *m)
{
	struct sip_name_addr route;
	struct slice rest;
	struct sip_uri uri;

	return (c->conf->dataplane.roles & CONF_SCSCF) &&
	       sip_name_addr_decode(sip_first_value(m, SIP_H_ROUTE), SIP_E_ROUTE, &route,
				    &rest) == SIP_OK &&
	       sip_uri_decode(route.uri, &uri) == SIP_OK && slice_eq(uri.user, SLICE("orig")) &&
	       own_uri(c->conf, route.uri);
}

static bool identity(struct held *h, const struct sip_msg *m)
{
	struct text t = text_in(h->impu, sizeof(h->impu));
	struct slice of = m->uri, rest;
	struct sip_name_addr asserted;
	struct sip_uri uri;

	if (h->originating) {
		if (sip_name_addr_decode(sip_first_value(m, SIP_H_P_ASSERTED_IDENTITY),
					 SIP_E_HEADER, &asserted, &rest) != SIP_OK)
			return false;
		of = asserted.uri;
	}
	if (sip_uri_decode(of, &uri) != SIP_OK || !sip_uri_identity(&uri, &t) ||
	    t.len > IMPU_MAX)
		return false;
	text_cstr(&t);
	return true;
}

/* A message that cannot be held is answered all the same; if even that fails, its sender
 * repeats it. */
static void reject_unheld(struct locator *l, const struct abi_punt *p, uint16_t status)
{
	link_resume(l->c->link, p, LOCATE_REJECT, status, &(struct addr){0}, SLICE_EMPTY);
}

/* Served here under a wildcarded identity: the HSS need not say so (TS 24.229 §5.4.3.3). */
static bool by_wildcard(struct held *h)
{
	const char *wildcard;
	struct registration_set *s =
		registrations_by_wildcard(h->l->c->registrations, h->impu, &wildcard);

	if (!s || !(s->roles & ABI_REG_SCSCF))
		return false;
	h->route_len = (uint32_t)strlen(wildcard);
	memcpy(h->route, wildcard, h->route_len);
	h->locate = LOCATE_LOCAL;
	resume(h);
	return true;
}

void locator_request(struct locator *l, const struct abi_punt *p)
{
	struct cx_lir q = {0};
	struct sip_msg m;
	struct held *h;
	uint64_t key;

	if (sip_parse(slice_of(p->data, p->len), &m) != SIP_OK || !key_of(l, p, &m, &key)) {
		reject_unheld(l, p, 400);
		return;
	}
	if (find(l, key))
		return;
	h = hold(l, p, key);
	if (!h) {
		reject_unheld(l, p, 503);
		return;
	}
	h->originating = is_originating(l->c, &m);
	if (!identity(h, &m)) {
		reject(h, h->originating ? 403 : 404);
		return;
	}
	if (by_wildcard(h))
		return;
	q.impu = slice_str(h->impu);
	if (!l->c->cx)
		reject(h, 504);
	else if (h->originating || !(l->c->conf->dataplane.roles & CONF_ICSCF))
		restore(h);
	else
		cx_lir(l->c->cx, &q, located, h);
}
