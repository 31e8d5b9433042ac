/* protect.c - the users' side of security associations, and the node's sets of them */
#include "scene/protect.h"

#include <stdlib.h>
#include <unistd.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

enum {
	LOWER = 14 + 20, /* Ethernet and IP */
	UDP = 8,
	SERVER_ABOVE =
		1000, /* a user's protected server port lies so far above its client port */
	FRAME_ROOM = 2048,
};

struct protect {
	struct esp_sas *node, *ue;
	struct esp_worker *worker; /* the users' */
	enum esp_cipher cipher;
	enum esp_integrity integrity;
};

static struct esp_sas *sas_open(uint32_t users)
{
	char error[ESP_ERROR_MAX], path[] = "/dev/shm/saker-scene-XXXXXX";
	int fd = mkstemp(path);
	struct esp_options o = {.sets = users, .workers = 1, .key = {5, 6}, .run_path = path};
	struct esp_sas *t = fd < 0 ? NULL : esp_sas_create(&o, error);

	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
	return t;
}

struct protect *protect_open(uint32_t users, enum esp_cipher cipher,
			     enum esp_integrity integrity)
{
	struct protect *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->cipher = cipher;
	p->integrity = integrity;
	p->node = sas_open(users);
	p->ue = sas_open(users);
	p->worker = p->ue ? esp_worker_create(p->ue, 0) : NULL;
	if (p->node && p->worker)
		return p;
	protect_close(p);
	return NULL;
}

void protect_close(struct protect *p)
{
	if (!p)
		return;
	esp_worker_destroy(p->worker);
	esp_sas_destroy(p->node);
	esp_sas_destroy(p->ue);
	free(p);
}

const struct esp_sas *protect_sas(const struct protect *p)
{
	return p ? p->node : NULL;
}

uint64_t protect_add(struct protect *p, uint32_t user, const struct addr *flow,
		     struct addr *local)
{
	struct esp_sa_spec s = {
		.sa_id = user + 1ULL,
		.ue = *flow,
		.port_us = (uint16_t)(flow->port + SERVER_ABOVE),
		.port_pc = PROTECT_CLIENT,
		.spi_uc = 0x40000000 + 2 * user,
		.spi_us = 0x40000001 + 2 * user,
		.spi_pc = 0x80000000 + 2 * user,
		.spi_ps = 0x80000001 + 2 * user,
		.integrity = (uint8_t)p->integrity,
		.cipher = (uint8_t)p->cipher,
		.expires_ms = UINT64_MAX / 2,
	};
	struct esp_sa_spec ue = s;

	local->port = PROTECT_SERVER;
	s.local = ue.ue = *local;
	memcpy(s.ck, &user, sizeof(user));
	memcpy(s.ik, &user, sizeof(user));
	memcpy(ue.ck, &user, sizeof(user));
	memcpy(ue.ik, &user, sizeof(user));
	ue.ue.port = s.port_pc;
	ue.local = s.ue;
	ue.local.port = s.port_us;
	ue.port_us = PROTECT_SERVER;
	ue.port_pc = flow->port;
	ue.spi_us = s.spi_ps;
	ue.spi_uc = s.spi_pc;
	ue.spi_ps = s.spi_us;
	ue.spi_pc = s.spi_uc;
	if (esp_sa_put(p->node, &s) != ESP_OK || esp_sa_put(p->ue, &ue) != ESP_OK)
		return 0;
	return s.sa_id;
}

static struct rte_ipv4_hdr *ip(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, sizeof(struct rte_ether_hdr));
}

bool protect_seal(struct protect *p, uint32_t user, struct rte_mbuf *m)
{
	uint8_t room[FRAME_ROOM];
	uint32_t len = m->data_len - LOWER - UDP;
	struct buf b = {.data = room + ESP_HEAD_MAX,
			.len = len,
			.headroom = ESP_HEAD_MAX,
			.tailroom = (uint32_t)sizeof(room) - ESP_HEAD_MAX - len};
	struct esp_message e = {.buf = &b, .sa_id = user + 1ULL};

	memcpy(b.data, rte_pktmbuf_mtod_offset(m, uint8_t *, LOWER + UDP), len);
	esp_out(p->worker, &e, 1);
	if (e.verdict != VERDICT_SEND ||
	    !rte_pktmbuf_append(m, (uint16_t)(b.len + LOWER - m->data_len)))
		return false;
	memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, LOWER), b.data, b.len);
	ip(m)->next_proto_id = IPPROTO_ESP;
	ip(m)->total_length = rte_cpu_to_be_16((uint16_t)(b.len + 20));
	ip(m)->hdr_checksum = 0;
	ip(m)->hdr_checksum = rte_ipv4_cksum(ip(m));
	return true;
}

static struct addr addr_of(uint32_t big_endian)
{
	return addr_v4(rte_be_to_cpu_32(big_endian), 0);
}

bool protect_unseal(struct protect *p, struct rte_mbuf *m)
{
	struct esp_packet e = {.at = rte_pktmbuf_mtod_offset(m, uint8_t *, LOWER),
			       .len = m->data_len - (uint32_t)LOWER};
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	uint8_t lower[LOWER];

	if (ether->ether_type != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))
		return true;
	if (ip(m)->next_proto_id != IPPROTO_ESP || m->nb_segs != 1)
		return false;
	memcpy(lower, ether, sizeof(lower));
	e.src = addr_of(ip(m)->src_addr);
	e.dst = addr_of(ip(m)->dst_addr);
	esp_in(p->worker, &e, 1);
	if (e.verdict != VERDICT_NEXT)
		return false;
	/* The message stays where it lies; the headers go before it. */
	m->data_off = (uint16_t)(e.at - UDP - LOWER - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)(e.len + UDP + LOWER);
	m->pkt_len = m->data_len;
	memcpy(rte_pktmbuf_mtod(m, uint8_t *), lower, sizeof(lower));
	ip(m)->next_proto_id = IPPROTO_UDP;
	ip(m)->total_length = rte_cpu_to_be_16((uint16_t)(e.len + UDP + 20));
	*(struct rte_udp_hdr *)(ip(m) + 1) = (struct rte_udp_hdr){
		.src_port = rte_cpu_to_be_16(PROTECT_CLIENT),
		.dst_port = rte_cpu_to_be_16((uint16_t)(e.dst.port - SERVER_ABOVE)),
		.dgram_len = rte_cpu_to_be_16((uint16_t)(e.len + UDP)),
	};
	return true;
}
