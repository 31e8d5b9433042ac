/* say.c - what a terminal writes */
#include "blast/say.h"

static void name(struct text *t, const struct blast *b, uint32_t person)
{
	text_put(t, slice_of(b->person[person].name, b->person[person].name_len));
}

void say_site(struct text *t, const struct blast *b, uint32_t person)
{
	struct addr a = person_addr(person);

	if (b->ipsec)
		a.port = person_protected_port(person);
	addr_put(t, &a);
}

void say_identity(struct text *t, const struct blast *b, uint32_t person)
{
	text_lit(t, "sip:");
	name(t, b, person);
	text_char(t, '@');
	text_str(t, b->o.domain);
}

static void contact_uri(struct text *t, const struct blast *b, uint32_t person)
{
	text_lit(t, "sip:");
	name(t, b, person);
	text_char(t, '@');
	say_site(t, b, person);
}

void say_contact(struct text *t, const struct blast *b, uint32_t person)
{
	text_lit(t, "Contact: <");
	contact_uri(t, b, person);
	text_lit(t, ">");
}

static void via(struct text *t, const struct blast *b, uint64_t id, const char *method,
		uint32_t person, uint32_t cseq)
{
	text_lit(t, "Via: SIP/2.0/UDP ");
	say_site(t, b, person);
	text_lit(t, ";branch=z9hG4bK");
	text_hex(t, b->run, 8);
	text_hex(t, id, 8);
	text_str(t, method);
	text_u64(t, cseq);
	text_lit(t, ";rport\r\nMax-Forwards: 70\r\n");
}

static void call_id(struct text *t, const struct blast *b, char kind, uint64_t key)
{
	text_lit(t, "Call-ID: ");
	text_char(t, (uint8_t)kind);
	text_hex(t, key, 8);
	text_char(t, '-');
	text_hex(t, b->run, 8);
	text_lit(t, "\r\n");
}

static void cseq_line(struct text *t, uint32_t cseq, const char *method)
{
	text_lit(t, "CSeq: ");
	text_u64(t, cseq);
	text_char(t, ' ');
	text_str(t, method);
	text_lit(t, "\r\n");
}

static void access_network(struct text *t)
{
	text_lit(t, "P-Access-Network-Info: 3GPP-E-UTRAN-FDD;"
		    "utran-cell-id-3gpp=26201ABCD1234567\r\n");
}

static void put_from(struct text *t, const struct blast *b, uint32_t from, uint64_t id)
{
	text_lit(t, "From: <");
	say_identity(t, b, from);
	text_lit(t, ">;tag=a");
	text_hex(t, id, 8);
	text_lit(t, "\r\n");
}

void say_request(struct text *t, const struct blast *b, const char *method, uint64_t id,
		 uint32_t from, uint32_t to)
{
	text_str(t, method);
	text_char(t, ' ');
	if (b->o.direct)
		contact_uri(t, b, to);
	else
		say_identity(t, b, to);
	text_lit(t, " SIP/2.0\r\n");
	via(t, b, id, method, from, 1);
	if (!b->o.direct) {
		struct addr node = b->o.node;

		if (b->ipsec)
			node.port = b->protected_port;
		text_lit(t, "Route: <sip:");
		addr_put(t, &node);
		text_lit(t, ";lr>,");
		text_put(t, slice_of(b->service_route, b->service_route_len));
		text_lit(t, "\r\n");
	}
	put_from(t, b, from, id);
	text_lit(t, "To: <");
	say_identity(t, b, to);
	text_lit(t, ">\r\n");
	call_id(t, b, 'c', id);
	cseq_line(t, 1, method);
	if (!b->o.direct) {
		text_lit(t, "P-Preferred-Identity: <");
		say_identity(t, b, from);
		text_lit(t, ">\r\n");
	}
	access_network(t);
}

void say_in_dialog(struct text *t, const struct blast *b, const struct attempt *a, uint64_t id,
		   const char *method, uint32_t cseq)
{
	text_str(t, method);
	text_char(t, ' ');
	contact_uri(t, b, a->other);
	text_lit(t, " SIP/2.0\r\n");
	via(t, b, id, method, a->person, cseq);
	if (a->route_len) {
		text_lit(t, "Route: ");
		text_put(t, slice_of(a->route, a->route_len));
		text_lit(t, "\r\n");
	}
	put_from(t, b, a->person, id);
	text_lit(t, "To: <");
	say_identity(t, b, a->other);
	text_lit(t, ">;tag=b\r\n");
	call_id(t, b, 'c', id);
	cseq_line(t, cseq, method);
	access_network(t);
	text_lit(t, "Content-Length: 0\r\n\r\n");
}

void say_response(struct text *t, const struct heard *request, const char *status_line)
{
	bool tagged = slice_find(request->to, '=') < request->to.len;

	text_str(t, status_line);
	for (uint32_t i = 0; i < request->n_lines; i++) {
		struct slice line = request->line[i];

		if (line.p[0] != 'T' || tagged) {
			text_put(t, line);
			continue;
		}
		text_lit(t, "To: ");
		text_put(t, request->to);
		text_lit(t, ";tag=b\r\n");
	}
}

/* Lines of a session description that say nothing new, to the octet. */
static void fill(struct text *t, uint32_t octets)
{
	static const char line[] =
		"a=rtpmap:97 AMR/8000/1\r\na=fmtp:97 mode-change-capability=2; "
		"max-red=220\r\n";
	enum { LINE = sizeof(line) - 1, SHORTEST = 5 };

	for (; octets >= LINE + SHORTEST; octets -= LINE)
		text_put(t, slice_of(line, LINE));
	text_lit(t, "a=");
	for (octets -= 4; octets; octets--)
		text_char(t, 'x');
	text_lit(t, "\r\n");
}

void say_body(struct text *t, uint32_t size, const char *type)
{
	static const struct slice description = SLICE(
		"v=0\r\no=- 1 1 IN IP4 10.64.0.1\r\ns=-\r\nc=IN IP4 10.64.0.1\r\nt=0 0\r\n"
		"m=audio 40000 RTP/AVP 97\r\nb=AS:30\r\n");
	enum { BODY_MIN = 160 };
	uint32_t head, body;

	if (size == 0) {
		text_lit(t, "Content-Length: 0\r\n\r\n");
		return;
	}
	text_lit(t, "Content-Type: ");
	text_str(t, type);
	text_lit(t, "\r\nContent-Length: ");
	head = t->len + 3 + 4; /* the number, two line ends */
	body = size > head + BODY_MIN ? size - head : BODY_MIN;
	text_u64(t, body);
	text_lit(t, "\r\n\r\n");
	text_put(t, description);
	fill(t, body - description.len);
}
