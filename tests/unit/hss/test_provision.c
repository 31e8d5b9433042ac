/* test_provision.c - the `sub ...` commands over a real store: answers, state, and whom they
 * tell */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "hss/provision.h"

#define K   "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OP  "cdc202d5123e20f62b6d676ac72cb318"
#define OPC "cd63cb71954a9f4e48a5994e37a02baf"
#define IFC                                                                                    \
	"<InitialFilterCriteria><Priority>1</"                                                 \
	"Priority><ApplicationServer><ServerName>sip:as.home.example"                          \
	"</ServerName></ApplicationServer></InitialFilterCriteria>"

enum { ANSWER_MAX = 65536 };

static struct conf conf = {.realm = "home.example", .hss = {.amf = {0x80, 0}}};

/* What the S-CSCF would hear. */
struct heard {
	int deregistered, set_pushed, profile_pushed;
	uint32_t n, n_associated;
	bool by_impi;
	char other[IMPI_MAX + 1];
	char first[IMPU_MAX + 1], scscf[STORE_HOST_MAX + 1], impi[IMPI_MAX + 1];
	enum cx_reason reason;
};

static void hear_deregister(void *ctx, const struct ended *e)
{
	struct heard *h = ctx;

	h->deregistered++;
	h->n = e->n;
	h->n_associated = e->n_associated;
	h->by_impi = e->by_impi;
	h->reason = e->reason;
	snprintf(h->first, sizeof(h->first), "%s", e->impus[0].impu);
	snprintf(h->scscf, sizeof(h->scscf), "%s", e->impus[0].scscf_host);
	snprintf(h->impi, sizeof(h->impi), "%s", e->impi);
	snprintf(h->other, sizeof(h->other), "%s", e->n_associated ? e->associated[0] : "");
}

static void hear_set(void *ctx, int64_t set)
{
	((struct heard *)ctx)->set_pushed++;
}

static void hear_profile(void *ctx, int64_t profile)
{
	((struct heard *)ctx)->profile_pushed++;
}

static char answer[ANSWER_MAX];
static struct heard heard;

/* Runs a command of words parted by '|', and keeps the answer. True: it is no error. */
static bool run_with(struct fixture *f, const char *line, struct slice payload)
{
	struct provision p = {.store = f->store,
			      .conf = &conf,
			      .deregister = hear_deregister,
			      .push_set = hear_set,
			      .push_profile = hear_profile,
			      .ctx = &heard};
	struct admin_request r = {.payload = payload};
	char words[4096], *save = NULL;
	struct json out;

	memset(&heard, 0, sizeof(heard));
	snprintf(words, sizeof(words), "%s", line);
	for (char *w = strtok_r(words, "|", &save); w; w = strtok_r(NULL, "|", &save))
		r.word[r.n_words++] = w;
	json_init(&out);
	provision_command(&p, &r, &out);
	assert_false(out.failed);
	assert_true(out.len < sizeof(answer));
	memcpy(answer, out.p, out.len);
	answer[out.len] = 0;
	json_free(&out);
	return !strstr(answer, "\"error\":{");
}

static bool run(struct fixture *f, const char *line)
{
	return run_with(f, line, SLICE_EMPTY);
}

static void says(const char *text)
{
	if (!strstr(answer, text))
		fail_msg("no %s in %s", text, answer);
}

static void hides(const char *text)
{
	if (strcasestr(answer, text))
		fail_msg("%s in %s", text, answer);
}

static void add(struct fixture *f, const char *line)
{
	if (!run(f, line))
		fail_msg("%s", answer);
}

#define ALICE                                                                                  \
	"sub|add|a@home.example|impu=sip:a@home.example|impu=tel:+1-2|k=" K "|op=" OP          \
	"|password=hunter2"

static void serve(struct fixture *f, const char *impu, const char *impi)
{
	struct store_impu u;
	struct store_impi i;

	assert_int_equal(store_find_impu(f->store, slice_str(impu), &u), STORE_OK);
	assert_int_equal(store_find_impi(f->store, slice_str(impi), &i), STORE_OK);
	assert_int_equal(store_assign(f->store, u.implicit_set, STORE_REGISTERED,
				      SLICE("sip:s.home.example"), SLICE("s.home.example")),
			 STORE_OK);
	assert_int_equal(store_tie(f->store, u.implicit_set, i.id, true, false), STORE_OK);
}

