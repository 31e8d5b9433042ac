/* sa.h - the security associations of the UEs (TS 33.203 §7), as the data plane keeps them
 *
 * The four SAs of a UE are put, replaced and deleted as one set: they share keys, algorithms
 * and a lifetime. Over UDP two of them carry all: from the UE's port_uc to our port_ps under
 * spi_ps, and from our port_pc to its port_us under spi_us. What comes under spi_pc, from
 * port_us to port_pc, is taken alike.
 *
 * Workers read sets under RCU; the management thread alone makes and removes them. What changes
 * with each packet, the sequence number sent last and the windows of those received, is written
 * by one worker alone, the set's owner: spi_ps modulo the number of workers.
 *
 * No sequence number is used twice under a key (RFC 4303 §3.3.3; with AES-GCM that would give
 * the key away, RFC 4106 §3). The numbers therefore lie in a file that outlives the data plane
 * (run.h). After a restart a set goes on where it was; one of old, as control says by
 * `used`, that the file does not know is refused: its UE has to register again. The file of
 * another boot of the machine is not believed.
 */
#pragma once

#include "base/addr.h"
#include "base/hash.h"

enum { ESP_KEY = 16, ESP_ERROR_MAX = 256 };

enum esp_integrity {
	ESP_INTEGRITY_NONE, /* with AES-GCM, which brings its own */
	ESP_HMAC_MD5_96,
	ESP_HMAC_SHA_1_96,
	ESP_HMAC_SHA_256_128,
	ESP_AES_GMAC, /* with the null cipher alone (RFC 4543) */
	ESP_INTEGRITY_MAX
};

enum esp_cipher { ESP_NULL, ESP_AES_CBC, ESP_AES_GCM, ESP_CIPHER_MAX };

/* A set as control gives it. */
struct esp_sa_spec {
	uint64_t sa_id;    /* never 0, never used twice */
	uint64_t set_id;   /* registration set it serves; 0: not yet proven */
	struct addr ue;    /* the UE's own address, and port_uc */
	struct addr local; /* ours, and port_ps */
	uint16_t port_us, port_pc;
	uint32_t spi_uc, spi_us; /* chosen by the UE */
	uint32_t spi_pc, spi_ps; /* chosen by us: unique in the node */
	struct addr nat;   /* UDP-encapsulated tunnel mode (Annex M): the NAT's address, and
			      the port it had last; family 0: transport mode */
	uint8_t integrity; /* enum esp_integrity */
	uint8_t cipher;    /* enum esp_cipher */
	bool used;         /* it was in force before, in this start or an earlier one */
	uint8_t ck[ESP_KEY], ik[ESP_KEY]; /* as AKA gave them; expanded here (Annex I) */
	uint64_t expires_ms;              /* CLOCK_MONOTONIC */
};

enum esp_status {
	ESP_OK,
	ESP_MALFORMED, /* algorithms that do not go together, or SPIs, ports or addresses that
			  cannot be */
	ESP_NO_MEMORY, /* as many as were reserved for */
	ESP_CONFLICT,  /* an SPI is another set's, or the set has other keys, SPIs or addresses
			*/
	ESP_UNKNOWN,   /* of old, and its sequence numbers are lost */
};

struct esp_sas;

struct esp_options {
	uint32_t sets;    /* that there is room for, at most */
	uint16_t workers; /* at least 1 */
	struct hash_key key;
	const char *run_path; /* file of sequence numbers, best on a file system in memory: a
				 worker writes to its pages */
};

/* Management thread, all below but esp_owner. */

/* At start: reserves all memory. NULL with a sentence in error. */
struct esp_sas *esp_sas_create(const struct esp_options *o, char error[ESP_ERROR_MAX]);
/* When no worker runs any more. The file stays. */
void esp_sas_destroy(struct esp_sas *t);

/* Puts a set, or changes what may change of the one with that sa_id: set_id, nat, expires_ms.
 * *spec is the caller's; its keys are not kept as they are. enum esp_status. */
int esp_sa_put(struct esp_sas *t, const struct esp_sa_spec *spec);
/* Takes it out. Workers may still use it until their turn ends. A set that is not there is none
 * as well: ESP_OK. */
int esp_sa_delete(struct esp_sas *t, uint64_t sa_id);
/* Between the two, control puts all sets it knows; those it did not put are removed with the
 * second. A begin without an end is followed by another. */
void esp_sync_begin(struct esp_sas *t);
void esp_sync_end(struct esp_sas *t);
/* Removes sets that expired more than grace_ms before now; looks at `most` of them a call and
 * goes on from there with the next. */
void esp_sa_expire(struct esp_sas *t, uint64_t now_ms, uint64_t grace_ms, uint32_t most);
/* Gives back the memory of what was removed; may wait for the workers' turns to end. */
void esp_reclaim(struct esp_sas *t);

struct esp_stats {
	uint32_t sets, most;
	uint64_t memory_used, memory_total; /* octets */
};
void esp_stats(const struct esp_sas *t, struct esp_stats *out);
