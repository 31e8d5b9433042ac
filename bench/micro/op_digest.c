/* op_digest.c - what a registration computes: digests and authentication vectors */
#include "op.h"

#include <stdlib.h>

#include "aka/aka.h"
#include "control/auth.h"

#define METHOD SLICE("REGISTER")
#define IMPI   "262010000000001@ims.example"
#define REALM  "ims.example"
#define NONCE  "Zm9yIGEgYmVuY2htYXJrIG9ubHksIDMyIG9jdGV0cy4="

struct digest_case {
	struct challenge *challenge;
	struct auth_credentials credentials[OP_INPUTS];
	char cnonce[OP_INPUTS][17];
	char response[OP_INPUTS][AUTH_DIGEST_MAX + 1];
};

static struct challenge *challenge_new(enum cx_auth_scheme scheme)
{
	struct challenge *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->scheme = scheme;
	c->impi = IMPI;
	c->impu = "sip:" IMPI;
	c->realm = REALM;
	c->xres_len = 8;
	memcpy(c->xres, "8 octets", 8);
	if (auth_ha1(AUTH_MD5, SLICE(IMPI), SLICE(REALM), SLICE("secret"), c->ha1) == 0 &&
	    auth_ha1(AUTH_SHA256, SLICE(IMPI), SLICE(REALM), SLICE("secret"), c->ha1_sha256) ==
		    0)
		return c;
	free(c);
	return NULL;
}

/* The response that is right, as a terminal would compute it. */
static bool credentials_make(struct digest_case *d, uint32_t i, enum auth_algorithm algorithm)
{
	struct text t = text_in(d->cnonce[i], sizeof(d->cnonce[i]));
	struct auth_credentials *c = &d->credentials[i];
	char aka_ha1[AUTH_DIGEST_MAX + 1];
	const char *ha1 =
		algorithm == AUTH_SHA256 ? d->challenge->ha1_sha256 : d->challenge->ha1;

	text_hex(&t, 0x9e3779b97f4a7c15u * (i + 1), 16);
	*c = (struct auth_credentials){
		.username = SLICE(IMPI),
		.realm = SLICE(REALM),
		.nonce = SLICE(NONCE),
		.uri = SLICE("sip:ims.example"),
		.cnonce = text_slice(&t),
		.nc = SLICE("00000001"),
		.qop = SLICE("auth"),
		.algorithm = algorithm,
		.algorithm_given = true,
	};
	if (algorithm == AUTH_AKAV1_MD5) {
		ha1 = aka_ha1;
		if (auth_ha1(algorithm, c->username, c->realm,
			     slice_of(d->challenge->xres, d->challenge->xres_len), aka_ha1))
			return false;
	}
	if (auth_expected(c, ha1, METHOD, d->response[i]))
		return false;
	c->response = slice_str(d->response[i]);
	return true;
}

static void digest_close(void *ctx)
{
	struct digest_case *d = ctx;

	free(d->challenge);
	free(d);
}

static void *digest_open(enum auth_algorithm algorithm)
{
	struct digest_case *d = calloc(1, sizeof(*d));
	bool made;

	if (!d)
		return NULL;
	d->challenge =
		challenge_new(algorithm == AUTH_AKAV1_MD5 ? CX_AUTH_AKA : CX_AUTH_DIGEST);
	made = d->challenge;
	for (uint32_t i = 0; made && i < OP_INPUTS; i++)
		made = credentials_make(d, i, algorithm);
	if (made && auth_check(d->challenge, &d->credentials[0], METHOD))
		return d;
	digest_close(d);
	return NULL;
}

static void *digest_open_md5(void)
{
	return digest_open(AUTH_MD5);
}

static void *digest_open_sha256(void)
{
	return digest_open(AUTH_SHA256);
}

static void *digest_open_aka(void)
{
	return digest_open(AUTH_AKAV1_MD5);
}

static uint64_t digest_run(void *ctx, uint32_t n)
{
	struct digest_case *d = ctx;
	uint64_t right = 0;

	for (uint32_t i = 0; i < n; i++)
		right += auth_check(d->challenge, &d->credentials[i % OP_INPUTS], METHOD);
	return right;
}

struct vector_case {
	uint8_t k[16], opc[16], amf[2];
	uint8_t rand[OP_INPUTS][16];
};

static void *vector_open(void)
{
	struct vector_case *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	memset(v->k, 0x46, sizeof(v->k));
	memset(v->opc, 0xcd, sizeof(v->opc));
	v->amf[0] = 0x80;
	for (uint32_t i = 0; i < OP_INPUTS; i++)
		memset(v->rand[i], (int)(i + 1), sizeof(v->rand[i]));
	return v;
}

static uint64_t vector_run(void *ctx, uint32_t n)
{
	struct vector_case *v = ctx;
	struct aka_vector out;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (aka_vector_make(&(struct aka_key){.k = v->k, .opc = v->opc}, v->amf,
				    32 * (uint64_t)i, v->rand[i % OP_INPUTS], &out))
			return 0;
		sum += out.xres[0];
	}
	return sum;
}

const struct op op_digest_md5 = {"digest.md5", digest_open_md5, digest_run, digest_close};
const struct op op_digest_sha256 = {"digest.sha256", digest_open_sha256, digest_run,
				    digest_close};
const struct op op_digest_aka = {"digest.aka", digest_open_aka, digest_run, digest_close};
const struct op op_aka_vector = {"aka.vector", vector_open, vector_run, free};
