/* servers.h - Application Servers by their SIP URI, and where they are (RFC 3263)
 *
 * One entry for each host, port and transport that a service profile names. A name is asked of
 * the DNS as soon as it is met, and again every SERVERS_ASK_S seconds, which costs nothing
 * while its records live; when the DNS is silent the addresses that were known stay. Bounded:
 * beyond SERVERS_MAX the one that was not met for the longest time gives way, if nobody holds
 * it. Loop thread only.
 */
#pragma once

#include "base/addr.h"
#include "base/slice.h"

struct abi_server_view;
struct control;
struct ifc;
struct servers;
struct server;

enum {
	SERVERS_MAX = 1024,
	SERVER_ADDRESSES_MAX = 4,
	SERVER_NAME_MAX = 288, /* "host:port" */
	SERVERS_ASK_S = 10,
	/* An address that did not answer is passed over for so long, while there is another. */
	SERVERS_REST_MS = 30000,
};

enum server_state {
	SERVER_ASKED,   /* the DNS has not answered yet */
	SERVER_FOUND,   /* there is an address */
	SERVER_NOWHERE, /* the DNS knows none, or it leads to ourselves */
	SERVER_SILENT,  /* the DNS does not say */
};

/* Needs c->outbound for its DNS at the time of each question. NULL: no memory. */
struct servers *servers_open(struct control *c);
void servers_close(struct servers *s);
/* Called when addresses or state of a server are others than before, maybe from within
 * servers_hold and servers_meet. */
void servers_watch(struct servers *s, void (*changed)(void *ctx, struct server *server),
		   void *ctx);

/* The server of a SIP URI, held until servers_release. NULL: no SIP URI, too many, or no
 * memory. */
struct server *servers_hold(struct servers *s, struct slice uri);
void servers_release(struct servers *s, struct server *server);
/* The servers that a service profile names, but for those whose host is an address. */
void servers_meet(struct servers *s, const struct ifc *profile);

const char *server_name(const struct server *server); /* "as.example:5060" */
enum server_state server_state(const struct server *server);
uint32_t server_addresses(const struct server *server, struct addr out[SERVER_ADDRESSES_MAX]);
/* The address to try next, of those whose bit in *tried is not set; its bit is set. Those that
 * rest come last. False: all were tried, or there is none. */
bool server_next(const struct server *server, uint32_t *tried, struct addr *out);
/* What became of a request there. */
void server_answered(struct server *server, const struct addr *a);
void server_failed(struct server *server, const struct addr *a);

/* For the data plane: where a server with a name is, or that it is nowhere; lends its host.
 * False: there is nothing to say, or not yet. */
bool server_view(const struct server *server, struct abi_server_view *v);

struct server_row {
	const char *name;
	enum server_state state;
	uint32_t n;
	struct addr address[SERVER_ADDRESSES_MAX];
	bool resting[SERVER_ADDRESSES_MAX];
	uint64_t answered, failed; /* requests of control's own */
};
void server_describe(const struct server *server, struct server_row *out);
/* Until it gives false. */
void servers_each(struct servers *s, bool (*each)(void *ctx, struct server *server), void *ctx);

struct servers_stats {
	uint32_t n, nowhere, silent;
	uint64_t refused; /* not taken: too many */
};
void servers_stats(const struct servers *s, struct servers_stats *out);
