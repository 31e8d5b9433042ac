/* test_record.c - the records of the channel: encoded, decoded, and every lie caught */
#include "abi/install.h"
#include "abi/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

enum { PAGE = 4096, SPAN = 8 * PAGE };

/* Memory whose end is guarded. */
struct guarded {
	uint8_t *map;
};

static struct guarded guarded_make(void)
{
	struct guarded g = {mmap(NULL, SPAN + PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)};

	assert_ptr_not_equal(g.map, MAP_FAILED);
	assert_int_equal(mprotect(g.map + SPAN, PAGE, PROT_NONE), 0);
	return g;
}

static void *guarded_copy(struct guarded g, const void *data, uint32_t len)
{
	return len ? memcpy(g.map + SPAN - len, data, len) : g.map + SPAN;
}

static void guarded_free(struct guarded g)
{
	munmap(g.map, SPAN + PAGE);
}

static struct abi_install_view *view_make(void)
{
	struct abi_install_view *v = calloc(1, sizeof(*v));

	v->type = INSTALL_REGISTRATION;
	v->seq = 77;
	v->registration = (struct abi_registration_view){
		.set_id = 0x1122334455667788,
		.roles = ABI_REG_PCSCF | ABI_REG_SCSCF,
		.scscf = addr_v4(0x0a000001, 5060),
		.service_route = SLICE("<sip:orig@scscf.example.org;lr>"),
		.n_impu = 2,
		.n_contact = 2,
		.impu = {{SLICE("sip:alice@example.org"), ABI_IMPU_DEFAULT},
			 {SLICE("tel:+49301234"), ABI_IMPU_BARRED}},
		.contact = {{.flow = addr_v4(0xc0000201, 5062),
			     .local = addr_v4(0xc0000202, 5060),
			     .sa_id = 0x0102030405060708,
			     .expires_ms = 600000,
			     .registered_ms = 5,
			     .call_id = 0x8877665544332211,
			     .cseq = 0x7fffffff,
			     .impi = 0xdecade01,
			     .instance = 0x0123456789abcdef,
			     .reg_id = 0xfffffffe,
			     .q = 1000,
			     .n_feature = 2,
			     .feature = {{.value = 1, .tag = 2, .kind = FEATURE_STRING},
					 {.value = 3, .tag = 4}},
			     .flags = ABI_CONTACT_PROTECTED | ABI_CONTACT_REFRESH,
			     .uri = SLICE("sip:alice@192.0.2.1:5062")},
			    {.hop = {.ip = {0x20, 1, 0xd, 0xb8}, .port = 5060, .family = 6},
			     .expires_ms = UINT64_MAX,
			     .q = 500,
			     .uri = SLICE("sip:alice@[2001:db8::9]"),
			     .path = SLICE("<sip:t0ken@pcscf.example.org;lr>")}},
	};
	return v;
}

static void registration_assert_equal(const struct abi_registration_view *a,
				      const struct abi_registration_view *b)
{
	assert_int_equal(a->set_id, b->set_id);
	assert_int_equal(a->roles, b->roles);
	assert_true(addr_eq(&a->scscf, &b->scscf));
	assert_true(slice_eq(a->service_route, b->service_route));
	assert_int_equal(a->n_impu, b->n_impu);
	assert_int_equal(a->n_contact, b->n_contact);
	for (uint32_t i = 0; i < a->n_impu; i++) {
		assert_true(slice_eq(a->impu[i].impu, b->impu[i].impu));
		assert_int_equal(a->impu[i].flags, b->impu[i].flags);
		assert_int_equal(a->impu[i].profile, b->impu[i].profile);
	}
	for (uint32_t i = 0; i < a->n_contact; i++) {
		const struct abi_contact_view *x = &a->contact[i], *y = &b->contact[i];

		assert_true(addr_eq(&x->flow, &y->flow));
		assert_true(addr_eq(&x->local, &y->local));
		assert_true(addr_eq(&x->hop, &y->hop));
		assert_int_equal(x->sa_id, y->sa_id);
		assert_int_equal(x->expires_ms, y->expires_ms);
		assert_int_equal(x->registered_ms, y->registered_ms);
		assert_int_equal(x->q, y->q);
		assert_int_equal(x->call_id, y->call_id);
		assert_int_equal(x->cseq, y->cseq);
		assert_int_equal(x->impi, y->impi);
		assert_int_equal(x->flags, y->flags);
		assert_int_equal(x->instance, y->instance);
		assert_int_equal(x->reg_id, y->reg_id);
		assert_int_equal(x->n_feature, y->n_feature);
		assert_memory_equal(x->feature, y->feature,
				    x->n_feature * sizeof(x->feature[0]));
		assert_true(slice_eq(x->uri, y->uri));
		assert_true(slice_eq(x->path, y->path));
	}
}

