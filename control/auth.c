/* auth.c - digest access authentication as SIP and IMS AKA use it */
#include "control/auth.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/hash.h"
#include "sip/field.h"

enum { AUTS_OCTETS = 14, AUTS_DIGITS = 20 };

static enum auth_algorithm algorithm_of(struct slice name)
{
	if (slice_eq_nocase(name, SLICE("MD5")))
		return AUTH_MD5;
	if (slice_eq_nocase(name, SLICE("SHA-256")))
		return AUTH_SHA256;
	if (slice_eq_nocase(name, SLICE("AKAv1-MD5")))
		return AUTH_AKAV1_MD5;
	if (slice_eq_nocase(name, SLICE("AKAv2-MD5")))
		return AUTH_AKAV2_MD5;
	return AUTH_UNSUPPORTED;
}

/* False: a parameter that may come once came twice. Taking either would let two readers of one
 * message see two users. */
static bool set_once(struct slice *field, struct slice value)
{
	if (field->p)
		return false;
	*field = value;
	return true;
}

static bool decode_one(struct slice rest, struct auth_credentials *out)
{
	static const struct {
		struct slice name;
		size_t field;
	} table[] = {
		{SLICE("username"), offsetof(struct auth_credentials, username)},
		{SLICE("realm"), offsetof(struct auth_credentials, realm)},
		{SLICE("nonce"), offsetof(struct auth_credentials, nonce)},
		{SLICE("uri"), offsetof(struct auth_credentials, uri)},
		{SLICE("response"), offsetof(struct auth_credentials, response)},
		{SLICE("cnonce"), offsetof(struct auth_credentials, cnonce)},
		{SLICE("nc"), offsetof(struct auth_credentials, nc)},
		{SLICE("qop"), offsetof(struct auth_credentials, qop)},
		{SLICE("auts"), offsetof(struct auth_credentials, auts)},
	};
	struct slice name, value;

	memset(out, 0, sizeof(*out));
	while (sip_auth_param(&rest, &name, &value)) {
		if (slice_eq_nocase(name, SLICE("algorithm"))) {
			if (out->algorithm_given)
				return false;
			out->algorithm = algorithm_of(value);
			out->algorithm_given = true;
			continue;
		}
		if (slice_eq_nocase(name, SLICE("integrity-protected")))
			out->integrity_protected = slice_eq_nocase(value, SLICE("yes"));
		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
			if (slice_eq_nocase(name, table[i].name) &&
			    !set_once((struct slice *)((char *)out + table[i].field), value))
				return false;
	}
	return slice_trim(rest).len == 0;
}

enum auth_found auth_decode(const struct sip_msg *msg, enum sip_header_id id,
			    struct slice realm, struct auth_credentials *out)
{
	enum auth_found found = AUTH_NONE;

	for (const struct sip_header *h = sip_first(msg, id); h; h = sip_next(msg, h)) {
		struct auth_credentials c;
		struct slice scheme, rest;

		if (!sip_auth_scheme(sip_value(msg, h), &scheme, &rest))
			return AUTH_MALFORMED;
		if (!slice_eq_nocase(scheme, SLICE("Digest")))
			continue;
		if (!decode_one(rest, &c))
			return AUTH_MALFORMED;
		if (found == AUTH_NONE ||
		    (slice_eq_nocase(c.realm, realm) && !slice_eq_nocase(out->realm, realm)))
			*out = c;
		found = AUTH_FOUND;
	}
	return found;
}

bool auth_is_response(const struct auth_credentials *c)
{
	return c->nonce.len && (c->response.len || c->auts.len);
}

struct digest {
	EVP_MD_CTX *ctx;
	bool ok;
};

static struct digest digest_start(enum auth_algorithm algorithm)
{
	struct digest d = {.ctx = EVP_MD_CTX_new()};

	d.ok = d.ctx &&
	       EVP_DigestInit_ex(d.ctx, algorithm == AUTH_SHA256 ? EVP_sha256() : EVP_md5(),
				 NULL) == 1;
	return d;
}

static void digest_part(struct digest *d, struct slice part)
{
	if (d->ok && part.len)
		d->ok = EVP_DigestUpdate(d->ctx, part.p, part.len) == 1;
}

