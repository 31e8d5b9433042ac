/* store.h - subscribers, as the HSS keeps them
 *
 * One interface, one back end a file (SQLite here). Each call is one transaction and durable when it
 * returns. Not thread-safe: one store a thread, or the caller locks. Prepared statements only.
 *
 * Model (TS 23.228 §4.3.3.4): a subscription has private identities (IMPI) and public identities (IMPU); IMPUs are
 * grouped into implicit registration sets; each IMPU has one service profile. Registration state is kept
 * per IMPU (TS 29.228 §6): not registered, registered, unregistered, authentication pending; with the S-CSCF name.
 */
#pragma once

#include "base/limits.h"
#include "base/slice.h"

struct store;

enum store_result { STORE_OK, STORE_NONE, STORE_EXISTS, STORE_BUSY, STORE_FAIL };

enum store_state { STORE_NOT_REGISTERED, STORE_REGISTERED, STORE_UNREGISTERED };

enum store_auth { STORE_AUTH_AKA = 1, STORE_AUTH_DIGEST = 2 };

struct store_impi {
	char impi[IMPI_MAX + 1];
	int64_t subscription;
	uint32_t auth;      /* of enum store_auth */
	uint8_t k[16], opc[16], amf[2];
	uint64_t sqn;       /* last used */
	char ha1[33];       /* MD5(impi:realm:password), hexadecimal, or "" */
	char ha1_sha256[65];
	char digest_realm[256];
};

struct store_impu {
	char impu[IMPU_MAX + 1]; /* canonical */
	int64_t subscription;
	int64_t implicit_set;
	int64_t profile;
	bool barred;
	bool is_default;         /* of its implicit set */
	char display_name[128];
	enum store_state state;
	char scscf[256];         /* assigned S-CSCF, or "" */
	char registered_impi[IMPI_MAX + 1];
	bool auth_pending;
};

struct store_profile {
	int64_t id;
	char name[64];
	char *ifc_xml;    /* InitialFilterCriteria elements, or NULL; malloc'ed, given to the caller: store_profile_free */
	int32_t cn_services; /* core network services authorisation, -1: none */
};

/* A subscriber as provisioned: what `sakerctl sub add`, CSV and JSON import carry. */
struct store_subscriber {
	char impi[IMPI_MAX + 1];
	uint32_t n_impus;
	char impu[SET_IMPUS_MAX][IMPU_MAX + 1];
	bool barred[SET_IMPUS_MAX];
	uint32_t auth;
	uint8_t k[16], opc[16], amf[2];
	uint64_t sqn;
	char ha1[33], ha1_sha256[65], digest_realm[256];
	char visited[8][256];    /* visited networks allowed besides home; n_visited 0: home only; "*" any */
	uint32_t n_visited;
	char profile[64];        /* name; "" default */
	char subscription[64];   /* name shared by several IMPIs of one subscription; "" the IMPI's own */
	char display_name[128];
};

/* sqlite: a path. NULL with a sentence in error (256 octets). The schema is made or upgraded. */
struct store *store_open(const char *url, char *error);
void store_close(struct store *s);

enum store_result store_begin(struct store *s); /* groups the calls up to store_commit into one transaction */
enum store_result store_commit(struct store *s);
void store_rollback(struct store *s);

enum store_result store_find_impi(struct store *s, struct slice impi, struct store_impi *out);
enum store_result store_find_impu(struct store *s, struct slice impu, struct store_impu *out);
/* All IMPUs of an implicit set, default first. */
enum store_result store_implicit_set(struct store *s, int64_t set, struct store_impu *out, uint32_t most,
				     uint32_t *n);
/* All IMPIs of a subscription. */
enum store_result store_impis(struct store *s, int64_t subscription, struct store_impi *out, uint32_t most,
			      uint32_t *n);
enum store_result store_find_profile(struct store *s, int64_t id, struct store_profile *out);
void store_profile_free(struct store_profile *p);
enum store_result store_visited_allowed(struct store *s, int64_t subscription, struct slice network,
					struct slice home, bool *allowed);
enum store_result store_set_sqn(struct store *s, struct slice impi, uint64_t sqn);
/* State, S-CSCF and IMPI of all IMPUs of a set. */
enum store_result store_set_state(struct store *s, int64_t set, enum store_state state, struct slice scscf,
				  struct slice impi);
enum store_result store_set_pending(struct store *s, int64_t set, bool pending, struct slice scscf);

enum store_result store_subscriber_put(struct store *s, const struct store_subscriber *sub, bool replace,
				       char *error);
enum store_result store_subscriber_get(struct store *s, struct slice impi, struct store_subscriber *out);
enum store_result store_subscriber_del(struct store *s, struct slice impi);
/* Calls each for every subscriber in the order of their IMPI; stops when it gives false. */
enum store_result store_subscriber_each(struct store *s,
					bool (*each)(void *ctx, const struct store_subscriber *sub), void *ctx);
enum store_result store_profile_put(struct store *s, const char *name, struct slice ifc_xml, int32_t cn_services,
				    char *error);
struct store_counts {
	uint64_t subscriptions, impis, impus, registered;
};
enum store_result store_counts(struct store *s, struct store_counts *out);
