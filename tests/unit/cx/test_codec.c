/* test_codec.c - every command and every member through octets and back; and what must be
 * refused
 *
 * freeDiameter is set up but not started: messages go through its serialiser and parser, and no
 * socket.
 */
#include "cx/codec.h"
#include "diameter/diameter.h"

#include <errno.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { V = 0x80, M = 0x40, TGPP = 10415, ROOM = 70000, COMMANDS = 6 };

#define assert_slice(s, text)                                                                  \
	do {                                                                                   \
		assert_int_equal((s).len, strlen(text));                                       \
		assert_memory_equal((s).p, text, (s).len);                                     \
	} while (0)

/* --- through the wire --- */

static struct msg *parsed(uint8_t *octets, size_t len)
{
	struct msg *m = NULL;
	struct fd_pei pei;

	if (fd_msg_parse_buffer(&octets, len, &m) != 0) {
		free(octets);
		return NULL;
	}
	if (fd_msg_parse_dict(m, fd_g_config->cnf_dict, &pei) == 0)
		return m;
	fd_msg_free(m);
	return NULL;
}

/* Frees the message; the copy is what a peer would have. */
static struct msg *through_wire(struct msg *m)
{
	uint8_t *octets;
	size_t len;

	assert_int_equal(fd_msg_bufferize(m, &octets, &len), 0);
	assert_true(len <= DIAMETER_MESSAGE_MAX);
	fd_msg_free(m);
	m = parsed(octets, len);
	assert_non_null(m);
	return m;
}

static struct msg *request_through_wire(uint32_t command, const void *r)
{
	struct msg *m;

	assert_int_equal(cx_request(command, &m, r, SLICE("hss.home.test")), 0);
	return through_wire(m);
}

/* A request that decodes, of each command; index: command - CX_UAR. */
static const struct cx_uar some_uar = {.impi = {(const uint8_t *)"a@home", 6},
				       .impu = {(const uint8_t *)"sip:a@home", 10},
				       .visited_network = {(const uint8_t *)"home.test", 9}};
static const struct cx_sar some_sar = {.impi = {(const uint8_t *)"a@home", 6},
				       .n_impus = 1,
				       .impu = {{(const uint8_t *)"sip:a@home", 10}},
				       .server_name = {(const uint8_t *)"sip:s@home", 10},
				       .type = CX_SAT_REGISTRATION};
static const struct cx_lir some_lir = {.impu = {(const uint8_t *)"sip:a@home", 10}};
static const struct cx_mar some_mar = {.impi = {(const uint8_t *)"a@home", 6},
				       .impu = {(const uint8_t *)"sip:a@home", 10},
				       .server_name = {(const uint8_t *)"sip:s@home", 10},
				       .n_vectors = 1};
static const struct cx_rtr some_rtr = {.impi = {(const uint8_t *)"a@home", 6}};
static const struct cx_ppr some_ppr = {.impi = {(const uint8_t *)"a@home", 6}};
static const void *const some_request[COMMANDS] = {&some_uar, &some_sar, &some_lir,
						   &some_mar, &some_rtr, &some_ppr};

/* The answer as it is made from a received request. */
static struct msg *answer_through_wire(uint32_t command, const void *a)
{
	struct msg *m = request_through_wire(command, some_request[command - CX_UAR]);

	assert_int_equal(cx_answer(command, &m, a), 0);
	return through_wire(m);
}

/* --- round trips --- */

static void uar(void **state)
{
	struct cx_uar in = some_uar, out;
	struct msg *m;

	in.type = CX_UAT_REGISTRATION_AND_CAPABILITIES;
	in.emergency = true;
	m = request_through_wire(CX_UAR, &in);
	assert_int_equal(cx_decode_uar(m, &out), 0);
	assert_slice(out.impi, "a@home");
	assert_slice(out.impu, "sip:a@home");
	assert_slice(out.visited_network, "home.test");
	assert_int_equal(out.type, CX_UAT_REGISTRATION_AND_CAPABILITIES);
	assert_true(out.emergency);
	fd_msg_free(m);
	m = request_through_wire(CX_UAR, &some_uar);
	assert_int_equal(cx_decode_uar(m, &out), 0);
	assert_int_equal(out.type, CX_UAT_REGISTRATION);
	assert_false(out.emergency);
	fd_msg_free(m);
}

static void check_capabilities(const struct cx_capabilities *c)
{
	assert_int_equal(c->n_mandatory, 16);
	assert_int_equal(c->n_optional, 2);
	assert_int_equal(c->n_names, 2);
	for (uint32_t i = 0; i < 16; i++)
		assert_int_equal(c->mandatory[i], i + 7);
	assert_int_equal(c->optional[0], UINT32_MAX);
	assert_int_equal(c->optional[1], 0);
	assert_slice(c->name[0], "sip:s1");
	assert_slice(c->name[1], "sip:s2");
}

static struct cx_capabilities full_capabilities(void)
{
	struct cx_capabilities c = {.n_mandatory = 16,
				    .n_optional = 2,
				    .optional = {UINT32_MAX, 0},
				    .n_names = 2,
				    .name = {SLICE("sip:s1"), SLICE("sip:s2")}};

	for (uint32_t i = 0; i < 16; i++)
		c.mandatory[i] = i + 7;
	return c;
}

