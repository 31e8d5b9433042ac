/* call.c - calls and messages, both terminals of them */
#include "blast/say.h"

/* Where a call is, as its caller sees it. */
enum call_state { CALLING, RINGING, TALKING, ENDING };

static void begin_call(struct blast *b, uint64_t id, struct attempt *a)
{
	uint8_t memory[LINK_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));

	a->state = CALLING;
	say_request(&t, b, "INVITE", id, a->person, a->other);
	say_contact(&t, b, a->person);
	text_lit(&t, ";+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel\"\r\n"
		     "Supported: timer\r\nAllow: INVITE,ACK,BYE,CANCEL,UPDATE,PRACK\r\n");
	say_body(&t, b->o.size, "application/sdp");
	blast_send(b, a->person, &t);
}

static void answer_call(struct blast *b, const struct heard *h)
{
	uint8_t memory[LINK_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));

	say_response(&t, h, "SIP/2.0 180 Ringing\r\n");
	say_contact(&t, b, h->person);
	text_lit(&t, "\r\n");
	say_body(&t, 0, NULL);
	blast_send(b, h->person, &t);
	t = text_in(memory, sizeof(memory));
	say_response(&t, h, "SIP/2.0 200 OK\r\n");
	say_contact(&t, b, h->person);
	text_lit(&t, "\r\nAllow: INVITE,ACK,BYE,CANCEL,UPDATE,PRACK\r\n");
	say_body(&t, b->o.size, "application/sdp");
	blast_send(b, h->person, &t);
}

static void answer_plainly(struct blast *b, const struct heard *h)
{
	uint8_t memory[LINK_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));

	say_response(&t, h, "SIP/2.0 200 OK\r\n");
	say_body(&t, 0, NULL);
	blast_send(b, h->person, &t);
}

/* The route set of who called: the entries of the response in the reverse order (RFC 3261
 * §12.1.2). Each line has one, or several of one node, of which one is enough. */
static void note_route(struct attempt *a, const struct heard *h)
{
	struct text t = text_in(a->route, sizeof(a->route));

	for (uint32_t i = h->n_lines; i > 0; i--) {
		struct slice line = h->line[i - 1];

		if (!slice_starts(line, SLICE("Record-Route:")))
			continue;
		if (t.len)
			text_char(&t, ',');
		text_put(&t, slice_trim(slice_from(line, slice_find(line, ':') + 1)));
	}
	a->route_len = t.overflow ? 0 : (uint8_t)t.len;
}

static void hang_up(struct blast *b, struct attempt *a, const struct heard *h)
{
	uint8_t memory[LINK_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));

	note_route(a, h);
	say_in_dialog(&t, b, a, h->key, "ACK", 1);
	blast_send(b, a->person, &t);
	t = text_in(memory, sizeof(memory));
	say_in_dialog(&t, b, a, h->key, "BYE", 2);
	blast_send(b, a->person, &t);
	a->mark = rte_rdtsc();
	a->state = ENDING;
}

static void take_request(struct blast *b, const struct heard *h)
{
	if (h->method == 'I')
		answer_call(b, h);
	else if (h->method != 'A')
		answer_plainly(b, h);
}

/* A final response that refuses an INVITE wants an ACK of the same transaction (RFC 3261
 * §17.1.1.3). */
static void acknowledge(struct blast *b, const struct attempt *a, const struct heard *h)
{
	uint8_t memory[LINK_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));

	text_lit(&t, "ACK ");
	say_identity(&t, b, a->other);
	text_lit(&t, " SIP/2.0\r\n");
	for (uint32_t i = 0; i < h->n_lines; i++) {
		if (slice_starts(h->line[i], SLICE("CSeq")))
			text_lit(&t, "CSeq: 1 ACK\r\n");
		else
			text_put(&t, h->line[i]);
	}
	text_lit(&t, "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
	blast_send(b, a->person, &t);
}

static void take_call(struct blast *b, struct attempt *a, const struct heard *h)
{
	if (!h->status) {
		take_request(b, h);
		return;
	}
	if (!a || h->status == 100)
		return;
	if (h->status >= 300) {
		if (h->method == 'I')
			acknowledge(b, a, h);
		blast_failed(b, a, FAIL_STATUS, h->status);
		return;
	}
	if (h->status < 200 && a->state == CALLING) {
		blast_mark(b, a, a->due);
		a->state = RINGING;
	} else if (h->status >= 200 && h->method == 'I' && a->state <= RINGING) {
		hang_up(b, a, h);
	} else if (h->status >= 200 && h->method == 'B' && a->state == ENDING) {
		blast_mark(b, a, a->mark);
		blast_done(b, a);
	}
}

const struct scenario scenario_call = {"call", begin_call, take_call};

static void begin_message(struct blast *b, uint64_t id, struct attempt *a)
{
	uint8_t memory[LINK_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));

	say_request(&t, b, "MESSAGE", id, a->person, a->other);
	say_body(&t, b->o.size, "text/plain");
	blast_send(b, a->person, &t);
}

static void take_message(struct blast *b, struct attempt *a, const struct heard *h)
{
	if (!h->status) {
		take_request(b, h);
		return;
	}
	if (!a || h->status < 200)
		return;
	blast_mark(b, a, a->due);
	if (h->status < 300)
		blast_done(b, a);
	else
		blast_failed(b, a, FAIL_STATUS, h->status);
}

const struct scenario scenario_message = {"message", begin_message, take_message};
