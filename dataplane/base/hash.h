/* hash.h - SipHash: keyed hashes for tables and short keyed checks for tokens
 *
 * Keys of tables come from the wire, so every hash is keyed with a secret drawn at start.
 */
#pragma once

#include "base/slice.h"

struct hash_key {
	uint64_t k0, k1;
};

/* SipHash-1-3: for tables. Any thread. */
uint64_t hash_table(const struct hash_key *key, const void *data, uint32_t len);

/* SipHash-2-4 over several parts: a message authentication code of 64 bits for branches and
 * tokens. Each part is preceded by its length, so that no two lists of parts collide.
 * Any thread. */
struct hash_mac {
	uint64_t v0, v1, v2, v3;
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
