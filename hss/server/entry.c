/* entry.c - a subscriber as keys and values, the way an operator writes it */
#include "hss/entry.h"

#include <libxml/xmlstring.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "aka/milenage.h"
#include "aka/tuak.h"
#include "base/distance.h"
#include "base/text.h"
#include "hss/decide.h"
#include "hss/service.h"

enum {
	NEAR_MAX = 2, /* letters between a wrong name and the one it was meant to be */
	SHA256_HEX = 64,
	MD5_HEX = 32,
};

#define SQN_MAX       ((UINT64_C(1) << 48) - 1)
#define GIVEN(e, key) (((e)->given >> ENTRY_##key & 1) != 0)

static const char *const key_name[ENTRY_KEYS_MAX] = {
#define X(id, name) [ENTRY_##id] = name,
	ENTRY_KEYS(X)
#undef X
};

static const char not_sqn[] = "not a sequence number: 12 hexadecimal digits, or below 2^48";

static bool refuse(char *error, const char *sentence)
{
	snprintf(error, ENTRY_ERROR_MAX, "%s", sentence);
	return false;
}

static bool name_is(struct slice given, const char *name)
{
	if (given.len != strlen(name))
		return false;
	for (uint32_t i = 0; i < given.len; i++) {
		uint8_t c = given.p[i] == '-' ? '_' : ascii_lower(given.p[i]);

		if (c != (uint8_t)name[i])
			return false;
	}
	return true;
}

int entry_key(struct slice name)
{
	for (int i = 0; i < ENTRY_KEYS_MAX; i++)
		if (name_is(name, key_name[i]))
			return i;
	return -1;
}

const char *entry_key_near(struct slice name)
{
	const char *near = NULL;
	uint32_t best = NEAR_MAX + 1;

	for (int i = 0; i < ENTRY_KEYS_MAX; i++) {
		uint32_t far = slice_distance(name, slice_str(key_name[i]));

		if (far < best && far < strlen(key_name[i])) {
			best = far;
			near = key_name[i];
		}
	}
	return near;
}

const char *entry_key_name(enum entry_key key)
{
	return key_name[key];
}

void entry_clear(struct entry *e)
{
	memset(e, 0, sizeof(*e));
}

void entry_wipe(struct entry *e)
{
	OPENSSL_cleanse(e, sizeof(*e));
}

static bool set_text(char *out, size_t cap, struct slice value, char *error)
{
	if (value.len >= cap) {
		snprintf(error, ENTRY_ERROR_MAX, "longer than %zu octets", cap - 1);
		return false;
	}
	if (value.len)
		memcpy(out, value.p, value.len);
	out[value.len] = 0;
	return true;
}

/* User name and realm of a network access identifier (TS 23.003 §13.3). Without a colon,
 * because the digest is made over "name:realm:password" (RFC 7616 §3.4.2), and without what
 * would need quotes in SIP. */
static bool is_impi(struct slice s)
{
	uint32_t at = slice_find(s, '@');

	if (at == 0 || at + 1 >= s.len ||
	    slice_find(slice_from(s, at + 1), '@') < s.len - at - 1)
		return false;
	for (uint32_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 127 || strchr("\"\\:;,<>", s.p[i]))
			return false;
	return true;
}

static bool set_impi(struct entry *e, struct slice value, char *error)
{
	if (!is_impi(value))
		return refuse(error, "not a private identity (name@realm)");
	return set_text(e->sub.impi, sizeof(e->sub.impi), value, error);
}

/* The value is as many octets in hexadecimal digits. */
static bool set_hex(uint8_t *out, uint32_t octets, struct slice value, char *error)
{
	if (value.len != 2 * octets) {
		snprintf(error, ENTRY_ERROR_MAX, "%u hexadecimal digits, not %u", value.len,
			 2 * octets);
		return false;
	}
	if (!hex_decode(value, out, octets))
		return refuse(error, "not all are hexadecimal digits");
	return true;
}

static bool set_ha1(char *out, uint32_t digits, struct slice value, char *error)
{
	uint8_t octets[SHA256_HEX / 2];
	struct text t = text_in(out, digits + 1);

	if (!set_hex(octets, digits / 2, value, error))
		return false;
	text_hex_bytes(&t, slice_of(octets, digits / 2));
	text_cstr(&t);
	OPENSSL_cleanse(octets, sizeof(octets));
	return true;
}

