/* messages.c - the messages that bench_parse goes over, no two of them alike */
#include "messages.h"

enum { INVITE_SIZE = 900 };

/* A number that belongs to a variant and a place in its message (splitmix64). */
static uint64_t draw(uint32_t variant, uint32_t place)
{
	uint64_t z = ((uint64_t)variant << 32 | place) + 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* Hexadecimal digits, `least` to `most` of them. */
static void put_word(struct text *t, uint32_t variant, uint32_t place, uint32_t least,
		     uint32_t most)
{
	uint32_t n = least + (uint32_t)(draw(variant, place) % (most - least + 1));

	text_hex(t, draw(variant, place + 1000), n);
}

static void put_ip(struct text *t, uint32_t variant, uint32_t place)
{
	uint64_t r = draw(variant, place);

	text_lit(t, "10.");
	text_u64(t, r & 127);
	text_char(t, '.');
	text_u64(t, r >> 8 & 255);
	text_char(t, '.');
	text_u64(t, r >> 16 & 255);
}

/* Seven to eleven digits behind the country code. */
static void put_number(struct text *t, uint32_t variant, uint32_t place)
{
	uint64_t r = draw(variant, place) % 100000000u;

	text_lit(t, "+49");
	text_u64(t, r % 3 ? 1000000 + r : 10000000000u + r);
}

static void put_identity(struct text *t, uint32_t variant, uint32_t place)
{
	text_lit(t, "sip:");
	put_number(t, variant, place);
	text_lit(t, "@ims.example");
}

static void put_via(struct text *t, uint32_t v, uint32_t place)
{
	text_lit(t, "Via: SIP/2.0/UDP ");
	put_ip(t, v, place);
	text_lit(t, ":");
	text_u64(t, draw(v, place + 1) % 2 ? 5060 : 10000 + draw(v, place + 2) % 50000);
	text_lit(t, ";branch=z9hG4bK");
	put_word(t, v, place + 3, 10, 16);
}

static void put_own_via(struct text *t, uint32_t v)
{
	text_lit(t, "Via: SIP/2.0/UDP 10.255.0.1:5060;branch=z9hG4bKs");
	text_hex(t, draw(v, 30), 16);
	text_lit(t, "\r\n");
}

static void put_tagged(struct text *t, const char *name, uint32_t v, uint32_t place)
{
	text_str(t, name);
	if (draw(v, place + 1) % 4 == 0)
		text_lit(t, "\"A. Li\" ");
	text_lit(t, "<");
	put_identity(t, v, place);
	text_lit(t, ">;tag=");
	put_word(t, v, place + 2, 6, 12);
	text_lit(t, "\r\n");
}

static void put_dialog(struct text *t, uint32_t v, const char *method, bool to_tag)
{
	put_tagged(t, "From: ", v, 1);
	if (to_tag) {
		put_tagged(t, "To: ", v, 4);
	} else {
		text_lit(t, "To: <");
		put_identity(t, v, 4);
		text_lit(t, ">\r\n");
	}
	text_lit(t, "Call-ID: ");
	put_word(t, v, 7, 12, 16);
	text_lit(t, "@");
	put_ip(t, v, 10);
	text_lit(t, "\r\nCSeq: ");
	text_u64(t, 1 + draw(v, 8) % 3000);
	text_lit(t, " ");
	text_str(t, method);
	text_lit(t, "\r\n");
}

static void put_contact(struct text *t, uint32_t v)
{
	text_lit(t, "Contact: <sip:");
	put_number(t, v, 1);
	text_char(t, '@');
	put_ip(t, v, 10);
	text_lit(t, ":5060>;+sip.instance=\"<urn:gsma:imei:35");
	text_u64(t, 100000 + draw(v, 14) % 900000);
	text_lit(t, "-0>\";+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel\"\r\n");
}

static void put_access(struct text *t, uint32_t v)
{
	text_lit(t, "P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=26201");
	put_word(t, v, 15, 8, 11);
	text_lit(t, "\r\n");
}

static void put_body(struct text *t, uint32_t start)
{
	static const char line[] = "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nt=0 0\r\n"
				   "m=audio 49170 RTP/AVP 97\r\na=rtpmap:97 AMR/8000/1\r\n";
	uint32_t head = t->len - start + sizeof("Content-Length: 99\r\n\r\n") - 1;
	uint32_t body = INVITE_SIZE > head + 10 ? INVITE_SIZE - head : 10;

	text_lit(t, "Content-Length: ");
	text_u64(t, body);
	text_lit(t, "\r\n\r\n");
	for (uint32_t i = 0; i < body; i++)
		text_char(t, (uint8_t)line[i % (sizeof(line) - 1)]);
}

static void put_invite(struct text *t, uint32_t v)
{
	uint32_t start = t->len;

	text_lit(t, "INVITE ");
	put_identity(t, v, 4);
	text_lit(t, ";user=phone SIP/2.0\r\n");
	put_via(t, v, 10);
	text_lit(t, ";rport\r\nMax-Forwards: 70\r\nRoute: <sip:10.255.0.1:5060;lr>\r\n"
		    "Route: <sip:orig@s");
	put_word(t, v, 20, 1, 4);
	text_lit(t, ".ims.example;lr>\r\n");
	put_dialog(t, v, "INVITE", false);
	put_contact(t, v);
	text_lit(t, "P-Preferred-Identity: <");
	put_identity(t, v, 1);
	text_lit(t, ">\r\n");
	put_access(t, v);
	text_lit(t, "Security-Verify: ipsec-3gpp;alg=hmac-sha-1-96;spi-c=");
	text_u64(t, draw(v, 21) % 100000);
	text_lit(t, "\r\nRequire: sec-agree\r\nSupported: 100rel,timer\r\n"
		    "Allow: INVITE,ACK,BYE,CANCEL,PRACK\r\nAccept: application/sdp\r\n"
		    "Content-Type: application/sdp\r\n");
	put_body(t, start);
}

static void put_indialog(struct text *t, uint32_t v)
{
	static const char *const methods[] = {"BYE", "ACK", "BYE", "UPDATE"};
	const char *method = methods[v % 4];

	text_str(t, method);
	text_lit(t, " sip:");
	put_number(t, v, 4);
	text_lit(t, "@");
	put_ip(t, v, 24);
	text_lit(t, ":5060 SIP/2.0\r\n");
	put_via(t, v, 10);
	text_lit(t, ";rport\r\nMax-Forwards: 70\r\nRoute: <sip:d");
	text_hex(t, draw(v, 25), 16);
	text_hex(t, draw(v, 26), 16);
	text_lit(t, "@10.255.0.1:5060;lr>\r\n");
	put_dialog(t, v, method, true);
	text_lit(t, "Contact: <sip:");
	put_number(t, v, 1);
	text_char(t, '@');
	put_ip(t, v, 10);
	text_lit(t, ":5060>\r\n");
	put_access(t, v);
	text_lit(t, "User-Agent: Handset/");
	put_word(t, v, 28, 2, 8);
	text_lit(t, "\r\nSupported: 100rel,timer\r\nContent-Length: 0\r\n\r\n");
}

static void put_response(struct text *t, uint32_t v)
{
	text_str(t, v % 3 ? "SIP/2.0 200 OK\r\n" : "SIP/2.0 180 Ringing\r\n");
	put_own_via(t, v);
	put_via(t, v, 10);
	text_lit(t, ";received=");
	put_ip(t, v, 10);
	text_lit(t, ";rport=5060\r\nRecord-Route: <sip:d");
	text_hex(t, draw(v, 25), 16);
	text_hex(t, draw(v, 26), 16);
	text_lit(t, "@10.255.0.1:5060;lr>\r\n");
	put_dialog(t, v, v % 5 ? "INVITE" : "UPDATE", true);
	put_contact(t, v);
	put_access(t, v);
	text_lit(t, "Supported: 100rel,timer\r\nContent-Length: 0\r\n\r\n");
}

void message_put(struct text *t, enum message_kind kind, uint32_t variant)
{
	switch (kind) {
	case MESSAGE_INVITE:
		put_invite(t, variant);
		break;
	case MESSAGE_INDIALOG:
		put_indialog(t, variant);
		break;
	default:
		put_response(t, variant);
		break;
	}
}
