/* support.c - a node and a UE that share sets of SAs, and memory that ends where it says */
#include "support.h"

#include <sys/mman.h>
#include <unistd.h>

#include <urcu-qsbr.h>

enum { PAGE = 4096 };

const struct suite suites[SUITES] = {
	{"null hmac-md5-96", ESP_NULL, ESP_HMAC_MD5_96, 0, 12, 4},
	{"null hmac-sha-1-96", ESP_NULL, ESP_HMAC_SHA_1_96, 0, 12, 4},
	{"null hmac-sha-256-128", ESP_NULL, ESP_HMAC_SHA_256_128, 0, 16, 4},
	{"null aes-gmac", ESP_NULL, ESP_AES_GMAC, 8, 16, 4},
	{"aes-cbc hmac-md5-96", ESP_AES_CBC, ESP_HMAC_MD5_96, 16, 12, 16},
	{"aes-cbc hmac-sha-1-96", ESP_AES_CBC, ESP_HMAC_SHA_1_96, 16, 12, 16},
	{"aes-cbc hmac-sha-256-128", ESP_AES_CBC, ESP_HMAC_SHA_256_128, 16, 16, 16},
	{"aes-gcm", ESP_AES_GCM, ESP_INTEGRITY_NONE, 8, 16, 4},
};

int group_start(void **state)
{
	urcu_qsbr_register_thread();
	return 0;
}

int group_end(void **state)
{
	urcu_qsbr_unregister_thread();
	return 0;
}

static void start(struct side *s, uint32_t sets, uint16_t workers)
{
	char error[ESP_ERROR_MAX];
	struct esp_options o = {
		.sets = sets, .workers = workers, .key = {1, 2}, .run_path = s->path};

	s->workers = workers;
	s->sas = esp_sas_create(&o, error);
	if (!s->sas)
		fail_msg("%s", error);
	for (uint16_t i = 0; i < workers; i++) {
		s->worker[i] = esp_worker_create(s->sas, i);
		assert_non_null(s->worker[i]);
	}
}

static void end(struct side *s)
{
	for (uint16_t i = 0; i < s->workers; i++)
		esp_worker_destroy(s->worker[i]);
	esp_sas_destroy(s->sas);
}

void side_open(struct side *s, uint32_t sets, uint16_t workers)
{
	strcpy(s->path, "/tmp/saker-test-esp-XXXXXX");
	int fd = mkstemp(s->path);
	assert_true(fd >= 0);
	close(fd);
	start(s, sets, workers);
}

void side_restart(struct side *s, uint32_t sets, uint16_t workers)
{
	end(s);
	start(s, sets, workers);
}

void side_close(struct side *s)
{
	end(s);
	unlink(s->path);
}

static struct addr address(uint8_t family, uint8_t net, uint32_t host, uint16_t port)
{
	struct addr a = addr_v4(10u << 24 | (uint32_t)net << 16 | host, port);

	if (family == 4)
		return a;
	a = (struct addr){.ip = {0x20, 1, 0xd, 0xb8, net}, .port = port, .family = 6};
	a.ip[14] = (uint8_t)(host >> 8);
	a.ip[15] = (uint8_t)host;
	return a;
}

struct esp_sa_spec spec_of(uint32_t i, uint8_t family, const struct suite *suite, bool nat)
{
	struct esp_sa_spec s = {
		.sa_id = 1000 + i,
		.set_id = 77,
		.ue = address(family, 1, i + 1, 40001),
		.local = address(family, 2, 1, 5101),
		.port_us = 40002,
		.port_pc = 5102,
		.spi_uc = 0x10000000 + 2 * i,
		.spi_us = 0x10000001 + 2 * i,
		.spi_pc = 0x20000000 + 2 * i,
		.spi_ps = 0x20000001 + 2 * i,
		.integrity = suite->integrity,
		.cipher = suite->cipher,
		.expires_ms = 1000000,
	};

	if (nat)
		s.nat = address(family, 3, 1, 61000);
	for (uint32_t k = 0; k < ESP_KEY; k++) {
		s.ck[k] = (uint8_t)(17 * k + i + 3);
		s.ik[k] = (uint8_t)(29 * k + i + 7);
	}
	return s;
}