static void registration_comes_back_whole(void **state)
{
	struct abi_install_view *v = view_make(), *got = calloc(1, sizeof(*got));
	uint8_t record[RING_RECORD_MAX];
	uint32_t len = abi_install_encode(v, record, sizeof(record));

	assert_true(len > 0);
	assert_null(abi_install_decode(slice_of(record, len), got));
	assert_int_equal(got->type, INSTALL_REGISTRATION);
	assert_int_equal(got->seq, 77);
	registration_assert_equal(&v->registration, &got->registration);
	/* It fits exactly, and not into one octet less. */
	assert_int_equal(abi_install_encode(v, record, len), len);
	assert_int_equal(abi_install_encode(v, record, len - 1), 0);
	assert_int_equal(abi_install_encode(v, record, 0), 0);
	free(v);
	free(got);
}

static void short_records_come_back(void **state)
{
	static const enum abi_install_type types[] = {INSTALL_DELETE, INSTALL_SYNC_BEGIN,
						      INSTALL_SYNC_END};

	for (int i = 0; i < 3; i++) {
		struct abi_install_view v = {.type = types[i], .seq = 9, .set_id = 4711}, got;
		uint8_t record[64];
		uint32_t len = abi_install_encode(&v, record, sizeof(record));

		assert_int_equal(len, 24);
		assert_null(abi_install_decode(slice_of(record, len), &got));
		assert_int_equal(got.type, types[i]);
		assert_int_equal(got.seq, 9);
		if (types[i] == INSTALL_DELETE)
			assert_int_equal(got.set_id, 4711);
		assert_non_null(abi_install_decode(slice_of(record, len + 1), &got));
	}
	struct abi_install_view unknown = {.type = INSTALL_SA_DELETE + 1};
	uint8_t record[64];
	assert_int_equal(abi_install_encode(&unknown, record, sizeof(record)), 0);
}

static void every_prefix_is_refused_without_reading_on(void **state)
{
	struct abi_install_view *v = view_make(), *got = calloc(1, sizeof(*got));
	struct guarded g = guarded_make();
	uint8_t record[RING_RECORD_MAX];
	uint32_t len = abi_install_encode(v, record, sizeof(record));

	for (uint32_t i = 0; i < len; i++) {
		const char *wrong =
			abi_install_decode(slice_of(guarded_copy(g, record, i), i), got);

		assert_non_null(wrong);
		assert_int_equal(got->seq, i < 24 ? 0 : 77);
	}
	guarded_free(g);
	free(v);
	free(got);
}

static void slice_assert_inside(struct slice s, const uint8_t *from, uint32_t len)
{
	assert_true(s.len == 0 || (s.p >= from && s.p + s.len <= from + len));
}

/* All 255 other values of each octet: refused, or decoded to slices that lie inside the record
 * and to bounds that hold. */
static void every_octet_changed_is_refused_or_sound(void **state)
{
	struct abi_install_view *v = view_make(), *got = calloc(1, sizeof(*got));
	struct guarded g = guarded_make();
	uint8_t record[RING_RECORD_MAX];
	uint32_t len = abi_install_encode(v, record, sizeof(record)), refused = 0;
	uint8_t *at = guarded_copy(g, record, len);

	for (uint32_t i = 0; i < len; i++) {
		for (int x = 1; x < 256; x++) {
			at[i] = record[i] ^ (uint8_t)x;
			if (abi_install_decode(slice_of(at, len), got)) {
				refused++;
				continue;
			}
			if (got->type != INSTALL_REGISTRATION)
				continue;
			const struct abi_registration_view *r = &got->registration;
			assert_in_range(r->n_impu, 1, SET_IMPUS_MAX);
			assert_in_range(r->n_contact, 0, SET_CONTACTS_MAX);
			for (uint32_t j = 0; j < r->n_impu; j++) {
				assert_in_range(r->impu[j].impu.len, 1, IMPU_MAX);
				slice_assert_inside(r->impu[j].impu, at, len);
			}
			for (uint32_t j = 0; j < r->n_contact; j++) {
				assert_in_range(r->contact[j].uri.len, 1, SIP_URI_MAX);
				slice_assert_inside(r->contact[j].uri, at, len);
				slice_assert_inside(r->contact[j].path, at, len);
			}
			slice_assert_inside(r->service_route, at, len);
		}
		at[i] = record[i];
	}
	assert_true(refused > len);
	guarded_free(g);
	free(v);
	free(got);
}

static const uint8_t long_text[SIP_EDIT_TEXT_MAX + 1] = {[0 ... SIP_EDIT_TEXT_MAX] = 'a'};

enum broken_rule {
	NO_IMPU,
	IMPUS_OVER,
	CONTACTS_OVER,
	EMPTY_IMPU,
	LONG_IMPU,
	IMPU_FLAG,
	NO_ROLE,
	ROLE_UNKNOWN,
	BIG_Q,
	NO_URI,
	LONG_URI,
	LONG_PATH,
	LONG_ROUTE,
	URI_CRLF,
	PATH_NUL,
	IMPU_LF,
	ROUTE_DEL,
	FLOW_FAMILY,
	LOCAL_PAD,
	HOP_JUNK,
	FLOW_PORT_ALONE,
	CONTACT_FLAG,
	FEATURES_OVER,
	FEATURE_KIND,
	PROTECTED_BY_NOTHING,
	SA_WITHOUT_FLOW,
	SA_OF_TWO_FAMILIES,
	RULES
};

