/* icscf.h - the I-CSCF (TS 24.229 §5.3.2): finds the S-CSCF of a called user */
#pragma once

#include "role/pass.h"

/* Does what control said of a request that was punted with PUNT_LOCATE or PUNT_OUTBOUND:
 * ROUTED, TERMINATING, or SEND, answered. */
enum verdict icscf_take_location(struct pass *p);

/* Served here: on to the terminating S-CSCF. Else control asks the HSS (LIR) and resumes the
 * request. */
enum verdict icscf_locate(struct pass *p);
