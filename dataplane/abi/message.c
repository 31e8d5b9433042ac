/* message.c - checks of the records that carry SIP messages */
#include "abi/message.h"

enum family_rule { FAMILY_NEEDED, FAMILY_OR_NONE };

static bool addr_is_sound(const struct addr *a, enum family_rule rule)
{
	static const uint8_t zero[16];

	if (a->pad != 0)
		return false;
	switch (a->family) {
	case 4:
		return memcmp(a->ip + 4, zero, 12) == 0;
	case 6:
		return true;
	case 0:
		return rule == FAMILY_OR_NONE;
	default:
		return false;
	}
}

const char *abi_punt_check(const void *record, uint32_t len)
{
	const struct abi_punt *p = record;

	if (len < sizeof(*p))
		return "punt record shorter than its head";
	if (p->len == 0 || p->len > SIP_MESSAGE_MAX || p->uri_len > SIP_URI_MAX ||
	    p->len + p->uri_len != len - sizeof(*p))
		return "punt record whose lengths do not fit it";
	if (p->reason < PUNT_REGISTER || p->reason > PUNT_SESSION_FAILED)
		return "punt record with an unknown reason";
	if (p->reason == PUNT_SA_USED && p->sa_id == 0)
		return "punt record of a security association without its id";
	if ((p->reason == PUNT_SESSION_BEGUN) != (p->uri_len != 0))
		return "punt record whose reason and URI do not fit";
	if (p->reason != PUNT_SESSION_BEGUN && p->dst_sa_id)
		return "punt record whose reason and security association do not fit";
	if (p->reason == PUNT_AUTHENTICATE
		    ? p->user == 0
		    : p->user != 0 && p->reason != PUNT_LOCATE && p->reason != PUNT_OUTBOUND)
		return "punt record whose reason and user do not fit";
	if ((p->reason == PUNT_REFRESHED) != (p->expires != 0))
		return "punt record whose reason and expiry do not fit";
	if (p->worker >= WORKERS_MAX)
		return "punt record of a worker that cannot be";
	if (!addr_is_sound(&p->src, FAMILY_NEEDED) || !addr_is_sound(&p->dst, FAMILY_NEEDED))
		return "punt record with a malformed address";
	return NULL;
}

static const char *resume_check(const struct abi_inject *i)
{
	if (!addr_is_sound(&i->src, FAMILY_NEEDED) || !addr_is_sound(&i->dst, FAMILY_NEEDED))
		return "inject record with a malformed address";
	switch (i->locate) {
	case LOCATE_LOCAL:
	case LOCATE_GRANTED:
		return NULL;
	case LOCATE_SCSCF:
		if (!addr_is_sound(&i->hop, FAMILY_NEEDED))
			return "inject record without a next hop";
		if (i->route_len == 0)
			return "inject record without a route";
		return NULL;
	case LOCATE_ONWARD:
		return addr_is_sound(&i->hop, FAMILY_NEEDED)
			       ? NULL
			       : "inject record without a next hop";
	case LOCATE_PASS:
		return i->user ? NULL : "inject record that lets nobody pass";
	case LOCATE_REJECT:
		if (i->status < 300 || i->status > 699)
			return "inject record that rejects with no final status";
		return NULL;
	default:
		return "inject record with an unknown verdict";
	}
}

const char *abi_inject_check(const void *record, uint32_t len)
{
	const struct abi_inject *i = record;

	if (len < sizeof(*i))
		return "inject record shorter than its head";
	if (i->len == 0 || i->len > SIP_MESSAGE_MAX || i->route_len > SIP_URI_MAX ||
	    i->len + i->route_len != len - sizeof(*i))
		return "inject record whose lengths do not fit it";
	switch (i->type) {
	case INJECT_SEND:
		if (!addr_is_sound(&i->src, FAMILY_OR_NONE) ||
		    !addr_is_sound(&i->dst, FAMILY_NEEDED))
			return "inject record with a malformed address";
		if (i->src.family != 0 && i->src.family != i->dst.family)
			return "inject record from one address family to the other";
		return NULL;
	case INJECT_RESUME:
		return resume_check(i);
	default:
		return "inject record of an unknown type";
	}
}

const char *abi_capture_check(const void *record, uint32_t len)
{
	const struct abi_capture *c = record;

	if (len < sizeof(*c))
		return "capture record shorter than its head";
	if (c->len == 0 || c->len > SIP_MESSAGE_MAX || c->len != len - sizeof(*c))
		return "capture record whose length does not fit its message";
	if (c->out > 1)
		return "capture record with no direction";
	if (c->worker >= WORKERS_MAX)
		return "capture record of a worker that cannot be";
	if (!addr_is_sound(&c->src, c->out ? FAMILY_OR_NONE : FAMILY_NEEDED) ||
	    !addr_is_sound(&c->dst, FAMILY_NEEDED))
		return "capture record with a malformed address";
	return NULL;
}
