/* fixture.h - a store in a folder of its own, with subscribers in it */
#pragma once

#include "hss/hss.h"

struct fixture {
	char folder[64], path[96];
	struct store *store;
	struct hss *hss;
};

/* cmocka set-up and tear-down; *state is a struct fixture. */
int fixture_make(void **state);
int fixture_remove(void **state);
/* Closes and opens the store. */
void fixture_reopen(struct fixture *f);

/* A subscriber with test set 1 of TS 35.208 as its keys and "secret" as its password. The
 * identities end with NULL; the first is default. */
struct store_subscriber *fixture_subscriber(const char *impi, const char *const *impu);
/* Puts it, and frees it. */
void fixture_put(struct fixture *f, struct store_subscriber *sub);
/* alice: sip:alice@home.example, tel:+1. bob: digest only, may roam in abroad.example, has a
 * terminating service while not registered. one and two: share sip:shared@home.example. All in
 * home.example. */
void fixture_people(struct fixture *f);
