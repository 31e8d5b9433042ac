/* hash.c - SipHash (Aumasson and Bernstein): keyed hashes for tables and short keyed checks */
#include "base/hash.h"

static inline uint64_t rotate(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static inline void round_once(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static inline void state_start(uint64_t v[4], const struct hash_key *key)
{
	v[0] = key->k0 ^ 0x736f6d6570736575u;
	v[1] = key->k1 ^ 0x646f72616e646f6du;
	v[2] = key->k0 ^ 0x6c7967656e657261u;
	v[3] = key->k1 ^ 0x7465646279746573u;
}

static inline uint64_t load_le(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w;
}

static inline uint64_t load_tail(const uint8_t *p, uint32_t n)
{
	uint64_t w = 0;

	for (uint32_t i = 0; i < n; i++)
		w |= (uint64_t)p[i] << (8 * i);
	return w;
}

uint64_t hash_table(const struct hash_key *key, const void *data, uint32_t len)
{
	const uint8_t *p = data, *end = p + (len & ~7u);
	uint64_t v[4], w;

	state_start(v, key);
	for (; p < end; p += 8) {
		w = load_le(p);
		v[3] ^= w;
		round_once(v);
		v[0] ^= w;
	}
	w = (uint64_t)len << 56 | load_tail(p, len & 7);
	v[3] ^= w;
	round_once(v);
	v[0] ^= w;
	v[2] ^= 0xff;
	round_once(v);
	round_once(v);
	round_once(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void hash_mac_start(struct hash_mac *m, const struct hash_key *key)
{
	uint64_t v[4];

	state_start(v, key);
	*m = (struct hash_mac){.v0 = v[0], .v1 = v[1], .v2 = v[2], .v3 = v[3]};
}

static void mac_word(struct hash_mac *m, uint64_t w)
{
	uint64_t v[4] = {m->v0, m->v1, m->v2, m->v3 ^ w};

	round_once(v);
	round_once(v);
	m->v0 = v[0] ^ w;
	m->v1 = v[1];
	m->v2 = v[2];
	m->v3 = v[3];
}

void hash_mac_fixed(struct hash_mac *m, const void *part, uint32_t len)
{
	const uint8_t *p = part;

	m->total += len;
	for (uint32_t i = 0; i < len;) {
		if (m->fill == 0 && len - i >= 8) {
			mac_word(m, load_le(p + i));
			i += 8;
			continue;
		}
		m->tail |= (uint64_t)p[i++] << (8 * m->fill);
		if (++m->fill == 8) {
			mac_word(m, m->tail);
			m->tail = 0;
			m->fill = 0;
		}
	}
}

void hash_mac_part(struct hash_mac *m, struct slice part)
{
	uint8_t length[4] = {(uint8_t)part.len, (uint8_t)(part.len >> 8),
			     (uint8_t)(part.len >> 16), (uint8_t)(part.len >> 24)};

	hash_mac_fixed(m, length, sizeof(length));
	hash_mac_fixed(m, part.p, part.len);
}

void hash_mac_u64(struct hash_mac *m, uint64_t part)
{
	uint8_t octets[8];

	for (int i = 0; i < 8; i++)
		octets[i] = (uint8_t)(part >> (8 * i));
	hash_mac_fixed(m, octets, sizeof(octets));
}

uint64_t hash_mac_end(struct hash_mac *m)
{
	mac_word(m, (uint64_t)m->total << 56 | m->tail);
	uint64_t v[4] = {m->v0, m->v1, m->v2 ^ 0xff, m->v3};
	for (int i = 0; i < 4; i++)
		round_once(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

bool constant_time_eq(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;
	uint8_t differs = 0;

	for (size_t i = 0; i < len; i++)
		differs |= x[i] ^ y[i];
	return differs == 0;
}