static void uaa_and_lia(void **state)
{
	struct cx_uaa u = {CX_FIRST_REGISTRATION, SLICE("sip:scscf"), full_capabilities()}, u2;
	struct cx_lia l = {CX_UNREGISTERED_SERVICE, SLICE("sip:scscf"), full_capabilities(),
			   SLICE("sip:!.*!@home")},
		      l2;
	struct msg *m = answer_through_wire(CX_UAR, &u);

	assert_int_equal(cx_decode_uaa(m, &u2), 0);
	assert_int_equal(u2.result, CX_FIRST_REGISTRATION);
	assert_slice(u2.server_name, "sip:scscf");
	check_capabilities(&u2.capabilities);
	fd_msg_free(m);
	m = answer_through_wire(CX_LIR, &l);
	assert_int_equal(cx_decode_lia(m, &l2), 0);
	assert_int_equal(l2.result, CX_UNREGISTERED_SERVICE);
	assert_slice(l2.server_name, "sip:scscf");
	check_capabilities(&l2.capabilities);
	assert_slice(l2.wildcard, "sip:!.*!@home");
	fd_msg_free(m);
	u = (struct cx_uaa){.result = CX_SUCCESS};
	m = answer_through_wire(CX_UAR, &u);
	assert_int_equal(cx_decode_uaa(m, &u2), 0);
	assert_int_equal(u2.result, CX_SUCCESS);
	assert_int_equal(u2.server_name.len, 0);
	assert_int_equal(u2.capabilities.n_mandatory + u2.capabilities.n_optional +
				 u2.capabilities.n_names,
			 0);
	fd_msg_free(m);
}

static void lir(void **state)
{
	struct cx_lir in = some_lir, out;

	for (int originating = 0; originating < 2; originating++) {
		in.originating = originating;
		struct msg *m = request_through_wire(CX_LIR, &in);

		assert_int_equal(cx_decode_lir(m, &out), 0);
		assert_slice(out.impu, "sip:a@home");
		assert_int_equal(out.originating, originating);
		fd_msg_free(m);
	}
}

static void mar(void **state)
{
	static const char *const name[] = {"Digest-AKAv1-MD5", "SIP Digest", "Unknown",
					   "Early-IMS-Security", "NASS-Bundled"};
	struct cx_mar in = some_mar, out;

	in.auts = slice_of("0123456789abcdef0123456789abcd", 30);
	in.n_vectors = 3;
	for (int scheme = CX_AUTH_AKA; scheme <= CX_AUTH_OTHER; scheme++) {
		in.scheme = (enum cx_auth_scheme)scheme;
		in.scheme_name = slice_str("NASS-Bundled");
		struct msg *m = request_through_wire(CX_MAR, &in);

		assert_int_equal(cx_decode_mar(m, &out), 0);
		assert_slice(out.impi, "a@home");
		assert_slice(out.impu, "sip:a@home");
		assert_slice(out.server_name, "sip:s@home");
		assert_int_equal(out.n_vectors, 3);
		assert_int_equal(out.scheme, scheme);
		assert_slice(out.scheme_name, name[scheme]);
		assert_slice(out.auts, "0123456789abcdef0123456789abcd");
		fd_msg_free(m);
	}
}

static struct cx_vector aka_vector(uint32_t number)
{
	struct cx_vector v = {
		.number = number, .scheme = CX_AUTH_AKA, .xres_len = 4 + number % 13};

	for (uint32_t i = 0; i < 16; i++) {
		v.rand[i] = (uint8_t)(number * 16 + i);
		v.autn[i] = (uint8_t)(i ? 255 - i : 0);
		v.ck[i] = (uint8_t)(i * number);
		v.ik[i] = (uint8_t)(i + 3);
		if (i < v.xres_len)
			v.xres[i] = (uint8_t)(i * 7);
	}
	return v;
}

static void maa_aka(void **state)
{
	struct cx_maa in = {.result = CX_SUCCESS,
			    .impi = SLICE("a@home"),
			    .impu = SLICE("sip:a@home")},
		      out;

	for (in.n_vectors = 0; in.n_vectors < CX_VECTORS_MAX; in.n_vectors++)
		in.vector[in.n_vectors] = aka_vector(in.n_vectors + 1);
	struct msg *m = answer_through_wire(CX_MAR, &in);

	assert_int_equal(cx_decode_maa(m, &out), 0);
	assert_int_equal(out.result, CX_SUCCESS);
	assert_slice(out.impi, "a@home");
	assert_slice(out.impu, "sip:a@home");
	assert_int_equal(out.n_vectors, CX_VECTORS_MAX);
	assert_memory_equal(out.vector, in.vector, sizeof(out.vector));
	fd_msg_free(m);
}

/* An address, and prefixes that end within an octet, at one, and nowhere. */
static void maa_giba(void **state)
{
	static const uint8_t bits[] = {32, 64, 61, 1, 128};

	for (size_t i = 0; i < sizeof(bits); i++) {
		struct cx_maa in = {.result = CX_SUCCESS, .n_vectors = 1}, out;
		struct cx_vector *v = &in.vector[0];

		v->number = 1;
		v->scheme = CX_AUTH_GIBA;
		v->framed.family = i ? 6 : 4;
		v->framed_bits = bits[i];
		for (uint32_t k = 0; k < (i ? 16 : 4); k++)
			v->framed.ip[k] = (uint8_t)(0x20 + k);
		struct msg *m = answer_through_wire(CX_MAR, &in);

		assert_int_equal(cx_decode_maa(m, &out), 0);
		assert_int_equal(out.n_vectors, 1);
		assert_memory_equal(out.vector, v, sizeof(*v));
		fd_msg_free(m);
	}
}

