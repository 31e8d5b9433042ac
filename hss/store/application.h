/* application.h - what Application Servers keep in the store and may do there (Sh, TS 29.328)
 *
 * All of it is of the part that is provisioned: on disk when the commit returns. A reference is
 * a Data-Reference, an identity a canonical public identity or a service identity as it is
 * provisioned; what hangs on one goes with it. As thread-bound as the store (store.h).
 */
#pragma once

#include "base/text.h"
#include "store/store.h"

enum {
	STORE_KEY_MAX = 128,            /* octets of a Service-Indication or a DSAI-Tag */
	STORE_SERVICE_DATA_MAX = 32768, /* of one piece of repository data */
	STORE_REPOSITORY_MAX = 64,      /* pieces of one identity, deleted ones too */
	STORE_WATCHES_MAX = 256,        /* of one identity */
	STORE_DSAI_MAX = 64,            /* tags in all */
};

/* Allowed to one server for one reference (TS 29.328 §6.2). */
enum store_operation { STORE_PULL = 1, STORE_UPDATE = 2, STORE_NOTIFY = 4 };

/* operations 0: none any more. */
enum store_result store_permission_put(struct store *s, const char *host, uint32_t reference,
				       uint32_t operations);
/* Whether there is any for the server. */
enum store_result store_permission_known(struct store *s, const char *host, bool *known);
/* With its subscriptions; STORE_NONE: it has none. Within a transaction. */
enum store_result store_permissions_del(struct store *s, const char *host);
/* What is not there is 0. */
enum store_result store_find_permission(struct store *s, struct slice host, uint32_t reference,
					uint32_t *operations);
/* By host, then reference; stops when each gives false. */
enum store_result store_permissions(struct store *s,
				    bool (*each)(void *ctx, const char *host,
						 uint32_t reference, uint32_t operations),
				    void *ctx);

/* Repository data, appended to *data; nothing is: deleted, and sequence is that of the
 * deletion. STORE_NONE: never there. */
enum store_result store_find_repository(struct store *s, const char *identity,
					struct slice service, uint32_t *sequence,
					struct text *data);
/* Empty data deletes. STORE_EXISTS: the identity has as much as may be. Within a transaction.
 */
enum store_result store_repository_put(struct store *s, const char *identity,
				       struct slice service, uint32_t sequence,
				       struct slice data);

/* A subscription to notifications. */
struct store_watch {
	int64_t id;
	char identity[IMPU_MAX + 1];
	uint32_t reference;
	char detail[STORE_HOST_MAX + 1]; /* which of them: a service, a tag, a server, a set */
	char host[STORE_HOST_MAX + 1];
	int64_t expiry; /* seconds of 1970; 0: never */
	bool once;
	int64_t digest; /* of what the server was told last */
};
/* The id is of no meaning. STORE_EXISTS: the identity has as many as may be. Within a
 * transaction. */
enum store_result store_watch_put(struct store *s, const struct store_watch *w);
/* STORE_NONE: there is none. */
enum store_result store_watch_del(struct store *s, const struct store_watch *w);
enum store_result store_watch_del_id(struct store *s, int64_t id);
enum store_result store_watch_told(struct store *s, int64_t id, int64_t digest);
/* The same, by what w names; nothing where there is none. */
enum store_result store_watch_told_host(struct store *s, const struct store_watch *w);
/* At most `most`, with ids above `after`, in their order; of one identity, or of all: NULL. */
enum store_result store_watches(struct store *s, const char *identity, int64_t after,
				struct store_watch *out, uint32_t most, uint32_t *n);

/* A DSAI-Tag stands for the filter criteria that lead to one server. Deleting one turns the
 * criteria on again for all. */
enum store_result store_dsai_put(struct store *s, const char *tag, const char *server);
enum store_result store_dsai_del(struct store *s, const char *tag);
enum store_result store_find_dsai(struct store *s, struct slice tag,
				  char server[STORE_HOST_MAX + 1]);
enum store_result store_dsais(struct store *s,
			      bool (*each)(void *ctx, const char *tag, const char *server),
			      void *ctx);
/* For one identity. */
enum store_result store_dsai_active(struct store *s, const char *identity, struct slice tag,
				    bool *active);
enum store_result store_dsai_set(struct store *s, const char *identity, struct slice tag,
				 bool active);
/* The servers whose criteria are off for the identity, at most `most`, sorted. */
enum store_result store_dsai_servers(struct store *s, const char *identity,
				     char (*out)[STORE_HOST_MAX + 1], uint32_t most,
				     uint32_t *n);

/* Whether a service identity, distinct or wildcarded, is inactive; STORE_NONE: unknown. An
 * inactive one is not found by store_find_psi. */
enum store_result store_psi_inactive(struct store *s, const char *identity, bool *inactive);
enum store_result store_psi_set_inactive(struct store *s, const char *identity, bool inactive);

/* All that servers keep for the identity goes. For the files of store/. */
enum store_result application_forget(struct store *s, const char *identity);
