/* scene.h - a whole worker between two rings in memory, and the users registered at it
 *
 * The worker, its roles, tables and packet side are those of saker-dataplane; only the port is
 * a net_ring, so that no other process and no kernel has part in what is measured. All users
 * are behind one router, as behind a mobile network's gateway.
 */
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "base/text.h"
#include "net/net.h"
#include "worker/worker.h"

enum {
	SCENE_RING = 2048, /* frames a ring holds */
	SCENE_BATCH = 512, /* frames put into the ring at a time: they leave the first caches */
	SCENE_HEADERS = 14 + 20 + 8,
	SCENE_FRAME_MAX = 2048,
};

struct protect;

struct scene {
	struct protect *protect; /* NULL: all users are in clear */
	uint32_t users;
	struct net *net;
	struct route_table routes;
	struct node node;
	struct tables *tables;
	struct abi_region *region;
	struct worker *worker;
	struct rte_mempool *frames; /* the far side's */
	struct rte_ring *to_node, *from_node;
	struct ring punted; /* to a control that only takes */
	uint8_t mac[6];
	_Atomic int order;
};

/* Starts DPDK, on huge pages if they may be used and are there, and registers `users` users at
 * a node with all three roles. Exits with a sentence when the machine lacks something. */
struct scene *scene_open(uint32_t users, bool huge);
/* The same with each user under security associations of these algorithms: frames that go in
 * are sealed, those that came out were, and are opened outside of what is measured. */
struct scene *scene_open_protected(uint32_t users, bool huge, enum esp_cipher cipher,
				   enum esp_integrity integrity);
void scene_close(struct scene *s);

/* User i: sip:+49152IIIIIIII@ims.example, at an address of 10.64.0.0/10, port 5060 + (i & 3).
 */
struct addr scene_flow(uint32_t user);
void scene_put_number(struct text *t, uint32_t user);
/* The Call-ID of its registration; the CSeq was SCENE_CSEQ. */
void scene_put_call_id(struct text *t, uint32_t user);
enum { SCENE_CSEQ = 1 };
void scene_put_flow(struct text *t, uint32_t user);

/* A frame with one message of `user` to the node's SIP port, checksums right. */
struct rte_mbuf *scene_frame(struct scene *s, uint32_t user, struct slice message);
/* Puts a frame into the node's receive ring. */
void scene_put(struct scene *s, struct rte_mbuf *frame);
/* Both. */
void scene_feed(struct scene *s, uint32_t user, struct slice message);

/* The same turn as worker_poll's, with the clock read between its stages. */
enum scene_stage {
	SCENE_RECEIVE,
	SCENE_INPUT,
	SCENE_ROLES,
	SCENE_OUTPUT,
	SCENE_TRANSMIT,
	SCENE_OTHER, /* capture, keep-alives, punts, timers, accounts */
	SCENE_STAGES
};
extern const char *const scene_stage_name[SCENE_STAGES];

/* What a run of the worker took. */
struct scene_cost {
	uint64_t cycles;   /* TSC, of worker_poll alone */
	uint64_t messages; /* SIP messages that went in */
	bool staged;       /* fill in stage[] too */
	uint64_t stage[SCENE_STAGES];
};

/* Runs the worker until its receive ring is empty; what it sent is put into out[], at most
 * `most` frames (more end the program), given to the caller: scene_drop. The number of frames.
 */
uint32_t scene_run(struct scene *s, struct scene_cost *cost, struct rte_mbuf **out,
		   uint32_t most);
void scene_drop(struct rte_mbuf **frame, uint32_t n);
/* The SIP message in a frame the node sent; where it lies in several segments, copied to room,
 * SCENE_FRAME_MAX octets. */
struct slice scene_message(struct rte_mbuf *frame, uint8_t *room);
/* Its destination. */
struct addr scene_destination(struct rte_mbuf *frame);
