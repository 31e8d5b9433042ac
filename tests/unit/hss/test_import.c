/* test_import.c - subscribers from CSV and JSON, into a real store and out of it again */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/json.h"
#include "fixture.h"
#include "hss/export.h"
#include "hss/import.h"

/* Test set 1 of TS 35.208 §4.3. */
#define K   "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OP  "cdc202d5123e20f62b6d676ac72cb318"
#define OPC "cd63cb71954a9f4e48a5994e37a02baf"

static const struct entry_defaults defaults = {.realm = "home.example", .amf = {0x80, 0x00}};

static bool import(struct fixture *f, const char *text, bool skip, struct import_result *r)
{
	return import_run(f->store, &defaults, slice_str(text), skip, r);
}

static uint64_t impis(struct fixture *f)
{
	struct store_counts counts;

	assert_int_equal(store_counts(f->store, &counts), STORE_OK);
	return counts.impis;
}

static void get(struct fixture *f, const char *impi, struct store_subscriber *out)
{
	assert_int_equal(store_subscriber_get(f->store, slice_str(impi), out), STORE_OK);
}

static void hex_equal(const uint8_t *octets, size_t n, const char *want)
{
	char got[65];

	for (size_t i = 0; i < n; i++)
		snprintf(got + 2 * i, 3, "%02x", octets[i]);
	assert_string_equal(got, want);
}

static void test_csv_all_columns(void **state)
{
	struct fixture *f = *state;
	struct import_result r;
	struct store_subscriber s;

	assert_int_equal(store_profile_put(f->store, "gold", SLICE("x"), -1, 0), STORE_OK);
	assert_int_equal(store_profile_put(f->store, "tin", SLICE("x"), -1, 0), STORE_OK);
	if (!import(f,
		    "\xef\xbb\xbfIMPI,impu,k,op,amf,sqn,visited,subscription,profile,impu-"
		    "profile,barred,display\r\n"
		    "\r\n"
		    "a@home.example,sips:a@HOME.example;sip:%61b@home.example;tel:+1-2," K
		    "," OP
		    ",b9b9,ff9bb4d0b607,x.example; y.example,fam,gold,sip:ab@home.example tin,"
		    "sip:ab@home.example,\"Say \"\"A\"\", B\"\r\n",
		    false, &r))
		fail_msg("%u:%u %s", r.wrong[0].line, r.wrong[0].column, r.wrong[0].sentence);
	assert_int_equal(r.imported, 1);
	assert_int_equal(r.skipped, 0);
	get(f, "a@home.example", &s);
	assert_int_equal(s.n_impus, 3);
	assert_string_equal(s.impu[0], "sip:a@home.example");
	assert_string_equal(s.impu[1], "sip:ab@home.example");
	assert_string_equal(s.impu[2], "tel:+12");
	assert_false(s.barred[0]);
	assert_true(s.barred[1]);
	assert_string_equal(s.impu_profile[0], "");
	assert_string_equal(s.impu_profile[1], "tin");
	assert_string_equal(s.profile, "gold");
	assert_string_equal(s.subscription, "fam");
	assert_string_equal(s.display_name, "Say \"A\", B");
	assert_int_equal(s.n_visited, 2);
	hex_equal(s.k, 16, K);
	hex_equal(s.opc, 16, OPC);
	hex_equal(s.amf, 2, "b9b9");
	assert_int_equal(s.sqn, UINT64_C(0xff9bb4d0b607));
	assert_int_equal(s.auth, STORE_AUTH_AKA);
}

/* The sums were made by an independent program; the blank belongs to the password. */
static void test_password(void **state)
{
	struct fixture *f = *state;
	struct import_result r;
	struct store_subscriber s;

	assert_true(import(f,
			   "impi,impu,password\nMufasa@home.example,sip:m@home.example,\" "
			   "Circle of Life\"\n",
			   false, &r));
	get(f, "Mufasa@home.example", &s);
	assert_string_equal(s.ha1, "e01ef9a1b39ca05538cde0249472a968");
	assert_string_equal(s.ha1_sha256,
			    "3d573aeef04b9fe791ee39fcc8f1e9178985af727ab9c696a50d3fc795e3bdf8");
	assert_string_equal(s.digest_realm, "home.example");
	assert_int_equal(s.auth, STORE_AUTH_DIGEST);
}

