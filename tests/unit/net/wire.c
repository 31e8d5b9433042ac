/* wire.c - a node's packet side on rings in place of a wire, all workers run by the test's
 * thread */
#include "wire.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ring.h>

#include "base/clock.h"

static struct rte_mempool *frames;

int wire_eal(void **state)
{
	static const char *const words[] = {
		"test",     "--no-huge",      "--no-shconf",       "-m",          "256",
		"--no-pci", "--no-telemetry", "--log-level=error", "--lcores=0@0"};
	enum { WORDS = sizeof(words) / sizeof(words[0]) };
	char memory[WORDS][32], *args[WORDS + 1] = {NULL};

	for (int i = 0; i < WORDS; i++) {
		snprintf(memory[i], sizeof(memory[i]), "%s", words[i]);
		args[i] = memory[i];
	}
	if (rte_eal_init(WORDS, args) < 0)
		return -1;
	/* As large as can be: what the node gets is the test's choice. */
	frames = rte_pktmbuf_pool_create("frames", 2048, 0, sizeof(struct buf),
					 RTE_PKTMBUF_HEADROOM + 9800, SOCKET_ID_ANY);
	return frames ? 0 : -1;
}

static void add_routes(struct wire *w)
{
	struct route r = {.bits = 24, .prefix = {.family = 4}};

	memcpy(r.prefix.ip, frame_node4, 4);
	r.local = r.prefix;
	assert_true(route_add(&w->routes, &r));
	assert_true(route_add_local(&w->routes, &r.local, 0, false));
	r = (struct route){.bits = 64, .prefix = {.family = 6}};
	memcpy(r.prefix.ip, frame_node6, 16);
	r.local = r.prefix;
	assert_true(route_add(&w->routes, &r));
	assert_true(route_add_local(&w->routes, &r.local, 0, false));
	/* 198.51.100.0/24 through a router on the link. */
	r = (struct route){.bits = 24,
			   .prefix = addr_v4(0xc6336400, 0),
			   .gateway = addr_v4(0xc00002fe, 0),
			   .local = addr_v4(0xc0000201, 0)};
	assert_true(route_add(&w->routes, &r));
}

static void make_port(struct wire *w, uint16_t queues)
{
	static int number;
	char name[32];

	for (uint16_t q = 0; q < queues; q++) {
		snprintf(name, sizeof(name), "to%d_%u", number, q);
		w->to_node[q] = rte_ring_create(name, 1024, SOCKET_ID_ANY, 0);
		snprintf(name, sizeof(name), "from%d_%u", number, q);
		w->from_node[q] = rte_ring_create(name, 1024, SOCKET_ID_ANY, 0);
	}
	snprintf(name, sizeof(name), "wire%d", number++);
	assert_true(rte_eth_from_rings(name, w->to_node, queues, w->from_node, queues, 0) >= 0);
	snprintf(w->conf.port[0].device, sizeof(w->conf.port[0].device), "net_ring_%s", name);
}

void wire_open(struct wire *w, const struct wire_options *o)
{
	uint16_t workers = o->workers ? o->workers : 1, queues = o->queues ? o->queues : 1;
	char error[NET_ERROR_MAX];

	memset(w, 0, sizeof(*w));
	w->now_ms = 1000000;
	w->conf.workers = workers;
	w->conf.buffers = 2048;
	w->conf.sip_port = 5060;
	w->conf.worker_port_base = 5080;
	w->conf.n_port = 1;
	w->conf.port[0].queues = queues;
	w->conf.port[0].vlan = o->vlan;
	w->conf.port[0].mtu = o->mtu;
	snprintf(w->conf.port[0].name, sizeof(w->conf.port[0].name), "wire");
	add_routes(w);
	make_port(w, queues);
	w->net = net_create(&w->conf, &w->routes, error);
	if (!w->net)
		fail_msg("%s", error);
	if (o->mtu)
		w->net->port[0].mtu = o->mtu;
	memcpy(w->mac, w->net->port[0].mac.addr_bytes, 6);
	w->small_free = rte_mempool_avail_count(w->net->pool.small);
	w->jumbo_free = rte_mempool_avail_count(w->net->pool.jumbo);
	for (uint16_t i = 0; !o->bare && i < workers; i++) {
		w->worker[i] = net_worker_create(w->net, i, &w->counters[i]);
		assert_non_null(w->worker[i]);
		net_start(w->worker[i], w->now_ms);
	}
	wire_silence(w);
}

