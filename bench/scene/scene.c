/* scene.c - a whole worker between two rings in memory, and the users registered at it */
#include "scene/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include <rte_arp.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <urcu-qsbr.h>

#include "base/clock.h"
#include "net/eal.h"
#include "net/mbufs.h"
#include "scene/protect.h"
#include "worker/idle.h"
#include "worker/stage.h"

enum {
	MEGABYTES = 768, /* as in the words for DPDK */
	BUFFERS = 32768,
	FRAMES = 8191,
	FRAME_ROOM = RTE_PKTMBUF_HEADROOM + RTE_MBUF_DEFAULT_DATAROOM,
	TRANSACTIONS = 1 << 18,
	PUNT_RING = 1 << 20,
	DAY_MS = 86400000,
};

static const uint32_t node_ip = 0x0a000001, router_ip = 0x0a0000fe;
static const uint8_t router_mac[6] = {2, 0, 0, 0, 0, 0xfe};

static void must(bool so, const char *what)
{
	if (so)
		return;
	fprintf(stderr, "scene: %s\n", what);
	exit(1);
}

static void start_dpdk(bool huge)
{
	static const char *const words[] = {"bench",        "-m",
					    "768",          "--no-shconf",
					    "--no-pci",     "--no-telemetry",
					    "--lcores=0@0", "--log-level=error"};
	enum { WORDS = sizeof(words) / sizeof(words[0]) };
	char memory[WORDS + 1][32], *args[WORDS + 2] = {NULL};

	for (int i = 0; i < WORDS; i++)
		snprintf(args[i] = memory[i], sizeof(memory[i]), "%s", words[i]);
	snprintf(args[WORDS] = memory[WORDS], sizeof(memory[WORDS]), "%s",
		 huge && eal_huge_pages_free((uint64_t)MEGABYTES << 20) ? "--in-memory"
									: "--no-huge");
	must(rte_eal_init(WORDS + 1, args) >= 0, "DPDK does not start");
}

static void make_port(struct scene *s, struct conf_dataplane *c)
{
	s->to_node = rte_ring_create("to_node", SCENE_RING, SOCKET_ID_ANY, 0);
	s->from_node = rte_ring_create("from_node", SCENE_RING, SOCKET_ID_ANY, 0);
	/* As a port's own: with the room before the message that roles write into. */
	s->frames = mbufs_pool("frames", FRAMES, 256, FRAME_ROOM, false, SOCKET_ID_ANY);
	must(s->to_node && s->from_node && s->frames, "no memory for rings and frames");
	must(rte_eth_from_rings("bench", &s->to_node, 1, &s->from_node, 1, 0) >= 0,
	     "net_ring does not start");
	snprintf(c->port[0].device, sizeof(c->port[0].device), "net_ring_bench");
	snprintf(c->port[0].name, sizeof(c->port[0].name), "access");
	c->port[0].queues = 1;
	c->n_port = 1;
}

static void make_routes(struct scene *s)
{
	struct route link = {.prefix = addr_v4(0x0a000000, 0),
			     .bits = 24,
			     .access = 1,
			     .local = addr_v4(node_ip, 0)};
	struct route behind = {.prefix = addr_v4(0x0a400000, 0),
			       .bits = 10,
			       .access = 1,
			       .gateway = addr_v4(router_ip, 0),
			       .local = addr_v4(node_ip, 0)};

	must(route_add(&s->routes, &link) && route_add(&s->routes, &behind) &&
		     route_add_local(&s->routes, &link.local, 0, true),
	     "no room for routes");
}

static void make_node(struct scene *s)
{
	s->node = (struct node){
		.roles = NODE_PCSCF | NODE_ICSCF | NODE_SCSCF,
		.follow = true,
		.routes = &s->routes,
		.realm = SLICE("ims.example"),
		.n_domains = 1,
		.domain = {SLICE("ims.example")},
		.pcscf_host = SLICE("pcscf.ims.example"),
		.icscf_host = SLICE("icscf.ims.example"),
		.scscf_host = SLICE("scscf.ims.example"),
		.scscf_uri = SLICE("sip:scscf.ims.example:5060"),
		.sip_port = 5060,
		.n_workers = 1,
		/* Nothing is lost between rings: a timer that fires would measure the pause
		 * between two batches. */
		.t1_ms = 60000,
		.t2_ms = 240000,
		.t4_ms = 5000,
		.timer_c_ms = 185000,
		.max_breadth = 60,
		.expires = {.min_s = 60, .default_s = 3600, .max_s = 600000},
		.transactions = TRANSACTIONS,
		.token_key = {0x0123456789abcdef, 0xfedcba9876543210},
		.branch_key = {0x1111222233334444, 0x5555666677778888},
	};
}

