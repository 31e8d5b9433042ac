/* document.h - Sh-Data: what User-Data of Sh holds (TS 29.328 Annexes C and D)
 *
 * One structure for writing and reading; a part that is not there is empty, or n is 0. Pure;
 * any thread.
 */
#pragma once

#include "base/text.h"
#include "sh/sh.h"

enum {
	SH_DOCUMENT_IMPUS_MAX = 128,
	SH_DOCUMENT_MSISDNS_MAX = 16,
	SH_SEQUENCE_MAX = 65535,
};

enum sh_flag { SH_FLAG_ABSENT, SH_FLAG_INACTIVE, SH_FLAG_ACTIVE };

/* tIMSUserState. */
enum sh_ims_user_state {
	SH_STATE_NOT_REGISTERED,
	SH_STATE_REGISTERED,
	SH_STATE_REGISTERED_UNREG_SERVICES,
	SH_STATE_AUTHENTICATION_PENDING,
};

struct sh_repository {
	struct slice service;
	uint32_t sequence;
	bool has_data;
	struct slice data; /* what stands in ServiceData, as XML */
};

struct sh_dsai {
	struct slice tag;
	bool active;
};

struct sh_document {
	uint32_t n_impus, n_msisdns, n_repositories, n_dsais;
	struct slice impu[SH_DOCUMENT_IMPUS_MAX];
	struct slice msisdn[SH_DOCUMENT_MSISDNS_MAX]; /* digits */
	struct sh_repository repository[SH_LIST_MAX];
	bool has_scscf, has_ifcs, has_state, has_charging;
	struct slice scscf; /* may be empty: nobody is assigned */
	struct slice ifcs;  /* InitialFilterCriteria elements, as XML */
	enum sh_ims_user_state state;
	struct cx_charging charging;
	enum sh_flag psi_active;
	struct sh_dsai dsai[SH_LIST_MAX];
};

/* True: nothing is in it. */
bool sh_document_empty(const struct sh_document *d);
/* Characters that XML does not have become spaces, and so do octets that are no UTF-8. data and
 * ifcs are taken as they are. False: it does not fit. */
bool sh_document_write(const struct sh_document *d, struct text *out);
