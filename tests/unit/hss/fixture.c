/* fixture.c - a store in a folder of its own, with subscribers in it */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "aka/milenage.h"
#include "fixture.h"

const char *fixture_server(void)
{
	return getenv("SAKER_TEST_POSTGRES");
}

PGconn *fixture_connect(void)
{
	PGconn *conn = PQconnectdb(fixture_server());

	if (PQstatus(conn) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(conn));
	PQclear(PQexec(conn, "SET client_min_messages = warning"));
	return conn;
}

int64_t fixture_sql(PGconn *conn, const char *sql)
{
	PGresult *r = PQexec(conn, sql);
	int64_t number = 0;

	if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(conn));
	if (PQntuples(r) > 0 && PQnfields(r) > 0)
		number = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	return number;
}

/* One database for all tests: each begins without our parts in it. */
static void empty_server(void)
{
	PGconn *conn = fixture_connect();

	fixture_sql(conn, "DROP SCHEMA IF EXISTS main, state CASCADE");
	PQfinish(conn);
}

int fixture_make(void **state)
{
	static const struct hss_config config = {.realm = "home.example", .av_max = 5};
	struct fixture *f = calloc(1, sizeof(*f));
	char error[STORE_ERROR_MAX];

	snprintf(f->folder, sizeof(f->folder), "/tmp/saker-hss-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	if (fixture_server())
		empty_server();
	if (fixture_server())
		snprintf(f->path, sizeof(f->path), "%s", fixture_server());
	else
		snprintf(f->path, sizeof(f->path), "%s/hss.db", f->folder);
	f->store = store_open(f->path, error);
	if (!f->store)
		fail_msg("%s", error);
	f->hss = hss_new(f->store, &config);
	assert_non_null(f->hss);
	*state = f;
	return 0;
}

int fixture_remove(void **state)
{
	struct fixture *f = *state;
	char path[512];
	DIR *folder;

	hss_free(f->hss);
	store_close(f->store);
	folder = opendir(f->folder);
	for (struct dirent *e; folder && (e = readdir(folder));) {
		snprintf(path, sizeof(path), "%s/%s", f->folder, e->d_name);
		unlink(path);
	}
	closedir(folder);
	rmdir(f->folder);
	free(f);
	return 0;
}

void fixture_reopen(struct fixture *f)
{
	char error[STORE_ERROR_MAX];

	store_close(f->store);
	f->store = store_open(f->path, error);
	if (!f->store)
		fail_msg("%s", error);
	f->hss->store = f->store;
}

struct store_subscriber *fixture_subscriber(const char *impi, const char *const *impu)
{
	static const uint8_t k[16] = {0x46, 0x5b, 0x5c, 0xe8, 0xb1, 0x99, 0xb4, 0x9f,
				      0xaa, 0x5f, 0x0a, 0x2e, 0xe2, 0x38, 0xa6, 0xbc};
	static const uint8_t op[16] = {0xcd, 0xc2, 0x02, 0xd5, 0x12, 0x3e, 0x20, 0xf6,
				       0x2b, 0x6d, 0x67, 0x6a, 0xc7, 0x2c, 0xb3, 0x18};
	struct store_subscriber *sub = calloc(1, sizeof(*sub));

	assert_non_null(sub);
	snprintf(sub->impi, sizeof(sub->impi), "%s", impi);
	for (; impu[sub->n_impus]; sub->n_impus++)
		snprintf(sub->impu[sub->n_impus], sizeof(sub->impu[0]), "%s",
			 impu[sub->n_impus]);
	memcpy(sub->k, k, sizeof(k));
	assert_int_equal(milenage_opc(k, op, sub->opc), 0);
	sub->amf[0] = 0x80;
	sub->auth = STORE_AUTH_AKA | STORE_AUTH_DIGEST;
	snprintf(sub->ha1, sizeof(sub->ha1), "0123456789abcdef0123456789abcdef");
	snprintf(sub->digest_realm, sizeof(sub->digest_realm), "home.example");
	return sub;
}

void fixture_put(struct fixture *f, struct store_subscriber *sub)
{
	char error[STORE_ERROR_MAX];

	if (store_subscriber_put(f->store, sub, false, error) != STORE_OK)
		fail_msg("%s: %s", sub->impi, error);
	free(sub);
}

void fixture_people(struct fixture *f)
{
	static const char *const alice[] = {"sip:alice@home.example", "tel:+1", NULL};
	static const char *const bob[] = {"sip:bob@home.example", NULL};
	static const char *const shared[] = {"sip:shared@home.example", NULL};
	struct store_subscriber *sub;

	assert_int_equal(store_profile_put(f->store, "always",
					   SLICE("<InitialFilterCriteria/>"), -1,
					   STORE_TERMINATING_UNREGISTERED),
			 STORE_OK);
	fixture_put(f, fixture_subscriber("alice@home.example", alice));
	sub = fixture_subscriber("bob@home.example", bob);
	snprintf(sub->profile, sizeof(sub->profile), "always");
	snprintf(sub->visited[sub->n_visited++], sizeof(sub->visited[0]), "abroad.example");
	sub->auth = STORE_AUTH_DIGEST;
	fixture_put(f, sub);
	sub = fixture_subscriber("one@home.example", shared);
	snprintf(sub->subscription, sizeof(sub->subscription), "family");
	fixture_put(f, sub);
	sub = fixture_subscriber("two@home.example", shared);
	snprintf(sub->subscription, sizeof(sub->subscription), "family");
	fixture_put(f, sub);
}

struct store_impi fixture_impi(struct store *s, const char *name)
{
	struct store_impi i;

	assert_int_equal(store_find_impi(s, slice_str(name), &i), STORE_OK);
	return i;
}

struct store_impu fixture_impu(struct store *s, const char *name)
{
	struct store_impu u;

	assert_int_equal(store_find_impu(s, slice_str(name), &u), STORE_OK);
	return u;
}

int fixture_mar(struct fixture *f)
{
	struct cx_mar r = {.impi = SLICE("alice@home.example"),
			   .impu = SLICE("tel:+1"),
			   .server_name = SLICE("sip:s1"),
			   .n_vectors = 1,
			   .scheme = CX_AUTH_AKA};
	struct cx_maa a;

	hss_mar(f->hss, &r, &a);
	return a.result;
}

int fixture_sar(struct fixture *f, enum cx_sat type)
{
	struct cx_sar r = {.impi = SLICE("alice@home.example"),
			   .n_impus = 1,
			   .impu = {SLICE("tel:+1")},
			   .server_name = SLICE("sip:s1"),
			   .type = type,
			   .origin_host = SLICE("h")};
	struct cx_saa a;

	hss_sar(f->hss, &r, &a);
	return a.result;
}
