/* criterion.c - one InitialFilterCriteria (TS 29.228 §B.2.2, §B.2.3 and Annex E) */
#include "criteria/element.h"
#include "sip/chars.h"
#include "sip/uri.h"

/* One service point, in the order in which the schema offers them. */
static const struct {
	const char *name;
	enum criteria_point_kind kind;
} kinds[] = {
	{"RequestURI", CRITERIA_URI},
	{"Method", CRITERIA_METHOD},
	{"SIPHeader", CRITERIA_HEADER},
	{"SessionCase", CRITERIA_CASE},
	{"SessionDescription", CRITERIA_DESCRIPTION},
};

static bool read_content(const struct reading *r, const xmlNode *of, struct criteria_point *p)
{
	const xmlNode *content = element_child(of, "Content");

	p->content = element_text(r, content);
	/* An expression that is empty is in everything. */
	p->has_content = content != NULL;
	return true;
}

static bool read_case(const struct reading *r, const xmlNode *of, struct criteria_point *p)
{
	uint32_t value = 0;

	if (!element_number(r, of, IFC_CASES - 1, &value))
		return element_wrong(r, of->line, "SessionCase is 0 to 4");
	p->session_case = (uint8_t)value;
	return true;
}

static bool read_method(const struct reading *r, const xmlNode *of, struct criteria_point *p)
{
	p->name = element_text(r, of);
	return sip_is_token(p->name) || element_wrong(r, of->line, "Method is no SIP method");
}

static bool read_header(const struct reading *r, const xmlNode *of, struct criteria_point *p)
{
	p->name = element_text(r, element_child(of, "Header"));
	if (p->name.len == 0)
		return element_wrong(r, of->line, "SIPHeader wants a Header");
	return read_content(r, of, p);
}

static bool read_description(const struct reading *r, const xmlNode *of,
			     struct criteria_point *p)
{
	p->name = element_text(r, element_child(of, "Line"));
	if (p->name.len == 0)
		return element_wrong(r, of->line, "SessionDescription wants a Line");
	return read_content(r, of, p);
}

static bool read_kind(const struct reading *r, const xmlNode *of, struct criteria_point *p)
{
	switch (p->kind) {
	case CRITERIA_URI:
		p->content = element_text(r, of);
		p->has_content = true;
		return p->content.len || element_wrong(r, of->line, "RequestURI is empty");
	case CRITERIA_METHOD:
		return read_method(r, of, p);
	case CRITERIA_HEADER:
		return read_header(r, of, p);
	case CRITERIA_CASE:
		return read_case(r, of, p);
	case CRITERIA_DESCRIPTION:
		return read_description(r, of, p);
	}
	return false;
}

static bool read_trigger(const struct reading *r, const xmlNode *spt, struct criteria_point *p)
{
	const xmlNode *found = NULL;

	for (const xmlNode *c = spt->children; c; c = c->next)
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			if (!element_is(c, kinds[i].name))
				continue;
			if (found)
				return element_wrong(r, c->line,
						     "an SPT has one trigger and no more");
			found = c;
			p->kind = kinds[i].kind;
		}
	if (!found)
		return element_wrong(r, spt->line,
				     "an SPT wants RequestURI, Method, SIPHeader, SessionCase "
				     "or SessionDescription");
	return read_kind(r, found, p);
}

static bool read_groups(const struct reading *r, const xmlNode *spt, struct criteria_point *p)
{
	for (const xmlNode *c = spt->children; c; c = c->next) {
		uint32_t id = 0, i = 0;

		if (!element_is(c, "Group"))
			continue;
		if (!element_number(r, c, INT32_MAX, &id))
			return element_wrong(r, c->line, "Group is a number");
		while (i < p->n_group && p->group[i] != id)
			i++;
		if (i == CRITERIA_GROUPS_MAX)
			return element_wrong(r, c->line, "an SPT in more than 16 groups");
		if (i == p->n_group)
			p->group[p->n_group++] = id;
	}
	return p->n_group || element_wrong(r, spt->line, "an SPT wants a Group");
}

