/* admit.c - new requests that are refused while the worker has more than it can carry */
#include "role/admit.h"
#include "role/answer.h"
#include "role/emergency.h"
#include "role/priority.h"

enum { SHARES = 16 };

/* One that asks for an emergency registration (TS 24.229 §5.1.6.2). */
static bool is_for_emergency(const struct pass *p)
{
	struct sip_name_addr contact;
	struct slice rest, value;
	struct sip_uri uri;

	return p->msg.method == SIP_M_REGISTER &&
	       sip_name_addr_decode(sip_first_value(&p->msg, SIP_H_CONTACT), SIP_E_CONTACT,
				    &contact, &rest) == SIP_OK &&
	       sip_uri_decode(contact.uri, &uri) == SIP_OK &&
	       sip_param(uri.params, SLICE("sos"), &value);
}

static bool begins_work(const struct pass *p)
{
	uint8_t m = p->msg.method;

	return !p->is_dialog && m != SIP_M_ACK && m != SIP_M_CANCEL && !p->service.len &&
	       !p->resume && !p->again && !emergency_is_callback(p) && !is_for_emergency(p) &&
	       !priority_is_ahead(p);
}

enum verdict admit(struct pass *p)
{
	struct slice branch = p->via.branch;

	if (p->w->refuse == 0 || !begins_work(p))
		return VERDICT_NEXT;
	if (hash_table(&p->w->node->branch_key, branch.p, branch.len) % SHARES >= p->w->refuse)
		return VERDICT_NEXT;
	count(p->w->counters, COUNT_DROP_OVERLOAD);
	return answer_with(p, 503, "more is coming than can be carried",
			   SLICE("Retry-After: 5\r\n"));
}