static int digest_end(struct digest *d, char out[AUTH_DIGEST_MAX + 1])
{
	uint8_t raw[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct text t = text_in(out, AUTH_DIGEST_MAX + 1);

	if (d->ok)
		d->ok = EVP_DigestFinal_ex(d->ctx, raw, &len) == 1;
	EVP_MD_CTX_free(d->ctx);
	out[0] = 0;
	if (d->ok)
		text_hex_bytes(&t, slice_of(raw, len));
	text_cstr(&t);
	OPENSSL_cleanse(raw, sizeof(raw));
	return d->ok ? 0 : -1;
}

int auth_ha1(enum auth_algorithm algorithm, struct slice username, struct slice realm,
	     struct slice secret, char out[AUTH_DIGEST_MAX + 1])
{
	struct digest d = digest_start(algorithm);

	digest_part(&d, username);
	digest_part(&d, SLICE(":"));
	digest_part(&d, realm);
	digest_part(&d, SLICE(":"));
	digest_part(&d, secret);
	return digest_end(&d, out);
}

int auth_expected(const struct auth_credentials *c, const char *ha1, struct slice method,
		  char out[AUTH_DIGEST_MAX + 1])
{
	char ha2[AUTH_DIGEST_MAX + 1];
	struct digest d = digest_start(c->algorithm);

	digest_part(&d, method);
	digest_part(&d, SLICE(":"));
	digest_part(&d, c->uri);
	if (digest_end(&d, ha2))
		return -1;
	d = digest_start(c->algorithm);
	digest_part(&d, slice_str(ha1));
	digest_part(&d, SLICE(":"));
	digest_part(&d, c->nonce);
	digest_part(&d, SLICE(":"));
	if (c->qop.len) {
		digest_part(&d, c->nc);
		digest_part(&d, SLICE(":"));
		digest_part(&d, c->cnonce);
		digest_part(&d, SLICE(":"));
		digest_part(&d, c->qop);
		digest_part(&d, SLICE(":"));
	}
	digest_part(&d, slice_str(ha2));
	return digest_end(&d, out);
}

int auth_akav2_password(struct slice res, const uint8_t ik[16], const uint8_t ck[16],
			char out[AUTH_AKAV2_PASSWORD + 1])
{
	static const char data[] = "http-digest-akav2-password";
	uint8_t key[16 + 16 + 16], mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	bool ok;

	if (res.len > 16)
		return -1;
	memcpy(key, res.p, res.len);
	memcpy(key + res.len, ik, 16);
	memcpy(key + res.len + 16, ck, 16);
	ok = HMAC(EVP_md5(), key, (int)res.len + 32, (const uint8_t *)data, sizeof(data) - 1,
		  mac, &len) != NULL &&
	     len == 16;
	if (ok)
		auth_base64(slice_of(mac, len), out);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(mac, sizeof(mac));
	return ok ? 0 : -1;
}

/* HA1 of an AKA challenge: RES itself is the password, or what RFC 4169 makes of it. */
static bool aka_ha1(const struct challenge *ch, const struct auth_credentials *c,
		    char out[AUTH_DIGEST_MAX + 1])
{
	struct slice res = slice_of(ch->xres, ch->xres_len);
	char password[AUTH_AKAV2_PASSWORD + 1];
	bool ok;

	if (ch->xres_len == 0)
		return false;
	if (c->algorithm == AUTH_AKAV1_MD5)
		return auth_ha1(AUTH_AKAV1_MD5, c->username, c->realm, res, out) == 0;
	if (c->algorithm != AUTH_AKAV2_MD5 || !ch->akav2)
		return false;
	ok = auth_akav2_password(res, ch->ik, ch->ck, password) == 0 &&
	     auth_ha1(AUTH_AKAV2_MD5, c->username, c->realm, slice_str(password), out) == 0;
	OPENSSL_cleanse(password, sizeof(password));
	return ok;
}

/* HA1 for the algorithm the client used, or false: that one was not offered. An answer to an
 * AKA challenge by plain MD5 is a downgrade (RFC 3310 §3.3). */
static bool challenge_ha1(const struct challenge *ch, const struct auth_credentials *c,
			  char out[AUTH_DIGEST_MAX + 1])
{
	const char *known;

	if (ch->scheme == CX_AUTH_AKA)
		return aka_ha1(ch, c, out);
	if (c->algorithm != AUTH_MD5 && c->algorithm != AUTH_SHA256)
		return false;
	known = c->algorithm == AUTH_SHA256 ? ch->ha1_sha256 : ch->ha1;
	if (strlen(known) != (c->algorithm == AUTH_SHA256 ? 64 : 32))
		return false;
	strcpy(out, known);
	return true;
}

/* Hexadecimal digits in either case; the length is no secret. */
static bool same_digest(struct slice given, const char *expected)
{
	char lower[AUTH_DIGEST_MAX];

	if (given.len != strlen(expected) || given.len > sizeof(lower))
		return false;
	for (uint32_t i = 0; i < given.len; i++)
		lower[i] = (char)ascii_lower(given.p[i]);
	return constant_time_eq(lower, expected, given.len);
}

bool auth_check(const struct challenge *ch, const struct auth_credentials *c,
		struct slice method)
{
	char ha1[AUTH_DIGEST_MAX + 1], expected[AUTH_DIGEST_MAX + 1];
	bool right;

	if (!slice_eq(c->username, slice_str(ch->impi)) ||
	    !slice_eq(c->realm, slice_str(ch->realm)))
		return false;
	if (c->qop.len &&
	    (!slice_eq_nocase(c->qop, SLICE("auth")) || !c->cnonce.len || !c->nc.len))
		return false;
	if (!challenge_ha1(ch, c, ha1))
		return false;
	right = auth_expected(c, ha1, method, expected) == 0 &&
		same_digest(c->response, expected);
	OPENSSL_cleanse(ha1, sizeof(ha1));
	OPENSSL_cleanse(expected, sizeof(expected));
	return right;
}

static bool count_is_new(struct challenge *ch, uint32_t nc)
{
	uint32_t behind = ch->nc - nc;

	if (nc > ch->nc) {
		uint32_t ahead = nc - ch->nc;

		ch->nc_seen = ahead < NONCE_WINDOW ? ch->nc_seen << ahead | 1 : 1;
		ch->nc = nc;
		return true;
	}
	if (nc == 0 || behind >= NONCE_WINDOW || ch->nc_seen >> behind & 1)
		return false;
	ch->nc_seen |= (uint64_t)1 << behind;
	return true;
}

bool auth_count(struct challenge *ch, const struct auth_credentials *c)
{
	uint8_t octet[4];
	uint32_t nc;

	if (!c->qop.len) {
		if (ch->answered)
			return false;
		ch->answered = true;
		ch->nc = UINT32_MAX;
		ch->nc_seen = UINT64_MAX;
		return true;
	}
	if (!hex_decode(c->nc, octet, sizeof(octet)))
		return false;
	nc = (uint32_t)octet[0] << 24 | (uint32_t)octet[1] << 16 | (uint32_t)octet[2] << 8 |
	     octet[3];
	if (!count_is_new(ch, nc))
		return false;
	ch->answered = true;
	return true;
}

static bool is_base64(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '+' || c == '/';
}

bool auth_auts(const struct challenge *ch, const struct auth_credentials *c, uint8_t out[30])
{
	uint8_t decoded[AUTS_DIGITS / 4 * 3];

	/* EVP_DecodeBlock takes white space, and padding anywhere: the form is checked here. */
	if (c->auts.len != AUTS_DIGITS || c->auts.p[AUTS_DIGITS - 1] != '=')
		return false;
	for (uint32_t i = 0; i < AUTS_DIGITS - 1; i++)
		if (!is_base64(c->auts.p[i]))
			return false;
	if (EVP_DecodeBlock(decoded, c->auts.p, AUTS_DIGITS) != (int)sizeof(decoded))
		return false;
	memcpy(out, ch->rand, 16);
	memcpy(out + 16, decoded, AUTS_OCTETS);
	return true;
}

void auth_base64(struct slice s, char *out)
{
	EVP_EncodeBlock((uint8_t *)out, s.p, (int)s.len);
}

bool auth_nonce(const struct cx_vector *v, char out[NONCE_TEXT_MAX + 1])
{
	uint8_t raw[32];

	if (v->scheme == CX_AUTH_AKA) {
		memcpy(raw, v->rand, 16);
		memcpy(raw + 16, v->autn, 16);
	} else if (RAND_bytes(raw, sizeof(raw)) != 1) {
		return false;
	}
	auth_base64(slice_of(raw, sizeof(raw)), out);
	return true;
}

/* Quotes and backslashes in a realm would end the quoted string early. */
static void put_quoted(struct text *out, struct slice s)
{
	text_char(out, '"');
	for (uint32_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			text_char(out, '\\');
		text_char(out, s.p[i]);
	}
	text_char(out, '"');
}

static void challenge_line(struct text *out, const struct challenge *ch, const char *algorithm,
			   uint32_t offers, const struct cx_vector *keys)
{
	text_str(out, offers & AUTH_OFFER_PROXY ? "Proxy-Authenticate" : "WWW-Authenticate");
	text_lit(out, ": Digest realm=");
	put_quoted(out, slice_str(ch->realm));
	text_lit(out, ",nonce=\"");
	text_str(out, ch->nonce);
	text_lit(out, "\",algorithm=");
	text_str(out, algorithm);
	text_lit(out, ",qop=\"auth\",opaque=\"");
	/* Nothing is read back from it: the nonce alone finds the challenge. Some terminals
	 * want one. */
	text_hex(out, hash_table(&(struct hash_key){0}, ch->nonce, (uint32_t)strlen(ch->nonce)),
		 16);
	text_lit(out, "\"");
	if (offers & AUTH_OFFER_STALE)
		text_lit(out, ",stale=true");
	if (keys) {
		text_lit(out, ",ck=\"");
		text_hex_bytes(out, slice_of(keys->ck, sizeof(keys->ck)));
		text_lit(out, "\",ik=\"");
		text_hex_bytes(out, slice_of(keys->ik, sizeof(keys->ik)));
		text_lit(out, "\"");
	}
	text_lit(out, "\r\n");
}

void auth_challenge_put(struct text *out, const struct challenge *ch, uint32_t offers,
			const struct cx_vector *keys)
{
	if (ch->scheme == CX_AUTH_AKA) {
		if (ch->akav2)
			challenge_line(out, ch, "AKAv2-MD5", 0, keys);
		challenge_line(out, ch, "AKAv1-MD5", 0, keys);
		return;
	}
	if (offers & AUTH_OFFER_SHA256 && ch->ha1_sha256[0])
		challenge_line(out, ch, "SHA-256", offers, NULL);
	if (offers & AUTH_OFFER_MD5 && ch->ha1[0])
		challenge_line(out, ch, "MD5", offers, NULL);
}