/* clang-format off: a table, one rule a line */
static void rule_break(struct abi_registration_view *r, enum broken_rule rule)
{
	struct abi_contact_view *c = &r->contact[0];

	switch (rule) {
	case NO_IMPU:
		r->n_impu = 0;
		break;
	case IMPUS_OVER:
		r->n_impu = SET_IMPUS_MAX + 1;
		break;
	case CONTACTS_OVER:
		r->n_contact = SET_CONTACTS_MAX + 1;
		break;
	case EMPTY_IMPU:
		r->impu[1].impu.len = 0;
		break;
	case LONG_IMPU:
		r->impu[1].impu = slice_of(long_text, IMPU_MAX + 1);
		break;
	case IMPU_FLAG:
		r->impu[0].flags = 8;
		break;
	case NO_ROLE:
		r->roles = 0;
		break;
	case ROLE_UNKNOWN:
		r->roles = 8;
		break;
	case BIG_Q:
		c->q = 1001;
		break;
	case NO_URI:
		c->uri.len = 0;
		break;
	case LONG_URI:
		c->uri = slice_of(long_text, SIP_URI_MAX + 1);
		break;
	case LONG_PATH:
		c->path = slice_of(long_text, SIP_EDIT_TEXT_MAX + 1);
		break;
	case LONG_ROUTE:
		r->service_route = slice_of(long_text, SIP_EDIT_TEXT_MAX + 1);
		break;
	case URI_CRLF:
		c->uri = SLICE("sip:a@b\r\nVia: x");
		break;
	case PATH_NUL:
		c->path = SLICE("<sip:a\0b>");
		break;
	case IMPU_LF:
		r->impu[0].impu = SLICE("sip:a\n@b");
		break;
	case ROUTE_DEL:
		r->service_route = SLICE("<sip:\x7f>");
		break;
	case FLOW_FAMILY:
		c->flow.family = 5;
		break;
	case LOCAL_PAD:
		c->local.pad = 1;
		break;
	case HOP_JUNK:
		c->hop = (struct addr){.ip = {[9] = 1}, .family = 4};
		break;
	case FLOW_PORT_ALONE:
		c->flow = (struct addr){.port = 5060};
		break;
	case CONTACT_FLAG:
		c->flags = 16;
		break;
	case FEATURES_OVER:
		c->n_feature = FEATURES_MAX + 1;
		break;
	case FEATURE_KIND:
		r->contact[0].feature[1].kind = FEATURE_STRING + 1;
		break;
	case PROTECTED_BY_NOTHING:
		r->contact[1].flags = ABI_CONTACT_PROTECTED;
		break;
	case SA_WITHOUT_FLOW:
		r->contact[1].sa_id = 1;
		break;
	case SA_OF_TWO_FAMILIES:
		c->local = (struct addr){.ip = {0x20, 1, 0xd, 0xb8}, .port = 5060, .family = 6};
		break;
	case RULES:
		break;
	}
}

/* clang-format on */

static void profiles_come_back(void **state)
{
	static uint8_t octets[ABI_PROFILE_MAX + 1], record[RING_RECORD_MAX];
	static struct abi_install_view got;
	struct abi_install_view v = {.type = INSTALL_PROFILE, .seq = 3, .profile_id = 9};
	uint32_t len;

	memset(octets, 'x', sizeof(octets));
	v.profile = slice_of(octets, ABI_PROFILE_MAX);
	len = abi_install_encode(&v, record, sizeof(record));
	assert_true(len > ABI_PROFILE_MAX);
	assert_null(abi_install_decode(slice_of(record, len), &got));
	assert_int_equal(got.type, INSTALL_PROFILE);
	assert_int_equal(got.seq, 3);
	assert_int_equal(got.profile_id, 9);
	assert_true(slice_eq(got.profile, v.profile));
	assert_int_equal((got.profile.p - record) % 8, 0);
	/* The head alone is no profile, nor is one of no id. */
	assert_non_null(abi_install_decode(slice_of(record, 24), &got));
	memset(record + 16, 0, 8);
	assert_non_null(abi_install_decode(slice_of(record, len), &got));
	v.profile_id = 0;
	assert_int_equal(abi_install_encode(&v, record, sizeof(record)), 0);
	v.profile_id = 9;
	v.profile.len++;
	assert_int_equal(abi_install_encode(&v, record, sizeof(record)), 0);
}

static struct abi_server_view a_server(void)
{
	struct abi_server_view v = {
		.host = SLICE("as.example"),
		.port = 5070,
		.n_addr = 2,
		.addr = {{.ip = {10, 0, 0, 1}, .port = 5060, .family = 4},
			 {.ip = {0xfd, [15] = 1}, .port = 5080, .family = 6}}};

	v.server_id = abi_server_id(v.host, v.port);
	return v;
}