/* Twelve hexadecimal digits as an export has them, "0x" and up to twelve, or a decimal number.
 */
static bool set_sqn(struct entry *e, struct slice value, char *error)
{
	uint8_t octets[6], digits[2 * sizeof(octets)];
	struct slice hex = value;

	if (slice_eq_nocase(slice_sub(value, 0, 2), SLICE("0x")))
		hex = slice_from(value, 2);
	else if (value.len != sizeof(digits))
		return slice_u64(value, SQN_MAX, &e->sub.sqn) || refuse(error, not_sqn);
	if (hex.len == 0 || hex.len > sizeof(digits))
		return refuse(error, not_sqn);
	memset(digits, '0', sizeof(digits));
	memcpy(digits + sizeof(digits) - hex.len, hex.p, hex.len);
	if (!hex_decode(slice_of(digits, sizeof(digits)), octets, sizeof(octets)))
		return refuse(error, not_sqn);
	e->sub.sqn = 0;
	for (size_t i = 0; i < sizeof(octets); i++)
		e->sub.sqn = e->sub.sqn << 8 | octets[i];
	return true;
}

static bool begins_identity(struct slice s)
{
	static const char *const scheme[] = {"sip:", "sips:", "tel:"};

	for (size_t i = 0; i < sizeof(scheme) / sizeof(scheme[0]); i++)
		if (slice_eq_nocase(slice_sub(s, 0, (uint32_t)strlen(scheme[i])),
				    slice_str(scheme[i])))
			return true;
	return false;
}

/* Takes the first of a list of identities off. */
static struct slice next_identity(struct slice *list)
{
	uint32_t end = slice_find(*list, ';');
	struct slice one;

	while (end < list->len) {
		struct slice behind = slice_trim(slice_from(*list, end + 1));

		if (behind.len == 0 || begins_identity(behind))
			break;
		end += 1 + slice_find(slice_from(*list, end + 1), ';');
	}
	one = slice_trim(slice_sub(*list, 0, end));
	*list = slice_trim(slice_from(*list, end + 1));
	return one;
}

static bool canonical(struct slice identity, char out[IMPU_MAX + 1], char *error)
{
	return hss_canonical(identity, out) ||
	       refuse(error, "not a public identity (sip:user@domain or tel:+digits)");
}

static int find_identity(const char (*list)[IMPU_MAX + 1], uint32_t n, const char *impu)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(list[i], impu) == 0)
			return (int)i;
	return -1;
}

/* Appends one to a list in which no identity may be twice. */
static bool add_identity(char (*list)[IMPU_MAX + 1], uint32_t *n, struct slice identity,
			 char *error)
{
	char impu[IMPU_MAX + 1];

	if (!canonical(identity, impu, error))
		return false;
	if (find_identity((const char(*)[IMPU_MAX + 1]) list, *n, impu) >= 0)
		return refuse(error, "the same public identity twice");
	if (*n == SET_IMPUS_MAX) {
		snprintf(error, ENTRY_ERROR_MAX, "more than %d public identities",
			 SET_IMPUS_MAX);
		return false;
	}
	memcpy(list[(*n)++], impu, sizeof(impu));
	return true;
}

static bool add_identities(char (*list)[IMPU_MAX + 1], uint32_t *n, struct slice value,
			   char *error)
{
	while (value.len)
		if (!add_identity(list, n, next_identity(&value), error))
			return false;
	return true;
}

/* Names of profiles and subscriptions stand in commands and in files. */
static bool set_name(char out[STORE_NAME_MAX + 1], struct slice value, char *error)
{
	for (uint32_t i = 0; i < value.len; i++)
		if (!ascii_is_alpha(value.p[i]) && !ascii_is_digit(value.p[i]) &&
		    !strchr("._-@+", value.p[i]))
			return refuse(error, "not a name: letters, digits and . _ - @ +");
	return set_text(out, STORE_NAME_MAX + 1, value, error);
}

static bool add_profiled(struct entry *e, struct slice value, char *error)
{
	while (value.len) {
		struct slice pair = next_identity(&value);
		uint32_t space = slice_find(pair, ' ');
		uint32_t i = e->n_profiled;

		if (space == pair.len)
			return refuse(error, "wants \"IMPU NAME\"");
		if (!add_identity(e->profiled, &e->n_profiled, slice_sub(pair, 0, space),
				  error) ||
		    !set_name(e->profile_of[i], slice_trim(slice_from(pair, space)), error))
			return false;
	}
	return true;
}

