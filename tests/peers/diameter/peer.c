/* peer.c - a Diameter peer for the lab: what it gets is held to the specification and printed
 */
#include "peer.h"

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cx/cx.h"

enum { LINE_MAX_OCTETS = 256, RULES_MAX = 128, DEEPEST = 8 };

struct walk {
	const struct peer_rule *rules;
	size_t n;
	uint32_t command;
	uint32_t faults;
	char text[4096]; /* what is wrong */
};

__attribute__((format(printf, 2, 3))) static void wrong(struct walk *w, const char *format, ...)
{
	size_t at = strlen(w->text);
	va_list args;

	w->faults++;
	if (at && at + 2 < sizeof(w->text))
		strcpy(w->text + at, ", "), at += 2;
	va_start(args, format);
	vsnprintf(w->text + at, sizeof(w->text) - at, format, args);
	va_end(args);
}

static bool applies(const struct walk *w, const struct peer_rule *r, uint32_t parent)
{
	return r->parent == parent && (r->command == 0 || r->command == w->command);
}

static const struct peer_rule *rule_of(const struct walk *w, uint32_t parent,
				       const struct avp_hdr *h)
{
	uint32_t vendor = h->avp_flags & AVP_FLAG_VENDOR ? h->avp_vendor : 0;

	for (size_t i = 0; i < w->n; i++)
		if (applies(w, &w->rules[i], parent) && w->rules[i].code == h->avp_code &&
		    w->rules[i].vendor == vendor)
			return &w->rules[i];
	return NULL;
}

static void check_flags(struct walk *w, const struct peer_rule *r, const struct avp_hdr *h)
{
	bool m = h->avp_flags & AVP_FLAG_MANDATORY;

	if ((r->m == 'M' && !m) || (r->m == 'm' && m))
		wrong(w, "M flag of %u", h->avp_code);
}

static void print_text(const uint8_t *p, size_t len)
{
	putchar('"');
	for (size_t i = 0; i < len; i++)
		if (p[i] == '"' || p[i] == '\\')
			printf("\\%c", p[i]);
		else if (p[i] >= ' ' && p[i] < 127)
			putchar(p[i]);
		else
			printf("\\u%04x", p[i]);
	putchar('"');
}

static bool is_text(const union avp_value *v)
{
	for (size_t i = 0; i < v->os.len; i++)
		if (v->os.data[i] < ' ' && v->os.data[i] != '\n' && v->os.data[i] != '\r')
			return false;
	return v->os.len != 4 && v->os.len != 18;
}

static void print_octets(const union avp_value *v)
{
	if (is_text(v)) {
		print_text(v->os.data, v->os.len);
		return;
	}
	putchar('"');
	for (size_t i = 0; i < v->os.len; i++)
		printf("%02x", v->os.data[i]);
	putchar('"');
}

static void print_children(struct walk *w, msg_or_avp *parent, uint32_t code, int depth);

static void print_avp(struct walk *w, struct avp *avp, const struct avp_hdr *h, int depth)
{
	struct dict_avp_data data;
	struct dict_object *model = NULL;

	fd_msg_model(avp, &model);
	if (!model || fd_dict_getval(model, &data)) {
		printf("\"%u\": null", h->avp_code);
		wrong(w, "AVP %u is not known", h->avp_code);
		return;
	}
	printf("[\"%s\", ", data.avp_name);
	if (data.avp_basetype == AVP_TYPE_GROUPED && depth < DEEPEST)
		print_children(w, avp, h->avp_code, depth + 1);
	else if (data.avp_basetype == AVP_TYPE_OCTETSTRING)
		print_octets(h->avp_value);
	else if (data.avp_basetype == AVP_TYPE_INTEGER32)
		printf("%d", h->avp_value->i32);
	else if (data.avp_basetype == AVP_TYPE_UNSIGNED64)
		printf("%llu", (unsigned long long)h->avp_value->u64);
	else
		printf("%u", h->avp_value->u32);
	putchar(']');
}

