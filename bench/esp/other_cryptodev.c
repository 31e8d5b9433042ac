/* other_cryptodev.c - DPDK's cryptodev with a driver in software: operations in bursts */
/* For rte_cryptodev_sym_session_pool_create, experimental for as long as there is 22.11. */
#define ALLOW_EXPERIMENTAL_API
#include <stdio.h>
#include <string.h>

#include <rte_bus_vdev.h>
#include <rte_crypto.h>
#include <rte_cryptodev.h>
#include <rte_eal.h>
#include <rte_mbuf.h>

#include "base/clock.h"
#include "other.h"

enum { HEADER = 24, IV_AT = sizeof(struct rte_crypto_op) + sizeof(struct rte_crypto_sym_op) };

struct device {
	uint8_t id;
	struct rte_mempool *sessions, *ops, *bufs;
	void *seal, *open;
	struct rte_crypto_op *op[OTHER_BURST];
	struct rte_mbuf *m[OTHER_BURST];
};

static bool eal(void)
{
	static char argument[][20] = {"bench_esp",      "--no-huge",   "--no-shconf",
				      "--no-pci",       "-m",          "256",
				      "--no-telemetry", "--lcores=0@0"};
	enum { N = sizeof(argument) / sizeof(argument[0]) };
	static char *argv[N + 1];
	static int started;

	for (int i = 0; !started && i < N; i++)
		argv[i] = argument[i];
	if (!started)
		started = rte_eal_init(N, argv);
	return started >= 0;
}

static bool configure(struct device *d, const char *driver)
{
	struct rte_cryptodev_config c = {.socket_id = 0, .nb_queue_pairs = 1};
	struct rte_cryptodev_qp_conf qp = {.nb_descriptors = 2048};
	char name[32];
	unsigned size;

	static int tries; /* pools have names */

	rte_vdev_init(driver, "max_nb_queue_pairs=1,socket_id=0");
	int id = rte_cryptodev_get_dev_id(driver);
	if (id < 0)
		return false;
	d->id = (uint8_t)id;
	tries++;
	size = rte_cryptodev_sym_get_private_session_size(d->id);
	snprintf(name, sizeof(name), "s%d", tries);
	d->sessions = rte_cryptodev_sym_session_pool_create(name, 16, size, 0, 0, 0);
	snprintf(name, sizeof(name), "o%d", tries);
	d->ops = rte_crypto_op_pool_create(name, RTE_CRYPTO_OP_TYPE_SYMMETRIC, 256, 0, 32, 0);
	snprintf(name, sizeof(name), "b%d", tries);
	d->bufs = rte_pktmbuf_pool_create(name, 256, 0, 0, 2048, 0);
	qp.mp_session = d->sessions;
	return d->sessions && d->ops && d->bufs && rte_cryptodev_configure(d->id, &c) == 0 &&
	       rte_cryptodev_queue_pair_setup(d->id, 0, &qp, 0) == 0 &&
	       rte_cryptodev_start(d->id) == 0;
}

static void *aead(struct device *d, bool seal, uint8_t *key)
{
	struct rte_crypto_sym_xform x = {
		.type = RTE_CRYPTO_SYM_XFORM_AEAD,
		.aead = {.op = seal ? RTE_CRYPTO_AEAD_OP_ENCRYPT : RTE_CRYPTO_AEAD_OP_DECRYPT,
			 .algo = RTE_CRYPTO_AEAD_AES_GCM,
			 .key = {key, 16},
			 .iv = {IV_AT, 12},
			 .digest_length = 16,
			 .aad_length = 8}};

	return rte_cryptodev_sym_session_create(d->id, &x, d->sessions);
}

static void *chain(struct device *d, bool seal, uint8_t *key)
{
	struct rte_crypto_sym_xform a = {
		.type = RTE_CRYPTO_SYM_XFORM_AUTH,
		.auth = {.op = seal ? RTE_CRYPTO_AUTH_OP_GENERATE : RTE_CRYPTO_AUTH_OP_VERIFY,
			 .algo = RTE_CRYPTO_AUTH_SHA1_HMAC,
			 .key = {key, 20},
			 .digest_length = 12}};
	struct rte_crypto_sym_xform c = {.type = RTE_CRYPTO_SYM_XFORM_CIPHER,
					 .cipher = {.op = seal ? RTE_CRYPTO_CIPHER_OP_ENCRYPT
							       : RTE_CRYPTO_CIPHER_OP_DECRYPT,
						    .algo = RTE_CRYPTO_CIPHER_AES_CBC,
						    .key = {key, 16},
						    .iv = {IV_AT, 16}}};

	if (seal)
		c.next = &a;
	else
		a.next = &c;
	return rte_cryptodev_sym_session_create(d->id, seal ? &c : &a, d->sessions);
}

