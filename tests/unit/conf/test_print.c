/* test_print.c - what is printed loads again as the same; differences, and what a reload takes
 * over */
#include "conf/schema.h"
#include "file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static char memory[1 << 18];

static const char everything[] =
	"realm: net.example\n"
	"domains: [c.d, e.f]\n"
	"visited-network: \"Visited \\\"network\\\" \\\\ number 1: #1\"\n"
	"log-level: debug\n"
	"dataplane:\n"
	"  roles: [icscf]\n"
	"  workers: 2\n"
	"  cores: 2-3\n"
	"  idle: adaptive\n"
	"  huge-pages: require\n"
	"  memory: 65540KiB\n"
	"  t1: 1250ms\n"
	"  icscf: 10.0.0.9:5060\n"
	"  scscf: \"[fd00::9]:5060\"\n"
	"  ports:\n"
	"    - name: lte\n"
	"      device: \"net_af_xdp0,iface=lte\"\n"
	"      addresses: [10.0.0.1/24, \"fd00::1/64\"]\n"
	"      routes: [10.9.0.0/16, \"fd09::/16\"]\n"
	"      gateway: [10.0.0.254, \"fd00::2\"]\n"
	"    - {name: core, device: 0000:3b:00.0, addresses: [\"fd01::1/64\"], gateway: "
	"\"fd01::2\", zone: core}\n"
	"  peers:\n"
	"    - {name: as1.a.b, net: 10.0.0.9}\n"
	"    - net: \"fd02::/16\"\n"
	"  routes:\n"
	"    - {user: \"a b, c\", to: 10.0.0.9}\n"
	"    - {domain: other.example, to: \"[fd00::9]:5070\"}\n"
	"pcscf:\n"
	"  protected-ports: {server: 6101, client: [6102, 6103]}\n"
	"  security:\n"
	"    required: true\n"
	"    encryption: [aes-cbc, \"null\"]\n"
	"control:\n"
	"  aka: false\n"
	"  expires-max: 700000s\n"
	"hss:\n"
	"  peers: []\n"
	"  amf: b9b9\n";

static struct text print(const struct conf *c)
{
	struct text t = text_in(memory, sizeof(memory));

	if (c)
		conf_print(c, &t);
	else
		conf_print_example(&t);
	assert_false(t.overflow);
	text_cstr(&t);
	return t;
}

static void assert_same(const struct conf *a, const struct conf *b)
{
	char differences[4096];
	struct text t = text_in(differences, sizeof(differences));

	conf_diff(a, b, &t);
	assert_string_equal(text_cstr(&t), "");
	assert_memory_equal(a, b, sizeof(*a));
}

static void test_print_loads_again(void **state)
{
	const char *const yaml[] = {"realm: ims.example\n", everything};

	for (int i = 0; i < 2; i++) {
		struct conf *c = load_good(yaml[i]);
		struct text t = print(c);
		struct conf *again = load_good((const char *)t.p);

		assert_same(c, again);
		conf_free(c);
		conf_free(again);
	}
}

/* Where a store is may have a password in it. */
static void test_passwords_are_not_printed(void **state)
{
	static const struct {
		const char *store, *printed;
	} row[] = {
		{"/var/lib/saker/hss.db", "/var/lib/saker/hss.db"},
		{"postgresql://host:5433/db", "postgresql://host:5433/db"},
		{"postgresql://user@host:5433/db", "postgresql://user@host:5433/db"},
		{"postgresql://user:geheim@host:5433/db", "postgresql://user:***@host:5433/db"},
		{"postgres://user:a:b@c@host/db", "postgres://user:***@host/db"},
		{"postgresql:///db?host=/run/p&password=geheim&user=u",
		 "postgresql:///db?host=/run/p&password=***&user=u"},
		{"postgresql:///db?password=geheim", "postgresql:///db?password=***"},
		{"postgresql://", "postgresql://"},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char yaml[256];

		snprintf(yaml, sizeof(yaml), "realm: ims.example\nhss:\n  store: \"%s\"\n",
			 row[i].store);
		struct conf *c = load_good(yaml);
		struct text t = print(c);
		const char *line = strstr((const char *)t.p, "  store: ");

		assert_string_equal(c->hss.store, row[i].store);
		line = strstr(line + 1, "  store: ") + strlen("  store: ");
		line += *line == '"';
		assert_memory_equal(line, row[i].printed, strlen(row[i].printed));
		assert_true(strchr("\"\n", line[strlen(row[i].printed)]));
		conf_free(c);
	}
}

