/* description.c - the session description in a body (RFC 8866), alone or as a part of several
 */
#define _GNU_SOURCE
#include "ifc/description.h"

#include "sip/header.h"

enum { BOUNDARY_MAX = 70 /* RFC 2046 §5.1.1 */ };

static bool is_type(struct slice value, struct slice type)
{
	struct slice s = slice_sub(value, 0, slice_find(value, ';'));

	return slice_eq_nocase(slice_trim(s), type);
}

static struct slice line_of(struct slice *rest)
{
	struct slice line = slice_sub(*rest, 0, slice_find(*rest, '\n'));

	*rest = slice_from(*rest, line.len + 1);
	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* Quotes around it are taken off; one with a quoted pair in it fits no line and finds none. */
static struct slice boundary_of(struct slice type)
{
	struct slice rest = slice_from(type, slice_find(type, ';'));

	while (rest.len) {
		struct slice one, name;

		rest = slice_from(rest, 1);
		one = slice_trim(slice_sub(rest, 0, slice_find(rest, ';')));
		rest = slice_from(rest, slice_find(rest, ';'));
		name = slice_sub(one, 0, slice_find(one, '='));
		if (!slice_eq_nocase(slice_trim(name), SLICE("boundary")))
			continue;
		one = slice_trim(slice_from(one, name.len + 1));
		if (one.len >= 2 && one.p[0] == '"' && one.p[one.len - 1] == '"')
			one = slice_sub(one, 1, one.len - 2);
		return one;
	}
	return SLICE_EMPTY;
}

static bool is_boundary(struct slice line, struct slice boundary)
{
	return line.len >= 2 + boundary.len && line.p[0] == '-' && line.p[1] == '-' &&
	       slice_starts(slice_from(line, 2), boundary);
}

/* Past the part's own header section; true: it is a description. A part says what it is, or is
 * plain text (RFC 2046 §5.1). */
static bool part_is_description(struct slice *rest)
{
	bool found = false;

	while (rest->len) {
		struct slice line = line_of(rest);
		uint32_t colon = slice_find(line, ':');

		if (line.len == 0)
			return found;
		if (sip_header_id(slice_trim(slice_sub(line, 0, colon))) == SIP_H_CONTENT_TYPE)
			found = is_type(slice_from(line, colon + 1), SLICE("application/sdp"));
	}
	return false;
}

static struct slice until_boundary(struct slice part, struct slice boundary)
{
	struct slice rest = part;

	while (rest.len) {
		const uint8_t *begin = rest.p;

		if (is_boundary(line_of(&rest), boundary))
			return slice_between(part.p, begin);
	}
	return part;
}

static struct slice in_parts(struct slice body, struct slice boundary)
{
	if (boundary.len == 0 || boundary.len > BOUNDARY_MAX)
		return SLICE_EMPTY;
	while (body.len)
		if (is_boundary(line_of(&body), boundary) && part_is_description(&body))
			return until_boundary(body, boundary);
	return SLICE_EMPTY;
}

struct slice description_of(const struct sip_msg *m)
{
	struct slice type = sip_first_value(m, SIP_H_CONTENT_TYPE);

	if (m->body.len == 0)
		return SLICE_EMPTY;
	if (is_type(type, SLICE("application/sdp")))
		return m->body;
	if (type.len > 10 && slice_eq_nocase(slice_sub(type, 0, 10), SLICE("multipart/")))
		return in_parts(m->body, boundary_of(type));
	return SLICE_EMPTY;
}

bool description_line(struct slice *rest, uint8_t *type, struct slice *value)
{
	struct slice line;

	if (rest->len == 0)
		return false;
	line = line_of(rest);
	*type = line.len >= 2 && line.p[1] == '=' ? line.p[0] : 0;
	*value = slice_from(line, 2);
	return true;
}
