/* vector.c - authentication vectors from and to SIP-Auth-Data-Items (TS 29.229 §6.3.13) */
#include "vector.h"

#include <errno.h>

enum { V4 = 4, V6 = 16, PREFIX_HEAD = 2 /* reserved, bits: RFC 3162 §2.3 */ };
enum { CHALLENGE = 32, KEY = 16, XRES_MIN = 4, XRES_MAX = 16, HA1_MD5 = 32, HA1_SHA256 = 64 };

struct item {
	uint32_t number;
	struct slice scheme, authenticate, authorization, ck, ik;
	struct slice realm, algorithm, qop, ha1;
	struct slice framed, prefix;
};

#define TEXT(id, member, longest)                                                              \
	{                                                                                      \
		.avp = AVP_##id, .kind = FIELD_SLICE, .at = offsetof(struct item, member),     \
		.octets = longest                                                              \
	}

static const struct field digest_field[] = {
	TEXT(DIGEST_REALM, realm, CX_STRING_MAX),
	TEXT(DIGEST_ALGORITHM, algorithm, CX_STRING_MAX),
	TEXT(DIGEST_QOP, qop, CX_STRING_MAX),
	TEXT(DIGEST_HA1, ha1, HA1_SHA256),
};
static const struct shape digest_shape = SHAPE_PART(digest_field);

static const struct field item_field[] = {
	{.avp = AVP_SIP_ITEM_NUMBER,
	 .kind = FIELD_U32,
	 .at = offsetof(struct item, number),
	 .max = UINT32_MAX},
	TEXT(SIP_AUTHENTICATION_SCHEME, scheme, CX_STRING_MAX),
	TEXT(SIP_AUTHENTICATE, authenticate, CHALLENGE),
	TEXT(SIP_AUTHORIZATION, authorization, CHALLENGE),
	TEXT(CONFIDENTIALITY_KEY, ck, KEY),
	TEXT(INTEGRITY_KEY, ik, KEY),
	TEXT(FRAMED_IP_ADDRESS, framed, V4),
	TEXT(FRAMED_IPV6_PREFIX, prefix, PREFIX_HEAD + V6),
	{.avp = AVP_SIP_DIGEST_AUTHENTICATE, .kind = FIELD_GROUP, .shape = &digest_shape},
};
static const struct shape item_shape = SHAPE(item_field, struct item);

static const char *const scheme_name[] = {
	[CX_AUTH_AKA] = "Digest-AKAv1-MD5",
	[CX_AUTH_DIGEST] = "SIP Digest",
	[CX_AUTH_UNKNOWN] = "Unknown",
	[CX_AUTH_GIBA] = "Early-IMS-Security",
};

enum { SCHEMES = sizeof(scheme_name) / sizeof(scheme_name[0]) };

enum cx_auth_scheme scheme_of(struct slice name)
{
	for (int i = 0; i < SCHEMES; i++)
		if (slice_eq_nocase(name, slice_str(scheme_name[i])))
			return (enum cx_auth_scheme)i;
	return CX_AUTH_OTHER;
}

struct slice scheme_text(enum cx_auth_scheme scheme)
{
	return (unsigned)scheme < SCHEMES ? slice_str(scheme_name[scheme]) : SLICE_EMPTY;
}

static bool aka_from(struct cx_vector *v, const struct item *i)
{
	if (i->authenticate.len != CHALLENGE || i->authorization.len < XRES_MIN ||
	    i->authorization.len > XRES_MAX || i->ck.len != KEY || i->ik.len != KEY)
		return false;
	memcpy(v->rand, i->authenticate.p, sizeof(v->rand));
	memcpy(v->autn, i->authenticate.p + sizeof(v->rand), sizeof(v->autn));
	memcpy(v->xres, i->authorization.p, i->authorization.len);
	v->xres_len = i->authorization.len;
	memcpy(v->ck, i->ck.p, sizeof(v->ck));
	memcpy(v->ik, i->ik.p, sizeof(v->ik));
	return true;
}

static bool all_hex(struct slice s)
{
	for (uint32_t i = 0; i < s.len; i++)
		if (!ascii_is_digit(s.p[i]) && (uint8_t)((s.p[i] | 0x20) - 'a') > 5)
			return false;
	return true;
}

/* Into one of the two H(A1) of v, if that is still free. */
static bool digest_from(struct cx_vector *v, const struct item *i)
{
	bool sha256 = slice_eq_nocase(i->algorithm, SLICE("SHA-256"));
	char *ha1 = sha256 ? v->ha1_sha256 : v->ha1;

	if (!sha256 && i->algorithm.len && !slice_eq_nocase(i->algorithm, SLICE("MD5")))
		return false;
	if (i->ha1.len != (sha256 ? HA1_SHA256 : HA1_MD5) || !all_hex(i->ha1) ||
	    i->realm.len == 0 || ha1[0])
		return false;
	if (v->digest_realm[0] && !slice_eq(slice_str(v->digest_realm), i->realm))
		return false;
	memcpy(v->digest_realm, i->realm.p, i->realm.len);
	memcpy(ha1, i->ha1.p, i->ha1.len);
	return true;
}

