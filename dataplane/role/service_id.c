/* service_id.c - communication services (RFC 6050) */
#include "role/service_id.h"

#include "ifc/ifc.h"
#include "role/answer.h"
#include "table/profile.h"

/* The first of the header's values that the user is subscribed to. */
static enum ifc_authorisation find(const struct pass *p, const struct ifc *f,
				   enum sip_header_id id, struct slice *service)
{
	enum ifc_authorisation best = IFC_SERVICES_UNLISTED;

	for (const struct sip_header *h = sip_first(&p->msg, id); h; h = sip_next(&p->msg, h)) {
		struct slice rest = sip_value(&p->msg, h);

		while (rest.len) {
			struct slice one = slice_sub(rest, 0, slice_find(rest, ','));

			rest = slice_from(rest, one.len + 1);
			*service = slice_trim(one);
			best = ifc_authorised(f, *service);
			if (best == IFC_SERVICE_SUBSCRIBED)
				return best;
		}
	}
	return best;
}

enum verdict service_id_caller(struct pass *p, uint32_t index)
{
	const struct ifc *f;
	struct slice service;

	if (p->msg.first[SIP_H_P_PREFERRED_SERVICE] == SIP_NO_HEADER)
		return VERDICT_NEXT;
	f = table_services(p->w->tables, p->orig_set, index);
	if (!f)
		return VERDICT_NEXT;
	sip_edit_delete_all(p->edits, &p->msg, SIP_H_P_PREFERRED_SERVICE);
	p->preferred_gone = true;
	switch (find(p, f, SIP_H_P_PREFERRED_SERVICE, &service)) {
	case IFC_SERVICE_REFUSED:
		return answer(p, 403, "the user is not subscribed to this service");
	case IFC_SERVICE_SUBSCRIBED:
		p->service_id = service;
		break;
	case IFC_SERVICES_UNLISTED:
		break;
	}
	return VERDICT_NEXT;
}

void service_id_called(struct pass *p, uint32_t index)
{
	const struct ifc *f = table_services(p->w->tables, p->term_set, index);
	struct slice service;

	if (!f)
		return;
	if (p->service_id.len && ifc_authorised(f, p->service_id) == IFC_SERVICE_REFUSED)
		p->service_id = SLICE_EMPTY;
	if (p->asserted_gone ||
	    find(p, f, SIP_H_P_ASSERTED_SERVICE, &service) != IFC_SERVICE_REFUSED)
		return;
	sip_edit_delete_all(p->edits, &p->msg, SIP_H_P_ASSERTED_SERVICE);
	p->asserted_gone = true;
}

void service_id_leave(struct pass *p)
{
	struct text *t = &p->edits->arena;
	uint32_t from = t->len;

	if (p->service_id.len == 0)
		return;
	text_lit(t, "P-Asserted-Service: ");
	text_put(t, p->service_id);
	text_lit(t, "\r\n");
	sip_edit_push(p->edits, &p->msg, text_since(t, from));
}
