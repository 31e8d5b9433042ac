/* scan.c - where lines end, 64 octets at a time
 *
 * Each variant makes two bit maps of a block, its LFs and its CRs; what follows from them is
 * common to all. Only the scalar variant goes its own way: it is the plain statement of what
 * the others must find.
 */
#include <immintrin.h>

#include "sip/scan.h"

enum { BLOCK = 64, LINES_MAX = SIP_HEADERS_MAX + 2 };

/* The blocks before this one: their last bits are the first neighbours of the next. */
struct carry {
	uint64_t lf;
	uint64_t cr;
};

/* As if a line had ended just before the first octet. */
static const struct carry at_start = {.lf = 1ULL << 63, .cr = 0};

static inline uint32_t lowest_bit(uint64_t map)
{
	return (uint32_t)__builtin_ctzll(map);
}

/* Notes the offset of each LF in the map. Most blocks have few, so four are written
 * without asking how many there are: a wrong guess of a branch costs more than they. */
static inline void note_lines(struct sip_scan *out, uint32_t base, uint64_t lf)
{
	const uint64_t guard = 1ULL << 63;
	uint32_t count = (uint32_t)__builtin_popcountll(lf);
	uint16_t *to = out->lf + out->n;

	for (uint32_t i = 0; i < 4; i++) {
		to[i] = (uint16_t)(base + lowest_bit(lf | guard));
		lf &= lf - 1;
	}
	for (uint32_t i = 4; i < count; i++) {
		to[i] = (uint16_t)(base + lowest_bit(lf));
		lf &= lf - 1;
	}
	out->n += count;
}

/* One block; true if it was the last to look at. A line is empty if its LF comes behind
 * another, at once or with a CR between. */
static inline bool take_block(struct sip_scan *out, struct carry *carry, uint32_t base,
			      uint64_t lf, uint64_t cr)
{
	uint64_t lf1 = lf << 1 | carry->lf >> 63;
	uint64_t lf2 = lf << 2 | carry->lf >> 62;
	uint64_t cr1 = cr << 1 | carry->cr >> 63;
	uint64_t empty = lf & (lf1 | (cr1 & lf2));
	uint64_t bare = cr1 & ~lf;

	carry->lf = lf;
	carry->cr = cr;
	if (empty) {
		uint64_t upto = empty ^ (empty - 1);

		note_lines(out, base, lf & upto);
		out->bare_cr |= (bare & upto) != 0;
		if (out->n <= LINES_MAX) {
			out->complete = true;
			out->head_end = (uint16_t)(base + lowest_bit(empty) + 1);
			return true;
		}
	} else {
		note_lines(out, base, lf);
		out->bare_cr |= bare != 0;
	}
	if (out->n >= LINES_MAX) {
		out->n = LINES_MAX;
		return true;
	}
	return false;
}

static inline uint32_t start_scan(struct slice datagram, struct sip_scan *out)
{
	out->n = 0;
	out->complete = false;
	out->bare_cr = false;
	out->head_end = 0;
	return datagram.len < SIP_MESSAGE_MAX ? datagram.len : SIP_MESSAGE_MAX;
}

void sip_scan_scalar(struct slice datagram, struct sip_scan *out)
{
	uint32_t len = start_scan(datagram, out), line = 0;

	for (uint32_t i = 0; i < len && out->n < LINES_MAX; i++) {
		if (i > 0 && datagram.p[i - 1] == '\r' && datagram.p[i] != '\n')
			out->bare_cr = true;
		if (datagram.p[i] != '\n')
			continue;
		out->lf[out->n++] = (uint16_t)i;
		if (i == line || (i == line + 1 && datagram.p[line] == '\r')) {
			out->complete = true;
			out->head_end = (uint16_t)(i + 1);
			return;
		}
		line = i + 1;
	}
}

typedef uint64_t map_fn(const uint8_t *block, uint64_t *cr);

