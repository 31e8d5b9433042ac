/* object.c - writing down a registration in one piece of memory */
#include "table/object.h"
#include "table/pool.h"

_Static_assert(POOL_OBJECT_MAX <= UINT16_MAX, "offsets inside a registration have 16 bits");
_Static_assert((SET_IMPUS_MAX + SET_CONTACTS_MAX) * sizeof(struct reg_link) +
			       sizeof(struct reg_object) <=
		       UINT16_MAX,
	       "links say in 16 bits how far the registration is");
_Static_assert(sizeof(struct reg_link) == 24, "two of these a user");
_Static_assert(sizeof(struct registration) % _Alignof(struct reg_contact) == 0,
	       "the contacts follow it directly");

static uint32_t front_size(const struct abi_registration_view *v)
{
	return (v->n_impu + v->n_contact) * (uint32_t)sizeof(struct reg_link);
}

uint32_t object_size(const struct abi_registration_view *v)
{
	if (v->n_impu == 0 || v->n_impu > SET_IMPUS_MAX || v->n_contact > SET_CONTACTS_MAX)
		return 0;

	uint64_t size = front_size(v) + sizeof(struct reg_object) +
			v->n_contact * sizeof(struct reg_contact) +
			v->n_impu * sizeof(struct reg_impu) + (uint64_t)v->service_route.len;
	for (uint32_t i = 0; i < v->n_impu; i++) {
		if (v->impu[i].impu.len == 0 || v->impu[i].impu.len > IMPU_MAX)
			return 0;
		size += v->impu[i].impu.len;
	}
	for (uint32_t i = 0; i < v->n_contact; i++)
		size += (uint64_t)v->contact[i].uri.len + v->contact[i].path.len;
	return size <= POOL_OBJECT_MAX ? (uint32_t)size : 0;
}

/* TS 24.229 §5.2.6.3: the one marked so, else the first that is not barred. */
static uint8_t default_impu(const struct abi_registration_view *v)
{
	uint8_t first = 0;

	for (uint32_t i = v->n_impu; i-- > 0;) {
		if (v->impu[i].flags & ABI_IMPU_BARRED)
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

static void link_init(struct reg_link *l, const struct registration *r, uint32_t index)
{
	*l = (struct reg_link){
		.ahead = (uint16_t)((const uint8_t *)r - (const uint8_t *)l),
		.index = (uint8_t)index,
	};
}

static void contacts_build(struct reg_object *o, const struct abi_registration_view *v,
			   struct pen *pen)
{
	struct reg_contact *to =
		(struct reg_contact *)((uint8_t *)&o->registration + o->registration.contacts);

	for (uint32_t i = 0; i < v->n_contact; i++) {
		const struct abi_contact_view *c = &v->contact[i];

		to[i] = (struct reg_contact){
			.flow = c->flow,
			.local = c->local,
			.hop = c->hop,
			.q = c->q,
			.uri = pen_put(pen, c->uri),
			.uri_len = (uint16_t)c->uri.len,
			.path = pen_put(pen, c->path),
			.path_len = (uint16_t)c->path.len,
			.expires_ms = c->expires_ms,
			.registered_ms = c->registered_ms,
		};
		link_init(object_contact_link(o, i), &o->registration, i);
	}
}

static void impus_build(struct reg_object *o, const struct abi_registration_view *v,
			struct pen *pen)
{
	struct reg_impu *to =
		(struct reg_impu *)((uint8_t *)&o->registration + o->registration.impus);

	for (uint32_t i = 0; i < v->n_impu; i++) {
		to[i] = (struct reg_impu){
			.at = pen_put(pen, v->impu[i].impu),
			.len = (uint16_t)v->impu[i].impu.len,
			.flags = v->impu[i].flags,
		};
		struct reg_link *l = object_impu_link(o, i);
		link_init(l, &o->registration, i);
		l->text = to[i].at;
		l->text_len = to[i].len;
	}
}

struct reg_object *object_build(void *memory, const struct abi_registration_view *v)
{
	uint32_t front = front_size(v);
	uint32_t contacts = sizeof(struct registration);
	uint32_t impus = contacts + v->n_contact * (uint32_t)sizeof(struct reg_contact);
	uint32_t text = impus + v->n_impu * (uint32_t)sizeof(struct reg_impu);
	struct reg_object *o = (struct reg_object *)((uint8_t *)memory + front);
	struct pen pen = {(uint8_t *)&o->registration, text};

	*o = (struct reg_object){.front = front};
	o->registration = (struct registration){
		.set_id = v->set_id,
		.roles = v->roles,
		.n_impu = (uint8_t)v->n_impu,
		.n_contact = (uint8_t)v->n_contact,
		.default_impu = default_impu(v),
		.scscf = v->scscf,
		.impus = (uint16_t)impus,
		.contacts = (uint16_t)contacts,
	};
	impus_build(o, v, &pen);
	contacts_build(o, v, &pen);
	o->registration.service_route = pen_put(&pen, v->service_route);
	o->registration.service_route_len = (uint16_t)v->service_route.len;
	o->registration.size = pen.at;
	return o;
}
