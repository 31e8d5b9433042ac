/* addr.h - a transport address: IPv4 or IPv6, and a port */
#pragma once

#include "base/text.h"

/* IPv4 is kept in the first four octets, the rest zero, so that two addresses are
 * equal exactly if their octets are. */
struct addr {
	uint8_t ip[16];
	uint16_t port;  /* host order */
	uint8_t family; /* 4, 6, or 0: none */
	uint8_t pad;    /* zero */
};

_Static_assert(sizeof(struct addr) == 20,
	       "no hidden padding: addresses are hashed and compared as octets");

/* Half of an address as a number, first octet on top. */
static inline uint64_t addr_half(const struct addr *a, unsigned i)
{
	uint64_t v;

	memcpy(&v, a->ip + 8 * i, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static inline bool addr_same_ip(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && addr_half(a, 0) == addr_half(b, 0) &&
	       addr_half(a, 1) == addr_half(b, 1);
}

static inline bool addr_eq(const struct addr *a, const struct addr *b)
{
	return addr_same_ip(a, b) && a->port == b->port && a->pad == b->pad;
}

static inline uint64_t addr_mask(uint8_t bits)
{
	return bits >= 64 ? UINT64_MAX : ~(UINT64_MAX >> bits);
}

/* True if the first `bits` bits of the address are the prefix's. */
static inline bool addr_in_prefix(const struct addr *a, const struct addr *prefix, uint8_t bits)
{
	uint64_t high = addr_half(a, 0) ^ addr_half(prefix, 0),
		 low = addr_half(a, 1) ^ addr_half(prefix, 1);

	return a->family == prefix->family && (high & addr_mask(bits)) == 0 &&
	       (bits <= 64 || (low & addr_mask((uint8_t)(bits - 64))) == 0);
}

static inline struct addr addr_v4(uint32_t ip_host_order, uint16_t port)
{
	return (struct addr){.ip = {ip_host_order >> 24, ip_host_order >> 16 & 255,
				    ip_host_order >> 8 & 255, ip_host_order & 255},
			     .port = port,
			     .family = 4};
}

/* "192.0.2.1", "2001:db8::1" or "[2001:db8::1]", strict (no names, no octal); the port is
 * left 0. False if it is nothing of the kind. */
bool addr_parse_ip(struct slice s, struct addr *out);
/* The same with ":port" behind (IPv6 in brackets); without a port, default_port. */
bool addr_parse(struct slice s, uint16_t default_port, struct addr *out);
/* "192.0.2.1" or "[2001:db8::1]", as SIP's host has it (RFC 3261 §25.1). */
void addr_put_host(struct text *t, const struct addr *a);
/* With ":port" always. */
void addr_put(struct text *t, const struct addr *a);
/* For logs: a NUL-terminated "host:port" in buf. */
#define ADDR_TEXT_MAX 64
const char *addr_text(const struct addr *a, char buf[ADDR_TEXT_MAX]);