static struct cx_vector digest_vector(bool md5, bool sha256)
{
	struct cx_vector v = {
		.number = 1, .scheme = CX_AUTH_DIGEST, .digest_realm = "home.test"};

	if (md5)
		memcpy(v.ha1, "0123456789abcdef0123456789ABCDEF", 32);
	if (sha256)
		memset(v.ha1_sha256, 'f', 64);
	return v;
}

static void maa_digest(void **state)
{
	for (int which = 1; which < 4; which++) {
		struct cx_maa in = {.result = CX_SUCCESS, .n_vectors = 1}, out;

		in.vector[0] = digest_vector(which & 1, which & 2);
		struct msg *m = answer_through_wire(CX_MAR, &in);

		assert_int_equal(cx_decode_maa(m, &out), 0);
		assert_int_equal(out.n_vectors, 1);
		assert_string_equal(out.vector[0].digest_realm, "home.test");
		assert_string_equal(out.vector[0].ha1, in.vector[0].ha1);
		assert_string_equal(out.vector[0].ha1_sha256, in.vector[0].ha1_sha256);
		assert_int_equal(out.vector[0].scheme, CX_AUTH_DIGEST);
		fd_msg_free(m);
	}
}

static void sar(void **state)
{
	static char name[CX_IMPUS_MAX][32];
	struct cx_sar in = some_sar, out;

	for (in.n_impus = 0; in.n_impus < CX_IMPUS_MAX; in.n_impus++) {
		snprintf(name[in.n_impus], sizeof(name[0]), "sip:user-%u@home", in.n_impus);
		in.impu[in.n_impus] = slice_str(name[in.n_impus]);
	}
	in.type = CX_SAT_DEREGISTRATION_TOO_MUCH_DATA;
	in.user_data_available = in.multiple_registration = true;
	struct msg *m = request_through_wire(CX_SAR, &in);

	assert_int_equal(cx_decode_sar(m, &out), 0);
	assert_slice(out.impi, "a@home");
	assert_slice(out.server_name, "sip:s@home");
	assert_slice(out.origin_host, "scscf.home.test");
	assert_int_equal(out.type, CX_SAT_DEREGISTRATION_TOO_MUCH_DATA);
	assert_true(out.user_data_available && out.multiple_registration);
	assert_int_equal(out.n_impus, CX_IMPUS_MAX);
	for (uint32_t i = 0; i < CX_IMPUS_MAX; i++)
		assert_slice(out.impu[i], name[i]);
	fd_msg_free(m);
}

/* TS 23.380 §4: as much as one IMPI can have, and nothing of it where there is none. */
static struct cx_restoration full_restoration(void)
{
	static uint8_t path[CX_PATH_MAX], contact[CX_CONTACT_MAX];
	struct cx_restoration r = {.impi = SLICE("a@home"), .n = CX_RESTORED_MAX};

	memset(path, 'p', sizeof(path));
	memset(contact, 'c', sizeof(contact));
	for (uint32_t i = 0; i < r.n; i++)
		r.contact[i] = (struct cx_restored){slice_of(path, i ? sizeof(path) : 1),
						    slice_of(contact, i ? sizeof(contact) : 1),
						    i ? SLICE("call") : SLICE_EMPTY,
						    i ? UINT32_MAX : 0};
	return r;
}

static void check_restoration(const struct cx_restoration *r)
{
	assert_slice(r->impi, "a@home");
	assert_int_equal(r->n, CX_RESTORED_MAX);
	assert_slice(r->contact[0].path, "p");
	assert_slice(r->contact[0].contact, "c");
	assert_int_equal(r->contact[0].call_id.len, 0);
	for (uint32_t i = 1; i < r->n; i++) {
		assert_int_equal(r->contact[i].path.len, CX_PATH_MAX);
		assert_int_equal(r->contact[i].contact.len, CX_CONTACT_MAX);
		assert_slice(r->contact[i].call_id, "call");
		assert_int_equal(r->contact[i].cseq, UINT32_MAX);
	}
}

static void restoration(void **state)
{
	struct cx_sar in = some_sar, out;
	struct cx_saa answer = {.result = CX_SUCCESS, .n_restorations = 2}, back;
	struct msg *m = request_through_wire(CX_SAR, &in);

	assert_int_equal(cx_decode_sar(m, &out), 0);
	assert_int_equal(out.restoration.n, 0);
	fd_msg_free(m);
	in.restoration = full_restoration();
	m = request_through_wire(CX_SAR, &in);
	assert_int_equal(cx_decode_sar(m, &out), 0);
	check_restoration(&out.restoration);
	struct cx_sar *copy = cx_copy_request(CX_SAR, &out);

	fd_msg_free(m);
	check_restoration(&copy->restoration);
	free(copy);
	answer.restoration[0] = answer.restoration[1] = full_restoration();
	m = answer_through_wire(CX_SAR, &answer);
	assert_int_equal(cx_decode_saa(m, &back), 0);
	assert_int_equal(back.n_restorations, 2);
	struct cx_saa *kept = cx_copy_answer(CX_SAR, &back);

	fd_msg_free(m);
	check_restoration(&kept->restoration[0]);
	check_restoration(&kept->restoration[1]);
	free(kept);
	/* One contact more than there may be is refused before it is sent. */
	in.restoration.n = CX_RESTORED_MAX + 1;
	assert_int_not_equal(cx_request_sar(&m, &in, SLICE_EMPTY), 0);
}

