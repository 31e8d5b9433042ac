/* register.h - a REGISTER in progress: what the steps of P-CSCF, I-CSCF and S-CSCF share
 *
 * Inner header of the registrar. A registering is made when the request comes, owned by the
 * registrar, and freed by the answer: register_reply ends it, and whoever called that does not
 * touch it again. All slices point into the request, which lives as long. Loop thread only.
 */
#pragma once

#include <ev.h>

#include "base/hash.h"
#include "control/auth.h"
#include "control/control.h"
#include "control/exchange.h"
#include "control/reginfo.h"
#include "control/registrar.h"
#include "control/sa.h"
#include "control/select.h"
#include "control/tries.h"
#include "control/vectors.h"

enum {
	REGISTERING_MAX = 16384,  /* in progress; more: 503 */
	REGISTERING_WAIT_MAX = 4, /* behind one of the same user; more: 500 */
	REGISTER_SYNC_MAX = 2,    /* resynchronisations in a chain of challenges */
	REGISTER_PARAMS_MAX = ABI_CONTACT_PARAMS_MAX,
};

struct register_contact {
	struct slice uri;
	struct slice params;   /* from the first ';' on */
	struct slice instance; /* +sip.instance, without quotes */
	uint32_t reg_id;       /* 0: none */
	bool emergency;        /* sos in its URI (TS 24.229 §5.1.6.2) */
	uint32_t expires;      /* seconds, as asked for; before the bounds of the registrar */
};

struct registrar {
	struct control *c;
	struct nonces *nonces;
	struct vectors *vectors;
	struct tries *tries;
	struct ev_timer tick;
	struct hash_key key;
	struct registering *all;     /* in progress */
	struct registering *working; /* of those: past authentication, one a user */
	struct refreshed *refreshed; /* refreshed.c */
	struct select_counts chosen;
	uint32_t n_all;
	uint64_t icid;      /* last one given out */
	uint64_t icid_boot; /* drawn at start, so that ICIDs of two starts differ */
	struct registrar_stats stats;
};

enum register_kind { REGISTER_INITIAL, REGISTER_AGAIN, REGISTER_REMOVE };

enum commit_result { COMMIT_OK, COMMIT_NOT_STORED, COMMIT_REFUSED };

struct sip_name_addr;

struct registering {
	struct registrar *r;
	struct exchange *x;
	struct registering *next, **at; /* in registrar.all */
	struct registering *next_working, **at_working;
	struct registering *behind;        /* waits until this one is done */
	uint64_t user;                     /* hash of what is registered one at a time */
	void (*go)(struct registering *g); /* when its turn comes */

	bool pcscf; /* the P-CSCF's steps are ours */
	enum register_kind kind;
	char impu[IMPU_MAX + 1]; /* of To, canonical */
	char impi[IMPI_MAX + 1];
	bool has_credentials;
	struct auth_credentials credentials;
	bool star, all_zero; /* Contact: *; nothing but removals */
	uint32_t n_contact;
	struct register_contact contact[SIP_CONTACT_MAX];
	char path[REG_ROUTE_MAX + 1]; /* "" none */
	struct addr hop;              /* of the topmost Path; family 0: the UE is our own */

	/* agreement.c */
	bool protected;      /* it came under a set of SAs that is this user's */
	struct addr ue, nat; /* the UE's own address, and where a NAT shows it, or family 0 */
	char *client;        /* its Security-Client, heap, owned; NULL: none */
	struct sec_choice choice; /* of that */
	uint64_t challenged;      /* its new set, until the data plane has it */
	char *headers;            /* of the 401 that waits for that, heap, owned */