static bool giba_from(struct cx_vector *v, const struct item *i)
{
	uint8_t ip[V6] = {0};

	if (i->framed.len == V4) {
		memcpy(v->framed.ip, i->framed.p, V4);
		v->framed.family = 4;
		v->framed_bits = 8 * V4;
		return true;
	}
	/* Octets behind the prefix's own need not be there. */
	if (i->framed.len || i->prefix.len < PREFIX_HEAD || i->prefix.p[1] > 8 * V6 ||
	    i->prefix.p[1] == 0 || (i->prefix.len - PREFIX_HEAD) * 8 < i->prefix.p[1])
		return false;
	memcpy(ip, i->prefix.p + PREFIX_HEAD, i->prefix.len - PREFIX_HEAD);
	memcpy(v->framed.ip, ip, V6);
	v->framed.family = 6;
	v->framed_bits = i->prefix.p[1];
	return true;
}

/* The vector of this scheme that the item belongs to: the second H(A1) of a user joins the
 * first. */
static struct cx_vector *vector_for(struct cx_maa *a, enum cx_auth_scheme scheme)
{
	struct cx_vector *last = a->n_vectors ? &a->vector[a->n_vectors - 1] : NULL;
	bool join = scheme == CX_AUTH_DIGEST && last && last->scheme == scheme &&
		    !(last->ha1[0] && last->ha1_sha256[0]);

	if (join)
		return last;
	return a->n_vectors < CX_VECTORS_MAX ? &a->vector[a->n_vectors++] : NULL;
}

int vector_decode(struct avp *avp, void *maa, struct fault *f)
{
	struct item item;
	int error = field_decode(avp, &item_shape, &item, f);

	if (error)
		return error;
	enum cx_auth_scheme scheme = scheme_of(item.scheme);
	struct cx_vector *v = vector_for(maa, scheme);
	bool sound = v != NULL;

	if (sound && !v->number)
		v->number = item.number;
	if (sound) {
		v->scheme = scheme;
		sound = scheme == CX_AUTH_AKA      ? aka_from(v, &item)
			: scheme == CX_AUTH_DIGEST ? digest_from(v, &item)
			: scheme == CX_AUTH_GIBA   ? giba_from(v, &item)
						   : false;
	}
	if (sound)
		return 0;
	*f = (struct fault){.result = v ? CX_INVALID_AVP_VALUE : CX_TOO_MANY_AVPS, .avp = avp};
	return f->result;
}

static int item_put(msg_or_avp *m, const struct item *i)
{
	struct avp *group;
	int error = field_put_group(m, AVP_SIP_AUTH_DATA_ITEM, &group);

	return error ? error : field_encode(group, &item_shape, i);
}

static int digest_put(msg_or_avp *m, const struct cx_vector *v, struct slice algorithm,
		      const char *ha1)
{
	struct item i = {
		.number = v->number,
		.scheme = scheme_text(CX_AUTH_DIGEST),
		.realm = slice_str(v->digest_realm),
		.algorithm = algorithm,
		.qop = SLICE("auth"),
		.ha1 = slice_str(ha1),
	};

	return ha1[0] ? item_put(m, &i) : 0;
}

static int aka_put(msg_or_avp *m, const struct cx_vector *v)
{
	uint8_t challenge[CHALLENGE];
	struct item i = {
		.number = v->number,
		.scheme = scheme_text(CX_AUTH_AKA),
		.authenticate = {challenge, sizeof(challenge)},
		.authorization = {v->xres, v->xres_len},
		.ck = {v->ck, sizeof(v->ck)},
		.ik = {v->ik, sizeof(v->ik)},
	};

	if (v->xres_len < XRES_MIN || v->xres_len > XRES_MAX)
		return EINVAL;
	memcpy(challenge, v->rand, sizeof(v->rand));
	memcpy(challenge + sizeof(v->rand), v->autn, sizeof(v->autn));
	return item_put(m, &i);
}

static int giba_put(msg_or_avp *m, const struct cx_vector *v)
{
	uint8_t prefix[PREFIX_HEAD + V6] = {0, v->framed_bits};
	struct item i = {.number = v->number, .scheme = scheme_text(CX_AUTH_GIBA)};

	if (v->framed.family == 4) {
		i.framed = slice_of(v->framed.ip, V4);
	} else {
		memcpy(prefix + PREFIX_HEAD, v->framed.ip, V6);
		i.prefix = slice_of(prefix, sizeof(prefix));
	}
	return item_put(m, &i);
}

static int vector_put(msg_or_avp *m, const struct cx_vector *v)
{
	int error;

	if (v->scheme == CX_AUTH_AKA)
		return aka_put(m, v);
	if (v->scheme == CX_AUTH_GIBA)
		return v->framed.family && v->framed_bits ? giba_put(m, v) : EINVAL;
	if (v->scheme != CX_AUTH_DIGEST || (!v->ha1[0] && !v->ha1_sha256[0]))
		return EINVAL;
	error = digest_put(m, v, SLICE("MD5"), v->ha1);
	return error ? error : digest_put(m, v, SLICE("SHA-256"), v->ha1_sha256);
}

static uint32_t items_of(const struct cx_vector *v)
{
	return v->scheme == CX_AUTH_DIGEST && v->ha1[0] && v->ha1_sha256[0] ? 2 : 1;
}

int vector_encode(msg_or_avp *m, const void *maa)
{
	const struct cx_maa *a = maa;
	uint32_t items = 0;
	int error;

	if (a->n_vectors > CX_VECTORS_MAX)
		return EMSGSIZE;
	for (uint32_t i = 0; i < a->n_vectors; i++)
		items += items_of(&a->vector[i]);
	/* TS 29.229 §6.3.8: as many as follow. */
	error = items ? field_put_u32(m, AVP_SIP_NUMBER_AUTH_ITEMS, items) : 0;
	for (uint32_t i = 0; i < a->n_vectors && !error; i++)
		error = vector_put(m, &a->vector[i]);
	return error;
}
