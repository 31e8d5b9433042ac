/* hear.c - what a terminal reads of a message: the start line, and of the lines what it needs
 */
#include "blast/blast.h"

static struct slice value_of(struct slice line)
{
	return slice_trim(slice_from(line, slice_find(line, ':') + 1));
}

/* "c0012abcd-00000001": kind, key, run. */
static void read_call_id(const struct blast *b, struct slice id, struct heard *h)
{
	uint64_t key, run;

	if (id.len != 18 || !hex_u64(slice_sub(id, 1, 8), &key) ||
	    !hex_u64(slice_sub(id, 10, 8), &run) || run != b->run)
		return;
	h->kind = (char)id.p[0];
	h->key = (uint32_t)key;
}

static void read_cseq(struct slice value, struct heard *h)
{
	uint32_t space = slice_find(value, ' ');

	if (space + 1 < value.len)
		h->method = value.p[space + 1];
}

static void keep(struct heard *h, struct slice line)
{
	if (h->n_lines < sizeof(h->line) / sizeof(h->line[0]))
		h->line[h->n_lines++] = line;
}

static void read_line(const struct blast *b, struct slice line, struct heard *h)
{
	switch (line.p[0]) {
	case 'V':
		if (slice_starts(line, SLICE("Via:")))
			keep(h, line);
		break;
	case 'R':
		if (slice_starts(line, SLICE("Record-Route:")))
			keep(h, line);
		break;
	case 'F':
		keep(h, line);
		break;
	case 'T':
		if (slice_starts(line, SLICE("To:"))) {
			h->to = value_of(line);
			keep(h, line);
		}
		break;
	case 'C':
		if (slice_starts(line, SLICE("Call-ID:"))) {
			read_call_id(b, value_of(line), h);
			keep(h, line);
		} else if (slice_starts(line, SLICE("CSeq:"))) {
			read_cseq(value_of(line), h);
			keep(h, line);
		}
		break;
	case 'S':
		if (slice_starts(line, SLICE("Service-Route:")))
			h->service_route = value_of(line);
		else if (slice_starts(line, SLICE("Security-Server:")))
			h->security_server = value_of(line);
		break;
	case 'W':
		if (slice_starts(line, SLICE("WWW-Authenticate:")) && !h->challenge.len)
			h->challenge = value_of(line);
		break;
	default:
		break;
	}
}

bool hear(const struct blast *b, const struct link_datagram *d, struct heard *h)
{
	struct slice rest = d->message;
	uint32_t end = slice_find(rest, '\n');
	uint64_t status;

	h->person = person_at(&d->to);
	h->status = 0;
	h->method = 0;
	h->kind = 0;
	h->n_lines = 0;
	h->service_route = h->challenge = h->security_server = h->to = SLICE_EMPTY;
	if (h->person >= b->n_people || end == rest.len)
		return false;
	if (slice_starts(rest, SLICE("SIP/2.0 "))) {
		if (!slice_u64(slice_sub(rest, 8, 3), 699, &status))
			return false;
		h->status = (uint16_t)status;
	}
	for (rest = slice_from(rest, end + 1); rest.len; rest = slice_from(rest, end + 1)) {
		if (rest.p[0] == '\r' || rest.p[0] == '\n')
			return h->kind && h->method;
		end = slice_find(rest, '\n');
		read_line(b, slice_sub(rest, 0, end + 1), h);
	}
	return false;
}
