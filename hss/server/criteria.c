/* criteria.c - initial filter criteria of a service profile (TS 29.228 Annexes B.2.2, E) */
#define _GNU_SOURCE
#include "hss/criteria.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>

#include "hss/triggers.h"
#include "sip/uri.h"

#define ROOT_BEGIN "<ServiceProfile>"
#define ROOT_END   "</ServiceProfile>"

/* SessionCase of Annex E that an unregistered user can have. */
enum { CASE_TERMINATING_UNREGISTERED = 2, CASE_ORIGINATING_UNREGISTERED = 3 };

enum { PROFILE_PART_REGISTERED = 0, VALUE_MAX = 1023 };

static bool refuse(char *error, long line, const char *sentence)
{
	/* The root that is put around it stands on the first line too, and so shifts none. */
	if (line > 0)
		snprintf(error, CRITERIA_ERROR_MAX, "line %ld: %s", line, sentence);
	else
		snprintf(error, CRITERIA_ERROR_MAX, "%s", sentence);
	return false;
}

static bool is(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0;
}

static xmlNode *child(const xmlNode *n, const char *name)
{
	for (xmlNode *c = n->children; c; c = c->next)
		if (is(c, name))
			return c;
	return NULL;
}

/* The text of a child, without blanks around it; false if there is none or it is longer than
 * memory. */
static bool child_text(const xmlNode *n, const char *name, char out[VALUE_MAX + 1])
{
	xmlNode *c = child(n, name);
	xmlChar *text = c ? xmlNodeGetContent(c) : NULL;
	struct slice s;

	if (!text)
		return false;
	s = slice_trim(slice_str((const char *)text));
	if (s.len > VALUE_MAX)
		s.len = 0;
	memcpy(out, s.p, s.len);
	out[s.len] = 0;
	xmlFree(text);
	return s.len > 0;
}

static bool child_number(const xmlNode *n, const char *name, uint64_t most, uint64_t *out)
{
	char text[VALUE_MAX + 1];

	return child_text(n, name, text) && slice_u64(slice_str(text), most, out);
}

/* xs:boolean; absent is false. */
static bool child_true(const xmlNode *n, const char *name)
{
	char text[VALUE_MAX + 1];

	return child_text(n, name, text) &&
	       (strcmp(text, "1") == 0 || strcmp(text, "true") == 0);
}

/* What the parser would take for part of the document's own type, seen before it gets it. */
static bool is_hostile(struct slice xml)
{
	return memmem(xml.p, xml.len, "<!DOCTYPE", 9) ||
	       memmem(xml.p, xml.len, "<!ENTITY", 8) || memchr(xml.p, 0, xml.len);
}

static struct slice without_declaration(struct slice xml)
{
	const uint8_t *end;

	if (slice_starts(xml, SLICE("\xef\xbb\xbf")))
		xml = slice_from(xml, 3);
	xml = slice_trim(xml);
	if (!slice_starts(xml, SLICE("<?xml ")))
		return xml;
	end = memmem(xml.p, xml.len, "?>", 2);
	return end ? slice_trim(slice_from(xml, (uint32_t)(end - xml.p) + 2)) : xml;
}

static bool too_deep(const xmlNode *n, int depth)
{
	if (depth > CRITERIA_DEPTH_MAX)
		return true;
	for (const xmlNode *c = n->children; c; c = c->next)
		if (c->type == XML_ELEMENT_NODE && too_deep(c, depth + 1))
			return true;
	return false;
}

/* Could this service point be true for an unregistered user with the session case? Of what is
 * not known here, yes. */
static bool point_may_hold(const xmlNode *spt, uint64_t session_case)
{
	bool negated = child_true(spt, "ConditionNegated");
	char method[VALUE_MAX + 1];
	uint64_t value;

	if (child_number(spt, "SessionCase", 255, &value))
		return (value == session_case) != negated;
	/* Who sends REGISTER is being registered. */
	if (child_text(spt, "Method", method) && strcmp(method, "REGISTER") == 0)
		return negated;
	return true;
}

/* The groups of a trigger point, and for each whether it may hold. */
struct groups {
	uint32_t n;
	uint64_t id[CRITERIA_TRIGGERS_MAX];
	bool may[CRITERIA_TRIGGERS_MAX];
};

static bool group_add(struct groups *g, uint64_t id, bool may, bool conjunction_of_groups)
{
	uint32_t i = 0;

	while (i < g->n && g->id[i] != id)
		i++;
	if (i == CRITERIA_TRIGGERS_MAX)
		return false;
	if (i == g->n) {
		g->id[g->n] = id;
		g->may[g->n++] = may;
		return true;
	}
	/* CNF: one of the group is enough; DNF: all are wanted (Annex C). */
	g->may[i] = conjunction_of_groups ? g->may[i] || may : g->may[i] && may;
	return true;
}

