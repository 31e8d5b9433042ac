/* bench_esp.c - cycles that ESP takes for a message of 900 octets, in and out
 *
 *   bench_esp [--quick]            figures esp.SUITE.in.cycles and esp.SUITE.out.cycles, of
 *                                  bursts of 32 among 10,000 UEs, and of one by one (.single)
 *   bench_esp --others [--quick]   the algorithms alone, by ways that were not taken, and the
 *                                  whole of ours among as few UEs (esp.few.*)
 *
 * TSC cycles, the least of many bursts a run: what a machine without others would take.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <urcu-qsbr.h>

#include "base/clock.h"
#include "esp/esp.h"
#include "figure/figure.h"
#include "other.h"

enum { UES_MANY = 10000, UES_FEW = OTHER_BURST, BURST = OTHER_BURST, ROOM = 1200 };
enum { RUNS = 9, RUNS_QUICK = 3 };

static const struct {
	const char *name;
	uint8_t cipher, integrity;
} suites[] = {
	{"cbc_sha1", ESP_AES_CBC, ESP_HMAC_SHA_1_96},
	{"cbc_sha256", ESP_AES_CBC, ESP_HMAC_SHA_256_128},
	{"gcm", ESP_AES_GCM, ESP_INTEGRITY_NONE},
	{"gmac", ESP_NULL, ESP_AES_GMAC},
	{"null_md5", ESP_NULL, ESP_HMAC_MD5_96},
};

struct side {
	struct esp_sas *sas;
	struct esp_worker *worker;
	char path[64];
};

static struct buf bufs[BURST];
static _Alignas(64) uint8_t memory[BURST][ROOM];

static void side_open(struct side *s, uint32_t ues)
{
	char error[ESP_ERROR_MAX] = "no temporary file";

	strcpy(s->path, "/dev/shm/saker-bench-esp-XXXXXX");
	int fd = mkstemp(s->path);
	struct esp_options o = {.sets = ues, .workers = 1, .key = {1, 2}, .run_path = s->path};
	s->sas = fd < 0 ? NULL : esp_sas_create(&o, error);
	s->worker = s->sas ? esp_worker_create(s->sas, 0) : NULL;
	if (!s->worker) {
		fprintf(stderr, "bench_esp: %s\n", error);
		exit(1);
	}
	close(fd);
	unlink(s->path);
}

static void side_close(struct side *s)
{
	esp_worker_destroy(s->worker);
	esp_sas_destroy(s->sas);
}

static struct esp_sa_spec spec_of(uint32_t i, uint8_t cipher, uint8_t integrity, bool ue)
{
	struct addr a = addr_v4(0x0a010000 + i, ue ? 5102 : 40001),
		    b = addr_v4(0x0a020001, 5101);
	struct esp_sa_spec s = {.sa_id = i + 1,
				.ue = a,
				.local = b,
				.port_us = 40002,
				.port_pc = 5102,
				.spi_uc = 0x10000000 + 2 * i,
				.spi_us = 0x10000001 + 2 * i,
				.spi_pc = 0x20000000 + 2 * i,
				.spi_ps = 0x20000001 + 2 * i,
				.cipher = cipher,
				.integrity = integrity,
				.ck = {(uint8_t)i, 3},
				.ik = {(uint8_t)i, 5}};

	if (!ue)
		return s;
	s.ue = b;
	s.ue.port = 5102;
	s.local = a;
	s.local.port = 40002;
	s.port_us = 5101;
	s.port_pc = 40001;
	s.spi_us = 0x20000001 + 2 * i;
	s.spi_uc = 0x20000000 + 2 * i;
	s.spi_ps = 0x10000001 + 2 * i;
	s.spi_pc = 0x10000000 + 2 * i;
	return s;
}

/* Messages of `n` UEs at random, ready to be sealed. */
static void ask(struct esp_message *m, uint32_t n, uint32_t ues, uint64_t *random)
{
	for (uint32_t i = 0; i < n; i++) {
		*random = *random * 6364136223846793005u + 1442695040888963407u;
		bufs[i] = (struct buf){.data = memory[i] + 128,
				       .len = OTHER_MESSAGE,
				       .headroom = 128,
				       .tailroom = ROOM - 128 - OTHER_MESSAGE};
		m[i] = (struct esp_message){&bufs[i], .sa_id = (*random >> 33) % ues + 1};
	}
}