static void servers_come_back(void **state)
{
	static struct abi_install_view got;
	struct abi_install_view v = {.type = INSTALL_SERVER, .seq = 4, .server = a_server()};
	uint8_t record[512];
	uint32_t len = abi_install_encode(&v, record, sizeof(record));

	assert_true(len > 0);
	assert_null(abi_install_decode(slice_of(record, len), &got));
	assert_int_equal(got.type, INSTALL_SERVER);
	assert_int_equal(got.server.server_id, v.server.server_id);
	assert_int_equal(got.server.port, 5070);
	assert_int_equal(got.server.n_addr, 2);
	assert_true(addr_eq(&got.server.addr[0], &v.server.addr[0]));
	assert_true(addr_eq(&got.server.addr[1], &v.server.addr[1]));
	assert_true(slice_eq(got.server.host, v.server.host));
	for (uint32_t n = 0; n < len; n++) {
		uint8_t *shorter = malloc(n + 1);

		memcpy(shorter, record, n);
		assert_non_null(abi_install_decode(slice_of(shorter, n), &got));
		free(shorter);
	}
	record[24 + 2] = ABI_SERVER_ADDRESSES + 1;
	assert_non_null(abi_install_decode(slice_of(record, len), &got));
	v.server.n_addr = 0;
	assert_true(abi_install_encode(&v, record, sizeof(record)));
}

static void servers_of_no_use(void **state)
{
	uint8_t record[1024];
	struct abi_install_view v = {.type = INSTALL_SERVER};

	for (int i = 0; i < 6; i++) {
		struct abi_server_view *s = &v.server;

		*s = a_server();
		if (i == 0)
			s->server_id++;
		if (i == 1)
			s->host = SLICE_EMPTY;
		if (i == 2)
			s->host = SLICE("a\r\nb");
		if (i == 3)
			s->n_addr = ABI_SERVER_ADDRESSES + 1;
		if (i == 4)
			s->addr[1].port = 0;
		if (i == 5)
			s->addr[0].family = 5;
		if (i == 1 || i == 2)
			s->server_id = abi_server_id(s->host, s->port);
		assert_int_equal(abi_install_encode(&v, record, sizeof(record)), 0);
	}
}

static void server_ids(void **state)
{
	uint64_t id = abi_server_id(SLICE("as.example"), 0);

	assert_true(id == abi_server_id(SLICE("AS.Example"), 0));
	assert_true(id != abi_server_id(SLICE("as.example"), 5060));
	assert_true(id != abi_server_id(SLICE("as.exampl"), 0));
}

static struct abi_route_view a_route(void)
{
	return (struct abi_route_view){
		.to = SLICE("far.example:5070"),
		.kind = ABI_ROUTE_PROXY,
		.uri = SLICE("sip:proxy.example"),
		.expires_ms = 77,
		.n_addr = 2,
		.addr = {{.ip = {10, 0, 0, 1}, .port = 5060, .family = 4},
			 {.ip = {0xfd, [15] = 1}, .port = 5080, .family = 6}}};
}

static void routes_come_back(void **state)
{
	static struct abi_install_view got;
	struct abi_install_view v = {.type = INSTALL_ROUTE, .seq = 4, .route = a_route()};
	uint8_t record[512];
	uint32_t len = abi_install_encode(&v, record, sizeof(record));

	assert_true(len > 0);
	assert_null(abi_install_decode(slice_of(record, len), &got));
	assert_int_equal(got.type, INSTALL_ROUTE);
	assert_int_equal(got.seq, 4);
	assert_int_equal(got.route.kind, ABI_ROUTE_PROXY);
	assert_int_equal(got.route.expires_ms, 77);
	assert_int_equal(got.route.n_addr, 2);
	assert_true(addr_eq(&got.route.addr[0], &v.route.addr[0]));
	assert_true(addr_eq(&got.route.addr[1], &v.route.addr[1]));
	assert_true(slice_eq(got.route.to, v.route.to));
	assert_true(slice_eq(got.route.uri, v.route.uri));
	for (uint32_t n = 0; n < len; n++) {
		uint8_t *shorter = malloc(n + 1);

		memcpy(shorter, record, n);
		assert_non_null(abi_install_decode(slice_of(shorter, n), &got));
		free(shorter);
	}
	record[24 + 13] = ABI_ROUTE_ADDRESSES + 1;
	assert_non_null(abi_install_decode(slice_of(record, len), &got));
	v.route.n_addr = 0;
	assert_true(abi_install_encode(&v, record, sizeof(record)));
}

