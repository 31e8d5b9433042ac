/* sec_agree.c - tests of control/sec_agree.c: every list right, and every list wrong in turn */
#include "control/sec_agree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "sip/parse.h"

#define ENDS          "spi-c=1111;spi-s=2222;port-c=5001;port-s=5002"
#define UE(alg, ealg) "ipsec-3gpp;alg=" alg ";ealg=" ealg ";prot=esp;mod=trans;" ENDS

enum { PAGE = 4096 };

/* The text ends where memory ends: a read behind it faults. */
static struct slice guarded(const char *text)
{
	static uint8_t *page;
	size_t len = strlen(text);

	if (!page) {
		page = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
		assert_ptr_not_equal(page, MAP_FAILED);
		assert_int_equal(mprotect(page + 2 * PAGE, PAGE, PROT_NONE), 0);
	}
	assert_true(len <= 2 * PAGE);
	return slice_of(memcpy(page + 2 * PAGE - len, text, len), len);
}

static struct conf conf_make(void)
{
	struct conf c = {0};

	c.pcscf.integrity[0] = CONF_HMAC_SHA_256_128;
	c.pcscf.integrity[1] = CONF_HMAC_SHA_1_96;
	c.pcscf.integrity[2] = CONF_AES_GMAC;
	c.pcscf.n_integrity = 3;
	c.pcscf.encryption[0] = CONF_AES_GCM;
	c.pcscf.encryption[1] = CONF_AES_CBC;
	c.pcscf.encryption[2] = CONF_NULL;
	c.pcscf.n_encryption = 3;
	return c;
}

static struct sec_policy policy_make(void)
{
	struct conf c = conf_make();
	struct sec_policy p;

	sec_policy_make(&p, &c);
	return p;
}

static void policy_follows_the_configuration(void **state)
{
	static const struct sec_pair wanted[] = {
		{ABI_SA_INTEGRITY_NONE, ABI_SA_AES_GCM},
		{ABI_SA_HMAC_SHA_256_128, ABI_SA_AES_CBC},
		{ABI_SA_HMAC_SHA_1_96, ABI_SA_AES_CBC},
		{ABI_SA_HMAC_SHA_256_128, ABI_SA_NULL},
		{ABI_SA_HMAC_SHA_1_96, ABI_SA_NULL},
		{ABI_SA_AES_GMAC, ABI_SA_NULL},
	};
	struct sec_policy p = policy_make();
	struct conf all = conf_make();

	assert_int_equal(p.n, 6);
	for (uint32_t i = 0; i < p.n; i++)
		assert_memory_equal(&p.pair[i], &wanted[i], sizeof(wanted[i]));
	/* All algorithms there are make no more than there is room for. */
	all.pcscf.integrity[3] = CONF_HMAC_MD5_96;
	all.pcscf.n_integrity = 4;
	sec_policy_make(&p, &all);
	assert_int_equal(p.n, SEC_PAIRS_MAX);
}

static void first_of_ours_is_chosen(void **state)
{
	static const struct {
		const char *client;
		uint8_t integrity, cipher;
	} table[] = {
		{UE("hmac-sha-1-96", "null"), ABI_SA_HMAC_SHA_1_96, ABI_SA_NULL},
		{UE("hmac-sha-1-96", "null") ", " UE("hmac-sha-1-96", "aes-cbc"),
		 ABI_SA_HMAC_SHA_1_96, ABI_SA_AES_CBC},
		{UE("hmac-sha-1-96", "aes-cbc") "," UE("null", "aes-gcm"),
		 ABI_SA_INTEGRITY_NONE, ABI_SA_AES_GCM},
		{UE("hmac-md5-96", "aes-cbc") ", " UE("aes-gmac", "null"), ABI_SA_AES_GMAC,
		 ABI_SA_NULL},
		/* The UE's own preference does not count, the case of letters neither. */
		{"ipsec-3gpp;q=0.9;alg=hmac-sha-1-96;" ENDS
		 " , IPSEC-3GPP ; Q=0.1 ; ALG = HMAC-SHA-256-128 ; EALG=NULL; " ENDS,
		 ABI_SA_HMAC_SHA_256_128, ABI_SA_NULL},
		/* What is not known is passed over. */
		{"tls, digest;d-alg=md5, ipsec-3gpp;alg=rot13;" ENDS
		 ", " UE("hmac-sha-1-96", "aes-cbc"),
		 ABI_SA_HMAC_SHA_1_96, ABI_SA_AES_CBC},
		{UE("hmac-sha-1-96", "des-ede3-cbc") "," UE("hmac-sha-1-96", "null"),
		 ABI_SA_HMAC_SHA_1_96, ABI_SA_NULL},
		{"ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;prot=ah;" ENDS
		 ",ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;mod=tun;" ENDS
		 ",ipsec-3gpp;alg=hmac-sha-1-96;ealg=null;new=x;newer;" ENDS,
		 ABI_SA_HMAC_SHA_1_96, ABI_SA_NULL},
	};
	struct sec_policy p = policy_make();

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct sec_choice c = {0};
		const char *wrong;

		assert_int_equal(sec_agree_choose(guarded(table[i].client), &p,
						  SEC_MODE_TRANSPORT, &c, &wrong),
				 SEC_OK);
		assert_null(wrong);
		assert_int_equal(c.pair.integrity, table[i].integrity);
		assert_int_equal(c.pair.cipher, table[i].cipher);
		assert_int_equal(c.spi_uc, 1111);
		assert_int_equal(c.spi_us, 2222);
		assert_int_equal(c.port_uc, 5001);
		assert_int_equal(c.port_us, 5002);
	}
}