/* A network name as P-Visited-Network-ID has it, or "*". */
static bool add_visited(struct entry *e, struct slice value, char *error)
{
	while (value.len) {
		uint32_t end = slice_find(value, ';');
		struct slice one = slice_trim(slice_sub(value, 0, end));

		value = slice_from(value, end + 1);
		if (one.len == 0)
			continue;
		for (uint32_t i = 0; i < one.len; i++)
			if (one.p[i] <= ' ' || one.p[i] >= 127)
				return refuse(error, "not the name of a network");
		if (e->sub.n_visited == STORE_VISITED_MAX) {
			snprintf(error, ENTRY_ERROR_MAX, "more than %d networks",
				 STORE_VISITED_MAX);
			return false;
		}
		if (!set_text(e->sub.visited[e->sub.n_visited], STORE_HOST_MAX + 1, one, error))
			return false;
		e->sub.n_visited++;
	}
	return true;
}

/* It goes into the XML of User-Data, which takes nothing else. */
static bool set_display(struct entry *e, struct slice value, char *error)
{
	char *name = e->sub.display_name;

	for (uint32_t i = 0; i < value.len; i++)
		if (value.p[i] < ' ' || value.p[i] == 127)
			return refuse(error, "a control character");
	return set_text(name, sizeof(e->sub.display_name), value, error) &&
	       (xmlCheckUTF8((const unsigned char *)name) == 1 || refuse(error, "not UTF-8"));
}

/* It stands in quotes in a challenge, and between colons in HA1. */
static bool set_realm(struct entry *e, struct slice value, char *error)
{
	for (uint32_t i = 0; i < value.len; i++)
		if (value.p[i] <= ' ' || value.p[i] >= 127 || strchr("\"\\:", value.p[i]))
			return refuse(error, "not a realm");
	return set_text(e->sub.digest_realm, sizeof(e->sub.digest_realm), value, error);
}

bool entry_framed(struct slice text, struct addr *out, uint8_t *bits)
{
	uint32_t slash = slice_find(text, '/');
	uint64_t n = 0;

	if (!addr_parse_ip(slice_sub(text, 0, slash), out))
		return false;
	*bits = out->family == 4 ? 32 : 128;
	if (slash == text.len)
		return true;
	if (out->family != 6 || !slice_u64(slice_from(text, slash + 1), 128, &n))
		return false;
	*bits = (uint8_t)n;
	return n > 0;
}

static bool set_framed(struct entry *e, struct slice value, char *error)
{
	struct addr framed;
	uint8_t bits;

	if (!entry_framed(value, &framed, &bits))
		return refuse(error, "not an address, or a prefix of IPv6");
	return set_text(e->sub.giba, sizeof(e->sub.giba), value, error);
}

static bool is_list(enum entry_key key)
{
	return key == ENTRY_IMPU || key == ENTRY_VISITED || key == ENTRY_BARRED ||
	       key == ENTRY_IMPU_PROFILE || service_has(key);
}

static bool take(struct entry *e, enum entry_key key, struct slice value, char *error)
{
	struct store_subscriber *s = &e->sub;

	switch (key) {
	case ENTRY_IMPI:
		return set_impi(e, value, error);
	case ENTRY_IMPU:
		return add_identities(s->impu, &s->n_impus, value, error);
	case ENTRY_K:
		s->k256 = value.len == 64;
		return set_hex(s->k, s->k256 ? 32 : 16, value, error);
	case ENTRY_OP:
		return set_hex(e->op, sizeof(e->op), value, error);
	case ENTRY_OPC:
		return set_hex(s->opc, 16, value, error);
	case ENTRY_TOP:
		return set_hex(e->top, sizeof(e->top), value, error);
	case ENTRY_TOPC:
		s->tuak = true;
		return set_hex(s->opc, sizeof(s->opc), value, error);
	case ENTRY_AMF:
		return set_hex(s->amf, sizeof(s->amf), value, error);
	case ENTRY_SQN:
		return set_sqn(e, value, error);
	case ENTRY_PASSWORD:
		return set_text(e->password, sizeof(e->password), value, error);
	case ENTRY_HA1:
		return set_ha1(s->ha1, MD5_HEX, value, error);
	case ENTRY_HA1_SHA256:
		return set_ha1(s->ha1_sha256, SHA256_HEX, value, error);
	case ENTRY_REALM:
		return set_realm(e, value, error);
	case ENTRY_GIBA:
		return set_framed(e, value, error);
	case ENTRY_VISITED:
		return add_visited(e, value, error);
	case ENTRY_SUBSCRIPTION:
		return set_name(s->subscription, value, error);
	case ENTRY_PROFILE:
		return set_name(s->profile, value, error);
	case ENTRY_IMPU_PROFILE:
		return add_profiled(e, value, error);
	case ENTRY_BARRED:
		return add_identities(e->barred, &e->n_barred, value, error);
	case ENTRY_DISPLAY:
		return set_display(e, value, error);
	case ENTRY_CAPABILITIES:
	case ENTRY_CAPABILITIES_OPTIONAL:
	case ENTRY_SCSCF:
	case ENTRY_CCF:
	case ENTRY_ECF:
		return service_take(&s->service, key, value, error);
	case ENTRY_KEYS_MAX:
		break;
	}
	return refuse(error, "unknown key");
}

