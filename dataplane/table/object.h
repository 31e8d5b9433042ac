/* object.h - a registration as it lies in memory: links, then the part that readers know
 *
 *   link per contact | link per identity | reg_object { set link, registration } | contacts |
 * identities | text
 *
 * All in one piece, so that a set costs one allocation and one retirement, and a look-up that
 * followed a link finds the registration on the lines behind it. A link that has left its table
 * is never put back.
 */
#pragma once

#include "table/index.h"
#include "table/registration.h"

/* In the table of identities or of flows. */
struct reg_link {
	struct cds_lfht_node node;
	uint16_t ahead; /* octets from here to the registration */
	uint16_t
		text; /* identity: its offset in the registration, so that a look-up compares */
	uint16_t text_len; /* it without reading the lines in between */
	uint8_t index;     /* of the identity or contact it is for */
	uint8_t shared;    /* not part of an object at all: a struct flow_shared (flow.h) */
};

struct reg_object {
	struct cds_lfht_node by_set;
	uint32_t epoch; /* of the last put, for table_sync_end; management thread only */
	uint32_t front; /* octets of links before this */
	struct registration registration;
};

/* Octets for the set, or 0: it breaks a bound or is larger than any object may be. */
uint32_t object_size(const struct abi_registration_view *v);
/* Fills object_size(v) octets. Nothing of it is in a table yet. */
struct reg_object *object_build(void *memory, const struct abi_registration_view *v);

static inline void *object_memory(struct reg_object *o)
{
	return (uint8_t *)o - o->front;
}

static inline struct reg_link *object_impu_link(const struct reg_object *o, uint32_t i)
{
	return (struct reg_link *)o - o->registration.n_impu + i;
}

static inline struct reg_link *object_contact_link(const struct reg_object *o, uint32_t i)
{
	return (struct reg_link *)o - o->registration.n_impu - o->registration.n_contact + i;
}

static inline const struct registration *link_registration(const struct reg_link *l)
{
	return (const struct registration *)((const uint8_t *)l + l->ahead);
}

static inline struct slice link_impu(const struct reg_link *l)
{
	return reg_text(link_registration(l), l->text, l->text_len);
}

static inline struct reg_object *object_of_set(struct cds_lfht_node *by_set)
{
	return caa_container_of(by_set, struct reg_object, by_set);
}

static inline struct reg_link *link_of(struct cds_lfht_node *node)
{
	return caa_container_of(node, struct reg_link, node);
}
