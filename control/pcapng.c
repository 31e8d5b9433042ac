/* pcapng.c - blocks of a capture file (draft-ietf-opsawg-pcapng) */
#include "control/pcapng.h"

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	LINKTYPE_RAW = 101,
	OPTION_END = 0,
	OPTION_IF_NAME = 2,
	OPTION_IF_TSRESOL = 9,
	OPTION_USER_APPLICATION = 4,
	OPTION_EPB_FLAGS = 2,
	IP_PROTO_UDP = 17,
	UDP_OCTETS = 8,
	IP4_OCTETS = 20,
	IP6_OCTETS = 40,
	IP_TTL = 64,
};

/* Of the file's own: the byte order of this machine, as the section header's magic says. */
static void put16(struct text *t, uint16_t v)
{
	text_put(t, slice_of(&v, sizeof(v)));
}

static void put32(struct text *t, uint32_t v)
{
	text_put(t, slice_of(&v, sizeof(v)));
}

/* Of the packet: network byte order. */
static void put16_net(struct text *t, uint16_t v)
{
	text_char(t, (uint8_t)(v >> 8));
	text_char(t, (uint8_t)v);
}

static void pad4(struct text *t, uint32_t from)
{
	while ((t->len - from) % 4 && !t->overflow)
		text_char(t, 0);
}

static uint32_t block_start(struct text *t, uint32_t type)
{
	uint32_t from = t->len;

	put32(t, type);
	put32(t, 0);
	return from;
}

/* The length stands at both ends of a block. */
static void block_end(struct text *t, uint32_t from)
{
	uint32_t len;

	pad4(t, from);
	len = t->len - from + 4;
	put32(t, len);
	if (!t->overflow)
		memcpy(t->p + from + 4, &len, sizeof(len));
}

static void put_option(struct text *t, uint16_t code, struct slice value)
{
	uint32_t from = t->len;

	put16(t, code);
	put16(t, (uint16_t)value.len);
	text_put(t, value);
	pad4(t, from);
}

void pcapng_head(struct text *out)
{
	uint32_t from = block_start(out, BLOCK_SECTION);
	uint8_t nanoseconds = 9;

	put32(out, BYTE_ORDER_MAGIC);
	put16(out, 1);
	put16(out, 0);
	put32(out, UINT32_MAX); /* length of the section: unknown */
	put32(out, UINT32_MAX);
	put_option(out, OPTION_USER_APPLICATION, SLICE("saker-control"));
	put_option(out, OPTION_END, SLICE_EMPTY);
	block_end(out, from);

	from = block_start(out, BLOCK_INTERFACE);
	put16(out, LINKTYPE_RAW);
	put16(out, 0);
	put32(out, 0); /* no limit on the length of packets */
	put_option(out, OPTION_IF_NAME, SLICE("saker"));
	put_option(out, OPTION_IF_TSRESOL, slice_of(&nanoseconds, 1));
	put_option(out, OPTION_END, SLICE_EMPTY);
	block_end(out, from);
}

static uint32_t sum_octets(struct slice s)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < s.len; i++)
		sum += i % 2 ? s.p[i] : (uint32_t)s.p[i] << 8;
	return sum;
}

static uint16_t checksum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void patch16_net(struct text *t, uint32_t at, uint16_t v)
{
	if (t->overflow)
		return;
	t->p[at] = (uint8_t)(v >> 8);
	t->p[at + 1] = (uint8_t)v;
}

/* RFC 791 §3.1; do not fragment, no options. */
static void put_ip4(struct text *t, const struct pcapng_packet *p, uint16_t udp_len)
{
	uint32_t from = t->len;

	text_char(t, 0x45);
	text_char(t, 0);
	put16_net(t, (uint16_t)(IP4_OCTETS + udp_len));
	put16_net(t, 0);
	put16_net(t, 0x4000);
	text_char(t, IP_TTL);
	text_char(t, IP_PROTO_UDP);
	put16_net(t, 0);
	text_put(t, slice_of(p->src.ip, 4));
	text_put(t, slice_of(p->dst.ip, 4));
	patch16_net(t, from + 10, checksum_fold(sum_octets(text_since(t, from))));
}

/* RFC 8200 §3. */
static void put_ip6(struct text *t, const struct pcapng_packet *p, uint16_t udp_len)
{
	text_char(t, 0x60);
	text_char(t, 0);
	put16_net(t, 0);
	put16_net(t, udp_len);
	text_char(t, IP_PROTO_UDP);
	text_char(t, IP_TTL);
	text_put(t, slice_of(p->src.ip, 16));
	text_put(t, slice_of(p->dst.ip, 16));
}

/* RFC 768: over addresses, protocol and length, then the datagram; a sum of zero is sent as all
 * ones. */
static void put_udp(struct text *t, const struct pcapng_packet *p, uint16_t udp_len)
{
	uint32_t from = t->len, octets = p->src.family == 4 ? 4 : 16, sum;
	uint16_t check;

	put16_net(t, p->src.port);
	put16_net(t, p->dst.port);
	put16_net(t, udp_len);
	put16_net(t, 0);
	text_put(t, p->message);
	sum = sum_octets(slice_of(p->src.ip, octets)) +
	      sum_octets(slice_of(p->dst.ip, octets)) + IP_PROTO_UDP + udp_len +
	      sum_octets(text_since(t, from));
	check = checksum_fold(sum);
	patch16_net(t, from + 6, check ? check : 0xffff);
}

void pcapng_packet(struct text *out, const struct pcapng_packet *p)
{
	uint16_t udp_len = (uint16_t)(UDP_OCTETS + p->message.len);
	uint32_t ip_octets = p->src.family == 4 ? IP4_OCTETS : IP6_OCTETS, from;
	uint32_t flags = p->out ? 2 : 1; /* outbound, inbound */

	if (p->src.family == 0 || p->src.family != p->dst.family ||
	    p->message.len > SIP_MESSAGE_MAX)
		return;
	from = block_start(out, BLOCK_PACKET);
	put32(out, 0); /* interface */
	put32(out, (uint32_t)(p->wall_ns >> 32));
	put32(out, (uint32_t)p->wall_ns);
	put32(out, ip_octets + udp_len); /* captured, and on the wire */
	put32(out, ip_octets + udp_len);
	if (p->src.family == 4)
		put_ip4(out, p, udp_len);
	else
		put_ip6(out, p, udp_len);
	put_udp(out, p, udp_len);
	pad4(out, from);
	put_option(out, OPTION_EPB_FLAGS, slice_of(&flags, sizeof(flags)));
	put_option(out, OPTION_END, SLICE_EMPTY);
	block_end(out, from);
}