static void print_children(struct walk *w, msg_or_avp *parent, uint32_t code, int depth)
{
	uint32_t seen[RULES_MAX] = {0};
	struct avp *avp = NULL;
	bool first = true;

	putchar('[');
	fd_msg_browse(parent, MSG_BRW_FIRST_CHILD, &avp, NULL);
	for (; avp; fd_msg_browse(avp, MSG_BRW_NEXT, &avp, NULL), first = false) {
		const struct peer_rule *r;
		struct avp_hdr *h;

		fd_msg_avp_hdr(avp, &h);
		r = rule_of(w, code, h);
		if (!r) {
			wrong(w, "AVP %u in %u", h->avp_code, code);
		} else {
			seen[r - w->rules]++;
			check_flags(w, r, h);
		}
		if (!first)
			printf(", ");
		print_avp(w, avp, h, depth);
	}
	putchar(']');
	for (size_t i = 0; i < w->n; i++)
		if (applies(w, &w->rules[i], code) &&
		    (seen[i] < w->rules[i].min || seen[i] > w->rules[i].max))
			wrong(w, "AVP %u is there %u times in %u", w->rules[i].code, seen[i],
			      code);
}

uint32_t peer_print(const char *name, struct msg *m, const struct peer_rule *rules, size_t n)
{
	struct walk w = {.rules = rules, .n = n};
	struct msg_hdr *h;

	if (n > RULES_MAX || fd_msg_hdr(m, &h))
		abort();
	w.command = h->msg_code;
	flockfile(stdout);
	printf("{\"command\": \"%s\", \"again\": %d, \"avps\": ", name,
	       !!(h->msg_flags & CMD_FLAG_RETRANSMIT));
	print_children(&w, m, 0, 0);
	printf(", \"wrong\": ");
	print_text((const uint8_t *)w.text, strlen(w.text));
	printf("}\n");
	fflush(stdout);
	funlockfile(stdout);
	return w.faults;
}

/* ---- how to answer ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct peer_mode now = {.result = CX_SUCCESS};

void peer_spoil(struct msg *answer)
{
	struct avp *avp = NULL, *next;
	struct avp_hdr *h;

	fd_msg_browse(answer, MSG_BRW_FIRST_CHILD, &avp, NULL);
	for (; avp; avp = next) {
		next = NULL;
		fd_msg_browse(avp, MSG_BRW_NEXT, &next, NULL);
		fd_msg_avp_hdr(avp, &h);
		if (h->avp_code == 268 || h->avp_code == 297)
			fd_msg_free(avp);
	}
}

struct peer_mode peer_mode(void)
{
	struct peer_mode m;

	pthread_mutex_lock(&lock);
	m = now;
	if (now.times && --now.times == 0)
		now = (struct peer_mode){.result = CX_SUCCESS};
	pthread_mutex_unlock(&lock);
	return m;
}

static bool told(const char *line)
{
	struct peer_mode m = {.result = CX_SUCCESS};
	unsigned value = 0, times = 0;

	if (sscanf(line, "refuse %u %u", &value, &times) >= 1)
		m.result = (int)value + 100000;
	else if (sscanf(line, "error %u %u", &value, &times) >= 1)
		m.result = (int)value;
	else if (sscanf(line, "delay %u %u", &value, &times) >= 1)
		m.delay_ms = value;
	else if (strncmp(line, "silent", 6) == 0)
		m.what = PEER_SILENT, sscanf(line, "silent %u", &times);
	else if (strncmp(line, "wrong", 5) == 0)
		m.what = PEER_WRONG, sscanf(line, "wrong %u", &times);
	else if (strncmp(line, "ok", 2) != 0)
		return false;
	m.times = times;
	pthread_mutex_lock(&lock);
	now = m;
	pthread_mutex_unlock(&lock);
	return true;
}

void peer_listen(void (*other)(const char *line))
{
	char line[LINE_MAX_OCTETS];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (!told(line))
			other(line);
	}
}
