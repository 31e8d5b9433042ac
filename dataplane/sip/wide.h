/* wide.h - a value of up to 127 octets as bit maps, on CPUs with AVX-512
 *
 * Bit i of a map says something about octet i: that it is a ';', that it belongs to a character
 * set. A decoder then walks its value by bits and not by octets. It is written once and
 * compiled twice, for values of less than 64 octets and for longer ones: `small` is known to
 * the compiler in both, and with it the upper half of all maps goes. Each decoder has such a
 * way for the spellings in common use, and leaves everything else, errors included, to the
 * plain way, which is complete. Both give the same result to the last field.
 */
#pragma once

#include <immintrin.h>

#include "sip/chars.h"
#include "sip/number.h"

#define SIP_WIDE                                                                               \
	__attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi,bmi2,"     \
			      "popcnt")))

/* This CPU has all that SIP_WIDE code needs. Set before main; tests turn it off and on again to
 * compare the two ways. */
extern bool sip_wide;

/* For what is compiled twice. */
#define SIP_WIDE_BOTH SIP_WIDE __attribute__((always_inline)) inline

enum { SIP_WIDE_SMALL = 63, SIP_WIDE_MAX = 127 };

typedef unsigned __int128 sip_bits;

/* A value of at most SIP_WIDE_MAX octets, zeros behind it. */
struct sip_wide {
	bool small; /* at most SIP_WIDE_SMALL */
	__m512i octets[2];
	__m512i chars[2]; /* of each octet its character sets: enum sip_chars; above 127: none
			   */
};

static inline SIP_WIDE __m512i sip_wide_chars(__m512i x)
{
	__m512i low = _mm512_loadu_si512(sip_chars), high = _mm512_loadu_si512(sip_chars + 64);
	__mmask64 ascii = ~_mm512_movepi8_mask(x);

	return _mm512_maskz_permutex2var_epi8(ascii, low, x, high);
}

/* The octets behind the value are masked out, and a masked-out octet is not read. */
static SIP_WIDE_BOTH struct sip_wide sip_wide_load(struct slice s, bool small)
{
	uint32_t behind = s.len > 64 ? s.len - 64 : 0;
	struct sip_wide w = {.small = small};

	w.octets[0] = _mm512_maskz_loadu_epi8(_bzhi_u64(~0ULL, s.len), s.p);
	w.chars[0] = sip_wide_chars(w.octets[0]);
	if (small)
		return w;
	w.octets[1] = _mm512_maskz_loadu_epi8(_bzhi_u64(~0ULL, behind),
					      (const void *)((uintptr_t)s.p + 64));
	w.chars[1] = sip_wide_chars(w.octets[1]);
	return w;
}

static SIP_WIDE_BOTH sip_bits sip_wide_eq(const struct sip_wide *w, char c)
{
	__m512i all = _mm512_set1_epi8(c);
	uint64_t low = _mm512_cmpeq_epi8_mask(w->octets[0], all);

	if (w->small)
		return low;
	return (sip_bits)_mm512_cmpeq_epi8_mask(w->octets[1], all) << 64 | low;
}

static SIP_WIDE_BOTH sip_bits sip_wide_in(const struct sip_wide *w, enum sip_chars set)
{
	__m512i all = _mm512_set1_epi8((char)set);
	uint64_t low = _mm512_test_epi8_mask(w->chars[0], all);

	if (w->small)
		return low;
	return (sip_bits)_mm512_test_epi8_mask(w->chars[1], all) << 64 | low;
}

/* How far it is from octet `at` to the next one whose bit is set; 64 if it is no nearer:
 * whoever asks looks at what is there. */
static SIP_WIDE_BOTH uint32_t sip_wide_next(const struct sip_wide *w, sip_bits map, uint32_t at)
{
	return (uint32_t)_tzcnt_u64(w->small ? (uint64_t)map >> at : (uint64_t)(map >> at));
}

/* Bit `from` and all up to bit `to` - 1 of the map. */
static SIP_WIDE_BOTH sip_bits sip_wide_cut(const struct sip_wide *w, sip_bits map,
					   uint32_t from, uint32_t to)
{
	sip_bits all = ~(sip_bits)0;

	if (w->small)
		return _bzhi_u64((uint64_t)map, to) & ~0ULL << from;
	return map & ~(all << to) & all << from;
}

/* What sip_all says, of up to 64 octets. */
static inline SIP_WIDE bool sip_wide_all(struct slice s, enum sip_chars set)
{
	uint64_t inside = _bzhi_u64(~0ULL, s.len);
	__m512i chars = sip_wide_chars(_mm512_maskz_loadu_epi8(inside, s.p));

	return (inside & ~_mm512_test_epi8_mask(chars, _mm512_set1_epi8((char)set))) == 0;
}

/* The port behind the colon at octet `at` of s: where it ends, or 0 if there is no sound one or
 * s is shorter than eight octets. */
static inline uint32_t sip_wide_port(struct slice s, uint32_t at, uint16_t *port)
{
	uint32_t digits, number, over = at + 9 > s.len ? at + 9 - s.len : 0;
	uint64_t word;

	/* Near the end, the last eight octets, those before the digits shifted out. */
	if (s.len < sizeof(word) || over >= sizeof(word))
		return 0;
	memcpy(&word, s.p + at + 1 - over, sizeof(word));
	number = sip_number8(word >> 8 * over, &digits);
	if (number == 0 || number > UINT16_MAX)
		return 0;
	*port = (uint16_t)number;
	return at + 1 + digits;
}

/* The n octets (1 to 8) before p, the last one on top, letters in lower case; what is no letter
 * may come out as something else, but never as a letter. Eight octets before p can be read. */
static inline uint64_t sip_word_before(const uint8_t *p, uint32_t n)
{
	uint64_t word;

	memcpy(&word, p - sizeof(word), sizeof(word));
	return (word | 0x2020202020202020u) >> (64 - 8 * n);
}

/* A word of n letters as sip_word_before gives it. */
static inline uint64_t sip_word(const char *text, uint32_t n)
{
	uint64_t word = 0;

	memcpy(&word, text, n);
	return word;
}