	struct addr terminal;   /* the terminal's address, where the S-CSCF's steps are ours */
	bool by_digest, by_aka; /* it answered a challenge, of that kind */
	bool by_address;        /* it needed none (GIBA) */
	uint8_t syncs;          /* of the challenge to come */
	bool unknown_nonce;     /* the response may be right but for its nonce's age */
	struct addr sent_to;    /* next CSCF */
	struct select_tried tried;  /* S-CSCFs, by our I-CSCF */
	bool chosen;                /* the next CSCF is such an S-CSCF */
	struct kept_response *kept; /* its 200 OK, until the set is written; heap, owned */
	bool revoked;               /* the network ended the registration meanwhile */
	bool assigned;              /* the HSS was told REGISTRATION in this chain */
	bool unassigned;            /* the HSS takes nobody for registered with this set */

	struct third_plan *third;     /* what servers are told of it; third_party.c */
	uint64_t committing;          /* id of the set that is being written; 0: none */
	struct registration_set *set; /* to be committed, owned */
	uint32_t n_replaced;
	struct registration_set *replaced[SET_IMPUS_MAX]; /* taken out for it, owned */
	void (*committed)(struct registering *g, enum commit_result result);
};

/* register.c */

/* Reads To, Contact, Expires and Authorization. False: answered. */
bool register_decode(struct registering *g);
/* One Contact, for `expires` seconds unless it says otherwise. False: none that could be
 * registered. */
bool register_decode_contact(const struct sip_name_addr *na, uint32_t expires,
			     struct register_contact *out);
/* Answers with `status`, its Reason-Phrase, a Warning (NULL: none), and `headers`, and ends g.
 */
void register_reply(struct registering *g, uint16_t status, const char *warning,
		    struct slice headers);
/* The same with a response of the next CSCF: its status, body, and `headers`. */
void register_relay(struct registering *g, const struct sip_msg *response,
		    struct slice headers);
/* For what a Cx command gave: 403, 500, 503 or 504 (TS 24.229 §5.3.1.2, §5.4.1.2). */
void register_cx_failed(struct registering *g, int result);
/* The same with Retry-After: what is in the way passes. */
void register_busy(struct registering *g, uint16_t status, const char *warning);
/* True if the request asks for SIP outbound: a flow of its own for its one contact (RFC 5626
 * §4.2). */
bool register_is_outbound(const struct registering *g);
/* The Flow-Timer line, if one is told (RFC 5626 §5.4). */
void register_put_flow_timer(struct text *out, const struct conf *conf);
/* 420 if a header of this kind asks for more than `known`, a comma list, which may be empty
 * (RFC 3261 §8.2.2.3, §16.3 item 5). False: answered. */
bool register_check_extensions(struct registering *g, enum sip_header_id id,
			       struct slice known);
/* Goes on with go(g) when no other REGISTER of the user is past this point: now or later; or
 * answers 500. */
void register_enter(struct registering *g, void (*go)(struct registering *g));
/* Frees without an answer. */
void register_drop(struct registering *g);
/* True if a REGISTER other than g writes this set. */
bool register_is_writing(const struct registrar *r, uint64_t set_id,
			 const struct registering *g);
/* True if a REGISTER works on a copy of this set, which will take its place, or removes it. */
bool register_is_changing(const struct registrar *r, uint64_t set_id);

/* own.c: what is ours and whom we trust */

bool own_domain(const struct conf *conf, struct slice host);
/* RFC 3325: a peer of the configuration. */
bool own_peer(const struct conf *conf, const struct addr *a);
/* A terminal in the access networks of policy.access. */
bool own_policy_covers(const struct conf *conf, const struct addr *ue);
/* A URI that leads to us: domain, role host or address. */
bool own_uri(const struct conf *conf, struct slice uri);

/* How a terminal with this address may be authenticated: enum conf_scheme, as bits. */
uint32_t own_schemes(const struct conf *conf, const struct addr *ue);
/* Both of one family, and the same in the first `bits`. */
bool own_in_prefix(const struct addr *ip, uint8_t bits, const struct addr *a);

/* The way to a terminal behind its flow, under the set of security associations it is reached
 * through (0: none). False: that set is gone, and nothing may be sent. */
bool own_way(const struct control *c, const struct addr *flow, uint64_t sa_id,
	     struct request_way *out);

/* register_pcscf.c: TS 24.229 §5.2.2 */