static void mode_has_to_fit(void **state)
{
	static const char both[] = UE(
		"hmac-sha-1-96",
		"null") ", ipsec-3gpp;alg=hmac-sha-1-96;mod=udp-ENC-tun;spi-c=3333;spi-s=4444;"
			"port-c=1;port-s=65535";
	struct sec_policy p = policy_make();
	struct sec_choice c;
	const char *wrong;

	assert_int_equal(sec_agree_choose(guarded(both), &p, SEC_MODE_UDP_TUNNEL, &c, &wrong),
			 SEC_OK);
	assert_int_equal(c.spi_uc, 3333);
	assert_int_equal(c.port_uc, 1);
	assert_int_equal(c.port_us, 65535);
	assert_int_equal(sec_agree_choose(guarded(both), &p, SEC_MODE_TRANSPORT, &c, &wrong),
			 SEC_OK);
	assert_int_equal(c.spi_uc, 1111);
	assert_int_equal(sec_agree_choose(guarded(UE("hmac-sha-1-96", "null")), &p,
					  SEC_MODE_UDP_TUNNEL, &c, &wrong),
			 SEC_NOTHING_IN_COMMON);
}

static void nothing_in_common_is_no_error_of_form(void **state)
{
	static const char *const client[] = {
		"tls",
		"digest;d-alg=md5;d-qop=auth, tls;q=0.1",
		UE("hmac-md5-96", "null"),
		UE("aes-gmac", "aes-cbc"), /* they do not go together */
		UE("null", "null"),
		UE("hmac-sha-1-96", "aes-gcm"),
		"ipsec-3gpp;alg=hmac-sha-1-96;prot=ah;" ENDS,
		"ipsec-3gpp;alg=hmac-sha-1-96;mod=tun;" ENDS,
	};
	struct sec_policy p = policy_make();

	for (size_t i = 0; i < sizeof(client) / sizeof(client[0]); i++) {
		struct sec_choice c;
		const char *wrong;

		assert_int_equal(sec_agree_choose(guarded(client[i]), &p, SEC_MODE_TRANSPORT,
						  &c, &wrong),
				 SEC_NOTHING_IN_COMMON);
	}
}