static enum store_state state_of(struct fixture *f, const char *impu)
{
	struct store_impu u;

	assert_int_equal(store_find_impu(f->store, slice_str(impu), &u), STORE_OK);
	assert_int_equal(u.state == STORE_NOT_REGISTERED, *u.scscf == 0);
	return u.state;
}

static void test_add_and_show(void **state)
{
	struct fixture *f = *state;

	add(f, ALICE "|display=Alice|visited=x.example|visited=y.example|amf=b9b9");
	assert_true(run(f, "sub|show|a@home.example"));
	says("\"impu\":\"tel:+12\"");
	says("\"auth\":[\"aka\",\"digest\"]");
	says("\"visited\":[\"x.example\",\"y.example\"]");
	says("\"amf\":\"b9b9\"");
	says("\"state\":\"not_registered\"");
	says("\"display\":\"Alice\"");
	serve(f, "sip:a@home.example", "a@home.example");
	assert_true(run(f, "sub|show|sips:%61@HOME.example;x=y"));
	says("\"impi\":\"a@home.example\"");
	says("\"state\":\"registered\"");
	says("\"scscf\":\"sip:s.home.example\"");
	says("\"registered\":true");
	assert_false(run(f, "sub|show|b@home.example"));
	says("not_found");
	assert_false(run(f, "sub|show|sip:b@home.example"));
	says("not_found");
}

static void test_secrets_stay(void **state)
{
	static const char *const line[] = {
		"sub|show|a@home.example",
		"sub|show|tel:+12",
		"sub|list",
		"sub|export|--format|csv",
		"sub|export|--format|json",
		ALICE,
		"sub|set|a@home.example|k=" K "0|opc=" OPC,
		"sub|set|a@home.example|impu=" K,
		"sub|set|a@home.example|" K "=1",
		"sub|set|a@home.example|" K,
		"sub|add|b@home.example|impu=sip:b@home.example|k=" K "|op=" OP "|profile=" K,
		"sub|list|--from|a@home.example|" K,
	};
	struct fixture *f = *state;
	struct store_impi i;

	add(f, ALICE);
	assert_int_equal(store_find_impi(f->store, SLICE("a@home.example"), &i), STORE_OK);
	for (size_t n = 0; n < sizeof(line) / sizeof(line[0]); n++) {
		run(f, line[n]);
		hides(K);
		hides(OP);
		hides(OPC);
		hides("hunter2");
		hides(i.ha1);
		hides(i.ha1_sha256);
	}
	assert_true(run(f, "sub|export|--with-secrets"));
	says(K);
	says(OPC);
	says(i.ha1_sha256);
	hides(OP);
	hides("hunter2");
}

