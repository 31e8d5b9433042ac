/* model.h - what the tables should hold, kept the plain way, and a comparison of both */
#pragma once

#include "table/registration.h"

enum {
	MODEL_SETS = 12,
	MODEL_IMPUS = 24,
	MODEL_FLOWS = 6,
	MODEL_SET_IMPUS = 5,
	MODEL_SET_CONTACTS = 4,
};

struct model_set {
	bool present;
	uint32_t version;
	uint32_t n_impu, n_contact;
	uint32_t impu[MODEL_SET_IMPUS];    /* which of MODEL_IMPUS, no two the same */
	uint32_t flow[MODEL_SET_CONTACTS]; /* which of MODEL_FLOWS, or MODEL_FLOWS: none */
};

struct model {
	struct model_set set[MODEL_SETS];
	bool collide; /* many have the same hash: it alone does not tell whose it is */
};

/* The view of a set, its texts in memory of its own until the next call. */
const struct abi_registration_view *model_view(uint64_t set_id, const struct model_set *s);
struct addr model_flow(uint32_t flow);
/* What table_put must answer if there is memory. */
int model_put_status(const struct model *m, uint32_t set, const struct model_set *s);
/* Every look-up there is, against the model; fails the test where they differ. */
void model_assert(const struct model *m, const struct tables *t);