struct addr scene_flow(uint32_t user)
{
	return addr_v4(0x0a400000 + user / 4, (uint16_t)(5060 + user % 4));
}

void scene_put_number(struct text *t, uint32_t user)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "+49152%08u", user);
	text_str(t, digits);
}

void scene_put_flow(struct text *t, uint32_t user)
{
	struct addr a = scene_flow(user);

	addr_put_host(t, &a);
	text_char(t, ':');
	text_u64(t, a.port);
}

void scene_put_call_id(struct text *t, uint32_t user)
{
	text_lit(t, "registration-");
	text_hex(t, user, 8);
}

static void put_user(struct scene *s, uint32_t user)
{
	uint8_t id[32];
	struct text call_id = text_in(id, sizeof(id));
	uint8_t sip[64], tel[32], uri[96];
	struct text sip_text = text_in(sip, sizeof(sip)), tel_text = text_in(tel, sizeof(tel)),
		    uri_text = text_in(uri, sizeof(uri));
	struct abi_registration_view v = {
		.set_id = (uint64_t)user + 1,
		.roles = ABI_REG_PCSCF | ABI_REG_SCSCF,
		.service_route = SLICE("<sip:orig@scscf.ims.example:5060;lr>"),
		.n_impu = 2,
		.n_contact = 1,
	};

	scene_put_call_id(&call_id, user);
	text_lit(&sip_text, "sip:");
	scene_put_number(&sip_text, user);
	text_lit(&sip_text, "@ims.example");
	text_lit(&tel_text, "tel:");
	scene_put_number(&tel_text, user);
	text_lit(&uri_text, "sip:");
	scene_put_number(&uri_text, user);
	text_char(&uri_text, '@');
	scene_put_flow(&uri_text, user);
	v.impu[0] = (struct abi_impu_view){text_slice(&sip_text), ABI_IMPU_DEFAULT, 0};
	v.impu[1] = (struct abi_impu_view){text_slice(&tel_text), 0, 0};
	v.contact[0] = (struct abi_contact_view){
		.flow = scene_flow(user),
		.local = addr_v4(node_ip, 5060),
		.expires_ms = clock_ms() + DAY_MS,
		.registered_ms = clock_ms(),
		.q = 1000,
		.uri = text_slice(&uri_text),
		.flags = ABI_CONTACT_PROTECTED | ABI_CONTACT_REFRESH,
		.call_id = hash_table(&s->node.token_key, id, call_id.len),
		.cseq = SCENE_CSEQ,
	};
	if (s->protect) {
		v.contact[0].sa_id =
			protect_add(s->protect, user, &v.contact[0].flow, &v.contact[0].local);
		must(v.contact[0].sa_id != 0, "a user's security associations do not fit");
	}
	must(table_put(s->tables, &v) == INSTALL_OK, "a user does not fit into the tables");
}

/* The router says its MAC address, so that nothing waits for an ARP reply later. */
static void meet_router(struct scene *s)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(s->frames), *out[64];
	struct rte_ether_hdr *e = (struct rte_ether_hdr *)rte_pktmbuf_append(m, 60);
	struct rte_arp_hdr *a = (struct rte_arp_hdr *)(e + 1);
	struct scene_cost ignored = {0};

	memset(e, 0, 60);
	memcpy(&e->dst_addr, s->mac, 6);
	memcpy(&e->src_addr, router_mac, 6);
	e->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP);
	a->arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
	a->arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	a->arp_hlen = 6;
	a->arp_plen = 4;
	a->arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REQUEST);
	memcpy(&a->arp_data.arp_sha, router_mac, 6);
	a->arp_data.arp_sip = rte_cpu_to_be_32(router_ip);
	a->arp_data.arp_tip = rte_cpu_to_be_32(node_ip);
	must(rte_ring_enqueue(s->to_node, m) == 0, "the ring is full");
	scene_drop(out, scene_run(s, &ignored, out, 64));
}