static void test_refused(void **state)
{
	static const struct {
		const char *line, *code;
	} row[] = {
		{"sub", "unknown_command"},
		{"sub|ad", "unknown_command"},
		{"sub|add", "usage"},
		{"sub|add|b@h", "usage"},
		{"sub|add|b@h|impu=sip:b@h", "invalid"},
		{"sub|add|b@h|k=" K "|op=" OP, "invalid"},
		{"sub|add|b@h|impu=sip:b@h|k=" K, "invalid"},
		{"sub|add|b@h|impu=sip:b@h|k=" K "|op=" OP "|opc=" OPC, "invalid"},
		{"sub|add|b@h|impu=sip:b@h|k=" K "|k=" K "|op=" OP, "invalid"},
		{"sub|add|b@h|impu=sip:b@h|k=" K "|op=" OP "|barred=sip:c@h", "invalid"},
		{"sub|add|b@h|impu=sip:b@h|k=" K "|op=" OP "|colour=red", "invalid"},
		{"sub|add|b|impu=sip:b@h|k=" K "|op=" OP, "invalid"},
		{"sub|add|b@h|impu=sip:b@h|k=" K "|op=" OP "|profile=none", "not_found"},
		{"sub|add|a@home.example|impu=sip:b@h|k=" K "|op=" OP, "exists"},
		{"sub|add|b@h|impu=sip:a@home.example|k=" K "|op=" OP, "exists"},
		{"sub|set|nobody@h|display=x", "not_found"},
		{"sub|set|a@home.example|k=" K, "invalid"},
		{"sub|set|a@home.example|realm=other.example", "invalid"},
		{"sub|set|a@home.example|subscription=other", "invalid"},
		{"sub|set|a@home.example|profile=none", "invalid"},
		{"sub|set|a@home.example|impu=", "invalid"},
		{"sub|del|nobody@h", "not_found"},
		{"sub|del", "usage"},
		{"sub|list|--limit", "usage"},
		{"sub|list|--limit|x", "usage"},
		{"sub|list|--form|x", "usage"},
		{"sub|export|--format|xml", "usage"},
		{"sub|import|--skip", "usage"},
		{"sub|import", "invalid"},
		{"sub|profile|get", "usage"},
		{"sub|profile|put", "usage"},
		{"sub|profile|put|a/b", "invalid"},
		{"sub|profile|put|gold", "invalid"},
		{"sub|profile|put|gold|cn-services=x", "usage"},
	};
	struct fixture *f = *state;

	add(f, ALICE);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char code[64];

		snprintf(code, sizeof(code), "{\"error\":{\"code\":\"%s\"", row[i].code);
		if (run(f, row[i].line))
			fail_msg("%s is taken", row[i].line);
		if (strncmp(answer, code, strlen(code)) != 0)
			fail_msg("%s: %s", row[i].line, answer);
		assert_int_equal(heard.deregistered + heard.set_pushed + heard.profile_pushed,
				 0);
	}
	assert_true(run(f, "sub|list"));
	says("\"rows\":[{\"impi\":\"a@home.example\"");
	assert_null(strstr(answer, "b@h\""));
}

static void test_hints(void **state)
{
	struct fixture *f = *state;

	assert_false(run(f, "sub|add|b@h|pasword=x"));
	says("word 4 has an unknown key; perhaps password");
	assert_false(run(f, "sub|add|b@h|impu"));
	says("word 4 is not KEY=VALUE");
}

static void test_set_keeps(void **state)
{
	struct fixture *f = *state;
	struct store_subscriber *before = malloc(sizeof(*before)),
				*after = malloc(sizeof(*after));

	add(f, ALICE "|display=Alice|visited=x.example|barred=tel:+12|amf=b9b9|sqn=4096");
	assert_int_equal(store_subscriber_get(f->store, SLICE("a@home.example"), before),
			 STORE_OK);
	assert_true(run(f, "sub|set|a@home.example|display=Al"));
	assert_int_equal(store_subscriber_get(f->store, SLICE("a@home.example"), after),
			 STORE_OK);
	assert_string_equal(after->display_name, "Al");
	assert_int_equal(after->n_impus, 2);
	assert_true(after->barred[1]);
	assert_false(after->barred[0]);
	assert_int_equal(after->n_visited, 1);
	assert_memory_equal(after->k, before->k, 16);
	assert_memory_equal(after->opc, before->opc, 16);
	assert_memory_equal(after->amf, before->amf, 2);
	assert_string_equal(after->ha1, before->ha1);
	assert_int_equal(after->sqn, 4096);
	assert_int_equal(after->auth, before->auth);
	/* a new password: another hash, nothing else */
	assert_true(run(f, "sub|set|a@home.example|password=new|barred=|sqn=8192"));
	assert_int_equal(store_subscriber_get(f->store, SLICE("a@home.example"), after),
			 STORE_OK);
	assert_string_not_equal(after->ha1, before->ha1);
	assert_memory_equal(after->opc, before->opc, 16);
	assert_false(after->barred[1]);
	assert_int_equal(after->sqn, 8192);
	free(before);
	free(after);
}

/* A user who is known by his address: it is given, changed, taken away, and survives what is
 * said of other things; who has nothing else keeps it. */
