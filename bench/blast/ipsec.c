/* ipsec.c - the terminals' side of security associations */
#include "blast/ipsec.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sip/field.h"
#include "sip/param.h"

enum {
	SPI_FIRST = 0x1000,
	SPIS = 4, /* of a terminal: two agreements of two */
	PORT_US = 6100,
	PORT_UC = 20000,
	PORTS = 16, /* client ports of a terminal, one after the other */
};

struct ipsec {
	struct esp_sas *sas;
	struct esp_worker *worker;
	const char *alg, *ealg; /* as in Security-Client */
	enum esp_integrity integrity;
	enum esp_cipher cipher;
};

static const struct {
	const char *name, *alg, *ealg;
	enum esp_integrity integrity;
	enum esp_cipher cipher;
} suites[] = {
	{"hmac-sha-1-96/aes-cbc", "hmac-sha-1-96", "aes-cbc", ESP_HMAC_SHA_1_96, ESP_AES_CBC},
	{"hmac-sha-256-128/aes-cbc", "hmac-sha-256-128", "aes-cbc", ESP_HMAC_SHA_256_128,
	 ESP_AES_CBC},
	{"null/aes-gcm", "null", "aes-gcm", ESP_INTEGRITY_NONE, ESP_AES_GCM},
	{"aes-gmac/null", "aes-gmac", "null", ESP_AES_GMAC, ESP_NULL},
	{"hmac-sha-1-96/null", "hmac-sha-1-96", "null", ESP_HMAC_SHA_1_96, ESP_NULL},
	{"hmac-md5-96/null", "hmac-md5-96", "null", ESP_HMAC_MD5_96, ESP_NULL},
};

static bool choose(struct ipsec *i, const char *suite)
{
	for (size_t k = 0; k < sizeof(suites) / sizeof(suites[0]); k++) {
		if (strcmp(suites[k].name, suite))
			continue;
		i->alg = suites[k].alg;
		i->ealg = suites[k].ealg;
		i->integrity = suites[k].integrity;
		i->cipher = suites[k].cipher;
		return true;
	}
	fprintf(stderr, "saker-blast: no suite %s; there are:", suite);
	for (size_t k = 0; k < sizeof(suites) / sizeof(suites[0]); k++)
		fprintf(stderr, " %s", suites[k].name);
	fputc('\n', stderr);
	return false;
}

static struct esp_sas *sas_open(uint32_t users)
{
	char error[ESP_ERROR_MAX] = "no file for sequence numbers";
	char path[] = "/dev/shm/saker-blast-XXXXXX";
	int fd = mkstemp(path);
	struct esp_options o = {.sets = users, .workers = 1, .key = {7, 8}, .run_path = path};
	struct esp_sas *sas = fd < 0 ? NULL : esp_sas_create(&o, error);

	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
	if (!sas)
		fprintf(stderr, "saker-blast: %s\n", error);
	return sas;
}

struct ipsec *ipsec_open(const char *suite, uint32_t users)
{
	struct ipsec *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	if (choose(i, suite) && (i->sas = sas_open(users)) &&
	    (i->worker = esp_worker_create(i->sas, 0)))
		return i;
	ipsec_close(i);
	return NULL;
}

void ipsec_close(struct ipsec *i)
{
	if (!i)
		return;
	esp_worker_destroy(i->worker);
	esp_sas_destroy(i->sas);
	free(i);
}

uint32_t ipsec_person(uint64_t sa_id)
{
	return (uint32_t)sa_id;
}

static uint64_t id_of(const struct person *p, uint32_t person)
{
	return (uint64_t)(p->agreement + 1) << 32 | person;
}

static uint32_t spi_us(const struct person *p, uint32_t person)
{
	return SPI_FIRST + person * SPIS + 2 * (p->agreement & 1);
}

static uint16_t port_uc(const struct person *p, uint32_t person)
{
	return (uint16_t)(PORT_UC + person % PERSON_PORTS * PORTS + p->agreement % PORTS);
}

uint16_t person_protected_port(uint32_t person)
{
	return (uint16_t)(PORT_US + person % PERSON_PORTS);
}

