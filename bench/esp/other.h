/* other.h - ways to the algorithms that esp/ did not take, for comparison
 *
 * Each works on OTHER_BURST packets of OTHER_OCTETS octets: seals them and opens them again,
 * which is the work on one message that comes in and goes out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	OTHER_BURST = 32,
	OTHER_MESSAGE = 900,
	/* UDP, trailer and padding with it: what a message of 900 octets comes to */
	OTHER_OCTETS = 912,
};

/* Cycles of a message's two ways, the least of so many runs; 0: not to be had here. */
double other_evp(bool gcm, uint32_t runs);
/* By DPDK's driver of this name, "crypto_aesni_mb", "crypto_aesni_gcm" or "crypto_openssl". */
double other_cryptodev(const char *driver, bool gcm, uint32_t runs);
