/* sec_agree.h - the header fields of a security agreement, and the choice of algorithms
 *
 * RFC 3329 with the mechanism "ipsec-3gpp" of TS 33.203 Annex H. Lists are text: the values of
 * all header fields of one name, joined by commas. Pure functions; any thread.
 */
#pragma once

#include "abi/install.h"
#include "sip/sip.h"

struct conf;

enum {
	SEC_TEXT_MAX = 4096,     /* octets of a list; longer: malformed */
	SEC_MECHANISMS_MAX = 32, /* elements of a list; more: malformed */
	SEC_PARAMS_MAX = 24, /* of an element: each is compared with each; more: malformed */
	SEC_PAIRS_MAX = 8,   /* that our own algorithms can make */
};

/* Algorithms that go together. */
struct sec_pair {
	uint8_t integrity; /* enum abi_sa_integrity */
	uint8_t cipher;    /* enum abi_sa_cipher */
};

enum sec_mode {
	SEC_MODE_TRANSPORT,
	SEC_MODE_UDP_TUNNEL, /* for a UE behind a NAT (TS 33.203 Annex M) */
	SEC_MODE_OTHER,      /* one we do not have */
};

/* What the P-CSCF offers, most preferred first. */
struct sec_policy {
	uint32_t n;
	struct sec_pair pair[SEC_PAIRS_MAX];
};
/* From pcscf.security: encryption first, then integrity. */
void sec_policy_make(struct sec_policy *policy, const struct conf *conf);

/* What a UE and we agreed on. */
struct sec_choice {
	struct sec_pair pair;
	enum sec_mode mode;
	uint32_t spi_uc, spi_us;
	uint16_t port_uc, port_us;
};

enum sec_result {
	SEC_OK,
	SEC_MALFORMED, /* *wrong says what */
	SEC_NOTHING_IN_COMMON,
};

/* The values of all header fields with this id, joined. False: longer than out. */
bool sec_agree_join(const struct sip_msg *m, enum sip_header_id id, struct text *out);

/* Of what a Security-Client offers, the pair that stands first in our policy (TS 33.203 §7.2).
 * Every ipsec-3gpp of the list has to be sound, whether it is chosen or not. *wrong is a
 * constant sentence, or NULL. */
enum sec_result sec_agree_choose(struct slice client, const struct sec_policy *policy,
				 enum sec_mode mode, struct sec_choice *out,
				 const char **wrong);

/* Our side of an agreement. spi_ps 0: SPIs and ports were not given out. */
struct sec_server {
	struct sec_policy policy;
	enum sec_mode mode;
	uint32_t spi_pc, spi_ps;
	uint16_t port_pc, port_ps;
};
/* The list as Security-Server has it: all we offer, with q in falling order (RFC 3329 §2.2). */
void sec_agree_put(struct text *out, const struct sec_server *server);

/* True if two lists say the same: as many elements in the same order, each with the same
 * parameters in any order. Names and values are tokens: case does not count. A malformed list
 * is like no other, nor is one with a parameter twice. */
bool sec_agree_same(struct slice a, struct slice b);

/* "hmac-sha-1-96", "aes-cbc" and so on, as they stand in alg and ealg (TS 33.203 Annex H). */
const char *sec_integrity_name(enum abi_sa_integrity integrity);
const char *sec_cipher_name(enum abi_sa_cipher cipher);
