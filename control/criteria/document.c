/* document.c - filter criteria as they are written: XML (TS 29.228 Annexes B and E) */
#define _GNU_SOURCE
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>

#include "criteria/element.h"

#define ROOT_BEGIN "<ServiceProfile>"
#define ROOT_END   "</ServiceProfile>"

enum { CHUNK_SIZE = 16384 };

struct criteria_chunk {
	struct criteria_chunk *next;
	size_t used, size;
	_Alignas(16) uint8_t memory[];
};

bool element_wrong(const struct reading *r, long line, const char *sentence)
{
	if (r->report)
		r->report->tell(r->report->ctx, line > 0 ? line + r->line_shift : 0, sentence);
	return false;
}

void *element_alloc(const struct reading *r, size_t size)
{
	struct criteria_chunk *c = r->out->memory;
	size_t want = (size + 15) / 16 * 16, room;

	if (!c || c->size - c->used < want) {
		room = want > CHUNK_SIZE ? want : CHUNK_SIZE;
		c = calloc(1, sizeof(*c) + room);
		if (!c) {
			element_wrong(r, 0, "no memory");
			return NULL;
		}
		c->size = room;
		c->next = r->out->memory;
		r->out->memory = c;
	}
	c->used += want;
	return c->memory + c->used - want;
}

bool element_is(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0;
}

xmlNode *element_child(const xmlNode *n, const char *name)
{
	for (xmlNode *c = n ? n->children : NULL; c; c = c->next)
		if (element_is(c, name))
			return c;
	return NULL;
}

struct slice element_text(const struct reading *r, const xmlNode *n)
{
	xmlChar *text = n ? xmlNodeGetContent(n) : NULL;
	struct slice s;
	uint8_t *copy;

	if (!text)
		return SLICE_EMPTY;
	s = slice_trim(slice_str((const char *)text));
	copy = element_alloc(r, s.len);
	if (copy)
		memcpy(copy, s.p, s.len);
	xmlFree(text);
	return copy ? slice_of(copy, s.len) : SLICE_EMPTY;
}