static void routes_of_no_use(void **state)
{
	uint8_t record[4096];
	static uint8_t octets[SIP_URI_MAX + 1];
	struct abi_install_view v = {.type = INSTALL_ROUTE};

	memset(octets, 'a', sizeof(octets));
	for (int i = 0; i < 10; i++) {
		struct abi_route_view *r = &v.route;

		*r = a_route();
		if (i == 0)
			r->to = SLICE_EMPTY;
		if (i == 1)
			r->to = SLICE("a\r\nb");
		if (i == 2)
			r->to = slice_of(octets, ABI_ROUTE_TO_MAX + 1);
		if (i == 3)
			r->kind = 0;
		if (i == 4)
			r->kind = ABI_ROUTE_PROXY + 1;
		if (i == 5)
			r->uri = SLICE_EMPTY;
		if (i == 6)
			r->uri = slice_of(octets, SIP_URI_MAX + 1);
		if (i == 7)
			r->n_addr = ABI_ROUTE_ADDRESSES + 1;
		if (i == 8)
			r->addr[1].port = 0;
		if (i == 9)
			r->uri = SLICE("sip:x\r\nVia: y");
		assert_int_equal(abi_install_encode(&v, record, sizeof(record)), 0);
	}
	v.route = a_route();
	v.route.kind = ABI_ROUTE_CALLED;
	v.route.uri = SLICE_EMPTY;
	assert_true(abi_install_encode(&v, record, sizeof(record)));
}

static void prolongations_come_back(void **state)
{
	struct abi_install_view v = {.type = INSTALL_PROLONG,
				     .seq = 4,
				     .prolong = {.set_id = 77,
						 .contact = SET_CONTACTS_MAX - 1,
						 .call_id = 5,
						 .cseq = UINT32_MAX,
						 .expires_ms = UINT64_MAX,
						 .registered_ms = 6}};
	uint8_t record[256];
	uint32_t len = abi_install_encode(&v, record, sizeof(record));
	struct abi_install_view got;

	assert_int_equal(len, 56);
	assert_null(abi_install_decode(slice_of(record, len), &got));
	assert_int_equal(got.type, INSTALL_PROLONG);
	assert_int_equal(got.prolong.set_id, 77);
	assert_int_equal(got.prolong.contact, SET_CONTACTS_MAX - 1);
	assert_int_equal(got.prolong.call_id, 5);
	assert_true(got.prolong.cseq == UINT32_MAX);
	assert_true(got.prolong.expires_ms == UINT64_MAX);
	assert_int_equal(got.prolong.registered_ms, 6);
	for (uint32_t n = 0; n < len; n++) {
		uint8_t *shorter = malloc(n + 1);

		memcpy(shorter, record, n);
		assert_non_null(abi_install_decode(slice_of(shorter, n), &got));
		free(shorter);
	}
	assert_non_null(abi_install_decode(slice_of(record, len + 1), &got));
	v.prolong.contact = SET_CONTACTS_MAX;
	assert_int_equal(abi_install_encode(&v, record, sizeof(record)), 0);
	record[24 + 28] = SET_CONTACTS_MAX;
	assert_non_null(abi_install_decode(slice_of(record, len), &got));
}

static void broken_rules_are_not_encoded(void **state)
{
	uint8_t record[RING_RECORD_MAX];

	for (int rule = 0; rule < RULES; rule++) {
		struct abi_install_view *v = view_make();

		assert_true(abi_install_encode(v, record, sizeof(record)) > 0);
		rule_break(&v->registration, rule);
		if (abi_install_encode(v, record, sizeof(record)) != 0)
			fail_msg("rule %d was broken and encoded", rule);
		free(v);
	}
}

/* The same from a hostile encoder: the octets are changed after ours has written them. */
static void broken_rules_are_not_decoded(void **state)
{
	struct abi_install_view *v = view_make(), *got = calloc(1, sizeof(*got));
	uint8_t record[RING_RECORD_MAX];
	uint32_t len = abi_install_encode(v, record, sizeof(record));
	const uint32_t impus = 24 + 28, contacts = impus + 16 + 21 + 16 + 13;
	const struct {
		uint32_t at;
		uint8_t octet;
	} lies[] = {
		{0, INSTALL_PROLONG + 1},
		{0, 0},
		{3, 1}, /* type */
		{24, 0},
		{24, 8}, /* roles */
		{25, 0},
		{25, 33},
		{25, 255}, /* identities */
		{26, 9},
		{26, 255}, /* contacts */
		{28, 255},
		{29, 1}, /* length of Service-Route */
		{32 + 18, 9},
		{32 + 19, 1}, /* S-CSCF: family, pad */
		{impus + 8, 8},
		{impus + 9, 0},
		{impus + 9, 255},
		{impus + 16, '\r'},
		{contacts + 105, 4}, /* q: 1000 + ... */
		{contacts + 106, 0},
		{contacts + 107, 8},  /* length of the URI */
		{contacts + 110, 16}, /* flags */
		{contacts + 111, 3},
		{contacts + 111, 255}, /* features */
		{contacts + 120, '\n'},
		{contacts + 120 + 24 + 12, 4}, /* kind of a feature */
	};

	assert_true(len > 0);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		uint8_t was = record[lies[i].at];

		record[lies[i].at] = lies[i].octet;
		if (!abi_install_decode(slice_of(record, len), got))
			fail_msg("lie %zu was believed", i);
		record[lies[i].at] = was;
	}
	assert_null(abi_install_decode(slice_of(record, len), got));
	free(v);
	free(got);
}

