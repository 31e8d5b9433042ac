/* sh.h - what the HSS decides for Application Servers: one function a Sh command (TS 29.328 §6)
 *
 * As hss.h: pure over the store, requests come and leave as structures, each decision is one
 * transaction, committed when the function returns. A store that is busy gives
 * DIAMETER_PRIOR_UPDATE_IN_PROGRESS, one that fails DIAMETER_UNABLE_TO_COMPLY. One thread at a
 * time for one struct sh.
 */
#pragma once

#include "sh/document.h"
#include "sh/sh.h"
#include "store/application.h"

enum {
	SH_ITEMS_MAX = 32, /* pieces of data of one request */
	SH_MEMORY_MAX = 2 * SH_USER_DATA_MAX,
	SH_DETAIL_MAX = STORE_HOST_MAX,
};

/* One piece of data of a user; the same detail as struct store_watch has. */
struct sh_item {
	enum sh_reference reference;
	struct slice detail; /* service, tag, server, digit of an identity set; or empty */
	struct slice server; /* that the tag must stand for; empty: any */
};

/* Whom a request is about. */
struct sh_subject {
	bool service; /* a service identity: impu is of no meaning */
	char identity[IMPU_MAX + 1];
	char wildcard[IMPU_MAX + 1]; /* that a service identity matched, which identity then is;
					or "" */
	struct store_impu impu;
};

/* What a decision changed, for whoever acts on it after the commit. */
struct sh_changes {
	bool data;     /* some of the subject's */
	bool criteria; /* those of the subject's profile that are on */
};

/* Memory of the answer under way: its slices point here and are valid until the next decision.
 */
struct sh {
	struct store *store; /* lent */
	struct sh_subject subject;
	struct sh_changes changes;
	struct sh_document document;
	struct text memory; /* what the document points into */
	uint32_t n_set;
	struct store_impu set[SH_DOCUMENT_IMPUS_MAX];
	struct store_service service;
	uint8_t octets[SH_MEMORY_MAX];
	uint8_t user_data[SH_USER_DATA_MAX];
};

/* On the heap: it is about 340 kB. NULL: no memory. */
struct sh *sh_new(struct store *store);
void sh_free(struct sh *h);

/* §6.1.1, §6.1.2, §6.1.3. *a is written whole; h->subject says whom it was about, h->changes
 * what a success changed. now: seconds of 1970. */
void hss_udr(struct sh *h, const struct sh_udr *r, struct sh_uda *a);
void hss_pur(struct sh *h, const struct sh_pur *r, struct sh_pua *a);
void hss_snr(struct sh *h, const struct sh_snr *r, int64_t now, struct sh_sna *a);

/* A Diameter identity as permissions and subscriptions have it, in small letters. False: it is
 * none. */
bool sh_host(struct slice identity, char out[STORE_HOST_MAX + 1]);
/* "repository_data" and so on, NULL for what is none. */
const char *sh_reference_name(uint32_t reference);
/* False: no reference has this name. */
bool sh_reference_named(const char *name, uint32_t *reference);
/* What can be done with it at all, of enum store_operation (TS 29.328 §7.6, Table 7.6.1). */
uint32_t sh_reference_operations(uint32_t reference);
