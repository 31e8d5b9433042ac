/* index.c - stage two of the parser: each header line into the index */
#include "sip/chars.h"
#include "sip/header.h"
#include "sip/index.h"
#include "sip/wide.h"

enum { AHEAD = 32 }; /* octets looked at in one step for a header's colon */

static inline uint32_t find_colon(const uint8_t *p)
{
	__m128i colon = _mm_set1_epi8(':');
	__m128i a = sip_load16(p);
	__m128i b = sip_load16(p + 16);
	uint32_t map = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(a, colon)) |
		       (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(b, colon)) << 16;

	return map ? (uint32_t)__builtin_ctz(map) : AHEAD;
}

/* The name of the header line at p, and where its colon is; end if it has none. White space
 * before the colon is no part of the name (RFC 3261 §25.1, HCOLON): what is stripped or
 * trusted by name must be found however it is spelt. */
static inline struct slice take_name(const uint8_t *p, const uint8_t *end, bool roomy,
				     const uint8_t **colon)
{
	uint32_t len = roomy ? find_colon(p) : AHEAD;
	const uint8_t *at = p + len;

	if (len == AHEAD) {
		at = memchr(p, ':', (size_t)(end - p));
		if (at == NULL)
			at = end;
	} else if (at > end) {
		at = end;
	}
	*colon = at;
	while (at > p && (at[-1] == ' ' || at[-1] == '\t'))
		at--;
	return slice_between(p, at);
}

static inline void chain(struct sip_msg *msg, uint32_t index, uint8_t id)
{
	struct sip_header *h = &msg->header[index];

	h->id = id;
	h->next = SIP_NO_HEADER;
	if (msg->first[id] == SIP_NO_HEADER)
		msg->first[id] = (uint8_t)index;
	else
		msg->header[msg->last[id]].next = (uint8_t)index;
	msg->last[id] = (uint8_t)index;
}

/* One header line, folds included: [from, lf], lf being its last LF. */
static enum sip_error index_line(struct sip_msg *msg, uint32_t from, uint32_t lf)
{
	const uint8_t *raw = msg->raw.p, *p = raw + from, *end = raw + lf, *value;
	bool roomy = msg->raw.len - from >= AHEAD;
	struct slice name = take_name(p, end, roomy, &value);
	struct sip_header *h = &msg->header[msg->n_headers];
	enum sip_header_id id;

	if (value == end)
		return SIP_E_HEADER;
	id = roomy ? sip_header_id_padded(name) : sip_header_id(name);
	if (id == SIP_H_OTHER && !sip_is_token(name))
		return SIP_E_HEADER;
	for (value++; value < end && ascii_is_space(*value);)
		value++;
	while (end > value && ascii_is_space(end[-1]))
		end--;
	h->name = (uint16_t)from;
	h->name_len = (uint16_t)name.len;
	h->value = (uint16_t)(value - raw);
	h->value_len = (uint16_t)(end - value);
	h->end = (uint16_t)(lf + 1);
	chain(msg, msg->n_headers++, (uint8_t)id);
	return SIP_OK;
}

/* Lines of any kind, folded ones too. */
static enum sip_error index_any(struct sip_msg *msg, const struct sip_scan *scan)
{
	uint32_t lines = scan->complete ? scan->n - 1 : scan->n;
	const uint8_t *raw = msg->raw.p;
	enum sip_error first = SIP_OK;

	for (uint32_t k = 1; k < lines; k++) {
		uint32_t from = scan->lf[k - 1] + 1u, lf = scan->lf[k];
		enum sip_error e;

		while (k + 1 < lines && (raw[lf + 1] == ' ' || raw[lf + 1] == '\t'))
			lf = scan->lf[++k];
		if (msg->n_headers == SIP_HEADERS_MAX)
			return SIP_E_HEADER_COUNT;
		e = index_line(msg, from, lf);
		if (first == SIP_OK)
			first = e;
	}
	return first;
}

/* The first 32 octets at p; if the message has no more than `left`, zeros behind. */
static inline SIP_WIDE __m256i load_ahead(const uint8_t *p, uint32_t left)
{
	if (left >= AHEAD)
		return _mm256_loadu_si256((const __m256i *)(const void *)p);
	return _mm256_maskz_loadu_epi8(_bzhi_u32(~0u, left), p);
}

