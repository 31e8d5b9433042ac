/* held.c - requests that workers have punted, from then until control says how they go on */
#include "control/held.h"

#include <ev.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/clock.h"
#include "control/link.h"
#include "sip/via.h"

enum {
	HELD_BUCKETS = 2048,
	RESUME_RETRY_MS = 20, /* when the ring to the worker is full */
	RESUME_GIVE_UP_MS = 2000,
	PUNT_ALIGN = 8,
};

struct helds {
	struct ev_loop *loop;
	struct link *link;
	struct hash_key hash;
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
	h->all->n--;
	free(h->renamed);
	free(h);
}

static bool hand_back(struct held *h)
{
	const struct link_verdict v = {.locate = h->locate,
				       .status = h->status,
				       .hop = h->hop,
				       .user = h->user,
				       .route = slice_of(h->route, h->route_len)};

	return link_resume(h->all->link, h->punt, &v);
}

void held_resume(struct held *h)
{
	struct helds *all = h->all;

	if (hand_back(h)) {
		forget(h);
		return;
	}
	h->give_up_ms = clock_ms() + RESUME_GIVE_UP_MS;
	h->next_retry = all->retry;
	all->retry = h;
	if (!ev_is_active(&all->retry_timer))
		ev_timer_start(all->loop, &all->retry_timer);
}

void held_reject(struct held *h, uint16_t status)
{
	h->locate = LOCATE_REJECT;
	h->status = status;
	held_resume(h);
}

void held_reject_other(struct helds *all, const struct abi_punt *p, uint16_t status)
{
	const struct link_verdict v = {.locate = LOCATE_REJECT, .status = status};

	/* If even that fails, its sender repeats it. */
	link_resume(all->link, p, &v);
}

static void retry(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct helds *all = w->data;
	struct held **at = &all->retry;
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
	if (!all->retry)
		ev_timer_stop(loop, w);
}

struct helds *helds_open(struct ev_loop *loop, struct link *link)
{
	struct helds *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->loop = loop;
	all->link = link;
	if (RAND_bytes((uint8_t *)&all->hash, sizeof(all->hash)) != 1) {
		free(all);
		return NULL;
	}
	ev_timer_init(&all->retry_timer, retry, RESUME_RETRY_MS / 1000.0,
		      RESUME_RETRY_MS / 1000.0);
	all->retry_timer.data = all;
	return all;
}

void helds_close(struct helds *all)
{
	if (!all)
		return;
	ev_timer_stop(all->loop, &all->retry_timer);
	for (uint32_t i = 0; i < HELD_BUCKETS; i++)
		while (all->bucket[i])
			forget(all->bucket[i]);
	free(all);
}

/* A repeat has the same branch, sent-by and CSeq, and comes from the same place. */
bool held_key(const struct helds *all, const struct abi_punt *p, const struct sip_msg *m,
	      uint64_t *key)
{
	struct hash_mac mac;
	struct sip_via via;

	if (sip_via_top(m, &via) != SIP_OK)
		return false;
	hash_mac_start(&mac, &all->hash);
	hash_mac_part(&mac, via.branch);
	hash_mac_part(&mac, via.host);
	hash_mac_u64(&mac, via.port);
	hash_mac_part(&mac, m->method_name);
	hash_mac_u64(&mac, m->cseq);
	hash_mac_u64(&mac, m->status);
	if (m->status) { /* of one request several: RFC 3262 numbers them, forks tag them */
		hash_mac_part(&mac, m->to_tag);
		hash_mac_part(&mac, sip_first_value(m, SIP_H_RSEQ));
	}
	hash_mac_part(&mac, slice_of(&p->src, sizeof(p->src)));
	*key = hash_mac_end(&mac);
	return true;
}

static bool is_held(const struct helds *all, uint64_t key)
{
	const struct held *h = all->bucket[key % HELD_BUCKETS];

	while (h && h->key != key)
		h = h->chain;
	return h != NULL;
}

struct held *held_new(struct helds *all, const struct abi_punt *p, uint64_t key, size_t size)
{
	struct held **bucket = &all->bucket[key % HELD_BUCKETS], *h = NULL;

	if (is_held(all, key))
		return NULL;
	size = (size + PUNT_ALIGN - 1) / PUNT_ALIGN * PUNT_ALIGN;
	if (all->n < HELD_MAX)
		h = calloc(1, size + sizeof(*p) + p->len);
	if (!h) {
		held_reject_other(all, p, 503);
		return NULL;
	}
	h->all = all;
	h->key = key;
	h->user = p->user;
	h->punt = (struct abi_punt *)((uint8_t *)h + size);
	memcpy(h->punt, p, sizeof(*p));
	memcpy(h->punt->data, p->data, p->len);
	h->at = bucket;
	h->chain = *bucket;
	if (h->chain)
		h->chain->at = &h->chain;
	*bucket = h;
	all->n++;
	return h;
}

struct slice held_message(const struct held *h)
{
	return slice_of(h->punt->data, h->punt->len);
}

/* Of a message that was parsed once: behind the first blank, up to the second. */
struct slice held_uri(const struct held *h)
{
	struct slice s = held_message(h);

	s = slice_from(s, slice_find(s, ' ') + 1);
	return slice_sub(s, 0, slice_find(s, ' '));
}

bool held_rename(struct held *h, struct slice uri)
{
	struct slice all = held_message(h), old = held_uri(h);
	uint32_t at = (uint32_t)(old.p - all.p), len = all.len - old.len + uri.len;
	struct abi_punt *p;

	if (uri.len == 0 || uri.len > SIP_URI_MAX || len > SIP_MESSAGE_MAX)
		return false;
	p = malloc(sizeof(*p) + len);
	if (!p)
		return false;
	memcpy(p, h->punt, sizeof(*p));
	p->len = len;
	memcpy(p->data, all.p, at);
	memcpy(p->data + at, uri.p, uri.len);
	memcpy(p->data + at + uri.len, all.p + at + old.len, all.len - at - old.len);
	free(h->renamed);
	h->renamed = h->punt = p;
	return true;
}
