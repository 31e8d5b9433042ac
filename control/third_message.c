/* third_message.c - the text of a third-party REGISTER (TS 24.229 §5.4.1.7, §7.6) */
#include "control/third_message.h"

/* Character data of XML. What XML 1.0 does not allow at all is left out (§2.2). */
static void put_escaped(struct text *t, struct slice s)
{
	for (uint32_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];

		if (c == '&')
			text_lit(t, "&amp;");
		else if (c == '<')
			text_lit(t, "&lt;");
		else if (c == '>')
			text_lit(t, "&gt;");
		else if (c >= ' ' || c == '\t' || c == '\n')
			text_char(t, c);
	}
}

static void put_service(struct text *t, struct slice service)
{
	text_lit(t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		    "<ims-3gpp version=\"1\"><service-info>");
	put_escaped(t, service);
	text_lit(t, "</service-info></ims-3gpp>");
}

static void put_boundary(struct text *t, const struct third_body *b)
{
	text_lit(t, "saker-");
	text_hex(t, b->boundary, 16);
}

static void begin_part(struct text *t, const struct third_body *b, const char *type)
{
	text_lit(t, "--");
	put_boundary(t, b);
	text_lit(t, "\r\nContent-Type: ");
	text_str(t, type);
	text_lit(t, "\r\n\r\n");
}

static const char service_type[] = "application/3gpp-ims+xml", sip_type[] = "message/sip";

static void put_parts(const struct third_body *b, struct text *type, struct text *body)
{
	text_lit(type, "multipart/mixed;boundary=\"");
	put_boundary(type, b);
	text_char(type, '"');
	if (b->service.len) {
		begin_part(body, b, service_type);
		put_service(body, b->service);
		text_lit(body, "\r\n");
	}
	if (b->request.len) {
		begin_part(body, b, sip_type);
		text_put(body, b->request);
		text_lit(body, "\r\n");
	}
	if (b->response.len) {
		begin_part(body, b, sip_type);
		text_put(body, b->response);
		text_lit(body, "\r\n");
	}
	text_lit(body, "--");
	put_boundary(body, b);
	text_lit(body, "--\r\n");
}

bool third_body_put(const struct third_body *b, struct text *type, struct text *body)
{
	uint32_t parts = (b->service.len > 0) + (b->request.len > 0) + (b->response.len > 0);

	if (parts > 1) {
		put_parts(b, type, body);
	} else if (b->service.len) {
		text_str(type, service_type);
		put_service(body, b->service);
	} else if (parts == 1) {
		text_str(type, sip_type);
		text_put(body, b->request.len ? b->request : b->response);
	}
	return !type->overflow && !body->overflow;
}

static void put_line(struct text *t, const char *name, struct slice uri)
{
	text_str(t, name);
	text_lit(t, ": <");
	text_put(t, uri);
	text_char(t, '>');
}

bool third_message_put(const struct third_message *m, struct text *t)
{
	text_lit(t, "REGISTER ");
	text_put(t, m->server);
	text_lit(t, " SIP/2.0\r\nMax-Forwards: 70\r\n");
	put_line(t, "From", m->scscf);
	text_lit(t, ";tag=");
	text_hex(t, m->serial, 16);
	text_lit(t, "\r\n");
	put_line(t, "To", m->to);
	text_lit(t, "\r\nCall-ID: ");
	text_hex(t, m->key, 16);
	text_hex(t, m->serial, 16);
	text_lit(t, "\r\nCSeq: ");
	text_u64(t, m->cseq);
	text_lit(t, " REGISTER\r\n");
	put_line(t, "Contact", m->scscf);
	text_lit(t, "\r\nExpires: ");
	text_u64(t, m->expires);
	text_lit(t, "\r\n");
	text_put(t, m->headers);
	if (m->type.len) {
		text_lit(t, "Content-Type: ");
		text_put(t, m->type);
		text_lit(t, "\r\n");
	}
	text_lit(t, "Content-Length: ");
	text_u64(t, m->body.len);
	text_lit(t, "\r\n\r\n");
	text_put(t, m->body);
	return !t->overflow;
}
