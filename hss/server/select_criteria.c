/* select_criteria.c - some of a profile's filter criteria: those that lead to a server, or not
 */
#include "hss/select_criteria.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "store/store.h"

#define ROOT_BEGIN "<ServiceProfile>"
#define ROOT_END   "</ServiceProfile>"

static xmlNode *child(const xmlNode *n, const char *name)
{
	for (xmlNode *c = n ? n->children : NULL; c; c = c->next)
		if (c->type == XML_ELEMENT_NODE && strcmp((const char *)c->name, name) == 0)
			return c;
	return NULL;
}

static bool leads_to(const xmlNode *criterion, const struct slice *server, uint32_t n)
{
	xmlNode *name = child(child(criterion, "ApplicationServer"), "ServerName");
	xmlChar *text = name ? xmlNodeGetContent(name) : NULL;
	bool found = false;

	for (uint32_t i = 0; text && i < n && !found; i++)
		found = slice_eq(slice_trim(slice_str((const char *)text)), server[i]);
	xmlFree(text);
	return found;
}

static bool put_node(xmlNode *n, struct text *out)
{
	xmlBuffer *buffer = xmlBufferCreate();
	bool good = buffer && xmlNodeDump(buffer, n->doc, n, 0, 0) >= 0;

	if (good)
		text_put(out,
			 slice_of(xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer)));
	xmlBufferFree(buffer);
	return good && !out->overflow;
}

bool criteria_select(struct slice elements, const struct slice *server, uint32_t n, bool those,
		     struct text *out)
{
	uint8_t memory[STORE_PROFILE_MAX + sizeof(ROOT_BEGIN) + sizeof(ROOT_END)];
	struct text whole = text_in(memory, sizeof(memory));
	xmlDoc *doc;
	bool good;

	text_lit(&whole, ROOT_BEGIN);
	text_put(&whole, elements);
	text_lit(&whole, ROOT_END);
	if (whole.overflow)
		return false;
	doc = xmlReadMemory((const char *)memory, (int)whole.len, "criteria", "UTF-8",
			    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	good = doc != NULL;
	for (xmlNode *c = good ? xmlDocGetRootElement(doc)->children : NULL; c && good;
	     c = c->next)
		if (c->type == XML_ELEMENT_NODE && leads_to(c, server, n) == those)
			good = put_node(c, out);
	xmlFreeDoc(doc);
	return good;
}
