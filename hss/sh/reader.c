/* reader.c - reads the Sh-Data that an Application Server sends (TS 29.328 Annex D) */
#define _GNU_SOURCE
#include "sh/reader.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

struct reader {
	struct sh_document *out;
	struct text *memory;
};

static bool is(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0;
}

static xmlNode *next_element(xmlNode *n)
{
	while (n && n->type != XML_ELEMENT_NODE)
		n = n->next;
	return n;
}

/* Characters between elements say something that nobody would read. */
static bool has_loose_text(const xmlNode *n)
{
	for (const xmlNode *c = n->children; c; c = c->next)
		if ((c->type == XML_TEXT_NODE || c->type == XML_CDATA_SECTION_NODE) &&
		    !xmlIsBlankNode(c))
			return true;
	return false;
}

/* The text of an element without elements in it, without blanks around it. */
static bool value_of(struct reader *r, const xmlNode *n, uint32_t most, struct slice *out)
{
	xmlChar *text = next_element(n->children) ? NULL : xmlNodeGetContent(n);
	struct slice s;
	uint32_t from = r->memory->len;

	if (!text)
		return false;
	s = slice_trim(slice_str((const char *)text));
	if (s.len <= most)
		text_put(r->memory, s);
	*out = text_since(r->memory, from);
	xmlFree(text);
	return out->len > 0;
}

static bool number_of(struct reader *r, const xmlNode *n, uint64_t most, uint64_t *out)
{
	struct slice digits;

	return value_of(r, n, 8, &digits) && slice_u64(digits, most, out);
}

/* What it takes of the elements around it, namespaces, it is given of its own. */
static enum sh_read keep_node(struct reader *r, xmlNode *n)
{
	xmlNode *copy = xmlDocCopyNode(n, n->doc, 1);
	xmlBuffer *buffer = xmlBufferCreate();
	enum sh_read result = SH_READ_BAD;

	if (copy && buffer && xmlNodeDump(buffer, n->doc, copy, 0, 0) >= 0) {
		text_put(r->memory,
			 slice_of(xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer)));
		result = r->memory->overflow ? SH_READ_TOO_MUCH : SH_READ_GOOD;
	}
	xmlBufferFree(buffer);
	xmlFreeNode(copy);
	return result;
}

static enum sh_read read_data(struct reader *r, const xmlNode *n, struct sh_repository *to)
{
	uint32_t from = r->memory->len;
	enum sh_read result = SH_READ_GOOD;

	for (xmlNode *c = n->children; c && result == SH_READ_GOOD; c = c->next) {
		if (c->type == XML_ENTITY_REF_NODE)
			return SH_READ_BAD;
		/* Comments and instructions are the sender's own. */
		if (c->type == XML_ELEMENT_NODE || c->type == XML_TEXT_NODE ||
		    c->type == XML_CDATA_SECTION_NODE)
			result = keep_node(r, c);
	}
	to->has_data = true;
	to->data = slice_trim(text_since(r->memory, from));
	return result == SH_READ_GOOD && to->data.len > SH_DATA_MAX ? SH_READ_TOO_MUCH : result;
}

/* tTransparentData: ServiceIndication, SequenceNumber, ServiceData?, in any order. */
static enum sh_read read_repository(struct reader *r, const xmlNode *n)
{
	struct sh_document *d = r->out;
	struct sh_repository *to = &d->repository[d->n_repositories];
	bool numbered = false;
	uint64_t number;

	if (d->n_repositories == SH_LIST_MAX)
		return SH_READ_TOO_MUCH;
	for (xmlNode *c = next_element(n->children); c; c = next_element(c->next)) {
		enum sh_read result = SH_READ_BAD;

		if (is(c, "ServiceIndication") && !to->service.len &&
		    value_of(r, c, SH_NAME_MAX, &to->service)) {
			result = SH_READ_GOOD;
		} else if (is(c, "SequenceNumber") && !numbered &&
			   number_of(r, c, SH_SEQUENCE_MAX, &number)) {
			to->sequence = (uint32_t)number;
			numbered = true;
			result = SH_READ_GOOD;
		} else if (is(c, "ServiceData") && !to->has_data) {
			result = read_data(r, c, to);
		} else if (is(c, "Extension")) {
			result = SH_READ_GOOD;
		}
		if (result != SH_READ_GOOD)
			return result;
	}
	d->n_repositories++;
	return to->service.len && numbered ? SH_READ_GOOD : SH_READ_BAD;
}

