/* fuzz_esp.c - ESP packets as an attacker writes them, and as a UE with keys could
 *
 * First octet: which suite and way, and whether the input is the packet as it is or what a UE
 * puts into one: then it is sealed with the right keys, so that everything behind the integrity
 * check is reached too.
 */
#include <stdlib.h>
#include <unistd.h>

#include <urcu-qsbr.h>

#include "esp/worker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SUITES = 8, SEALED = 0x20, TUNNEL = 0x10, V6 = 0x08, SUITE = 0x07, INPUT_MAX = 4096 };

static const struct {
	uint8_t cipher, integrity;
} suites[SUITES] = {
	{ESP_NULL, ESP_HMAC_MD5_96},         {ESP_NULL, ESP_HMAC_SHA_1_96},
	{ESP_NULL, ESP_HMAC_SHA_256_128},    {ESP_NULL, ESP_AES_GMAC},
	{ESP_AES_CBC, ESP_HMAC_MD5_96},      {ESP_AES_CBC, ESP_HMAC_SHA_1_96},
	{ESP_AES_CBC, ESP_HMAC_SHA_256_128}, {ESP_AES_GCM, ESP_INTEGRITY_NONE},
};

static struct esp_sas *sas;
static struct esp_worker *node, *ue;

static struct esp_sa_spec spec_of(uint8_t which)
{
	bool v6 = which & V6;
	struct esp_sa_spec s = {
		.sa_id = which + 1u,
		.ue = addr_v4(0x0a010002, 40001),
		.local = addr_v4(0x0a020001, 5101),
		.port_us = 40002,
		.port_pc = 5102,
		.spi_uc = 0x1000u + which,
		.spi_us = 0x2000u + which,
		.spi_pc = 0x3000u + which,
		.spi_ps = 0x4000u + which,
		.cipher = suites[which & SUITE].cipher,
		.integrity = suites[which & SUITE].integrity,
		.ck = {which, 1},
		.ik = {which, 2},
	};

	if (v6) {
		s.ue.family = s.local.family = 6;
		s.ue.ip[15] = 2;
		s.local.ip[15] = 1;
	}
	if (which & TUNNEL) {
		s.nat = s.local;
		s.nat.ip[1] ^= 7;
		s.nat.port = 4500;
	}
	return s;
}

static void start(void)
{
	char error[ESP_ERROR_MAX], path[] = "/tmp/saker-fuzz-esp-XXXXXX";
	struct esp_options o = {.sets = 64, .workers = 1, .run_path = path};
	int fd = mkstemp(path);

	urcu_qsbr_register_thread();
	sas = fd < 0 ? NULL : esp_sas_create(&o, error);
	if (!sas)
		abort();
	close(fd);
	unlink(path);
	node = esp_worker_create(sas, 0);
	ue = esp_worker_create(sas, 0);
	for (uint8_t which = 0; which < SEALED; which++) {
		struct esp_sa_spec s = spec_of(which);

		if (esp_sa_put(sas, &s) != ESP_OK)
			abort();
	}
}

/* The octets as the encrypted part of a packet of the UE's, cut to what its cipher allows. */
static uint32_t seal(const struct sa *s, uint32_t seq, const uint8_t *data, uint32_t len,
		     uint8_t *out)
{
	uint32_t clear = ESP_HEADER + s->iv_len;

	len -= len % s->align;
	put32(out, s->spi_in[SA_WAY_PS]);
	put32(out + 4, seq);
	memset(out + ESP_HEADER, 0, s->iv_len);
	memcpy(out + clear, data, len);
	ue->work[0].sa = s;
	crypto_begin(ue, 1);
	crypto_seal(ue, 0, out, clear + len + s->icv_len);
	crypto_finish(ue);
	return clear + len + s->icv_len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t made[INPUT_MAX + 64];
	uint32_t len = (uint32_t)size - 1;

	if (size < 1 || size > INPUT_MAX)
		return 0;
	if (!sas)
		start();
	struct esp_sa_spec spec = spec_of(data[0] & (SEALED - 1));
	const struct sa *s = sa_find_id(sas, spec.sa_id, sa_hash_id(sas, spec.sa_id));
	struct run_window *window = &s->run->in[SA_WAY_PS];
	if (data[0] & SEALED) {
		*window = (struct run_window){0};
		len = seal(s, 1, data + 1, len, made);
	} else {
		memcpy(made, data + 1, len);
	}
	/* Memory of exactly this size: AddressSanitizer sees what is outside. */
	uint8_t *packet = malloc(len ? len : 1);
	memcpy(packet, made, len);
	struct esp_packet p = {.at = packet,
			       .len = len,
			       .src = spec.nat.family ? spec.nat : spec.ue,
			       .dst = spec.local};
	p.src.port = spec.nat.family ? 4500 : 0;
	esp_in(node, &p, 1);
	if (p.verdict == VERDICT_NEXT) {
		/* Only what was sealed gets here, and it lies in the packet. */
		if (!(data[0] & SEALED) || p.sa_id != spec.sa_id || p.at < packet ||
		    p.at + p.len > packet + len)
			abort();
	} else if (p.verdict != VERDICT_DROP || !count_info(p.reason)) {
		abort();
	}
	free(packet);
	return 0;
}
