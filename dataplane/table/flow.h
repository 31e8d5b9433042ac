/* flow.h - the table of flows: who is registered from this transport address
 *
 * Most flows have one user: then the link inside his registration is the entry. When a second
 * set comes to the same flow, a flow_shared takes its place and stays until the last has left.
 * It does not list its users, so that joining and leaving cost the same with two of them and
 * with a hundred thousand.
 */
#pragma once

#include "table/tables.h"

struct flow_shared {
	struct reg_link link; /* .shared is 1 */
	struct addr flow, local;
	/* What readers see of it, in one word that changes at once: the only user's
	 * registration, or the number of users, shifted left, with the lowest bit set. */
	void *state;
	uint64_t set_ids; /* exclusive-or of its users: with one user left, that one's */
};

/* Inside a read-side section. The entry of the flow, or NULL. */
struct reg_link *flow_find(const struct tables *t, const struct addr *flow, uint64_t hash);
/* As table_find_flow, of an entry found. */
void flow_read(const struct reg_link *entry, struct reg_flow *out);

/* Management thread, all below. */

/* How many flow_shared publishing v in place of old (or NULL) needs at most. */
uint32_t flow_spares_needed(const struct tables *t, const struct abi_registration_view *v,
			    const struct reg_object *old);
/* Enters o's flows, in place of old's where both have one; takes from spare[] what it needs and
 * counts *n_spare down. */
void flow_enter_all(struct tables *t, struct reg_object *o, const struct reg_object *old,
		    struct flow_shared *spare[], uint32_t *n_spare);
/* Takes out the flows of old that o (or NULL) does not have. The table of sets holds old no
 * longer. */
void flow_leave_all(struct tables *t, struct reg_object *old, const struct reg_object *o);
