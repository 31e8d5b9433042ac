/* node.h - what this node is: names, addresses, trust, policy; read-only on workers */
#pragma once

#include <stdatomic.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/route.h"

struct emergency;

enum node_roles { NODE_PCSCF = 1, NODE_ICSCF = 2, NODE_SCSCF = 4, NODE_ECSCF = 8 };

/* A neighbour we take requests from. */
struct node_prefix {
	struct addr ip;
	uint8_t bits;
	bool foreign; /* outside of the trust domain */
	bool hiding;  /* sees nothing of our topology */
};

/* A namespace of Resource-Priority (RFC 4412): its values, and the users who may use it. */
struct node_priority {
	struct slice space;
	uint32_t n_value, n_user;
	struct slice value[PRIORITY_VALUES_MAX], user[PRIORITY_USERS_MAX];
};

struct node_route {
	struct slice user, domain; /* empty: any user; one of our own domains or addresses */
	struct addr to;
};

/* Bounds of a registration, in seconds. The management thread stores them, at a reload too, and
 * workers load them, both relaxed: each stands for itself. */
struct node_expires {
	_Atomic uint32_t min_s, default_s, max_s;
};

struct node {
	uint32_t roles;
	const struct route_table *routes;
	struct slice realm; /* home network domain, lower case */
	uint32_t n_domains;
	struct slice domain[16]; /* own domains, realm first, lower case */
	struct slice pcscf_host, icscf_host, scscf_host; /* host parts of the roles' URIs */
	struct slice scscf_uri;                          /* with scheme, without parameters */
	struct slice visited_network;
	uint16_t sip_port;
	uint16_t worker_port_base;
	/* Protected server port (TS 33.203 §7.1), where the node makes security agreements; 0:
	 * none. What comes there came under an SA. */
	uint16_t port_ps;
	bool worker_ports; /* Via and Record-Route carry the worker's own port: the NIC steers
			      by it */
	uint32_t n_workers;
	uint32_t n_peers;
	struct node_prefix peer[PEERS_MAX];
	bool hides; /* from one peer at least */
	uint32_t n_policy;
	bool preconditions; /* a 180 waits for them, too */
	struct node_prefix
		policy[POLICY_ACCESSES_MAX]; /* where session descriptions are looked at */
	uint32_t n_priorities;
	struct node_priority priority[PRIORITY_SPACES_MAX];
	uint32_t n_routes;
	struct node_route route[ROUTES_MAX];
	struct addr icscf, scscf; /* family 0: none */
	bool outbound;            /* control knows ways out of the network: DNS, or rules, */
	bool numbers;             /* and makes global numbers of what is dialled */
	uint32_t t1_ms, t2_ms, t4_ms, timer_c_ms;
	uint32_t session_expires_s, min_se_s; /* RFC 4028; 0: sessions are given no time here */
	uint32_t server_ms;                   /* how long an Application Server is waited for */
	uint32_t ring_ms; /* how long contacts ring before the next are tried */
	uint32_t max_breadth;
	uint32_t flow_timer_s; /* told to terminals with SIP outbound; 0: not */
	uint32_t transactions; /* per worker */
	bool follow;           /* INVITEs go after terminals that move */
	bool watch_sessions; /* control is told of dialogs that INVITEs begin, and of their end
			      */
	struct node_expires expires;
	/* Replaced at a reload: a worker lets go of it at its next quiescent state. NULL: calls
	 * for help are calls like others. */
	const struct emergency *_Atomic emergency;
	struct hash_key
		token_key; /* same over restarts: Record-Route and Path outlive the process */
	struct hash_key branch_key; /* drawn at start */
};