static void test_giba(void **state)
{
	struct fixture *f = *state;
	struct store_impi i;

	assert_true(run(f, "sub|add|g@h|impu=sip:g@h|giba=10.64.1.2"));
	assert_true(run(f, "sub|show|g@h"));
	says("\"auth\":[\"giba\"]");
	says("\"giba\":\"10.64.1.2\"");
	assert_true(run(f, "sub|set|g@h|display=G"));
	assert_true(run(f, "sub|set|g@h|giba=2001:db8::/64"));
	assert_int_equal(store_find_impi(f->store, SLICE("g@h"), &i), STORE_OK);
	assert_string_equal(i.giba, "2001:db8::/64");
	assert_int_equal(i.auth, STORE_AUTH_GIBA);
	assert_false(run(f, "sub|set|g@h|giba=10.64.1.2/24"));
	says("invalid");
	assert_false(run(f, "sub|set|g@h|giba="));
	says("invalid");
	add(f, ALICE);
	assert_true(run(f, "sub|set|a@home.example|giba=10.64.1.3"));
	assert_int_equal(store_find_impi(f->store, SLICE("a@home.example"), &i), STORE_OK);
	assert_true(i.auth & STORE_AUTH_GIBA && i.auth & STORE_AUTH_AKA);
	assert_true(run(f, "sub|set|a@home.example|giba="));
	assert_int_equal(store_find_impi(f->store, SLICE("a@home.example"), &i), STORE_OK);
	assert_false(i.auth & STORE_AUTH_GIBA);
	assert_string_equal(i.giba, "");
	/* Of two terminals of one subscription each has its own. */
	assert_true(
		run(f, "sub|add|h@h|impu=sip:h@h|password=x|subscription=fam|giba=10.64.1.4"));
	assert_true(run(f, "sub|add|i@h|impu=sip:i@h|password=x|subscription=fam"));
	assert_int_equal(store_find_impi(f->store, SLICE("i@h"), &i), STORE_OK);
	assert_int_equal(i.auth, STORE_AUTH_DIGEST);
	assert_true(run(f, "sub|export|--format|csv"));
	says("2001:db8::/64");
}

static void test_set_tells(void **state)
{
	static const struct {
		const char *change;
		bool deregister, push;
		enum cx_reason reason;
	} row[] = {
		{"display=A", false, true, 0},
		{"profile=gold", false, true, 0},
		{"impu_profile=tel:+12 gold", false, true, 0},
		{"impu=sip:a@home.example;tel:+12;sip:c@home.example", false, true, 0},
		{"password=x", false, false, 0},
		{"visited=x.example", false, false, 0},
		{"barred=tel:+12", true, false, CX_REASON_PERMANENT_TERMINATION},
		{"impu=sip:a@home.example", true, false, CX_REASON_SERVER_CHANGE},
		{"capabilities=1;2", true, false, CX_REASON_SERVER_CHANGE},
		{"capabilities_optional=1", false, false, 0},
		{"scscf=sip:s1.home.example", false, false, 0},
		{"ccf=aaa://ccf1;ccf2", false, true, 0},
		{"ecf=ecf1", false, true, 0},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char line[256];

		assert_true(run_with(f, "sub|profile|put|gold", SLICE(IFC)));
		add(f, ALICE);
		snprintf(line, sizeof(line), "sub|set|a@home.example|%s", row[i].change);
		/* whoever is not registered is nobody's business */
		assert_true(run(f, line));
		assert_int_equal(heard.deregistered + heard.set_pushed, 0);
		assert_true(run(f, "sub|del|a@home.example"));
		assert_int_equal(heard.deregistered, 0);
		add(f, ALICE);
		serve(f, "tel:+12", "a@home.example");
		assert_true(run(f, line));
		if (heard.deregistered != row[i].deregister || heard.set_pushed != row[i].push)
			fail_msg("%s: %d %d", row[i].change, heard.deregistered,
				 heard.set_pushed);
		if (row[i].deregister) {
			assert_int_equal(heard.reason, row[i].reason);
			assert_int_equal(heard.n, 2);
			assert_string_equal(heard.scscf, "s.home.example");
		}
		assert_int_equal(state_of(f, "sip:a@home.example"),
				 row[i].deregister ? STORE_NOT_REGISTERED : STORE_REGISTERED);
		/* the same once more changes nothing */
		assert_true(run(f, line));
		assert_int_equal(heard.deregistered + heard.set_pushed, 0);
		assert_true(run(f, "sub|del|a@home.example"));
	}
}