static void check_charging(const struct cx_charging *c)
{
	assert_slice(c->primary_ecf, "aaa://e1");
	assert_slice(c->secondary_ecf, "aaa://e2");
	assert_slice(c->primary_ccf, "aaa://c1");
	assert_slice(c->secondary_ccf, "aaa://c2");
}

#define FULL_CHARGING                                                                          \
	{                                                                                      \
		SLICE("aaa://e1"), SLICE("aaa://e2"), SLICE("aaa://c1"), SLICE("aaa://c2")     \
	}

/* As large as an SAA of ours can be, in every member. */
static void saa(void **state)
{
	static uint8_t xml[CX_USER_DATA_MAX], longest[CX_STRING_MAX];
	struct slice l = {longest, sizeof(longest)};
	struct cx_saa in = {.result = CX_SUCCESS, .charging = FULL_CHARGING}, out;

	memset(longest, 'l', sizeof(longest));
	memset(xml, 0xc3, sizeof(xml));
	xml[77] = 0;
	in.impi = l;
	in.user_data = slice_of(xml, sizeof(xml));
	for (in.n_associated = 0; in.n_associated < 16; in.n_associated++)
		in.associated_impi[in.n_associated] = l;
	struct msg *m = answer_through_wire(CX_SAR, &in);

	assert_int_equal(cx_decode_saa(m, &out), 0);
	assert_int_equal(out.result, CX_SUCCESS);
	assert_true(slice_eq(out.impi, l));
	assert_true(slice_eq(out.user_data, in.user_data));
	check_charging(&out.charging);
	assert_int_equal(out.n_associated, 16);
	assert_true(slice_eq(out.associated_impi[15], l));
	fd_msg_free(m);
}

static void rtr_and_ppr(void **state)
{
	struct cx_rtr r = some_rtr, r2;
	struct cx_ppr p = {SLICE("a@home"), SLICE("<x/>"), FULL_CHARGING, SLICE_EMPTY}, p2;

	r.n_associated = 2;
	r.associated_impi[0] = SLICE("b@home");
	r.associated_impi[1] = SLICE("c@home");
	r.n_impus = 1;
	r.impu[0] = SLICE("sip:b@home");
	r.reason = CX_REASON_REMOVE_S_CSCF;
	r.reason_info = SLICE("gone");
	struct msg *m = request_through_wire(CX_RTR, &r);

	assert_int_equal(cx_decode_rtr(m, &r2), 0);
	assert_slice(r2.impi, "a@home");
	assert_int_equal(r2.n_associated, 2);
	assert_slice(r2.associated_impi[1], "c@home");
	assert_int_equal(r2.n_impus, 1);
	assert_slice(r2.impu[0], "sip:b@home");
	assert_int_equal(r2.reason, CX_REASON_REMOVE_S_CSCF);
	assert_slice(r2.reason_info, "gone");
	assert_slice(r2.origin_host, "scscf.home.test");
	fd_msg_free(m);
	m = request_through_wire(CX_PPR, &p);
	assert_int_equal(cx_decode_ppr(m, &p2), 0);
	assert_slice(p2.impi, "a@home");
	assert_slice(p2.user_data, "<x/>");
	check_charging(&p2.charging);
	assert_slice(p2.origin_host, "scscf.home.test");
	fd_msg_free(m);
}

/* Every result goes through every command's answer; and through cx_answer_error. */
static void results(void **state)
{
	static const int result[] = {CX_SUCCESS,
				     CX_SUCCESS_SERVER_NAME_NOT_STORED,
				     CX_ERROR_USER_UNKNOWN,
				     CX_ERROR_FEATURE_UNSUPPORTED,
				     CX_TOO_BUSY,
				     CX_AUTHORIZATION_REJECTED,
				     CX_UNABLE_TO_COMPLY};

	for (uint32_t command = CX_UAR; command <= CX_PPR; command++) {
		for (size_t i = 0; i < sizeof(result) / sizeof(result[0]); i++) {
			union cx_any_answer in, out;
			struct msg *m;

			memset(&in, 0, sizeof(in));
			in.result = result[i];
			m = answer_through_wire(command, &in);
			assert_int_equal(cx_decode_answer(command, m, &out), 0);
			assert_int_equal(out.result, result[i]);
			fd_msg_free(m);
			m = request_through_wire(command, some_request[command - CX_UAR]);
			assert_int_equal(cx_answer_error(&m, result[i]), 0);
			m = through_wire(m);
			assert_int_equal(cx_decode_answer(command, m, &out), 0);
			assert_int_equal(out.result, result[i]);
			struct msg_hdr *h;

			fd_msg_hdr(m, &h);
			assert_int_equal(!!(h->msg_flags & CMD_FLAG_ERROR),
					 result[i] == CX_TOO_BUSY);
			fd_msg_free(m);
		}
	}
}

