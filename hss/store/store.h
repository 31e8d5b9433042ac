/* store.h - subscribers, as the HSS keeps them
 *
 * The back end is SQLite or PostgreSQL, prepared statements only. Not thread-safe: one store a
 * thread, or the caller locks; any number of stores may be open on the same data. No call waits
 * longer than STORE_WAIT_MS for somebody else, but where a whole store is read, or what was
 * provisioned is committed.
 *
 * Model (TS 23.228 §4.3.3.4): a subscription has private identities (IMPI) and public
 * identities (IMPU); IMPUs are grouped into implicit registration sets; each IMPU has one
 * service profile; each IMPI may use the IMPUs of its set, and several IMPIs of a subscription
 * may share one. Registration state (TS 29.228 §6) is kept per set, because its IMPUs change
 * state together (TS 23.228 §5.2.1a), and the IMPIs registered or being authenticated per set
 * too.
 *
 * Two parts: what is provisioned, where a commit is on disk (fsync) when it returns; and the
 * state, which Cx changes (registrations, S-CSCF, SQN), apart so that a long import holds up no
 * registration. A commit of state survives the death of any process of ours, and a power cut
 * once store_checkpoint ran behind it. What a power cut may take back is state of the last
 * second, which the next SAR sets again; never an SQN: when state may have been lost, a new
 * epoch begins, and each epoch adds STORE_SQN_JUMP to every SQN, more than the last second can
 * have used.
 *
 * SQLite: the parts are the files PATH and PATH-state; an epoch begins with every start of the
 * machine. PostgreSQL: the parts are the schemas main and state; an epoch begins with every
 * start of the server, and when it recovers from a crash (postgres.c). A connection that is
 * lost is made anew by the next call, or by the first after the transaction that was lost with
 * it: that one gives STORE_FAIL to its end, and nothing of it stays, but for a commit whose
 * answer was lost.
 */
#pragma once

#include "base/limits.h"
#include "base/slice.h"

struct store;

enum {
	STORE_WAIT_MS = 1000,
	STORE_ERROR_MAX = 256,
	/* octets of a Diameter identity, a network name, a SIP URI of an S-CSCF */
	STORE_HOST_MAX = 255,
	STORE_FRAMED_MAX = 63,
	STORE_NAME_MAX = 63, /* of a profile or a subscription */
	STORE_VISITED_MAX = 8,
	STORE_PROFILE_MAX = 32768,   /* octets of filter criteria */
	STORE_CAPABILITIES_MAX = 16, /* of one kind */
	STORE_SERVERS_MAX = 4,
	STORE_CHARGING_MAX = 2,        /* a first and a second */
	STORE_RESTORATION_MAX = 16384, /* octets of one IMPI at one set */
	STORE_PSI_WILDCARDS_MAX = 1000,
	STORE_SQN_JUMP = 1 << 21, /* 2^16 in SEQ, above the 5 bits of IND (TS 33.102 Annex C) */
};

enum store_result { STORE_OK, STORE_NONE, STORE_EXISTS, STORE_BUSY, STORE_FAIL };

enum store_state { STORE_NOT_REGISTERED, STORE_REGISTERED, STORE_UNREGISTERED };

enum store_auth { STORE_AUTH_AKA = 1, STORE_AUTH_DIGEST = 2, STORE_AUTH_GIBA = 4 };

/* Session cases for which a profile has something to do while the user is not registered
 * (TS 29.228 Annex B.2.3). */
enum store_services { STORE_TERMINATING_UNREGISTERED = 1, STORE_ORIGINATING_UNREGISTERED = 2 };

struct store_impi {
	int64_t id;
	char impi[IMPI_MAX + 1];
	int64_t subscription;
	int64_t implicit_set;
	uint32_t auth; /* of enum store_auth */
	/* For Milenage both have 16 octets; for TUAK opc is TOPc of 32, and k may have 32. */
	uint8_t k[32], opc[32], amf[2];
	bool tuak, k256;
	uint64_t sqn; /* last used */
	char ha1[33]; /* MD5(impi:realm:password), hexadecimal, or "" */
	char ha1_sha256[65];
	char digest_realm[STORE_HOST_MAX + 1];
	/* Address, or prefix of IPv6, that the access network gave its terminal, or "". */
	char giba[STORE_FRAMED_MAX + 1];
};

