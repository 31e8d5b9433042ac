/* hide.h - what a foreign network sees of ours: nothing (TS 24.229 §5.10.4)
 *
 * Towards a peer with topology-hiding, the Via entries that a request came with become one, and
 * so do the Record-Route entries; what they were stands in a token that only this node reads
 * (abi/seal.h), bound to the Call-ID. What comes back with the token is given its entries
 * again: Via and Record-Route of a response, Route of a request inside the dialog. A worker
 * keeps nothing of it.
 */
#pragma once

#include "role/pass.h"

/* A request on its way to such a peer; p->hide is set. False: there is more of it than fits
 * into a token, or into a message. */
bool hide_request(struct pass *p);
/* A response to a request of such a peer, on its way there: the Record-Route entries of our
 * network, which are those above our own. False: as hide_request. */
bool hide_response(struct pass *p);
/* A Route of ours that carries a token: the entries go to p->hidden_route, in the pass's own
 * memory. False: forged; counted. */
bool hide_route(struct pass *p, struct slice token);
/* A Via of ours that carries a token, in a response: it is replaced by the entries it stands
 * for, of which the first goes to *next. True too, with *next as it was, if it is any other
 * Via. False: forged; counted. */
bool hide_reveal_via(struct pass *p, struct sip_via *next);
/* The Record-Routes of a response, likewise. */
bool hide_reveal_routes(struct pass *p);
