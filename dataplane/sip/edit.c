/* edit.c - splices, kept in order */
#include "sip/edit.h"

void sip_edits_reset(struct sip_edits *e)
{
	e->n = 0;
	e->overflow = false;
	e->inserted = 0;
	e->deleted = 0;
	e->arena = text_in(e->memory, sizeof(e->memory));
}

static uint32_t edit_end(const struct sip_edit *e)
{
	return (uint32_t)e->at + e->del;
}

/* Where one is an insert, only the inside of the other's deleted stretch is forbidden. */
static bool overlaps(const struct sip_edit *e, uint32_t at, uint32_t end)
{
	uint32_t from = e->at > at ? e->at : at;
	uint32_t to = edit_end(e) < end ? edit_end(e) : end;

	if (e->del && at != end)
		return from < to;
	if (e->del)
		return e->at < at && at < edit_end(e);
	return at < e->at && e->at < end;
}

void sip_edit_replace(struct sip_edits *e, uint32_t at, uint32_t len, struct slice text)
{
	uint32_t place = e->n;

	if (e->n == SIP_EDITS_MAX || at > SIP_MESSAGE_MAX || len > SIP_MESSAGE_MAX ||
	    text.len > SIP_EDIT_TEXT_MAX - e->inserted) {
		e->overflow = true;
		return;
	}
	for (uint32_t i = 0; i < e->n; i++) {
		if (overlaps(&e->edit[i], at, at + len)) {
			e->overflow = true;
			return;
		}
	}
	for (; place > 0 && e->edit[place - 1].at > at; place--)
		e->edit[place] = e->edit[place - 1];
	e->edit[place] = (struct sip_edit){(uint16_t)at, (uint16_t)len, text};
	e->n++;
	e->inserted += text.len;
	e->deleted += len;
}

void sip_edit_insert(struct sip_edits *e, uint32_t at, struct slice text)
{
	sip_edit_replace(e, at, 0, text);
}

void sip_edit_delete(struct sip_edits *e, uint32_t at, uint32_t len)
{
	sip_edit_replace(e, at, len, SLICE_EMPTY);
}

void sip_edit_replace_slice(struct sip_edits *e, const struct sip_msg *msg, struct slice old,
			    struct slice text)
{
	if (old.p < msg->raw.p || old.p + old.len > msg->raw.p + msg->raw.len) {
		e->overflow = true;
		return;
	}
	sip_edit_replace(e, (uint32_t)(old.p - msg->raw.p), old.len, text);
}

void sip_edit_delete_header(struct sip_edits *e, const struct sip_header *h)
{
	sip_edit_delete(e, h->name, h->end - h->name);
}

void sip_edit_delete_all(struct sip_edits *e, const struct sip_msg *msg, enum sip_header_id id)
{
	for (const struct sip_header *h = sip_first(msg, id); h; h = sip_next(msg, h))
		sip_edit_delete_header(e, h);
}

void sip_edit_delete_first_value(struct sip_edits *e, const struct sip_msg *msg,
				 const struct sip_header *h, struct slice rest)
{
	if (rest.len == 0)
		sip_edit_delete_header(e, h);
	else
		sip_edit_delete(e, h->value, (uint32_t)(rest.p - msg->raw.p) - h->value);
}
