/* hash.c - SipHash (Aumasson and Bernstein): keyed hashes for tables and short keyed checks */
#include "base/hash.h"

static inline uint64_t load_le(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w;
}

/* The last n octets, fewer than eight, of a text of len; without reading beyond either end. */
static inline uint64_t load_tail(const uint8_t *p, uint32_t n, uint32_t len)
{
	uint64_t w = 0;

	if (n == 0)
		return 0;
	if (len >= 8)
		return load_le(p + n - 8) >> (8 * (8 - n));
	for (uint32_t i = 0; i < n; i++)
		w |= (uint64_t)p[i] << (8 * i);
	return w;
}

uint64_t hash_table(const struct hash_key *key, const void *data, uint32_t len)
{
	const uint8_t *p = data, *end = p + (len & ~7u);
	struct hash_state s = hash_begin(key);
	uint64_t w;

	for (; p < end; p += 8) {
		w = load_le(p);
		s.d ^= w;
		s = hash_round(s);
		s.a ^= w;
	}
	w = (uint64_t)len << 56 | load_tail(p, len & 7, len);
	s.d ^= w;
	s = hash_round(s);
	s.a ^= w;
	s.c ^= 0xff;
	s = hash_round(hash_round(hash_round(s)));
	return s.a ^ s.b ^ s.c ^ s.d;
}

void hash_mac_start(struct hash_mac *m, const struct hash_key *key)
{
	*m = (struct hash_mac){.state = hash_begin(key)};
}

static void mac_word(struct hash_mac *m, uint64_t w)
{
	struct hash_state s = m->state;

	s.d ^= w;
	s = hash_round(hash_round(s));
	s.a ^= w;
	m->state = s;
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
	struct hash_state s = m->state;
	s.c ^= 0xff;
	for (int i = 0; i < 4; i++)
		s = hash_round(s);
	return s.a ^ s.b ^ s.c ^ s.d;
}

bool constant_time_eq(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;
	uint8_t differs = 0;

	for (size_t i = 0; i < len; i++)
		differs |= x[i] ^ y[i];
	return differs == 0;
}