/* The walk over the blocks. The last one, if short, is looked at in a copy, so that nothing
 * behind the datagram is read. Inlined into each variant with its map_fn. */
static inline __attribute__((always_inline)) void scan_blocks(struct slice datagram,
							      struct sip_scan *out, map_fn *map)
{
	uint32_t len = start_scan(datagram, out), base = 0;
	struct carry carry = at_start;
	uint8_t last[BLOCK] = {0};
	uint64_t lf, cr;

	for (; len - base >= BLOCK; base += BLOCK) {
		lf = map(datagram.p + base, &cr);
		if (take_block(out, &carry, base, lf, cr))
			return;
	}
	if (base == len)
		return;
	memcpy(last, datagram.p + base, len - base);
	lf = map(last, &cr);
	take_block(out, &carry, base, lf, cr);
}

static inline __attribute__((target("sse4.2"))) uint64_t map_sse42(const uint8_t *block,
								   uint64_t *cr)
{
	uint64_t lf = 0;

	*cr = 0;
	for (uint32_t i = 0; i < BLOCK; i += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)(block + i));
		__m128i is_lf = _mm_cmpeq_epi8(x, _mm_set1_epi8('\n'));
		__m128i is_cr = _mm_cmpeq_epi8(x, _mm_set1_epi8('\r'));

		lf |= (uint64_t)(uint32_t)_mm_movemask_epi8(is_lf) << i;
		*cr |= (uint64_t)(uint32_t)_mm_movemask_epi8(is_cr) << i;
	}
	return lf;
}

static __attribute__((target("sse4.2"))) void scan_sse42(struct slice datagram,
							 struct sip_scan *out)
{
	scan_blocks(datagram, out, map_sse42);
}

static inline __attribute__((target("avx2,bmi,popcnt"))) uint64_t map_avx2(const uint8_t *block,
									   uint64_t *cr)
{
	__m256i a = _mm256_loadu_si256((const __m256i *)(const void *)block);
	__m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(block + 32));
	__m256i lf = _mm256_set1_epi8('\n'), r = _mm256_set1_epi8('\r');

	*cr = (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, r)) << 32 |
	      (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, r));
	return (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, lf)) << 32 |
	       (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, lf));
}

static __attribute__((target("avx2,bmi,popcnt"))) void scan_avx2(struct slice datagram,
								 struct sip_scan *out)
{
	scan_blocks(datagram, out, map_avx2);
}

static inline __attribute__((target("avx512bw,avx512f,bmi,popcnt"))) uint64_t map_avx512(
	const uint8_t *block, uint64_t *cr)
{
	__m512i x = _mm512_loadu_si512(block);

	*cr = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('\r'));
	return _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('\n'));
}

static __attribute__((target("avx512bw,avx512f,bmi,popcnt"))) void scan_avx512(
	struct slice datagram, struct sip_scan *out)
{
	scan_blocks(datagram, out, map_avx512);
}

sip_scan_fn *sip_scan_variant(const char *name)
{
	if (strcmp(name, "scalar") == 0)
		return sip_scan_scalar;
	if (strcmp(name, "sse42") == 0)
		return __builtin_cpu_supports("sse4.2") ? scan_sse42 : NULL;
	if (strcmp(name, "avx2") == 0)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi")
			       ? scan_avx2
			       : NULL;
	if (strcmp(name, "avx512") == 0)
		return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("bmi")
			       ? scan_avx512
			       : NULL;
	return NULL;
}

sip_scan_fn *sip_scan = sip_scan_scalar;

static void __attribute__((constructor)) choose(void)
{
	static const char *const widest_first[] = {"avx512", "avx2", "sse42"};

	__builtin_cpu_init();
	for (uint32_t i = 0; i < 3; i++) {
		sip_scan_fn *variant = sip_scan_variant(widest_first[i]);

		if (variant) {
			sip_scan = variant;
			return;
		}
	}
}
