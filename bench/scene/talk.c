/* talk.c - what the two terminals of a call write */
#include "scene/talk.h"

#include "scene/scene.h"
#include "sip/name_addr.h"

static void put_identity(struct text *t, uint32_t user)
{
	text_lit(t, "sip:");
	scene_put_number(t, user);
	text_lit(t, "@ims.example");
}

static void put_via(struct text *t, const struct talk *c, const char *method, uint32_t cseq)
{
	text_lit(t, "Via: SIP/2.0/UDP ");
	scene_put_flow(t, c->caller);
	text_lit(t, ";branch=z9hG4bK");
	text_hex(t, c->number, 16);
	text_str(t, method);
	text_u64(t, cseq);
	text_lit(t, ";rport\r\nMax-Forwards: 70\r\n");
}

static void put_access(struct text *t)
{
	text_lit(t, "P-Access-Network-Info: 3GPP-E-UTRAN-FDD; "
		    "utran-cell-id-3gpp=262010a1b2c3d4e5\r\n");
}

/* Content headers and a body that brings the whole message, from `start` on, to `size` octets.
 */
static void put_body(struct text *t, uint32_t start, uint32_t size, const char *type)
{
	static const char line[] =
		"a=rtpmap:97 AMR/8000/1\r\na=fmtp:97 mode-change-capability=2; "
		"max-red=220\r\n";
	uint32_t head, body;

	text_lit(t, "Content-Type: ");
	text_str(t, type);
	text_lit(t, "\r\nContent-Length: ");
	head = t->len - start + 3 + 4; /* three digits, two line ends */
	body = size > head + 100 ? size - head : 100;
	text_u64(t, body);
	text_lit(t, "\r\n\r\n");
	for (uint32_t i = 0; i < body; i++)
		text_char(t, (uint8_t)line[i % (sizeof(line) - 1)]);
}

static void put_end(struct text *t, uint32_t start, uint32_t size)
{
	if (size)
		put_body(t, start, size, "application/sdp");
	else
		text_lit(t, "Content-Length: 0\r\n\r\n");
}

static void put_contact(struct text *t, uint32_t user)
{
	text_lit(t, "Contact: <sip:");
	scene_put_number(t, user);
	text_char(t, '@');
	scene_put_flow(t, user);
	text_lit(t, ">");
}

static void put_initial(struct text *t, const struct talk *c, const char *method)
{
	text_str(t, method);
	text_char(t, ' ');
	put_identity(t, c->callee);
	text_lit(t, " SIP/2.0\r\n");
	put_via(t, c, method, 1);
	text_lit(t, "Route: <sip:10.0.0.1:5060;lr>,<sip:orig@scscf.ims.example:5060;lr>\r\n");
	text_lit(t, "From: <");
	put_identity(t, c->caller);
	text_lit(t, ">;tag=a");
	text_hex(t, c->number, 8);
	text_lit(t, "\r\nTo: <");
	put_identity(t, c->callee);
	text_lit(t, ">\r\nCall-ID: ");
	text_hex(t, c->number * 0x9e3779b97f4a7c15u, 16);
	text_hex(t, c->number, 8);
	text_lit(t, "\r\nCSeq: 1 ");
	text_str(t, method);
	text_lit(t, "\r\nP-Preferred-Identity: <");
	put_identity(t, c->caller);
	text_lit(t, ">\r\n");
	put_access(t);
}

void talk_invite(struct text *t, const struct talk *c)
{
	uint32_t start = t->len;

	put_initial(t, c, "INVITE");
	put_contact(t, c->caller);
	text_lit(t, ";+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel\"\r\n"
		    "Supported: timer\r\nAllow: INVITE,ACK,BYE,CANCEL,UPDATE,PRACK\r\n");
	put_body(t, start, TALK_SIZE, "application/sdp");
}

void talk_message(struct text *t, const struct talk *c)
{
	uint32_t start = t->len;

	put_initial(t, c, "MESSAGE");
	put_body(t, start, TALK_SIZE, "text/plain");
}

void talk_refresh(struct text *t, const struct talk *c)
{
	text_lit(t, "REGISTER sip:ims.example SIP/2.0\r\n");
	put_via(t, c, "REGISTER", SCENE_CSEQ + 1);
	text_lit(t, "From: <");
	put_identity(t, c->caller);
	text_lit(t, ">;tag=r");
	text_hex(t, c->caller, 8);
	text_lit(t, "\r\nTo: <");
	put_identity(t, c->caller);
	text_lit(t, ">\r\nCall-ID: ");
	scene_put_call_id(t, c->caller);
	text_lit(t, "\r\nCSeq: ");
	text_u64(t, SCENE_CSEQ + 1);
	text_lit(t, " REGISTER\r\n");
	put_contact(t, c->caller);
	text_lit(t, ";expires=3600\r\n");
	put_access(t);
	text_lit(t, "Supported: path\r\nAllow: INVITE,ACK,BYE,CANCEL,UPDATE,PRACK,MESSAGE\r\n"
		    "Content-Length: 0\r\n\r\n");
}

static void copy(struct text *t, const struct sip_msg *m, enum sip_header_id id,
		 const char *name)
{
	for (const struct sip_header *h = sip_first(m, id); h; h = sip_next(m, h)) {
		text_str(t, name);
		text_lit(t, ": ");
		text_put(t, sip_value(m, h));
		text_lit(t, "\r\n");
	}
}

void talk_answer(struct text *t, const struct talk *c, const struct sip_msg *request,
		 const char *status_line, uint32_t size)
{
	uint32_t start = t->len;

	text_str(t, status_line);
	text_lit(t, "\r\n");
	copy(t, request, SIP_H_VIA, "Via");
	copy(t, request, SIP_H_RECORD_ROUTE, "Record-Route");
	copy(t, request, SIP_H_FROM, "From");
	text_lit(t, "To: ");
	text_put(t, sip_first_value(request, SIP_H_TO));
	if (!sip_tag(sip_first_value(request, SIP_H_TO)).len) {
		text_lit(t, ";tag=b");
		text_hex(t, c->number, 8);
	}
	text_lit(t, "\r\n");
	copy(t, request, SIP_H_CALL_ID, "Call-ID");
	copy(t, request, SIP_H_CSEQ, "CSeq");
	put_contact(t, c->callee);
	text_lit(t, "\r\n");
	put_access(t);
	put_end(t, start, size);
}

/* The route set of the caller: the Record-Route in reverse (RFC 3261 §12.1.2). The node writes
 * one value. */
void talk_in_dialog(struct text *t, const struct talk *c, const struct sip_msg *from,
		    const char *method, uint32_t cseq, uint32_t size)
{
	uint32_t start = t->len;

	text_str(t, method);
	text_lit(t, " sip:");
	scene_put_number(t, c->callee);
	text_char(t, '@');
	scene_put_flow(t, c->callee);
	text_lit(t, " SIP/2.0\r\n");
	put_via(t, c, method, cseq);
	copy(t, from, SIP_H_RECORD_ROUTE, "Route");
	copy(t, from, SIP_H_ROUTE, "Route");
	copy(t, from, SIP_H_FROM, "From");
	copy(t, from, SIP_H_TO, "To");
	copy(t, from, SIP_H_CALL_ID, "Call-ID");
	text_lit(t, "CSeq: ");
	text_u64(t, cseq);
	text_char(t, ' ');
	text_str(t, method);
	text_lit(t, "\r\n");
	put_access(t);
	put_end(t, start, size);
}
