/* auth.h - digest access authentication as SIP and IMS AKA use it
 *
 * RFC 2617 and RFC 7616 (MD5, SHA-256; qop "auth", and none), RFC 8760, RFC 3310 (AKAv1-MD5),
 * RFC 4169 (AKAv2-MD5).
 * Pure functions over text; any thread. Passwords are never seen: HA1 or XRES come from the
 * HSS.
 */
#pragma once

#include "control/nonce.h"
#include "sip/sip.h"

enum auth_algorithm { AUTH_MD5, AUTH_SHA256, AUTH_AKAV1_MD5, AUTH_AKAV2_MD5, AUTH_UNSUPPORTED };

/* What an Authorization header says; slices into the message, quotes taken off. */
struct auth_credentials {
	struct slice username, realm, nonce, uri, response, cnonce, nc, qop, auts;
	enum auth_algorithm algorithm;
	bool algorithm_given;
	bool integrity_protected; /* as a P-CSCF says: "yes" (TS 24.229 §5.2.2.2) */
};

enum auth_found { AUTH_NONE, AUTH_FOUND, AUTH_MALFORMED };

/* `id`: Authorization or Proxy-Authorization. Of several Digest headers the one for `realm` is
 * taken, else the first. */
enum auth_found auth_decode(const struct sip_msg *msg, enum sip_header_id id,
			    struct slice realm, struct auth_credentials *out);

/* True if it answers a challenge. The first REGISTER of an IMS terminal has a username, and
 * empty nonce and response (TS 24.229 §5.1.1.2.1). */
bool auth_is_response(const struct auth_credentials *c);

enum { AUTH_DIGEST_MAX = 64 };
/* Hexadecimal HA1 = H(username:realm:secret), lower case, NUL-terminated. `algorithm` gives the
 * hash. 0, or -1 if the crypto library fails. */
int auth_ha1(enum auth_algorithm algorithm, struct slice username, struct slice realm,
	     struct slice secret, char out[AUTH_DIGEST_MAX + 1]);
/* The response that the credentials should carry (RFC 7616 §3.4.1; without qop RFC 2617
 * §3.2.2.1). */
int auth_expected(const struct auth_credentials *c, const char *ha1, struct slice method,
		  char out[AUTH_DIGEST_MAX + 1]);

/* True if the response is right for this challenge: algorithm offered, username and realm as
 * challenged, digest equal (in constant time). The nonce count is not looked at: auth_count. */
bool auth_check(const struct challenge *ch, const struct auth_credentials *c,
		struct slice method);
/* The password of AKAv2-MD5 (RFC 4169 §3), NUL-terminated. 0, or -1 if the crypto library
 * fails. */
enum { AUTH_AKAV2_PASSWORD = 24 };
int auth_akav2_password(struct slice res, const uint8_t ik[16], const uint8_t ck[16],
			char out[AUTH_AKAV2_PASSWORD + 1]);

/* After auth_check: true if the nonce count is one not seen yet, which is noted (RFC 7616
 * §3.4). Requests may overtake each other: of the NONCE_WINDOW counts up to the highest each
 * counts once, whatever their order; one below them is refused like one seen. Without qop a
 * nonce serves once. */
bool auth_count(struct challenge *ch, const struct auth_credentials *c);

/* RAND || AUTS for the HSS (TS 29.228 §6.3.1) from the auts parameter; false: not 14 octets of
 * base64. */
bool auth_auts(const struct challenge *ch, const struct auth_credentials *c, uint8_t out[30]);

/* The text of the nonce: AKA: base64(RAND || AUTN) (RFC 3310 §3.2); Digest: random. False: no
 * random numbers. */
bool auth_nonce(const struct cx_vector *v, char out[NONCE_TEXT_MAX + 1]);

enum auth_offer {
	AUTH_OFFER_MD5 = 1,
	AUTH_OFFER_SHA256 = 2,
	AUTH_OFFER_STALE = 4,
	AUTH_OFFER_PROXY = 8,
};
/* WWW-Authenticate, or Proxy-Authenticate, lines with CRLF: for AKA one a version, the later
 * first, with ck and ik where `keys` (a P-CSCF on another node takes them out again: TS 24.229
 * §5.4.1.2.1); for Digest one an offer, the stronger first (RFC 8760 §2.4). */
void auth_challenge_put(struct text *out, const struct challenge *ch, uint32_t offers,
			const struct cx_vector *keys);

/* Bounded: 4 * ((len + 2) / 3) digits to out, NUL-terminated. */
void auth_base64(struct slice s, char *out);