/* A copy lives on when the message and the original are gone. */
static void copies(void **state)
{
	for (uint32_t command = CX_UAR; command <= CX_PPR; command++) {
		struct msg *m = request_through_wire(command, some_request[command - CX_UAR]);
		union cx_any_request decoded;

		assert_int_equal(cx_decode_request(command, m, &decoded), 0);
		void *copy = cx_copy_request(command, &decoded);

		fd_msg_free(m);
		memset(&decoded, 0xee, sizeof(decoded));
		m = request_through_wire(command, copy);
		free(copy);
		assert_int_equal(cx_decode_request(command, m, &decoded), 0);
		fd_msg_free(m);
	}
	struct cx_uaa a = {CX_SUCCESS, SLICE("sip:s"), full_capabilities()};
	struct cx_uaa *copy = cx_copy_answer(CX_UAR, &a);

	memset(&a, 0, sizeof(a));
	check_capabilities(&copy->capabilities);
	assert_slice(copy->server_name, "sip:s");
	free(copy);
}

/* --- malformed, octet by octet --- */

struct raw {
	uint8_t octets[ROOM];
	uint32_t len;
};

static void raw32(struct raw *r, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		r->octets[r->len++] = (uint8_t)(v >> shift);
}

static void raw_begin(struct raw *r, uint32_t command, bool request)
{
	r->len = 0;
	raw32(r, 1u << 24);
	raw32(r, (request ? 0xc0000000 : 0x40000000) | command);
	raw32(r, CX_APPLICATION);
	raw32(r, 1);
	raw32(r, 2);
}

static void raw_avp(struct raw *r, uint32_t code, uint32_t vendor, const void *value,
		    uint32_t len)
{
	raw32(r, code);
	raw32(r, (vendor ? (uint32_t)(V | M) << 24 : (uint32_t)M << 24) |
			 (len + (vendor ? 12 : 8)));
	if (vendor)
		raw32(r, vendor);
	memcpy(r->octets + r->len, value, len);
	r->len += len;
	while (r->len % 4)
		r->octets[r->len++] = 0;
}

static void raw_u32(struct raw *r, uint32_t code, uint32_t vendor, uint32_t v)
{
	const uint8_t octets[4] = {v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255};

	raw_avp(r, code, vendor, octets, 4);
}

static void raw_str(struct raw *r, uint32_t code, uint32_t vendor, const char *text)
{
	raw_avp(r, code, vendor, text, (uint32_t)strlen(text));
}

static struct msg *raw_message(struct raw *r)
{
	uint8_t *octets = malloc(r->len);

	r->octets[1] = (uint8_t)(r->len >> 16);
	r->octets[2] = (uint8_t)(r->len >> 8);
	r->octets[3] = (uint8_t)r->len;
	memcpy(octets, r->octets, r->len);
	return parsed(octets, r->len);
}

static void raw_common(struct raw *r)
{
	raw_str(r, 263, 0, "scscf;1;2");
	raw_str(r, 264, 0, "scscf.home.test");
	raw_str(r, 296, 0, "home.test");
}

static void raw_uar(struct raw *r)
{
	raw_begin(r, CX_UAR, true);
	raw_common(r);
	raw_str(r, 1, 0, "a@home");
	raw_str(r, 601, TGPP, "sip:a@home");
	raw_str(r, 600, TGPP, "home.test");
}

/* The code of what Failed-AVP holds, 0 for none; takes the answer. */
static uint32_t failed_code(struct msg *m)
{
	uint32_t code = 0;
	struct avp *avp, *inner;
	struct avp_hdr *h;

	m = through_wire(m);
	fd_msg_browse(m, MSG_BRW_FIRST_CHILD, &avp, NULL);
	for (; avp; fd_msg_browse(avp, MSG_BRW_NEXT, &avp, NULL)) {
		fd_msg_avp_hdr(avp, &h);
		if (h->avp_code != 279)
			continue;
		fd_msg_browse(avp, MSG_BRW_FIRST_CHILD, &inner, NULL);
		assert_non_null(inner);
		fd_msg_avp_hdr(inner, &h);
		code = h->avp_code;
	}
	fd_msg_free(m);
	return code;
}

/* Decodes to this result, which the answer carries with this AVP. */
static void refused(struct msg *m, uint32_t command, int result, uint32_t failed)
{
	union cx_any_request out;
	union cx_any_answer answer;

	assert_non_null(m);
	assert_int_equal(cx_decode_request(command, m, &out), result);
	assert_int_equal(cx_answer_error(&m, result), 0);
	assert_int_equal(cx_decode_answer(command, m, &answer), 0);
	assert_int_equal(answer.result, result);
	assert_int_equal(failed_code(m), failed);
}

