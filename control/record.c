/* record.c - a registration set, what a refresh prolongs of it, a set of security associations,
 * a subscription, or what an AS is owed, as octets on disk */
#include "control/record.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/hash.h"
#include "control/install.h"
#include "ifc/ifc.h"

enum {
	RECORD_VERSION = 2,
	RECORD_OLDEST = 1, /* one private identity to a set; no security associations, no
			      charging addresses */
	SA_VERSION = 1,
	SUBSCRIPTION_VERSION = 1,
	PROLONGED_VERSION = 1,
	PROLONGED_MAX = 64,
	OWED_VERSION = 1,
	CHECKSUM = 8,
	FIXED_MAX = 256, /* octets of a set or of a contact without its texts */
	TEXT_MAX = 1 << 20,
};

/* No secrets: one guards against decay, not against people, and the other tells contacts of one
 * user apart. */
static const struct hash_key checksum_key = {0x73616b6572, 0x7265636f7264};
static const struct hash_key contact_key = {0x73616b6572, 0x636f6e74616374};

static uint32_t text_octets(const char *s)
{
	return 4 + (s ? (uint32_t)strlen(s) : 0);
}

static uint32_t record_bound(const struct registration_set *s)
{
	uint32_t n = FIXED_MAX + CHECKSUM + text_octets(s->impi) +
		     text_octets(s->service_route) + text_octets(s->user_data) +
		     text_octets(s->charging);

	for (uint32_t i = 0; i < s->n_impu; i++)
		n += 1 + text_octets(s->impu[i]) + text_octets(s->impu_uri[i]);
	for (uint32_t i = 0; i < s->n_contact; i++) {
		const struct registration_contact *c = &s->contact[i];

		n += FIXED_MAX + text_octets(c->uri) + text_octets(c->path) +
		     text_octets(c->instance) + text_octets(c->call_id) +
		     text_octets(c->params) + text_octets(c->impi);
	}
	return n;
}

static void put_number(struct text *t, uint64_t v, unsigned octets)
{
	for (unsigned i = 0; i < octets; i++)
		text_char(t, (uint8_t)(v >> 8 * i));
}

static void put_slice(struct text *t, struct slice s)
{
	put_number(t, s.len, 4);
	text_put(t, s);
}

static void put_text(struct text *t, const char *s)
{
	put_slice(t, s ? slice_str(s) : SLICE_EMPTY);
}

static void put_addr(struct text *t, const struct addr *a)
{
	text_put(t, slice_of(a->ip, sizeof(a->ip)));
	put_number(t, a->port, 2);
	put_number(t, a->family, 1);
}

static void put_contact(struct text *t, const struct registration_contact *c)
{
	put_addr(t, &c->flow);
	put_addr(t, &c->local);
	put_addr(t, &c->hop);
	put_number(t, c->expires_wall_ms, 8);
	put_number(t, c->registered_wall_ms, 8);
	put_number(t, c->q, 2);
	put_number(t, c->reg_id, 4);
	put_number(t, c->emergency, 1);
	put_number(t, c->cseq, 4);
	put_text(t, c->uri);
	put_text(t, c->path);
	put_text(t, c->instance);
	put_text(t, c->call_id);
	put_text(t, c->params);
	put_text(t, c->impi);
	put_number(t, c->sa_id, 8);
}

static void put_checksum(struct text *t)
{
	put_number(t, hash_table(&checksum_key, t->p, t->len), CHECKSUM);
}

uint8_t *record_encode(const struct registration_set *s, uint32_t *len)
{
	uint32_t bound = record_bound(s);
	uint8_t *memory = malloc(bound);
	struct text t = text_in(memory, bound);

	if (!memory)
		return NULL;
	put_number(&t, RECORD_VERSION, 1);
	put_number(&t, s->id, 8);
	put_number(&t, s->roles, 1);
	put_addr(&t, &s->scscf);
	put_text(&t, s->impi);
	put_text(&t, s->service_route);
	put_text(&t, s->user_data);
	put_text(&t, s->charging);
	put_number(&t, s->n_impu, 1);
	for (uint32_t i = 0; i < s->n_impu; i++) {
		put_number(&t, s->impu_flags[i], 1);
		put_text(&t, s->impu[i]);
		put_text(&t, s->impu_uri[i]);
	}
	put_number(&t, s->n_contact, 1);
	for (uint32_t i = 0; i < s->n_contact; i++)
		put_contact(&t, &s->contact[i]);
	put_checksum(&t);
	*len = t.len;
	return memory;
}