struct scene *scene_open(uint32_t users, bool huge)
{
	return scene_open_protected(users, huge, ESP_NULL, ESP_INTEGRITY_NONE);
}

static void protect(struct scene *s, enum esp_cipher cipher, enum esp_integrity integrity)
{
	const uint16_t port[] = {PROTECT_SERVER, PROTECT_CLIENT};

	s->protect = protect_open(s->users, cipher, integrity);
	must(s->protect, "no memory for security associations");
	net_protect(s->net, port, 2);
	s->node.port_ps = PROTECT_SERVER;
}

struct scene *scene_open_protected(uint32_t users, bool huge, enum esp_cipher cipher,
				   enum esp_integrity integrity)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct conf_dataplane conf = {
		.workers = 1, .buffers = BUFFERS, .sip_port = 5060, .worker_port_base = 5080};
	struct tables_size size = {.impus = 2 * users, .registrations = users};
	char error[NET_ERROR_MAX];

	start_dpdk(huge);
	urcu_qsbr_register_thread();
	s->users = users;
	make_port(s, &conf);
	make_routes(s);
	make_node(s);
	s->net = net_create(&conf, &s->routes, error);
	must(s->net, error);
	memcpy(s->mac, s->net->port[0].mac.addr_bytes, 6);
	s->tables = tables_create(&size, &s->node.token_key);
	must(s->tables, "no memory for the tables");
	if (cipher != ESP_NULL || integrity != ESP_INTEGRITY_NONE)
		protect(s, cipher, integrity);
	for (uint32_t i = 0; i < users; i++)
		put_user(s, i);
	must(abi_region_create(1, 1, PUNT_RING, 1 << 17, &s->region) >= 0, "no shared memory");
	must(ring_attach_consumer(&s->punted, abi_ring_at(s->region, s->region->off_punt[0]),
				  PUNT_RING),
	     "the punt ring is not sound");
	s->worker =
		worker_create(&(struct worker_options){.order = &s->order,
						       .net = s->net,
						       .node = &s->node,
						       .tables = s->tables,
						       .sas = protect_sas(s->protect),
						       .region = s->region,
						       .wake_fd = eventfd(0, EFD_NONBLOCK)});
	must(s->worker, "no memory for the worker");
	net_start(s->worker->net, clock_ms());
	meet_router(s);
	return s;
}

void scene_close(struct scene *s)
{
	worker_destroy(s->worker);
	protect_close(s->protect);
	tables_destroy(s->tables);
	net_destroy(s->net);
	urcu_qsbr_unregister_thread();
	free(s);
}

struct rte_mbuf *scene_frame(struct scene *s, uint32_t user, struct slice message)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(s->frames);
	struct addr from = scene_flow(user);
	uint32_t ip;

	must(m && message.len <= SCENE_FRAME_MAX - SCENE_HEADERS, "no frame free");
	struct rte_ether_hdr *e = (struct rte_ether_hdr *)rte_pktmbuf_append(
		m, (uint16_t)(SCENE_HEADERS + message.len));
	struct rte_ipv4_hdr *h = (struct rte_ipv4_hdr *)(e + 1);
	struct rte_udp_hdr *u = (struct rte_udp_hdr *)(h + 1);
	memset(e, 0, SCENE_HEADERS);
	memcpy(&e->dst_addr, s->mac, 6);
	memcpy(&e->src_addr, router_mac, 6);
	e->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	h->version_ihl = RTE_IPV4_VHL_DEF;
	h->total_length = rte_cpu_to_be_16((uint16_t)(20 + 8 + message.len));
	h->time_to_live = 63;
	h->next_proto_id = IPPROTO_UDP;
	memcpy(&ip, from.ip, 4);
	h->src_addr = ip;
	h->dst_addr = rte_cpu_to_be_32(node_ip);
	h->hdr_checksum = rte_ipv4_cksum(h);
	u->src_port = rte_cpu_to_be_16(from.port);
	u->dst_port = rte_cpu_to_be_16(5060);
	u->dgram_len = rte_cpu_to_be_16((uint16_t)(8 + message.len));
	memcpy(u + 1, message.p, message.len);
	u->dgram_cksum = rte_ipv4_udptcp_cksum(h, u);
	if (s->protect)
		must(protect_seal(s->protect, user, m), "a frame cannot be sealed");
	return m;
}

