/* vector.h - authentication vectors from and to SIP-Auth-Data-Items (TS 29.229 §6.3.13) */
#pragma once

#include "cx/cx.h"
#include "field.h"

/* "Digest-AKAv1-MD5" and so on (TS 29.229 §6.3.9). */
enum cx_auth_scheme scheme_of(struct slice name);
/* Empty for CX_AUTH_OTHER. */
struct slice scheme_text(enum cx_auth_scheme scheme);

/* One SIP-Auth-Data-Item of an MAA into the struct cx_maa; of a field table. */
int vector_decode(struct avp *avp, void *maa, struct fault *f);
/* SIP-Number-Auth-Items and all SIP-Auth-Data-Items. */
int vector_encode(msg_or_avp *m, const void *maa);
