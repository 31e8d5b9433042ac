/* worker.c - a worker's turn: the way of a message through the data plane */
#include "worker/worker.h"

#include <urcu-qsbr.h>

#include "base/clock.h"
#include "base/lines.h"
#include "worker/idle.h"
#include "worker/stage.h"

/* In the order of a message's way. Each stage works on the whole burst, and looks only at
 * messages that no stage before it has finished with. */
void worker_poll(struct worker *w)
{
	stage_begin(w);
	stage_receive(w); /* frames from the ports, messages from other workers */
	stage_input(w);   /* Ethernet, IP, UDP: what is left is SIP */
	stage_open(w);    /* or ESP, which is opened: RFC 4303 */
	stage_capture(w);
	stage_keepalive(w); /* RFC 5626 */
	stage_overload(w);  /* too much: the unread goes first */
	stage_roles(w);     /* parse, route, edit: the CSCFs */
	stage_punt(w);      /* to control */
	stage_inject(w);    /* from control */
	stage_timers(w);    /* of transactions */
	stage_output(w);    /* ESP, UDP, IP, Ethernet */
	stage_transmit(w);  /* to the ports */
	urcu_qsbr_quiescent_state();
	idle_account(w);
	idle_wait(w);
}

static bool attach_rings(struct worker *w, const struct worker_options *o)
{
	struct abi_region *r = o->region;
	struct punt *p = &w->punt;

	p->region = r;
	p->worker = o->id;
	p->wake_fd = o->wake_fd;
	return ring_attach_producer(&p->out, abi_ring_at(r, r->off_punt[o->id]),
				    r->ring_punt) &&
	       ring_attach_consumer(&p->in, abi_ring_at(r, r->off_inject[o->id]),
				    r->ring_inject) &&
	       ring_attach_producer(&p->capture, abi_ring_at(r, r->off_capture[o->id]),
				    ABI_RING_CAPTURE);
}

struct worker *worker_create(const struct worker_options *o)
{
	struct worker *w = lines_alloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->id = o->id;
	w->idle = o->idle;
	w->order = o->order;
	w->net_shared = o->net;
	w->routes = o->net->routes;
	w->n_ports = o->net->n_ports;
	w->shared = abi_worker(o->region, o->id);
	w->counters = &w->shared->counters;
	w->net = net_worker_create(o->net, o->id, w->counters);
	w->role = role_worker_create(o->node, o->tables, w->counters, o->id);
	w->esp = o->sas ? esp_worker_create(o->sas, o->id) : NULL;
	if (!w->net || !w->role || (o->sas && !w->esp) || !attach_rings(w, o)) {
		worker_destroy(w);
		return NULL;
	}
	return w;
}

void worker_destroy(struct worker *w)
{
	esp_worker_destroy(w->esp);
	if (w->role)
		role_worker_destroy(w->role);
	if (w->net)
		net_worker_destroy(w->net);
	free(w);
}

void worker_enter(struct worker *w)
{
	urcu_qsbr_register_thread();
	idle_enter(w);
	net_start(w->net, clock_ms());
}

void worker_leave(struct worker *w)
{
	urcu_qsbr_unregister_thread();
}

int worker_run(void *arg)
{
	struct worker *w = arg;
	int order;

	worker_enter(w);
	while ((order = atomic_load_explicit(w->order, memory_order_acquire)) != WORKER_STOP) {
		w->draining = order == WORKER_DRAIN;
		worker_poll(w);
	}
	worker_leave(w);
	return 0;
}
