/* fuzz_criteria.c - filter criteria as a foreign HSS could send them, compiled and asked */
#include <stdlib.h>

#include "criteria/compile.h"
#include "ifc/ifc.h"
#include "sip/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char request[] =
	"INVITE sip:bob@home.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
	"From: <sip:a@home.example>;tag=1\r\nTo: <sip:b@home.example>\r\nCall-ID: 1\r\n"
	"CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nSubject: a\r\n b\r\nX: y\r\n"
	"Content-Type: application/sdp\r\nContent-Length: 18\r\n\r\nv=0\r\nm=audio 1 x\r\n";

static void tell(void *ctx, long line, const char *sentence)
{
	if (line < 0 || !*sentence)
		abort();
	(*(uint32_t *)ctx)++;
}

/* What was compiled is sound, and a criterion is in it or was told of. */
static void use(const struct criteria *c, const struct criteria_report *report,
		const struct sip_msg *m)
{
	static struct criteria_compiled compiled;
	const struct ifc *f = (const struct ifc *)compiled.memory;
	uint32_t *told = report->ctx, before = *told;

	if (!criteria_compile(c, report, &compiled))
		return;
	if (ifc_sound(compiled.memory, compiled.len) || f->n_criteria + *told - before < c->n)
		abort();
	for (uint8_t i = 0; i < IFC_CASES; i++) {
		struct ifc_ask ask = {i, i < 2, 0};
		struct ifc_match match;
		uint32_t from = 0;

		while (ifc_next(f, m, &ask, from, &match) == IFC_MATCH) {
			if (match.index < from || match.index >= f->n_criteria)
				abort();
			from = match.index + 1;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t told = 0;
	struct criteria_report report = {tell, &told};
	struct criteria_document d;
	static struct sip_msg m;
	uint8_t *copy;

	if (size > CRITERIA_XML_MAX + 1)
		return 0;
	if (sip_parse(slice_of(request, sizeof(request) - 1), &m) != SIP_OK)
		abort();
	copy = malloc(size ? size : 1);
	if (size)
		memcpy(copy, data, size);
	if (!criteria_read(slice_of(copy, size), &report, &d) && !told)
		abort();
	for (uint32_t i = 0; i < d.n_profile; i++)
		use(d.profile[i], &report, &m);
	criteria_free(&d);
	free(copy);
	return 0;
}
