/* pass.h - one message on its way through the roles
 *
 * Private to role/. Each step takes the pass, looks whether it applies, adds edits and
 * targets, and returns NEXT, or the final verdict. Slices point into the datagram, into a
 * registration (valid until the worker's next quiescent state) or into the edits' arena.
 */
#pragma once

#include "abi/gruu.h"
#include "abi/seal.h"
#include "abi/token.h"
#include "role/branch.h"
#include "role/role.h"
#include "sip/edit.h"
#include "sip/name_addr.h"
#include "sip/via.h"

struct txn;

enum pass_source {
	SOURCE_UNKNOWN, /* neither registered nor trusted */
	SOURCE_UE,      /* a flow that registered */
	SOURCE_PEER,    /* trusted by configuration */
};

/* How far the request has come. Each role works on its own stages and sets the next. */
enum pass_stage {
	STAGE_ARRIVED,     /* nobody has decided yet */
	STAGE_DIALOG,      /* in-dialog: the token leads */
	STAGE_ORIGINATING, /* S-CSCF serves the calling user */
	STAGE_LOCATE,      /* I-CSCF finds the called user's S-CSCF */
	STAGE_TERMINATING, /* S-CSCF serves the called user */
	STAGE_DELIVER,     /* P-CSCF delivers to the flow of a Path token */
	STAGE_ROUTED,      /* targets are set */
};

/* One place to forward to. */
struct target {
	struct addr dst;
	struct addr local;  /* to send from; family 0: the route's own address */
	struct slice uri;   /* new Request-URI; p NULL: as it is */
	struct slice route; /* value of a Route header to put on top; empty: none */
	uint64_t sa_id;     /* of the contact: what goes there goes under it */
	bool server;        /* an Application Server */
	bool hop;           /* of another network: there may be others that lead there */
	bool ue;            /* a registered flow, outside the trust domain */
	uint32_t contact;   /* of a called user's contact: which one, */
	uint32_t instance;  /* and of which terminal, 0: not known; short hashes */
};

/* A public identity in its canonical form. */
struct identity {
	uint16_t len; /* 0: it is none */
	bool by_hash; /* a temporary GRUU: the hash is of whom it stands for, the text is not */
	uint64_t hash;
	uint8_t text[IMPU_MAX];
};

/* The Request-URI names one terminal of the called user (RFC 5627). */
enum pass_gruu {
	GRUU_NONE,
	GRUU_PUBLIC,
	GRUU_TEMPORARY,
	GRUU_UNKNOWN, /* not one that was given out here */
};

struct pass {
	struct role_worker *w;
	struct buf *b;
	struct outbox *out;
	struct sip_edits *edits; /* the worker's; empty when the first step begins */
	uint64_t now;

	enum sip_error error;  /* why it cannot be read */
	struct sip_via via;    /* top Via */
	struct slice via_rest; /* further Vias on its line */
	struct slice call_id;
	struct slice from_tag, to_tag;
	uint64_t txn_key; /* of the server transaction this request belongs to */
	uint32_t loop;    /* routing state (branch.h), if has_loop */
	bool has_loop;
	uint8_t max_forwards; /* as received; 70 if absent (RFC 3261 §16.6 step 3) */
	bool is_dialog;       /* To has a tag */
	bool uri_sound;       /* uri is set */
	bool as_sent; /* the message is one we sent: our Via is on top, `via` behind it */
	bool flow_hashed;
	uint64_t flow_hash; /* of the source, if flow_hashed */

	enum pass_source source;
	struct reg_flow flow; /* of the source, if a UE */

	/* A response's way back */
	enum branch_kind branch;
	struct branch_ref ref;
	struct branch_side side;
	uint64_t back_sa; /* that the request came under; of a stateless one */

	struct slice calling_uri; /* in P-Preferred-Identity, or From */

	/* Route preprocessing (RFC 3261 §16.4) */
	bool own_dialog; /* a valid dialog token of ours was on top */
	struct token_dialog token;
	bool from_orig; /* in it, and from its calling side */
	bool own_path;  /* a Path token of ours */
	struct addr path_flow;
	bool chained;      /* back from an Application Server */
	bool chain_forged; /* and not with an identifier of ours */
	struct token_chain chain;
	uint8_t chain_length;    /* servers that the request has been to */
	bool unserved;           /* P-Served-User is taken out */
	bool orig;               /* our Service-Route: serve the originating user */
	bool routes_unsound;     /* a Route that is malformed */
	struct slice next_route; /* URI of the first Route that is not ours; empty: none */
	const struct sip_header *foreign_route; /* its header */
	uint16_t foreign_at;                    /* and its offset */
	/* A foreign network's token on top of Route stands for these; empty: there is none. */
	struct slice hidden_route;
	bool route_forged;
	bool hide;        /* goes where nothing of our topology is to be seen */
	bool refused;     /* a response that control rejects */
	bool drop_routes; /* what is left of the Routes goes too: the P-CSCF knows better */

	enum pass_stage stage;
	const struct registration *orig_set, *term_set;
	struct slice asserted; /* canonical identity of the calling user, if we assert it */
	uint64_t orig_user, term_user; /* token_user of either side, 0: not known here */
	bool assert_identity; /* write P-Asserted-Identity: the P-CSCF asserted it in this pass
			       */
	bool timed;           /* its session was given a time here, which the caller can keep */
	bool record_route;    /* stay in the path of the dialog this request makes */
	struct slice service; /* a call for help, and for which: a URN; empty: none */
	bool unregistered;    /* of a terminal that nobody knows; path_flow is then its own */
	struct slice service_id;            /* that the S-CSCF asserts; empty: none */
	bool preferred_gone, asserted_gone; /* what was said of such is taken out */
	bool called_party; /* write P-Called-Party-ID with the Request-URI as received */

