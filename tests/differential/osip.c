/* osip.c - what libosip2's parser says */
#include <stdlib.h>
#include <sys/time.h>

#include <osipparser2/osip_port.h>
#include <osipparser2/osip_parser.h>

#include "view.h"

static void say(char word[WORD_MAX], const char *text)
{
	if (text)
		view_put(word, slice_str(text));
}

static void see_uri(const osip_uri_t *u, char word[WORD_MAX])
{
	if (u == NULL || u->scheme == NULL)
		return;
	view_put_lower(word, slice_str(u->scheme));
	view_put(word, SLICE("|"));
	if (u->string) {
		say(word, u->string);
		return;
	}
	say(word, u->username);
	view_put(word, SLICE("|"));
	if (u->host)
		view_put_lower(word, slice_str(u->host));
	if (u->port) {
		char port[WORD_MAX];

		view_put_number(port, strtoull(u->port, NULL, 10));
		view_put(word, SLICE("|"));
		say(word, port);
	}
}

static void see_tag(osip_list_t *params, char word[WORD_MAX])
{
	char name[] = "tag";
	osip_generic_param_t *tag = NULL;

	if (osip_generic_param_get_byname(params, name, &tag) == 0 && tag)
		say(word, tag->gvalue);
}

static void see_top_via(osip_message_t *m, struct view *out)
{
	char name[] = "branch";
	osip_generic_param_t *branch = NULL;
	osip_via_t *via = osip_list_get(&m->vias, 0);

	if (via && osip_generic_param_get_byname(&via->via_params, name, &branch) == 0 &&
	    branch)
		say(out->word[F_BRANCH], branch->gvalue);
}

static void see_call_id(const osip_call_id_t *id, char word[WORD_MAX])
{
	say(word, id->number);
	if (id->host) {
		view_put(word, SLICE("@"));
		say(word, id->host);
	}
}

static void see(osip_message_t *m, struct view *out)
{
	if (m->sip_method)
		see_uri(m->req_uri, out->word[F_URI]);
	say(out->word[F_METHOD], m->sip_method);
	view_put_number(out->word[F_STATUS], m->sip_method ? 0 : (uint64_t)m->status_code);
	see_call_id(m->call_id, out->word[F_CALL_ID]);
	view_put_number(out->word[F_CSEQ_NUMBER], strtoull(m->cseq->number, NULL, 10));
	say(out->word[F_CSEQ_METHOD], m->cseq->method);
	see_tag(&m->from->gen_params, out->word[F_FROM_TAG]);
	see_tag(&m->to->gen_params, out->word[F_TO_TAG]);
	view_put_number(out->word[F_VIAS], (uint64_t)osip_list_size(&m->vias));
	view_put_number(out->word[F_ROUTES], (uint64_t)osip_list_size(&m->routes));
	see_top_via(m, out);
}

/* It would print a line for each message it refuses. */
static void quiet(const char *file, int line, osip_trace_level_t level, const char *format,
		  va_list args)
{
}

bool view_osip(struct slice message, struct view *out)
{
	osip_message_t *m = NULL;
	bool taken;

	memset(out, 0, sizeof(*out));
	osip_trace_initialize_func(TRACE_LEVEL0, quiet);
	parser_init();
	if (osip_message_init(&m) != 0)
		return false;
	taken = osip_message_parse(m, (const char *)message.p, message.len) == 0 &&
		m->call_id && m->cseq && m->cseq->number && m->from && m->to &&
		osip_list_size(&m->vias) > 0;
	if (taken)
		see(m, out);
	osip_message_free(m);
	return taken;
}
