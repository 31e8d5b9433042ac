/* view.h - the answers to sakerctl: rows of JSON from the region, the samples and the
 * configuration */
#pragma once

#include "worker/manage.h"

/* The handler of the admin socket; ctx is the struct manage. Management thread. */
void view_answer(void *ctx, const struct admin_request *request, struct json *out);
/* Drops of one worker, all reasons. */
uint64_t view_drops(const struct counters *c);
/* Part of a ring that is filled, 0 to 1. */
double view_ring_fill(struct abi_region *r, uint64_t offset, uint64_t size);
