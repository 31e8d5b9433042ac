/* op_ifc.c - ten filter criteria in front of an initial request */
#include "op.h"

#include <stdio.h>
#include <stdlib.h>

#include "criteria/compile.h"
#include "ifc/ifc.h"
#include "sip/parse.h"

enum { MESSAGES = 8, TEXT_MAX = 2048, XML_MAX = 16384, MESSAGE_OCTETS = 1200 };

struct evaluation {
	struct criteria_compiled compiled;
	struct sip_msg msg[MESSAGES];
	char text[MESSAGES][TEXT_MAX];
};

#define AS "<ApplicationServer><ServerName>sip:as.home.example</ServerName></ApplicationServer>"
#define SPT(negated, group, in)                                                                \
	"<SPT><ConditionNegated>" negated "</ConditionNegated><Group>" group "</Group>" in     \
	"</SPT>"
#define METHOD(m) "<Method>" m "</Method>"
#define HAS(h, c) "<SIPHeader><Header>" h "</Header><Content>" c "</Content></SIPHeader>"
#define WHOLE(in) "<TriggerPoint><ConditionTypeCNF>1</ConditionTypeCNF>" in "</TriggerPoint>" AS

/* As profiles in use have them: by method and case, by what the terminal says it can do, by the
 * number that was dialled. None holds for an INVITE of the user, so all ten are looked at. */
static const char *const triggers[10] = {
	WHOLE(SPT("0", "0", METHOD("REGISTER"))),
	WHOLE(SPT("0", "0", METHOD("SUBSCRIBE")) SPT("0", "1", HAS("Event", "^presence"))),
	WHOLE(SPT("0", "0", METHOD("INVITE")) SPT("0", "1", "<SessionCase>1</SessionCase>")),
	WHOLE(SPT("0", "0", METHOD("INVITE")) SPT("0", "0", METHOD("MESSAGE"))
		      SPT("0", "1", HAS("Accept-Contact", "oma\\.cpm"))),
	WHOLE(SPT("0", "0", METHOD("INVITE"))
		      SPT("0", "1", "<RequestURI>^sip:conference@</RequestURI>")),
	WHOLE(SPT("0", "0", METHOD("PUBLISH"))),
	WHOLE(SPT("0", "0", METHOD("INVITE")) SPT("0", "1", "<SessionCase>2</SessionCase>")),
	WHOLE(SPT("0", "0", METHOD("INVITE")) SPT(
		"0", "1", "<SIPHeader><Header>P-Asserted-Service</Header></SIPHeader>")),
	WHOLE(SPT("0", "0", METHOD("INVITE")) SPT("0", "1", HAS("X-Service", "prepaid"))),
	WHOLE(SPT("0", "0", METHOD("MESSAGE")) SPT("1", "1", HAS("Content-Type", "^text/"))),
};

static bool compile(struct evaluation *c)
{
	char xml[XML_MAX];
	struct text t = text_in(xml, sizeof(xml));
	struct criteria_document d;
	bool good;

	for (uint32_t i = 0; i < 10; i++) {
		text_printf(&t, "<InitialFilterCriteria><Priority>%u</Priority>", i);
		text_str(&t, triggers[i]);
		text_lit(&t, "</InitialFilterCriteria>");
	}
	if (t.overflow || !criteria_read(text_slice(&t), NULL, &d))
		return false;
	good = criteria_compile(d.profile[0], NULL, &c->compiled) &&
	       ((const struct ifc *)c->compiled.memory)->n_criteria == 10;
	criteria_free(&d);
	return good;
}

static bool write_message(struct evaluation *c, uint32_t i)
{
	struct text t = text_in(c->text[i], TEXT_MAX);
	char body[512];
	int len = snprintf(body, sizeof(body),
			   "v=0\r\no=- %u 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n"
			   "t=0 0\r\nm=audio %u RTP/AVP 8 96\r\na=rtpmap:96 AMR-WB/16000\r\n"
			   "a=sendrecv\r\n",
			   i, 4000 + 2 * i);

	text_printf(
		&t,
		"INVITE sip:+49123456%u@home.example;user=phone SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%ux7f\r\n"
		"Max-Forwards: 70\r\nRoute: <sip:scscf.home.example;lr>\r\n"
		"From: <sip:user%u@home.example>;tag=%u\r\n"
		"To: <sip:+49123456%u@home.example;user=phone>\r\nCall-ID: c%u@192.0.2.1\r\n"
		"CSeq: 1 INVITE\r\nContact: <sip:user%u@192.0.2.1:5060>\r\n"
		"P-Asserted-Identity: <sip:user%u@home.example>\r\n"
		"Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%%3Aurn-7%%3A3gpp-service.ims.icsi."
		"mmtel\"\r\nSupported: 100rel, timer, precondition\r\nX-Vendor: %u\r\n"
		"Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE, MESSAGE\r\n"
		"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		i, i, i, i, i, i, i, i, i, len, body);
	return !t.overflow && t.len <= MESSAGE_OCTETS &&
	       sip_parse(text_slice(&t), &c->msg[i]) == SIP_OK;
}

static void *ifc_open(void)
{
	struct evaluation *c = calloc(1, sizeof(*c));
	bool good = c && compile(c);

	for (uint32_t i = 0; good && i < MESSAGES; i++)
		good = write_message(c, i);
	if (good)
		return c;
	free(c);
	return NULL;
}

static uint64_t ifc_run(void *ctx, uint32_t n)
{
	struct evaluation *c = ctx;
	const struct ifc *f = (const struct ifc *)c->compiled.memory;
	struct ifc_ask ask = {.session_case = IFC_ORIGINATING, .registered = true};
	struct ifc_match match;
	uint64_t none = 0;

	for (uint32_t i = 0; i < n; i++)
		none += ifc_next(f, &c->msg[i % MESSAGES], &ask, 0, &match) == IFC_NONE;
	return none;
}

const struct op op_ifc = {"ifc.eval", ifc_open, ifc_run, free};