/* Checks what only a P-CSCF checks. False: answered. */
bool pcscf_check(struct registering *g);
/* The response of the next CSCF on its way to the UE. */
void pcscf_answered(struct registering *g, const struct sip_msg *response);

/* A challenge on its way to the UE: its headers, without the keys that came with it. keys NULL:
 * none did. */
struct sa_keys {
	uint8_t ck[ABI_SA_KEY], ik[ABI_SA_KEY];
};
void agreement_challenge(struct registering *g, const struct sa_keys *keys,
			 struct slice headers);

/* agreement.c: the rest of it */

/* What the P-CSCF checks of a security agreement. False: answered. */
bool agreement_check(struct registering *g);
/* "sec-agree", where the P-CSCF has it. */
bool agreement_knows(const struct registering *g, struct slice option_tag);
/* The set that g came under; NULL: none. */
const struct sa *agreement_under(const struct registering *g);
/* While g's registration set is committed: the SAs it came under go to disk with it, to the
 * data plane before it, are active after it, or as they were when it failed. */
void agreement_store(struct registering *g, const struct registration_set *set);
void agreement_install(struct registering *g, const struct registration_set *set);
void agreement_registered(struct registering *g, const struct registration_set *set);
void agreement_put_back(struct registering *g);
/* The final answer goes out. */
void agreement_answered(struct registering *g);
/* g is freed. */
void agreement_end(struct registering *g);
/* A registration set has changed, or is gone: SAs that no contact needs leave. */
void agreement_settle(struct control *c, uint64_t set_id);
/* At start: SAs of registrations that are gone leave. False: no memory. */
bool agreement_open(struct control *c);
/* Ends what is due. */
void agreement_expire(struct registrar *r);

/* register_icscf.c: TS 24.229 §5.3.1 */

void icscf_register(struct registering *g);
/* The S-CSCF's response, NULL: none. True: another one is being asked for, and g goes on. */
bool icscf_again(struct registering *g, const struct sip_msg *response);

/* register_scscf.c: TS 24.229 §5.4.1 */

void scscf_register(struct registering *g);
/* The header lines of the 200 OK; set NULL: nothing is registered any more. */
void scscf_put_ok(struct text *t, const struct registering *g,
		  const struct registration_set *set);
/* The same of the one that a worker gave to the refresh m. */
void scscf_put_refreshed(struct text *t, struct control *c, const struct sip_msg *m,
			 const struct registration_set *set);
/* "<sip:orig@HOST:PORT;lr>" of the S-CSCF's own URI: by the user part it tells a request of the
 * served user (TS 24.229 §5.4.1.2.2F). On the heap; NULL: no memory. */
char *scscf_service_route(const struct conf *conf);
/* AUTHENTICATION_TIMEOUT for a challenge that nobody answered (§5.4.1.2.3A). */
void scscf_unanswered(void *registrar, const struct challenge *c);

/* forward.c: the request to the next CSCF */

/* Sends it to dst, with `uri` as Request-URI (empty: kept), and the P-CSCF's edits where
 * g->pcscf. */
void forward_register(struct registering *g, const struct addr *dst, struct slice uri);
/* P-Charging-Vector with an ICID that is ours alone (TS 24.229 §5.2.2.1, RFC 7315 §4.6). */
void registrar_put_charging(struct text *t, struct registrar *r, const struct addr *local);
/* The headers of a response that go on with it; of WWW-Authenticate without ck and ik when
 * `to_ue` (TS 24.229 §5.2.2.1). */
void forward_response_headers(struct text *out, const struct sip_msg *response, bool to_ue);

/* binding.c: contacts of a set (RFC 3261 §10.3) */

enum binding_result {
	BINDING_OK,
	BINDING_OUT_OF_ORDER, /* CSeq not above the one of the same Call-ID */
	BINDING_TOO_BRIEF,    /* below the least interval: 423 */
	BINDING_TOO_MANY,     /* as many as may be, and none that gives way */
	BINDING_NO_MEMORY,
};
/* Applies the request's contacts to the set, which is the caller's own copy: either all or, on
 * an error, an undefined part, and the copy is thrown away. */