static void largest_set_fits_a_record_or_is_refused(void **state)
{
	struct abi_install_view *v = view_make(), *got = calloc(1, sizeof(*got));
	struct abi_registration_view *r = &v->registration;
	uint8_t record[RING_RECORD_MAX + 64];

	r->n_impu = SET_IMPUS_MAX;
	r->n_contact = SET_CONTACTS_MAX;
	for (int i = 0; i < SET_IMPUS_MAX; i++)
		r->impu[i].impu = slice_of(long_text, IMPU_MAX);
	for (int i = 0; i < SET_CONTACTS_MAX; i++)
		r->contact[i].uri = slice_of(long_text, SIP_URI_MAX);
	uint32_t len = abi_install_encode(v, record, sizeof(record));
	assert_in_range(len, 16000, RING_RECORD_MAX);
	assert_null(abi_install_decode(slice_of(record, len), got));
	registration_assert_equal(r, &got->registration);
	for (int i = 0; i < SET_CONTACTS_MAX; i++)
		r->contact[i].path = slice_of(long_text, SIP_URI_MAX);
	assert_int_equal(abi_install_encode(v, record, sizeof(record)), 0);
	free(v);
	free(got);
}

static struct abi_install_view sa_make(void)
{
	return (struct abi_install_view){.type = INSTALL_SA,
					 .seq = 78,
					 .sa = {.sa_id = 0x1020304050607080,
						.set_id = 0x1122334455667788,
						.ue = addr_v4(0x0a0a0a02, 6000),
						.local = addr_v4(0xc0000202, 5101),
						.port_us = 6001,
						.port_pc = 5102,
						.spi_uc = 1000001,
						.spi_us = 1000002,
						.spi_pc = 0xfffffffe,
						.spi_ps = ABI_SA_SPI_MIN,
						.nat = addr_v4(0xc6336401, 40000),
						.integrity = ABI_SA_HMAC_SHA_256_128,
						.cipher = ABI_SA_AES_CBC,
						.ck = "0123456789abcde",
						.ik = "fedcba987654321",
						.expires_ms = 987654321}};
}

static void sa_assert_equal(const struct abi_sa_view *a, const struct abi_sa_view *b)
{
	assert_int_equal(a->sa_id, b->sa_id);
	assert_int_equal(a->set_id, b->set_id);
	assert_true(addr_eq(&a->ue, &b->ue) && addr_eq(&a->local, &b->local) &&
		    addr_eq(&a->nat, &b->nat));
	assert_int_equal(a->port_us, b->port_us);
	assert_int_equal(a->port_pc, b->port_pc);
	assert_int_equal(a->spi_uc, b->spi_uc);
	assert_int_equal(a->spi_us, b->spi_us);
	assert_int_equal(a->spi_pc, b->spi_pc);
	assert_int_equal(a->spi_ps, b->spi_ps);
	assert_int_equal(a->integrity, b->integrity);
	assert_int_equal(a->cipher, b->cipher);
	assert_memory_equal(a->ck, b->ck, ABI_SA_KEY);
	assert_memory_equal(a->ik, b->ik, ABI_SA_KEY);
	assert_int_equal(a->expires_ms, b->expires_ms);
}

static void sa_comes_back_whole(void **state)
{
	struct abi_install_view v = sa_make(), got = {0},
				gone = {.type = INSTALL_SA_DELETE, .sa_id = 9};
	struct guarded g = guarded_make();
	uint8_t record[256];
	uint32_t len = abi_install_encode(&v, record, sizeof(record));

	assert_int_equal(len, 24 + 136);
	assert_null(abi_install_decode(slice_of(guarded_copy(g, record, len), len), &got));
	assert_int_equal(got.type, INSTALL_SA);
	assert_int_equal(got.seq, 78);
	sa_assert_equal(&v.sa, &got.sa);
	for (uint32_t i = 0; i < len; i++)
		assert_non_null(
			abi_install_decode(slice_of(guarded_copy(g, record, i), i), &got));
	assert_non_null(abi_install_decode(slice_of(record, len + 1), &got));
	assert_int_equal(abi_install_encode(&v, record, len - 1), 0);
	/* It may not be known yet which registration it will serve, nor be a NAT between. */
	v.sa.set_id = 0;
	v.sa.nat = (struct addr){0};
	assert_int_equal(abi_install_encode(&v, record, sizeof(record)), len);
	assert_null(abi_install_decode(slice_of(record, len), &got));
	sa_assert_equal(&v.sa, &got.sa);
	assert_int_equal(abi_install_encode(&gone, record, sizeof(record)), 24);
	assert_null(abi_install_decode(slice_of(record, 24), &got));
	assert_int_equal(got.type, INSTALL_SA_DELETE);
	assert_int_equal(got.sa_id, 9);
	guarded_free(g);
}