static void every_fault_of_form_is_told(void **state)
{
	static const char sound[] = ", " UE("hmac-sha-1-96", "null");
	static const struct {
		const char *client, *says;
	} table[] = {
		{"", "malformed"},
		{";", "malformed"},
		{",", "malformed"},
		{"ipsec-3gpp;;", "malformed"},
		{"ipsec-3gpp;alg=", "malformed"},
		{"ipsec-3gpp;alg=\"x", "malformed"},
		{"ipsec-3gpp alg=x", "lacks alg"},
		{"tls tls", "malformed"},
		{"tls,", "malformed"},
		{"ipsec-3gpp", "lacks alg"},
		{"ipsec-3gpp;" ENDS, "lacks alg"},
		{"ipsec-3gpp;alg;" ENDS, "without a value"},
		{"ipsec-3gpp;alg=aes-gmac;spi-s=2222;port-c=1;port-s=2", "lacks an SPI"},
		{"ipsec-3gpp;alg=aes-gmac;spi-c=2222;port-c=1;port-s=2", "lacks an SPI"},
		{"ipsec-3gpp;alg=aes-gmac;spi-c=1111;spi-s=2222;port-s=2", "lacks an SPI"},
		{"ipsec-3gpp;alg=aes-gmac;spi-c=1111;spi-s=2222;port-c=2", "lacks an SPI"},
		{"ipsec-3gpp;alg=x;spi-c=0;spi-s=2222;port-c=1;port-s=2",
		 "an SPI that may not"},
		{"ipsec-3gpp;alg=x;spi-c=2222;spi-s=255;port-c=1;port-s=2",
		 "an SPI that may not"},
		{"ipsec-3gpp;alg=x;spi-c=4294967296;spi-s=2222;port-c=1;port-s=2",
		 "an SPI that may not"},
		{"ipsec-3gpp;alg=x;spi-c=-1;spi-s=2222;port-c=1;port-s=2",
		 "an SPI that may not"},
		{"ipsec-3gpp;alg=x;spi-c=0x1111;spi-s=2222;port-c=1;port-s=2",
		 "an SPI that may not"},
		{"ipsec-3gpp;alg=x;spi-c=2222;spi-s=2222;port-c=1;port-s=2",
		 "one SPI for both"},
		{"ipsec-3gpp;alg=x;spi-c=1111;spi-s=2222;port-c=0;port-s=2",
		 "a port that may not"},
		{"ipsec-3gpp;alg=x;spi-c=1111;spi-s=2222;port-c=1;port-s=65536",
		 "a port that may not"},
		{"ipsec-3gpp;alg=x;spi-c=1111;spi-s=2222;port-c=7;port-s=7", "one port for"},
		{"ipsec-3gpp;alg=x;alg=x;" ENDS, "twice"},
		{"ipsec-3gpp;alg=x;spi-c=1111;" ENDS, "twice"},
		{"ipsec-3gpp;q=0.1;q=0.2;alg=x;" ENDS, "twice"},
		{"ipsec-3gpp;alg=x;new=1;" ENDS ";NEW=1", "twice"},
		{"tls;a=1;a=1", "twice"},
	};
	struct sec_policy p = policy_make();
	char text[512];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		/* Alone, and where another element is sound. */
		for (int behind = 0; behind < 2; behind++) {
			struct sec_choice c;
			const char *wrong;

			strcpy(text, behind ? sound + 2 : "");
			strcat(text, behind ? ", " : "");
			strcat(text, table[i].client);
			if (sec_agree_choose(guarded(text), &p, SEC_MODE_TRANSPORT, &c,
					     &wrong) != SEC_MALFORMED)
				fail_msg("taken: %s", text);
			if (!strstr(wrong, table[i].says))
				fail_msg("%s: %s", text, wrong);
		}
	}
}

static void long_lists_are_cut_off(void **state)
{
	static char text[2 * PAGE];
	struct sec_policy p = policy_make();
	struct sec_choice c;
	const char *wrong;

	strcpy(text, UE("hmac-sha-1-96", "null"));
	for (int i = 1; i < SEC_MECHANISMS_MAX; i++)
		strcat(text, ",tls");
	assert_int_equal(sec_agree_choose(guarded(text), &p, SEC_MODE_TRANSPORT, &c, &wrong),
			 SEC_OK);
	assert_true(sec_agree_same(slice_str(text), slice_str(text)));
	strcat(text, ",tls");
	assert_int_equal(sec_agree_choose(guarded(text), &p, SEC_MODE_TRANSPORT, &c, &wrong),
			 SEC_MALFORMED);
	assert_string_equal(wrong, "Security-Client is too long");
	assert_false(sec_agree_same(slice_str(text), slice_str(text)));
}

static void many_parameters_are_cut_off(void **state)
{
	struct sec_policy p = policy_make();
	char text[1024] = UE("hmac-sha-1-96", "null");
	struct sec_choice c;
	const char *wrong;

	for (int i = 8; i < SEC_PARAMS_MAX; i++)
		sprintf(text + strlen(text), ";p%d=%d", i, i);
	assert_int_equal(sec_agree_choose(guarded(text), &p, SEC_MODE_TRANSPORT, &c, &wrong),
			 SEC_OK);
	assert_true(sec_agree_same(slice_str(text), slice_str(text)));
	strcat(text, ";x");
	assert_int_equal(sec_agree_choose(guarded(text), &p, SEC_MODE_TRANSPORT, &c, &wrong),
			 SEC_MALFORMED);
	assert_false(sec_agree_same(slice_str(text), slice_str(text)));
}

static void every_prefix_is_read_within_its_bounds(void **state)
{
	static const char text[] = "tls;q=0.1, " UE("hmac-sha-1-96", "aes-cbc") " , " UE(
		"null", "aes-gcm") ";x=\"a,b;c\"";
	struct sec_policy p = policy_make();
	char part[512];

	for (size_t n = 0; n <= strlen(text); n++) {
		struct sec_choice c;
		const char *wrong;

		memcpy(part, text, n);
		part[n] = 0;
		sec_agree_choose(guarded(part), &p, SEC_MODE_TRANSPORT, &c, &wrong);
		assert_int_equal(sec_agree_same(guarded(part), slice_str(text)),
				 n == strlen(text));
	}
}

