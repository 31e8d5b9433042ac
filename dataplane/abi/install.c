/* install.c - install records as octets, for the encoder and the decoder
 *
 * head (24 octets), then for INSTALL_REGISTRATION its own head, the identities, the contacts
 * and the Service-Route. Host byte order: both ends run on one machine, and abi_layout guards
 * the structures.
 */
#include "abi/install.h"

struct head {
	uint32_t type;
	uint32_t pad;
	uint64_t seq;
	uint64_t set_id; /* registration and delete, else 0 */
};

struct registration_head {
	uint8_t roles, n_impu, n_contact, pad0;
	uint16_t service_route_len, pad1;
	struct addr scscf;
};

struct impu_head {
	uint8_t flags, len;
};

struct contact_head {
	uint64_t expires_ms, registered_ms, call_id, instance;
	struct addr flow, local, hop;
	uint32_t cseq, impi, reg_id;
	uint16_t q, uri_len, path_len;
	uint8_t flags, n_feature;
};

_Static_assert(sizeof(struct head) == 24, "head");
_Static_assert(sizeof(struct registration_head) == 28, "registration head");
_Static_assert(sizeof(struct contact_head) == 112, "contact head");
_Static_assert(IMPU_MAX <= UINT8_MAX && SET_IMPUS_MAX <= UINT8_MAX, "they fit their fields");

enum {
	ROLES_ALL = ABI_REG_PCSCF | ABI_REG_SCSCF,
	FLAGS_ALL = ABI_IMPU_BARRED | ABI_IMPU_DEFAULT | ABI_IMPU_WILDCARD,
	CONTACT_FLAGS_ALL = ABI_CONTACT_PROTECTED | ABI_CONTACT_REFRESH | ABI_CONTACT_EMERGENCY
};