enum binding_result binding_apply(struct registration_set *set, const struct registering *g,
				  uint64_t now_wall_ms);
/* One contact, for `expires` seconds (0: only removed), whatever was there under the same URI
 * or instance. */
enum binding_result binding_put(struct registration_set *set, const struct registering *g,
				const struct register_contact *c, uint32_t expires,
				uint64_t now_wall_ms);
/* A refresh by the request m, whose `contact` has the same URI, that was granted until
 * expires_wall_ms. What finds no memory stays as it was. True: more has changed than its time
 * and CSeq. */
bool binding_prolong(struct registration_contact *have, const struct sip_msg *m,
		     const struct sip_name_addr *contact, uint64_t expires_wall_ms,
		     uint64_t now_wall_ms);
/* The set goes by a private identity that has a contact in it. False: no memory. */
bool binding_settle(struct registration_set *set);
/* True if this private identity has a contact in the set. */
bool binding_of_impi(const struct registration_set *set, const char *impi);
/* Removes contact i, or those that have expired; the number removed. */
void binding_remove(struct registration_set *set, uint32_t i);
uint32_t binding_expire(struct registration_set *set, uint64_t now_wall_ms);
/* Same Contact URI (RFC 3261 §19.1.4, for the parameters that name another resource). */
bool binding_same_uri(struct slice a, struct slice b);
/* A copy on the heap with line folds made blanks; NULL: no memory. */
char *binding_text(struct slice s);

/* profile.c: identities of a set (TS 29.228 §6.6) */

uint64_t profile_set_id(struct slice impu);
enum profile_result {
	PROFILE_OK,
	PROFILE_BAD,
	PROFILE_TOO_MUCH,
	PROFILE_BARRED,
	PROFILE_OTHER,
	PROFILE_NO_MEMORY
};
/* Gives the set the identities of the User-Data, the default first, its id and the text. impu,
 * if not NULL, must be among them (else PROFILE_OTHER). */
enum profile_result profile_apply(struct registration_set *set, struct slice xml,
				  const char *impu);
/* Keeps Charging-Information, where some is given, as the set's P-Charging-Function-Addresses
 * (RFC 7315 §4.5, TS 24.229 §5.4.1.2.2F). False: no memory. */
bool profile_charging(struct registration_set *set, const struct cx_charging *charging);
/* One identity for sets of a P-CSCF. False: full, or no memory; one that is there already is
 * passed over. */
bool profile_add(struct registration_set *set, struct slice canonical, struct slice uri,
		 uint8_t flags);
void profile_clear(struct registration_set *set);

/* commit.c: a set to disk, to the data plane and into memory, in that order */

/* Takes set. Sets of the same user that hold one of its identities under another id are
 * replaced. done is called once, now or later; on anything but COMMIT_OK all is as before. */
void commit_put(struct registering *g, struct registration_set *set,
		void (*done)(struct registering *g, enum commit_result result));
/* Removes the set with this id, if it is there. */
void commit_delete(struct registering *g, uint64_t set_id,
		   void (*done)(struct registering *g, enum commit_result result));
/* Without a request behind them: nobody waits, and a failure is logged. */
void commit_change(struct control *c, const struct registration_set *set,
		   enum reginfo_cause cause);
/* Takes the set out of memory, disk and data plane, and gives it to the caller. NULL: not
 * there. */
struct registration_set *commit_remove(struct control *c, uint64_t set_id);

/* refreshed.c: refreshes that a worker answered */

/* NULL: no memory. Closing forgets what waits: registrar_flush comes before. */
struct refreshed *refreshed_open(struct registrar *r);
void refreshed_close(struct refreshed *f);
uint32_t refreshed_waiting(const struct refreshed *f);

/* deregister.c: ended by the network or by time */

/* Tells the HSS and forgets about it: the answer is only logged. */
void deregister_tell_hss(struct control *c, const char *impi, const char *impu,
			 enum cx_sat type);
