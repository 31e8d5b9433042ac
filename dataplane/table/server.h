/* server.h - where Application Servers are, by the host and port of their SIP URI
 *
 * A few thousand at most, in chains that workers read while the management thread changes them:
 * an entry is immutable but for its link, another one takes its place, and the old one is freed
 * after a grace period.
 */
#pragma once

#include <stdatomic.h>

#include "abi/install.h"

enum { SERVER_BUCKETS = 1024 };

struct tables;

struct table_server {
	uint64_t id;
	const struct table_server *_Atomic next; /* of its bucket */
	uint32_t epoch;                          /* of its put; for the management thread */
	uint32_t n;                              /* 0: it is nowhere */
	struct addr addr[ABI_SERVER_ADDRESSES];  /* in the order in which they are tried */
};

struct server_table {
	const struct table_server *_Atomic *bucket;
	uint32_t n; /* management thread */
};

/* Workers, inside a read-side section: the server with this abi_server_id. NULL: nobody has
 * said where it is, yet. */
const struct table_server *table_find_server(const struct tables *t, uint64_t id);

/* Management thread, all of these. */

/* In the place of the one with this id. INSTALL_OK or NO_MEMORY, also for more than
 * ABI_SERVERS_MAX. */
int table_put_server(struct tables *t, const struct abi_server_view *v);
/* At start; false: no memory. */
bool servers_create(struct server_table *s);
void servers_destroy(struct server_table *s);
/* Those that were not put since table_sync_begin go. */
void servers_sweep(struct tables *t);