/* Too many groups: may, because no service is then missed. */
static bool trigger_may_fire(const xmlNode *trigger, uint64_t session_case)
{
	bool cnf = child_true(trigger, "ConditionTypeCNF");
	struct groups g = {0};
	uint32_t holding = 0;

	for (const xmlNode *spt = trigger->children; spt; spt = spt->next) {
		bool may = is(spt, "SPT") && point_may_hold(spt, session_case);

		if (!is(spt, "SPT"))
			continue;
		for (const xmlNode *k = spt->children; k; k = k->next) {
			xmlChar *text = is(k, "Group") ? xmlNodeGetContent(k) : NULL;
			uint64_t id = 0;
			bool counted =
				!text || (slice_u64(slice_trim(slice_str((const char *)text)),
						    INT32_MAX, &id) &&
					  group_add(&g, id, may, cnf));

			xmlFree(text);
			if (!counted)
				return true;
		}
	}
	for (uint32_t i = 0; i < g.n; i++)
		holding += g.may[i];
	return cnf ? holding == g.n : holding > 0;
}

static uint32_t services_of(const xmlNode *criteria)
{
	const xmlNode *trigger = child(criteria, "TriggerPoint");
	uint32_t services = 0;
	uint64_t part;

	if (child_number(criteria, "ProfilePartIndicator", 1, &part) &&
	    part == PROFILE_PART_REGISTERED)
		return 0;
	if (!trigger || trigger_may_fire(trigger, CASE_TERMINATING_UNREGISTERED))
		services |= STORE_TERMINATING_UNREGISTERED;
	if (!trigger || trigger_may_fire(trigger, CASE_ORIGINATING_UNREGISTERED))
		services |= STORE_ORIGINATING_UNREGISTERED;
	return services;
}

static bool check_one(const xmlNode *n, char *error)
{
	const xmlNode *server = child(n, "ApplicationServer");
	char name[VALUE_MAX + 1];
	struct sip_uri uri;
	uint64_t value;

	if (!child_number(n, "Priority", INT32_MAX, &value))
		return refuse(error, n->line, "the criteria want a Priority, a number");
	if (!server || !child_text(server, "ServerName", name))
		return refuse(error, n->line,
			      "the criteria want an ApplicationServer with a ServerName");
	if (sip_uri_decode(slice_str(name), &uri) != SIP_OK ||
	    (uri.scheme != SIP_SCHEME_SIP && uri.scheme != SIP_SCHEME_SIPS))
		return refuse(error, server->line, "ServerName is no SIP URI");
	if (child(server, "DefaultHandling") &&
	    !child_number(server, "DefaultHandling", 1, &value))
		return refuse(error, server->line, "DefaultHandling is 0 or 1");
	return true;
}

/* Priorities order the criteria and so are different (Annex B.2.2). */
static bool check_priorities(const xmlNode *root, char *error)
{
	uint64_t a, b;

	for (const xmlNode *n = root->children; n; n = n->next) {
		if (n->type != XML_ELEMENT_NODE || !child_number(n, "Priority", INT32_MAX, &a))
			continue;
		for (const xmlNode *m = n->next; m; m = m->next)
			if (m->type == XML_ELEMENT_NODE &&
			    child_number(m, "Priority", INT32_MAX, &b) && a == b)
				return refuse(error, m->line, "the same Priority twice");
	}
	return true;
}

static bool check_all(const xmlNode *root, uint32_t *services, char *error)
{
	uint32_t n = 0;

	*services = 0;
	if (too_deep(root, 0))
		return refuse(error, 0, "elements lie too deep in each other");
	for (xmlNode *c = root->children; c; c = c->next) {
		if (c->type == XML_COMMENT_NODE || xmlIsBlankNode(c))
			continue;
		if (!is(c, "InitialFilterCriteria"))
			return refuse(
				error, c->line,
				"InitialFilterCriteria elements are wanted and nothing else");
		if (++n > CRITERIA_MAX)
			return refuse(error, c->line,
				      "too many InitialFilterCriteria elements");
		if (!check_one(c, error))
			return false;
		*services |= services_of(c);
	}
	return n ? check_priorities(root, error)
		 : refuse(error, 0, "no InitialFilterCriteria element");
}

/* The elements have no root of their own. What closes ours from inside is not well-formed. */
static xmlDoc *parse(struct slice elements)
{
	size_t len = sizeof(ROOT_BEGIN) - 1 + elements.len + sizeof(ROOT_END) - 1;
	char *text = malloc(len);
	xmlDoc *doc;

	if (!text)
		return NULL;
	memcpy(text, ROOT_BEGIN, sizeof(ROOT_BEGIN) - 1);
	memcpy(text + sizeof(ROOT_BEGIN) - 1, elements.p, elements.len);
	memcpy(text + len - (sizeof(ROOT_END) - 1), ROOT_END, sizeof(ROOT_END) - 1);
	doc = xmlReadMemory(text, (int)len, NULL, "UTF-8",
			    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	free(text);
	return doc;
}

bool criteria_check(struct slice xml, struct slice *elements, uint32_t *services,
		    char error[CRITERIA_ERROR_MAX])
{
	xmlDoc *doc;
	bool sound;

	*elements = without_declaration(xml);
	if (elements->len == 0)
		return refuse(error, 0, "no InitialFilterCriteria element");
	if (elements->len > STORE_PROFILE_MAX)
		return refuse(error, 0, "longer than 32 KiB");
	if (is_hostile(*elements))
		return refuse(error, 0, "a document type or entities");
	doc = parse(*elements);
	if (!doc)
		return refuse(error, 0, "not well-formed XML in UTF-8");
	sound = xmlDocGetRootElement(doc) &&
		check_all(xmlDocGetRootElement(doc), services, error);
	xmlFreeDoc(doc);
	return sound && triggers_check(xml, error);
}
