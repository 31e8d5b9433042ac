/* mutate.c - messages nobody would send */
#include "mutate.h"
#include "support.h"

#define COUNT(a) (uint32_t)(sizeof(a) / sizeof((a)[0]))

static const char *const methods[] = {"INVITE", "BYE", "REGISTER", "OPTIONS", "FROB", "ACK"};
static const char *const uris[] = {
	"sip:bob@home.example",  "sip:home.example",       "sips:b%6Fb@home.example:5061;lr",
	"tel:+1-555-0100",       "urn:service:sos",        "sip:bob:pw@[2001:db8::1]:5060",
	"sip:b;x=y@h;lr;a=b",    "sip:+1555@h;user=phone", "SIP:Bob@Home.Example",
	"sip:a&b=c+d@192.0.2.1",
};
static const char *const vias[] = {
	"Via: SIP/2.0/UDP h;branch=z9hG4bKa",
	"v:SIP/2.0/TCP [2001:db8::1]:99;rport;branch=z9hG4bKb",
	"Via : SIP / 2.0 / UDP h : 5060 ; branch = z9hG4bKc",
	"VIA: SIP/2.0/UDP a;branch=z9hG4bKd, SIP/2.0/UDP b;branch=z9hG4bKe",
	"Via: SIP/2.0/UDP\r\n h;received=192.0.2.1\r\n ;branch=z9hG4bKf",
	"Via: SIP/2.0/UDP h",
	"Via: SIP/2.0/UDP h;x=\"a,b;branch=no\";branch=z9hG4bKg",
};
static const char *const parties[] = {
	"<sip:a@h>",
	"<sip:a@h>;tag=1",
	"sip:a@h;tag=2",
	"\"A\" <sip:a@h>;tag=3",
	"A B <sip:a@h>;x;tag=4",
	"\"A;tag=q\" <sip:a@h;tag=u>;tag=5",
	"<tel:+1>;tag=6",
	"\"\\\"\" <sip:a@h> ; TAG = 7",
	"<sip:a@h>\r\n ;tag=8",
	"\"<sip:x@y>;tag=q\"<sip:a@h>;tag=9",
};
static const char *const others[] = {
	"Route: <sip:a;lr>",
	"Route: <sip:a;lr>, <sip:b;lr>,<sip:c.example>",
	"route :\"x, y\" <sip:a;lr>;p=\"1,2\"",
	"Max-Forwards: 70",
	"Contact: <sip:a@h>;q=0.5",
	"X-Other: a, b;c=\"d\"",
	"Supported: path, gruu",
	"Subject: hello\r\n there",
	"Subject:",
	"Content-Type: text/plain",
	"P-Asserted-Identity: <sip:a@h>, <tel:+1>",
};
static const char *const fragments[] = {
	" ",
	"\t",
	"\r\n ",
	"\r\n\t",
	",",
	";",
	":",
	"\"",
	"\\",
	"<",
	">",
	"@",
	"%",
	"%41",
	"[",
	"]",
	";tag=z",
	";branch=z",
	"=",
	"\r\n",
	"\n",
	"SIP/2.0",
	"Via: ",
	"Route: <sip:z;lr>",
	"*",
	"(",
	")",
	"\r\nRoute: <sip:z;lr>",
	"\r\nTo: <sip:z@z>",
	"?",
	"0",
	"-1",
	"999999999999",
};

static uint32_t pick(uint64_t *seed, uint32_t n)
{
	return (uint32_t)((next_random(seed) >> 20) % n);
}

static void line(struct text *out, const char *name, const char *value)
{
	text_str(out, name);
	text_str(out, value);
	text_lit(out, "\r\n");
}

void compose(uint64_t *seed, struct text *out)
{
	const char *method = methods[pick(seed, COUNT(methods))];

	out->len = 0;
	if (pick(seed, 4)) {
		text_str(out, method);
		text_lit(out, " ");
		text_str(out, uris[pick(seed, COUNT(uris))]);
		line(out, " SIP/2.0", "");
	} else {
		line(out, "SIP/2.0 ", pick(seed, 2) ? "200 OK" : "486 Busy Here");
	}
	for (uint32_t n = 1 + pick(seed, 3); n > 0; n--)
		line(out, vias[pick(seed, COUNT(vias))], "");
	line(out, pick(seed, 2) ? "From: " : "f:", parties[pick(seed, COUNT(parties))]);
	line(out, pick(seed, 2) ? "To : " : "t:", parties[pick(seed, COUNT(parties))]);
	line(out, pick(seed, 2) ? "Call-ID: " : "i:", pick(seed, 2) ? "a@h" : "a-b.c");
	line(out, pick(seed, 2) ? "CSeq: 0012 " : "CSEQ:1\t", method);
	for (uint32_t n = pick(seed, 4); n > 0; n--)
		line(out, others[pick(seed, COUNT(others))], "");
	line(out, "Content-Length: 0", "");
	line(out, "", "");
}

/* Puts `s` at `at`, in place of `del` octets. */
static void splice(struct text *out, uint32_t at, uint32_t del, struct slice s)
{
	if (del > out->len - at)
		del = out->len - at;
	if (s.len > out->cap - out->len)
		return;
	memmove(out->p + at + s.len, out->p + at + del, out->len - at - del);
	if (s.len)
		memcpy(out->p + at, s.p, s.len);
	out->len += s.len - del;
}

void mutate(uint64_t *seed, struct text *out)
{
	uint8_t copy[64];

	for (uint32_t n = 1 + pick(seed, 3); n > 0 && out->len > 0; n--) {
		uint32_t at = pick(seed, out->len), len = 1 + pick(seed, 40);

		switch (pick(seed, 5)) {
		case 0:
			out->p[at] = (uint8_t)next_random(seed);
			break;
		case 1:
			out->p[at] ^= 0x20;
			break;
		case 2:
			splice(out, at, pick(seed, 3) ? 1 : len, SLICE_EMPTY);
			break;
		case 3:
			if (len > out->len - at)
				len = out->len - at;
			memcpy(copy, out->p + at, len);
			splice(out, pick(seed, out->len), 0, slice_of(copy, len));
			break;
		default:
			splice(out, at, pick(seed, 2),
			       slice_str(fragments[pick(seed, COUNT(fragments))]));
			break;
		}
	}
}