void scene_put(struct scene *s, struct rte_mbuf *frame)
{
	must(rte_ring_enqueue(s->to_node, frame) == 0, "the ring is full");
}

void scene_feed(struct scene *s, uint32_t user, struct slice message)
{
	scene_put(s, scene_frame(s, user, message));
}

const char *const scene_stage_name[SCENE_STAGES] = {"receive", "input",    "roles",
						    "output",  "transmit", "other"};

/* Not inlined, so that a profile shows it apart. */
static __attribute__((noinline)) void staged_poll(struct worker *w, uint64_t cost[SCENE_STAGES])
{
	static const struct {
		void (*run)(struct worker *w);
		enum scene_stage counted;
	} stages[] = {
		{stage_begin, SCENE_OTHER},       {stage_receive, SCENE_RECEIVE},
		{stage_input, SCENE_INPUT},       {stage_open, SCENE_INPUT},
		{stage_capture, SCENE_OTHER},     {stage_keepalive, SCENE_OTHER},
		{stage_overload, SCENE_OTHER},    {stage_roles, SCENE_ROLES},
		{stage_punt, SCENE_OTHER},        {stage_inject, SCENE_OTHER},
		{stage_timers, SCENE_OTHER},      {stage_output, SCENE_OUTPUT},
		{stage_transmit, SCENE_TRANSMIT}, {idle_account, SCENE_OTHER},
	};
	uint64_t before = clock_tsc();

	for (uint32_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		stages[i].run(w);
		uint64_t now = clock_tsc();
		cost[stages[i].counted] += now - before;
		before = now;
	}
	urcu_qsbr_quiescent_state();
}

static void drain(struct scene *s)
{
	while (ring_peek(&s->punted).len)
		ring_release(&s->punted);
}

uint32_t scene_run(struct scene *s, struct scene_cost *cost, struct rte_mbuf **out,
		   uint32_t most)
{
	uint32_t n = 0, before = rte_ring_count(s->to_node);

	while (rte_ring_count(s->to_node)) {
		uint64_t from = clock_tsc();

		if (cost->staged)
			staged_poll(s->worker, cost->stage);
		else
			worker_poll(s->worker);
		cost->cycles += clock_tsc() - from;
		/* Every burst is full here: that must not be taken for overload. */
		s->worker->overload = (struct overload){0};
		drain(s);
		n += rte_ring_dequeue_burst(s->from_node, (void **)out + n, most - n, NULL);
		must(rte_ring_empty(s->from_node), "more frames came out than expected");
	}
	for (uint32_t i = 0; s->protect && i < n; i++)
		must(protect_unseal(s->protect, out[i]), "a frame came out that is no UE's");
	cost->messages += before;
	return n;
}

void scene_drop(struct rte_mbuf **frame, uint32_t n)
{
	rte_pktmbuf_free_bulk(frame, n);
}

struct slice scene_message(struct rte_mbuf *frame, uint8_t *room)
{
	const struct rte_ipv4_hdr *h =
		rte_pktmbuf_mtod_offset(frame, struct rte_ipv4_hdr *, 14);
	uint32_t len = rte_be_to_cpu_16(h->total_length) - 28u;

	must(len <= SCENE_FRAME_MAX, "a frame is longer than expected");
	const void *at = rte_pktmbuf_read(frame, SCENE_HEADERS, len, room);
	must(at, "a frame is shorter than it says");
	return slice_of(at, len);
}

struct addr scene_destination(struct rte_mbuf *frame)
{
	const struct rte_ipv4_hdr *h =
		rte_pktmbuf_mtod_offset(frame, struct rte_ipv4_hdr *, 14);
	const struct rte_udp_hdr *u = (const struct rte_udp_hdr *)(h + 1);

	return addr_v4(rte_be_to_cpu_32(h->dst_addr), rte_be_to_cpu_16(u->dst_port));
}