struct store_impu {
	char impu[IMPU_MAX + 1]; /* canonical */
	int64_t subscription;
	int64_t implicit_set;
	int64_t profile;
	uint32_t services; /* of its profile, of enum store_services */
	bool barred;
	bool masked; /* some of the profile's criteria are off (application.h) */
	char display_name[128];
	/* Of its set: */
	enum store_state state;
	char scscf[STORE_HOST_MAX + 1];      /* assigned S-CSCF, or "" */
	char scscf_host[STORE_HOST_MAX + 1]; /* its Diameter identity, or "" */
};

/* What ties one IMPI to a set. */
struct store_tie {
	bool registered;
	bool pending;            /* authentication pending (TS 29.228 §6.3) */
	uint32_t others;         /* other IMPIs registered with the set */
	uint32_t others_pending; /* other IMPIs being authenticated for it */
};

struct store_profile {
	int64_t id;
	char name[STORE_NAME_MAX + 1];
	char *ifc_xml; /* InitialFilterCriteria elements, or NULL; malloc'ed, given to the
			  caller: store_profile_free */
	uint32_t ifc_len;
	int32_t cn_services; /* core network services authorisation, -1: none */
	uint32_t services;   /* of enum store_services */
};

/* What a subscription wants of its S-CSCF (TS 29.228 §6.7) and of charging (Annex B.2). */
struct store_service {
	uint32_t n_mandatory, n_optional, n_servers, n_ccf, n_ecf;
	uint32_t mandatory[STORE_CAPABILITIES_MAX], optional[STORE_CAPABILITIES_MAX];
	char server[STORE_SERVERS_MAX][STORE_HOST_MAX + 1]; /* SIP URIs of S-CSCFs preferred */
	char ccf[STORE_CHARGING_MAX][STORE_HOST_MAX + 1];   /* charging collection functions */
	char ecf[STORE_CHARGING_MAX][STORE_HOST_MAX + 1];   /* event charging functions */
};

/* A subscriber as provisioned: what `sakerctl sub add`, CSV and JSON import carry. Holds
 * secrets: whoever has one wipes it. */
struct store_subscriber {
	char impi[IMPI_MAX + 1];
	uint32_t n_impus; /* the first is the set's default */
	char impu[SET_IMPUS_MAX][IMPU_MAX + 1];
	bool barred[SET_IMPUS_MAX];
	char impu_profile[SET_IMPUS_MAX][STORE_NAME_MAX + 1]; /* "" the subscriber's */
	uint32_t auth;
	/* For Milenage both have 16 octets; for TUAK opc is TOPc of 32, and k may have 32. */
	uint8_t k[32], opc[32], amf[2];
	bool tuak, k256;
	uint64_t sqn;
	char ha1[33], ha1_sha256[65], digest_realm[STORE_HOST_MAX + 1];
	char giba[STORE_FRAMED_MAX + 1];
	char visited[STORE_VISITED_MAX]
		    [STORE_HOST_MAX + 1]; /* networks allowed besides home; "*" any */
	uint32_t n_visited;
	char profile[STORE_NAME_MAX + 1];      /* "" none */
	char subscription[STORE_NAME_MAX + 1]; /* shared by several IMPIs of one subscription;
						  "" the IMPI's own */
	char display_name[128];
	struct store_service service; /* of its subscription */
};

/* where: a path, at most 480 octets, or
 * postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=... as libpq knows it. NULL with a
 * sentence in error (STORE_ERROR_MAX), never with the password in it. The schema is made or
 * upgraded; a store of a later version is refused. Files are made with mode 0600; a database
 * must be UTF8. */
struct store *store_open(const char *where, char *error);
void store_close(struct store *s);

/* Groups the calls up to store_commit into one transaction; does not nest. Without it every
 * call is one. What fails within it, the lock of STORE_CX too, may be told by a later call that
 * reads, at the latest by store_commit: only then is anything done. */
enum store_lock {
	STORE_READ,      /* one consistent view */
	STORE_CX,        /* and nobody else changes the state meanwhile */
	STORE_PROVISION, /* and nobody else changes subscribers meanwhile */
};
enum store_result store_begin(struct store *s, enum store_lock lock);
enum store_result store_commit(struct store *s);
void store_rollback(struct store *s);
/* Makes what was committed to the state survive a power cut. Holds up nobody. */
enum store_result store_checkpoint(struct store *s);

enum store_result store_find_impi(struct store *s, struct slice impi, struct store_impi *out);
enum store_result store_find_impu(struct store *s, struct slice impu, struct store_impu *out);
/* All IMPUs of an implicit set, default first; more than `most` is STORE_FAIL. */
enum store_result store_implicit_set(struct store *s, int64_t set, struct store_impu *out,
				     uint32_t most, uint32_t *n);
