/* install.h - the one file of control that writes into the data plane
 *
 * Each put or delete becomes a record of the install ring; what does not fit waits in a queue.
 * done is called on the loop when the data plane has acknowledged, or with INSTALL_NO_MEMORY
 * and the like when it refused (from within the call only if control itself has no memory);
 * with status -1 if the link went down before (the set will be installed by the next
 * synchronisation). done may be NULL.
 */
#pragma once

#include "abi/install.h"
#include "base/hash.h"
#include "control/registration.h"
#include "control/sa.h"

struct ev_loop;
struct link;
struct installer;
struct routes;
struct servers;
struct services;

/* ip_association: control.ip-association of the configuration. */
struct installer *installer_open(struct ev_loop *loop, struct link *link, bool ip_association);
/* lost is called on the loop with each set of security associations that the data plane will
 * not take back, because it does not know their sequence numbers any more (INSTALL_LOST). */
void installer_on_lost(struct installer *i, void (*lost)(void *ctx, uint64_t sa_id), void *ctx);
void installer_close(struct installer *i);
/* Identities are installed with their service profiles from then on; `services` is lent. */
void installer_serve(struct installer *i, struct services *services);
/* The servers that those name are looked up, and installed where they are found, from then on;
 * they are lent. NULL: no more. */
void installer_find(struct installer *i, struct servers *servers);
/* Ways out of the network, of which the data plane is told all when the link comes up; lent.
 * NULL: no more. */
void installer_lead(struct installer *i, struct routes *routes);
void install_route(struct installer *i, const struct abi_route_view *route,
		   void (*done)(void *ctx, int status), void *ctx);
void install_put(struct installer *i, const struct registration_set *set,
		 void (*done)(void *ctx, int status), void *ctx);
void install_delete(struct installer *i, uint64_t set_id, void (*done)(void *ctx, int status),
		    void *ctx);
/* The same of a set of security associations. */
void install_sa(struct installer *i, const struct sa *sa, void (*done)(void *ctx, int status),
		void *ctx);
void install_sa_delete(struct installer *i, uint64_t sa_id, void (*done)(void *ctx, int status),
		       void *ctx);
/* A contact of the set has a new expiry and CSeq, and is else as it was when the set was put
 * last. Nobody is told how it ended: where the data plane has no such contact, whom
 * installer_on_gone named is called, who puts the set. */
void install_prolong(struct installer *i, const struct registration_set *set, uint32_t contact);
void installer_on_gone(struct installer *i, void (*gone)(void *ctx, uint64_t set_id),
		       void *ctx);

/* install_view.c: the set as the data plane is told of it. Lends the set's texts to *v. */
struct install_policy {
	struct hash_key key; /* the region's token key */
	bool ip_association; /* the address of an authenticated binding stands for its user */
};
void install_view(const struct registration_set *set, const struct install_policy *policy,
		  struct abi_registration_view *v);
/* With the keys: the caller wipes it. */
void install_sa_view(const struct sa *sa, struct abi_sa_view *v);
void install_prolong_view(const struct registration_set *set, uint32_t contact,
			  const struct install_policy *policy, struct abi_prolong_view *v);
/* The link is up (again): SYNC_BEGIN, every set of either kind, SYNC_END. sas may be NULL. */
void install_all(struct installer *i, struct registrations *all, struct sas *sas);
void install_link_down(struct installer *i);
/* An acknowledgement came; and after all of a round, to send on what waited for room. */
void install_ack(struct installer *i, const struct abi_ack *a);
void install_pump(struct installer *i);

struct installer_stats {
	uint64_t put, deleted, acknowledged, refused; /* sets of both kinds */
	uint64_t prolonged;                           /* contacts */
	uint32_t waiting;
};
void installer_stats(const struct installer *i, struct installer_stats *out);
