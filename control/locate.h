/* locate.h - which S-CSCF serves a called user: LIR at the I-CSCF (TS 24.229 §5.3.2, TS 29.228
 * §6.1.4); at an S-CSCF that does not know the user, whether it should (restore.h) */
#pragma once

struct control;
struct abi_punt;

struct locator *locator_open(struct control *c);
void locator_close(struct locator *l);
/* A request held since PUNT_LOCATE or PUNT_OUTBOUND; resumed with the verdict exactly once.
 * Repeats of a request that is being located already are dropped here. */
void locator_request(struct locator *l, const struct abi_punt *p);