static void test_del_tells(void **state)
{
	struct fixture *f = *state;
	struct store_impu u;

	add(f, ALICE);
	serve(f, "tel:+12", "a@home.example");
	assert_true(run(f, "sub|del|a@home.example"));
	assert_int_equal(heard.deregistered, 1);
	assert_int_equal(heard.n, 2);
	assert_int_equal(heard.reason, CX_REASON_PERMANENT_TERMINATION);
	assert_string_equal(heard.first, "sip:a@home.example");
	assert_string_equal(heard.scscf, "s.home.example");
	assert_string_equal(heard.impi, "a@home.example");
	assert_int_equal(store_find_impu(f->store, SLICE("tel:+12"), &u), STORE_NONE);
}

/* An operator ends a registration (TS 29.228 §6.1.3): by either identity, for any reason. */
static void test_dereg(void **state)
{
	static const struct {
		const char *words;
		bool by_impi;
		enum cx_reason reason;
	} row[] = {
		{"a@home.example", true, CX_REASON_PERMANENT_TERMINATION},
		{"tel:+12", false, CX_REASON_PERMANENT_TERMINATION},
		{"a@home.example|new_server_assigned", true, CX_REASON_NEW_SERVER_ASSIGNED},
		{"a@home.example|server_change", true, CX_REASON_SERVER_CHANGE},
		{"sip:a@home.example|remove_scscf", false, CX_REASON_REMOVE_S_CSCF},
	};
	struct fixture *f = *state;
	char line[128];

	add(f, ALICE);
	assert_false(run(f, "sub|dereg|a@home.example"));
	says("nobody serves this user");
	assert_false(run(f, "sub|dereg|nobody@home.example"));
	says("not_found");
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		serve(f, "tel:+12", "a@home.example");
		snprintf(line, sizeof(line), "sub|dereg|%s", row[i].words);
		add(f, line);
		assert_int_equal(heard.deregistered, 1);
		assert_int_equal(heard.by_impi, row[i].by_impi);
		assert_int_equal(heard.reason, row[i].reason);
		assert_int_equal(heard.n_associated, 0);
		assert_string_equal(heard.scscf, "s.home.example");
		assert_int_equal(state_of(f, "tel:+12"), STORE_NOT_REGISTERED);
	}
	serve(f, "tel:+12", "a@home.example");
	assert_false(run(f, "sub|dereg|a@home.example|because"));
	assert_int_equal(heard.deregistered, 0);
	assert_int_equal(state_of(f, "tel:+12"), STORE_REGISTERED);
}

/* Of two private identities that share a set: one alone leaves it to the other; its public
 * identity takes both, and the other is named in Associated-Identities. */
static void test_dereg_shared(void **state)
{
	struct fixture *f = *state;
	struct store_impi i;
	struct store_impu u;

	add(f, "sub|add|one@h|impu=sip:s@h|k=" K "|op=" OP "|subscription=fam");
	add(f, "sub|add|two@h|impu=sip:s@h|k=" K "|op=" OP "|subscription=fam");
	serve(f, "sip:s@h", "one@h");
	assert_int_equal(store_find_impu(f->store, SLICE("sip:s@h"), &u), STORE_OK);
	assert_int_equal(store_find_impi(f->store, SLICE("two@h"), &i), STORE_OK);
	assert_int_equal(store_tie(f->store, u.implicit_set, i.id, true, false), STORE_OK);
	add(f, "sub|dereg|one@h");
	assert_true(heard.by_impi);
	assert_string_equal(heard.impi, "one@h");
	assert_int_equal(heard.n_associated, 0);
	assert_int_equal(state_of(f, "sip:s@h"), STORE_REGISTERED);
	add(f, "sub|dereg|sip:s@h");
	assert_false(heard.by_impi);
	assert_string_equal(heard.impi, "one@h");
	assert_int_equal(heard.n_associated, 1);
	assert_string_equal(heard.other, "two@h");
	assert_int_equal(state_of(f, "sip:s@h"), STORE_NOT_REGISTERED);
}