static void server_says_all_we_offer(void **state)
{
	uint8_t memory[SEC_TEXT_MAX];
	struct text t = text_in(memory, sizeof(memory));
	struct sec_server s = {.policy = {2,
					  {{ABI_SA_INTEGRITY_NONE, ABI_SA_AES_GCM},
					   {ABI_SA_HMAC_SHA_256_128, ABI_SA_NULL}}},
			       .spi_pc = 4294967295u,
			       .spi_ps = 256,
			       .port_pc = 5102,
			       .port_ps = 5101};
	struct conf all = conf_make();

	sec_agree_put(&t, &s);
	assert_string_equal(
		text_cstr(&t),
		"ipsec-3gpp;q=0.9;alg=null;ealg=aes-gcm;prot=esp;mod=trans;spi-c=4294967295;"
		"spi-s=256;port-c=5102;port-s=5101, "
		"ipsec-3gpp;q=0.8;alg=hmac-sha-256-128;ealg=null;prot=esp;mod=trans;"
		"spi-c=4294967295;spi-s=256;port-c=5102;port-s=5101");
	t.len = 0;
	s.spi_ps = 0;
	s.mode = SEC_MODE_UDP_TUNNEL;
	s.policy.n = 1;
	sec_agree_put(&t, &s);
	assert_string_equal(text_cstr(&t),
			    "ipsec-3gpp;q=0.9;alg=null;ealg=aes-gcm;prot=esp;mod=UDP-enc-tun");
	/* The longest there is fits. */
	all.pcscf.integrity[3] = CONF_HMAC_MD5_96;
	all.pcscf.n_integrity = 4;
	sec_policy_make(&s.policy, &all);
	s.spi_ps = s.spi_pc = UINT32_MAX;
	s.port_pc = s.port_ps = UINT16_MAX;
	t = text_in(memory, sizeof(memory));
	sec_agree_put(&t, &s);
	assert_false(t.overflow);
	assert_non_null(strstr(text_cstr(&t), "q=0.2;"));
}

static void lists_are_compared_by_what_they_say(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} table[] = {
		{UE("x", "y"), UE("x", "y"), true},
		{UE("x", "y"), "IPSEC-3gpp ; " ENDS "; MOD=trans;ealg=Y;prot=esp;alg=x", true},
		{"a;p=1, b;q=2", "a ;p = 1,b; q=2", true},
		{"a;p", "a;p", true},
		{"a;p=\"x,y\"", "a;p=\"x,y\"", true},
		{"a,b", "b,a", false},
		{"a,b", "a", false},
		{"a", "a,b", false},
		{"a;p=1", "a;p=2", false},
		{"a;p=1", "a;r=1", false},
		{"a;p=1", "a", false},
		{"a", "a;p=1", false},
		{"a;p", "a;p=1", false},
		{"a;p=1;p=1", "a;p=1;r=2", false},
		{"a;p=1;p=1", "a;p=1;p=1", false},
		{"a;p=1;r=2", "a;p=1;p=1", false},
		{"", "", false},
		{"a;", "a;", false},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (sec_agree_same(guarded(table[i].a), slice_str(table[i].b)) !=
			    table[i].same ||
		    sec_agree_same(guarded(table[i].b), slice_str(table[i].a)) != table[i].same)
			fail_msg("%s, %s", table[i].a, table[i].b);
}

static void values_of_several_lines_are_one_list(void **state)
{
	static const char message[] =
		"REGISTER sip:a.b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: "
		"<sip:a@a.b>;tag=1\r\nSecurity-Client: a;x=1, b\r\nTo: <sip:a@a.b>\r\n"
		"Call-ID: 1\r\nsecurity-client : c;\r\n y=2\r\nCSeq: 1 REGISTER\r\n\r\n";
	uint8_t memory[20];
	struct text t = text_in(memory, sizeof(memory));
	struct sip_msg m;

	assert_int_equal(sip_parse(slice_str(message), &m), SIP_OK);
	assert_true(sec_agree_join(&m, SIP_H_SECURITY_CLIENT, &t));
	assert_true(sec_agree_same(text_slice(&t), SLICE("a;x=1,b,c;y=2")));
	t = text_in(memory, 17);
	assert_false(sec_agree_join(&m, SIP_H_SECURITY_CLIENT, &t));
	t = text_in(memory, sizeof(memory));
	assert_true(sec_agree_join(&m, SIP_H_SECURITY_VERIFY, &t));
	assert_int_equal(t.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy_follows_the_configuration),
		cmocka_unit_test(first_of_ours_is_chosen),
		cmocka_unit_test(mode_has_to_fit),
		cmocka_unit_test(nothing_in_common_is_no_error_of_form),
		cmocka_unit_test(every_fault_of_form_is_told),
		cmocka_unit_test(long_lists_are_cut_off),
		cmocka_unit_test(many_parameters_are_cut_off),
		cmocka_unit_test(every_prefix_is_read_within_its_bounds),
		cmocka_unit_test(server_says_all_we_offer),
		cmocka_unit_test(lists_are_compared_by_what_they_say),
		cmocka_unit_test(values_of_several_lines_are_one_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
