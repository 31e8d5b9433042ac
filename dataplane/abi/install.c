/* install.c - install records as octets, for the encoder and the decoder
 *
 * head (24 octets), then for INSTALL_REGISTRATION its own head, the identities, the contacts
 * and the Service-Route, for INSTALL_SA and INSTALL_PROLONG their one block, for
 * INSTALL_PROFILE its octets, for INSTALL_SERVER and INSTALL_ROUTE their own heads, their
 * addresses and their texts. Host byte order: both ends run on one machine, and abi_layout
 * guards the structures.
 */
#include "abi/install.h"

#include "base/hash.h"

struct head {
	uint32_t type;
	uint32_t pad;
	uint64_t seq;
	uint64_t id; /* of the set or the SA; of a synchronisation 0 */
};

struct registration_head {
	uint8_t roles, n_impu, n_contact, pad0;
	uint16_t service_route_len, pad1;
	struct addr scscf;
};

struct impu_head {
	uint64_t profile;
	uint8_t flags, len, pad[6];
};

struct contact_head {
	uint64_t expires_ms, registered_ms, call_id, instance;
	struct addr flow, local, hop;
	uint32_t cseq, impi, reg_id;
	uint16_t q, uri_len, path_len;
	uint8_t flags, n_feature;
	uint64_t sa_id;
};

struct sa_block {
	uint64_t set_id, expires_ms;
	struct addr ue, local, nat;
	uint32_t spi_uc, spi_us, spi_pc, spi_ps;
	uint16_t port_us, port_pc;
	uint8_t integrity, cipher, used, pad[5];
	uint8_t ck[ABI_SA_KEY], ik[ABI_SA_KEY];
};

struct prolong_block {
	uint64_t call_id, expires_ms, registered_ms;
	uint32_t cseq;
	uint8_t contact, pad[3];
};

struct server_head {
	uint16_t port;
	uint8_t n_addr, host_len;
};

struct route_head {
	uint64_t expires_ms;
	uint16_t to_len, uri_len;
	uint8_t kind, n_addr, pad[2];
};

_Static_assert(sizeof(struct head) == 24, "head");
_Static_assert(sizeof(struct route_head) == 16, "route head");
_Static_assert(sizeof(struct server_head) == 4, "server head");
_Static_assert(sizeof(struct impu_head) == 16, "public identity");
_Static_assert(sizeof(struct registration_head) == 28, "registration head");
_Static_assert(sizeof(struct contact_head) == 120, "contact head");
_Static_assert(sizeof(struct sa_block) == 136, "security association");
_Static_assert(sizeof(struct prolong_block) == 32, "prolongation");
_Static_assert(IMPU_MAX <= UINT8_MAX && SET_IMPUS_MAX <= UINT8_MAX, "they fit their fields");

