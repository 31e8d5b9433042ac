/* server.c - where Application Servers are */
#include "table/server.h"

#include <stdlib.h>

#include "table/tables.h"

typedef const struct table_server *_Atomic server_link;

bool servers_create(struct server_table *s)
{
	s->bucket = calloc(SERVER_BUCKETS, sizeof(*s->bucket));
	return s->bucket != NULL;
}

void servers_destroy(struct server_table *s)
{
	free(s->bucket);
	*s = (struct server_table){0};
}

static server_link *bucket_of(const struct tables *t, uint64_t id)
{
	return &t->servers.bucket[id % SERVER_BUCKETS];
}

const struct table_server *table_find_server(const struct tables *t, uint64_t id)
{
	const struct table_server *s;

	/* Paired with the releasing store in table_put_server. */
	s = atomic_load_explicit(bucket_of(t, id), memory_order_acquire);
	while (s && s->id != id)
		s = atomic_load_explicit(&s->next, memory_order_acquire);
	return s;
}

static const struct table_server *at(const server_link *link)
{
	return atomic_load_explicit(link, memory_order_relaxed);
}

/* Readers that see it still find their way on by its link. */
static void take_out(struct tables *t, server_link *link)
{
	const struct table_server *gone = at(link);

	atomic_store_explicit(link, at(&gone->next), memory_order_release);
	tables_retire(t, (void *)(uintptr_t)gone);
	t->servers.n--;
}

int table_put_server(struct tables *t, const struct abi_server_view *v)
{
	server_link *link = bucket_of(t, v->server_id);
	struct table_server *s;

	while (at(link) && at(link)->id != v->server_id)
		link = (server_link *)&at(link)->next;
	if (!at(link) && t->servers.n == ABI_SERVERS_MAX)
		return INSTALL_NO_MEMORY;
	s = tables_alloc(t, (sizeof(*s) + INDEX_LINE - 1) / INDEX_LINE * INDEX_LINE);
	if (!s)
		return INSTALL_NO_MEMORY;
	*s = (struct table_server){.id = v->server_id, .epoch = t->epoch, .n = v->n_addr};
	memcpy(s->addr, v->addr, v->n_addr * sizeof(s->addr[0]));
	if (at(link)) {
		const struct table_server *old = at(link);

		atomic_init(&s->next, at(&old->next));
		atomic_store_explicit(link, s, memory_order_release);
		tables_retire(t, (void *)(uintptr_t)old);
		return INSTALL_OK;
	}
	atomic_init(&s->next, NULL);
	atomic_store_explicit(link, s, memory_order_release);
	t->servers.n++;
	return INSTALL_OK;
}

void servers_sweep(struct tables *t)
{
	for (uint32_t i = 0; i < SERVER_BUCKETS; i++) {
		server_link *link = &t->servers.bucket[i];

		while (at(link)) {
			if (at(link)->epoch == t->epoch)
				link = (server_link *)&at(link)->next;
			else
				take_out(t, link);
		}
	}
}