void ipsec_leave(struct ipsec *i, struct person *p)
{
	if (p->sa_id)
		esp_sa_delete(i->sas, p->sa_id);
	p->sa_id = 0;
}

void ipsec_offer(struct person *p, uint32_t person)
{
	p->agreement++;
}

void ipsec_put_client(struct text *t, const struct ipsec *i, const struct person *p,
		      uint32_t person)
{
	text_lit(t, "Security-Client: ipsec-3gpp;alg=");
	text_str(t, i->alg);
	text_lit(t, ";ealg=");
	text_str(t, i->ealg);
	text_lit(t, ";spi-c=");
	text_u64(t, spi_us(p, person) + 1);
	text_lit(t, ";spi-s=");
	text_u64(t, spi_us(p, person));
	text_lit(t, ";port-c=");
	text_u64(t, port_uc(p, person));
	text_lit(t, ";port-s=");
	text_u64(t, person_protected_port(person));
	text_lit(t, "\r\n");
}

static bool number(struct slice params, struct slice name, uint64_t most, uint64_t *out)
{
	struct slice value;

	return sip_param(params, name, &value) && slice_u64(value, most, out);
}

static bool is_chosen(const struct ipsec *i, struct slice params)
{
	struct slice alg, ealg = SLICE("null");

	sip_param(params, SLICE("ealg"), &ealg);
	return sip_param(params, SLICE("alg"), &alg) && slice_eq(alg, slice_str(i->alg)) &&
	       slice_eq(ealg, slice_str(i->ealg));
}

/* Of the list's elements the one of our suite. */
static bool read_server(const struct ipsec *i, struct slice list, struct esp_sa_spec *s)
{
	while (list.len) {
		struct slice one = slice_sub(list, 0, slice_find(list, ','));
		struct slice params = slice_from(one, slice_find(one, ';'));
		uint64_t spi_c, spi_s, port_c, port_s;

		list = slice_from(list, one.len + 1);
		if (!is_chosen(i, params))
			continue;
		if (!number(params, SLICE("spi-c"), UINT32_MAX, &spi_c) ||
		    !number(params, SLICE("spi-s"), UINT32_MAX, &spi_s) ||
		    !number(params, SLICE("port-c"), UINT16_MAX, &port_c) ||
		    !number(params, SLICE("port-s"), UINT16_MAX, &port_s))
			return false;
		s->spi_uc = (uint32_t)spi_c;
		s->spi_us = (uint32_t)spi_s;
		s->ue.port = (uint16_t)port_c;
		s->port_us = (uint16_t)port_s;
		return true;
	}
	return false;
}

bool ipsec_agree(struct ipsec *i, struct person *p, uint32_t person, const struct addr *node,
		 struct slice security_server, const uint8_t ck[16], const uint8_t ik[16],
		 uint16_t *port)
{
	/* Seen from here the node is the far side. */
	struct esp_sa_spec s = {
		.sa_id = id_of(p, person),
		.ue = *node,
		.local = person_addr(person),
		.port_pc = port_uc(p, person),
		.spi_pc = spi_us(p, person) + 1,
		.spi_ps = spi_us(p, person),
		.integrity = (uint8_t)i->integrity,
		.cipher = (uint8_t)i->cipher,
		.expires_ms = UINT64_MAX / 2,
	};

	s.local.port = person_protected_port(person);
	if (!read_server(i, security_server, &s))
		return false;
	memcpy(s.ck, ck, sizeof(s.ck));
	memcpy(s.ik, ik, sizeof(s.ik));
	ipsec_leave(i, p);
	p->sa_id = esp_sa_put(i->sas, &s) == ESP_OK ? s.sa_id : 0;
	*port = s.port_us;
	return p->sa_id != 0;
}

bool ipsec_seal(struct ipsec *i, const struct person *p, struct buf *b)
{
	struct esp_message m = {.buf = b, .sa_id = p->sa_id};

	esp_out(i->worker, &m, 1);
	return m.verdict == VERDICT_SEND;
}

void ipsec_unseal(struct ipsec *i, struct esp_packet *p, uint32_t n)
{
	esp_in(i->worker, p, n);
}
