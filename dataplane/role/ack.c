/* ack.c - what is kept of an INVITE to acknowledge its final response (RFC 3261 §17.1.1.3) */
#include "role/ack.h"

static void put_line(struct text *t, enum sip_header_id id, struct slice value)
{
	text_put(t, sip_header_name(id));
	text_lit(t, ": ");
	text_put(t, value);
	text_lit(t, "\r\n");
}

bool ack_keep(struct ack *a, const struct sip_msg *sent, const struct buf *b)
{
	struct text t = text_in(a->text, sizeof(a->text));

	text_put(&t, sent->uri);
	for (const struct sip_header *h = sip_first(sent, SIP_H_ROUTE); h;
	     h = sip_next(sent, h))
		put_line(&t, SIP_H_ROUTE, sip_value(sent, h));
	a->uri_len = 0;
	if (t.overflow)
		return false;
	a->uri_len = (uint8_t)sent->uri.len;
	a->route_len = (uint8_t)(t.len - sent->uri.len);
	a->src = b->src;
	a->dst = b->dst;
	a->sa_id = b->sa_id;
	a->port = b->port;
	return true;
}

/* The first value alone: behind it stand the Vias of those before us. */
static struct slice top_via(const struct sip_msg *response)
{
	struct sip_via via;

	return sip_via_top(response, &via) == SIP_OK ? via.whole : SLICE_EMPTY;
}

struct buf *ack_make(const struct ack *a, const struct sip_msg *response)
{
	struct buf *b = buf_alloc(response->head_end + sizeof(a->text) + 256u);

	if (!b)
		return NULL;
	struct text t = text_in(b->data, b->tailroom);
	text_lit(&t, "ACK ");
	text_put(&t, slice_of(a->text, a->uri_len));
	text_lit(&t, " SIP/2.0\r\n");
	put_line(&t, SIP_H_VIA, top_via(response));
	text_lit(&t, "Max-Forwards: 70\r\n");
	text_put(&t, slice_of(a->text + a->uri_len, a->route_len));
	put_line(&t, SIP_H_FROM, sip_first_value(response, SIP_H_FROM));
	put_line(&t, SIP_H_TO, sip_first_value(response, SIP_H_TO));
	put_line(&t, SIP_H_CALL_ID, sip_first_value(response, SIP_H_CALL_ID));
	text_lit(&t, "CSeq: ");
	text_u64(&t, response->cseq);
	text_lit(&t, " ACK\r\nContent-Length: 0\r\n\r\n");
	if (t.overflow) {
		buf_free(b);
		return NULL;
	}
	b->len = t.len;
	b->src = a->src;
	b->dst = a->dst;
	b->sa_id = a->sa_id;
	b->port = a->port;
	return b;
}
