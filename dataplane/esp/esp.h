/* esp.h - ESP (RFC 4303) as UEs of IMS use it: packets in, packets out, in bursts
 *
 * In: SPI, addresses, sequence, integrity, decryption, padding, next header, selectors; what is
 * left is a UDP datagram of one UE, named by its sa_id. Out: the way back. Transport mode over
 * IPv4 and IPv6, and tunnel mode in UDP (RFC 3948) for UEs behind a NAT (TS 33.203 Annex M).
 *
 * All octets are worked on where they lie; nothing is allocated once the worker is there. A
 * packet of another worker's set is not touched: its verdict says to whom it must go (sa.h).
 *
 * The algorithms are those of the Intel IPsec Multi-Buffer library, called directly: it works
 * on the packets of a burst side by side, and picks the widest instructions of the CPU itself.
 * Chosen by measurement (bench_esp --others; TSC cycles of 900 octets sealed and opened, in
 * bursts of 32 on a Zen 4 core, keys in the caches): AES-CBC with HMAC-SHA-1 5750 by OpenSSL's
 * EVP, 9460 by DPDK's cryptodev over OpenSSL, 1550 to 1810 by its cryptodev over this very
 * library, and 1640 here, with all of ESP around it; AES-GCM 2120, 2560, 580 to 770, and 920.
 * The detour would bring operations, sessions and their pools in DPDK's memory for each SA;
 * here a set's four SAs share one expanded key. Against 10,000 UEs at random, whose keys have
 * to come from memory, it is 1880 and 1100.
 *
 * IVs: AES-CBC's is the encryption, under the set's own key, of what is used only once, the SPI
 * and the sequence number (NIST SP 800-38A, appendix C): nobody can foretell it. AES-GCM's and
 * AES-GMAC's are those two numbers as they are (RFC 4106 §3.1 wants them different, no more).
 * The SPI is in it because all four SAs of a UE have the same key and salt: numbers alone would
 * be those of the other SAs, and of a UE that counts from 1 as well.
 */
#pragma once

#include "base/buf.h"
#include "base/count.h"
#include "base/limits.h"
#include "base/verdict.h"
#include "esp/sa.h"

enum {
	ESP_BURST = 64,      /* packets a call */
	ESP_HEAD_MAX = 72,   /* octets put before a message: ESP, IV, inner IPv6, UDP */
	ESP_TAIL_MAX = 33,   /* and behind: padding, its length, next header, ICV */
	ESP_UDP_PORT = 4500, /* RFC 3948 §2.1 */
	ESP_MESSAGE_MAX = SIP_MESSAGE_MAX,
};

struct esp_worker;

/* Main thread. `sas` outlives it. NULL: no memory. */
struct esp_worker *esp_worker_create(const struct esp_sas *sas, uint16_t id);
/* Main thread, when it does not run any more. */
void esp_worker_destroy(struct esp_worker *w);

struct esp_packet {
	/* Given: the whole payload of an IP packet with protocol 50, or of a UDP datagram to
	 * ESP_UDP_PORT; with the IP packet's addresses, and that datagram's ports, or 0. On
	 * NEXT: the SIP message, and the addresses and ports it came with inside. */
	uint8_t *at;
	uint32_t len;
	struct addr src, dst;
	/* Found */
	uint64_t sa_id;
	uint8_t verdict; /* NEXT; HANDOFF: untouched, for `owner`; DROP, for `reason` */
	uint16_t owner;
	enum count_id reason;
};

/* True if the payload of a datagram to ESP_UDP_PORT is a keep-alive (RFC 3948 §2.3), or not ESP
 * at all but IKE (§2.2). */
static inline bool esp_is_other(const uint8_t *at, uint32_t len)
{
	return len < 4 || (at[0] | at[1] | at[2] | at[3]) == 0;
}

/* Owning worker, inside a read-side section. n <= ESP_BURST. Reads and writes nothing outside
 * of the packets. */
void esp_in(struct esp_worker *w, struct esp_packet *p, uint32_t n);

struct esp_message {
	/* A SIP message, alone in its buffer, with ESP_HEAD_MAX octets before and ESP_TAIL_MAX
	 * behind that may be written. On SEND: ready for the network, with src and dst set; in
	 * transport mode an IP packet's payload with protocol 50 (BUF_F_ESP), else that of a
	 * UDP datagram. Its rooms are what is left. */
	struct buf *buf;
	uint64_t sa_id;
	/* Found */
	uint8_t verdict; /* SEND; HANDOFF: untouched, for `owner`; DROP, for `reason` */
	uint16_t owner;
	enum count_id reason;
};

/* Owning worker, inside a read-side section. n <= ESP_BURST. */
void esp_out(struct esp_worker *w, struct esp_message *m, uint32_t n);
