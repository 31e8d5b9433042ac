/* gruus.c - the two names of a registered terminal */
#include "control/gruus.h"

#include <openssl/rand.h>

#include "abi/gruu.h"
#include "abi/token.h"
#include "sip/uri.h"

bool gruus_make(const struct hash_key *key, struct slice impu, struct slice instance,
		struct slice call_id, struct gruus *out)
{
	struct text public = text_in(out->public, sizeof(out->public));
	struct text temporary = text_in(out->temporary, sizeof(out->temporary));
	uint8_t memory[IMPU_MAX];
	struct text canonical = text_in(memory, sizeof(memory));
	struct sip_uri uri;
	struct gruu g = {
		.instance = gruu_instance(key, instance),
		.call = (uint32_t)hash_table(key, call_id.p, call_id.len),
	};

	if (sip_uri_decode(impu, &uri) != SIP_OK || !sip_uri_identity(&uri, &canonical))
		return false;
	g.user = token_user(key, text_slice(&canonical));
	if (instance.len == 0 || !gruu_public_put(&public, impu, instance) || public.overflow)
		return false;
	if (RAND_bytes((uint8_t *)&g.serial, sizeof(g.serial)) != 1 ||
	    !gruu_temporary_put(&temporary, key, impu, &g) || temporary.overflow)
		temporary.len = 0;
	text_cstr(&public);
	text_cstr(&temporary);
	return true;
}
