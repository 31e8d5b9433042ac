/* hash.h - SipHash: keyed hashes for tables and short keyed checks for tokens
 *
 * Keys of tables come from the wire, so every hash is keyed with a secret drawn at start.
 */
#pragma once

#include "base/slice.h"

struct hash_key {
	uint64_t k0, k1;
};

/* The state of SipHash, its start, and a round. */
struct hash_state {
	uint64_t a, b, c, d;
};

static inline struct hash_state hash_begin(const struct hash_key *key)
{
	return (struct hash_state){
		key->k0 ^ 0x736f6d6570736575u,
		key->k1 ^ 0x646f72616e646f6du,
		key->k0 ^ 0x6c7967656e657261u,
		key->k1 ^ 0x7465646279746573u,
	};
}

static inline uint64_t hash_rotate(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static inline struct hash_state hash_round(struct hash_state s)
{
	s.a += s.b;
	s.b = hash_rotate(s.b, 13) ^ s.a;
	s.a = hash_rotate(s.a, 32);
	s.c += s.d;
	s.d = hash_rotate(s.d, 16) ^ s.c;
	s.a += s.d;
	s.d = hash_rotate(s.d, 21) ^ s.a;
	s.c += s.b;
	s.b = hash_rotate(s.b, 17) ^ s.c;
	s.c = hash_rotate(s.c, 32);
	return s;
}

/* SipHash-1-3: for tables. Any thread. */
uint64_t hash_table(const struct hash_key *key, const void *data, uint32_t len);

/* SipHash-2-4 over n words, as over their octets, lowest first: a message authentication code
 * of what has a fixed form. A text goes in as its hash_table under the same key. Any thread. */
static inline uint64_t hash_words(const struct hash_key *key, const uint64_t *word, uint32_t n)
{
	struct hash_state s = hash_begin(key);
	uint64_t end = (uint64_t)n << 59; /* 8 * n octets, in the highest octet */

	for (uint32_t i = 0; i <= n; i++) {
		uint64_t w = i < n ? word[i] : end;

		s.d ^= w;
		s = hash_round(hash_round(s));
		s.a ^= w;
	}
	s.c ^= 0xff;
	for (uint32_t i = 0; i < 4; i++)
		s = hash_round(s);
	return s.a ^ s.b ^ s.c ^ s.d;
}

/* SipHash-2-4 over several parts: a message authentication code of 64 bits for branches and
 * tokens. Each part is preceded by its length, so that no two lists of parts collide.
 * Any thread. */
struct hash_mac {
	struct hash_state state;
	uint64_t tail;
	uint32_t total;
	uint8_t fill;
};
void hash_mac_start(struct hash_mac *m, const struct hash_key *key);
void hash_mac_part(struct hash_mac *m, struct slice part);
void hash_mac_u64(struct hash_mac *m, uint64_t part);
/* Without the length: only for a part that has the same length in every list. */
void hash_mac_fixed(struct hash_mac *m, const void *part, uint32_t len);
uint64_t hash_mac_end(struct hash_mac *m);

/* True if equal; takes the same time whatever differs. */
bool constant_time_eq(const void *a, const void *b, size_t len);