static enum sh_read read_dsai(struct reader *r, const xmlNode *n)
{
	struct sh_document *d = r->out;
	struct sh_dsai *to = &d->dsai[d->n_dsais];
	bool valued = false;
	uint64_t value = 0;

	if (d->n_dsais == SH_LIST_MAX)
		return SH_READ_TOO_MUCH;
	for (xmlNode *c = next_element(n->children); c; c = next_element(c->next)) {
		if (is(c, "DSAI-Tag") && !to->tag.len) {
			if (!value_of(r, c, SH_NAME_MAX, &to->tag))
				return SH_READ_BAD;
		} else if (is(c, "DSAI-Value") && !valued) {
			valued = number_of(r, c, 1, &value);
			if (!valued)
				return SH_READ_BAD;
		} else if (!is(c, "Extension")) {
			return SH_READ_BAD;
		}
	}
	to->active = value == 0;
	d->n_dsais++;
	return to->tag.len && valued ? SH_READ_GOOD : SH_READ_BAD;
}

static enum sh_read read_psi(struct reader *r, const xmlNode *n)
{
	uint64_t value;

	if (r->out->psi_active != SH_FLAG_ABSENT || !number_of(r, n, 1, &value))
		return SH_READ_BAD;
	r->out->psi_active = value ? SH_FLAG_ACTIVE : SH_FLAG_INACTIVE;
	return SH_READ_GOOD;
}

/* Sh-IMS-Data and the extensions within it: the depth of the tree is bounded by now. */
static enum sh_read read_ims_data(struct reader *r, const xmlNode *n)
{
	enum sh_read result = has_loose_text(n) ? SH_READ_BAD : SH_READ_GOOD;

	for (xmlNode *c = next_element(n->children); c && result == SH_READ_GOOD;
	     c = next_element(c->next)) {
		if (is(c, "Extension"))
			result = read_ims_data(r, c);
		else if (is(c, "PSIActivation"))
			result = read_psi(r, c);
		else if (is(c, "DSAI"))
			result = read_dsai(r, c);
		else
			result = SH_READ_BAD;
	}
	return result;
}

static enum sh_read read_root(struct reader *r, const xmlNode *root)
{
	enum sh_read result = SH_READ_GOOD;

	if (!root || !is(root, "Sh-Data") || has_loose_text(root))
		return SH_READ_BAD;
	for (xmlNode *c = next_element(root->children); c && result == SH_READ_GOOD;
	     c = next_element(c->next)) {
		if (is(c, "RepositoryData"))
			result = read_repository(r, c);
		else if (is(c, "Sh-IMS-Data"))
			result = read_ims_data(r, c);
		else if (!is(c, "Extension"))
			result = SH_READ_BAD;
	}
	return result;
}

static bool too_deep(const xmlNode *n, int depth)
{
	if (depth > SH_DEPTH_MAX)
		return true;
	for (const xmlNode *c = n ? n->children : NULL; c; c = c->next)
		if (c->type == XML_ELEMENT_NODE && too_deep(c, depth + 1))
			return true;
	return false;
}

/* Seen before the parser gets it: with UTF-8 alone, nothing hides these words. */
static bool is_hostile(struct slice xml)
{
	return !text_is_utf8(xml) || memmem(xml.p, xml.len, "<!DOCTYPE", 9) ||
	       memmem(xml.p, xml.len, "<!ENTITY", 8);
}

enum sh_read sh_document_read(struct slice xml, struct sh_document *out, struct text *memory)
{
	struct reader r = {out, memory};
	enum sh_read result = SH_READ_BAD;
	xmlDoc *doc;

	memset(out, 0, sizeof(*out));
	if (xml.len > SH_USER_DATA_MAX)
		return SH_READ_TOO_MUCH;
	if (xml.len == 0 || is_hostile(xml))
		return SH_READ_BAD;
	doc = xmlReadMemory((const char *)xml.p, (int)xml.len, "sh-data", "UTF-8",
			    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (doc && !doc->intSubset && !too_deep(xmlDocGetRootElement(doc), 1))
		result = read_root(&r, xmlDocGetRootElement(doc));
	xmlFreeDoc(doc);
	return result == SH_READ_GOOD && memory->overflow ? SH_READ_TOO_MUCH : result;
}
