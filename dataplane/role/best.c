/* best.c - the best of the final responses to a forked INVITE (RFC 3261 §16.7 steps 6 and 7) */
#include "role/best.h"

#include "sip/parse.h"

/* Lower is better: 6xx, then the lowest class, and in 4xx those that help the caller to try
 * again. A branch that we ended ourselves tells nothing. */
static uint32_t rank(const struct txn *s, const struct client *c)
{
	static const uint16_t helpful[] = {401, 407, 415, 420, 484};

	if (c->status >= 600)
		return 0;
	for (uint32_t i = 0; i < sizeof(helpful) / sizeof(helpful[0]); i++)
		if (c->status == helpful[i])
			return c->status - 100u;
	return c->status == 487 && !s->cancelled ? 500 : c->status;
}

/* A response of a branch that only timed out stands behind any that was really given. */
static bool is_better(const struct txn *s, const struct client *a, const struct client *b)
{
	if (!a->response != !b->response)
		return a->response != NULL;
	return rank(s, a) < rank(s, b);
}

struct client *best_of(struct transactions *t, const struct txn *s)
{
	struct client *best = NULL;

	for (int32_t i = s->first_client; i != NONE; i = t->client[i].next) {
		struct client *c = &t->client[i];

		if (c->state != CLIENT_COMPLETED)
			return NULL;
		if (!best || is_better(s, c, best))
			best = c;
	}
	return best;
}

static bool is_challenge(const struct client *c)
{
	return c->response && (c->status == 401 || c->status == 407);
}

static void put_challenges(struct text *out, const struct sip_msg *m)
{
	static const uint8_t ids[] = {SIP_H_WWW_AUTHENTICATE, SIP_H_PROXY_AUTHENTICATE};

	for (uint32_t i = 0; i < sizeof(ids); i++) {
		for (const struct sip_header *h = sip_first(m, ids[i]); h; h = sip_next(m, h)) {
			text_put(out, sip_header_name(ids[i]));
			text_lit(out, ": ");
			text_put(out, sip_value(m, h));
			text_lit(out, "\r\n");
		}
	}
}

/* The response with further lines behind its start line. NULL: no buffer, or it gets too long.
 */
static struct buf *with_lines(const struct buf *b, const struct sip_msg *m, struct slice lines)
{
	struct slice all = buf_slice(b);
	struct buf *longer =
		all.len + lines.len <= SIP_MESSAGE_MAX ? buf_alloc(all.len + lines.len) : NULL;

	if (!longer)
		return NULL;
	struct text t = text_in(longer->data, longer->tailroom);
	text_put(&t, slice_sub(all, 0, m->first_line));
	text_put(&t, lines);
	text_put(&t, slice_from(all, m->first_line));
	longer->len = t.len;
	longer->src = b->src;
	longer->dst = b->dst;
	longer->port = b->port;
	return longer;
}

struct buf *best_response(struct transactions *t, const struct txn *s, struct client *best)
{
	uint8_t memory[4096];
	struct text lines = text_in(memory, sizeof(memory));
	struct sip_msg *m = &t->sent_msg;
	struct buf *b = best->response, *longer;

	best->response = NULL;
	for (int32_t i = s->first_client; i != NONE && best->status / 100 == 4;
	     i = t->client[i].next) {
		const struct client *c = &t->client[i];

		if (c != best && is_challenge(c) &&
		    (best->status == 401 || best->status == 407) &&
		    sip_parse(buf_slice(c->response), m) == SIP_OK)
			put_challenges(&lines, m);
	}
	if (lines.len == 0 || lines.overflow || sip_parse(buf_slice(b), m) != SIP_OK)
		return b;
	longer = with_lines(b, m, text_slice(&lines));
	if (!longer)
		return b;
	buf_free(b);
	return longer;
}