static void prepare(struct device *d, bool gcm, void *session)
{
	for (uint32_t i = 0; i < OTHER_BURST; i++) {
		struct rte_crypto_sym_op *s = d->op[i]->sym;
		uint8_t *p = rte_pktmbuf_mtod(d->m[i], uint8_t *);
		uint8_t *tag = p + HEADER + OTHER_OCTETS;
		rte_iova_t tag_iova = rte_pktmbuf_iova_offset(d->m[i], HEADER + OTHER_OCTETS);

		rte_crypto_op_attach_sym_session(d->op[i], session);
		d->op[i]->status = RTE_CRYPTO_OP_STATUS_NOT_PROCESSED;
		s->m_src = d->m[i];
		s->m_dst = NULL;
		memset(rte_crypto_op_ctod_offset(d->op[i], uint8_t *, IV_AT), (int)i, 16);
		if (gcm) {
			s->aead.data.offset = HEADER;
			s->aead.data.length = OTHER_OCTETS;
			s->aead.aad.data = p;
			s->aead.aad.phys_addr = rte_pktmbuf_iova(d->m[i]);
			s->aead.digest.data = tag;
			s->aead.digest.phys_addr = tag_iova;
		} else {
			s->cipher.data.offset = HEADER;
			s->cipher.data.length = OTHER_OCTETS;
			s->auth.data.offset = 0;
			s->auth.data.length = HEADER + OTHER_OCTETS;
			s->auth.digest.data = tag;
			s->auth.digest.phys_addr = tag_iova;
		}
	}
}

static bool pass(struct device *d, bool gcm, void *session)
{
	struct rte_crypto_op *done[OTHER_BURST];
	uint32_t got = 0;

	prepare(d, gcm, session);
	if (rte_cryptodev_enqueue_burst(d->id, 0, d->op, OTHER_BURST) != OTHER_BURST)
		return false;
	for (uint32_t tries = 0; got < OTHER_BURST && tries < 1000; tries++)
		got += rte_cryptodev_dequeue_burst(d->id, 0, done + got,
						   (uint16_t)(OTHER_BURST - got));
	for (uint32_t i = 0; i < got; i++)
		if (done[i]->status != RTE_CRYPTO_OP_STATUS_SUCCESS)
			return false;
	return got == OTHER_BURST;
}

static bool start(struct device *d, const char *driver, bool gcm)
{
	uint8_t key[32] = {7};

	if (!eal() || !configure(d, driver))
		return false;
	d->seal = gcm ? aead(d, true, key) : chain(d, true, key);
	d->open = gcm ? aead(d, false, key) : chain(d, false, key);
	if (!d->seal || !d->open ||
	    rte_crypto_op_bulk_alloc(d->ops, RTE_CRYPTO_OP_TYPE_SYMMETRIC, d->op,
				     OTHER_BURST) != OTHER_BURST ||
	    rte_pktmbuf_alloc_bulk(d->bufs, d->m, OTHER_BURST) != 0)
		return false;
	for (uint32_t i = 0; i < OTHER_BURST; i++)
		memset(rte_pktmbuf_append(d->m[i], HEADER + OTHER_OCTETS + 16), (int)i,
		       HEADER + OTHER_OCTETS + 16);
	return true;
}

double other_cryptodev(const char *driver, bool gcm, uint32_t runs)
{
	struct device d = {0};
	uint64_t least = UINT64_MAX;

	if (!start(&d, driver, gcm))
		return 0;
	for (uint32_t run = 0; run < runs; run++) {
		uint64_t begun = clock_tsc(), took;

		if (!pass(&d, gcm, d.seal) || !pass(&d, gcm, d.open))
			return 0;
		took = clock_tsc() - begun;
		least = took < least ? took : least;
	}
	rte_cryptodev_stop(d.id);
	rte_vdev_uninit(driver);
	return (double)least / OTHER_BURST;
}
