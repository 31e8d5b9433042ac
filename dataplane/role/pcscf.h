/* pcscf.h - the P-CSCF (TS 24.229 §5.2): the edge of the trust domain */
#pragma once

#include "role/pass.h"

/* An initial request from a UE (§5.2.6.3.3): who is it, strip what it may not say, and on to
 * the S-CSCF. */
enum verdict pcscf_originating(struct pass *p);
/* The same of a call for help (§5.2.10.2), after proxy_source: false, if nobody is registered
 * there whom it could be from. *emergency: his registration is one for emergency. */
bool pcscf_caller(struct pass *p, bool *emergency);
/* A request with a Path token of ours (§5.2.6.4): to the flow it names. */
enum verdict pcscf_deliver(struct pass *p);
/* A request inside a dialog whose Record-Route is ours (§5.2.6.3.5, §5.2.6.4.5): whose flow it
 * may come from, where it may go. */
enum verdict pcscf_dialog(struct pass *p);
/* What changes at the boundary a request leaves by: towards a UE what only the network may see
 * goes (§4.4, RFC 3325 §7), towards a peer the charging vector comes (§5.2.6.3). */
void pcscf_leave(struct pass *p, const struct target *to);
/* The same for a response on its way back to `to`. term_user: whom the request was for, 0: not
 * known. */
void pcscf_response(struct pass *p, bool from_ue, bool to_ue, const struct addr *to,
		    uint64_t term_user);