#define HEAD "impi,impu,k,opc\n"
#define GOOD "g@h,sip:g@h," K "," OPC "\n"

static const struct {
	const char *text;
	uint32_t line, column;
	const char *key;
} wrong[] = {
	{"", 1, 1, NULL},
	{"impi,impu,k,opcc\n", 1, 13, NULL},
	{"impi,impu,impi\n", 1, 11, NULL},
	{"impi,k,opc\n", 1, 1, NULL},
	{HEAD GOOD "a@h,sip:a@h," K "0," OPC "\n", 3, 13, "k"},
	{HEAD GOOD "a@h,sip:a@h,g65b5ce8b199b49faa5f0a2ee238a6bc," OPC "\n", 3, 13, "k"},
	{HEAD GOOD "a@h,sip:a@h," K ",00\n", 3, 46, "opc"},
	{HEAD GOOD "ah,sip:a@h," K "," OPC "\n", 3, 1, "impi"},
	{HEAD GOOD "a:b@h,sip:a@h," K "," OPC "\n", 3, 1, "impi"},
	{HEAD GOOD "a@h,a@h," K "," OPC "\n", 3, 5, "impu"},
	{HEAD GOOD "a@h,tel:12," K "," OPC "\n", 3, 5, "impu"},
	{HEAD GOOD "a@h,," K "," OPC "\n", 3, 5, "impu"},
	{HEAD GOOD "a@h,sip:a@h;sip:%61@H," K "," OPC "\n", 3, 5, "impu"},
	{HEAD GOOD ",sip:a@h," K "," OPC "\n", 3, 1, "impi"},
	{HEAD GOOD "a@h,sip:a@h," K ",\n", 3, 13, "k"},
	{HEAD GOOD "a@h,sip:a@h,,\n", 3, 13, "k"},
	{HEAD GOOD "a@h,sip:a@h," K "\n", 3, 13, NULL},
	{HEAD GOOD "a@h,sip:a@h," K "," OPC ",x\n", 3, 79, NULL},
	{HEAD GOOD GOOD, 3, 1, "impi"},
	{HEAD GOOD "\n\na@h,sip:g@h," K "," OPC "\n", 5, 5, "impu"},
	{HEAD GOOD "a@h,\"sip:a@h,x\n", 3, 5, NULL},
	{"impi,impu,k,opc,profile\n"
	 "a@h,sip:a@h," K "," OPC ",none\n",
	 2, 79, "profile"},
	{"impi,impu,k,opc,barred\n"
	 "a@h,sip:a@h," K "," OPC ",sip:b@h\n",
	 2, 79, "barred"},
	{"impi,impu,k,opc,sqn\n"
	 "a@h,sip:a@h," K "," OPC ",281474976710656\n",
	 2, 79, "sqn"},
	{"impi,impu,k,opc,op\n"
	 "a@h,sip:a@h," K "," OPC "," OP "\n",
	 2, 79, "op"},
	{"impi,impu,password,ha1\n"
	 "a@h,sip:a@h,secret," K "\n",
	 2, 20, "ha1"},
	{"[{\"impi\":\"a@h\",\n\"impu\":\"sip:a@h\",", 2, 0, NULL},
	{"[\n  {\"impi\":\"a@h\",\"impu\":\"sip:a@h\",\"k\":\"00\"}]", 2, 3, "k"},
	{"[\n  {\"impi\":\"a@h\",\"unknown\":\"x\"}]", 2, 3, NULL},
	{"[\n  {\"impi\":7}]", 2, 3, "impi"},
	{"[\n  {\"impi\":[\"a@h\",\"b@h\"]}]", 2, 3, "impi"},
	{"[\n 7]", 2, 2, NULL},
	{"[{\"impi\":\"a@h\",\"impi\":\"a@h\"}]", 1, 0, NULL},
	{"[]\nx", 2, 1, NULL},
	{"{\"impi\":\"a@h\",\"impu\":\"sip:a@h\",\"k\":\"" K "\",\"opc\":\"" OPC "\"}\n {}", 2,
	 2, NULL},
	{"[", 1, 2, NULL},
};

