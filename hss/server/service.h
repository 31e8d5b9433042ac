/* service.h - what a subscription wants of its S-CSCF and of charging, as an operator writes it
 *
 * The keys `capabilities`, `capabilities_optional`, `scscf`, `ccf` and `ecf` of an entry, all
 * lists with ';' between their items (TS 29.228 §6.7 and Annex B.2; the numbers of capabilities
 * mean what the operator lets them mean). Any thread.
 */
#pragma once

#include "base/text.h"
#include "hss/entry.h"

/* True for these keys, and for no other. */
bool service_has(enum entry_key key);
/* Adds the items of a value. False with a sentence in error. */
bool service_take(struct store_service *v, enum entry_key key, struct slice value,
		  char error[ENTRY_ERROR_MAX]);
/* Takes over the lists of old whose bit is not in given (struct entry). */
void service_keep(struct store_service *v, const struct store_service *old, uint32_t given);
/* The items of a list, and item i of it as text. */
uint32_t service_count(const struct store_service *v, enum entry_key key);
void service_put_item(const struct store_service *v, enum entry_key key, uint32_t i,
		      struct text *t);