/* An index into sip_header_names: the name of len octets that the line at p begins with, and ":
 * " behind; 0: none that is spelt as usual. */
static inline SIP_WIDE uint32_t find_name(__m256i line, const uint8_t *p, uint32_t len)
{
	const struct sip_header_names *names = &sip_header_names;
	const struct sip_header_name *name;
	uint32_t start, known;
	__m256i text, bits;

	memcpy(&start, p, sizeof(start));
	known = names->slot_usual[sip_header_slot_usual(start, len, names->factor_usual)];
	name = &names->name[known];
	text = _mm256_load_si256((const __m256i *)(const void *)name->text);
	bits = _mm256_load_si256((const __m256i *)(const void *)name->bits);
	return _mm256_test_epi8_mask(_mm256_xor_si256(line, text), bits) ? 0 : known;
}

enum { BLOCK = 16, WORDS = sizeof(struct sip_header) / 2 };

_Static_assert(SIP_HEADERS_MAX % BLOCK == 0, "the last block ends with the array");
_Static_assert(WORDS == 6 && offsetof(struct sip_header, value) == 4 &&
		       offsetof(struct sip_header, end) == 8 &&
		       offsetof(struct sip_header, id) == 10,
	       "as put_block has it");

/* From where each word of 16 records comes: of four columns, or of the two that follow. */
#define FROM1(t)  (((t) % WORDS) % 4 * BLOCK + (t) / WORDS)
#define FROM4(t)  FROM1(t), FROM1((t) + 1), FROM1((t) + 2), FROM1((t) + 3)
#define FROM16(t) FROM4(t), FROM4((t) + 4), FROM4((t) + 8), FROM4((t) + 12)
static const uint16_t come_from[BLOCK * WORDS] __attribute__((aligned(64))) = {
	FROM16(0), FROM16(16), FROM16(32), FROM16(48), FROM16(64), FROM16(80),
};
/* The words that are of the two that follow: the fifth and the sixth of each record. */
static const uint32_t of_last_two[3] = {0x30c30c30, 0x0c30c30c, 0xc30c30c3};

