/* userdata.c - the user profile of Cx: IMSSubscription XML (TS 29.228 Annexes B and E) */
#define _GNU_SOURCE
#include "control/userdata.h"

#include <libxml/xmlreader.h>

#include "control/wildcard.h"
#include "cx/cx.h"
#include "sip/uri.h"

/* The elements that matter, by their place in the tree. */
enum element {
	E_OTHER,
	E_SUBSCRIPTION,
	E_PRIVATE_ID,
	E_PROFILE,
	E_PUBLIC_IDENTITY,
	E_IDENTITY,
	E_BARRING,
	E_EXTENSION,
	E_DISPLAY_NAME,
	E_WILDCARD,
};

static const struct {
	enum element parent; /* E_OTHER: the root */
	const char *name;
	enum element element;
} places[] = {
	{E_OTHER, "IMSSubscription", E_SUBSCRIPTION},
	{E_SUBSCRIPTION, "PrivateID", E_PRIVATE_ID},
	{E_SUBSCRIPTION, "ServiceProfile", E_PROFILE},
	{E_PROFILE, "PublicIdentity", E_PUBLIC_IDENTITY},
	{E_PUBLIC_IDENTITY, "Identity", E_IDENTITY},
	{E_PUBLIC_IDENTITY, "BarringIndication", E_BARRING},
	/* The display name lies some extensions deep (tPublicIdentityExtension2 of Annex E). */
	{E_PUBLIC_IDENTITY, "Extension", E_EXTENSION},
	{E_EXTENSION, "Extension", E_EXTENSION},
	{E_EXTENSION, "DisplayName", E_DISPLAY_NAME},
	{E_EXTENSION, "WildcardedIMPU", E_WILDCARD},
};

struct reading {
	struct userdata *out;
	enum element path[USERDATA_DEPTH_MAX];
	struct userdata_identity now; /* the PublicIdentity being read */
	uint32_t identity_len;        /* as given, may exceed what fits */
	char wildcard[IMPU_MAX + 1];
	uint32_t wildcard_len;
	enum userdata_result result;
};

static enum element element_at(const struct reading *r, int depth, const char *name)
{
	enum element parent = depth ? r->path[depth - 1] : E_OTHER;

	if (depth && parent == E_OTHER)
		return E_OTHER;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (places[i].parent == parent && strcmp(places[i].name, name) == 0)
			return places[i].element;
	return E_OTHER;
}

/* Text may come in pieces; what does not fit is cut, and *total tells. */
static void append(char *field, size_t cap, struct slice text, uint32_t *total)
{
	size_t have = strlen(field);
	size_t take = text.len < cap - 1 - have ? text.len : cap - 1 - have;

	memcpy(field + have, text.p, take);
	field[have + take] = 0;
	*total += text.len;
}

static void trim_field(char *field)
{
	struct slice s = slice_trim(slice_str(field));

	memmove(field, s.p, s.len);
	field[s.len] = 0;
}

static void read_text(struct reading *r, int depth, struct slice text)
{
	uint32_t unused = 0;

	switch (depth ? r->path[depth - 1] : E_OTHER) {
	case E_PRIVATE_ID:
		append(r->out->impi, sizeof(r->out->impi), slice_trim(text), &unused);
		break;
	case E_IDENTITY:
		append(r->now.uri, sizeof(r->now.uri), text, &r->identity_len);
		break;
	case E_WILDCARD:
		append(r->wildcard, sizeof(r->wildcard), text, &r->wildcard_len);
		break;
	case E_BARRING:
		/* xs:boolean: "1" or "true" */
		text = slice_trim(text);
		r->now.barred = slice_eq(text, SLICE("1")) || slice_eq(text, SLICE("true"));
		break;
	case E_DISPLAY_NAME:
		append(r->now.display, sizeof(r->now.display), text, &unused);
		break;
	default:
		break;
	}
}

/* Takes off the rest of a UTF-8 sequence that was cut; control characters have no place in a
 * header. */
static void clean_display(char *display)
{
	size_t len = strlen(display), start = len;

	if (len == USERDATA_DISPLAY_MAX) {
		while (start && ((uint8_t)display[start - 1] & 0xc0) == 0x80)
			start--;
		if (start && (uint8_t)display[start - 1] >= 0xc0)
			display[start - 1] = 0;
	}
	for (char *c = display; *c; c++)
		if ((uint8_t)*c < ' ' || *c == 127)
			*c = ' ';
	trim_field(display);
}

static bool clean_uri(const char *uri)
{
	for (const char *c = uri; *c; c++)
		if ((uint8_t)*c <= ' ' || *c == 127 || *c == '<' || *c == '>' || *c == '"' ||
		    *c == ',')
			return false;
	return true;
}

/* A wildcarded identity holds an expression between exclamation marks (TS 23.003 §13.4A), and
 * stands in an element of its own (TS 29.228 Annex E) or in that of the others. */
static bool take_wildcard(struct reading *r)
{
	trim_field(r->wildcard);
	if (r->wildcard_len && r->wildcard_len <= IMPU_MAX)
		strcpy(r->now.uri, r->wildcard);
	else if (r->identity_len > IMPU_MAX)
		return false;
	if (!clean_uri(r->now.uri) || !wildcard_is(r->now.uri))
		return false;
	strcpy(r->now.canonical, r->now.uri);
	r->now.wildcard = true;
	return true;
}