enum {
	ROLES_ALL = ABI_REG_PCSCF | ABI_REG_SCSCF | ABI_REG_CHALLENGED | ABI_REG_UNREGISTERED,
	FLAGS_ALL = ABI_IMPU_BARRED | ABI_IMPU_DEFAULT | ABI_IMPU_WILDCARD,
	CONTACT_FLAGS_ALL = ABI_CONTACT_PROTECTED | ABI_CONTACT_REFRESH |
			    ABI_CONTACT_EMERGENCY | ABI_CONTACT_SUCCEEDED
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
	if (c->sa_id != 0 && (c->flow.family == 0 || c->local.family != c->flow.family))
		return "contact of a security association without its addresses";
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
	if (r->roles & ABI_REG_UNREGISTERED && (r->n_contact || !(r->roles & ABI_REG_SCSCF)))
		return "users who are not registered, but have contacts, or no registrar";
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

static const char *profile_check(uint64_t id, struct slice profile)
{
	if (id == 0)
		return "service profile without an id";
	if (profile.len == 0 || profile.len > ABI_PROFILE_MAX)
		return "service profile empty or too long";
	return NULL;
}

uint64_t abi_server_id(struct slice host, uint16_t port)
{
	/* Both processes know it, and names come from the HSS, not from the wire. */
	static const struct hash_key key = {0x7365727665722069ull, 0x64656e7469747900ull};
	uint8_t name[UINT8_MAX + 2];
	uint32_t len = host.len < UINT8_MAX ? host.len : UINT8_MAX;
	uint64_t id;

	for (uint32_t i = 0; i < len; i++)
		name[i] = ascii_lower(host.p[i]);
	name[len] = (uint8_t)(port >> 8);
	name[len + 1] = (uint8_t)port;
	id = hash_table(&key, name, len + 2);
	return id ? id : 1;
}

static const char *server_check(const struct abi_server_view *s)
{
	if (s->host.len == 0 || s->host.len > UINT8_MAX || !text_is_sound(s->host))
		return "server without a host, or with one that is too long";
	if (s->server_id != abi_server_id(s->host, s->port))
		return "server under another one's id";
	if (s->n_addr > ABI_SERVER_ADDRESSES)
		return "too many addresses of a server";
	for (uint32_t i = 0; i < s->n_addr; i++)
		if (!s->addr[i].family || !addr_is_sound(&s->addr[i]) || !s->addr[i].port)
			return "malformed address of a server";
	return NULL;
}

static const char *route_check(const struct abi_route_view *r)
{
	if (r->to.len == 0 || r->to.len > ABI_ROUTE_TO_MAX || !text_is_sound(r->to))
		return "way to nowhere, or to a name that is too long";
	if (r->kind != ABI_ROUTE_CALLED && r->kind != ABI_ROUTE_PROXY)
		return "way of an unknown kind";
	if (r->uri.len > SIP_URI_MAX || !text_is_sound(r->uri))
		return "URI of a way too long or with a control character";
	if (r->kind == ABI_ROUTE_PROXY && r->uri.len == 0)
		return "way by a proxy without its URI";
	if (r->n_addr > ABI_ROUTE_ADDRESSES)
		return "too many addresses of a way";
	for (uint32_t i = 0; i < r->n_addr; i++)
		if (!r->addr[i].family || !addr_is_sound(&r->addr[i]) || !r->addr[i].port)
			return "malformed address of a way";
	return NULL;
}

static const char *sa_addresses_check(const struct abi_sa_view *s)
{
	if (!addr_is_sound(&s->ue) || !addr_is_sound(&s->local) || !addr_is_sound(&s->nat))
		return "malformed address of a security association";
	if (s->ue.family == 0 || s->local.family != s->ue.family ||
	    (s->nat.family != 0 && s->nat.family != s->local.family))
		return "security association between two address families";
	if (s->ue.port == 0 || s->port_us == 0 || s->local.port == 0 || s->port_pc == 0 ||
	    (s->nat.family != 0 && s->nat.port == 0))
		return "security association without one of its ports";
	if (s->ue.port == s->port_us || s->local.port == s->port_pc)
		return "security association whose ports are equal";
	return NULL;
}

static const char *sa_algorithms_check(const struct abi_sa_view *s)
{
	if (s->integrity >= ABI_SA_INTEGRITY_MAX || s->cipher >= ABI_SA_CIPHER_MAX)
		return "security association with an unknown algorithm";
	if ((s->cipher == ABI_SA_AES_GCM) != (s->integrity == ABI_SA_INTEGRITY_NONE) ||
	    (s->integrity == ABI_SA_AES_GMAC && s->cipher != ABI_SA_NULL))
		return "security association whose algorithms do not go together";
	return NULL;
}

static const char *sa_check(const struct abi_sa_view *s)
{
	const char *wrong = sa_addresses_check(s);

	if (s->sa_id == 0)
		return "security association without an id";
	if (s->spi_uc < ABI_SA_SPI_MIN || s->spi_us < ABI_SA_SPI_MIN ||
	    s->spi_pc < ABI_SA_SPI_MIN || s->spi_ps < ABI_SA_SPI_MIN)
		return "security association with a reserved SPI";
	if (s->spi_uc == s->spi_us || s->spi_pc == s->spi_ps)
		return "security association whose SPIs are equal";
	return wrong ? wrong : sa_algorithms_check(s);
}

static const char *prolong_check(const struct abi_prolong_view *p)
{
	return p->contact < SET_CONTACTS_MAX ? NULL : "prolonged contact out of range";
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
		struct impu_head ih = {.profile = r->impu[i].profile,
				       .flags = r->impu[i].flags,
				       .len = (uint8_t)r->impu[i].impu.len};

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
			.sa_id = c->sa_id,
			.n_feature = (uint8_t)c->n_feature,
		};