/* What is left to read; `bad` once something did not fit, and everything after that is zero. */
struct reader {
	struct slice s;
	bool bad;
};

static struct slice get(struct reader *r, uint32_t octets)
{
	struct slice s = slice_sub(r->s, 0, octets);

	if (r->bad || s.len != octets) {
		r->bad = true;
		return SLICE_EMPTY;
	}
	r->s = slice_from(r->s, octets);
	return s;
}

static uint64_t get_number(struct reader *r, unsigned octets)
{
	struct slice s = get(r, octets);
	uint64_t v = 0;

	for (uint32_t i = s.len; i > 0; i--)
		v = v << 8 | s.p[i - 1];
	return v;
}

static char *get_text(struct reader *r)
{
	uint32_t len = (uint32_t)get_number(r, 4);
	struct slice s = len <= TEXT_MAX ? get(r, len) : SLICE_EMPTY;
	char *text;

	if (s.len != len || slice_find(s, 0) != len)
		r->bad = true;
	if (r->bad || !(text = malloc(len + 1))) {
		r->bad = true;
		return NULL;
	}
	if (len)
		memcpy(text, s.p, len);
	text[len] = 0;
	return text;
}

static struct slice get_slice(struct reader *r)
{
	return get(r, (uint32_t)get_number(r, 4));
}

static struct addr get_addr(struct reader *r)
{
	struct addr a = {0};
	struct slice ip = get(r, sizeof(a.ip));

	if (ip.len)
		memcpy(a.ip, ip.p, sizeof(a.ip));
	a.port = (uint16_t)get_number(r, 2);
	a.family = (uint8_t)get_number(r, 1);
	if (a.family != 0 && a.family != 4 && a.family != 6)
		r->bad = true;
	return a;
}

static char *text_of(struct reader *r, const char *s)
{
	char *text = s ? strdup(s) : NULL;

	if (!text)
		r->bad = true;
	return text;
}

/* Version 1 knew one private identity to a set, impi, and no emergency registrations. */
static void get_contact(struct reader *r, struct registration_contact *c, uint8_t version,
			const char *impi)
{
	c->flow = get_addr(r);
	c->local = get_addr(r);
	c->hop = get_addr(r);
	c->expires_wall_ms = get_number(r, 8);
	c->registered_wall_ms = get_number(r, 8);
	c->q = (uint16_t)get_number(r, 2);
	c->reg_id = (uint32_t)get_number(r, 4);
	c->emergency = version > 1 && get_number(r, 1);
	c->cseq = (uint32_t)get_number(r, 4);
	c->uri = get_text(r);
	c->path = get_text(r);
	c->instance = get_text(r);
	c->call_id = get_text(r);
	c->params = get_text(r);
	c->impi = version > 1 ? get_text(r) : text_of(r, impi);
	if (version > 1)
		c->sa_id = get_number(r, 8);
}

static uint32_t get_count(struct reader *r, uint32_t most)
{
	uint32_t n = (uint32_t)get_number(r, 1);

	if (n > most)
		r->bad = true;
	return r->bad ? 0 : n;
}