/* clang-format off: a table, one rule a line */
static bool sa_break(struct abi_sa_view *s, int rule)
{
	switch (rule) {
	case 0:
		s->sa_id = 0;
		break;
	case 1:
		s->ue = (struct addr){0};
		break;
	case 2:
		s->ue.port = 0;
		break;
	case 3:
		s->ue.pad = 1;
		break;
	case 4:
		s->local.family = 6;
		break;
	case 5:
		s->local.port = 0;
		break;
	case 6:
		s->nat.family = 6;
		break;
	case 7:
		s->nat.port = 0;
		break;
	case 8:
		s->nat.family = 0;
		break; /* octets without a family */
	case 9:
		s->port_us = 0;
		break;
	case 10:
		s->port_us = s->ue.port;
		break;
	case 11:
		s->port_pc = 0;
		break;
	case 12:
		s->port_pc = s->local.port;
		break;
	case 13:
		s->spi_uc = 0;
		break;
	case 14:
		s->spi_us = s->spi_uc;
		break;
	case 15:
		s->spi_pc = s->spi_ps;
		break;
	case 16:
		s->spi_ps = ABI_SA_SPI_MIN - 1;
		break;
	case 17:
		s->spi_us = 1;
		break;
	case 18:
		s->spi_pc = 255;
		break;
	case 19:
		s->integrity = ABI_SA_INTEGRITY_MAX;
		break;
	case 20:
		s->cipher = ABI_SA_CIPHER_MAX;
		break;
	case 21:
		s->integrity = ABI_SA_INTEGRITY_NONE;
		break;
	case 22:
		s->cipher = ABI_SA_AES_GCM;
		break;
	case 23:
		s->integrity = ABI_SA_AES_GMAC;
		break;
	default:
		return false;
	}
	return true;
}
/* clang-format on */

static void broken_sa_is_refused(void **state)
{
	uint8_t record[256];
	int rule = 0;

	for (struct abi_install_view v = sa_make(); sa_break(&v.sa, rule);
	     v = sa_make(), rule++)
		if (abi_install_encode(&v, record, sizeof(record)) != 0)
			fail_msg("rule %d was broken and encoded", rule);
	assert_int_equal(rule, 24);
}

/* All other values of each octet: refused, or decoded to what the encoder would take again. */
static void changed_sa_is_refused_or_sound(void **state)
{
	struct abi_install_view v = sa_make(), got;
	uint8_t record[256], again[256];
	uint32_t len = abi_install_encode(&v, record, sizeof(record)), refused = 0;

	for (uint32_t i = 4; i < len; i++) {
		uint8_t was = record[i];

		for (int x = 1; x < 256; x++) {
			record[i] = was ^ (uint8_t)x;
			if (abi_install_decode(slice_of(record, len), &got))
				refused++;
			else
				assert_int_equal(abi_install_encode(&got, again, sizeof(again)),
						 len);
		}
		record[i] = was;
	}
	assert_true(refused > 255);
}

static struct abi_punt *punt_make(uint32_t len)
{
	struct abi_punt *p = calloc(1, sizeof(*p) + len);

	*p = (struct abi_punt){.reason = PUNT_REGISTER,
			       .worker = 3,
			       .len = len,
			       .src = addr_v4(0xc0000201, 1),
			       .dst = addr_v4(0xc0000202, 2)};
	return p;
}

static void punt_is_checked(void **state)
{
	struct abi_punt *p = punt_make(100);
	const uint32_t len = sizeof(*p) + 100;

	assert_null(abi_punt_check(p, len));
	assert_non_null(abi_punt_check(p, len - 1));
	assert_non_null(abi_punt_check(p, sizeof(*p) - 1));
	assert_non_null(abi_punt_check(p, 0));
	p->len = 0;
	assert_non_null(abi_punt_check(p, sizeof(*p)));
	p->len = UINT32_MAX - 10;
	assert_non_null(abi_punt_check(p, len));
	p->len = SIP_MESSAGE_MAX + 1;
	assert_non_null(abi_punt_check(p, sizeof(*p) + SIP_MESSAGE_MAX + 1));
	p->len = 100;
	p->reason = 0;
	assert_non_null(abi_punt_check(p, len));
	p->reason = PUNT_SA_USED + 1;
	assert_non_null(abi_punt_check(p, len));
	p->reason = PUNT_SA_USED; /* of none */
	assert_non_null(abi_punt_check(p, len));
	p->sa_id = 1;
	assert_null(abi_punt_check(p, len));
	p->reason = PUNT_REFRESHED; /* and grants nothing */
	assert_non_null(abi_punt_check(p, len));
	p->expires = 600;
	assert_null(abi_punt_check(p, len));
	p->reason = PUNT_REGISTER; /* and grants something */
	assert_non_null(abi_punt_check(p, len));
	p->expires = 0;
	p->reason = PUNT_REQUEST;
	p->worker = WORKERS_MAX;
	assert_non_null(abi_punt_check(p, len));
	p->worker = 0;
	p->src.family = 0;
	assert_non_null(abi_punt_check(p, len));
	p->src.family = 6;
	assert_null(abi_punt_check(p, len));
	p->dst.ip[15] = 1;
	assert_non_null(abi_punt_check(p, len));
	free(p);
}

