/* capture.c - SIP messages of the data plane into a pcapng file */
#include "control/capture.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "abi/message.h"
#include "abi/region.h"
#include "base/log.h"
#include "control/link.h"
#include "control/pcapng.h"

enum {
	ERROR_MAX = 256,
	FILE_MAX = 512,
	ROUND_MAX = 512, /* messages a tick and ring */
	FILE_BUFFER = 1 << 18,
};

static const double tick_s = 0.005;

struct capture {
	struct ev_loop *loop;
	struct link *link;
	struct ev_timer tick;
	FILE *out; /* NULL: off */
	uint64_t limit, written;
	uint32_t n_workers;
	struct ring ring[WORKERS_MAX];
	char file[FILE_MAX];
	const char *ended;
	_Alignas(8) uint8_t record[RING_RECORD_MAX];
	uint8_t block[PCAPNG_PACKET_MAX];
};

static void end(struct capture *c, const char *why)
{
	struct abi_region *r = link_region(c->link);

	if (!c->out)
		return;
	ev_timer_stop(c->loop, &c->tick);
	if (r)
		atomic_store_explicit(&r->capture_limit, 0, memory_order_relaxed);
	if (fclose(c->out) != 0)
		why = "the file could not be written to its end";
	c->out = NULL;
	c->ended = why;
	log_event(LOG_INFO, "capture", "stopped", LOG_Z("file", c->file),
		  LOG_U("messages", c->written), LOG_Z("reason", why));
}

static void write_record(struct capture *c, uint32_t len)
{
	const struct abi_capture *m = (const struct abi_capture *)c->record;
	struct text block = text_in(c->block, sizeof(c->block));
	const char *wrong = abi_capture_check(m, len);

	if (wrong) {
		log_event(LOG_ERROR, "capture", "bad_record", LOG_Z("reason", wrong));
		return;
	}
	pcapng_packet(&block, &(struct pcapng_packet){.wall_ns = m->wall_ns,
						      .out = m->out != 0,
						      .src = m->src,
						      .dst = m->dst,
						      .message = slice_of(m->data, m->len)});
	if (block.len == 0 || block.overflow)
		return;
	if (fwrite(block.p, block.len, 1, c->out) != 1) {
		end(c, "the file could not be written");
		return;
	}
	if (++c->written == c->limit)
		end(c, "limit reached");
}

static void drain(struct capture *c, struct ring *r)
{
	for (int i = 0; i < ROUND_MAX && c->out; i++) {
		struct slice s = ring_peek(r);

		if (!s.p)
			return;
		memcpy(c->record, s.p, s.len);
		ring_release(r);
		write_record(c, s.len);
	}
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct capture *c = w->data;

	for (uint32_t i = 0; i < c->n_workers && c->out; i++)
		drain(c, &c->ring[i]);
}

struct capture *capture_open(struct ev_loop *loop, struct link *link)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->loop = loop;
	c->link = link;
	c->ended = "";
	ev_timer_init(&c->tick, on_tick, tick_s, tick_s);
	c->tick.data = c;
	return c;
}

void capture_close(struct capture *c)
{
	if (!c)
		return;
	end(c, "control stopped");
	free(c);
}

/* Attached and emptied: what an earlier capture left behind is not of this one. */
static bool rings_attach(struct capture *c, struct abi_region *r)
{
	c->n_workers = r->n_workers <= WORKERS_MAX ? r->n_workers : WORKERS_MAX;
	for (uint32_t i = 0; i < c->n_workers; i++) {
		if (!ring_attach_consumer(&c->ring[i], abi_ring_at(r, r->off_capture[i]),
					  ABI_RING_CAPTURE))
			return false;
		while (ring_peek(&c->ring[i]).p)
			ring_release(&c->ring[i]);
	}
	return true;
}

static bool file_open(struct capture *c, const char *file, char *error)
{
	uint8_t memory[PCAPNG_HEAD_MAX];
	struct text head = text_in(memory, sizeof(memory));
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	c->out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!c->out) {
		snprintf(error, ERROR_MAX, "%s: %s", file, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	setvbuf(c->out, NULL, _IOFBF, FILE_BUFFER);
	pcapng_head(&head);
	fwrite(head.p, head.len, 1, c->out);
	snprintf(c->file, sizeof(c->file), "%s", file);
	return true;
}

bool capture_start(struct capture *c, const char *file, uint64_t limit, char *error)
{
	struct abi_region *r = link_region(c->link);

	error[0] = 0;
	if (c->out)
		snprintf(error, ERROR_MAX, "a capture is running; stop it first");
	else if (!r)
		snprintf(error, ERROR_MAX, "the data plane is not connected");
	else if (limit == 0 || strlen(file) >= FILE_MAX)
		snprintf(error, ERROR_MAX,
			 "the limit must be above 0 and the name under %d octets", FILE_MAX);
	else if (!rings_attach(c, r))
		snprintf(error, ERROR_MAX, "a capture ring is broken");
	if (error[0] || !file_open(c, file, error))
		return false;
	c->limit = limit;
	c->written = 0;
	c->ended = "";
	atomic_store_explicit(&r->capture_limit,
			      limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX,
			      memory_order_relaxed);
	ev_timer_again(c->loop, &c->tick);
	log_event(LOG_INFO, "capture", "started", LOG_Z("file", file), LOG_U("limit", limit));
	return true;
}

void capture_stop(struct capture *c)
{
	on_tick(c->loop, &c->tick, 0);
	end(c, "stopped");
}

void capture_link_down(struct capture *c)
{
	on_tick(c->loop, &c->tick, 0);
	end(c, "the data plane went away");
}

void capture_state(const struct capture *c, struct capture_state *out)
{
	*out = (struct capture_state){c->out != NULL, c->written, c->file, c->ended};
}