static void get_set(struct reader *r, struct registration_set *s, uint8_t version)
{
	s->id = get_number(r, 8);
	s->roles = (uint8_t)get_number(r, 1);
	s->scscf = get_addr(r);
	s->impi = get_text(r);
	s->service_route = get_text(r);
	s->user_data = get_text(r);
	if (version > RECORD_OLDEST)
		s->charging = get_text(r);
	s->n_impu = get_count(r, SET_IMPUS_MAX);
	for (uint32_t i = 0; i < s->n_impu; i++) {
		s->impu_flags[i] = (uint8_t)get_number(r, 1);
		s->impu[i] = get_text(r);
		s->impu_uri[i] = get_text(r);
		if (s->impu[i] && s->impu[i][0] == 0)
			r->bad = true;
	}
	s->n_contact = get_count(r, SET_CONTACTS_MAX);
	if (!registration_room(s, s->n_contact)) {
		s->n_contact = 0;
		r->bad = true;
	}
	for (uint32_t i = 0; i < s->n_contact; i++)
		get_contact(r, &s->contact[i], version, s->impi);
	if (s->n_impu == 0 || r->s.len != 0)
		r->bad = true;
}

/* What lies between version and checksum. False: another version, or it rotted. */
static bool reader_open(struct reader *r, struct slice record, uint8_t oldest, uint8_t newest)
{
	struct reader sum;

	if (record.len < 1 + CHECKSUM || record.p[0] < oldest || record.p[0] > newest)
		return false;
	sum = (struct reader){slice_from(record, record.len - CHECKSUM), false};
	*r = (struct reader){slice_sub(record, 1, record.len - CHECKSUM - 1), false};
	return get_number(&sum, CHECKSUM) ==
	       hash_table(&checksum_key, record.p, record.len - CHECKSUM);
}

struct registration_set *record_decode(struct slice record)
{
	struct registration_set *s;
	struct reader r;

	if (!reader_open(&r, record, RECORD_OLDEST, RECORD_VERSION))
		return NULL;
	s = registration_set_new();
	if (!s)
		return NULL;
	get_set(&r, s, record.p[0]);
	if (!r.bad)
		return s;
	registration_set_free(s);
	return NULL;
}

static void put_pair(struct text *t, const struct sec_pair *p)
{
	put_number(t, p->integrity, 1);
	put_number(t, p->cipher, 1);
}

static void put_sa(struct text *t, const struct sa *sa)
{
	put_number(t, sa->id, 8);
	put_number(t, sa->set_id, 8);
	put_number(t, sa->old_id, 8);
	put_number(t, sa->created_wall_ms, 8);
	put_number(t, sa->due_wall_ms, 8);
	put_addr(t, &sa->ue);
	put_addr(t, &sa->local);
	put_addr(t, &sa->nat);
	put_number(t, sa->port_us, 2);
	put_number(t, sa->port_pc, 2);
	put_number(t, sa->spi_uc, 4);
	put_number(t, sa->spi_us, 4);
	put_number(t, sa->spi_pc, 4);
	put_number(t, sa->spi_ps, 4);
	put_pair(t, &sa->pair);
	put_number(t, sa->offered.n, 1);
	for (uint32_t i = 0; i < sa->offered.n; i++)
		put_pair(t, &sa->offered.pair[i]);
	text_put(t, slice_of(sa->ck, sizeof(sa->ck)));
	text_put(t, slice_of(sa->ik, sizeof(sa->ik)));
	put_text(t, sa->impi);
	put_text(t, sa->impu);
}

uint8_t *record_sa_encode(const struct sa *sa, uint32_t *len)
{
	uint32_t bound = FIXED_MAX + CHECKSUM + text_octets(sa->impi) + text_octets(sa->impu);
	uint8_t *memory = malloc(bound);
	struct text t = text_in(memory, bound);

	if (!memory)
		return NULL;
	put_number(&t, SA_VERSION, 1);
	put_sa(&t, sa);
	put_checksum(&t);
	*len = t.len;
	return memory;
}

static struct sec_pair get_pair(struct reader *r)
{
	struct sec_pair p;

	p.integrity = (uint8_t)get_number(r, 1);
	p.cipher = (uint8_t)get_number(r, 1);
	if (p.integrity >= ABI_SA_INTEGRITY_MAX || p.cipher >= ABI_SA_CIPHER_MAX)
		r->bad = true;
	return p;
}