/* Nothing stays of an import that is refused, and nothing of its keys is told. */
static void test_refused(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct import_result r;
		const struct import_wrong *w = &r.wrong[0];

		if (import(f, wrong[i].text, false, &r))
			fail_msg("row %zu is taken", i);
		assert_int_equal(r.imported, 0);
		assert_int_equal(r.n_wrong, 1);
		if (w->line != wrong[i].line ||
		    (wrong[i].column && w->column != wrong[i].column))
			fail_msg("row %zu: %u:%u %s", i, w->line, w->column, w->sentence);
		if (!w->key != !wrong[i].key || (w->key && strcmp(w->key, wrong[i].key) != 0))
			fail_msg("row %zu: key %s, %s", i, w->key ? w->key : "none",
				 w->sentence);
		assert_true(*w->sentence);
		assert_null(strstr(w->sentence, "465b5ce8"));
		assert_null(strstr(w->sentence, "cd63cb71"));
		assert_int_equal(impis(f), 0);
	}
}

/* A file without a header line, or with its columns moved, has keys where names are expected.
 */
static void test_secrets_untold(void **state)
{
	static const char *const text[] = {
		"a@h,sip:a@h," K "," OPC "\n",
		K "," OPC "\n",
		"impi,impu,k,opc\n" K ",a@h,sip:a@h," OPC "\n",
		"impi,impu,k,opc\na@h," K ",sip:a@h," OPC "\n",
		"impi,impu,k,opc,profile\na@h,sip:a@h," K "," OPC "," K "\n",
		"[{\"impi\":\"a@h\",\"" K "\":1}]",
		"[{\"impi\":\"a@h\",\"k\": " K "}]",
		"[{\"impi\":\"a@h\",\"impu\":\"" K "\"}]",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		struct import_result r;

		assert_false(import(f, text[i], false, &r));
		if (strstr(r.wrong[0].sentence, "465b5c"))
			fail_msg("row %zu: %s", i, r.wrong[0].sentence);
	}
}

static void test_skip_errors(void **state)
{
	struct fixture *f = *state;
	struct import_result r;
	struct store_subscriber s;

	assert_true(import(f,
			   HEAD GOOD "a@h,nonsense," K "," OPC "\n" GOOD "b@h,sip:b\"@h,x\n"
				     "c@h,sip:c@h," K "," OPC "\n",
			   true, &r));
	assert_int_equal(r.imported, 2);
	assert_int_equal(r.skipped, 3);
	assert_int_equal(r.n_wrong, 3);
	assert_int_equal(r.wrong[0].line, 3);
	assert_int_equal(r.wrong[1].line, 4);
	assert_int_equal(r.wrong[2].line, 5);
	assert_int_equal(impis(f), 2);
	get(f, "c@h", &s);
	/* More are skipped than are told. */
	char *many = calloc(1, 4096);
	strcpy(many, HEAD);
	for (int i = 0; i < IMPORT_WRONG_MAX + 5; i++)
		strcat(many, "x,y,z,w\n");
	assert_true(import(f, many, true, &r));
	assert_int_equal(r.skipped, IMPORT_WRONG_MAX + 5);
	assert_int_equal(r.n_wrong, IMPORT_WRONG_MAX);
	free(many);
}

static void test_json(void **state)
{
	struct fixture *f = *state;
	struct import_result r;
	struct store_subscriber s;

	assert_true(import(
		f,
		" [ {\"impi\":\"a@h\",\"impu\":[\"sip:a@h\",\"tel:+1\"],\"k\":\"" K
		"\",\"op\":\"" OP
		"\",\"sqn\":281474976710655,\"display\":null,\"barred\":[\"tel:+1\"]} ,\n"
		"{\"impi\":\"b@h\",\"impu\":\"sip:b@h;sip:c@h\",\"password\":\"x\",\"visited\":"
		"[]}\n]\n",
		false, &r));
	assert_int_equal(r.imported, 2);
	get(f, "a@h", &s);
	assert_int_equal(s.n_impus, 2);
	assert_true(s.barred[1]);
	assert_int_equal(s.sqn, (UINT64_C(1) << 48) - 1);
	hex_equal(s.opc, 16, OPC);
	get(f, "b@h", &s);
	assert_int_equal(s.n_impus, 2);
	assert_true(import(f, "[]", false, &r));
	assert_int_equal(r.imported, 0);
}

