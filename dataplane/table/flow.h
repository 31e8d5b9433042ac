/* flow.h - the table of flows: who is registered from this transport address
 *
 * Most flows have one user: then the entry leads to his registration, and its part is the
 * contact's index. When a second set comes to the same flow, a flow_shared takes its place,
 * under the part FLOW_SHARED, and stays until the last has left. It does not list its users, so
 * that joining and leaving cost the same with two of them and with a hundred thousand.
 */
#pragma once

#include "table/tables.h"

enum { FLOW_SHARED = 255 };

struct flow_shared {
	_Alignas(INDEX_LINE) struct addr flow;
	struct addr local;
	uint64_t sa_id; /* of the contact that came first */
	/* What readers see of it, in one word that changes at once: the only user's
	 * registration, or the number of users, shifted left, with the lowest bit set. */
	void *state;
	uint64_t set_ids; /* exclusive-or of its users: with one user left, that one's */
};

/* Inside a read-side section. The flow's entry, or 0. */
uint64_t flow_find(const struct tables *t, const struct addr *flow, uint64_t hash);
/* As table_find_flow, of an entry found. */
void flow_read(const struct tables *t, uint64_t entry, struct reg_flow *out);

/* Management thread, all below. */

/* How many flow_shared publishing v in place of old (or NULL) needs at most. */
uint32_t flow_spares_needed(const struct tables *t, const struct abi_registration_view *v,
			    const struct registration *old);
/* Enters r's flows, in place of old's where both have one; takes from spare[] what it needs and
 * counts *n_spare down. Within tables_reserve. */
void flow_enter_all(struct tables *t, const struct registration *r,
		    const struct registration *old, struct flow_shared *spare[],
		    uint32_t *n_spare);
/* Takes out the flows of old that r (or NULL) does not have. The table of sets holds old no
 * longer. */
void flow_leave_all(struct tables *t, const struct registration *old,
		    const struct registration *r);