/* One burst by the UEs and then by the node: cycles in and out, a message. */
static void burst(struct side *node, struct side *ue, uint32_t n, uint32_t ues,
		  uint64_t *random, double *in, double *out)
{
	struct esp_message m[BURST];
	struct esp_packet p[BURST];
	uint64_t begun;

	ask(m, n, ues, random);
	esp_out(ue->worker, m, n);
	for (uint32_t i = 0; i < n; i++) {
		p[i] = (struct esp_packet){.at = bufs[i].data, .len = bufs[i].len};
		p[i].src = bufs[i].src;
		p[i].dst = bufs[i].dst;
	}
	begun = clock_tsc();
	esp_in(node->worker, p, n);
	*in = (double)(clock_tsc() - begun) / n;
	for (uint32_t i = 0; i < n; i++) {
		if (p[i].verdict != VERDICT_NEXT) {
			fprintf(stderr, "bench_esp: %s\n", count_info(p[i].reason)->name);
			exit(1);
		}
	}
	ask(m, n, ues, random);
	begun = clock_tsc();
	esp_out(node->worker, m, n);
	*out = (double)(clock_tsc() - begun) / n;
}

static void measure(uint32_t suite, uint32_t n, uint32_t ues, uint32_t runs, struct side *node,
		    struct side *ue)
{
	char in_name[64], out_name[64];
	struct figure in = {.name = in_name, .unit = "cycles"},
		      out = {.name = out_name, .unit = "cycles"};
	uint64_t random = 99;

	snprintf(in_name, sizeof(in_name), "esp%s.%s.in%s.cycles", ues == UES_FEW ? ".few" : "",
		 suites[suite].name, n == 1 ? ".single" : "");
	snprintf(out_name, sizeof(out_name), "esp%s.%s.out%s.cycles",
		 ues == UES_FEW ? ".few" : "", suites[suite].name, n == 1 ? ".single" : "");
	for (uint32_t run = 0; run < runs; run++) {
		double least_in = 1e9, least_out = 1e9;

		for (uint32_t k = 0; k < 2000; k++) {
			double a, b;

			burst(node, ue, n, ues, &random, &a, &b);
			least_in = a < least_in ? a : least_in;
			least_out = b < least_out ? b : least_out;
		}
		figure_run(&in, least_in);
		figure_run(&out, least_out);
	}
	figure_print(&in);
	figure_print(&out);
}

static void ours(uint32_t ues, uint32_t runs)
{
	for (uint32_t suite = 0; suite < sizeof(suites) / sizeof(suites[0]); suite++) {
		struct side node, ue;

		side_open(&node, ues);
		side_open(&ue, ues);
		for (uint32_t i = 0; i < ues; i++) {
			for (int k = 0; k < 2; k++) {
				struct esp_sa_spec s = spec_of(i, suites[suite].cipher,
							       suites[suite].integrity, k);

				if (esp_sa_put(k ? ue.sas : node.sas, &s) != ESP_OK)
					exit(1);
			}
		}
		measure(suite, BURST, ues, runs, &node, &ue);
		if (ues != UES_FEW)
			measure(suite, 1, ues, runs, &node, &ue);
		side_close(&node);
		side_close(&ue);
	}
}

static void others(uint32_t runs)
{
	static const struct {
		const char *name, *driver;
		bool gcm;
	} ways[] = {
		{"evp.cbc_sha1", NULL, false},
		{"evp.gcm", NULL, true},
		{"cryptodev_mb.cbc_sha1", "crypto_aesni_mb", false},
		{"cryptodev_mb.gcm", "crypto_aesni_mb", true},
		{"cryptodev_gcm.gcm", "crypto_aesni_gcm", true},
		{"cryptodev_openssl.cbc_sha1", "crypto_openssl", false},
		{"cryptodev_openssl.gcm", "crypto_openssl", true},
	};

	for (uint32_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char name[64];
		struct figure f = {.name = name, .unit = "cycles"};
		double cycles = ways[i].driver ? other_cryptodev(ways[i].driver, ways[i].gcm,
								 runs * 500)
					       : other_evp(ways[i].gcm, runs * 500);

		snprintf(name, sizeof(name), "esp.other.%s.cycles", ways[i].name);
		if (cycles > 0)
			figure_run(&f, cycles);
		else
			printf("%s: not to be had on this machine\n", ways[i].name);
		figure_print(&f);
	}
}

int main(int argc, char **argv)
{
	bool quick = false, compare = false;

	for (int i = 1; i < argc; i++) {
		quick = quick || !strcmp(argv[i], "--quick");
		compare = compare || !strcmp(argv[i], "--others");
	}
	urcu_qsbr_register_thread();
	ours(compare ? UES_FEW : UES_MANY, quick ? RUNS_QUICK : RUNS);
	if (compare)
		others(quick ? RUNS_QUICK : RUNS);
	urcu_qsbr_unregister_thread();
	return 0;
}
