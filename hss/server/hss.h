/* hss.h - what the HSS decides: one function a Cx command (TS 29.228 §6)
 *
 * Pure over the store: requests come as structures and leave as structures, no Diameter here.
 * Each decision is one transaction, committed when the function returns; nothing is answered
 * that is not stored. A store that fails, is busy or is full gives DIAMETER_UNABLE_TO_COMPLY
 * within two seconds. One thread at a time for one struct hss.
 */
#pragma once

#include "cx/cx.h"
#include "store/store.h"

enum {
	HSS_ASSOCIATED_MAX = 16,
	HSS_SH_ONLY_MAX = 16,
	HSS_USER_DATA_MAX =
		61440, /* with the other AVPs it fits into one message (diameter.h) */
};

struct hss_config {
	char realm[256]; /* home network: where a user need not be allowed to roam */
	uint32_t av_max; /* vectors in one answer, 1 to CX_VECTORS_MAX */
	uint32_t n_sh_only;
	const char *sh_only[HSS_SH_ONLY_MAX]; /* peers that may not speak Cx; lent */
};

/* Memory of the answer under way: its slices point here and are valid until the next decision.
 */
struct hss {
	struct store *store; /* lent */
	struct hss_config config;
	struct store_impi impi; /* with keys: wiped at the end of every decision */
	struct store_impu impu;
	uint32_t n_set;
	struct store_impu set[SET_IMPUS_MAX];
	struct store_service service;
	char scscf[STORE_HOST_MAX + 1]; /* an S-CSCF, or the server of a service identity */
	char wildcard[IMPU_MAX + 1];    /* the service identity */
	char associated[HSS_ASSOCIATED_MAX][IMPI_MAX + 1];
	uint8_t user_data[HSS_USER_DATA_MAX];
	uint8_t restored[CX_RESTORATIONS_MAX * STORE_RESTORATION_MAX];
	bool replaced; /* the decision took the user from the S-CSCF that h->set still names */
};

/* On the heap: it is about 280 kB. NULL: no memory. */
struct hss *hss_new(struct store *store, const struct hss_config *config);
void hss_free(struct hss *h);

/* §6.1.1.1, §6.1.4.1, §6.3.1, §6.1.2.1. *a is written whole. The origin_host of a SAR is kept:
 * a later RTR or PPR goes there. Where a SAR sets h->replaced, the S-CSCF of before is to be
 * told by RTR, reason NEW_SERVER_ASSIGNED (§6.1.3.1). */
void hss_uar(struct hss *h, const struct cx_uar *r, struct cx_uaa *a);
void hss_lir(struct hss *h, const struct cx_lir *r, struct cx_lia *a);
void hss_mar(struct hss *h, const struct cx_mar *r, struct cx_maa *a);
void hss_sar(struct hss *h, const struct cx_sar *r, struct cx_saa *a);
