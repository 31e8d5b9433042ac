/* scan.c - where lines end, 64 octets at a time
 *
 * Each variant makes two bit maps of a block, its LFs and its CRs; what follows from them is
 * common to all. Only the scalar variant goes its own way: it is the plain statement of what
 * the others must find. With VBMI2, a header section that is plain, as nearly all are, is
 * looked at without a branch for its lines; any other goes the common way.
 */
#include <immintrin.h>

#include "sip/scan.h"
#include "sip/wide.h"

enum { BLOCK = 64, LINES_MAX = SIP_HEADERS_MAX + 2, PLAIN_LINES = 16 };

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
	out->plain = false;
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

/* All of the first n octets of a block; n up to 64. */
static inline SIP_WIDE __mmask64 first_octets(uint32_t n)
{
	return _bzhi_u64(~0ULL, n);
}

/* Where something stands that a plain header section has nowhere but at its end: a control
 * behind white space or a control that is not the LF behind a CR, or one of these two alone. x
 * is a block, `before` the octets one place before those of x. */
static inline SIP_WIDE __mmask64 find_odd(__m512i x, __m512i before, __mmask64 lf)
{
	__m512i space = _mm512_set1_epi8(' ');
	__mmask64 control = _mm512_cmplt_epu8_mask(x, space);
	__mmask64 pair = _mm512_mask_cmple_epu8_mask(control, before, space);
	__mmask64 behind_cr = _mm512_cmpeq_epi8_mask(before, _mm512_set1_epi8('\r'));

	return (pair ^ lf) | (behind_cr ^ lf);
}

/* The place of each line's LF in the block, written without asking how many there are: no line
 * that is a header field is shorter than four octets, so 16 will do. */
static inline SIP_WIDE void note_plain(uint16_t *to, uint32_t base, uint64_t lf)
{
	static const uint8_t places[BLOCK] = {
		0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
		16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
		32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
		48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
	};
	__m512i packed = _mm512_maskz_compress_epi8(lf, _mm512_loadu_si512(places));
	__m256i offsets = _mm256_cvtepu8_epi16(_mm512_castsi512_si128(packed));

	_mm256_storeu_si256((__m256i *)(void *)to,
			    _mm256_add_epi16(offsets, _mm256_set1_epi16((short)base)));
}

/* The empty line begins at offset `at`, with a CR; `n` lines are before it. */
static inline bool end_plain(struct slice datagram, struct sip_scan *out, uint32_t n,
			     uint32_t at)
{
	if (at + 1 >= datagram.len || datagram.p[at + 1] != '\n' || n > SIP_HEADERS_MAX + 1)
		return false;
	out->lf[n] = (uint16_t)(at + 1);
	out->n = n + 1;
	out->head_end = (uint16_t)(at + 2);
	out->complete = true;
	out->plain = true;
	return true;
}

/* False: the header section is not plain, or has no end. It begins with the second octet, which
 * has one before it; a line needs more than one. The count of lines stays in a register: read
 * back from memory it would hold up each block. */
static SIP_WIDE bool scan_plain(struct slice datagram, struct sip_scan *out)
{
	uint32_t n = 0, count, base = 1;
	__mmask64 lf, odd;

	datagram.len = start_scan(datagram, out);
	if (datagram.len < 2 || datagram.p[0] <= ' ')
		return false;
	for (;; base += BLOCK, n += count) {
		const uint8_t *p = datagram.p + base;
		__m512i x, before;

		if (base + BLOCK <= datagram.len) {
			x = _mm512_loadu_si512(p);
			before = _mm512_loadu_si512(p - 1);
		} else if (base < datagram.len) {
			__mmask64 inside = first_octets(datagram.len - base);

			x = _mm512_maskz_loadu_epi8(inside, p);
			before = _mm512_maskz_loadu_epi8(inside, p - 1);
		} else {
			return false;
		}
		lf = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('\n'));
		odd = find_odd(x, before, lf);
		count = (uint32_t)_mm_popcnt_u64(lf);
		if (odd)
			break;
		if (count > PLAIN_LINES || n >= LINES_MAX)
			return false;
		note_plain(out->lf + n, base, lf);
	}
	/* The first odd place is the empty line's CR, or all is for nothing. */
	base += lowest_bit(odd);
	lf &= ~odd & (odd - 1);
	count = (uint32_t)_mm_popcnt_u64(lf);
	if (count > PLAIN_LINES || n >= LINES_MAX || base >= datagram.len ||
	    datagram.p[base] != '\r' || datagram.p[base - 1] != '\n')
		return false;
	note_plain(out->lf + n, base - lowest_bit(odd), lf);
	return end_plain(datagram, out, n + count, base);
}

static SIP_WIDE void scan_vbmi2(struct slice datagram, struct sip_scan *out)
{
	if (!scan_plain(datagram, out))
		scan_avx512(datagram, out);
}

static bool has_wide(void)
{
	return __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
	       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
	       __builtin_cpu_supports("popcnt");
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
	if (strcmp(name, "vbmi2") == 0)
		return has_wide() ? scan_vbmi2 : NULL;
	return NULL;
}

sip_scan_fn *sip_scan = sip_scan_scalar;
bool sip_wide;

static void __attribute__((constructor)) choose(void)
{
	static const char *const widest_first[] = {"vbmi2", "avx512", "avx2", "sse42"};

	__builtin_cpu_init();
	sip_wide = has_wide();
	for (uint32_t i = 0; i < 4; i++) {
		sip_scan_fn *variant = sip_scan_variant(widest_first[i]);

		if (variant) {
			sip_scan = variant;
			return;
		}
	}
}
