/* header.c - a header field's name into its id */
#include <immintrin.h>
#include <stdlib.h>

#include "sip/chars.h"
#include "sip/header.h"

enum { HALF = SIP_NAME_ROOM / 2 };

struct sip_header_names sip_header_names;

/* Octets of ones, then zeros: loaded from HALF - n it keeps the first n octets. */
static const uint8_t keep_first[2 * HALF] = {
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
};

static inline __m128i lower(__m128i x)
{
	__m128i shifted = _mm_add_epi8(x, _mm_set1_epi8((char)(128 - 'A')));
	__m128i upper = _mm_cmplt_epi8(shifted, _mm_set1_epi8(-128 + 26));

	return _mm_or_si128(x, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
}

static inline bool same(__m128i a, __m128i b)
{
	return _mm_movemask_epi8(_mm_cmpeq_epi8(a, b)) == 0xffff;
}

/* At least 16 octets may be read from name.p. */
static uint32_t find(struct slice name)
{
	const struct sip_header_names *names = &sip_header_names;
	uint32_t len = name.len, first = len < HALF ? len : HALF, known;
	const uint8_t *text;
	__m128i head, keep;

	if (len == 0 || len > SIP_NAME_MAX)
		return 0;
	keep = sip_load16(keep_first + HALF - first);
	head = lower(_mm_and_si128(sip_load16(name.p), keep));
	known = names->slot[sip_header_slot((uint64_t)_mm_cvtsi128_si64(head),
					    ascii_lower(name.p[len - 1]), len, names->factor)];
	text = names->name[known].text;
	if (names->len[known] != len || !same(head, _mm_and_si128(sip_load16(text), keep)))
		return 0;
	/* A longer name's last octets. */
	if (len > HALF &&
	    !same(lower(sip_load16(name.p + len - HALF)), sip_load16(text + len - HALF)))
		return 0;
	return known;
}

enum sip_header_id sip_header_id_padded(struct slice name)
{
	return sip_header_names.id[find(name)];
}

uint32_t sip_header_known(struct slice name)
{
	uint8_t copy[SIP_NAME_ROOM] = {0};

	if (name.len > SIP_NAME_MAX)
		return 0;
	if (name.len)
		memcpy(copy, name.p, name.len);
	return find((struct slice){copy, name.len});
}

enum sip_header_id sip_header_id(struct slice name)
{
	return sip_header_names.id[sip_header_known(name)];
}

#define HEADER(id, name, compact)                                                              \
	_Static_assert(sizeof(name) - 1 <= SIP_NAME_MAX, name " fits the table");
#include "sip/header.def"
#undef HEADER

/* Long and compact names; the one before them is none. */
enum {
	NAMES = 1
#define HEADER(id, name, compact) +1 + (compact != 0)
#include "sip/header.def"
#undef HEADER
};
_Static_assert((int)NAMES <= (int)SIP_NAMES_MAX, "all names and compact forms fit the table");

/* Adds a name; gives the number of names so far. */
static uint32_t learn(uint32_t n, struct slice name, enum sip_header_id id)
{
	struct sip_header_name *to = &sip_header_names.name[n];

	for (uint32_t i = 0; i < name.len; i++) {
		to->text[i] = ascii_lower(name.p[i]);
		to->bits[i] = ascii_is_alpha(name.p[i]) ? 0xdf : 0xff;
	}
	memcpy(to->text + name.len, ": ", 2);
	memset(to->bits + name.len, 0xff, 2);
	sip_header_names.id[n] = (uint8_t)id;
	sip_header_names.len[n] = (uint8_t)name.len;
	return n + 1;
}

static uint32_t learn_all(void)
{
	static const uint8_t compact[SIP_H_OTHER] = {
#define HEADER(id, name, compact) compact,
#include "sip/header.def"
#undef HEADER
	};
	uint32_t n = learn(0, SLICE_EMPTY, SIP_H_OTHER);

	for (unsigned id = 0; id < SIP_H_OTHER; id++) {
		n = learn(n, sip_header_name(id), id);
		if (compact[id])
			n = learn(n, (struct slice){&compact[id], 1}, id);
	}
	return n;
}

/* By the name in lower case. */
static bool place_all(struct sip_header_names *names, uint32_t n)
{
	memset(names->slot, 0, sizeof(names->slot));
	for (uint32_t i = 1; i < n; i++) {
		const uint8_t *text = names->name[i].text;
		uint32_t len = names->len[i], slot;
		uint64_t head = 0;

		memcpy(&head, text, len < sizeof(head) ? len : sizeof(head));
		slot = sip_header_slot(head, text[len - 1], len, names->factor);
		if (names->slot[slot])
			return false;
		names->slot[slot] = (uint8_t)i;
	}
	return true;
}

/* The first four octets of a line with the name. */
static uint32_t line_start(const struct sip_header_names *names, uint32_t index)
{
	struct slice usual = sip_header_name(names->id[index]);
	uint8_t line[SIP_NAME_ROOM];
	uint32_t start;

	memcpy(line, names->name[index].text, sizeof(line));
	if (names->len[index] > 1)
		memcpy(line, usual.p, usual.len);
	memcpy(&start, line, sizeof(start));
	return start;
}

static bool place_usual(struct sip_header_names *names, uint32_t n)
{
	memset(names->slot_usual, 0, sizeof(names->slot_usual));
	for (uint32_t i = 1; i < n; i++) {
		uint32_t start = line_start(names, i), len = names->len[i];
		uint8_t *slot = &names->slot_usual[sip_header_slot_usual(start, len,
									 names->factor_usual)];

		if (*slot == 0)
			*slot = (uint8_t)i;
		else if (names->len[*slot] != len || line_start(names, *slot) != start)
			return false;
	}
	return true;
}

/* A factor in some hundreds does it, and each try gives up at the first two names that meet. */
static void __attribute__((constructor)) fill(void)
{
	struct sip_header_names *names = &sip_header_names;
	uint32_t n = learn_all(), tries = 0;

	names->factor = 0x6bbc97ac3d917693u;
	names->factor_usual = 0xaf0e4e8bu;
	while (!place_all(names, n)) {
		if (++tries == 1000000) /* two names agree in all that is hashed */
			abort();
		names->factor = names->factor * 0x5851f42d4c957f2du + 2;
	}
	for (tries = 0; !place_usual(names, n); names->factor_usual += 0x3c6ef372u)
		if (++tries == 1000000)
			abort();
}