static void get_key(struct reader *r, uint8_t key[ABI_SA_KEY])
{
	struct slice s = get(r, ABI_SA_KEY);

	if (s.len)
		memcpy(key, s.p, ABI_SA_KEY);
}

static void get_sa(struct reader *r, struct sa *sa)
{
	sa->state = SA_ACTIVE;
	sa->used = true;
	sa->id = get_number(r, 8);
	sa->set_id = get_number(r, 8);
	sa->old_id = get_number(r, 8);
	sa->created_wall_ms = get_number(r, 8);
	sa->due_wall_ms = get_number(r, 8);
	sa->ue = get_addr(r);
	sa->local = get_addr(r);
	sa->nat = get_addr(r);
	sa->port_us = (uint16_t)get_number(r, 2);
	sa->port_pc = (uint16_t)get_number(r, 2);
	sa->spi_uc = (uint32_t)get_number(r, 4);
	sa->spi_us = (uint32_t)get_number(r, 4);
	sa->spi_pc = (uint32_t)get_number(r, 4);
	sa->spi_ps = (uint32_t)get_number(r, 4);
	sa->pair = get_pair(r);
	sa->offered.n = get_count(r, SEC_PAIRS_MAX);
	for (uint32_t i = 0; i < sa->offered.n; i++)
		sa->offered.pair[i] = get_pair(r);
	get_key(r, sa->ck);
	get_key(r, sa->ik);
	sa->impi = get_text(r);
	sa->impu = get_text(r);
	if (sa->set_id == 0 || r->s.len != 0)
		r->bad = true;
}

/* What the data plane would refuse is of no use. */
static bool sa_is_sound(const struct sa *sa)
{
	struct abi_install_view v = {.type = INSTALL_SA};
	uint8_t record[256];
	bool sound;

	install_sa_view(sa, &v.sa);
	sound = abi_install_encode(&v, record, sizeof(record)) != 0;
	OPENSSL_cleanse(record, sizeof(record));
	OPENSSL_cleanse(&v.sa, sizeof(v.sa));
	return sound;
}

struct sa *record_sa_decode(struct slice record)
{
	struct reader r;
	struct sa *sa;

	if (!reader_open(&r, record, SA_VERSION, SA_VERSION))
		return NULL;
	sa = sa_new();
	if (!sa)
		return NULL;
	get_sa(&r, sa);
	if (!r.bad && sa_is_sound(sa))
		return sa;
	sa_free(sa);
	return NULL;
}

uint64_t record_contact(const struct registration_contact *c)
{
	uint64_t pair[2] = {hash_table(&contact_key, c->uri, (uint32_t)strlen(c->uri)),
			    hash_table(&contact_key, c->call_id, (uint32_t)strlen(c->call_id))};

	return hash_table(&contact_key, pair, sizeof(pair));
}

uint8_t *record_prolonged_encode(const struct record_prolonged *p, uint32_t *len)
{
	uint8_t *memory = malloc(PROLONGED_MAX);
	struct text t = text_in(memory, PROLONGED_MAX);

	if (!memory)
		return NULL;
	put_number(&t, PROLONGED_VERSION, 1);
	put_number(&t, p->set_id, 8);
	put_number(&t, p->contact, 8);
	put_number(&t, p->cseq, 4);
	put_number(&t, p->expires_wall_ms, 8);
	put_number(&t, p->registered_wall_ms, 8);
	put_checksum(&t);
	*len = t.len;
	return memory;
}

bool record_prolonged_decode(struct slice record, struct record_prolonged *out)
{
	struct reader r;

	if (!reader_open(&r, record, PROLONGED_VERSION, PROLONGED_VERSION))
		return false;
	out->set_id = get_number(&r, 8);
	out->contact = get_number(&r, 8);
	out->cseq = (uint32_t)get_number(&r, 4);
	out->expires_wall_ms = get_number(&r, 8);
	out->registered_wall_ms = get_number(&r, 8);
	return !r.bad && r.s.len == 0;
}

