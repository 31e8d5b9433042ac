/* register.c - registrations by IMS-AKA (RFC 3310) or SIP Digest (RFC 7616), and their
 * refreshes */
#include <openssl/evp.h>

#include "aka/milenage.h"
#include "blast/say.h"
#include "sip/field.h"

enum { EXPIRES = 3600, NONCE_MAX = 128, ASKING = 0, PROVING = 1 };

static void md5_hex(struct text *out, struct slice text)
{
	uint8_t digest[16];
	unsigned len = sizeof(digest);

	EVP_Digest(text.p, text.len, digest, &len, EVP_md5(), NULL);
	text_hex_bytes(out, slice_of(digest, len));
}

static void put_register(struct text *t, struct blast *b, const struct attempt *a, uint64_t id)
{
	struct person *p = &b->person[a->person];
	struct addr at = person_addr(a->person);

	if (p->sa_id)
		at.port = person_protected_port(a->person);
	text_lit(t, "REGISTER sip:");
	text_str(t, b->o.domain);
	text_lit(t, " SIP/2.0\r\nVia: SIP/2.0/UDP ");
	addr_put(t, &at);
	text_lit(t, ";branch=z9hG4bK");
	text_hex(t, b->run, 8);
	text_hex(t, id, 8);
	text_u64(t, ++p->cseq);
	text_lit(t, ";rport\r\nMax-Forwards: 70\r\nFrom: <");
	say_identity(t, b, a->person);
	text_lit(t, ">;tag=r");
	text_hex(t, a->person, 8);
	text_lit(t, "\r\nTo: <");
	say_identity(t, b, a->person);
	text_lit(t, ">\r\nCall-ID: r");
	text_hex(t, a->person, 8);
	text_char(t, '-');
	text_hex(t, b->run, 8);
	text_lit(t, "\r\nCSeq: ");
	text_u64(t, p->cseq);
	text_lit(t, " REGISTER\r\n");
	say_contact(t, b, a->person);
	text_lit(t, ";expires=");
	text_u64(t, EXPIRES);
	text_lit(t, "\r\nP-Access-Network-Info: 3GPP-E-UTRAN-FDD;"
		    "utran-cell-id-3gpp=26201ABCD1234567\r\nSupported: path\r\n");
	if (!b->ipsec)
		return;
	text_lit(t, "Require: sec-agree\r\nProxy-Require: sec-agree\r\n");
	ipsec_put_client(t, b->ipsec, p, a->person);
}

static void put_identity(struct text *t, const struct blast *b, uint32_t person)
{
	text_lit(t, "Authorization: Digest username=\"");
	text_put(t, slice_of(b->person[person].name, b->person[person].name_len));
	text_char(t, '@');
	text_str(t, b->o.domain);
	text_lit(t, "\",realm=\"");
	text_str(t, b->o.domain);
	text_lit(t, "\",uri=\"sip:");
	text_str(t, b->o.domain);
	text_lit(t, "\",nonce=\"");
}

/* In clear, as a terminal that was switched on (TS 33.203 §7.2). */
static void begin_agreement(struct blast *b, uint32_t person)
{
	ipsec_leave(b->ipsec, &b->person[person]);
	ipsec_offer(&b->person[person], person);
}

static uint32_t next_missing(struct blast *b)
{
	for (uint32_t n = 0; n < b->n_people; n++) {
		b->at = (b->at + 1) % b->n_people;
		if (!b->person[b->at].registered)
			break;
	}
	return b->at;
}

static void begin_register(struct blast *b, uint64_t id, struct attempt *a)
{
	uint8_t memory[LINK_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));

	a->person = b->missing ? next_missing(b) : (uint32_t)(id % b->n_people);
	a->state = ASKING;
	b->person[a->person].attempt = (uint32_t)id;
	if (b->ipsec)
		begin_agreement(b, a->person);
	put_register(&t, b, a, id);
	put_identity(&t, b, a->person);
	text_lit(&t, "\",response=\"\"\r\nContent-Length: 0\r\n\r\n");
	blast_send(b, a->person, &t);
}

struct challenge {
	struct slice nonce, qop, algorithm;
};

static bool read_challenge(struct slice value, struct challenge *c)
{
	struct slice scheme, rest, name, field;

	*c = (struct challenge){0};
	if (!sip_auth_scheme(value, &scheme, &rest))
		return false;
	while (sip_auth_param(&rest, &name, &field)) {
		if (slice_eq_nocase(name, SLICE("nonce")))
			c->nonce = field;
		else if (slice_eq_nocase(name, SLICE("qop")))
			c->qop = field;
		else if (slice_eq_nocase(name, SLICE("algorithm")))
			c->algorithm = field;
	}
	return c->nonce.len > 0 && c->nonce.len < NONCE_MAX;
}

struct answer {
	uint8_t res[8], ck[16], ik[16];
};

