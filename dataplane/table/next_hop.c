/* next_hop.c - the ways out of the network, by what is called: a domain or a number */
#include "table/next_hop.h"

#include <stdlib.h>

#include "table/tables.h"

typedef const struct table_next_hop *_Atomic next_hop_link;

bool next_hop_table_create(struct next_hop_table *s)
{
	s->bucket = calloc(NEXT_HOP_BUCKETS, sizeof(*s->bucket));
	return s->bucket != NULL;
}

void next_hop_table_destroy(struct next_hop_table *s)
{
	free(s->bucket);
	*s = (struct next_hop_table){0};
}

static uint64_t hash_of(const struct tables *t, struct slice to)
{
	return hash_table(&t->key, to.p, to.len);
}

static bool is_it(const struct table_next_hop *h, uint64_t hash, struct slice to)
{
	return h->hash == hash && slice_eq(slice_of(h->text, h->to_len), to);
}

const struct table_next_hop *table_find_next_hop(const struct tables *t, struct slice to)
{
	const struct table_next_hop *h;
	uint64_t hash = hash_of(t, to);

	/* Paired with the releasing stores in table_put_next_hop. */
	h = atomic_load_explicit(&t->next_hops.bucket[hash % NEXT_HOP_BUCKETS],
				 memory_order_acquire);
	while (h && !is_it(h, hash, to))
		h = atomic_load_explicit(&h->next, memory_order_acquire);
	return h;
}

const struct table_next_hop *table_find_number(const struct tables *t, struct slice number)
{
	const struct table_next_hop *h = table_find_next_hop(t, number);
	/* A hint alone: what it says too much costs a look, what it lacks is not there yet. */
	uint32_t lengths = atomic_load_explicit(&t->next_hops.lengths, memory_order_relaxed);
	uint8_t beginning[1 + NEXT_HOP_DIGITS + 1];
	uint32_t digits = number.len ? number.len - 1 : 0;

	if (digits > NEXT_HOP_DIGITS)
		return h;
	for (uint32_t i = digits; i > 0 && !h; i--) {
		if (!(lengths & 1u << i))
			continue;
		memcpy(beginning, number.p, i + 1);
		beginning[i + 1] = '*';
		h = table_find_next_hop(t, slice_of(beginning, i + 2));
	}
	return h;
}

static const struct table_next_hop *at(const next_hop_link *link)
{
	return atomic_load_explicit(link, memory_order_relaxed);
}

/* Digits of "+49*"; 0: it is no beginning of a number. */
static uint32_t beginning_of(const struct table_next_hop *h)
{
	bool is = h->to_len > 2 && h->to_len <= NEXT_HOP_DIGITS + 2 && h->text[0] == '+' &&
		  h->text[h->to_len - 1] == '*';

	return is ? h->to_len - 2u : 0;
}

static void count_in(struct next_hop_table *s, const struct table_next_hop *h, int by)
{
	uint32_t digits = beginning_of(h), lengths = 0;

	s->n += (uint32_t)by;
	s->of_length[digits] += (uint32_t)by;
	for (uint32_t i = 1; i <= NEXT_HOP_DIGITS; i++)
		lengths |= s->of_length[i] ? 1u << i : 0;
	atomic_store_explicit(&s->lengths, lengths, memory_order_relaxed);
}

/* Readers that see it still find their way on by its link. */
static void take_out(struct tables *t, next_hop_link *link)
{
	const struct table_next_hop *gone = at(link);

	atomic_store_explicit(link, at(&gone->next), memory_order_release);
	count_in(&t->next_hops, gone, -1);
	tables_retire(t, (void *)(uintptr_t)gone);
}

static struct table_next_hop *make(struct tables *t, const struct abi_route_view *v)
{
	struct table_next_hop *h;
	uint32_t size = (uint32_t)sizeof(*h) + v->to.len + v->uri.len;

	h = tables_alloc(t, (size + INDEX_LINE - 1) / INDEX_LINE * INDEX_LINE);
	if (!h)
		return NULL;
	*h = (struct table_next_hop){.hash = hash_of(t, v->to),
				     .expires_ms = v->expires_ms,
				     .epoch = t->epoch,
				     .to_len = (uint16_t)v->to.len,
				     .uri_len = (uint16_t)v->uri.len,
				     .kind = v->kind,
				     .n = (uint8_t)v->n_addr};
	memcpy(h->addr, v->addr, v->n_addr * sizeof(h->addr[0]));
	memcpy(h->text, v->to.p, v->to.len);
	if (v->uri.len)
		memcpy(h->text + v->to.len, v->uri.p, v->uri.len);
	return h;
}

int table_put_next_hop(struct tables *t, const struct abi_route_view *v)
{
	uint64_t hash = hash_of(t, v->to);
	next_hop_link *link = &t->next_hops.bucket[hash % NEXT_HOP_BUCKETS];
	struct table_next_hop *h;

	while (at(link) && !is_it(at(link), hash, v->to))
		link = (next_hop_link *)&at(link)->next;
	if (v->n_addr == 0) {
		if (at(link))
			take_out(t, link);
		return INSTALL_OK;
	}
	if (!at(link) && t->next_hops.n == ABI_ROUTES_MAX)
		return INSTALL_NO_MEMORY;
	h = make(t, v);
	if (!h)
		return INSTALL_NO_MEMORY;
	if (at(link)) {
		const struct table_next_hop *old = at(link);

		atomic_init(&h->next, at(&old->next));
		atomic_store_explicit(link, h, memory_order_release);
		tables_retire(t, (void *)(uintptr_t)old);
		return INSTALL_OK;
	}
	atomic_init(&h->next, NULL);
	atomic_store_explicit(link, h, memory_order_release);
	count_in(&t->next_hops, h, 1);
	return INSTALL_OK;
}

void next_hops_sweep(struct tables *t)
{
	for (uint32_t i = 0; i < NEXT_HOP_BUCKETS; i++) {
		next_hop_link *link = &t->next_hops.bucket[i];

		while (at(link)) {
			if (at(link)->epoch == t->epoch)
				link = (next_hop_link *)&at(link)->next;
			else
				take_out(t, link);
		}
	}
}
