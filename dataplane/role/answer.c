/* answer.c - responses this node makes itself */
#define _GNU_SOURCE
#include "role/answer.h"

#include <string.h>

#include "role/transaction.h"
#include "sip/parse.h"
#include "sip/reply.h"

struct addr answer_destination(const struct sip_via *via, const struct addr *source)
{
	struct addr to = *source;

	if (!via->rport)
		to.port = via->port ? via->port : 5060;
	return to;
}

/* To tag: the same for every repeat of the request, and a stateless proxy's answer needs no
 * memory (RFC 3261 §8.2.7). */
static void put_to_tag(struct pass *p, struct text *t)
{
	const struct hash_key *key = &p->w->node->branch_key;
	const uint64_t word[] = {hash_table(key, p->via.branch.p, p->via.branch.len),
				 hash_table(key, p->call_id.p, p->call_id.len),
				 hash_table(key, p->from_tag.p, p->from_tag.len)};

	text_hex(t, hash_words(key, word, 3), 16);
}

static void put_warning(struct text *t, const struct pass *p, const char *warning)
{
	text_lit(t, "Warning: 399 ");
	text_put(t, p->w->node->realm);
	text_lit(t, " \"");
	text_str(t, warning);
	text_lit(t, "\"\r\n");
}

static struct buf *make(struct pass *p, uint16_t status, const char *warning,
			struct slice headers, struct slice body)
{
	uint8_t line[2048], tag[16];
	struct text lines = text_in(line, sizeof(line)), to_tag = text_in(tag, sizeof(tag));
	uint32_t room = p->msg.raw.len + sizeof(line) + body.len + 256;
	struct buf *b = buf_alloc(room < SIP_MESSAGE_MAX ? room : SIP_MESSAGE_MAX);

	if (!b)
		return NULL;
	if (warning)
		put_warning(&lines, p, warning);
	text_put(&lines, headers);
	if (status != 100)
		put_to_tag(p, &to_tag);

	struct text out = text_in(b->data, b->tailroom);
	struct sip_reply reply = {.status = status,
				  .to_tag = text_slice(&to_tag),
				  .headers = text_slice(&lines),
				  .body = body,
				  .source = p->as_sent ? NULL : &p->b->src,
				  .skip_vias = p->as_sent};
	if (lines.overflow || !sip_reply_write(&p->msg, &reply, &out)) {
		buf_free(b);
		return NULL;
	}
	b->len = out.len;
	b->src = p->b->dst;
	b->dst = answer_destination(&p->via, &p->b->src);
	b->sa_id = p->b->sa_id;
	b->port = p->b->port;
	return b;
}

struct buf *answer_make(struct pass *p, uint16_t status, const char *warning,
			struct slice headers)
{
	return make(p, status, warning, headers, SLICE_EMPTY);
}

bool answer_is_acknowledged(struct pass *p)
{
	uint8_t tag[16];
	struct text own = text_in(tag, sizeof(tag));

	put_to_tag(p, &own);
	return slice_eq(text_slice(&own), p->to_tag);
}

enum verdict answer_body(struct pass *p, uint16_t status, const char *warning,
			 struct slice headers, struct slice body)
{
	if (p->msg.method == SIP_M_ACK)
		return pass_drop(p, COUNT_DROP_ACK_STRAY);
	/* The best of what came is the answer, not that there is nobody else to ask. */
	if (pass_only_goes_on(p))
		return VERDICT_DROP;

	struct buf *b = make(p, status, warning, headers, body);
	if (!b) {
		if (p->txn) /* the caller's next repeat starts it anew */
			transaction_abandon(p);
		return pass_drop(p, COUNT_DROP_NOBUF);
	}
	count(p->w->counters, COUNT_ANSWERED);
	if (p->txn)
		transaction_answer(p, b, status);
	else
		p->out->buf[p->out->n++] = b;
	if (!p->again)
		buf_free(p->b);
	return VERDICT_SEND;
}

enum verdict answer_with(struct pass *p, uint16_t status, const char *warning,
			 struct slice headers)
{
	return answer_body(p, status, warning, headers, SLICE_EMPTY);
}

enum verdict answer_rejected(struct pass *p, const char *warning)
{
	struct slice all = p->resume_route;
	const uint8_t *gap = all.len ? memmem(all.p, all.len, "\r\n\r\n", 4) : NULL;
	uint32_t lines = gap ? (uint32_t)(gap - all.p) + 2 : all.len;

	return answer_body(p, p->resume->status, warning, slice_sub(all, 0, lines),
			   gap ? slice_sub(all, lines + 2, all.len) : SLICE_EMPTY);
}

enum verdict answer(struct pass *p, uint16_t status, const char *warning)
{
	return answer_with(p, status, warning, SLICE_EMPTY);
}