static struct abi_inject *inject_make(enum abi_inject_type type, uint32_t len, uint16_t route)
{
	struct abi_inject *i = calloc(1, sizeof(*i) + len + route);

	*i = (struct abi_inject){.type = (uint8_t)type,
				 .len = len,
				 .route_len = route,
				 .src = addr_v4(0xc0000201, 1),
				 .dst = addr_v4(0xc0000202, 2)};
	return i;
}

static void inject_send_is_checked(void **state)
{
	struct abi_inject *i = inject_make(INJECT_SEND, 50, 0);
	const uint32_t len = sizeof(*i) + 50;

	assert_null(abi_inject_check(i, len));
	assert_non_null(abi_inject_check(i, len + 1));
	assert_non_null(abi_inject_check(i, sizeof(*i) - 1));
	i->src = (struct addr){0};
	assert_null(abi_inject_check(i, len));
	i->src.family = 6;
	assert_non_null(abi_inject_check(i, len));
	i->src.family = 4;
	i->dst.family = 0;
	assert_non_null(abi_inject_check(i, len));
	i->dst.family = 4;
	i->len = UINT32_MAX;
	i->route_len = 51;
	/* Their sum wraps round to 50. */
	assert_non_null(abi_inject_check(i, len));
	i->len = 50;
	i->route_len = 0;
	assert_null(abi_inject_check(i, len));
	i->type = 3;
	assert_non_null(abi_inject_check(i, len));
	i->type = 0;
	assert_non_null(abi_inject_check(i, len));
	free(i);
}

static void inject_resume_is_checked(void **state)
{
	struct abi_inject *i = inject_make(INJECT_RESUME, 50, 20);
	const uint32_t len = sizeof(*i) + 70;

	assert_non_null(abi_inject_check(i, len));
	i->locate = LOCATE_LOCAL;
	assert_null(abi_inject_check(i, len));
	i->locate = LOCATE_SCSCF;
	assert_non_null(abi_inject_check(i, len));
	i->hop = addr_v4(0xc0000203, 5060);
	assert_null(abi_inject_check(i, len));
	i->route_len = 0;
	i->len = 70;
	assert_non_null(abi_inject_check(i, len));
	i->locate = LOCATE_REJECT;
	assert_non_null(abi_inject_check(i, len));
	i->status = 299;
	assert_non_null(abi_inject_check(i, len));
	i->status = 300;
	assert_null(abi_inject_check(i, len));
	i->status = 699;
	assert_null(abi_inject_check(i, len));
	i->status = 700;
	assert_non_null(abi_inject_check(i, len));
	i->status = 404;
	i->locate = LOCATE_REJECT + 1;
	assert_non_null(abi_inject_check(i, len));
	i->locate = LOCATE_REJECT;
	i->src.family = 0;
	assert_non_null(abi_inject_check(i, len));
	free(i);
}

static void capture_is_checked(void **state)
{
	struct abi_capture *c = calloc(1, sizeof(*c) + 30);
	const uint32_t len = sizeof(*c) + 30;

	*c = (struct abi_capture){
		.len = 30, .worker = 1, .src = addr_v4(1, 1), .dst = addr_v4(2, 2)};
	assert_null(abi_capture_check(c, len));
	assert_non_null(abi_capture_check(c, len - 1));
	c->src = (struct addr){0};
	assert_non_null(abi_capture_check(c, len));
	c->out = 1;
	assert_null(abi_capture_check(c, len));
	c->out = 2;
	assert_non_null(abi_capture_check(c, len));
	c->out = 1;
	c->worker = UINT16_MAX;
	assert_non_null(abi_capture_check(c, len));
	c->worker = 1;
	c->dst.family = 7;
	assert_non_null(abi_capture_check(c, len));
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registration_comes_back_whole),
		cmocka_unit_test(short_records_come_back),
		cmocka_unit_test(every_prefix_is_refused_without_reading_on),
		cmocka_unit_test(every_octet_changed_is_refused_or_sound),
		cmocka_unit_test(profiles_come_back),
		cmocka_unit_test(servers_come_back),
		cmocka_unit_test(servers_of_no_use),
		cmocka_unit_test(server_ids),
		cmocka_unit_test(routes_come_back),
		cmocka_unit_test(routes_of_no_use),
		cmocka_unit_test(prolongations_come_back),
		cmocka_unit_test(broken_rules_are_not_encoded),
		cmocka_unit_test(broken_rules_are_not_decoded),
		cmocka_unit_test(largest_set_fits_a_record_or_is_refused),
		cmocka_unit_test(sa_comes_back_whole),
		cmocka_unit_test(broken_sa_is_refused),
		cmocka_unit_test(changed_sa_is_refused_or_sound),
		cmocka_unit_test(punt_is_checked),
		cmocka_unit_test(inject_send_is_checked),
		cmocka_unit_test(inject_resume_is_checked),
		cmocka_unit_test(capture_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