	enum pass_gruu gruu_kind;
	struct gruu gruu; /* of a public one the instance alone */

	bool wildcard;    /* called is the wildcarded identity that stands for the one named */
	bool more;        /* of the called user's contacts some are left for later */
	bool again;       /* a request kept, on its way to those; what comes of it decides only
			     whether it goes there, unless passed_over */
	bool passed_over; /* again, for an Application Server has failed: its way is not known
			     yet */
	struct txn *txn;  /* INVITE's server transaction, once there */
	const struct abi_inject *resume; /* what control said of this message */
	struct slice resume_route;
	enum abi_punt_reason punt;
	uint16_t owner;
	uint32_t n_targets;

	/* From here on nothing is cleared between messages: what counts is set before use. */
	struct sip_uri uri;      /* the Request-URI */
	struct identity called;  /* that it names; of an initial request */
	struct identity calling; /* that calling_uri names; of an initial request */
	struct target target[FORK_MAX];
	uint8_t revealed[SEAL_TEXT_MAX]; /* memory of hidden_route */
	struct sip_msg msg;
};

/* An address of ours as it stands in Via and Record-Route: "192.0.2.1:5060". */
struct role_site {
	struct addr ip; /* port 0 */
	uint8_t len;
	uint8_t text[51];
};

/* An address that is left alone for a while. */
struct role_rest {
	struct addr addr;
	uint64_t until;
};

enum { ROLE_REST = 64 };

struct role_worker {
	const struct node *node;
	const struct tables *tables;
	struct counters *counters;
	uint16_t id;
	struct transactions *transactions;
	struct seal *seal;
	uint64_t serial;     /* counts refreshes */
	uint32_t refuse;     /* sixteenths of new requests that are refused */
	uint32_t answers;    /* that the group's INVITEs will be given */
	uint64_t help_since; /* calls for help of those not registered, in this second */
	uint32_t help_taken;
	uint32_t granted; /* seconds, by the last PUNT_REFRESHED */
	struct role_rest rest[ROLE_REST];
	struct role_notice notice; /* of the message under work; b NULL: none */
	uint8_t notice_uri[SIP_URI_MAX];
	uint32_t n_sites;
	struct role_site site[PORTS_MAX * ADDRESSES_MAX];
	struct pass pass[ROLE_GROUP];
	struct sip_edits edits;        /* of the one message under work */
	struct sip_edits common_edits; /* of a forked INVITE, between its branches */
};

/* True if only where it goes is still open, and not what becomes of it. */
static inline bool pass_only_goes_on(const struct pass *p)
{
	return p->again && !p->passed_over;
}

static inline enum verdict pass_drop(struct pass *p, enum count_id reason)
{
	count(p->w->counters, reason);
	return VERDICT_DROP;
}

/* Our UDP port towards the net: the worker's own where the NIC steers by it. */
static inline uint16_t role_port(const struct role_worker *w)
{
	return w->node->worker_ports ? (uint16_t)(w->node->worker_port_base + w->id)
				     : w->node->sip_port;
}

/* A message into a pass: parsed and decoded, and the heads of the tables it will look into are
 * asked for. */
void pass_begin(struct pass *p, struct role_worker *w, struct buf *b);
/* What lies behind those heads is asked for. */
void pass_approach(const struct pass *p);
/* And what lies behind that. */
void pass_reach(const struct pass *p);
/* The canonical identity of a URI, with its hash; len 0: it is none. */
void pass_identity(const struct pass *p, const struct sip_uri *uri, struct identity *out);
/* Whom the Request-URI names, into p->called, gruu_kind and gruu. */
void pass_called(struct pass *p);
/* The set that has it; NULL: it is none, or not registered here. */
const struct registration *pass_registration(const struct pass *p, const struct identity *i,
					     uint32_t *index);
static inline struct slice identity_slice(const struct identity *i)
{
	return slice_of(i->text, i->len);
}

/* The port at which those at the far end of this SA, or of none, reach us. */
static inline uint16_t role_port_under(const struct role_worker *w, uint64_t sa_id)
{
	return sa_id ? w->node->port_ps : role_port(w);
}

/* Writes our host and port, of one of our addresses. */
void role_put_site(struct text *t, const struct role_worker *w, const struct addr *ip,
		   uint16_t port);

/* True if a port is one we listen on. */
bool node_own_port(const struct node *n, uint16_t port);
/* True if the URI names this node: one of its addresses or role hosts (not a home domain). */
bool node_own_uri(const struct node *n, const struct sip_uri *uri);
/* True if the host is one of our home domains. */
bool node_own_domain(const struct node *n, struct slice host);
/* True if the address is a trusted peer. */
bool node_is_peer(const struct node *n, const struct addr *a);
/* True if the message is from a peer: its address, on the port that leads to it. A peer's
 * address on another port, such as an access network's, is somebody else's. */
bool pass_from_peer(const struct pass *p);
/* The static route for a Request-URI; NULL: none. */
const struct addr *node_static_route(const struct node *n, const struct sip_uri *uri);
