/* frame.h - frames composed octet by octet, and taken apart again, apart from the code under
 * test */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { FRAME_MAX = 20000 };

struct frame {
	uint32_t len;
	uint8_t o[FRAME_MAX];
};

/* The test's side of the wire. */
extern const uint8_t frame_peer_mac[6];
extern const uint8_t frame_peer4[4], frame_peer6[16];
/* The node's. */
extern const uint8_t frame_node4[4], frame_node6[16];

/* From the peer's port 5555 to the node's `port`; payload of len octets. Checksums right. vlan
 * 0: no tag. */
void frame_udp4(struct frame *f, const uint8_t mac[6], uint16_t vlan, uint16_t port,
		const void *payload, uint32_t len);
void frame_udp6(struct frame *f, const uint8_t mac[6], uint16_t vlan, uint16_t port,
		const void *payload, uint32_t len);
/* Any IP payload. */
void frame_ip4(struct frame *f, const uint8_t mac[6], uint16_t vlan, uint8_t proto,
	       const void *payload, uint32_t len);
void frame_ip6(struct frame *f, const uint8_t mac[6], uint16_t vlan, uint8_t proto,
	       const void *payload, uint32_t len);
/* An ARP packet of the peer. */
void frame_arp(struct frame *f, const uint8_t mac[6], uint16_t opcode,
	       const uint8_t sender_ip[4], const uint8_t target_ip[4]);
/* Neighbour solicitation (135) or advertisement (136) of the peer with a link-layer address
 * option. */
void frame_nd(struct frame *f, const uint8_t mac[6], uint8_t type, uint8_t flags,
	      const uint8_t src[16], const uint8_t dst[16], const uint8_t target[16],
	      const uint8_t option_mac[6]);

/* Sets the IPv4 header's checksum anew (IP header at `at`). */
void frame_fix_ip4(struct frame *f, uint32_t at);
/* Sets the checksum of UDP or ICMPv6 anew: IP header (4 or 6, no extensions) at ip, payload at
 * `at`. */
void frame_fix_payload(struct frame *f, uint32_t ip, uint32_t at, uint8_t proto);
/* True if the IP and payload checksums of a whole (not fragmented) packet are right. */
bool frame_sound(const struct frame *f, uint32_t ip);

uint16_t frame_get16(const struct frame *f, uint32_t at);
void frame_put16(struct frame *f, uint32_t at, uint16_t v);
/* Inserts octets. */
void frame_insert(struct frame *f, uint32_t at, const void *octets, uint32_t len);