static void test_service(void **state)
{
	static const char *const bad[] = {
		"capabilities=x",
		"capabilities=4294967296",
		"capabilities=-1",
		"scscf=tel:+1",
		"scscf=nonsense",
		"ccf=a;b;c",
		"ecf=a\"b",
		"ccf=a b",
		"capabilities=1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17"};
	struct fixture *f = *state;
	char line[256];

	add(f, ALICE "|capabilities=3;4294967295|capabilities_optional=0|"
		     "scscf=sip:s1.h:5060;sip:s2.h|ccf=aaa://c1|ccf=c2|ecf=e1");
	assert_true(run(f, "sub|show|a@home.example"));
	says("\"capabilities\":[\"3\",\"4294967295\"],\"capabilities_optional\":[\"0\"],"
	     "\"scscf\":[\"sip:s1.h:5060\",\"sip:s2.h\"],\"ccf\":[\"aaa://c1\",\"c2\"],"
	     "\"ecf\":[\"e1\"]");
	assert_true(run(f, "sub|export"));
	says("\\\"3;4294967295\\\",0,\\\"sip:s1.h:5060;sip:s2.h\\\",");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "sub|set|a@home.example|%s", bad[i]);
		if (run(f, line))
			fail_msg("%s", bad[i]);
	}
	add(f, "sub|set|a@home.example|capabilities=|ccf=");
	assert_true(run(f, "sub|show|a@home.example"));
	says("\"capabilities\":[],\"capabilities_optional\":[\"0\"],");
	says("\"ccf\":[],\"ecf\":[\"e1\"]");
}

static void test_psi(void **state)
{
	struct fixture *f = *state;

	add(f, "sub|psi|put|sip:News@HOME.example;x=y|sip:as1");
	add(f, "sub|psi|put|sip:c-!.*!@home.example|sip:as2");
	add(f, "sub|psi|put|sip:c-!.*!@home.example|sip:as3");
	assert_true(run(f, "sub|psi|list"));
	says("{\"rows\":[{\"identity\":\"sip:News@home.example\",\"wildcard\":false,\"server\":"
	     "\"sip:as1\"},{\"identity\":\"sip:c-!.*!@home.example\",\"wildcard\":true,"
	     "\"server\":\"sip:as3\"}]}");
	assert_false(run(f, "sub|psi|put|sip:!(!@h|sip:as1"));
	assert_false(run(f, "sub|psi|put|sip:a@h|tel:+1"));
	assert_false(run(f, "sub|psi|put|sip:a@h"));
	assert_false(run(f, "sub|psi|del"));
	add(f, "sub|psi|del|sip:News@home.example");
	assert_false(run(f, "sub|psi|del|sip:News@home.example"));
	says("not_found");
}

/* Two private identities with one public one (TS 23.228 §4.3.3.4). */
static void test_del_shared(void **state)
{
	struct fixture *f = *state;

	add(f, "sub|add|one@h|impu=sip:s@h|k=" K "|op=" OP "|subscription=fam");
	add(f, "sub|add|two@h|impu=sip:s@h|k=" K "|op=" OP "|subscription=fam");
	serve(f, "sip:s@h", "one@h");
	assert_true(run(f, "sub|show|two@h"));
	says("\"sharing\":[\"one@h\"]");
	says("\"registered\":false");
	assert_true(run(f, "sub|del|two@h"));
	assert_int_equal(heard.deregistered, 0);
	assert_int_equal(state_of(f, "sip:s@h"), STORE_REGISTERED);
	assert_true(run(f, "sub|del|one@h"));
	assert_int_equal(heard.deregistered, 1);
}

static void test_list(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 5; i++) {
		char line[256];

		snprintf(line, sizeof(line), "sub|add|u%d@h|impu=sip:u%d@h|k=" K "|op=" OP, i,
			 i);
		add(f, line);
	}
	assert_true(run(f, "sub|list|--limit|2|--from|u1@h"));
	says("u2@h");
	says("u3@h");
	says("\"note\"");
	assert_null(strstr(answer, "u1@h"));
	assert_null(strstr(answer, "u4@h"));
	assert_true(run(f, "sub|list|--limit|5"));
	assert_null(strstr(answer, "\"note\""));
	assert_true(run(f, "sub|list|--from|zz"));
	says("\"rows\":[]");
}

