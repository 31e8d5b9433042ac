/* fixture.h - a store of its own, with subscribers in it
 *
 * In a folder, or, where SAKER_TEST_POSTGRES names one, in a database that is emptied for it.
 */
#pragma once

#include <libpq-fe.h>

#include "hss/hss.h"

struct fixture {
	char folder[64], path[256];
	struct store *store;
	struct hss *hss;
};

/* cmocka set-up and tear-down; *state is a struct fixture. */
int fixture_make(void **state);
int fixture_remove(void **state);
/* NULL: the tests are about SQLite. */
const char *fixture_server(void);
/* Another connection to its database, and a statement there: the first number it gives, or 0.
 */
PGconn *fixture_connect(void);
int64_t fixture_sql(PGconn *conn, const char *sql);
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

/* That must be there. */
struct store_impi fixture_impi(struct store *s, const char *name);
struct store_impu fixture_impu(struct store *s, const char *name);
/* MAR for one vector, and SAR, of alice at sip:s1; the result. */
int fixture_mar(struct fixture *f);
int fixture_sar(struct fixture *f, enum cx_sat type);
