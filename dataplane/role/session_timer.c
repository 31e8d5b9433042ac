/* session_timer.c - session timers, as a proxy takes part in them (RFC 4028 §8) */
#include "role/session_timer.h"
#include "role/answer.h"
#include "sip/field.h"

enum { LINE_MAX = 64 };

static bool supports(const struct pass *p)
{
	return sip_has_token(&p->msg, SIP_H_SUPPORTED, SLICE("timer")) ||
	       sip_has_token(&p->msg, SIP_H_REQUIRE, SLICE("timer"));
}

static void push_seconds(struct pass *p, const char *name, uint32_t seconds, const char *behind)
{
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;

	text_str(t, name);
	text_u64(t, seconds);
	text_str(t, behind);
	sip_edit_push(p->edits, &p->msg, text_since(t, from));
}

static enum verdict too_brief(struct pass *p)
{
	uint8_t memory[LINE_MAX];
	struct text line = text_in(memory, sizeof(memory));

	text_lit(&line, "Min-SE: ");
	text_u64(&line, p->w->node->min_se_s);
	text_lit(&line, "\r\n");
	return answer_with(p, 422, "the session interval is too brief here", text_slice(&line));
}

/* §8.1: who cannot read a 422 has asked for nothing himself; a proxy before us has, and its
 * wish is made longer. */
static enum verdict lengthen(struct pass *p)
{
	if (supports(p))
		return too_brief(p);
	sip_edit_delete_all(p->edits, &p->msg, SIP_H_SESSION_EXPIRES);
	sip_edit_delete_all(p->edits, &p->msg, SIP_H_MIN_SE);
	push_seconds(p, "Session-Expires: ", p->w->node->min_se_s, "\r\n");
	push_seconds(p, "Min-SE: ", p->w->node->min_se_s, "\r\n");
	return VERDICT_NEXT;
}

/* What cannot be read is for the called side to refuse. */
static bool minimum(const struct pass *p, uint32_t *seconds)
{
	struct slice value = sip_first_value(&p->msg, SIP_H_MIN_SE);

	*seconds = 0;
	return !value.p || sip_delta_seconds(value, seconds);
}

enum verdict session_timer_request(struct pass *p)
{
	const struct node *n = p->w->node;
	struct slice value;
	uint32_t asked, least;

	if (p->msg.method != SIP_M_INVITE || n->session_expires_s == 0 || p->service.len)
		return VERDICT_NEXT;
	value = sip_first_value(&p->msg, SIP_H_SESSION_EXPIRES);
	if (value.p)
		return sip_delta_seconds(value, &asked) && asked < n->min_se_s ? lengthen(p)
									       : VERDICT_NEXT;
	if (!minimum(p, &least) || least > n->session_expires_s)
		return VERDICT_NEXT;
	push_seconds(p, "Session-Expires: ", n->session_expires_s, "\r\n");
	p->timed = supports(p);
	return VERDICT_NEXT;
}

void session_timer_response(struct pass *p)
{
	if (!p->side.timed || p->msg.method != SIP_M_INVITE || p->msg.status < 200 ||
	    p->msg.status >= 300 || p->msg.first[SIP_H_SESSION_EXPIRES] != SIP_NO_HEADER)
		return;
	push_seconds(p, "Session-Expires: ", p->w->node->session_expires_s,
		     ";refresher=uac\r\nRequire: timer\r\n");
}

bool session_timer_is_refresh(const struct pass *p)
{
	return p->w->node->watch_sessions && p->msg.method == SIP_M_UPDATE &&
	       p->msg.status >= 200 && p->msg.status < 300 && p->is_dialog;
}