bool entry_set(struct entry *e, enum entry_key key, struct slice value,
	       char error[ENTRY_ERROR_MAX])
{
	uint32_t bit = 1u << key;

	if (value.len && memchr(value.p, 0, value.len))
		return refuse(error, "a NUL octet");
	if ((e->given & bit) && !is_list(key))
		return refuse(error, "given twice");
	/* Blanks are part of a password. */
	if (key != ENTRY_PASSWORD)
		value = slice_trim(value);
	/* Secrets, identities and numbers cannot be emptied. */
	if (value.len == 0 && !is_list(key) && key != ENTRY_PROFILE && key != ENTRY_DISPLAY &&
	    key != ENTRY_GIBA)
		return true;
	e->given |= bit;
	return value.len == 0 || take(e, key, value, error);
}

static bool at(enum entry_key *where, enum entry_key key, bool fine)
{
	if (!fine)
		*where = key;
	return fine;
}

static bool digest_hex(const EVP_MD *md, const struct entry *e, char *out, size_t cap)
{
	char text[sizeof(e->sub.impi) + sizeof(e->sub.digest_realm) + sizeof(e->password) + 2];
	int len = snprintf(text, sizeof(text), "%s:%s:%s", e->sub.impi, e->sub.digest_realm,
			   e->password);
	struct text t = text_in(out, cap);
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	bool made = EVP_Digest(text, (size_t)len, hash, &n, md, NULL) == 1;

	if (made)
		text_hex_bytes(&t, slice_of(hash, n));
	text_cstr(&t);
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(hash, sizeof(hash));
	return made && !t.overflow;
}

/* HA1 of RFC 7616 §3.4.2 and RFC 8760 is kept, and the password is not. */
static bool make_ha1(struct entry *e, enum entry_key *where, char *error)
{
	struct store_subscriber *s = &e->sub;

	if (!GIVEN(e, PASSWORD))
		return true;
	if (GIVEN(e, HA1) || GIVEN(e, HA1_SHA256))
		return at(where, ENTRY_HA1,
			  refuse(error, "a password and its hash exclude each other"));
	if (digest_hex(EVP_md5(), e, s->ha1, sizeof(s->ha1)) &&
	    digest_hex(EVP_sha256(), e, s->ha1_sha256, sizeof(s->ha1_sha256)))
		return true;
	return at(where, ENTRY_PASSWORD, refuse(error, "the crypto library failed"));
}

static bool gives_opc(const struct entry *e)
{
	return GIVEN(e, OP) || GIVEN(e, OPC) || GIVEN(e, TOP) || GIVEN(e, TOPC);
}

/* Milenage works with OPc, TUAK with TOPc; OP and TOP, the operator's, need not lie about (TS
 * 35.206 §4.1, TS 35.231 §6.2). */
