/* aka.c - authentication vectors and sequence numbers (TS 33.102 §6.3, Annex C) */
#include "aka/aka.h"

#include <openssl/crypto.h>
#include <string.h>

#include "aka/milenage.h"
#include "aka/tuak.h"

#define SQN_MASK ((UINT64_C(1) << 48) - 1)
#define IND_BITS 5
#define IND_MASK ((UINT64_C(1) << IND_BITS) - 1)
#define SEQ_MASK ((UINT64_C(1) << 43) - 1)
/* The largest step of SEQ that a USIM takes (Annex C.2.1, C.3.1: Delta = 2^28). */
#define SEQ_STEP_MAX (UINT64_C(1) << 28)

static uint64_t seq_of(uint64_t sqn)
{
	return (sqn >> IND_BITS) & SEQ_MASK;
}

static void sqn_put(uint64_t sqn, uint8_t out[6])
{
	for (int i = 0; i < 6; i++)
		out[i] = (uint8_t)(sqn >> (40 - 8 * i));
}

bool aka_sqn_next(uint64_t *sqn, bool new_batch)
{
	uint64_t ind = (*sqn + (new_batch ? 1 : 0)) & IND_MASK;

	if (seq_of(*sqn) == SEQ_MASK)
		return false;
	*sqn = (seq_of(*sqn) + 1) << IND_BITS | ind;
	return true;
}

static int f1(const struct aka_key *key, const uint8_t rand[16], const uint8_t sqn[6],
	      const uint8_t amf[2], uint8_t mac_a[8], uint8_t mac_s[8])
{
	if (!key->tuak)
		return milenage_f1(key->k, key->opc, rand, sqn, amf, mac_a, mac_s);
	tuak_f1(&(struct tuak_key){key->k, key->k256}, key->opc, rand, sqn, amf, mac_a, mac_s);
	return 0;
}

static int f2345(const struct aka_key *key, const uint8_t rand[16], uint8_t res[8],
		 uint8_t ck[16], uint8_t ik[16], uint8_t ak[6], uint8_t ak_star[6])
{
	if (!key->tuak)
		return milenage_f2345(key->k, key->opc, rand, res, ck, ik, ak, ak_star);
	tuak_f2345(&(struct tuak_key){key->k, key->k256}, key->opc, rand, res, ck, ik, ak,
		   ak_star);
	return 0;
}

int aka_vector_make(const struct aka_key *key, const uint8_t amf[2], uint64_t sqn,
		    const uint8_t rand[16], struct aka_vector *out)
{
	uint8_t sqn_octets[6], mac_a[8], mac_s[8], ak[6], ak_star[6];

	sqn_put(sqn, sqn_octets);
	if (f1(key, rand, sqn_octets, amf, mac_a, mac_s) < 0 ||
	    f2345(key, rand, out->xres, out->ck, out->ik, ak, ak_star) < 0)
		return -1;
	memcpy(out->rand, rand, 16);
	/* AUTN = SQN xor AK || AMF || MAC-A (§6.3.2) */
	for (int i = 0; i < 6; i++)
		out->autn[i] = sqn_octets[i] ^ ak[i];
	memcpy(out->autn + 6, amf, 2);
	memcpy(out->autn + 8, mac_a, 8);
	OPENSSL_cleanse(ak, sizeof(ak));
	return 0;
}

bool aka_auts_check(const struct aka_key *key, const uint8_t rand[16], const uint8_t auts[14],
		    uint64_t *sqn_ms)
{
	static const uint8_t amf_star[2];
	uint8_t res[8], ck[16], ik[16], ak[6], ak_star[6], sqn[6], mac_a[8], mac_s[8];
	bool genuine = false;

	/* AUTS = SQN_MS xor AK* || MAC-S (§6.3.3) */
	if (f2345(key, rand, res, ck, ik, ak, ak_star) == 0) {
		for (int i = 0; i < 6; i++)
			sqn[i] = auts[i] ^ ak_star[i];
		genuine = f1(key, rand, sqn, amf_star, mac_a, mac_s) == 0 &&
			  CRYPTO_memcmp(mac_s, auts + 6, sizeof(mac_s)) == 0;
	}
	OPENSSL_cleanse(res, sizeof(res));
	OPENSSL_cleanse(ck, sizeof(ck));
	OPENSSL_cleanse(ik, sizeof(ik));
	if (!genuine)
		return false;
	*sqn_ms = 0;
	for (int i = 0; i < 6; i++)
		*sqn_ms = *sqn_ms << 8 | sqn[i];
	return true;
}

uint64_t aka_resync(uint64_t sqn_he, uint64_t sqn_ms)
{
	uint64_t next = seq_of(sqn_he) + 1, ms = seq_of(sqn_ms);

	/* SQN_MS is the highest the USIM ever took: what is above it, and not too far, will be
	 * taken. */
	if (next > ms && next - ms <= SEQ_STEP_MAX)
		return sqn_he & SQN_MASK;
	return sqn_ms & SQN_MASK;
}