/* RegistrationType tells between the REGISTERs of a user and says nothing of other methods. */
static bool read_registration(const struct reading *r, const xmlNode *extension,
			      struct criteria_point *p)
{
	for (const xmlNode *c = extension ? extension->children : NULL; c; c = c->next) {
		uint32_t type = 0;

		if (!element_is(c, "RegistrationType"))
			continue;
		if (!element_number(r, c, 2, &type))
			return element_wrong(r, c->line, "RegistrationType is 0 to 2");
		p->registration |= (uint8_t)(1 << type);
	}
	if (!p->registration)
		p->registration = IFC_REGISTER_ANY;
	return true;
}

static bool read_point(const struct reading *r, const xmlNode *spt, struct criteria_point *p)
{
	p->line = spt->line;
	if (!element_boolean(r, element_child(spt, "ConditionNegated"), &p->negated))
		return element_wrong(r, spt->line, "ConditionNegated is 0 or 1");
	return read_groups(r, spt, p) && read_trigger(r, spt, p) &&
	       read_registration(r, element_child(spt, "Extension"), p);
}

static bool read_points(const struct reading *r, const xmlNode *trigger, struct criterion *out)
{
	uint32_t n = 0;

	if (!element_child(trigger, "ConditionTypeCNF") ||
	    !element_boolean(r, element_child(trigger, "ConditionTypeCNF"), &out->cnf))
		return element_wrong(r, trigger->line,
				     "a TriggerPoint wants ConditionTypeCNF, 0 or 1");
	for (const xmlNode *c = trigger->children; c; c = c->next)
		n += element_is(c, "SPT");
	if (n == 0 || n > IFC_POINTS_MAX)
		return element_wrong(r, trigger->line, "a TriggerPoint has 1 to 64 SPTs");
	out->point = element_alloc(r, n * sizeof(out->point[0]));
	if (!out->point)
		return false;
	for (const xmlNode *c = trigger->children; c; c = c->next)
		if (element_is(c, "SPT") && !read_point(r, c, &out->point[out->n_point++]))
			return false;
	return true;
}

static bool read_server(const struct reading *r, const xmlNode *n, const xmlNode *server,
			struct criterion *out)
{
	const xmlNode *extension = element_child(server, "Extension");
	uint32_t handling = 0;
	struct sip_uri uri;

	out->server = element_text(r, element_child(server, "ServerName"));
	if (out->server.len == 0)
		return element_wrong(
			r, n->line, "the criteria want an ApplicationServer with a ServerName");
	if (out->server.len > SIP_URI_MAX || sip_uri_decode(out->server, &uri) != SIP_OK ||
	    (uri.scheme != SIP_SCHEME_SIP && uri.scheme != SIP_SCHEME_SIPS))
		return element_wrong(r, server->line, "ServerName is no SIP URI");
	if (!element_number(r, element_child(server, "DefaultHandling"), 1, &handling))
		return element_wrong(r, server->line, "DefaultHandling is 0 or 1");
	out->terminate = handling == 1;
	out->service_info = element_text(r, element_child(server, "ServiceInfo"));
	if (out->service_info.len > SIP_EDIT_TEXT_MAX)
		return element_wrong(r, server->line, "ServiceInfo is longer than 4096 octets");
	out->include_request = element_child(extension, "IncludeRegisterRequest") != NULL;
	out->include_response = element_child(extension, "IncludeRegisterResponse") != NULL;
	return true;
}

struct criterion *criterion_read(const struct reading *r, const xmlNode *n)
{
	const xmlNode *priority = element_child(n, "Priority");
	const xmlNode *trigger = element_child(n, "TriggerPoint");
	struct criterion *out = element_alloc(r, sizeof(*out));
	uint32_t part = IFC_PART_BOTH;

	if (!out)
		return NULL;
	out->line = n->line;
	if (!priority || !element_number(r, priority, IFC_PRIORITY_MAX, &out->priority)) {
		element_wrong(r, n->line, "the criteria want a Priority, a number");
		return NULL;
	}
	if (!element_number(r, element_child(n, "ProfilePartIndicator"), 1, &part)) {
		element_wrong(r, n->line, "ProfilePartIndicator is 0 or 1");
		return NULL;
	}
	out->part = (enum ifc_part)part;
	if (!read_server(r, n, element_child(n, "ApplicationServer"), out) ||
	    (trigger && !read_points(r, trigger, out)))
		return NULL;
	return out;
}