bool element_number(const struct reading *r, const xmlNode *n, uint32_t most, uint32_t *out)
{
	uint64_t v;

	if (!n)
		return true;
	if (!slice_u64(element_text(r, n), most, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

bool element_boolean(const struct reading *r, const xmlNode *n, bool *out)
{
	struct slice s = element_text(r, n);

	if (!n)
		return true;
	*out = slice_eq(s, SLICE("1")) || slice_eq(s, SLICE("true"));
	return *out || slice_eq(s, SLICE("0")) || slice_eq(s, SLICE("false"));
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

const char *criteria_add(struct criteria *to, struct criterion *item)
{
	uint32_t i = to->n;

	if (to->n == IFC_CRITERIA_MAX)
		return "more than 64 criteria";
	for (uint32_t k = 0; k < to->n; k++)
		if (to->item[k]->priority == item->priority)
			return "the same Priority twice";
	for (; i && to->item[i - 1]->priority > item->priority; i--)
		to->item[i] = to->item[i - 1];
	to->item[i] = item;
	to->n++;
	return NULL;
}

static void read_services(const struct reading *r, const xmlNode *n, struct criteria *p)
{
	const xmlNode *list = element_child(element_child(n, "Extension"), "ListOfServiceIds");
	uint32_t media = 0;

	if (!element_number(r, element_child(n, "SubscribedMediaProfileId"), INT32_MAX, &media))
		element_wrong(r, n->line, "SubscribedMediaProfileId is no number");
	else if (element_child(n, "SubscribedMediaProfileId"))
		p->media_profile = (int32_t)media;
	for (const xmlNode *c = list ? list->children : NULL; c; c = c->next) {
		struct slice s;

		if (!element_is(c, "ServiceId"))
			continue;
		s = element_text(r, c);
		if (s.len == 0 || s.len > SIP_URI_MAX || p->n_service == IFC_SERVICES_MAX)
			element_wrong(r, c->line,
				      "a ServiceId is empty or too long, or there are more "
				      "than 32");
		else
			p->service[p->n_service++] = s;
	}
}

static void read_shared_ids(const struct reading *r, const xmlNode *n, struct criteria *p)
{
	for (const xmlNode *c = n->children; c; c = c->next) {
		uint32_t id = 0;

		if (!element_is(c, "SharedIFCSetID"))
			continue;
		if (!element_number(r, c, INT32_MAX, &id) || p->n_shared == CRITERIA_SHARED_MAX)
			element_wrong(r, c->line,
				      "a SharedIFCSetID is no number, or there are more than "
				      "32");
		else
			p->shared[p->n_shared++] = id;
	}
}

static void read_criterion(const struct reading *r, const xmlNode *n, struct criteria *p)
{
	struct criterion *item = criterion_read(r, n);
	const char *wrong = item ? criteria_add(p, item) : NULL;

	if (wrong)
		element_wrong(r, n->line, wrong);
}

static bool read_profile(const struct reading *r, const xmlNode *n)
{
	struct criteria *p;

	if (r->out->n_profile == CRITERIA_PROFILES_MAX)
		return element_wrong(r, n->line, "more than 64 profiles");
	p = element_alloc(r, sizeof(*p));
	if (!p)
		return false;
	p->line = n->line;
	p->media_profile = -1;
	r->out->profile[r->out->n_profile++] = p;
	for (const xmlNode *c = n->children; c; c = c->next) {
		if (element_is(c, "InitialFilterCriteria"))
			read_criterion(r, c, p);
		else if (element_is(c, "CoreNetworkServicesAuthorization"))
			read_services(r, c, p);
		else if (element_is(c, "Extension"))
			read_shared_ids(r, c, p);
	}
	return true;
}

static bool read_shared_set(const struct reading *r, const xmlNode *n)
{
	const xmlNode *id = element_child(n, "SharedIFCSetID");
	struct criteria *p;

	if (!read_profile(r, n))
		return false;
	p = r->out->profile[r->out->n_profile - 1];
	if (id && element_number(r, id, INT32_MAX, &p->id))
		return true;
	r->out->n_profile--;
	element_wrong(r, n->line, "a SharedIFCSet wants a SharedIFCSetID, a number");
	return true;
}

static bool read_root(const struct reading *r, const xmlNode *root)
{
	const char *each = element_is(root, "IMSSubscription") ? "ServiceProfile"
			   : element_is(root, "SharedIFCSets") ? "SharedIFCSet"
							       : NULL;

	if (element_is(root, "ServiceProfile"))
		return read_profile(r, root);
	if (!each)
		return element_wrong(r, root->line,
				     "neither IMSSubscription, ServiceProfile, SharedIFCSets "
				     "nor InitialFilterCriteria");
	r->out->is_shared = strcmp(each, "SharedIFCSet") == 0;
	for (const xmlNode *c = root->children; c; c = c->next)
		if (element_is(c, each) &&
		    !(r->out->is_shared ? read_shared_set(r, c) : read_profile(r, c)))
			return false;
	return true;
}

/* What the parser would take for part of the document's own type, seen before it gets it. */
static bool is_hostile(struct slice xml)
{
	return memmem(xml.p, xml.len, "<!DOCTYPE", 9) ||
	       memmem(xml.p, xml.len, "<!ENTITY", 8) || memchr(xml.p, 0, xml.len);
}

/* Behind a byte order mark and an XML declaration. */
static struct slice without_declaration(struct slice xml)
{
	const uint8_t *end;

	if (slice_starts(xml, SLICE("\xef\xbb\xbf")))
		xml = slice_from(xml, 3);
	if (!slice_starts(slice_trim(xml), SLICE("<?xml ")))
		return xml;
	end = memmem(xml.p, xml.len, "?>", 2);
	return end ? slice_from(xml, (uint32_t)(end - xml.p) + 2) : xml;
}

/* The first element's name begins here; comments before it are passed over. */
static struct slice first_element(struct slice xml)
{
	const uint8_t *end;

	for (;;) {
		xml = slice_trim(xml);
		if (!slice_starts(xml, SLICE("<!--")))
			return xml;
		end = memmem(xml.p + 4, xml.len - 4, "-->", 3);
		if (!end)
			return xml;
		xml = slice_from(xml, (uint32_t)(end - xml.p) + 3);
	}
}

/* The first error is the one that says what is wrong; libxml2 goes on and finds more. */
struct first_error {
	long line;
	char sentence[CRITERIA_SENTENCE_MAX];
};

static void keep_error(void *context, xmlErrorPtr e)
{
	struct first_error *first = ((xmlParserCtxtPtr)context)->_private;

	if (*first->sentence)
		return;
	first->line = e->line;
	snprintf(first->sentence, sizeof(first->sentence), "not well-formed: %s",
		 e->message ? e->message : "");
	for (char *c = first->sentence; *c; c++)
		if ((uint8_t)*c < ' ' || *c == 127)
			*c = c[1] ? ' ' : 0;
}

static xmlDoc *parse(const struct reading *r, struct slice xml)
{
	xmlParserCtxtPtr ctxt = xmlNewParserCtxt();
	struct first_error first = {0};
	xmlDoc *doc;

	if (!ctxt) {
		element_wrong(r, 0, "no memory");
		return NULL;
	}
	ctxt->_private = &first;
	ctxt->sax->serror = keep_error;
	doc = xmlCtxtReadMemory(ctxt, (const char *)xml.p, (int)xml.len, NULL, "UTF-8",
				XML_PARSE_NONET | XML_PARSE_NOBLANKS);
	if (!doc)
		element_wrong(r, first.line,
			      *first.sentence ? first.sentence : "not well-formed");
	xmlFreeParserCtxt(ctxt);
	return doc;
}

/* A list has no root of its own and gets one; it stands on the first line too, and so shifts
 * none. What closes it from inside is not well-formed. */
static xmlDoc *parse_list(const struct reading *r, struct slice list)
{
	size_t len = sizeof(ROOT_BEGIN) - 1 + list.len + sizeof(ROOT_END) - 1;
	uint8_t *text = malloc(len);
	xmlDoc *doc;

	if (!text) {
		element_wrong(r, 0, "no memory");
		return NULL;
	}
	memcpy(text, ROOT_BEGIN, sizeof(ROOT_BEGIN) - 1);
	memcpy(text + sizeof(ROOT_BEGIN) - 1, list.p, list.len);
	memcpy(text + len - (sizeof(ROOT_END) - 1), ROOT_END, sizeof(ROOT_END) - 1);
	doc = parse(r, slice_of(text, len));
	free(text);
	return doc;
}

static long lines_between(const uint8_t *from, const uint8_t *to)
{
	long n = 0;

	for (; from < to; from++)
		n += *from == '\n';
	return n;
}

static xmlDoc *parse_any(struct reading *r, struct slice xml)
{
	struct slice rest = without_declaration(xml);

	if (!slice_starts(first_element(rest), SLICE("<InitialFilterCriteria")))
		return parse(r, xml);
	r->line_shift = lines_between(xml.p, rest.p);
	return parse_list(r, rest);
}

bool criteria_read(struct slice xml, const struct criteria_report *report,
		   struct criteria_document *out)
{
	struct reading r = {.out = out, .report = report};
	xmlDoc *doc;
	bool good;

	memset(out, 0, sizeof(*out));
	if (xml.len == 0)
		return element_wrong(&r, 0, "the document is empty");
	if (xml.len > CRITERIA_XML_MAX)
		return element_wrong(&r, 0, "longer than 64 KiB");
	if (is_hostile(xml))
		return element_wrong(&r, 0, "a document type, entities or a NUL");
	doc = parse_any(&r, xml);
	if (!doc)
		return false;
	if (too_deep(xmlDocGetRootElement(doc), 0))
		good = element_wrong(&r, 0, "elements lie too deep in each other");
	else
		good = read_root(&r, xmlDocGetRootElement(doc));
	xmlFreeDoc(doc);
	if (!good)
		criteria_free(out);
	return good;
}

void criteria_free(struct criteria_document *d)
{
	while (d->memory) {
		struct criteria_chunk *c = d->memory;

		d->memory = c->next;
		free(c);
	}
	memset(d, 0, sizeof(*d));
}
