/* registrar.h - REGISTER at the P-CSCF, I-CSCF and S-CSCF (TS 24.229 §5.2.2, §5.3.1, §5.4.1) */
#pragma once

#include "control/registration.h"
#include "control/sa.h"
#include "cx/cx.h"

struct control;
struct exchange;
struct abi_punt;

/* The parts in *c that it uses are open already, but cx, which may follow. NULL: no memory.
 * Closed after cx, which calls back while it closes, and before the others, which do not. */
struct registrar *registrar_open(struct control *c);
void registrar_close(struct registrar *r);
/* A REGISTER. The roles of this node run in order: P-CSCF, I-CSCF, S-CSCF; where the next role
 * is on another node the request is forwarded there. */
void registrar_register(struct registrar *r, struct exchange *x);
/* A refresh that a worker answered 200 (PUNT_REFRESHED): the binding is prolonged at once, in
 * memory; disk and data plane follow within REFRESHED_TICK_MS, or some seconds where more than
 * a few hundred come in that time. So a power cut may cost a refresh that was answered less
 * than that before: the binding then ends when it would have ended without it. A binding that
 * is gone stays gone. */
void registrar_refreshed(struct registrar *r, const struct abi_punt *p);
/* Gives to disk and data plane what of that waits: before the last commit. */
void registrar_flush(struct registrar *r);
enum { REFRESHED_TICK_MS = 50 };
/* Network-initiated (RTR; sakerctl reg dereg). The number of sets removed. */
uint32_t registrar_deregister(struct registrar *r, struct slice impi, const struct slice *impu,
			      uint32_t n_impu, enum cx_reason reason);
/* Network-initiated re-authentication (TS 24.229 §5.4.1.6): contacts of the user that would
 * last longer end in `seconds`, of which subscribers hear, so that the terminal registers
 * again. Their number; 0 too while a REGISTER of the user is being worked on. */
uint32_t registrar_reauthenticate(struct registrar *r, struct slice impu, uint32_t seconds);
/* The first contact of the set has expired. Called once as long as the set is not touched anew;
 * may free it. */
void registrar_expire(struct registrar *r, struct registration_set *s);
void registrar_rtr(void *control, const struct cx_rtr *q, struct cx_rta *a);
void registrar_ppr(void *control, const struct cx_ppr *q, struct cx_ppa *a);

/* A request other than REGISTER came under this set of SAs: the one it succeeded may go (TS
 * 33.203 §7.4). */
void registrar_sa_used(struct registrar *r, uint64_t sa_id);

/* The data plane cannot go on with these SAs: they are given up, and the contacts reached
 * through them end, so that the terminal has to register anew. */
void registrar_sa_lost(struct registrar *r, uint64_t sa_id);
/* The data plane does not have a contact of this set that was to be prolonged: it is given the
 * set. */
void registrar_gone(struct registrar *r, uint64_t set_id);

struct registrar_stats {
	/* index: 0 initial, 1 re-registration, 2 de-registration by the UE, 3 by the network, 4
	 * by timeout */
	uint64_t attempts[5], successes[5], failures[5];
	uint64_t auth_ok, auth_stale, auth_sync, auth_wrong, auth_unknown_user;
	uint64_t auth_kept;     /* challenges by a vector that was left over */
	uint32_t challenges;    /* outstanding */
	uint32_t vectors_users; /* who have some left over */
	uint64_t refreshed,
		refreshed_late; /* on a worker; of those, of bindings that were gone */
	uint64_t sa_refused[SA_REFUSALS];
	uint64_t sa_unproven;       /* temporary sets whose time ran out */
	uint64_t sa_lost;           /* given up after a restart of the data plane */
	uint32_t refreshed_waiting; /* not yet given to disk and data plane */
};
void registrar_stats(const struct registrar *r, struct registrar_stats *out);