static void test_import(void **state)
{
	struct fixture *f = *state;

	assert_true(
		run_with(f, "sub|import", SLICE("impi,impu,k,op\na@h,sip:a@h," K "," OP "\n")));
	assert_string_equal(answer, "{\"imported\":1,\"skipped\":0}");
	assert_false(run_with(f, "sub|import",
			      SLICE("impi,impu,k,op\nb@h,sip:b@h," K "," OP "\nc@h,x,,\n")));
	says("line 3, column 5: impu: ");
	assert_false(run(f, "sub|show|b@h"));
	assert_true(run_with(f, "sub|import|--skip-errors",
			     SLICE("impi,impu,k,op\nb@h,sip:b@h," K "," OP "\nc@h,x,,\n")));
	says("\"imported\":1,\"skipped\":1,\"rows\":[{\"line\":3,\"column\":5,\"key\":"
	     "\"impu\"");
	assert_true(run(f, "sub|show|b@h"));
}

static void test_profile(void **state)
{
	struct fixture *f = *state;
	struct store_profile p;
	int64_t id;

	assert_true(run_with(f, "sub|profile|put|gold|cn-services=3",
			     SLICE("<?xml version=\"1.0\"?>" IFC)));
	assert_int_equal(heard.profile_pushed, 0);
	assert_int_equal(store_profile_named(f->store, "gold", &id), STORE_OK);
	assert_int_equal(store_find_profile(f->store, id, &p), STORE_OK);
	assert_true(slice_eq(slice_of(p.ifc_xml, p.ifc_len), SLICE(IFC)));
	assert_int_equal(p.cn_services, 3);
	assert_int_equal(p.services,
			 STORE_TERMINATING_UNREGISTERED | STORE_ORIGINATING_UNREGISTERED);
	store_profile_free(&p);
	/* Only a profile that somebody may have already is news. */
	assert_true(run_with(f, "sub|profile|put|gold", SLICE(IFC)));
	assert_int_equal(heard.profile_pushed, 1);
	assert_false(run_with(f, "sub|profile|put|gold", SLICE("<!DOCTYPE a>" IFC)));
	assert_int_equal(heard.profile_pushed, 0);
}

/* Another provisioner holds the store: an answer, not a hang, and nothing half done. */
static void test_busy(void **state)
{
	struct fixture *f = *state;
	char error[STORE_ERROR_MAX];
	struct store *other = store_open(f->path, error);

	assert_non_null(other);
	add(f, ALICE);
	serve(f, "tel:+12", "a@home.example");
	assert_int_equal(store_begin(other, STORE_PROVISION), STORE_OK);
	assert_false(run(f, "sub|del|a@home.example"));
	says("\"busy\"");
	assert_int_equal(heard.deregistered, 0);
	assert_true(run(f, "sub|show|a@home.example"));
	store_rollback(other);
	assert_true(run(f, "sub|del|a@home.example"));
	assert_int_equal(heard.deregistered, 1);
	store_close(other);
}

/* A struct provision without anybody to tell. */
static void test_nobody_told(void **state)
{
	struct fixture *f = *state;
	struct provision p = {.store = f->store, .conf = &conf};
	struct admin_request r = {.n_words = 3, .word = {"sub", "del", "a@home.example"}};
	struct json out;

	add(f, ALICE);
	serve(f, "tel:+12", "a@home.example");
	json_init(&out);
	provision_command(&p, &r, &out);
	assert_true(slice_starts(slice_of(out.p, out.len), SLICE("{\"deleted\":")));
	json_free(&out);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_make, fixture_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(test_add_and_show), WITH_STORE(test_secrets_stay),
		WITH_STORE(test_refused),      WITH_STORE(test_hints),
		WITH_STORE(test_set_keeps),    WITH_STORE(test_set_tells),
		WITH_STORE(test_del_tells),    WITH_STORE(test_del_shared),
		WITH_STORE(test_dereg),        WITH_STORE(test_dereg_shared),
		WITH_STORE(test_service),      WITH_STORE(test_psi),
		WITH_STORE(test_list),         WITH_STORE(test_import),
		WITH_STORE(test_profile),      WITH_STORE(test_busy),
		WITH_STORE(test_nobody_told),  WITH_STORE(test_giba),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