static inline SIP_WIDE __m256i load_words(const uint16_t *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* What is found line by line, before it is put together; room for whole blocks. */
struct found {
	uint8_t colon[SIP_HEADERS_MAX];   /* from where the line begins */
	uint8_t known[SIP_HEADERS_MAX];   /* index into sip_header_names */
	uint8_t unknown[SIP_HEADERS_MAX]; /* lines to look at again */
	uint32_t n_unknown;
};

/* Looks for the usual: a name of less than 32 octets in its usual spelling, ": ", a value.
 * Nothing but the end makes this branch: for an unknown name it would be guessed wrong, and
 * found out late. */
static SIP_WIDE __attribute__((noinline)) void find_names(struct slice raw, const uint16_t *lf,
							  uint32_t lines, struct found *f)
{
	const uint8_t *from = raw.p + lf[0] + 1;
	uint32_t n_unknown = 0;

	for (uint32_t n = 0; n < lines; n++) {
		const uint8_t *end = raw.p + lf[n + 1];
		__m256i line = load_ahead(from, (uint32_t)(raw.p + raw.len - from));
		uint32_t colon = (uint32_t)_tzcnt_u32(
			_mm256_cmpeq_epi8_mask(line, _mm256_set1_epi8(':')));
		uint32_t known;

		/* Without an octet of value, nothing is read behind the line. */
		colon = from + colon + 3 < end ? colon : 0;
		known = find_name(line, from, colon);
		known &= -(uint32_t)(from[colon + 2] > ' ');
		f->colon[n] = (uint8_t)colon;
		f->known[n] = (uint8_t)known;
		f->unknown[n_unknown] = (uint8_t)n;
		n_unknown += known == 0;
		from = end + 1;
	}
	f->n_unknown = n_unknown;
}

/* The lines that find_names does not know: names in another spelling, or not in the table.
 * False: one is no name, or is not followed by ": " and a value. */
static SIP_WIDE bool look_again(const uint8_t *raw, const uint16_t *lf, struct found *f)
{
	for (uint32_t i = 0; i < f->n_unknown; i++) {
		uint32_t n = f->unknown[i];
		const uint8_t *p = raw + lf[n] + 1;
		struct slice name = {p, f->colon[n]};

		if (name.len == 0 || p[name.len + 1] != ' ' || p[name.len + 2] <= ' ' ||
		    !sip_wide_all(name, SIP_C_TOKEN))
			return false;
		f->known[n] = (uint8_t)sip_header_known(name);
	}
	return true;
}

/* 16 records of the index at once, from columns, one a field, to rows. */
static inline SIP_WIDE void put_block(struct sip_header *to, const uint16_t *lf,
				      const struct found *f, uint32_t n)
{
	const uint8_t *ids = sip_header_names.id;
	__m128i colons = sip_load16(f->colon + n), known = sip_load16(f->known + n);
	__m512i id =
		_mm512_permutex2var_epi8(_mm512_loadu_si512(ids), _mm512_castsi128_si512(known),
					 _mm512_loadu_si512(ids + 64));
	__m256i id_next = _mm256_or_si256(_mm256_cvtepu8_epi16(_mm512_castsi512_si128(id)),
					  _mm256_set1_epi16((short)(SIP_NO_HEADER << 8)));
	__m256i one = _mm256_set1_epi16(1);
	__m256i name = _mm256_add_epi16(load_words(lf + n), one), end = load_words(lf + n + 1);
	__m256i name_len = _mm256_cvtepu8_epi16(colons);
	__m256i value =
		_mm256_add_epi16(_mm256_add_epi16(name, name_len), _mm256_set1_epi16(2));
	__m256i value_len = _mm256_sub_epi16(_mm256_sub_epi16(end, one), value);
	__m512i a = _mm512_inserti64x4(_mm512_castsi256_si512(name), name_len, 1);
	__m512i b = _mm512_inserti64x4(_mm512_castsi256_si512(value), value_len, 1);
	__m512i c = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_add_epi16(end, one)),
				       id_next, 1);
	uint8_t *p = (uint8_t *)(to + n);

	for (uint32_t i = 0; i < 3; i++) {
		__m512i from = _mm512_load_si512(come_from + 32 * i);
		__m512i words = _mm512_permutex2var_epi16(a, from, b);

		words = _mm512_mask_permutexvar_epi16(words, of_last_two[i], from, c);
		_mm512_storeu_si512(p + 64 * i, words);
	}
}

/* Lines that a scan found plain, each "Name: value" as nearly all write it. False: there is
 * something else among them, a folded line for one; all is to be done over then. The chains
 * come before the records: what find_names wrote octet by octet cannot be read in wide steps at
 * once. */
static SIP_WIDE bool index_plain(struct sip_msg *msg, const struct sip_scan *scan)
{
	uint8_t before[SIP_HEADERS_MAX], behind[SIP_HEADERS_MAX];
	uint32_t lines = scan->n - 2, links = 0;
	struct found f;

	find_names(msg->raw, scan->lf, lines, &f);
	if (f.n_unknown && !look_again(msg->raw.p, scan->lf, &f))
		return false;
	for (uint32_t n = 0; n < lines; n++) {
		uint8_t id = sip_header_names.id[f.known[n]];

		if (msg->first[id] == SIP_NO_HEADER) {
			msg->first[id] = (uint8_t)n;
		} else {
			before[links] = msg->last[id];
			behind[links++] = (uint8_t)n;
		}
		msg->last[id] = (uint8_t)n;
	}
	for (uint32_t n = 0; n < lines; n += BLOCK)
		put_block(msg->header, scan->lf, &f, n);
	for (uint32_t i = 0; i < links; i++)
		msg->header[before[i]].next = behind[i];
	msg->n_headers = (uint8_t)lines;
	return true;
}

enum sip_error sip_index_lines(struct sip_msg *msg, const struct sip_scan *scan)
{
	if (scan->plain && scan->n >= 2) {
		if (index_plain(msg, scan))
			return SIP_OK;
		memset(msg->first, SIP_NO_HEADER, sizeof(msg->first));
	}
	return index_any(msg, scan);
}