		sink_put(s, &ch, sizeof(ch));
		sink_text(s, c->uri);
		sink_text(s, c->path);
		sink_put(s, c->feature, c->n_feature * (uint32_t)sizeof(c->feature[0]));
	}
	sink_text(s, r->service_route);
}

static void sa_encode(struct sink *s, const struct abi_sa_view *v)
{
	struct sa_block b = {
		.set_id = v->set_id,
		.expires_ms = v->expires_ms,
		.ue = v->ue,
		.local = v->local,
		.nat = v->nat,
		.spi_uc = v->spi_uc,
		.spi_us = v->spi_us,
		.spi_pc = v->spi_pc,
		.spi_ps = v->spi_ps,
		.port_us = v->port_us,
		.port_pc = v->port_pc,
		.integrity = v->integrity,
		.cipher = v->cipher,
		.used = v->used,
	};

	memcpy(b.ck, v->ck, sizeof(b.ck));
	memcpy(b.ik, v->ik, sizeof(b.ik));
	sink_put(s, &b, sizeof(b));
}

static void prolong_encode(struct sink *s, const struct abi_prolong_view *v)
{
	struct prolong_block b = {
		.call_id = v->call_id,
		.expires_ms = v->expires_ms,
		.registered_ms = v->registered_ms,
		.cseq = v->cseq,
		.contact = v->contact,
	};

	sink_put(s, &b, sizeof(b));
}

static void server_encode(struct sink *s, const struct abi_server_view *v)
{
	struct server_head h = {.port = v->port,
				.n_addr = (uint8_t)v->n_addr,
				.host_len = (uint8_t)v->host.len};

	sink_put(s, &h, sizeof(h));
	sink_put(s, v->addr, v->n_addr * (uint32_t)sizeof(v->addr[0]));
	sink_text(s, v->host);
}

