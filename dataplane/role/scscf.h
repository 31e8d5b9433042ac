/* scscf.h - the S-CSCF (TS 24.229 §5.4.3): serves the calling, then the called user */
#pragma once

#include "role/pass.h"

/* §5.4.3.2: a request of a user served here. */
enum verdict scscf_originating(struct pass *p);
/* §5.4.3.3: a request to a user served here: onto the contacts. */
enum verdict scscf_terminating(struct pass *p);
