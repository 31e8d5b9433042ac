/* restore.h - a registered user whom this S-CSCF forgot, taken back from the HSS (TS 23.380 §4)
 *
 * With every assignment the S-CSCF gives its user's contacts to the HSS; when a request comes
 * for a user it does not know, it asks, and serves the user from then on. What was restored
 * lives as long as a registration may live at most: the HSS does not know when it was refreshed
 * last. Loop thread only.
 */
#pragma once

#include "control/registration.h"
#include "cx/cx.h"

struct control;

enum restore_result {
	RESTORE_OK,     /* registered here now, or served as unregistered, and installed */
	RESTORE_NOBODY, /* the user is not registered, or not at this S-CSCF, or unknown */
	RESTORE_LATER,  /* the HSS is busy */
	RESTORE_NO_HSS, /* it does not answer */
	RESTORE_FAILED, /* what it gave is of no use */
};

struct restoring {
	struct control *c;
	const char *impu; /* canonical; lent until done */
	void (*done)(void *ctx, enum restore_result result);
	void *ctx;
	/* Who is not registered is served, too, if the HSS has services for that
	 * (unregistered.h). */
	bool serve;
};

/* Asks the HSS: NO_ASSIGNMENT, or with x->serve UNREGISTERED_USER, by which it gives back what
 * a registered user had here as well (TS 23.380 §4.3). *x is the caller's and stays until done
 * was called, once, or until the Cx client and the installer are closed. */
void restore_user(struct restoring *x);

enum { RESTORE_TEXT_MAX = 32768 };
/* SCSCF-Restoration-Info of what a private identity has registered in a set, its slices in the
 * set and in *memory. n is 0 where that is not wanted, or not possible. Contacts under security
 * associations are not in it: who forgot those could reach them in clear alone. */
void restore_info(const struct control *c, const struct registration_set *set, const char *impi,
		  struct cx_restoration *out, struct text *memory);
/* Adds to a set, which takes the place of one that was forgotten, the contacts that the answer
 * gives back and that the set has not. The number added. */
uint32_t restore_contacts(struct control *c, struct registration_set *set,
			  const struct cx_saa *a);
/* Whether the HSS has to hear of `now`, which takes the place of `before`: a contact came, went
 * or moved. A refresh alone is nothing to tell. */
bool restore_differs(const struct registration_set *before, const struct registration_set *now);