/* Each cut of a sound text is refused or imports whole records only. */
static void test_cut(void **state)
{
	static const char json[] =
		"[{\"impi\":\"g@h\",\"impu\":\"sip:g@h\",\"k\":\"" K "\",\"opc\":\"" OPC "\"}]";
	struct fixture *f = *state;
	struct import_result r;

	for (size_t n = 0; n < sizeof(json) - 1; n++) {
		char *cut = malloc(n + 1);

		memcpy(cut, json, n);
		assert_false(import_run(f->store, &defaults, slice_of(cut, n), false, &r));
		free(cut);
	}
	assert_int_equal(impis(f), 0);
	assert_true(import(f, json, false, &r));
}

static struct slice export(struct fixture *f, enum export_format format, bool secrets,
			   struct json *out)
{
	json_init(out);
	assert_int_equal(export_run(f->store, format, secrets, out), STORE_OK);
	return slice_of(out->p, out->len);
}

static void has(struct json *j, const char *text, bool wanted)
{
	bool there = memmem(j->p, j->len, text, strlen(text)) != NULL;

	if (there != wanted)
		fail_msg("%s is %s", text, there ? "there" : "missing");
}

static void seed(struct fixture *f)
{
	struct import_result r;

	assert_int_equal(store_profile_put(f->store, "gold", SLICE("x"), -1, 0), STORE_OK);
	assert_true(import(f,
			   "impi,impu,k,opc,password,visited,profile,impu_profile,barred,"
			   "display,sqn,giba\n"
			   "a@h,sip:a@h;sip:x;y=z@h;tel:+12," K "," OPC
			   ",secret,*,,tel:+12 gold,tel:+12,\"A, \"\"B\"\"\","
			   "77,10.64.1.2\n"
			   "b@h,sip:b@h," K "," OPC ",,,gold,,,,,\n",
			   false, &r));
}

static void test_export_without_secrets(void **state)
{
	struct fixture *f = *state;
	struct json out;

	seed(f);
	for (int format = EXPORT_CSV; format <= EXPORT_JSON; format++) {
		struct store_subscriber s;

		get(f, "a@h", &s);
		export(f, (enum export_format)format, false, &out);
		has(&out, "sip:x;y=z@h", true);
		has(&out, K, false);
		has(&out, OPC, false);
		has(&out, s.ha1, false);
		has(&out, s.ha1_sha256, false);
		has(&out, "secret", false);
		json_free(&out);
	}
}

/* TS 35.233 §6.4: K of 256 bits, TOP given and TOPc kept; by whichever name it comes again. */
static void test_tuak(void **state)
{
	static const char k[] =
		"fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0";
	static const char top[] =
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f";
	static const char topc[] =
		"305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524";
	struct fixture *f = *state;
	struct store_subscriber s;
	struct import_result r;
	struct slice text;
	struct json out;
	char csv[512];

	snprintf(csv, sizeof(csv), "impi,impu,k,top\nt@h,sip:t@h,%s,%s\n", k, top);
	assert_true(import(f, csv, false, &r));
	get(f, "t@h", &s);
	assert_true(s.tuak && s.k256);
	hex_equal(s.k, 32, k);
	hex_equal(s.opc, 32, topc);
	text = export(f, EXPORT_CSV, false, &out);
	has(&out, topc, false);
	has(&out, k, false);
	json_free(&out);
	text = export(f, EXPORT_CSV, true, &out);
	has(&out, topc, true);
	assert_int_equal(store_subscriber_del(f->store, SLICE("t@h")), STORE_OK);
	assert_true(import_run(f->store, &defaults, text, false, &r));
	get(f, "t@h", &s);
	assert_true(s.tuak && s.k256);
	hex_equal(s.opc, 32, topc);
	json_free(&out);

	/* A long K is nothing for Milenage; and one of the four is enough. */
	snprintf(csv, sizeof(csv), "impi,impu,k,opc\nu@h,sip:u@h,%s," OPC "\n", k);
	assert_false(import(f, csv, false, &r));
	assert_non_null(strstr(r.wrong[0].sentence, "TUAK"));
	snprintf(csv, sizeof(csv), "impi,impu,k,opc,topc\nu@h,sip:u@h," K "," OPC ",%s\n",
		 topc);
	assert_false(import(f, csv, false, &r));
	assert_non_null(strstr(r.wrong[0].sentence, "exclude each other"));
	/* TUAK with a K of 128 bits. */
	snprintf(csv, sizeof(csv), "impi,impu,k,topc\nu@h,sip:u@h," K ",%s\n", topc);
	assert_true(import(f, csv, false, &r));
	get(f, "u@h", &s);
	assert_true(s.tuak && !s.k256);
}

