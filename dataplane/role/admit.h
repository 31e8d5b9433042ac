/* admit.h - new requests that are refused while the worker has more than it can carry */
#pragma once

#include "role/pass.h"

/* Answers 503 to the share of new requests that role_refuse set. The same request meets the
 * same fate when it is repeated. A call for help is never refused, nor one that an
 * answering point gives back (RFC 7090).
 */
enum verdict admit(struct pass *p);
