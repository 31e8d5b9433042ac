/* provision.h - the `sub ...` commands of the HSS's admin socket
 *
 *   sub add IMPI KEY=VALUE ...   keys of entry.h; its lists may come several times
 *   sub show IMPI|IMPU           never secrets
 *   sub set IMPI KEY=VALUE ...   what is not given stays; a list given is the new list
 *   sub del IMPI
 *   sub list [--limit N] [--from IMPI]
 *   sub import [--skip-errors]   payload: CSV or JSON (import.h)
 *   sub export [--format csv|json] [--with-secrets]
 *   sub dereg IMPI|IMPU [REASON] ends a registration: that of the private identity alone, or
 *                                of the public one's set; REASON as Cx names it (TS 29.229
 *                                §6.3.17), in small letters, permanent_termination without
 *   sub psi put IDENTITY SIP-URI a service identity, distinct or wildcarded (psi.h), and the
 *                                Application Server that hosts it
 *   sub psi del IDENTITY
 *   sub psi list
 *   sub profile put NAME [cn-services=N]
 *                                payload: InitialFilterCriteria elements (criteria.h)
 *
 * K, OP, OPc, HA1 and passwords are never in an answer, save that of export --with-secrets, nor
 * in an error or the log. A registration that a change ends is ended here, in the same
 * transaction (TS 29.228 §6.1.3.1), before the S-CSCF is told.
 */
#pragma once

#include "base/admin.h"
#include "conf/conf.h"
#include "hss/ended.h"
#include "hss/pnr.h"

enum { PROVISION_LIST_DEFAULT = 100, PROVISION_LIST_MAX = 100000 };

struct provision {
	struct store *store;     /* lent; of the thread that calls */
	const struct conf *conf; /* lent */
	/* Called after the commit, with ctx; each may be NULL.
	 *
	 * The registration of a set ended, or that of one private identity with it. */
	void (*deregister)(void *ctx, const struct ended *e);
	/* What the profile XML of a set shows has changed, and an S-CSCF has it. */
	void (*push_set)(void *ctx, int64_t set);
	/* A profile that was there has changed. */
	void (*push_profile)(void *ctx, int64_t profile);
	void *ctx;
	struct pnr *pnr; /* lent; told of what changed; may be NULL */
};

/* r->word[0] is "sub". Writes one JSON value. */
void provision_command(struct provision *p, const struct admin_request *r, struct json *out);
