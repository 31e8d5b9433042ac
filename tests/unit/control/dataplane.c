/* dataplane.c - a data plane for the tests: the region and its rings, worked by hand */
#include "dataplane.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RING = 1 << 18 };

void fake_dir(struct fake *f)
{
	memset(f, 0, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "/tmp/saker-control-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/dataplane-abi.sock", f->dir);
}

void fake_remove_dir(struct fake *f)
{
	unlink(f->path);
	rmdir(f->dir);
}

static void *accept_one(void *arg)
{
	struct fake *f = arg;
	int64_t refused;
	struct pollfd ready = {f->listener, POLLIN, 0};

	if (poll(&ready, 1, 5000) == 1)
		f->conn = abi_accept(f->listener, f->region, f->memfd, f->wake, &refused);
	return NULL;
}

void fake_start(struct fake *f)
{
	struct abi_region *r;

	f->conn = -1;
	f->memfd = abi_region_create(FAKE_WORKERS, 1, RING, RING, &f->region);
	assert_true(f->memfd >= 0);
	r = f->region;
	r->token_key[0] = 1;
	r->token_key[1] = 2;
	f->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	f->listener = abi_listen(f->path);
	assert_true(f->listener >= 0);
	for (int i = 0; i < FAKE_WORKERS; i++) {
		assert_true(ring_attach_producer(&f->punt[i], abi_ring_at(r, r->off_punt[i]),
						 RING));
		assert_true(ring_attach_consumer(&f->inject[i],
						 abi_ring_at(r, r->off_inject[i]), RING));
		assert_true(ring_attach_producer(
			&f->capture[i], abi_ring_at(r, r->off_capture[i]), ABI_RING_CAPTURE));
	}
	assert_true(ring_attach_consumer(&f->install, abi_ring_at(r, r->off_install),
					 ABI_RING_INSTALL));
	assert_true(ring_attach_producer(&f->ack, abi_ring_at(r, r->off_ack), ABI_RING_ACK));
	f->accepting = pthread_create(&f->acceptor, NULL, accept_one, f) == 0;
	assert_true(f->accepting);
}

void fake_stop(struct fake *f)
{
	pthread_join(f->acceptor, NULL);
	if (f->conn >= 0)
		close(f->conn);
	close(f->listener);
	close(f->wake);
	munmap(f->region, f->region->size);
	close(f->memfd);
}

void fake_wake(struct fake *f)
{
	assert_int_equal(eventfd_write(f->wake, 1), 0);
}

void fake_punt_octets(struct fake *f, uint16_t worker, const void *record, uint32_t len)
{
	bool wake;

	assert_true(ring_push(&f->punt[worker], slice_of(record, len), &wake));
	if (wake)
		fake_wake(f);
}

void fake_punt(struct fake *f, uint16_t worker, uint8_t reason, const char *text)
{
	uint32_t len = (uint32_t)strlen(text);
	struct abi_punt *p = calloc(1, sizeof(*p) + len);

	assert_non_null(p);
	*p = (struct abi_punt){.reason = reason,
			       .worker = worker,
			       .len = len,
			       .src = fake_ue(5070),
			       .dst = fake_node(),
			       .sa_id = f->sa_id};
	memcpy(p->data, text, len);
	fake_punt_octets(f, worker, p, (uint32_t)sizeof(*p) + len);
	free(p);
}

const struct abi_inject *fake_injected(struct fake *f)
{
	for (int i = 0; i < FAKE_WORKERS; i++) {
		struct slice s = ring_peek(&f->inject[i]);

		if (!s.p)
			continue;
		memcpy(f->record, s.p, s.len);
		ring_release(&f->inject[i]);
		assert_null(abi_inject_check(f->record, s.len));
		return (const struct abi_inject *)f->record;
	}
	return NULL;
}

bool fake_installed(struct fake *f, struct abi_install_view *v)
{
	struct slice s = ring_peek(&f->install);

	if (!s.p)
		return false;
	memcpy(f->record, s.p, s.len);
	ring_release(&f->install);
	assert_null(abi_install_decode(slice_of(f->record, s.len), v));
	return true;
}

void fake_acknowledge(struct fake *f, uint64_t seq, uint32_t status)
{
	const struct abi_ack a = {.seq = seq, .status = status};
	bool wake;

	assert_true(ring_push(&f->ack, slice_of(&a, sizeof(a)), &wake));
	if (wake)
		fake_wake(f);
}

static void on_stop(struct ev_loop *loop, struct ev_timer *w, int events)
{
	ev_break(loop, EVBREAK_ALL);
}

void run_for(struct ev_loop *loop, double seconds)
{
	struct ev_timer stop;

	ev_timer_init(&stop, on_stop, seconds, 0.);
	ev_now_update(loop);
	ev_timer_start(loop, &stop);
	ev_run(loop, 0);
	ev_timer_stop(loop, &stop);
}

bool run_until(struct ev_loop *loop, const bool *flag)
{
	for (int i = 0; i < 200 && !*flag; i++)
		run_for(loop, 0.005);
	return *flag;
}

struct addr fake_ue(uint16_t port)
{
	return addr_v4(0xc0000201, port);
}

struct addr fake_node(void)
{
	return addr_v4(0xc6336401, 5060);
}

void fake_conf(const struct fake *f, struct conf *out)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->runtime_dir, sizeof(out->runtime_dir), "%s", f->dir);
	out->dataplane.sip_port = 5060;
	out->dataplane.n_port = 1;
	out->dataplane.port[0].n_address = 1;
	out->dataplane.port[0].address[0].ip = addr_v4(0xc6336401, 0);
	out->dataplane.port[0].address[0].bits = 24;
	out->dataplane.port[0].gateway4 = addr_v4(0xc63364fe, 0);
}