/* Of AKA the nonce begins with RAND and AUTN in base64 (RFC 3310 §3.2). */
static bool aka_answer(const struct person *p, struct slice nonce, struct answer *a)
{
	uint8_t ak[6], ak_star[6], octets[NONCE_MAX];

	return nonce.len % 4 == 0 && EVP_DecodeBlock(octets, nonce.p, (int)nonce.len) >= 32 &&
	       milenage_f2345(p->k, p->opc, octets, a->res, a->ck, a->ik, ak, ak_star) == 0;
}

/* What the response is made with: the password, or RES. */
static void put_secret(struct text *t, const struct person *p, const struct answer *a)
{
	if (p->has_password)
		text_str(t, p->password);
	else
		text_put(t, slice_of(a->res, sizeof(a->res)));
}

static void put_response(struct text *t, const struct blast *b, uint32_t person,
			 const struct challenge *c, const struct answer *a)
{
	uint8_t memory[3][512];
	struct text a1 = text_in(memory[0], 512), a2 = text_in(memory[1], 512),
		    all = text_in(memory[2], 512);

	text_put(&a1, slice_of(b->person[person].name, b->person[person].name_len));
	text_char(&a1, '@');
	text_str(&a1, b->o.domain);
	text_char(&a1, ':');
	text_str(&a1, b->o.domain);
	text_char(&a1, ':');
	put_secret(&a1, &b->person[person], a);
	text_lit(&a2, "REGISTER:sip:");
	text_str(&a2, b->o.domain);
	md5_hex(&all, text_slice(&a1));
	text_char(&all, ':');
	text_put(&all, c->nonce);
	text_char(&all, ':');
	if (c->qop.len)
		text_lit(&all, "00000001:0a4f113b:auth:");
	md5_hex(&all, text_slice(&a2));
	put_identity(t, b, person);
	text_put(t, c->nonce);
	text_lit(t, "\",algorithm=");
	text_put(t, c->algorithm);
	text_lit(t, ",");
	if (c->qop.len)
		text_lit(t, "qop=auth,nc=00000001,cnonce=\"0a4f113b\",");
	text_lit(t, "response=\"");
	md5_hex(t, text_slice(&all));
	text_lit(t, "\"\r\n");
}

/* From here on the terminal is protected. */
static bool agree(struct blast *b, struct attempt *a, const struct heard *h,
		  const struct answer *answer)
{
	return ipsec_agree(b->ipsec, &b->person[a->person], a->person, &b->o.node,
			   h->security_server, answer->ck, answer->ik, &b->protected_port);
}

static void prove(struct blast *b, struct attempt *a, const struct heard *h)
{
	const struct person *p = &b->person[a->person];
	uint8_t memory[LINK_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));
	struct answer answer = {0};
	struct challenge c;

	if (a->state != ASKING || !read_challenge(h->challenge, &c) ||
	    (!p->has_password && !aka_answer(p, c.nonce, &answer)) ||
	    (b->ipsec && !agree(b, a, h, &answer))) {
		blast_failed(b, a, FAIL_UNEXPECTED, 401);
		return;
	}
	a->state = PROVING;
	put_register(&t, b, a, p->attempt);
	if (b->ipsec) {
		text_lit(&t, "Security-Verify: ");
		text_put(&t, h->security_server);
		text_lit(&t, "\r\n");
	}
	put_response(&t, b, a->person, &c, &answer);
	text_lit(&t, "Content-Length: 0\r\n\r\n");
	blast_send(b, a->person, &t);
}

static void take_register(struct blast *b, struct attempt *a, const struct heard *h)
{
	if (!a || h->status < 200)
		return;
	if (h->status == 401) {
		prove(b, a, h);
		return;
	}
	if (h->status >= 300) {
		blast_failed(b, a, FAIL_STATUS, h->status);
		return;
	}
	b->person[a->person].registered = true;
	if (h->service_route.len && h->service_route.len <= ROUTE_MAX) {
		memcpy(b->service_route, h->service_route.p, h->service_route.len);
		b->service_route_len = (uint16_t)h->service_route.len;
	}
	blast_mark(b, a, a->due);
	blast_done(b, a);
}

const struct scenario scenario_register = {"register", begin_register, take_register};

static void begin_refresh(struct blast *b, uint64_t id, struct attempt *a)
{
	uint8_t memory[LINK_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));

	a->person = (uint32_t)(id % b->n_people);
	b->person[a->person].attempt = (uint32_t)id;
	put_register(&t, b, a, id);
	text_lit(&t, "Content-Length: 0\r\n\r\n");
	blast_send(b, a->person, &t);
}

static void take_refresh(struct blast *b, struct attempt *a, const struct heard *h)
{
	if (!a || h->status < 200)
		return;
	blast_mark(b, a, a->due);
	if (h->status < 300)
		blast_done(b, a);
	else
		blast_failed(b, a, FAIL_STATUS, h->status);
}

const struct scenario scenario_refresh = {"refresh", begin_refresh, take_refresh};