static bool make_opc(struct entry *e, enum entry_key *where, char *error)
{
	struct store_subscriber *s = &e->sub;

	if (GIVEN(e, OP) + GIVEN(e, OPC) + GIVEN(e, TOP) + GIVEN(e, TOPC) > 1)
		return at(where, GIVEN(e, OP) ? ENTRY_OP : ENTRY_TOP,
			  refuse(error, "op, opc, top and topc exclude each other"));
	if (GIVEN(e, TOP)) {
		s->tuak = true;
		tuak_topc(&(struct tuak_key){s->k, s->k256}, e->top, s->opc);
	}
	if (s->k256 && !s->tuak)
		return at(where, ENTRY_K,
			  refuse(error, "a k of 64 digits goes with top or topc (TUAK)"));
	if (GIVEN(e, OP) && milenage_opc(e->sub.k, e->op, e->sub.opc) != 0)
		return at(where, ENTRY_OP, refuse(error, "the crypto library failed"));
	return true;
}

static bool apply_barred(struct entry *e, enum entry_key *where, char *error)
{
	for (uint32_t i = 0; i < e->n_barred; i++) {
		int k = find_identity((const char(*)[IMPU_MAX + 1]) e->sub.impu, e->sub.n_impus,
				      e->barred[i]);

		if (k < 0)
			return at(
				where, ENTRY_BARRED,
				refuse(error, "not one of the subscriber's public identities"));
		e->sub.barred[k] = true;
	}
	return true;
}

static bool apply_profiled(struct entry *e, enum entry_key *where, char *error)
{
	for (uint32_t i = 0; i < e->n_profiled; i++) {
		int k = find_identity((const char(*)[IMPU_MAX + 1]) e->sub.impu, e->sub.n_impus,
				      e->profiled[i]);

		if (k < 0)
			return at(
				where, ENTRY_IMPU_PROFILE,
				refuse(error, "not one of the subscriber's public identities"));
		memcpy(e->sub.impu_profile[k], e->profile_of[i],
		       sizeof(e->sub.impu_profile[k]));
	}
	return true;
}

static bool finish(struct entry *e, enum entry_key *where, char *error)
{
	struct store_subscriber *s = &e->sub;

	if (!*s->digest_realm && (*s->ha1 || *s->ha1_sha256))
		return at(where, ENTRY_REALM, refuse(error, "no realm for the password"));
	if (!*s->ha1 && *s->ha1_sha256)
		return at(where, ENTRY_HA1, refuse(error, "ha1_sha256 wants ha1 beside it"));
	if (s->n_impus == 0)
		return at(where, ENTRY_IMPU, refuse(error, "no public identity"));
	if (s->auth == 0)
		return at(where, ENTRY_GIBA,
			  refuse(error, "the subscriber has nothing else to register by"));
	return apply_barred(e, where, error) && apply_profiled(e, where, error);
}

bool entry_complete(struct entry *e, const struct entry_defaults *d, enum entry_key *where,
		    char error[ENTRY_ERROR_MAX])
{
	struct store_subscriber *s = &e->sub;
	bool digest = GIVEN(e, PASSWORD) || GIVEN(e, HA1);

	if (!GIVEN(e, IMPI))
		return at(where, ENTRY_IMPI, refuse(error, "no private identity"));
	if (GIVEN(e, K) != gives_opc(e))
		return at(where, ENTRY_K, refuse(error, "k goes with op or opc, top or topc"));
	if (!GIVEN(e, K) && !digest && !*s->giba)
		return at(where, ENTRY_K,
			  refuse(error, "wants k with op or opc, a password, or giba"));
	if (!GIVEN(e, AMF))
		memcpy(s->amf, d->amf, sizeof(s->amf));
	if (!GIVEN(e, REALM) && digest)
		snprintf(s->digest_realm, sizeof(s->digest_realm), "%s", d->realm);
	s->auth = (GIVEN(e, K) ? STORE_AUTH_AKA : 0) | (digest ? STORE_AUTH_DIGEST : 0) |
		  (*s->giba ? STORE_AUTH_GIBA : 0);
	return make_opc(e, where, error) && make_ha1(e, where, error) &&
	       finish(e, where, error);
}

/* What old has and the change does not give. */
static void keep_identities(struct entry *e, const struct store_subscriber *old)
{
	struct store_subscriber *s = &e->sub;

	if (!GIVEN(e, IMPU)) {
		s->n_impus = old->n_impus;
		memcpy(s->impu, old->impu, sizeof(s->impu));
	}
	for (uint32_t i = 0; i < s->n_impus; i++) {
		int k = find_identity(old->impu, old->n_impus, s->impu[i]);

		if (k < 0)
			continue;
		if (!GIVEN(e, BARRED))
			s->barred[i] = old->barred[k];
		if (!GIVEN(e, IMPU_PROFILE))
			memcpy(s->impu_profile[i], old->impu_profile[k],
			       sizeof(s->impu_profile[i]));
	}
}