/* Control characters would let one header field become two (RFC 3261 §7.3.1). */
static bool text_is_sound(struct slice s)
{
	for (uint32_t i = 0; i < s.len; i++)
		if ((s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	return true;
}

static bool addr_is_sound(const struct addr *a)
{
	static const uint8_t zero[16];

	if (a->family == 4)
		return a->pad == 0 && memcmp(a->ip + 4, zero, 12) == 0;
	if (a->family == 6)
		return a->pad == 0;
	return memcmp(a, zero, 16) == 0 && a->port == 0 && a->family == 0 && a->pad == 0;
}

static const char *impu_check(const struct abi_impu_view *i)
{
	if (i->impu.len == 0)
		return "empty public identity";
	if (i->impu.len > IMPU_MAX)
		return "public identity too long";
	if (i->flags & ~FLAGS_ALL)
		return "unknown flag on a public identity";
	return text_is_sound(i->impu) ? NULL : "control character in a public identity";
}

static const char *contact_check(const struct abi_contact_view *c)
{
	if (!addr_is_sound(&c->flow) || !addr_is_sound(&c->local) || !addr_is_sound(&c->hop))
		return "malformed address of a contact";
	if (c->flags & ~CONTACT_FLAGS_ALL)
		return "unknown flag on a contact";
	if ((c->flags & ABI_CONTACT_PROTECTED) && c->flow.family == 0)
		return "protected contact without a flow";
	if (c->q > 1000)
		return "q of a contact above 1000";
	if (c->uri.len == 0)
		return "contact without a URI";
	if (c->uri.len > SIP_URI_MAX)
		return "URI of a contact too long";
	if (c->path.len > SIP_EDIT_TEXT_MAX)
		return "Path of a contact too long";
	if (c->n_feature > FEATURES_MAX)
		return "too many features of a contact";
	for (uint32_t i = 0; i < c->n_feature; i++)
		if (c->feature[i].kind > FEATURE_STRING)
			return "unknown kind of a feature";
	if (!text_is_sound(c->uri) || !text_is_sound(c->path))
		return "control character in a contact";
	return NULL;
}

static const char *registration_check(const struct abi_registration_view *r)
{
	const char *wrong = NULL;

	if (r->roles == 0 || (r->roles & ~ROLES_ALL))
		return "registration set of no role or an unknown one";
	if (r->n_impu == 0 || r->n_impu > SET_IMPUS_MAX)
		return "number of public identities out of range";
	if (r->n_contact > SET_CONTACTS_MAX)
		return "too many contacts";
	if (!addr_is_sound(&r->scscf))
		return "malformed address of the S-CSCF";
	if (r->service_route.len > SIP_EDIT_TEXT_MAX || !text_is_sound(r->service_route))
		return "Service-Route too long or with a control character";
	for (uint32_t i = 0; i < r->n_impu && !wrong; i++)
		wrong = impu_check(&r->impu[i]);
	for (uint32_t i = 0; i < r->n_contact && !wrong; i++)
		wrong = contact_check(&r->contact[i]);
	return wrong;
}

/* What is left to write to. */
struct sink {
	uint8_t *p;
	uint32_t left;
	bool full;
};

static void sink_put(struct sink *s, const void *data, uint32_t len)
{
	if (len > s->left) {
		s->full = true;
		return;
	}
	if (len)
		memcpy(s->p, data, len);
	s->p += len;
	s->left -= len;
}

static void sink_text(struct sink *s, struct slice text)
{
	sink_put(s, text.p, text.len);
}

static void registration_encode(struct sink *s, const struct abi_registration_view *r)
{
	struct registration_head h = {
		.roles = r->roles,
		.n_impu = (uint8_t)r->n_impu,
		.n_contact = (uint8_t)r->n_contact,
		.service_route_len = (uint16_t)r->service_route.len,
		.scscf = r->scscf,
	};

	sink_put(s, &h, sizeof(h));
	for (uint32_t i = 0; i < r->n_impu; i++) {
		struct impu_head ih = {r->impu[i].flags, (uint8_t)r->impu[i].impu.len};

		sink_put(s, &ih, sizeof(ih));
		sink_text(s, r->impu[i].impu);
	}
	for (uint32_t i = 0; i < r->n_contact; i++) {
		const struct abi_contact_view *c = &r->contact[i];
		struct contact_head ch = {
			.expires_ms = c->expires_ms,
			.registered_ms = c->registered_ms,
			.call_id = c->call_id,
			.instance = c->instance,
			.flow = c->flow,
			.local = c->local,
			.hop = c->hop,
			.cseq = c->cseq,
			.impi = c->impi,
			.reg_id = c->reg_id,
			.q = c->q,
			.uri_len = (uint16_t)c->uri.len,
			.path_len = (uint16_t)c->path.len,
			.flags = c->flags,
			.n_feature = (uint8_t)c->n_feature,
		};

		sink_put(s, &ch, sizeof(ch));
		sink_text(s, c->uri);
		sink_text(s, c->path);
		sink_put(s, c->feature, c->n_feature * (uint32_t)sizeof(c->feature[0]));
	}
	sink_text(s, r->service_route);
}

uint32_t abi_install_encode(const struct abi_install_view *v, void *out, uint32_t cap)
{
	struct sink s = {out, cap < RING_RECORD_MAX ? cap : RING_RECORD_MAX, false};
	struct head h = {.type = v->type, .seq = v->seq};
	uint32_t room = s.left;

	switch (v->type) {
	case INSTALL_REGISTRATION:
		if (registration_check(&v->registration) != NULL)
			return 0;
		h.set_id = v->registration.set_id;
		break;
	case INSTALL_DELETE:
		h.set_id = v->set_id;
		break;
	case INSTALL_SYNC_BEGIN:
	case INSTALL_SYNC_END:
		break;
	default:
		return 0;
	}
	sink_put(&s, &h, sizeof(h));
	if (v->type == INSTALL_REGISTRATION)
		registration_encode(&s, &v->registration);
	return s.full ? 0 : room - s.left;
}

/* Copies len octets from the front of s, or zeroes; false: there are fewer. */
static bool source_get(struct slice *s, void *to, uint32_t len)
{
	if (s->len < len) {
		memset(to, 0, len);
		return false;
	}
	memcpy(to, s->p, len);
	*s = slice_from(*s, len);
	return true;
}

static bool source_text(struct slice *s, uint32_t len, struct slice *text)
{
	if (s->len < len)
		return false;
	*text = slice_sub(*s, 0, len);
	*s = slice_from(*s, len);
	return true;
}

static const char *contact_decode(struct slice *s, struct abi_contact_view *c)
{
	struct contact_head h;

	if (!source_get(s, &h, sizeof(h)))
		return "record ends inside a contact";
	if (h.n_feature > FEATURES_MAX)
		return "too many features of a contact";
	*c = (struct abi_contact_view){
		.flow = h.flow,
		.local = h.local,
		.hop = h.hop,
		.expires_ms = h.expires_ms,
		.registered_ms = h.registered_ms,
		.call_id = h.call_id,
		.cseq = h.cseq,
		.impi = h.impi,
		.instance = h.instance,
		.reg_id = h.reg_id,
		.q = h.q,
		.flags = h.flags,
		.n_feature = h.n_feature,
	};
	if (!source_text(s, h.uri_len, &c->uri) || !source_text(s, h.path_len, &c->path))
		return "record ends inside the text of a contact";
	if (!source_get(s, c->feature, h.n_feature * (uint32_t)sizeof(c->feature[0])))
		return "record ends inside the features of a contact";
	return NULL;
}

static const char *impu_decode(struct slice *s, struct abi_impu_view *i)
{
	struct impu_head h;

	if (!source_get(s, &h, sizeof(h)) || !source_text(s, h.len, &i->impu))
		return "record ends inside a public identity";
	i->flags = h.flags;
	return NULL;
}

static const char *registration_decode(struct slice *s, struct abi_registration_view *r)
{
	struct registration_head h;
	const char *wrong = NULL;

	if (!source_get(s, &h, sizeof(h)))
		return "record ends inside the head of a registration set";
	/* Before the arrays are filled: they have room for no more. */
	if (h.n_impu > SET_IMPUS_MAX || h.n_contact > SET_CONTACTS_MAX)
		return "too many public identities or contacts";
	r->roles = h.roles;
	r->scscf = h.scscf;
	r->n_impu = h.n_impu;
	r->n_contact = h.n_contact;
	for (uint32_t i = 0; i < r->n_impu && !wrong; i++)
		wrong = impu_decode(s, &r->impu[i]);
	for (uint32_t i = 0; i < r->n_contact && !wrong; i++)
		wrong = contact_decode(s, &r->contact[i]);
	if (wrong)
		return wrong;
	if (!source_text(s, h.service_route_len, &r->service_route))
		return "record ends inside Service-Route";
	return registration_check(r);
}

const char *abi_install_decode(struct slice record, struct abi_install_view *v)
{
	struct head h;
	const char *wrong;

	if (!source_get(&record, &h, sizeof(h))) {
		v->seq = 0;
		return "install record shorter than its head";
	}
	v->seq = h.seq;
	v->set_id = h.set_id;
	switch (h.type) {
	case INSTALL_REGISTRATION:
		v->registration.set_id = h.set_id;
		wrong = registration_decode(&record, &v->registration);
		if (wrong)
			return wrong;
		break;
	case INSTALL_DELETE:
	case INSTALL_SYNC_BEGIN:
	case INSTALL_SYNC_END:
		break;
	default:
		return "install record of an unknown type";
	}
	if (record.len != 0)
		return "octets behind the end of an install record";
	v->type = (enum abi_install_type)h.type;
	return NULL;
}
