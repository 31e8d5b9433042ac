/* in.c - ESP packets received: RFC 4303 §3.4, in its order */
#include "esp/worker.h"

enum {
	V4_HEADER = 20,
	V6_HEADER = 40,
	V4_OFFSET_OR_MORE = 0x3fff,
	PROTO_V4 = 4,
	PROTO_UDP = 17,
	PROTO_V6 = 41,
	PROTO_NONE = 59, /* a dummy packet (§2.6) */
	TRAILER = 2,     /* padding's length, next header */
};

static bool drop(struct esp_packet *p, enum count_id reason)
{
	p->verdict = VERDICT_DROP;
	p->reason = reason;
	return false;
}

/* The set of each, its record and its keys come near while others are asked for. */
static void approach(struct esp_worker *w, const struct esp_packet *p, uint32_t n)
{
	const struct esp_sas *t = w->sas;

	for (uint32_t i = 0; i < n; i++) {
		w->work[i].sa = NULL;
		if (p[i].len < ESP_HEADER)
			continue;
		w->work[i].hash = sa_hash_spi(t, get32(p[i].at));
		index_prefetch(&t->by_spi, w->work[i].hash);
	}
	for (uint32_t i = 0; i < n; i++)
		if (p[i].len >= ESP_HEADER)
			index_prefetch_entry(&t->by_spi, w->work[i].hash, t->arena, SA_LINES);
	for (uint32_t i = 0; i < n; i++) {
		enum sa_way way;

		if (p[i].len < ESP_HEADER)
			continue;
		w->work[i].sa = sa_find_spi(t, get32(p[i].at), w->work[i].hash, &way);
		if (!w->work[i].sa)
			continue;
		w->work[i].way = (uint8_t)way;
		__builtin_prefetch(w->work[i].sa->run, 1);
		crypto_approach(w->work[i].sa, false);
	}
}

/* Transport mode: from the UE to us, as the SA has it. Tunnel mode: from the UE's NAT, whose
 * port may change; the inner addresses are looked at when they can be read. */
static bool addresses_fit(const struct sa *s, const struct esp_packet *p)
{
	if (!addr_same_ip(&p->dst, &s->local))
		return false;
	if (!s->tunnel)
		return p->src.port == 0 && addr_same_ip(&p->src, &s->ue);
	return p->src.port != 0 && addr_same_ip(&p->src, &s->nat);
}

/* §3.4.2, §3.4.3: what can be refused before anything is worked out. */
static bool admit(struct esp_worker *w, struct esp_packet *p, uint32_t i)
{
	const struct sa *s = w->work[i].sa;
	uint32_t least;

	if (p->len < ESP_HEADER)
		return drop(p, COUNT_DROP_ESP_LENGTH);
	if (!s)
		return drop(p, COUNT_DROP_ESP_SPI);
	if (!addresses_fit(s, p))
		return drop(p, COUNT_DROP_ESP_ADDRESS);
	if (s->owner != w->id) {
		p->verdict = VERDICT_HANDOFF;
		p->owner = s->owner;
		return false;
	}
	least = ESP_HEADER + s->iv_len + s->align + s->icv_len;
	if (p->len < least || (p->len - least) % s->align != 0 || p->len > UINT16_MAX)
		return drop(p, COUNT_DROP_ESP_LENGTH);
	w->work[i].seq = get32(p->at + 4);
	if (!run_may_take(&s->run->in[w->work[i].way], w->work[i].seq))
		return drop(p, COUNT_DROP_ESP_REPLAY);
	return true;
}

/* §2.4: 1, 2, 3 and so on, which whoever pads by its own taste breaks. */
static bool padding_sound(const uint8_t *end, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (*(end - len + i) != i + 1)
			return false;
	return true;
}

/* A datagram at d, `left` octets or fewer of them (§2.7), between the inner addresses. */
static bool datagram(struct esp_packet *p, const struct sa *s, enum sa_way way, uint8_t *d,
		     uint32_t left)
{
	uint16_t from = way == SA_WAY_PS ? s->ue.port : s->port_us,
		 to = way == SA_WAY_PS ? s->local.port : s->port_pc;

	if (left < UDP_HEADER || get16(d + 4) < UDP_HEADER || get16(d + 4) > left)
		return drop(p, COUNT_DROP_ESP_FORMAT);
	/* TS 33.203 §7.1: the selectors. The checksum is not looked at: the ICV says more. */
	if (get16(d) != from || get16(d + 2) != to)
		return drop(p, COUNT_DROP_ESP_SELECTOR);
	p->at = d + UDP_HEADER;
	p->len = get16(d + 4) - UDP_HEADER;
	if (p->len > ESP_MESSAGE_MAX)
		return drop(p, COUNT_DROP_SIZE);
	p->src = s->ue;
	p->src.port = from;
	p->dst = s->local;
	p->dst.port = to;
	p->sa_id = s->id;
	p->verdict = VERDICT_NEXT;
	return true;
}

