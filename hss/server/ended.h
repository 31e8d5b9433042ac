/* ended.h - a registration that the HSS ended: what the S-CSCF has to hear (TS 29.228 §6.1.3)
 */
#pragma once

#include "cx/cx.h"
#include "store/store.h"

struct ended {
	const struct store_impu *impus; /* of the set, as they were before */
	uint32_t n;
	const char *impi;
	/* The other private identities whose registration with the set ends too. */
	uint32_t n_associated;
	const char (*associated)[IMPI_MAX + 1];
	bool by_impi; /* the private identity alone: its public ones stay registered by others
		       */
	enum cx_reason reason;
	const char *info; /* NULL: none */
};