/* Takes each AVP away that must be there, one at a time. */
static void missing(void **state)
{
	static const struct {
		uint32_t command;
		uint32_t must[8]; /* codes */
	} row[] = {
		{CX_UAR, {263, 264, 296, 1, 601, 600}},
		{CX_LIR, {263, 264, 296, 601}},
		{CX_SAR, {263, 264, 296, 602, 614, 624}},
		{CX_MAR, {263, 264, 296, 1, 601, 612, 607, 602}},
		{CX_RTR, {263, 264, 296, 1, 615}},
		{CX_PPR, {263, 264, 296, 1}},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		for (int k = 0; k < 8 && row[i].must[k]; k++) {
			struct msg *m = request_through_wire(
				row[i].command, some_request[row[i].command - CX_UAR]);
			struct avp *avp, *found = NULL;

			fd_msg_browse(m, MSG_BRW_FIRST_CHILD, &avp, NULL);
			for (; avp; fd_msg_browse(avp, MSG_BRW_NEXT, &avp, NULL)) {
				struct avp_hdr *h;

				fd_msg_avp_hdr(avp, &h);
				if (h->avp_code == row[i].must[k])
					found = avp;
			}
			assert_non_null(found);
			fd_msg_free(found);
			refused(m, row[i].command, CX_MISSING_AVP, row[i].must[k]);
		}
	}
}

static void wrong_values(void **state)
{
	static struct raw r;
	static uint8_t longest[CX_USER_DATA_MAX + 1];
	const struct {
		uint32_t code, vendor;
		const void *value;
		uint32_t len;
		int result;
	} row[] = {
		{623, TGPP, "\0\0\0\3", 4, CX_INVALID_AVP_VALUE},
		{623, TGPP, "\xff\xff\xff\xff", 4, CX_INVALID_AVP_VALUE},
		{1, 0, "second", 6, CX_TOO_MANY_AVPS},
		{601, TGPP, "sip:second", 10, CX_TOO_MANY_AVPS},
		{600, TGPP, "", 0, CX_TOO_MANY_AVPS},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		raw_uar(&r);
		raw_avp(&r, row[i].code, row[i].vendor, row[i].value, row[i].len);
		refused(raw_message(&r), CX_UAR, row[i].result, row[i].code);
	}
	memset(longest, 'x', sizeof(longest));
	static const struct {
		const char *value;
		uint32_t len;
		int result;
	} name[] = {{"", 0, CX_INVALID_AVP_VALUE},
		    {"a\0b", 3, CX_INVALID_AVP_VALUE},
		    {"\0", 1, CX_INVALID_AVP_VALUE}};

	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		raw_begin(&r, CX_LIR, true);
		raw_common(&r);
		raw_avp(&r, 601, TGPP, name[i].value, name[i].len);
		refused(raw_message(&r), CX_LIR, name[i].result, 601);
	}
	for (uint32_t len = IMPU_MAX; len <= IMPU_MAX + 1; len++) {
		union cx_any_request out;

		raw_begin(&r, CX_LIR, true);
		raw_common(&r);
		raw_avp(&r, 601, TGPP, longest, len);
		struct msg *m = raw_message(&r);

		assert_int_equal(cx_decode_lir(m, &out.lir),
				 len > IMPU_MAX ? CX_INVALID_AVP_VALUE : 0);
		fd_msg_free(m);
	}
	raw_begin(&r, CX_PPR, true);
	raw_common(&r);
	raw_str(&r, 1, 0, "a@home");
	raw_avp(&r, 606, TGPP, longest, sizeof(longest));
	refused(raw_message(&r), CX_PPR, CX_INVALID_AVP_VALUE, 606);
}

static void too_many_identities(void **state)
{
	static struct raw r;

	raw_begin(&r, CX_SAR, true);
	raw_common(&r);
	for (int i = 0; i <= CX_IMPUS_MAX; i++)
		raw_str(&r, 601, TGPP, "sip:a@home");
	raw_str(&r, 602, TGPP, "sip:s");
	raw_u32(&r, 614, TGPP, 1);
	raw_u32(&r, 624, TGPP, 0);
	refused(raw_message(&r), CX_SAR, CX_TOO_MANY_AVPS, 601);
}

/* Neither a private nor a public identity. */
static void sar_of_nobody(void **state)
{
	static struct raw r;

	raw_begin(&r, CX_SAR, true);
	raw_common(&r);
	raw_str(&r, 602, TGPP, "sip:s");
	raw_u32(&r, 614, TGPP, 1);
	raw_u32(&r, 624, TGPP, 0);
	refused(raw_message(&r), CX_SAR, CX_MISSING_AVP, 601);
}

static void raw_features(struct raw *r, uint8_t flags, uint32_t list)
{
	struct raw *inner = calloc(1, sizeof(*inner));

	raw_u32(inner, 266, 0, TGPP);
	raw_u32(inner, 629, TGPP, 1);
	raw_u32(inner, 630, TGPP, list);
	uint32_t at = r->len;

	raw_avp(r, 628, TGPP, inner->octets, inner->len);
	r->octets[at + 4] = flags;
	free(inner);
}

static void required_features(void **state)
{
	static struct raw r;
	struct cx_uar out;
	struct msg *m;

	for (int asked = 0; asked < 3; asked++) {
		raw_uar(&r);
		raw_features(&r, asked == 2 ? V : V | M, asked == 1 ? 0 : 3);
		m = raw_message(&r);
		if (asked == 0) {
			refused(m, CX_UAR, CX_ERROR_FEATURE_UNSUPPORTED, 628);
			continue;
		}
		assert_int_equal(cx_decode_uar(m, &out), 0);
		fd_msg_free(m);
	}
}