/* The IMPUs of all sets of a subscription, at most `most` of them. */
enum store_result store_subscription_impus(struct store *s, int64_t subscription,
					   struct store_impu *out, uint32_t most, uint32_t *n);
/* The names of all IMPIs that use a set, at most `most` of them. */
enum store_result store_set_impis(struct store *s, int64_t set, char (*out)[IMPI_MAX + 1],
				  uint32_t most, uint32_t *n);
/* The S-CSCF that some set of the subscription has, "" if none has. */
enum store_result store_subscription_scscf(struct store *s, int64_t subscription,
					   char scscf[STORE_HOST_MAX + 1]);
enum store_result store_visited_allowed(struct store *s, int64_t subscription,
					struct slice network, bool *allowed);

enum store_result store_service(struct store *s, int64_t subscription,
				struct store_service *out);

enum store_result store_set_sqn(struct store *s, int64_t impi, uint64_t sqn);
/* State and S-CSCF of a set; both names empty: nobody is assigned. */
enum store_result store_assign(struct store *s, int64_t set, enum store_state state,
			       struct slice scscf, struct slice host);
enum store_result store_find_tie(struct store *s, int64_t set, int64_t impi,
				 struct store_tie *out);
/* Both false: the tie goes. */
enum store_result store_tie(struct store *s, int64_t set, int64_t impi, bool registered,
			    bool pending);
/* All ties of a set go. */
enum store_result store_untie(struct store *s, int64_t set);

/* What an S-CSCF wants back of an IMPI at a set; empty: nothing any more. */
enum store_result store_restoration_put(struct store *s, int64_t set, int64_t impi,
					struct slice info);
/* Calls each for every IMPI of the set that has some; info is valid during the call. */
enum store_result store_restorations(struct store *s, int64_t set,
				     void (*each)(void *ctx, int64_t impi, struct slice info),
				     void *ctx);
enum store_result store_restorations_del(struct store *s, int64_t set);

/* Adds a subscriber, or with replace puts it in the place of the one with the same IMPI:
 * identities that stay keep their state, an SQN given as 0 is kept. All or nothing.
 * STORE_EXISTS, STORE_NONE (replace of an unknown one; unknown profile) and what is refused
 * come with a sentence in error. Secrets are never in it. */
enum store_result store_subscriber_put(struct store *s, const struct store_subscriber *sub,
				       bool replace, char *error);
enum store_result store_subscriber_get(struct store *s, struct slice impi,
				       struct store_subscriber *out);
/* With identities, state and subscription if nobody else uses them. */
enum store_result store_subscriber_del(struct store *s, struct slice impi);
/* Calls each for every subscriber whose IMPI is above `after`, in the order of the IMPIs; stops
 * when it gives false. */
enum store_result store_subscriber_each(struct store *s, struct slice after,
					bool (*each)(void *ctx,
						     const struct store_subscriber *sub),
					void *ctx);

enum store_result store_profile_put(struct store *s, const char *name, struct slice ifc_xml,
				    int32_t cn_services, uint32_t services);
enum store_result store_find_profile(struct store *s, int64_t id, struct store_profile *out);
enum store_result store_profile_named(struct store *s, const char *name, int64_t *id);
void store_profile_free(struct store_profile *p);
/* The next set above `after` that uses the profile and has an S-CSCF assigned. */
enum store_result store_profile_next_set(struct store *s, int64_t profile, int64_t after,
					 int64_t *set);

/* Public service identities that an Application Server hosts itself: distinct ones in canonical
 * form, and wildcarded ones as TS 23.003 §13.5 writes them. */
enum store_result store_psi_put(struct store *s, const char *identity, bool wildcard,
				const char *server);
enum store_result store_psi_del(struct store *s, const char *identity);
/* The server of a distinct one. */
enum store_result store_find_psi(struct store *s, struct slice identity,
				 char server[STORE_HOST_MAX + 1]);
/* All, or the wildcarded alone, in the order of their names; stops when each gives false. */
enum store_result store_psis(struct store *s, bool wildcards_only,
			     bool (*each)(void *ctx, const char *identity, bool wildcard,
					  const char *server),
			     void *ctx);

struct store_counts {
	uint64_t subscriptions, impis, impus, registered; /* registered: sets */
};
/* Walks the tables: milliseconds for each 100,000 subscribers. */
enum store_result store_counts(struct store *s, struct store_counts *out);
