/* protect.h - the users' side of security associations, and the node's sets of them */
#pragma once

#include <rte_mbuf.h>

#include "esp/esp.h"

enum { PROTECT_SERVER = 5101, PROTECT_CLIENT = 5102 };

struct protect;

/* For so many users. NULL: no memory. */
struct protect *protect_open(uint32_t users, enum esp_cipher cipher,
			     enum esp_integrity integrity);
void protect_close(struct protect *p);
/* The node's, or NULL. */
const struct esp_sas *protect_sas(const struct protect *p);
/* A user's set, on both sides; *local becomes what it is for the contact. Its id, or 0: it does
 * not fit. */
uint64_t protect_add(struct protect *p, uint32_t user, const struct addr *flow,
		     struct addr *local);
/* Makes the user's frame with a UDP datagram one with an ESP packet. */
bool protect_seal(struct protect *p, uint32_t user, struct rte_mbuf *m);
/* And a frame the node sent, which lies in one segment, the one with a UDP datagram that it
 * would have been, to the user's own port. ARP stays as it is. */
bool protect_unseal(struct protect *p, struct rte_mbuf *m);
