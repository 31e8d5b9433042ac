/* frame.c - frames composed octet by octet, and taken apart again, apart from the code under
 * test */
#include "frame.h"

#include <string.h>

const uint8_t frame_peer_mac[6] = {0x02, 0, 0, 0, 0, 0x99};
const uint8_t frame_peer4[4] = {192, 0, 2, 9};
const uint8_t frame_node4[4] = {192, 0, 2, 1};
const uint8_t frame_peer6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 9};
const uint8_t frame_node6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

uint16_t frame_get16(const struct frame *f, uint32_t at)
{
	return (uint16_t)(f->o[at] << 8 | f->o[at + 1]);
}

void frame_put16(struct frame *f, uint32_t at, uint16_t v)
{
	f->o[at] = (uint8_t)(v >> 8);
	f->o[at + 1] = (uint8_t)v;
}

static void put(struct frame *f, const void *octets, uint32_t len)
{
	memcpy(f->o + f->len, octets, len);
	f->len += len;
}

static void put16(struct frame *f, uint16_t v)
{
	f->len += 2;
	frame_put16(f, f->len - 2, v);
}

void frame_insert(struct frame *f, uint32_t at, const void *octets, uint32_t len)
{
	memmove(f->o + at + len, f->o + at, f->len - at);
	memcpy(f->o + at, octets, len);
	f->len += len;
}

static uint32_t sum16(const uint8_t *p, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t payload_sum(const struct frame *f, uint32_t ip, uint32_t at, uint8_t proto,
			    uint32_t len)
{
	bool v4 = f->o[ip] >> 4 == 4;
	uint32_t sum = sum16(f->o + ip + (v4 ? 12 : 8), v4 ? 8 : 32, proto);

	return sum16(f->o + at, len,
		     sum16((uint8_t[]){(uint8_t)(len >> 8), (uint8_t)len}, 2, sum));
}

void frame_fix_ip4(struct frame *f, uint32_t at)
{
	frame_put16(f, at + 10, 0);
	frame_put16(f, at + 10, (uint16_t)~sum16(f->o + at, (f->o[at] & 15) * 4u, 0));
}

static uint32_t checksum_at(uint8_t proto)
{
	return proto == 17 ? 6 : 2;
}

void frame_fix_payload(struct frame *f, uint32_t ip, uint32_t at, uint8_t proto)
{
	uint32_t where = at + checksum_at(proto);

	frame_put16(f, where, 0);
	frame_put16(f, where, (uint16_t)~payload_sum(f, ip, at, proto, f->len - at));
}

bool frame_sound(const struct frame *f, uint32_t ip)
{
	bool v4 = f->o[ip] >> 4 == 4;
	uint8_t proto = f->o[ip + (v4 ? 9 : 6)];
	uint32_t at = ip + (v4 ? 20 : 40),
		 len = v4 ? frame_get16(f, ip + 2) - 20u : frame_get16(f, ip + 4);

	if (at + len > f->len || (v4 && sum16(f->o + ip, 20, 0) != 0xffff))
		return false;
	if (v4 && proto == 1)
		return sum16(f->o + at, len, 0) == 0xffff;
	return payload_sum(f, ip, at, proto, len) == 0xffff;
}

static void ethernet(struct frame *f, const uint8_t mac[6], uint16_t vlan, uint16_t type)
{
	f->len = 0;
	put(f, mac, 6);
	put(f, frame_peer_mac, 6);
	if (vlan) {
		put16(f, 0x8100);
		put16(f, vlan);
	}
	put16(f, type);
}

void frame_ip4(struct frame *f, const uint8_t mac[6], uint16_t vlan, uint8_t proto,
	       const void *payload, uint32_t len)
{
	ethernet(f, mac, vlan, 0x0800);
	uint32_t ip = f->len;

	put(f, "\x45\0", 2);
	put16(f, (uint16_t)(20 + len));
	put(f, "\x12\x34\0\0\x40", 5);
	put(f, &proto, 1);
	put16(f, 0);
	put(f, frame_peer4, 4);
	put(f, frame_node4, 4);
	put(f, payload, len);
	frame_fix_ip4(f, ip);
}

void frame_ip6(struct frame *f, const uint8_t mac[6], uint16_t vlan, uint8_t proto,
	       const void *payload, uint32_t len)
{
	ethernet(f, mac, vlan, 0x86dd);
	put(f, "\x60\0\0\0", 4);
	put16(f, (uint16_t)len);
	put(f, (uint8_t[]){proto, proto == 58 ? 255 : 64}, 2);
	put(f, frame_peer6, 16);
	put(f, frame_node6, 16);
	put(f, payload, len);
}

static void udp(struct frame *f, uint16_t port, const void *payload, uint32_t len)
{
	f->len = 0;
	put16(f, 5555);
	put16(f, port);
	put16(f, (uint16_t)(8 + len));
	put16(f, 0);
	put(f, payload, len);
}

void frame_udp4(struct frame *f, const uint8_t mac[6], uint16_t vlan, uint16_t port,
		const void *payload, uint32_t len)
{
	static struct frame inner;
	uint32_t ip = vlan ? 18 : 14;

	udp(&inner, port, payload, len);
	frame_ip4(f, mac, vlan, 17, inner.o, inner.len);
	frame_fix_payload(f, ip, ip + 20, 17);
}

void frame_udp6(struct frame *f, const uint8_t mac[6], uint16_t vlan, uint16_t port,
		const void *payload, uint32_t len)
{
	static struct frame inner;
	uint32_t ip = vlan ? 18 : 14;

	udp(&inner, port, payload, len);
	frame_ip6(f, mac, vlan, 17, inner.o, inner.len);
	frame_fix_payload(f, ip, ip + 40, 17);
}

void frame_arp(struct frame *f, const uint8_t mac[6], uint16_t opcode,
	       const uint8_t sender_ip[4], const uint8_t target_ip[4])
{
	ethernet(f, mac, 0, 0x0806);
	put(f, "\0\1\x08\0\6\4", 6);
	put16(f, opcode);
	put(f, frame_peer_mac, 6);
	put(f, sender_ip, 4);
	put(f, "\0\0\0\0\0\0", 6);
	put(f, target_ip, 4);
}

void frame_nd(struct frame *f, const uint8_t mac[6], uint8_t type, uint8_t flags,
	      const uint8_t src[16], const uint8_t dst[16], const uint8_t target[16],
	      const uint8_t option_mac[6])
{
	struct frame inner = {.len = 0};

	put(&inner, (uint8_t[]){type, 0, 0, 0, flags, 0, 0, 0}, 8);
	put(&inner, target, 16);
	put(&inner, (uint8_t[]){type == 135 ? 1 : 2, 1}, 2);
	put(&inner, option_mac, 6);
	frame_ip6(f, mac, 0, 58, inner.o, inner.len);
	memcpy(f->o + 14 + 8, src, 16);
	memcpy(f->o + 14 + 24, dst, 16);
	frame_fix_payload(f, 14, 54, 58);
}
