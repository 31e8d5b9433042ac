/* worker.h - what one worker needs for ESP; private to esp/ */
#pragma once

#include "esp/esp.h"
#include "esp/state.h"

enum { ICV_MAX = 16, NONCE = 12, ESP_HEADER = 8, UDP_HEADER = 8 };

struct esp_worker {
	const struct esp_sas *sas;
	/* Side by side pays from some packets on; for few, wide lanes would run nearly empty.
	 */
	IMB_MGR *wide, *narrow;
	IMB_MGR *hmac; /* of the two, for the burst in work */
	uint16_t id;
	/* Of the burst in work, by its packets' places. */
	struct {
		const struct sa *sa;
		uint64_t hash;
		uint32_t seq;
		uint8_t way; /* enum sa_way */
		bool done;   /* the library is through with it */
		uint8_t nonce[NONCE];
		_Alignas(16) uint8_t icv[ICV_MAX];
	} work[ESP_BURST];
};

/* Once a burst, with the number of its packets. */
void crypto_begin(struct esp_worker *w, uint32_t n);
/* Some time before: the keys of this set come near, those for one direction. */
void crypto_approach(const struct sa *s, bool seal);
/* Puts the work on a packet into the library's queue: it checks (into icv) and decrypts a whole
 * packet, or encrypts one that is laid out but for the ICV, and writes that. */
void crypto_open(struct esp_worker *w, uint32_t i, uint8_t *at, uint32_t len);
void crypto_seal(struct esp_worker *w, uint32_t i, uint8_t *at, uint32_t len);
/* Works off all that is queued. */
void crypto_finish(struct esp_worker *w);

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}