static void route_encode(struct sink *s, const struct abi_route_view *v)
{
	struct route_head h = {.expires_ms = v->expires_ms,
			       .to_len = (uint16_t)v->to.len,
			       .uri_len = (uint16_t)v->uri.len,
			       .kind = v->kind,
			       .n_addr = (uint8_t)v->n_addr};

	sink_put(s, &h, sizeof(h));
	sink_put(s, v->addr, v->n_addr * (uint32_t)sizeof(v->addr[0]));
	sink_text(s, v->to);
	sink_text(s, v->uri);
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
		h.id = v->registration.set_id;
		break;
	case INSTALL_DELETE:
		h.id = v->set_id;
		break;
	case INSTALL_SA:
		if (sa_check(&v->sa) != NULL)
			return 0;
		h.id = v->sa.sa_id;
		break;
	case INSTALL_SA_DELETE:
		h.id = v->sa_id;
		break;
	case INSTALL_PROFILE:
		if (profile_check(v->profile_id, v->profile) != NULL)
			return 0;
		h.id = v->profile_id;
		break;
	case INSTALL_PROLONG:
		if (prolong_check(&v->prolong) != NULL)
			return 0;
		h.id = v->prolong.set_id;
		break;
	case INSTALL_SERVER:
		if (server_check(&v->server) != NULL)
			return 0;
		h.id = v->server.server_id;
		break;
	case INSTALL_ROUTE:
		if (route_check(&v->route) != NULL)
			return 0;
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
	if (v->type == INSTALL_SA)
		sa_encode(&s, &v->sa);
	if (v->type == INSTALL_PROLONG)
		prolong_encode(&s, &v->prolong);
	if (v->type == INSTALL_PROFILE)
		sink_text(&s, v->profile);
	if (v->type == INSTALL_SERVER)
		server_encode(&s, &v->server);
	if (v->type == INSTALL_ROUTE)
		route_encode(&s, &v->route);
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
		.sa_id = h.sa_id,
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
	i->profile = h.profile;
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

static const char *sa_decode(struct slice *s, struct abi_sa_view *v, uint64_t sa_id)
{
	struct sa_block b;

	if (!source_get(s, &b, sizeof(b)))
		return "record ends inside a security association";
	*v = (struct abi_sa_view){
		.sa_id = sa_id,
		.set_id = b.set_id,
		.ue = b.ue,
		.local = b.local,
		.port_us = b.port_us,
		.port_pc = b.port_pc,
		.spi_uc = b.spi_uc,
		.spi_us = b.spi_us,
		.spi_pc = b.spi_pc,
		.spi_ps = b.spi_ps,
		.nat = b.nat,
		.integrity = b.integrity,
		.cipher = b.cipher,
		.used = b.used != 0,
		.expires_ms = b.expires_ms,
	};
	memcpy(v->ck, b.ck, sizeof(v->ck));
	memcpy(v->ik, b.ik, sizeof(v->ik));
	return sa_check(v);
}

static const char *prolong_decode(struct slice *s, struct abi_prolong_view *v, uint64_t set_id)
{
	struct prolong_block b;

	if (!source_get(s, &b, sizeof(b)))
		return "record ends inside a prolongation";
	*v = (struct abi_prolong_view){
		.set_id = set_id,
		.contact = b.contact,
		.call_id = b.call_id,
		.cseq = b.cseq,
		.expires_ms = b.expires_ms,
		.registered_ms = b.registered_ms,
	};
	return prolong_check(v);
}

static const char *server_decode(struct slice *s, struct abi_server_view *v, uint64_t id)
{
	struct server_head h;

	if (!source_get(s, &h, sizeof(h)))
		return "record ends inside the head of a server";
	/* Before the array is filled: it has room for no more. */
	if (h.n_addr > ABI_SERVER_ADDRESSES)
		return "too many addresses of a server";
	*v = (struct abi_server_view){.server_id = id, .port = h.port, .n_addr = h.n_addr};
	if (!source_get(s, v->addr, h.n_addr * (uint32_t)sizeof(v->addr[0])) ||
	    !source_text(s, h.host_len, &v->host))
		return "record ends inside a server";
	return server_check(v);
}

static const char *route_decode(struct slice *s, struct abi_route_view *v)
{
	struct route_head h;

	if (!source_get(s, &h, sizeof(h)))
		return "record ends inside the head of a way";
	/* Before the array is filled: it has room for no more. */
	if (h.n_addr > ABI_ROUTE_ADDRESSES)
		return "too many addresses of a way";
	*v = (struct abi_route_view){
		.kind = h.kind, .expires_ms = h.expires_ms, .n_addr = h.n_addr};
	if (!source_get(s, v->addr, h.n_addr * (uint32_t)sizeof(v->addr[0])) ||
	    !source_text(s, h.to_len, &v->to) || !source_text(s, h.uri_len, &v->uri))
		return "record ends inside a way";
	return route_check(v);
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
	v->set_id = v->sa_id = v->profile_id = h.id;
	switch (h.type) {
	case INSTALL_REGISTRATION:
		v->registration.set_id = h.id;
		wrong = registration_decode(&record, &v->registration);
		if (wrong)
			return wrong;
		break;
	case INSTALL_SA:
		wrong = sa_decode(&record, &v->sa, h.id);
		if (wrong)
			return wrong;
		break;
	case INSTALL_PROFILE:
		source_text(&record, record.len, &v->profile);
		wrong = profile_check(h.id, v->profile);
		if (wrong)
			return wrong;
		break;
	case INSTALL_PROLONG:
		wrong = prolong_decode(&record, &v->prolong, h.id);
		if (wrong)
			return wrong;
		break;
	case INSTALL_SERVER:
		wrong = server_decode(&record, &v->server, h.id);
		if (wrong)
			return wrong;
		break;
	case INSTALL_ROUTE:
		wrong = route_decode(&record, &v->route);
		if (wrong)
			return wrong;
		break;
	case INSTALL_DELETE:
	case INSTALL_SA_DELETE:
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
