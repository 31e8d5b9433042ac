/* checksum.c - the Internet checksum (RFC 1071) in software */
#include "net/checksum.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

uint64_t checksum_scalar(uint64_t sum, const void *p, uint32_t len)
{
	const uint8_t *at = p;
	uint32_t tail = 0;

	for (; len >= 8; len -= 8, at += 8) {
		uint64_t eight;

		memcpy(&eight, at, sizeof(eight));
		sum += checksum_halves(eight);
	}
	if (len >= 4) {
		sum = checksum_short(sum, at, 1);
		at += 4;
		len -= 4;
	}
	memcpy(&tail, at, len);
	return sum + tail;
}

#if defined(__x86_64__)

/* Words of 16 bits are taken as signed, less BIAS each, so that one instruction adds two of
 * them into a lane of 32 bits; 65536 octets cannot overflow even one lane. What was taken off
 * is added again at the end, for all words of the vectors, octets masked out included. */
enum { BIAS = 0x8000, WORDS_256 = 16, WORDS_512 = 32 };

__attribute__((target("avx2"))) static uint64_t checksum_avx2(uint64_t sum, const void *p,
							      uint32_t len)
{
	const __m256i ones = _mm256_set1_epi16(1), bias = _mm256_set1_epi16((short)BIAS);
	__m256i total = _mm256_setzero_si256(), second = total;
	const uint8_t *at = p;
	uint32_t n = len / 32;

	for (uint32_t i = n / 2; i > 0; i--, at += 64) {
		__m256i a = _mm256_loadu_si256((const void *)at);
		__m256i b = _mm256_loadu_si256((const void *)(at + 32));

		a = _mm256_madd_epi16(_mm256_xor_si256(a, bias), ones);
		b = _mm256_madd_epi16(_mm256_xor_si256(b, bias), ones);
		total = _mm256_add_epi32(total, a);
		second = _mm256_add_epi32(second, b);
	}
	if (n & 1) {
		__m256i a = _mm256_loadu_si256((const void *)at);

		a = _mm256_madd_epi16(_mm256_xor_si256(a, bias), ones);
		total = _mm256_add_epi32(total, a);
		at += 32;
	}
	total = _mm256_add_epi32(total, second);
	__m128i half = _mm_add_epi32(_mm256_castsi256_si128(total),
				     _mm256_extracti128_si256(total, 1));
	half = _mm_add_epi32(half, _mm_unpackhi_epi64(half, half));
	half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 1));
	sum += (uint64_t)((int64_t)_mm_cvtsi128_si32(half) + (int64_t)n * WORDS_256 * BIAS);
	return checksum_scalar(sum, at, len % 32);
}

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vnni,bmi2")))

/* Both words of each lane added to it. */
AVX512 __attribute__((always_inline)) static inline __m512i more(__m512i sum, __m512i octets)
{
	__m512i words = _mm512_xor_si512(octets, _mm512_set1_epi16((short)BIAS));

	return _mm512_dpwssd_epi32(sum, words, _mm512_set1_epi16(1));
}

/* By whole cache lines, of which each costs one access. What is masked out of the first and the
 * last is not read. */
AVX512 static uint64_t checksum_avx512(uint64_t sum, const void *p, uint32_t len)
{
	uint32_t skew = (uintptr_t)p & 63, span = skew + len, lines = (span + 63) / 64;
	const uint8_t *at = (const uint8_t *)((uintptr_t)p - skew);
	const uint8_t *last = at + 64 * (uintptr_t)(lines - 1);
	uint64_t behind = ~0ULL << skew, before = ~0ULL >> (-span & 63);
	__m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;

	if (len == 0)
		return sum;
	if (lines == 1) {
		a = more(a, _mm512_maskz_loadu_epi8(behind & before, at));
	} else {
		a = more(a, _mm512_maskz_loadu_epi8(behind, at));
		b = more(b, _mm512_maskz_loadu_epi8(before, last));
	}
	/* An addition takes as long as four lines come in. */
	for (at += 64; at + 192 < last; at += 256) {
		a = more(a, _mm512_load_si512(at));
		b = more(b, _mm512_load_si512(at + 64));
		c = more(c, _mm512_load_si512(at + 128));
		d = more(d, _mm512_load_si512(at + 192));
	}
	for (; at < last; at += 64)
		c = more(c, _mm512_load_si512(at));
	a = _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d));
	uint64_t total = (uint64_t)((int64_t)_mm512_reduce_add_epi32(a) +
				    (int64_t)lines * WORDS_512 * BIAS);
	/* From an odd address each octet stood in the other half of its word (RFC 1071 §2 B).
	 */
	return sum + ((uintptr_t)p & 1 ? __builtin_bswap16(checksum_fold(total)) : total);
}

#endif

checksum_fn *checksum_variant(const char *name)
{
	if (strcmp(name, "scalar") == 0)
		return checksum_scalar;
#if defined(__x86_64__)
	if (strcmp(name, "avx2") == 0)
		return __builtin_cpu_supports("avx2") ? checksum_avx2 : NULL;
	if (strcmp(name, "avx512") == 0)
		return __builtin_cpu_supports("avx512bw") &&
				       __builtin_cpu_supports("avx512vnni") &&
				       __builtin_cpu_supports("bmi2")
			       ? checksum_avx512
			       : NULL;
#endif
	return NULL;
}

checksum_fn *checksum_add = checksum_scalar;

__attribute__((constructor)) static void choose(void)
{
	static const char *const widest_first[] = {"avx512", "avx2"};

#if defined(__x86_64__)
	__builtin_cpu_init();
#endif
	for (uint32_t i = 0; i < 2; i++) {
		checksum_fn *f = checksum_variant(widest_first[i]);

		if (f) {
			checksum_add = f;
			return;
		}
	}
}
