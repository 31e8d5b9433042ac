/* header.c - a header field's name into its id
 *
 * A small open-addressed table, filled once before main from header.def. The hash only says
 * where to look; identity is the comparison of all octets, so no crafted name passes for
 * another (and the table's content is fixed, so there is nothing to flood).
 */
#include <immintrin.h>

#include "sip/chars.h"
#include "sip/header.h"

enum { SLOTS = 512, KEY = 16, NAME_MAX_LEN = 2 * KEY };

struct slot {
	uint8_t head[KEY]; /* the first octets in lower case, zeros behind a shorter name */
	uint8_t tail[KEY]; /* the last octets of a name longer than KEY; else like head */
	uint8_t len;       /* 0: an empty slot */
	uint8_t id;
	uint8_t pad[14]; /* keeps head and tail aligned */
};

static struct slot table[SLOTS] __attribute__((aligned(64)));

/* 16 octets of ones, then zeros: loaded from KEY - n it keeps the first n octets. */
static const uint8_t keep_first[2 * KEY] = {
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
};

static inline __m128i lower(__m128i x)
{
	__m128i shifted = _mm_add_epi8(x, _mm_set1_epi8((char)(128 - 'A')));
	__m128i upper = _mm_cmplt_epi8(shifted, _mm_set1_epi8(-128 + 26));

	return _mm_or_si128(x, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
}

static inline uint32_t hash(__m128i head, uint32_t len)
{
	uint64_t a = (uint64_t)_mm_cvtsi128_si64(head);
	uint64_t b = (uint64_t)_mm_extract_epi64(head, 1);

	return (uint32_t)_mm_crc32_u64(_mm_crc32_u64(len, a), b) % SLOTS;
}

static inline bool same(__m128i a, const uint8_t *b)
{
	__m128i eq = _mm_cmpeq_epi8(a, _mm_load_si128((const __m128i *)(const void *)b));

	return _mm_movemask_epi8(eq) == 0xffff;
}

static inline enum sip_header_id find(__m128i head, __m128i tail, uint32_t len)
{
	for (uint32_t i = hash(head, len);; i = (i + 1) % SLOTS) {
		const struct slot *s = &table[i];

		if (s->len == len && same(head, s->head) && same(tail, s->tail))
			return s->id;
		if (s->len == 0)
			return SIP_H_OTHER;
	}
}

enum sip_header_id sip_header_id_padded(struct slice name)
{
	__m128i head = sip_load16(name.p);
	__m128i tail;

	if (name.len > NAME_MAX_LEN || name.len == 0)
		return SIP_H_OTHER;
	if (name.len <= KEY) {
		head = lower(_mm_and_si128(head, sip_load16(keep_first + KEY - name.len)));
		return find(head, head, name.len);
	}
	tail = sip_load16(name.p + name.len - KEY);
	return find(lower(head), lower(tail), name.len);
}

enum sip_header_id sip_header_id(struct slice name)
{
	uint8_t copy[NAME_MAX_LEN] = {0};

	if (name.len > NAME_MAX_LEN)
		return SIP_H_OTHER;
	if (name.len)
		memcpy(copy, name.p, name.len);
	return sip_header_id_padded((struct slice){copy, name.len});
}

static void learn(struct slice name, enum sip_header_id id)
{
	uint8_t padded[NAME_MAX_LEN] = {0};
	__m128i head, tail;
	uint32_t i;

	memcpy(padded, name.p, name.len);
	head = lower(sip_load16(padded));
	tail = head;
	if (name.len > KEY)
		tail = lower(sip_load16(padded + name.len - KEY));
	i = hash(head, name.len);
	while (table[i].len != 0)
		i = (i + 1) % SLOTS;
	_mm_store_si128((__m128i *)(void *)table[i].head, head);
	_mm_store_si128((__m128i *)(void *)table[i].tail, tail);
	table[i].len = (uint8_t)name.len;
	table[i].id = (uint8_t)id;
}

#define HEADER(id, name, compact)                                                              \
	_Static_assert(sizeof(name) - 1 <= NAME_MAX_LEN, name " fits the table");
#include "sip/header.def"
#undef HEADER

static void __attribute__((constructor)) learn_all(void)
{
	static const uint8_t compact[SIP_H_OTHER] = {
#define HEADER(id, name, compact) compact,
#include "sip/header.def"
#undef HEADER
	};

	for (unsigned id = 0; id < SIP_H_OTHER; id++) {
		learn(sip_header_name(id), id);
		if (compact[id])
			learn((struct slice){&compact[id], 1}, id);
	}
}
