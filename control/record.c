/* record.c - a registration set as octets on disk */
#include "control/record.h"

#include <stdlib.h>

#include "base/hash.h"

enum {
	RECORD_VERSION = 3,
	RECORD_CHARGING = 3, /* the first version with charging addresses */
	CHECKSUM = 8,
	FIXED_MAX = 256, /* octets of a set or of a contact without its texts */
	TEXT_MAX = 1 << 20,
};

/* Not a secret: it guards against decay, not against people. */
static const struct hash_key checksum_key = {0x73616b6572, 0x7265636f7264};

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
		     text_octets(c->params);
	}
	return n;
}

static void put_number(struct text *t, uint64_t v, unsigned octets)
{
	for (unsigned i = 0; i < octets; i++)
		text_char(t, (uint8_t)(v >> 8 * i));
}

static void put_text(struct text *t, const char *s)
{
	struct slice text = s ? slice_str(s) : SLICE_EMPTY;

	put_number(t, text.len, 4);
	text_put(t, text);
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
	put_number(t, c->cseq, 4);
	put_text(t, c->uri);
	put_text(t, c->path);
	put_text(t, c->instance);
	put_text(t, c->call_id);
	put_text(t, c->params);
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
	put_number(&t, hash_table(&checksum_key, t.p, t.len), CHECKSUM);
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

static void get_contact(struct reader *r, struct registration_contact *c)
{
	c->flow = get_addr(r);
	c->local = get_addr(r);
	c->hop = get_addr(r);
	c->expires_wall_ms = get_number(r, 8);
	c->registered_wall_ms = get_number(r, 8);
	c->q = (uint16_t)get_number(r, 2);
	c->reg_id = (uint32_t)get_number(r, 4);
	c->cseq = (uint32_t)get_number(r, 4);
	c->uri = get_text(r);
	c->path = get_text(r);
	c->instance = get_text(r);
	c->call_id = get_text(r);
	c->params = get_text(r);
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
	if (version >= RECORD_CHARGING)
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
	for (uint32_t i = 0; i < s->n_contact; i++)
		get_contact(r, &s->contact[i]);
	if (s->n_impu == 0 || r->s.len != 0)
		r->bad = true;
}

struct registration_set *record_decode(struct slice record)
{
	struct reader sum, r;
	struct registration_set *s;

	if (record.len < 1 + CHECKSUM || record.p[0] == 0 || record.p[0] > RECORD_VERSION)
		return NULL;
	sum.s = slice_from(record, record.len - CHECKSUM);
	sum.bad = false;
	if (get_number(&sum, CHECKSUM) !=
	    hash_table(&checksum_key, record.p, record.len - CHECKSUM))
		return NULL;
	s = registration_set_new();
	if (!s)
		return NULL;
	r = (struct reader){slice_sub(record, 1, record.len - CHECKSUM - 1), false};
	get_set(&r, s, record.p[0]);
	if (!r.bad)
		return s;
	registration_set_free(s);
	return NULL;
}
