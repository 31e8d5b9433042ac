/* punt.c - messages to control, verdicts from control, and the capture */
#include "punt/punt.h"
#include "base/clock.h"

#include <unistd.h>

enum {
	SKIP_MAX =
		16, /* malformed records passed over in one call, so that a burst stays short */
};

static void control_wake(const struct punt *p)
{
	static const uint64_t one = 1;

	/* It fails only when the eventfd's count is at its end: then control is awake for long.
	 */
	ssize_t written = write(p->wake_fd, &one, sizeof(one));
	(void)written;
}

/* Room for head and message, and uri_len octets behind it; NULL: none. */
static struct abi_punt *record_begin(struct punt *p, const struct buf *b,
				     enum abi_punt_reason reason, uint32_t uri_len)
{
	struct abi_punt *to;

	if (b->len == 0 || b->len > SIP_MESSAGE_MAX)
		return NULL;
	to = ring_reserve(&p->out, sizeof(*to) + b->len + uri_len);
	if (!to)
		return NULL;
	*to = (struct abi_punt){
		.reason = (uint8_t)reason,
		.port = b->port,
		.worker = p->worker,
		.len = b->len,
		.uri_len = uri_len,
		.rx_ns = clock_ns(),
		.src = b->src,
		.dst = b->dst,
		.sa_id = b->sa_id,
		.user = reason == PUNT_LOCATE || reason == PUNT_AUTHENTICATE ||
					reason == PUNT_OUTBOUND
				? b->user
				: 0,
	};
	memcpy(to->data, b->data, b->len);
	return to;
}

static void record_end(struct punt *p)
{
	if (ring_commit(&p->out))
		control_wake(p);
}

bool punt_message(struct punt *p, const struct buf *b, enum abi_punt_reason reason)
{
	if (!record_begin(p, b, reason, 0))
		return false;
	record_end(p);
	return true;
}

bool punt_refreshed(struct punt *p, const struct buf *b, uint32_t expires)
{
	struct abi_punt *to = record_begin(p, b, PUNT_REFRESHED, 0);

	if (!to)
		return false;
	to->expires = expires;
	record_end(p);
	return true;
}

bool punt_notice(struct punt *p, const struct punt_notice *n)
{
	struct abi_punt *to = record_begin(p, n->b, n->reason, n->uri.len);

	if (!to)
		return false;
	to->src = n->src;
	to->dst = n->dst;
	to->sa_id = n->src_sa;
	to->dst_sa_id = n->dst_sa;
	if (n->uri.len)
		memcpy(to->data + n->b->len, n->uri.p, n->uri.len);
	record_end(p);
	return true;
}

const struct abi_inject *punt_next_inject(struct punt *p, void *to)
{
	for (int i = 0; i < SKIP_MAX; i++) {
		struct slice record = ring_peek(&p->in);

		if (!record.p)
			return NULL;
		/* Before the check: control could write to the shared octets after it. */
		memcpy(to, record.p, record.len);
		ring_release(&p->in);
		if (!abi_inject_check(to, record.len))
			return to;
	}
	return NULL;
}

static uint64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void capture_write(struct punt *p, const struct buf *b, bool out)
{
	if (b->len == 0 || b->len > SIP_MESSAGE_MAX)
		return;
	struct abi_capture *to = ring_reserve(&p->capture, sizeof(*to) + b->len);
	if (!to)
		return;
	*to = (struct abi_capture){
		.tsc = clock_tsc(),
		.wall_ns = wall_ns(),
		.out = out,
		.port = b->port,
		.worker = p->worker,
		.len = b->len,
		.src = b->src,
		.dst = b->dst,
	};
	memcpy(to->data, b->data, b->len);
	if (ring_commit(&p->capture))
		control_wake(p);
}

void punt_capture(struct punt *p, const struct buf *b, bool out)
{
	uint32_t limit = atomic_load_explicit(&p->region->capture_limit, memory_order_relaxed);

	if (limit == 0) {
		p->captured = 0;
		return;
	}
	if (p->captured >= limit)
		return;
	p->captured++;
	capture_write(p, b, out);
}
