/* gruu.c - Globally Routable User Agent URIs (RFC 5627): the names of one terminal of a user */
#include "abi/gruu.h"

enum { INSTANCE_MAX = 256, WORDS = 3, HEX = 16 };

static const struct slice opaque = {(const uint8_t *)"tgruu", 5};

static int hex_value(uint8_t c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Without what +sip.instance puts around it. */
static struct slice bare(struct slice s)
{
	if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"')
		s = slice_sub(s, 1, s.len - 2);
	if (s.len >= 2 && s.p[0] == '<' && s.p[s.len - 1] == '>')
		s = slice_sub(s, 1, s.len - 2);
	return s;
}

/* RFC 5626 §3.1, RFC 5627 §5.1: URNs compare without regard to case where they are of UUIDs.
 * Two instances that differ in nothing else are one terminal's. */
uint64_t gruu_instance(const struct hash_key *key, struct slice instance)
{
	struct slice s = bare(instance);
	uint8_t plain[INSTANCE_MAX];
	uint32_t n = 0;
	uint64_t h;

	if (s.len == 0 || s.len > sizeof(plain))
		return 0;
	for (uint32_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];

		if (c == '%' && s.len - i > 2 && hex_value(s.p[i + 1]) >= 0 &&
		    hex_value(s.p[i + 2]) >= 0) {
			c = (uint8_t)(hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2]));
			i += 2;
		}
		plain[n++] = ascii_lower(c);
	}
	h = hash_table(key, plain, n);
	return h ? h : 1;
}

/* What may stand in the value of a URI parameter as it is (RFC 3261 §25.1). */
static bool is_plain(uint8_t c)
{
	static const char marks[] = "-_.!~*'()[]/:&+$";

	return ascii_is_alpha(c) || ascii_is_digit(c) || (c && strchr(marks, c) != NULL);
}

static bool is_sip(struct slice impu)
{
	return slice_starts(impu, SLICE("sip:")) && slice_find(impu, '@') < impu.len;
}

bool gruu_public_put(struct text *out, struct slice impu, struct slice instance)
{
	static const char digit[] = "0123456789ABCDEF";
	struct slice s = bare(instance);

	if (!is_sip(impu) || s.len == 0)
		return false;
	text_put(out, impu);
	text_lit(out, ";gr=");
	for (uint32_t i = 0; i < s.len; i++) {
		if (is_plain(s.p[i])) {
			text_char(out, s.p[i]);
			continue;
		}
		text_char(out, '%');
		text_char(out, (uint8_t)digit[s.p[i] >> 4]);
		text_char(out, (uint8_t)digit[s.p[i] & 15]);
	}
	return true;
}

/* The check is a MAC of what is written down, and the nonce of its cipher: a synthetic one, so
 * that no counter need outlive a restart. */
static uint64_t check_of(const struct hash_key *key, const uint64_t word[WORDS])
{
	const uint64_t all[] = {'g', word[0], word[1], word[2]};

	return hash_words(key, all, 4);
}

static uint64_t stream(const struct hash_key *key, uint64_t check, uint32_t i)
{
	const uint64_t word[] = {'s' | (uint64_t)i << 8, check};

	return hash_words(key, word, 2);
}

bool gruu_temporary_put(struct text *out, const struct hash_key *key, struct slice impu,
			const struct gruu *g)
{
	const uint64_t word[WORDS] = {g->user, g->instance,
				      (uint64_t)g->call << 32 | g->serial};
	uint64_t check = check_of(key, word);

	if (!is_sip(impu) || !g->instance)
		return false;
	text_lit(out, "sip:");
	text_put(out, opaque);
	text_hex(out, check, HEX);
	for (uint32_t i = 0; i < WORDS; i++)
		text_hex(out, word[i] ^ stream(key, check, i), HEX);
	text_put(out, slice_from(impu, slice_find(impu, '@')));
	text_lit(out, ";gr");
	return true;
}

bool gruu_temporary_get(struct slice user, const struct hash_key *key, struct gruu *out)
{
	uint64_t word[WORDS], check;

	if (user.len != GRUU_OPAQUE_LEN || !slice_starts(user, opaque) ||
	    !hex_u64(slice_sub(user, opaque.len, HEX), &check))
		return false;
	for (uint32_t i = 0; i < WORDS; i++) {
		if (!hex_u64(slice_sub(user, opaque.len + (i + 1) * HEX, HEX), &word[i]))
			return false;
		word[i] ^= stream(key, check, i);
	}
	if (check_of(key, word) != check)
		return false;
	*out = (struct gruu){word[0], word[1], (uint32_t)(word[2] >> 32), (uint32_t)word[2]};
	return true;
}
