/* reginfo_read.c - reads reginfo XML (RFC 3680 §5.1, §5.4) */
#define _GNU_SOURCE
#include "control/reginfo_read.h"

#include <libxml/xmlreader.h>

#include "sip/field.h"

enum {
	DEPTH_MAX = 16,
	/* Where the elements that matter stand. */
	DEPTH_ROOT = 0,
	DEPTH_REGISTRATION = 1,
	DEPTH_CONTACT = 2,
	DEPTH_URI = 3,
};

struct reading {
	xmlTextReaderPtr reader;
	struct reginfo_head *head;
	void (*each)(void *ctx, const struct reginfo_contact *contact);
	void *ctx;
	struct reginfo_contact now;
	size_t uri_len; /* as given; may exceed what fits */
	bool in_reginfo, in_registration, in_contact, in_uri;
	bool bad;
};

static bool attribute_is(struct reading *r, const char *name, const char *wanted)
{
	xmlChar *value = xmlTextReaderGetAttribute(r->reader, (const xmlChar *)name);
	bool is = value && strcmp((const char *)value, wanted) == 0;

	xmlFree(value);
	return is;
}

static bool attribute_number(struct reading *r, const char *name, uint32_t *out)
{
	xmlChar *value = xmlTextReaderGetAttribute(r->reader, (const xmlChar *)name);
	bool is = value && sip_delta_seconds(slice_str((const char *)value), out);

	xmlFree(value);
	return is;
}

static void start_root(struct reading *r)
{
	r->in_reginfo = attribute_number(r, "version", &r->head->version);
	r->head->full = attribute_is(r, "state", "full");
	r->bad = !r->in_reginfo || !(r->head->full || attribute_is(r, "state", "partial"));
}

static void start_contact(struct reading *r)
{
	memset(&r->now, 0, sizeof(r->now));
	r->uri_len = 0;
	r->in_contact = true;
	r->now.terminated = attribute_is(r, "state", "terminated");
	r->now.shortened = attribute_is(r, "event", "shortened");
	if (!attribute_number(r, "expires", &r->now.expires))
		r->now.expires = UINT32_MAX;
}

static void start_element(struct reading *r, int depth, const char *name)
{
	if (depth == DEPTH_ROOT && strcmp(name, "reginfo") == 0)
		start_root(r);
	else if (depth == DEPTH_ROOT)
		r->bad = true;
	else if (depth == DEPTH_REGISTRATION)
		r->in_registration = strcmp(name, "registration") == 0;
	else if (depth == DEPTH_CONTACT && r->in_registration && strcmp(name, "contact") == 0)
		start_contact(r);
	else if (depth == DEPTH_URI && r->in_contact && strcmp(name, "uri") == 0)
		r->in_uri = true;
}

static void end_element(struct reading *r, int depth)
{
	if (depth == DEPTH_REGISTRATION)
		r->in_registration = false;
	if (depth == DEPTH_URI)
		r->in_uri = false;
	if (depth != DEPTH_CONTACT || !r->in_contact)
		return;
	r->in_contact = false;
	if (r->uri_len > 0 && r->uri_len <= SIP_URI_MAX)
		r->each(r->ctx, &r->now);
}

static void take_text(struct reading *r, struct slice text)
{
	text = slice_trim(text);
	if (r->uri_len + text.len <= SIP_URI_MAX)
		memcpy(r->now.uri + r->uri_len, text.p, text.len);
	r->uri_len += text.len;
}

static void read_node(struct reading *r)
{
	int depth = xmlTextReaderDepth(r->reader);
	const char *text;

	switch (depth < DEPTH_MAX ? xmlTextReaderNodeType(r->reader)
				  : XML_READER_TYPE_DOCUMENT_TYPE) {
	case XML_READER_TYPE_ELEMENT:
		start_element(r, depth, (const char *)xmlTextReaderConstLocalName(r->reader));
		if (xmlTextReaderIsEmptyElement(r->reader))
			end_element(r, depth);
		break;
	case XML_READER_TYPE_END_ELEMENT:
		end_element(r, depth);
		break;
	case XML_READER_TYPE_TEXT:
	case XML_READER_TYPE_CDATA:
		text = (const char *)xmlTextReaderConstValue(r->reader);
		if (text && r->in_uri && depth == DEPTH_URI + 1)
			take_text(r, slice_str(text));
		break;
	case XML_READER_TYPE_DOCUMENT_TYPE:
	case XML_READER_TYPE_ENTITY:
	case XML_READER_TYPE_ENTITY_REFERENCE:
		r->bad = true;
		break;
	default:
		break;
	}
}

/* A DTD ends the reading before libxml2 sees it. */
static bool is_hostile(struct slice xml)
{
	return memmem(xml.p, xml.len, "<!DOCTYPE", 9) ||
	       memmem(xml.p, xml.len, "<!ENTITY", 8) || memchr(xml.p, 0, xml.len);
}

bool reginfo_read(struct slice xml, struct reginfo_head *head,
		  void (*each)(void *ctx, const struct reginfo_contact *contact), void *ctx)
{
	struct reading r = {.head = head, .each = each, .ctx = ctx};
	int more;

	if (xml.len == 0 || xml.len > SIP_MESSAGE_MAX || is_hostile(xml))
		return false;
	r.reader =
		xmlReaderForMemory((const char *)xml.p, (int)xml.len, NULL, NULL,
				   XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!r.reader)
		return false;
	while (!r.bad && (more = xmlTextReaderRead(r.reader)) == 1)
		read_node(&r);
	xmlFreeTextReader(r.reader);
	return !r.bad && more == 0 && r.in_reginfo;
}