/* By the library itself, before any callback. */
static void unknown_avps(void **state)
{
	static struct raw r;
	struct cx_uar out;

	raw_uar(&r);
	raw_avp(&r, 65000, TGPP, "x", 1);
	assert_null(raw_message(&r));
	raw_uar(&r);
	uint32_t at = r.len;

	raw_avp(&r, 65000, TGPP, "x", 1);
	r.octets[at + 4] = V;
	struct msg *m = raw_message(&r);

	assert_non_null(m);
	assert_int_equal(cx_decode_uar(m, &out), 0);
	fd_msg_free(m);
	raw_uar(&r);
	raw_avp(&r, 623, TGPP, "\0\0\0", 3);
	assert_null(raw_message(&r));
}

static struct raw *raw_item(const char *scheme)
{
	struct raw *item = calloc(1, sizeof(*item));

	raw_str(item, 608, TGPP, scheme);
	return item;
}

static void raw_maa(struct raw *r, struct raw *item)
{
	raw_begin(r, CX_MAR, false);
	raw_str(r, 263, 0, "scscf;1;2");
	raw_u32(r, 268, 0, 2001);
	raw_avp(r, 612, TGPP, item->octets, item->len);
	free(item);
}

static void bad_maa(struct raw *item)
{
	static struct raw r;
	struct cx_maa out;

	raw_maa(&r, item);
	struct msg *m = raw_message(&r);

	assert_non_null(m);
	assert_int_equal(cx_decode_maa(m, &out), CX_BAD_ANSWER);
	assert_int_equal(out.result, CX_BAD_ANSWER);
	assert_int_equal(out.n_vectors, 0);
	fd_msg_free(m);
}

/* One thing wrong in an AKA item at a time; a right one first. */
static void aka_items(void **state)
{
	static const struct {
		uint32_t challenge, xres, ck, ik;
		bool right;
	} row[] = {
		{32, 16, 16, 16, true}, {32, 4, 16, 16, true},  {31, 8, 16, 16, false},
		{33, 8, 16, 16, false}, {32, 3, 16, 16, false}, {32, 17, 16, 16, false},
		{32, 8, 15, 16, false}, {32, 8, 17, 16, false}, {32, 8, 16, 0, false},
		{0, 8, 16, 16, false},
	};
	static const uint8_t octets[40];
	static struct raw r;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct raw *item = raw_item("Digest-AKAv1-MD5");
		struct cx_maa out;

		raw_avp(item, 609, TGPP, octets, row[i].challenge);
		raw_avp(item, 610, TGPP, octets, row[i].xres);
		raw_avp(item, 625, TGPP, octets, row[i].ck);
		raw_avp(item, 626, TGPP, octets, row[i].ik);
		if (!row[i].right) {
			bad_maa(item);
			continue;
		}
		raw_maa(&r, item);
		struct msg *m = raw_message(&r);

		assert_int_equal(cx_decode_maa(m, &out), 0);
		assert_int_equal(out.vector[0].xres_len, row[i].xres);
		fd_msg_free(m);
	}
	bad_maa(raw_item("Digest-AKAv1-MD5"));
	bad_maa(raw_item("Whatever"));
}

/* An address, or a prefix that is there and is one: of no bits it would be everybody's. */
static void giba_items(void **state)
{
	static const struct {
		uint32_t ip, prefix;
		uint8_t bits;
		bool right;
	} row[] = {
		{4, 0, 0, true},    {0, 10, 64, true}, {0, 18, 128, true}, {0, 9, 56, true},
		{0, 0, 0, false},   {3, 0, 0, false},  {5, 0, 0, false},   {0, 2, 0, false},
		{0, 18, 0, false},  {0, 9, 64, false}, {0, 1, 64, false},  {0, 18, 129, false},
		{0, 19, 64, false},
	};
	static struct raw r;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct raw *item = raw_item("Early-IMS-Security");
		uint8_t octets[40] = {0, row[i].bits, 0x20, 1};
		struct cx_maa out;

		if (row[i].ip)
			raw_avp(item, 8, 0, octets, row[i].ip);
		if (row[i].prefix)
			raw_avp(item, 97, 0, octets, row[i].prefix);
		if (!row[i].right) {
			bad_maa(item);
			continue;
		}
		raw_maa(&r, item);
		struct msg *m = raw_message(&r);

		assert_int_equal(cx_decode_maa(m, &out), 0);
		assert_int_equal(out.vector[0].framed.family, row[i].ip ? 4 : 6);
		assert_int_equal(out.vector[0].framed_bits, row[i].ip ? 32 : row[i].bits);
		fd_msg_free(m);
	}
}

static void digest_items(void **state)
{
	static const struct {
		const char *realm, *algorithm, *ha1;
	} row[] = {
		{"home", "MD5", "0123456789abcdef0123456789abcde"},
		{"home", "MD5", "0123456789abcdef0123456789abcdeg"},
		{"home", "SHA-256", "0123456789abcdef0123456789abcdef"},
		{"home", "MD6", "0123456789abcdef0123456789abcdef"},
		{NULL, "MD5", "0123456789abcdef0123456789abcdef"},
		{"home", "MD5", NULL},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct raw *item = raw_item("SIP Digest"), *digest = calloc(1, sizeof(*digest));

		if (row[i].realm)
			raw_str(digest, 104, 0, row[i].realm);
		raw_str(digest, 111, 0, row[i].algorithm);
		if (row[i].ha1)
			raw_str(digest, 121, 0, row[i].ha1);
		raw_avp(item, 635, TGPP, digest->octets, digest->len);
		free(digest);
		bad_maa(item);
	}
}

