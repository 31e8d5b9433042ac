/* restoration.c - what an S-CSCF wants back should it lose its state, as the store keeps it */
#include "hss/restoration.h"

#include "base/text.h"

enum {
	VERSION = 1,
	AVP_OCTETS = 16, /* header with vendor, and padding */
	AVPS_OF_CONTACT = 5,
};

static void put_number(struct text *t, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		text_char(t, (uint8_t)(v >> 8 * i));
}

static void put_slice(struct text *t, struct slice s)
{
	put_number(t, s.len);
	text_put(t, s);
}

struct slice restoration_encode(const struct cx_restoration *r,
				uint8_t memory[STORE_RESTORATION_MAX])
{
	struct text t = text_in(memory, STORE_RESTORATION_MAX);
	uint32_t whole;

	text_char(&t, VERSION);
	put_slice(&t, r->impi);
	whole = t.len;
	for (uint32_t i = 0; i < r->n && !t.overflow; i++) {
		const struct cx_restored *c = &r->contact[i];

		put_slice(&t, c->path);
		put_slice(&t, c->contact);
		put_slice(&t, c->call_id);
		put_number(&t, c->cseq);
		if (!t.overflow)
			whole = t.len;
	}
	return slice_of(memory, whole);
}

struct reader {
	struct slice rest;
	bool bad;
};

static uint32_t get_number(struct reader *r)
{
	struct slice s = slice_sub(r->rest, 0, 4);
	uint32_t v = 0;

	if (s.len < 4) {
		r->bad = true;
		return 0;
	}
	for (int i = 3; i >= 0; i--)
		v = v << 8 | s.p[i];
	r->rest = slice_from(r->rest, 4);
	return v;
}

static struct slice get_slice(struct reader *r)
{
	uint32_t len = get_number(r);
	struct slice s = slice_sub(r->rest, 0, len);

	if (r->bad || s.len != len) {
		r->bad = true;
		return SLICE_EMPTY;
	}
	r->rest = slice_from(r->rest, len);
	return s;
}

bool restoration_decode(struct slice info, struct cx_restoration *out)
{
	struct reader r = {slice_from(info, 1), false};

	memset(out, 0, sizeof(*out));
	if (info.len == 0 || info.p[0] != VERSION)
		return false;
	out->impi = get_slice(&r);
	while (!r.bad && r.rest.len && out->n < CX_RESTORED_MAX) {
		struct cx_restored *c = &out->contact[out->n];

		c->path = get_slice(&r);
		c->contact = get_slice(&r);
		c->call_id = get_slice(&r);
		c->cseq = get_number(&r);
		out->n += !r.bad;
	}
	return !r.bad && r.rest.len == 0 && out->impi.len && out->n;
}

uint32_t restoration_octets(const struct cx_restoration *r)
{
	uint32_t n = 2 * AVP_OCTETS + r->impi.len;

	for (uint32_t i = 0; i < r->n; i++)
		n += AVPS_OF_CONTACT * AVP_OCTETS + r->contact[i].path.len +
		     r->contact[i].contact.len + r->contact[i].call_id.len;
	return n;
}
