/* out.c - SIP messages that leave under a set of SAs: RFC 4303 §3.3 */
#include "esp/worker.h"

enum {
	V4_HEADER = 20,
	V6_HEADER = 40,
	PROTO_V4 = 4,
	PROTO_UDP = 17,
	PROTO_V6 = 41,
	HOPS = 64,
	TRAILER = 2,
};

static bool drop(struct esp_message *m, enum count_id reason)
{
	m->verdict = VERDICT_DROP;
	m->reason = reason;
	return false;
}

static void approach(struct esp_worker *w, const struct esp_message *m, uint32_t n)
{
	const struct esp_sas *t = w->sas;

	for (uint32_t i = 0; i < n; i++) {
		w->work[i].hash = sa_hash_id(t, m[i].sa_id);
		index_prefetch(&t->by_id, w->work[i].hash);
	}
	for (uint32_t i = 0; i < n; i++)
		index_prefetch_entry(&t->by_id, w->work[i].hash, t->arena, SA_LINES);
	for (uint32_t i = 0; i < n; i++) {
		w->work[i].sa = sa_find_id(t, m[i].sa_id, w->work[i].hash);
		if (!w->work[i].sa)
			continue;
		__builtin_prefetch(w->work[i].sa->run, 1);
		crypto_approach(w->work[i].sa, true);
	}
}

/* The number is in the record before any packet has it. Without extended sequence numbers the
 * last one ends the SA (§3.3.3): a new set has to come before. */
static bool admit(struct esp_worker *w, struct esp_message *m, uint32_t i)
{
	const struct sa *s = w->work[i].sa;

	if (!s)
		return drop(m, COUNT_DROP_ESP_NO_SA);
	if (s->owner != w->id) {
		m->verdict = VERDICT_HANDOFF;
		m->owner = s->owner;
		return false;
	}
	if (m->buf->headroom < ESP_HEAD_MAX || m->buf->tailroom < ESP_TAIL_MAX ||
	    m->buf->len > ESP_MESSAGE_MAX)
		return drop(m, COUNT_DROP_SIZE);
	if (s->run->sent == UINT32_MAX)
		return drop(m, COUNT_DROP_ESP_SEQUENCE);
	w->work[i].seq = ++s->run->sent;
	return true;
}

static uint32_t add16(uint32_t sum, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i + 1 < len; i += 2)
		sum += get16(p + i);
	return len & 1 ? sum + (uint32_t)(p[len - 1] << 8) : sum;
}

static uint16_t fold16(uint32_t sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t) ~(sum + (sum >> 16));
}

/* With a checksum: over IPv6 there is none without, and the far end's stack may look at it. */
static void put_udp(uint8_t *d, const struct sa *s, uint32_t len)
{
	uint32_t octets = s->ue.family == 4 ? 4 : 16;
	uint32_t sum = PROTO_UDP + len;
	uint16_t folded;

	put16(d, s->port_pc);
	put16(d + 2, s->port_us);
	put16(d + 4, len);
	put16(d + 6, 0);
	sum = add16(add16(sum, s->local.ip, octets), s->ue.ip, octets);
	folded = fold16(add16(sum, d, len));
	put16(d + 6, folded ? folded : 0xffff);
}

static void put_inner4(uint8_t *h, const struct sa *s, uint32_t len)
{
	memset(h, 0, V4_HEADER);
	h[0] = 0x45;
	put16(h + 2, len);
	h[8] = HOPS;
	h[9] = PROTO_UDP;
	memcpy(h + 12, s->local.ip, 4);
	memcpy(h + 16, s->ue.ip, 4);
	put16(h + 10, fold16(add16(0, h, V4_HEADER)));
}

static void put_inner6(uint8_t *h, const struct sa *s, uint32_t len)
{
	put32(h, 0x60000000);
	put16(h + 4, len - V6_HEADER);
	h[6] = PROTO_UDP;
	h[7] = HOPS;
	memcpy(h + 8, s->local.ip, 16);
	memcpy(h + 24, s->ue.ip, 16);
}

/* Moves the start by `octets`. */
static uint8_t *before(struct buf *b, uint32_t octets)
{
	b->data -= octets;
	b->len += octets;
	b->headroom -= octets;
	return b->data;
}

/* UDP and, in tunnel mode, IP; the next header that ESP has to name. */
static uint8_t wrap(struct buf *b, const struct sa *s)
{
	uint8_t *h = before(b, UDP_HEADER);

	put_udp(h, s, b->len);
	if (!s->tunnel)
		return PROTO_UDP;
	if (s->ue.family == 4) {
		h = before(b, V4_HEADER);
		put_inner4(h, s, b->len);
		return PROTO_V4;
	}
	h = before(b, V6_HEADER);
	put_inner6(h, s, b->len);
	return PROTO_V6;
}

/* Padding to a whole number of blocks, and room for the ICV (§2.4). */
static void put_trailer(struct buf *b, const struct sa *s, uint8_t next)
{
	uint32_t pad = -(b->len + TRAILER) % s->align;
	uint8_t *end = b->data + b->len;

	for (uint32_t i = 0; i < pad; i++)
		*end++ = (uint8_t)(i + 1);
	*end++ = (uint8_t)pad;
	*end = next;
	b->len += pad + TRAILER + s->icv_len;
	b->tailroom -= pad + TRAILER + s->icv_len;
}

/* SPI, number, and where the IV will be, or is: both again. */
static void put_header(struct buf *b, const struct sa *s, uint32_t seq)
{
	uint8_t *h = before(b, ESP_HEADER + s->iv_len);

	put32(h, s->spi_out);
	put32(h + 4, seq);
	memset(h + ESP_HEADER, 0, s->iv_len);
	if (s->iv_len)
		memcpy(h + ESP_HEADER, h, ESP_HEADER);
}

static void address(struct buf *b, const struct sa *s)
{
	b->src = s->local;
	if (s->tunnel) {
		b->src.port = ESP_UDP_PORT;
		b->dst = s->nat;
		if (s->run->nat_port)
			b->dst.port = s->run->nat_port;
		return;
	}
	b->src.port = 0;
	b->dst = s->ue;
	b->dst.port = 0;
	b->flags |= BUF_F_ESP;
}

static void prepare(struct esp_worker *w, struct esp_message *m, uint32_t i)
{
	const struct sa *s = w->work[i].sa;
	struct buf *b = m->buf;
	uint8_t next = wrap(b, s);

	put_trailer(b, s, next);
	put_header(b, s, w->work[i].seq);
	address(b, s);
	crypto_seal(w, i, b->data, b->len);
}

void esp_out(struct esp_worker *w, struct esp_message *m, uint32_t n)
{
	uint64_t admitted = 0;

	approach(w, m, n);
	crypto_begin(w, n);
	for (uint32_t i = 0; i < n; i++) {
		if (!admit(w, &m[i], i))
			continue;
		admitted |= 1ULL << i;
		prepare(w, &m[i], i);
	}
	crypto_finish(w);
	/* A message the library did not work on must not leave as it is. */
	for (uint32_t i = 0; i < n; i++) {
		if (!(admitted >> i & 1))
			continue;
		if (w->work[i].done)
			m[i].verdict = VERDICT_SEND;
		else
			drop(&m[i], COUNT_DROP_ESP_NO_SA);
	}
}
