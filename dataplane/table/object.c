/* object.c - writing down a registration in one piece of memory */
#include "table/object.h"
#include "table/index.h"
#include "table/pool.h"

_Static_assert(POOL_OBJECT_MAX <= UINT16_MAX, "offsets inside a registration have 16 bits");
_Static_assert(POOL_OBJECT_MAX % INDEX_LINE == 0, "rounding up to lines stays within it");
_Static_assert(sizeof(struct registration) + 2 * sizeof(struct reg_impu) +
			       offsetof(struct reg_contact, uri) <=
		       2 * INDEX_LINE,
	       "what a dialog's requests need is on two lines");
_Static_assert(sizeof(struct registration) % _Alignof(struct reg_impu) == 0 &&
		       sizeof(struct reg_impu) % _Alignof(struct reg_contact) == 0,
	       "the arrays follow directly");

/* Identities, contacts and what stands before them. */
static uint32_t head_size(const struct abi_registration_view *v)
{
	return (uint32_t)(sizeof(struct registration) + v->n_impu * sizeof(struct reg_impu) +
			  v->n_contact * sizeof(struct reg_contact));
}

uint32_t object_size(const struct abi_registration_view *v)
{
	if (v->n_impu == 0 || v->n_impu > SET_IMPUS_MAX || v->n_contact > SET_CONTACTS_MAX)
		return 0;

	uint64_t size = head_size(v) + (uint64_t)v->service_route.len;
	for (uint32_t i = 0; i < v->n_impu; i++) {
		if (v->impu[i].impu.len == 0 || v->impu[i].impu.len > IMPU_MAX)
			return 0;
		size += v->impu[i].impu.len;
	}
	for (uint32_t i = 0; i < v->n_contact; i++) {
		const struct abi_contact_view *c = &v->contact[i];

		if (c->n_feature > FEATURES_MAX)
			return 0;
		size += (uint64_t)c->uri.len + c->path.len +
			c->n_feature * sizeof(c->feature[0]);
	}
	size = (size + INDEX_LINE - 1) / INDEX_LINE * INDEX_LINE;
	return size <= POOL_OBJECT_MAX ? (uint32_t)size : 0;
}

/* TS 24.229 §5.2.6.3: the one marked so, else the first that is not barred. */
static uint8_t default_impu(const struct abi_registration_view *v)
{
	uint8_t first = 0;

	for (uint32_t i = v->n_impu; i-- > 0;) {
		if (v->impu[i].flags & (ABI_IMPU_BARRED | ABI_IMPU_WILDCARD))
			continue;
		if (v->impu[i].flags & ABI_IMPU_DEFAULT)
			return (uint8_t)i;
		first = (uint8_t)i;
	}
	return first;
}

/* Where in the registration the next text goes. */
struct pen {
	uint8_t *start;
	uint32_t at;
};

static uint16_t pen_put(struct pen *pen, struct slice s)
{
	uint32_t at = pen->at;

	if (s.len)
		memcpy(pen->start + at, s.p, s.len);
	pen->at += s.len;
	return (uint16_t)at;
}

static void contacts_build(struct registration *r, const struct abi_registration_view *v,
			   struct pen *pen)
{
	struct reg_contact *to = (struct reg_contact *)reg_contact(r, 0);

	for (uint32_t i = 0; i < v->n_contact; i++) {
		const struct abi_contact_view *c = &v->contact[i];

		to[i] = (struct reg_contact){
			.flow = c->flow,
			.local = c->flow.family ? c->local : c->hop,
			.sa_id = c->sa_id,
			.q = c->q,
			.uri = pen_put(pen, c->uri),
			.uri_len = (uint16_t)c->uri.len,
			.path = pen_put(pen, c->path),
			.path_len = (uint16_t)c->path.len,
			.feature = pen_put(pen, slice_of(c->feature,
							 c->n_feature * sizeof(c->feature[0]))),
			.n_feature = (uint8_t)c->n_feature,
			.instance = c->instance,
			.reg_id = c->reg_id,
			.expires_ms = c->expires_ms,
			.registered_ms = c->registered_ms,
			.flags = c->flags,
			.call_id = c->call_id,
			.cseq = c->cseq,
			.impi = c->impi,
		};
	}
}

static void impus_build(struct registration *r, const struct abi_registration_view *v,
			const uint64_t impu_hash[], const uint32_t profile[], struct pen *pen)
{
	struct reg_impu *to = (struct reg_impu *)reg_impu(r, 0);

	for (uint32_t i = 0; i < v->n_impu; i++)
		to[i] = (struct reg_impu){
			.hash = impu_hash[i],
			.at = pen_put(pen, v->impu[i].impu),
			.len = (uint16_t)v->impu[i].impu.len,
			.flags = v->impu[i].flags,
			.profile = profile[i] & 0xffffff,
		};
}

struct registration *object_build(void *memory, const struct abi_registration_view *v,
				  const uint64_t impu_hash[], const uint32_t profile[],
				  uint32_t epoch)
{
	struct registration *r = memory;
	struct pen pen = {memory, head_size(v)};

	*r = (struct registration){
		.set_id = v->set_id,
		.roles = v->roles,
		.n_impu = (uint8_t)v->n_impu,
		.n_contact = (uint8_t)v->n_contact,
		.default_impu = default_impu(v),
		.scscf = v->scscf,
		.epoch = epoch,
	};
	impus_build(r, v, impu_hash, profile, &pen);
	contacts_build(r, v, &pen);
	r->service_route = pen_put(&pen, v->service_route);
	r->service_route_len = (uint16_t)v->service_route.len;
	return r;
}