/* No result, two, one of another vendor, zero. */
static void bad_results(void **state)
{
	static struct raw r;

	for (int which = 0; which < 6; which++) {
		struct raw *inner = calloc(1, sizeof(*inner));
		struct cx_rta out;

		raw_begin(&r, CX_RTR, false);
		raw_u32(inner, 266, 0, which == 3 ? 193 : TGPP);
		if (which != 4)
			raw_u32(inner, 298, 0, 5001);
		if (which == 1 || which == 2)
			raw_u32(&r, 268, 0, which == 1 ? 0 : 2001);
		if (which == 5)
			raw_u32(&r, 268, 0, 105001);
		if (which >= 2 && which < 5)
			raw_avp(&r, 297, 0, inner->octets, inner->len);
		free(inner);
		struct msg *m = raw_message(&r);

		assert_non_null(m);
		assert_int_equal(cx_decode_rta(m, &out), CX_BAD_ANSWER);
		fd_msg_free(m);
	}
}

/* What breaks a limit is not sent, and the request is still there to refuse. */
static void oversize(void **state)
{
	static uint8_t xml[CX_USER_DATA_MAX + 1];
	struct cx_saa a = {.result = CX_SUCCESS, .user_data = slice_of(xml, sizeof(xml))};
	struct cx_maa v = {.result = CX_SUCCESS, .n_vectors = CX_VECTORS_MAX + 1};
	struct cx_uar no_user = {.impu = SLICE("sip:a@home"), .visited_network = SLICE("home")};
	struct cx_sar q = some_sar;
	union cx_any_answer out;
	struct msg *m = request_through_wire(CX_SAR, &some_sar);

	assert_int_equal(cx_answer_saa(&m, &a), EMSGSIZE);
	assert_int_equal(cx_answer_error(&m, CX_ERROR_TOO_MUCH_DATA), 0);
	assert_int_equal(cx_decode_saa(m, &out.saa), 0);
	assert_int_equal(out.saa.result, CX_ERROR_TOO_MUCH_DATA);
	fd_msg_free(m);
	m = request_through_wire(CX_MAR, &some_mar);
	assert_int_equal(cx_answer_maa(&m, &v), EMSGSIZE);
	v = (struct cx_maa){.result = CX_SUCCESS, .n_vectors = 1};
	assert_int_equal(cx_answer_maa(&m, &v), EINVAL);
	fd_msg_free(m);
	assert_int_equal(cx_request_uar(&m, &no_user, SLICE_EMPTY), EINVAL);
	assert_null(m);
	q.n_impus = CX_IMPUS_MAX + 1;
	assert_int_equal(cx_request_sar(&m, &q, SLICE_EMPTY), EMSGSIZE);
	q.n_impus = 1;
	q.type = 12;
	assert_int_equal(cx_request_sar(&m, &q, SLICE_EMPTY), EINVAL);
}

static void session_ids_differ(void **state)
{
	char last[320] = "";

	for (int i = 0; i < 3; i++) {
		struct msg *m = request_through_wire(CX_LIR, &some_lir);
		struct avp *avp;
		struct avp_hdr *h;

		fd_msg_browse(m, MSG_BRW_FIRST_CHILD, &avp, NULL);
		fd_msg_avp_hdr(avp, &h);
		/* RFC 6733 §8.8: it should be the first. */
		assert_int_equal(h->avp_code, 263);
		assert_memory_equal(h->avp_value->os.data, "scscf.home.test;", 16);
		assert_true(strlen(last) != h->avp_value->os.len ||
			    memcmp(last, h->avp_value->os.data, h->avp_value->os.len) != 0);
		snprintf(last, sizeof(last), "%.*s", (int)h->avp_value->os.len,
			 h->avp_value->os.data);
		fd_msg_free(m);
	}
}

static int setup(void **state)
{
	struct diameter_config c = {.identity = "scscf.home.test", .realm = "home.test"};
	char error[256] = "";

	if (diameter_init(&c, error) < 0 || cx_dictionary_init() != 0) {
		print_error("%s\n", error);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	diameter_stop();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uar),
		cmocka_unit_test(uaa_and_lia),
		cmocka_unit_test(lir),
		cmocka_unit_test(mar),
		cmocka_unit_test(maa_aka),
		cmocka_unit_test(maa_giba),
		cmocka_unit_test(maa_digest),
		cmocka_unit_test(sar),
		cmocka_unit_test(saa),
		cmocka_unit_test(restoration),
		cmocka_unit_test(rtr_and_ppr),
		cmocka_unit_test(results),
		cmocka_unit_test(copies),
		cmocka_unit_test(missing),
		cmocka_unit_test(wrong_values),
		cmocka_unit_test(too_many_identities),
		cmocka_unit_test(sar_of_nobody),
		cmocka_unit_test(required_features),
		cmocka_unit_test(unknown_avps),
		cmocka_unit_test(aka_items),
		cmocka_unit_test(giba_items),
		cmocka_unit_test(digest_items),
		cmocka_unit_test(bad_results),
		cmocka_unit_test(oversize),
		cmocka_unit_test(session_ids_differ),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