struct esp_sa_spec mirrored(const struct esp_sa_spec *s)
{
	struct esp_sa_spec m = *s;

	m.ue = s->local;
	m.ue.port = s->port_pc;
	m.local = s->ue;
	m.local.port = s->port_us;
	m.port_us = s->local.port;
	m.port_pc = s->ue.port;
	m.spi_us = s->spi_ps;
	m.spi_uc = s->spi_pc;
	m.spi_ps = s->spi_us;
	m.spi_pc = s->spi_uc;
	if (s->nat.family) {
		m.nat = s->local;
		m.nat.port = ESP_UDP_PORT;
	}
	return m;
}

void pair_open(struct pair *p, uint8_t family, const struct suite *suite, bool nat)
{
	p->spec = spec_of(1, family, suite, nat);
	struct esp_sa_spec m = mirrored(&p->spec);
	side_open(&p->node, 4, 1);
	side_open(&p->ue, 4, 1);
	assert_int_equal(esp_sa_put(p->node.sas, &p->spec), ESP_OK);
	assert_int_equal(esp_sa_put(p->ue.sas, &m), ESP_OK);
}

void pair_close(struct pair *p)
{
	side_close(&p->node);
	side_close(&p->ue);
}

struct guarded guard_new(const void *octets, uint32_t len, bool at_start)
{
	size_t inner = (len + PAGE - 1) / PAGE * PAGE + (len == 0) * PAGE;
	struct guarded g = {.pages = inner + 2 * PAGE, .len = len};

	g.map = mmap(NULL, g.pages, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(g.map != MAP_FAILED);
	assert_int_equal(mprotect(g.map + PAGE, inner, PROT_READ | PROT_WRITE), 0);
	g.at = at_start ? g.map + PAGE : g.map + PAGE + inner - len;
	if (octets)
		memcpy(g.at, octets, len);
	return g;
}

void guard_free(struct guarded *g)
{
	munmap(g->map, g->pages);
}

void message_open(struct message *m, const void *text, uint32_t len)
{
	m->memory = guard_new(NULL, ESP_HEAD_MAX + len + ESP_TAIL_MAX, false);
	m->buf = (struct buf){.data = m->memory.at + ESP_HEAD_MAX,
			      .len = len,
			      .headroom = ESP_HEAD_MAX,
			      .tailroom = ESP_TAIL_MAX};
	memcpy(m->buf.data, text, len);
}

void message_close(struct message *m)
{
	guard_free(&m->memory);
}

uint32_t seal(struct side *s, uint64_t sa_id, const void *text, uint32_t len, uint8_t *out,
	      struct buf *how)
{
	struct message m;

	message_open(&m, text, len);
	struct esp_message e = {.buf = &m.buf, .sa_id = sa_id};
	esp_out(s->worker[0], &e, 1);
	assert_int_equal(e.verdict, VERDICT_SEND);
	memcpy(out, m.buf.data, m.buf.len);
	if (how)
		*how = m.buf;
	message_close(&m);
	return m.buf.len;
}

struct esp_packet packet_of(const struct esp_sa_spec *receiver, uint8_t *octets, uint32_t len)
{
	struct esp_packet p = {.at = octets, .len = len};

	p.src = receiver->nat.family ? receiver->nat : receiver->ue;
	p.dst = receiver->local;
	if (receiver->nat.family)
		p.dst.port = ESP_UDP_PORT;
	else
		p.src.port = p.dst.port = 0;
	return p;
}

struct esp_packet open_packet(struct side *s, const struct esp_packet *p, uint8_t *out)
{
	struct guarded g = guard_new(p->at, p->len, false);
	struct esp_packet got = *p;

	got.at = g.at;
	esp_in(s->worker[0], &got, 1);
	if (got.verdict == VERDICT_NEXT) {
		assert_true(got.at >= g.at && got.at + got.len <= g.at + g.len);
		if (out)
			memcpy(out, got.at, got.len);
	}
	guard_free(&g);
	return got;
}