static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct store_subscriber before, after;

	seed(f);
	for (int format = EXPORT_CSV; format <= EXPORT_JSON; format++) {
		struct import_result r;
		struct slice text;
		struct json out;

		get(f, "a@h", &before);
		text = export(f, (enum export_format)format, true, &out);
		has(&out, K, true);
		assert_int_equal(store_subscriber_del(f->store, SLICE("a@h")), STORE_OK);
		assert_int_equal(store_subscriber_del(f->store, SLICE("b@h")), STORE_OK);
		if (!import_run(f->store, &defaults, text, false, &r))
			fail_msg("%u:%u %s", r.wrong[0].line, r.wrong[0].column,
				 r.wrong[0].sentence);
		assert_int_equal(r.imported, 2);
		get(f, "a@h", &after);
		assert_int_equal(after.n_impus, 3);
		for (uint32_t i = 0; i < 3; i++) {
			assert_string_equal(after.impu[i], before.impu[i]);
			assert_int_equal(after.barred[i], i == 2);
		}
		assert_string_equal(after.impu_profile[2], "gold");
		assert_memory_equal(after.k, before.k, 16);
		assert_memory_equal(after.opc, before.opc, 16);
		assert_string_equal(after.ha1, before.ha1);
		assert_string_equal(after.ha1_sha256, before.ha1_sha256);
		assert_string_equal(after.digest_realm, "home.example");
		assert_string_equal(after.display_name, "A, \"B\"");
		assert_int_equal(after.n_visited, 1);
		assert_int_equal(after.sqn, 77);
		assert_string_equal(after.giba, "10.64.1.2");
		assert_int_equal(after.auth, before.auth);
		json_free(&out);
	}
}

/* 100,000 lines in under 20 s is the target; a tenth of each keeps the test short. */
static void test_speed(void **state)
{
	enum { LINES = 10000, SECONDS = 2 };
	struct fixture *f = *state;
	struct import_result r;
	struct timespec from, to;
	char *text = malloc(LINES * 160);
	size_t len = (size_t)sprintf(text, "impi,impu,k,op\n");

	for (int i = 0; i < LINES; i++)
		len += (size_t)sprintf(
			text + len, "u%05d@h,sip:u%05d@h;tel:+49%05d," K "," OP "\n", i, i, i);
	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_true(import_run(f->store, &defaults, slice_of(text, len), false, &r));
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_int_equal(r.imported, LINES);
	print_message("%d lines in %.2f s\n", LINES,
		      (double)(to.tv_sec - from.tv_sec) +
			      (double)(to.tv_nsec - from.tv_nsec) / 1e9);
#ifndef __SANITIZE_ADDRESS__
	/* A server is asked a dozen times for each line. */
	assert_true(to.tv_sec - from.tv_sec <= (fixture_server() ? 20 : 1) * SECONDS);
#endif
	free(text);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_make, fixture_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(test_csv_all_columns),
		WITH_STORE(test_password),
		WITH_STORE(test_refused),
		WITH_STORE(test_secrets_untold),
		WITH_STORE(test_skip_errors),
		WITH_STORE(test_json),
		WITH_STORE(test_cut),
		WITH_STORE(test_export_without_secrets),
		WITH_STORE(test_tuak),
		WITH_STORE(test_round_trip),
		WITH_STORE(test_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