void wire_close(struct wire *w)
{
	wire_forget(w);
	for (uint16_t i = 0; w->worker[0] && i < w->conf.workers; i++) {
		net_tx_flush(w->worker[i]);
		net_worker_destroy(w->worker[i]);
	}
	wire_silence(w);
	assert_int_equal(rte_mempool_avail_count(w->net->pool.small), w->small_free);
	assert_int_equal(rte_mempool_avail_count(w->net->pool.jumbo), w->jumbo_free);
	assert_int_equal(rte_mempool_avail_count(frames), frames->size);
	net_destroy(w->net);
}

void wire_send(struct wire *w, uint16_t queue, const struct frame *f)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(frames);

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)f->len), f->o, f->len);
	assert_int_equal(rte_ring_enqueue(w->to_node[queue], m), 0);
}

static void extbuf_freed(void *addr, void *opaque)
{
}

void wire_send_guarded(struct wire *w, const struct frame *f)
{
	static uint8_t *pages;
	static struct rte_mbuf_ext_shared_info info;
	const uint32_t room = 32768;
	uint32_t before = (uint32_t)getpagesize();
	struct rte_mbuf *m = rte_pktmbuf_alloc(frames);

	if (!pages) {
		pages = mmap(NULL, room + before, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_true(pages != MAP_FAILED);
		assert_int_equal(mprotect(pages + room, before, PROT_NONE), 0);
	}
	assert_non_null(m);
	info.free_cb = extbuf_freed;
	info.refcnt = 1;
	rte_pktmbuf_attach_extbuf(m, pages, RTE_BAD_IOVA, (uint16_t)room, &info);
	m->data_off = (uint16_t)(room - f->len);
	m->data_len = (uint16_t)f->len;
	m->pkt_len = f->len;
	memcpy(rte_pktmbuf_mtod(m, void *), f->o, f->len);
	assert_int_equal(rte_ring_enqueue(w->to_node[0], m), 0);
	wire_turn(w);
	wire_forget(w);
	wire_silence(w);
}

void wire_turn(struct wire *w)
{
	static struct net_burst b;

	for (uint16_t i = 0; i < w->conf.workers; i++) {
		b.n = b.n_frames = 0;
		net_rx(w->worker[i], &b);
		net_handoff_in(w->worker[i], &b);
		net_input(w->worker[i], &b, w->now_ms);
		for (uint32_t k = 0; k < b.n; k++) {
			assert_true(w->n < WIRE_BUFS_MAX);
			w->buf[w->n++] = b.buf[k];
		}
		net_tick(w->worker[i], w->now_ms);
		net_tx_flush(w->worker[i]);
	}
}

bool wire_receive(struct wire *w, struct frame *f)
{
	for (uint32_t q = 0; q < WIRE_QUEUES_MAX && w->from_node[q]; q++) {
		void *p;

		if (rte_ring_dequeue(w->from_node[q], &p) != 0)
			continue;
		struct rte_mbuf *m = p;
		assert_int_equal(m->nb_segs, 1);
		assert_true(m->data_len <= FRAME_MAX);
		f->len = m->data_len;
		memcpy(f->o, rte_pktmbuf_mtod(m, void *), f->len);
		rte_pktmbuf_free(m);
		return true;
	}
	return false;
}

void wire_forget(struct wire *w)
{
	while (w->n)
		buf_free(w->buf[--w->n]);
}

void wire_silence(struct wire *w)
{
	static struct frame f;

	while (wire_receive(w, &f))
		;
}

void wire_acquaint(struct wire *w)
{
	static struct frame f;

	frame_arp(&f, w->mac, 2, frame_peer4, frame_node4);
	wire_send(w, 0, &f);
	frame_nd(&f, w->mac, 136, 0x60, frame_peer6, frame_node6, frame_peer6, frame_peer_mac);
	wire_send(w, 0, &f);
	wire_turn(w);
	wire_turn(w);
}

uint64_t wire_count(const struct wire *w, enum count_id id)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < w->conf.workers; i++)
		n += count_read(&w->counters[i], id);
	return n;
}

struct buf *wire_message(uint8_t family, const void *data, uint32_t len)
{
	struct buf *b = buf_alloc(len);

	assert_non_null(b);
	memcpy(b->data, data, len);
	b->len = len;
	b->src = (struct addr){.family = family, .port = 5060};
	b->dst = (struct addr){.family = family, .port = 5555};
	memcpy(b->src.ip, family == 4 ? frame_node4 : frame_node6, family == 4 ? 4 : 16);
	memcpy(b->dst.ip, family == 4 ? frame_peer4 : frame_peer6, family == 4 ? 4 : 16);
	return b;
}
