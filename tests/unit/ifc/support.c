/* support.c - criteria and requests for the tests of filter criteria */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "sip/parse.h"

enum { GUARD_ROOM = 65536, PAGE = 4096 };

static void tell(void *ctx, long line, const char *sentence)
{
	struct told *t = ctx;

	if (t->n++)
		return;
	t->line = line;
	snprintf(t->sentence, sizeof(t->sentence), "%s", sentence);
}

struct criteria_report told_report(struct told *t)
{
	memset(t, 0, sizeof(*t));
	return (struct criteria_report){tell, t};
}

void compile_good(const char *xml, struct criteria_document *d, struct criteria_compiled *out)
{
	struct told t;
	struct criteria_report report = told_report(&t);
	bool good = criteria_read(slice_str(xml), &report, d) && d->n_profile >= 1 &&
		    criteria_compile(d->profile[0], &report, out);

	if (!good || t.n)
		fail_msg("line %ld: %s in %s", t.line, t.sentence, xml);
	if (ifc_sound(out->memory, out->len))
		fail_msg("%s", ifc_sound(out->memory, out->len));
}

void parse_good(const char *text, struct sip_msg *out)
{
	enum sip_error e = sip_parse(slice_str(text), out);

	if (e != SIP_OK)
		fail_msg("%s in %s", sip_error_info(e)->warning, text);
}

void request_write(char *memory, size_t cap, const char *method, const char *uri,
		   const char *more, const char *body)
{
	int n = snprintf(memory, cap,
			 "%s %s SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
			 "From: <sip:alice@home.example>;tag=1\r\n"
			 "To: <sip:bob@home.example>\r\n"
			 "Call-ID: 1\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\n"
			 "%sContent-Length: %zu\r\n\r\n%s",
			 method, uri, method, more, strlen(body), body);

	assert_true(n > 0 && (size_t)n < cap);
}

struct slice at_guard(const void *p, size_t len)
{
	static uint8_t *end;
	uint8_t *memory;

	if (!end) {
		memory = mmap(NULL, GUARD_ROOM + PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_true(memory != MAP_FAILED);
		assert_int_equal(mprotect(memory + GUARD_ROOM, PAGE, PROT_NONE), 0);
		end = memory + GUARD_ROOM;
	}
	assert_true(len <= GUARD_ROOM);
	if (len)
		memcpy(end - len, p, len);
	return slice_of(end - len, len);
}
