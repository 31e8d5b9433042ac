/* object.h - a registration as it lies in memory
 *
 *   registration | identities | contacts | text of the identities | other text
 *
 * All in one piece that begins on a cache line, so that a set costs one allocation and one
 * retirement. With two identities and a contact, the first two lines hold the identities'
 * hashes and the contact's flow, local address and expiry, and the next two most of the
 * identities' text.
 */
#pragma once

#include "table/registration.h"

/* Octets for the set, a multiple of a cache line, or 0: it breaks a bound or is larger than any
 * object may be. */
uint32_t object_size(const struct abi_registration_view *v);
/* Fills object_size(v) octets; the identities' hashes as table_hash_impu has them, and their
 * slots of profiles. Nothing of it is in a table yet. */
struct registration *object_build(void *memory, const struct abi_registration_view *v,
				  const uint64_t impu_hash[], const uint32_t profile[],
				  uint32_t epoch);