static void keep_texts(struct entry *e, const struct store_subscriber *old)
{
	struct store_subscriber *s = &e->sub;

	memcpy(s->subscription, old->subscription, sizeof(s->subscription));
	if (!GIVEN(e, VISITED)) {
		s->n_visited = old->n_visited;
		memcpy(s->visited, old->visited, sizeof(s->visited));
	}
	if (!GIVEN(e, PROFILE))
		memcpy(s->profile, old->profile, sizeof(s->profile));
	if (!GIVEN(e, DISPLAY))
		memcpy(s->display_name, old->display_name, sizeof(s->display_name));
	service_keep(&s->service, &old->service, e->given);
}

static void keep_secrets(struct entry *e, const struct store_subscriber *old)
{
	struct store_subscriber *s = &e->sub;

	s->auth = old->auth & ~(uint32_t)STORE_AUTH_GIBA;
	if (!GIVEN(e, GIBA))
		memcpy(s->giba, old->giba, sizeof(s->giba));
	if (*s->giba)
		s->auth |= STORE_AUTH_GIBA;
	if (GIVEN(e, K))
		s->auth |= STORE_AUTH_AKA;
	else {
		memcpy(s->k, old->k, sizeof(s->k));
		s->k256 = old->k256;
	}
	if (!gives_opc(e)) {
		memcpy(s->opc, old->opc, sizeof(s->opc));
		s->tuak = old->tuak;
	}
	if (!GIVEN(e, AMF) && (old->auth & STORE_AUTH_AKA))
		memcpy(s->amf, old->amf, sizeof(s->amf));
	if (GIVEN(e, PASSWORD) || GIVEN(e, HA1)) {
		s->auth |= STORE_AUTH_DIGEST;
		return;
	}
	memcpy(s->ha1, old->ha1, sizeof(s->ha1));
	memcpy(s->ha1_sha256, old->ha1_sha256, sizeof(s->ha1_sha256));
}

bool entry_change(struct entry *e, const struct store_subscriber *old,
		  const struct entry_defaults *d, enum entry_key *where,
		  char error[ENTRY_ERROR_MAX])
{
	struct store_subscriber *s = &e->sub;
	bool digest = GIVEN(e, PASSWORD) || GIVEN(e, HA1);

	if (GIVEN(e, IMPI) && strcmp(s->impi, old->impi) != 0)
		return at(where, ENTRY_IMPI,
			  refuse(error, "a private identity cannot be changed"));
	memcpy(s->impi, old->impi, sizeof(s->impi));
	if (GIVEN(e, SUBSCRIPTION) && strcmp(s->subscription, old->subscription) != 0)
		return at(where, ENTRY_SUBSCRIPTION,
			  refuse(error,
				 "a subscriber stays in its subscription: delete and add it"));
	if (GIVEN(e, K) && !gives_opc(e))
		return at(where, ENTRY_K,
			  refuse(error, "a new k wants op or opc with it, or top or topc"));
	if (!GIVEN(e, K) && gives_opc(e) && !(old->auth & STORE_AUTH_AKA))
		return at(where, ENTRY_OP, refuse(error, "op and opc want k with them"));
	if (GIVEN(e, HA1_SHA256) && !GIVEN(e, HA1))
		return at(where, ENTRY_HA1, refuse(error, "ha1_sha256 wants ha1 beside it"));
	if (GIVEN(e, REALM) && !digest && strcmp(s->digest_realm, old->digest_realm) != 0)
		return at(where, ENTRY_REALM,
			  refuse(error, "a new realm wants the password with it"));
	if (!GIVEN(e, REALM))
		snprintf(s->digest_realm, sizeof(s->digest_realm), "%s",
			 *old->digest_realm ? old->digest_realm
			 : digest           ? d->realm
					    : "");
	if (!GIVEN(e, AMF))
		memcpy(s->amf, d->amf, sizeof(s->amf));
	keep_identities(e, old);
	keep_texts(e, old);
	keep_secrets(e, old);
	return make_opc(e, where, error) && make_ha1(e, where, error) &&
	       finish(e, where, error);
}