static void test_example_is_the_defaults(void **state)
{
	struct conf *defaults = load_good("realm: ims.example\n");
	struct text t = print(NULL);
	struct conf *example = load_good((const char *)t.p);

	assert_same(defaults, example);
	conf_free(defaults);
	conf_free(example);
}

/* Derived keys are commented out, so that another realm is one line to change. */
static void test_example_with_another_realm(void **state)
{
	struct text t = print(NULL);
	char *realm = strstr((char *)t.p, "realm: ims.example\n");

	assert_non_null(realm);
	memcpy(realm, "realm: mno.example\n", strlen("realm: mno.example\n"));
	struct conf *example = load_good((const char *)t.p);
	struct conf *other = load_good("realm: mno.example\n");
	assert_same(other, example);
	conf_free(example);
	conf_free(other);
}

static void test_example_has_every_key(void **state)
{
	struct text t = print(NULL);

	for (uint32_t i = 0; i < CONF_KEYS; i++) {
		const char *dot = strrchr(conf_schema[i].name, '.');
		char line[64];

		snprintf(line, sizeof(line), "%s:", dot ? dot + 1 : conf_schema[i].name);
		if (!strstr((const char *)t.p, line) ||
		    !strstr((const char *)t.p, conf_schema[i].help))
			fail_msg("%s is not in the example", conf_schema[i].name);
	}
}

static void test_small_memory(void **state)
{
	struct text whole = print(NULL);

	for (uint32_t cap = 0; cap < whole.len; cap += 97) {
		struct text t = text_in(malloc(cap ? cap : 1), cap);

		conf_print_example(&t);
		assert_true(t.overflow);
		free(t.p);
	}
}

static void test_diff(void **state)
{
	struct conf *a = load_good("realm: a.b\n");
	struct conf *b = load_good("realm: a.b\nlog-level: warn\n"
				   "dataplane:\n  workers: 2\n  peers: [{net: 10.0.0.1}]\n"
				   "control:\n  auth-tries: 4\n  vectors-ttl: 7s\n"
				   "  access: [{prefix: 10.1.0.0/16, allow: [giba]}]\n");
	char memory_of_diff[512];
	struct text t = text_in(memory_of_diff, sizeof(memory_of_diff));

	assert_int_equal(conf_diff(a, b, &t), 2);
	assert_string_equal(text_cstr(&t), "reload log-level\n"
					   "reload control.auth-tries\n"
					   "reload control.access\n"
					   "reload control.vectors-ttl\n"
					   "restart dataplane.workers\n"
					   "restart dataplane.peers\n");
	conf_apply_reloadable(a, b);
	assert_string_equal(a->log_level, "warn");
	assert_int_equal(a->control.auth_tries, 4);
	assert_int_equal(a->control.vectors_ttl_s, 7);
	assert_int_equal(a->control.n_access, 1);
	assert_int_equal(a->control.access[0].allow[0], CONF_SCHEME_GIBA);
	assert_int_equal(a->dataplane.workers, 1);
	assert_int_equal(a->dataplane.n_peer, 0);
	t.len = 0;
	assert_int_equal(conf_diff(a, b, &t), 2);
	assert_string_equal(text_cstr(&t),
			    "restart dataplane.workers\nrestart dataplane.peers\n");
	conf_free(a);
	conf_free(b);
}

static void test_diff_of_one_entry(void **state)
{
	struct conf *a = load_good(
		"realm: a.b\ndataplane:\n  peers: [{net: 10.0.0.1}, {net: 10.0.0.2}]\n");
	struct conf *b = load_good(
		"realm: a.b\ndataplane:\n  peers: [{net: 10.0.0.1}, {net: 10.0.0.3}]\n");
	char memory_of_diff[64];
	struct text t = text_in(memory_of_diff, sizeof(memory_of_diff));

	assert_int_equal(conf_diff(a, b, &t), 1);
	assert_string_equal(text_cstr(&t), "restart dataplane.peers\n");
	conf_free(a);
	conf_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print_loads_again),
		cmocka_unit_test(test_passwords_are_not_printed),
		cmocka_unit_test(test_example_is_the_defaults),
		cmocka_unit_test(test_example_with_another_realm),
		cmocka_unit_test(test_example_has_every_key),
		cmocka_unit_test(test_small_memory),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_diff_of_one_entry),
	};

	return cmocka_run_group_tests(tests, file_setup, file_teardown);
}