static bool inner4(struct esp_packet *p, const struct sa *s, enum sa_way way, uint8_t *h,
		   uint32_t left)
{
	if (left < V4_HEADER || h[0] != 0x45 || get16(h + 2) < V4_HEADER ||
	    get16(h + 2) > left || (get16(h + 6) & V4_OFFSET_OR_MORE))
		return drop(p, COUNT_DROP_ESP_FORMAT);
	if (h[9] != PROTO_UDP)
		return drop(p, COUNT_DROP_ESP_PROTOCOL);
	if (memcmp(h + 12, s->ue.ip, 4) != 0 || memcmp(h + 16, s->local.ip, 4) != 0)
		return drop(p, COUNT_DROP_ESP_SELECTOR);
	return datagram(p, s, way, h + V4_HEADER, get16(h + 2) - V4_HEADER);
}

static bool inner6(struct esp_packet *p, const struct sa *s, enum sa_way way, uint8_t *h,
		   uint32_t left)
{
	if (left < V6_HEADER || h[0] >> 4 != 6 || get16(h + 4) > left - V6_HEADER)
		return drop(p, COUNT_DROP_ESP_FORMAT);
	if (h[6] != PROTO_UDP)
		return drop(p, COUNT_DROP_ESP_PROTOCOL);
	if (memcmp(h + 8, s->ue.ip, 16) != 0 || memcmp(h + 24, s->local.ip, 16) != 0)
		return drop(p, COUNT_DROP_ESP_SELECTOR);
	return datagram(p, s, way, h + V6_HEADER, get16(h + 4));
}

/* What the packet carried: `left` octets at d, without trailer and padding. */
static bool payload(struct esp_packet *p, const struct sa *s, enum sa_way way, uint8_t next,
		    uint8_t *d, uint32_t left)
{
	uint8_t wanted = !s->tunnel ? PROTO_UDP : s->ue.family == 4 ? PROTO_V4 : PROTO_V6;

	if (next == PROTO_NONE)
		return drop(p, COUNT_DROP_ESP_DUMMY);
	if (next != wanted)
		return drop(p, COUNT_DROP_ESP_PROTOCOL);
	if (!s->tunnel)
		return datagram(p, s, way, d, left);
	return s->ue.family == 4 ? inner4(p, s, way, d, left) : inner6(p, s, way, d, left);
}

/* §3.4.3 once more, now that it is authentic: what came twice in one burst was admitted twice.
 * Then §3.4.4. */
static void take(struct esp_worker *w, struct esp_packet *p, uint32_t i)
{
	const struct sa *s = w->work[i].sa;
	enum sa_way way = w->work[i].way;
	struct run_window *window = &s->run->in[way];
	uint32_t clear = ESP_HEADER + s->iv_len, left = p->len - clear - s->icv_len;
	const uint8_t *icv = p->at + p->len - s->icv_len, *trailer = icv - TRAILER;
	bool newest = w->work[i].seq > window->top;

	if (!w->work[i].done || !constant_time_eq(icv, w->work[i].icv, s->icv_len)) {
		drop(p, COUNT_DROP_ESP_ICV);
		return;
	}
	if (!run_take(window, w->work[i].seq)) {
		drop(p, COUNT_DROP_ESP_REPLAY);
		return;
	}
	/* RFC 3948 §4: a NAT that began anew shows another port. Old packets do not say so. */
	if (s->tunnel && newest)
		s->run->nat_port = p->src.port;
	if (trailer[0] + 2u > left || !padding_sound(trailer, trailer[0])) {
		drop(p, COUNT_DROP_ESP_FORMAT);
		return;
	}
	payload(p, s, way, trailer[1], p->at + clear, left - TRAILER - trailer[0]);
}

void esp_in(struct esp_worker *w, struct esp_packet *p, uint32_t n)
{
	uint64_t admitted = 0;

	approach(w, p, n);
	crypto_begin(w, n);
	for (uint32_t i = 0; i < n; i++) {
		p[i].sa_id = 0;
		if (!admit(w, &p[i], i))
			continue;
		admitted |= 1ULL << i;
		crypto_open(w, i, p[i].at, p[i].len);
	}
	crypto_finish(w);
	for (uint32_t i = 0; i < n; i++)
		if (admitted >> i & 1)
			take(w, &p[i], i);
}