static bool take_identity(struct reading *r)
{
	struct text canonical = text_in(r->now.canonical, sizeof(r->now.canonical));
	struct sip_uri uri;

	if (r->wildcard_len || strchr(r->now.uri, '!'))
		return take_wildcard(r);
	if (r->identity_len > IMPU_MAX || !clean_uri(r->now.uri) ||
	    sip_uri_decode(slice_str(r->now.uri), &uri) != SIP_OK ||
	    !sip_uri_identity(&uri, &canonical) || canonical.len > IMPU_MAX)
		return false;
	text_cstr(&canonical);
	return true;
}

static void end_identity(struct reading *r)
{
	struct userdata *u = r->out;

	trim_field(r->now.uri);
	clean_display(r->now.display);
	if (!take_identity(r))
		return;
	if (userdata_find(u, r->now.canonical) >= 0)
		return;
	if (u->n_identity == SET_IMPUS_MAX) {
		r->result = USERDATA_TOO_MUCH;
		return;
	}
	r->now.profile = (uint8_t)(u->n_profile - 1);
	u->identity[u->n_identity++] = r->now;
}

static void start_element(struct reading *r, int depth, enum element e)
{
	r->path[depth] = e;
	if (e == E_PROFILE) {
		if (r->out->n_profile == UINT8_MAX)
			r->result = USERDATA_TOO_MUCH;
		else
			r->out->n_profile++;
	} else if (e == E_PUBLIC_IDENTITY) {
		memset(&r->now, 0, sizeof(r->now));
		r->identity_len = r->wildcard_len = 0;
		r->wildcard[0] = 0;
	}
}

static void read_node(struct reading *r, xmlTextReaderPtr reader)
{
	int depth = xmlTextReaderDepth(reader);
	const char *text;

	if (depth >= USERDATA_DEPTH_MAX) {
		r->result = USERDATA_HOSTILE;
		return;
	}
	switch (xmlTextReaderNodeType(reader)) {
	case XML_READER_TYPE_ELEMENT:
		start_element(r, depth,
			      element_at(r, depth,
					 (const char *)xmlTextReaderConstLocalName(reader)));
		break;
	case XML_READER_TYPE_END_ELEMENT:
		if (r->path[depth] == E_PUBLIC_IDENTITY)
			end_identity(r);
		break;
	case XML_READER_TYPE_TEXT:
	case XML_READER_TYPE_CDATA:
		text = (const char *)xmlTextReaderConstValue(reader);
		if (text)
			read_text(r, depth, slice_str(text));
		break;
	case XML_READER_TYPE_DOCUMENT_TYPE:
	case XML_READER_TYPE_ENTITY:
	case XML_READER_TYPE_ENTITY_REFERENCE:
		r->result = USERDATA_HOSTILE;
		break;
	default:
		break;
	}
}

/* A DTD ends the reading before libxml2 sees it; the reader's own node type catches what an
 * unusual encoding hides from this. */
static bool has_doctype(struct slice xml)
{
	return memmem(xml.p, xml.len, "<!DOCTYPE", 9) ||
	       memmem(xml.p, xml.len, "<!ENTITY", 8) || memchr(xml.p, 0, xml.len);
}

enum userdata_result userdata_decode(struct slice xml, struct userdata *out)
{
	struct reading r = {.out = out};
	xmlTextReaderPtr reader;
	int more;

	memset(out, 0, sizeof(*out));
	if (xml.len > CX_USER_DATA_MAX)
		return USERDATA_HOSTILE;
	if (xml.len == 0)
		return USERDATA_MALFORMED;
	if (has_doctype(xml))
		return USERDATA_HOSTILE;
	reader = xmlReaderForMemory((const char *)xml.p, (int)xml.len, NULL, NULL,
				    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!reader)
		return USERDATA_MALFORMED;
	while ((more = xmlTextReaderRead(reader)) == 1 && r.result == USERDATA_OK)
		read_node(&r, reader);
	xmlFreeTextReader(reader);
	if (r.result != USERDATA_OK)
		return r.result;
	if (more < 0 || r.path[0] != E_SUBSCRIPTION)
		return USERDATA_MALFORMED;
	return out->n_identity ? USERDATA_OK : USERDATA_EMPTY;
}

int userdata_find(const struct userdata *u, const char *canonical)
{
	for (uint32_t i = 0; i < u->n_identity; i++)
		if (strcmp(u->identity[i].canonical, canonical) == 0)
			return (int)i;
	return -1;
}

int userdata_default(const struct userdata *u)
{
	for (uint32_t i = 0; i < u->n_identity; i++)
		if (!u->identity[i].barred && !u->identity[i].wildcard)
			return (int)i;
	return -1;
}

const char *userdata_result_text(enum userdata_result r)
{
	switch (r) {
	case USERDATA_OK:
		return "the profile is sound";
	case USERDATA_MALFORMED:
		return "the profile is not an IMSSubscription";
	case USERDATA_HOSTILE:
		return "the profile has a DTD, or is too deep or too large";
	case USERDATA_TOO_MUCH:
		return "the profile has too many identities";
	case USERDATA_EMPTY:
		return "the profile has no identity";
	}
	return "";
}
