/* value.c - one value of saker.yaml, from and to text */
#include "conf/value.h"

#include "base/log.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Smallest first. */
static const struct unit size_units[] = {
	{"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30}, {NULL, 0}};
static const struct unit ms_units[] = {
	{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0}};
static const struct unit s_units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {NULL, 0}};

static const struct unit *units_of(enum conf_kind kind)
{
	switch (kind) {
	case KIND_SIZE:
		return size_units;
	case KIND_MS:
		return ms_units;
	case KIND_S:
		return s_units;
	default:
		return NULL;
	}
}

static void number_store(void *at, uint32_t size, uint64_t v)
{
	uint16_t v16 = (uint16_t)v;
	uint32_t v32 = (uint32_t)v;

	if (size == sizeof(bool))
		*(bool *)at = v != 0;
	else if (size == sizeof(v16))
		memcpy(at, &v16, sizeof(v16));
	else if (size == sizeof(v32))
		memcpy(at, &v32, sizeof(v32));
	else
		memcpy(at, &v, sizeof(v));
}

static uint64_t number_load(const void *at, uint32_t size)
{
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	if (size == sizeof(bool))
		return *(const bool *)at;
	if (size == sizeof(v16)) {
		memcpy(&v16, at, sizeof(v16));
		return v16;
	}
	if (size == sizeof(v32)) {
		memcpy(&v32, at, sizeof(v32));
		return v32;
	}
	memcpy(&v64, at, sizeof(v64));
	return v64;
}

static bool number_set(const struct conf_key *k, void *at, struct slice text)
{
	const struct unit *unit = units_of(k->kind);
	struct slice digits = text;
	uint64_t v, factor = 1;

	while (unit && digits.len && !ascii_is_digit(digits.p[digits.len - 1]))
		digits.len--;
	if (unit) {
		struct slice name = slice_from(text, digits.len);

		while (unit->name && !slice_eq(slice_str(unit->name), name))
			unit++;
		if (!unit->name)
			return false;
		factor = unit->factor;
	}
	if (!slice_u64(digits, k->max / factor, &v) || v * factor < k->min)
		return false;
	number_store(at, k->size, v * factor);
	return true;
}

static bool is_printable(struct slice s)
{
	for (uint32_t i = 0; i < s.len; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static bool is_name(struct slice s)
{
	for (uint32_t i = 0; i < s.len; i++)
		if (!ascii_is_alpha(s.p[i]) && !ascii_is_digit(s.p[i]) && s.p[i] != '-' &&
		    s.p[i] != '_')
			return false;
	return true;
}

/* Labels of 1 to 63 letters, digits and inner hyphens (RFC 1123 §2.1). */
static bool is_host(struct slice s)
{
	while (true) {
		struct slice label = slice_sub(s, 0, slice_find(s, '.'));

		if (label.len == 0 || label.len > 63 || label.p[0] == '-' ||
		    label.p[label.len - 1] == '-' || slice_find(label, '_') < label.len ||
		    !is_name(label))
			return false;
		if (label.len == s.len)
			return true;
		s = slice_from(s, label.len + 1);
	}
}

static bool is_uri(struct slice s)
{
	struct slice rest = slice_from(s, slice_find(s, ':') + 1);

	return (slice_starts(s, SLICE("sip:")) || slice_starts(s, SLICE("sips:"))) &&
	       rest.len && slice_find(s, ' ') == s.len && slice_find(s, '<') == s.len;
}

/* "2,3" or "2-5" or both mixed, CPUs below 1024. */
static bool is_cpus(struct slice s)
{
	while (true) {
		struct slice part = slice_sub(s, 0, slice_find(s, ','));
		uint32_t dash = slice_find(part, '-');
		uint64_t first, last;

		if (!slice_u64(slice_sub(part, 0, dash), 1023, &first))
			return false;
		last = first;
		if (dash < part.len && !slice_u64(slice_from(part, dash + 1), 1023, &last))
			return false;
		if (last < first)
			return false;
		if (part.len == s.len)
			return true;
		s = slice_from(s, part.len + 1);
	}
}

static bool is_level(struct slice s)
{
	static const char *const level[] = {"debug", "info", "warn", "error"};

	for (int i = LOG_DEBUG; i <= LOG_ERROR; i++)
		if (slice_eq(s, slice_str(level[i])))
			return true;
	return false;
}

static bool text_fits(enum conf_kind kind, struct slice s)
{
	switch (kind) {
	case KIND_NAME:
		return is_name(s);
	case KIND_HOST:
		return is_host(s);
	case KIND_URI:
		return is_uri(s);
	case KIND_PATH:
		return s.p[0] == '/';
	case KIND_STORE:
		return s.p[0] == '/' || slice_starts(s, SLICE("postgresql://")) ||
		       slice_starts(s, SLICE("postgres://"));
	case KIND_CPUS:
		return is_cpus(s);
	case KIND_LEVEL:
		return is_level(s);
	default:
		return true;
	}
}

static bool text_set(const struct conf_key *k, void *at, struct slice s)
{
	if (s.len < k->min || s.len > k->max || s.len >= k->size || !is_printable(s) ||
	    !text_fits(k->kind, s))
		return false;
	memset(at, 0, k->size);
	memcpy(at, s.p, s.len);
	return true;
}

static bool word_set(const struct conf_key *k, void *at, struct slice s)
{
	for (const struct conf_word *w = conf_words(k->kind); w->name; w++) {
		if (!slice_eq(slice_str(w->name), s))
			continue;
		uint64_t set = k->kind == KIND_ROLES ? number_load(at, k->size) : 0;
		number_store(at, k->size, set | w->value);
		return true;
	}
	return false;
}

static bool addr_set(const struct conf_key *k, struct addr *at, struct slice s)
{
	struct addr a;

	if (k->kind == KIND_ADDR) {
		if (!addr_parse(s, (uint16_t)k->min, &a) || (k->max && a.port == 0))
			return false;
	} else if (!addr_parse_ip(s, &a)) {
		return false;
	}
	if (k->kind == KIND_GATEWAY) {
		at += a.family == 6;
		if (at->family)
			return false;
	}
	*at = a;
	return true;
}

static bool prefix_set(const struct conf_key *k, struct conf_prefix *at, struct slice s)
{
	uint32_t slash = slice_find(s, '/');
	struct conf_prefix p = {0};
	uint64_t bits;

	if (!addr_parse_ip(slice_sub(s, 0, slash), &p.ip))
		return false;
	bits = p.ip.family == 4 ? 32 : 128;
	if (slash == s.len && k->kind == KIND_OWN)
		return false;
	if (slash < s.len && !slice_u64(slice_from(s, slash + 1), bits, &bits))
		return false;
	/* An own address says how large its link is: without, everything would be on it. */
	if (k->kind == KIND_OWN && bits == 0)
		return false;
	p.bits = (uint8_t)bits;
	*at = p;
	return true;
}

bool conf_value_set(const struct conf_key *k, void *at, struct slice text)
{
	switch (k->kind) {
	case KIND_TEXT:
	case KIND_NAME:
	case KIND_HOST:
	case KIND_URI:
	case KIND_PATH:
	case KIND_STORE:
	case KIND_LEVEL:
	case KIND_CPUS:
		return text_set(k, at, text);
	case KIND_COUNT:
	case KIND_SIZE:
	case KIND_MS:
	case KIND_S:
		return number_set(k, at, text);
	case KIND_BOOL:
	case KIND_ROLES:
	case KIND_IDLE:
	case KIND_AUTO:
	case KIND_STEERING:
	case KIND_ZONE:
	case KIND_INTEGRITY:
	case KIND_ENCRYPTION:
	case KIND_SCHEME:
	case KIND_PROXY_AUTH:
		return word_set(k, at, text);
	case KIND_HEX:
		return hex_decode(text, at, k->size);
	case KIND_IP:
	case KIND_ADDR:
	case KIND_GATEWAY:
		return addr_set(k, at, text);
	case KIND_OWN:
	case KIND_NET:
		return prefix_set(k, at, text);
	case KIND_PORTS:
	case KIND_PEERS:
	case KIND_ROUTES:
	case KIND_SCSCFS:
	case KIND_ACCESSES:
	case KIND_BGCFS:
	case KIND_NUMBERS:
	case KIND_PSAPS:
	case KIND_PLACES:
	case KIND_PLANS:
	case KIND_PRIORITIES:
	case KIND_HSSES:
		break;
	}
	return false;
}

static void number_put(enum conf_kind kind, uint64_t v, struct text *out)
{
	const struct unit *unit = units_of(kind), *best = unit;

	/* The largest unit that keeps it whole and easy to read: 120s is 2m, but 60s stays, and
	 * 600000s is not 10000m. */
	for (; unit && unit->name; unit++)
		if (v % unit->factor == 0 && v / unit->factor >= 2 && v / unit->factor < 2000)
			best = unit;
	text_u64(out, best ? v / best->factor : v);
	if (best)
		text_str(out, best->name);
}

static void words_list(enum conf_kind kind, struct text *out)
{
	for (const struct conf_word *w = conf_words(kind); w->name; w++) {
		if (w != conf_words(kind))
			text_str(out, w[1].name ? ", " : " or ");
		text_str(out, w->name);
	}
}

static void range_put(const struct conf_key *k, const char *what, struct text *out)
{
	text_str(out, what);
	text_lit(out, " from ");
	number_put(k->kind, k->min, out);
	text_lit(out, " to ");
	number_put(k->kind, k->max, out);
	if (units_of(k->kind)) {
		text_lit(out, ", with its unit, such as ");
		text_str(out, k->text);
	}
}

static const char *expected_fixed(enum conf_kind kind)
{
	switch (kind) {
	case KIND_NAME:
		return "letters, digits, - and _";
	case KIND_HOST:
		return "a domain name";
	case KIND_URI:
		return "a SIP URI";
	case KIND_PATH:
		return "a path that begins with /";
	case KIND_STORE:
		return "a path that begins with /, or postgresql://";
	case KIND_LEVEL:
		return "debug, info, warn or error";
	case KIND_CPUS:
		return "CPU numbers such as 2,3 or 2-5";
	case KIND_IP:
		return "an IP address";
	case KIND_GATEWAY:
		return "an IP address, at most one of each family";
	case KIND_OWN:
		return "an IP address with its prefix length, such as 10.0.0.1/24";
	case KIND_NET:
		return "an IP address or prefix, such as 10.0.0.0/24";
	case KIND_PORTS:
	case KIND_PEERS:
	case KIND_ROUTES:
	case KIND_SCSCFS:
	case KIND_ACCESSES:
	case KIND_BGCFS:
	case KIND_NUMBERS:
	case KIND_PSAPS:
	case KIND_PLACES:
	case KIND_PLANS:
	case KIND_PRIORITIES:
	case KIND_HSSES:
		return "a list of mappings";
	default:
		return "a text";
	}
}

void conf_value_expected(const struct conf_key *k, struct text *out)
{
	switch (k->kind) {
	case KIND_COUNT:
		range_put(k, "a whole number", out);
		return;
	case KIND_SIZE:
		range_put(k, "a size", out);
		return;
	case KIND_MS:
	case KIND_S:
		range_put(k, "a time", out);
		return;
	case KIND_HEX:
		text_printf(out, "%u hexadecimal digits", 2 * k->size);
		return;
	case KIND_ADDR:
		text_printf(out, "an IP address and port, such as %s", k->text);
		return;
	default:
		break;
	}
	if (conf_words(k->kind)) {
		words_list(k->kind, out);
		return;
	}
	text_str(out, expected_fixed(k->kind));
	if (k->max)
		text_printf(out, " of at most %u octets", (unsigned)k->max);
}

static void words_put(const struct conf_key *k, const void *at, struct text *out)
{
	uint64_t v = number_load(at, k->size);
	bool first = true;

	for (const struct conf_word *w = conf_words(k->kind); w->name; w++) {
		if (k->kind == KIND_ROLES ? !(v & w->value) : v != w->value)
			continue;
		if (!first)
			text_lit(out, ", ");
		text_str(out, w->name);
		first = false;
	}
}

/* IPv6 without brackets, as files have it. */
static void ip_put(const struct addr *a, struct text *out)
{
	char memory[ADDR_TEXT_MAX];
	struct text t = text_in(memory, sizeof(memory));

	addr_put_host(&t, a);
	text_put(out,
		 a->family == 6 ? slice_sub(text_slice(&t), 1, t.len - 2) : text_slice(&t));
}

static void gateways_put(const struct addr *at, struct text *out)
{
	ip_put(&at[0], out);
	if (at[0].family && at[1].family)
		text_lit(out, ", ");
	ip_put(&at[1], out);
}

static void prefix_put(const struct conf_prefix *p, struct text *out)
{
	ip_put(&p->ip, out);
	text_printf(out, "/%u", p->bits);
}

/* A password, behind the first colon or named so, as ***. */
static void store_put(struct slice where, struct text *out)
{
	uint32_t at = slice_starts(where, SLICE("/")) ? where.len : slice_find(where, '/') + 2;
	struct slice rest = slice_from(where, at), secret = SLICE("password=");

	text_put(out, slice_sub(where, 0, at));
	uint32_t end = rest.len;
	while (end && rest.p[end - 1] != '@')
		end--;
	uint32_t colon = slice_find(slice_sub(rest, 0, end), ':');
	if (colon < end) {
		text_put(out, slice_sub(rest, 0, colon));
		text_lit(out, ":***@");
		rest = slice_from(rest, end);
	}
	while (rest.len) {
		if (slice_starts(rest, secret)) {
			text_lit(out, "password=***");
			rest = slice_from(rest, slice_find(rest, '&'));
			continue;
		}
		text_char(out, rest.p[0]);
		rest = slice_from(rest, 1);
	}
}

void conf_value_put(const struct conf_key *k, const void *at, struct text *out)
{
	switch (k->kind) {
	case KIND_TEXT:
	case KIND_NAME:
	case KIND_HOST:
	case KIND_URI:
	case KIND_PATH:
	case KIND_LEVEL:
	case KIND_CPUS:
		text_str(out, at);
		break;
	case KIND_STORE:
		store_put(slice_str(at), out);
		break;
	case KIND_COUNT:
	case KIND_SIZE:
	case KIND_MS:
	case KIND_S:
		number_put(k->kind, number_load(at, k->size), out);
		break;
	case KIND_BOOL:
	case KIND_ROLES:
	case KIND_IDLE:
	case KIND_AUTO:
	case KIND_STEERING:
	case KIND_ZONE:
	case KIND_INTEGRITY:
	case KIND_ENCRYPTION:
	case KIND_SCHEME:
	case KIND_PROXY_AUTH:
		words_put(k, at, out);
		break;
	case KIND_HEX:
		text_hex_bytes(out, slice_of(at, k->size));
		break;
	case KIND_IP:
		ip_put(at, out);
		break;
	case KIND_ADDR:
		addr_put(out, at);
		break;
	case KIND_GATEWAY:
		gateways_put(at, out);
		break;
	case KIND_OWN:
	case KIND_NET:
		prefix_put(at, out);
		break;
	case KIND_PORTS:
	case KIND_PEERS:
	case KIND_ROUTES:
	case KIND_SCSCFS:
	case KIND_ACCESSES:
	case KIND_BGCFS:
	case KIND_NUMBERS:
	case KIND_PSAPS:
	case KIND_PLACES:
	case KIND_PLANS:
	case KIND_PRIORITIES:
	case KIND_HSSES:
		break;
	}
}

bool conf_value_is_none(const struct conf_key *k, const void *at)
{
	static const uint8_t zero[CONF_PATH_MAX];
	uint32_t size = k->kind == KIND_GATEWAY ? 2 * k->size : k->size;

	return k->presence == PRESENCE_OPTIONAL && size <= sizeof(zero) &&
	       memcmp(at, zero, size) == 0;
}
