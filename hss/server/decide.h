/* decide.h - what uar.c, lir.c, mar.c and sar.c share
 *
 * A decision is a list of steps in the order of its clause. A step gives 0 to go on, or the
 * result to answer.
 */
#pragma once

#include "hss/hss.h"

_Static_assert((int)STORE_CAPABILITIES_MAX == 16 && (int)STORE_SERVERS_MAX <= 8,
	       "what is stored fits struct cx_capabilities");

/* 0, or the result to answer. */
int decide_begin(struct hss *h, enum store_lock lock);
/* Commits a success and takes back anything else, wipes the keys; the result to answer. */
int decide_end(struct hss *h, int result);
/* Any failure of the store is DIAMETER_UNABLE_TO_COMPLY (TS 29.228 §6, "exceptions"). */
int decide_store(enum store_result r);

/* Finds into h->impi, h->impu; what does not exist, or is no identity at all, is a user
 * unknown. */
int decide_impi(struct hss *h, struct slice impi);
int decide_impu(struct hss *h, struct slice impu);
/* Whether the two belong together. */
int decide_match(struct hss *h);
/* Reads the implicit set of h->impu into h->set, once. */
int decide_set(struct hss *h);

/* Server-Capabilities of a subscription (§6.7), as h->service has them then. */
int decide_capabilities(struct hss *h, int64_t subscription, struct cx_capabilities *out);
/* Charging-Information of v, which is lent. */
void decide_charging(const struct store_service *v, struct cx_charging *out);

/* The form in which public identities are stored (sip/uri.h). False: it is no identity. */
bool hss_canonical(struct slice impu, char out[IMPU_MAX + 1]);
