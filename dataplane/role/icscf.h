/* icscf.h - the I-CSCF (TS 24.229 §5.3.2): finds the S-CSCF of a called user */
#pragma once

#include "role/pass.h"

/* Served here: on to the terminating S-CSCF. Else control asks the HSS (LIR) and resumes the
 * request. */
enum verdict icscf_locate(struct pass *p);
