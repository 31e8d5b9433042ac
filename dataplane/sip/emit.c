/* emit.c - apply splices to a message, once
 *
 * Between the splices lie the segments of the message that stay. Segment i is what lies before
 * splice i, the last one what lies behind all of them.
 */
#include "sip/emit.h"

/* Splices are sound: none reaches behind the message, and no text was lost. */
static bool usable(const struct sip_msg *msg, const struct sip_edits *e)
{
	if (e->overflow || e->arena.overflow)
		return false;
	for (uint32_t i = 0; i < e->n; i++)
		if ((uint32_t)e->edit[i].at + e->edit[i].del > msg->raw.len)
			return false;
	return true;
}

uint32_t sip_emit_length(const struct sip_msg *msg, const struct sip_edits *e)
{
	uint32_t len;

	if (!usable(msg, e))
		return 0;
	len = msg->raw.len + e->inserted - e->deleted;
	return len > SIP_MESSAGE_MAX ? 0 : len;
}

/* Inserts and the deletion at one offset come in any order: the deletion moves `from` ahead,
 * inserts after it are at an offset already passed. */
static uint32_t segment_len(const struct sip_edits *e, uint32_t i, uint32_t from)
{
	return e->edit[i].at > from ? e->edit[i].at - from : 0;
}

static uint32_t behind(const struct sip_edit *edit, uint32_t from)
{
	uint32_t end = (uint32_t)edit->at + edit->del;

	return end > from ? end : from;
}

static uint8_t *put(uint8_t *out, const uint8_t *p, uint32_t len)
{
	if (len)
		memcpy(out, p, len);
	return out + len;
}

uint32_t sip_emit_copy(const struct sip_msg *msg, const struct sip_edits *e, uint8_t *out)
{
	uint32_t len = sip_emit_length(msg, e), from = 0;
	const uint8_t *raw = msg->raw.p;

	if (len == 0)
		return 0;
	for (uint32_t i = 0; i < e->n; i++) {
		out = put(out, raw + from, segment_len(e, i, from));
		out = put(out, e->edit[i].insert.p, e->edit[i].insert.len);
		from = behind(&e->edit[i], from);
	}
	put(out, raw + from, msg->raw.len - from);
	return len;
}

/* Where a segment is, where it goes, and the text that follows it. */
struct move {
	uint32_t from;
	uint32_t len;
	int32_t to;
	struct slice text;
};

/* The moves of all segments but the last, whose place does not change. Offsets count from the
 * message's first octet; `to` of the first may be negative. */
static void plan(const struct sip_edits *e, struct move move[SIP_EDITS_MAX])
{
	int32_t to = (int32_t)e->deleted - (int32_t)e->inserted;
	uint32_t from = 0;

	for (uint32_t i = 0; i < e->n; i++) {
		uint32_t len = segment_len(e, i, from);

		move[i] = (struct move){from, len, to, e->edit[i].insert};
		to += (int32_t)(len + e->edit[i].insert.len);
		from = behind(&e->edit[i], from);
	}
}

/* Texts that lie in the message would be overwritten by the moves: they are put by first. All
 * together they are no more than the edits' text limit. */
static void rescue_texts(const struct sip_msg *msg, struct move *move, uint32_t n,
			 uint8_t scratch[SIP_EDIT_TEXT_MAX])
{
	uintptr_t start = (uintptr_t)msg->raw.p, end = start + msg->raw.len;

	for (uint32_t i = 0; i < n; i++) {
		struct slice *text = &move[i].text;
		uintptr_t p = (uintptr_t)text->p;

		if (text->len == 0 || p >= end || p + text->len <= start)
			continue;
		memcpy(scratch, text->p, text->len);
		text->p = scratch;
		scratch += text->len;
	}
}

/* Segments that go down are moved from the first on, then those that go up from the last on.
 * The order of segments does not change, so none is written over one that is still to move. */
static void move_segments(uint8_t *base, const struct move *move, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (move[i].len && move[i].to < (int32_t)move[i].from)
			memmove(base + move[i].to, base + move[i].from, move[i].len);
	for (uint32_t i = n; i-- > 0;)
		if (move[i].len && move[i].to > (int32_t)move[i].from)
			memmove(base + move[i].to, base + move[i].from, move[i].len);
}

uint8_t *sip_emit_in_place(const struct sip_msg *msg, const struct sip_edits *e,
			   uint32_t headroom, uint32_t *len)
{
	struct move move[SIP_EDITS_MAX];
	uint8_t scratch[SIP_EDIT_TEXT_MAX];
	uint8_t *base = (uint8_t *)(uintptr_t)msg->raw.p;
	uint32_t total = sip_emit_length(msg, e);

	if (total == 0 || total > msg->raw.len + headroom)
		return NULL;
	plan(e, move);
	rescue_texts(msg, move, e->n, scratch);
	move_segments(base, move, e->n);
	for (uint32_t i = 0; i < e->n; i++)
		put(base + move[i].to + (int32_t)move[i].len, move[i].text.p, move[i].text.len);
	*len = total;
	return base + (int32_t)msg->raw.len - (int32_t)total;
}