uint8_t *record_subscription_encode(const struct record_subscription *s, uint32_t *len)
{
	uint32_t bound = FIXED_MAX + CHECKSUM + s->user.len + s->call_id.len + s->remote.len +
			 s->local.len + s->target.len + s->event.len + s->route.len;
	uint8_t *memory = malloc(bound);
	struct text t = text_in(memory, bound);

	if (!memory)
		return NULL;
	put_number(&t, SUBSCRIPTION_VERSION, 1);
	put_number(&t, s->number, 8);
	put_number(&t, s->set_id, 8);
	put_number(&t, s->sa_id, 8);
	put_number(&t, s->begun_wall_ms, 8);
	put_number(&t, s->expires_wall_ms, 8);
	put_number(&t, s->remote_cseq, 4);
	put_addr(&t, &s->hop);
	put_slice(&t, s->user);
	put_slice(&t, s->call_id);
	put_slice(&t, s->remote);
	put_slice(&t, s->local);
	put_slice(&t, s->target);
	put_slice(&t, s->event);
	put_slice(&t, s->route);
	put_checksum(&t);
	*len = t.len;
	return memory;
}

bool record_subscription_decode(struct slice record, struct record_subscription *out)
{
	struct reader r;

	if (!reader_open(&r, record, SUBSCRIPTION_VERSION, SUBSCRIPTION_VERSION))
		return false;
	out->number = get_number(&r, 8);
	out->set_id = get_number(&r, 8);
	out->sa_id = get_number(&r, 8);
	out->begun_wall_ms = get_number(&r, 8);
	out->expires_wall_ms = get_number(&r, 8);
	out->remote_cseq = (uint32_t)get_number(&r, 4);
	out->hop = get_addr(&r);
	out->user = get_slice(&r);
	out->call_id = get_slice(&r);
	out->remote = get_slice(&r);
	out->local = get_slice(&r);
	out->target = get_slice(&r);
	out->event = get_slice(&r);
	out->route = get_slice(&r);
	return !r.bad && r.s.len == 0 && out->hop.family != 0;
}

uint8_t *record_owed_encode(const struct record_owed *o, uint32_t *len)
{
	uint32_t bound = FIXED_MAX + CHECKSUM + o->impu.len + o->to.len + o->server.len +
			 o->headers.len + o->type.len + o->body.len;
	uint8_t *memory = malloc(bound);
	struct text t = text_in(memory, bound);

	if (!memory)
		return NULL;
	put_number(&t, OWED_VERSION, 1);
	put_number(&t, o->key, 8);
	put_number(&t, o->set_id, 8);
	put_number(&t, o->serial, 8);
	put_number(&t, o->since_wall_ms, 8);
	put_number(&t, o->expires_wall_ms, 8);
	put_number(&t, o->kind, 1);
	put_number(&t, o->terminate, 1);
	put_slice(&t, o->impu);
	put_slice(&t, o->to);
	put_slice(&t, o->server);
	put_slice(&t, o->headers);
	put_slice(&t, o->type);
	put_slice(&t, o->body);
	put_checksum(&t);
	*len = t.len;
	return memory;
}

bool record_owed_decode(struct slice record, struct record_owed *out)
{
	struct reader r;

	if (!reader_open(&r, record, OWED_VERSION, OWED_VERSION))
		return false;
	out->key = get_number(&r, 8);
	out->set_id = get_number(&r, 8);
	out->serial = get_number(&r, 8);
	out->since_wall_ms = get_number(&r, 8);
	out->expires_wall_ms = get_number(&r, 8);
	out->kind = (uint8_t)get_number(&r, 1);
	out->terminate = get_number(&r, 1);
	out->impu = get_slice(&r);
	out->to = get_slice(&r);
	out->server = get_slice(&r);
	out->headers = get_slice(&r);
	out->type = get_slice(&r);
	out->body = get_slice(&r);
	return !r.bad && r.s.len == 0 && out->server.len && out->impu.len &&
	       (out->kind == IFC_REGISTER_INITIAL || out->kind == IFC_REGISTER_AGAIN ||
		out->kind == IFC_REGISTER_END);
}
