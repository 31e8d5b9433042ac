/* server.c - the Application Server of a bench */
#include "blast/server.h"

static struct slice line_of(struct slice rest)
{
	return slice_sub(rest, 0, slice_find(rest, '\n') + 1);
}

/* What is behind "branch=" in a Via line, without the cookie that all have. */
static struct slice branch_of(struct slice via)
{
	const struct slice mark = SLICE(";branch=z9hG4bK");

	for (uint32_t i = 0; i + mark.len < via.len; i++) {
		struct slice rest = slice_from(via, i);
		uint32_t end = 0;

		if (!slice_starts(rest, mark))
			continue;
		rest = slice_from(rest, mark.len);
		while (end < rest.len && rest.p[end] != ';' && rest.p[end] != ',' &&
		       rest.p[end] != '\r' && rest.p[end] != '\n')
			end++;
		return slice_sub(rest, 0, end);
	}
	return SLICE_EMPTY;
}

static bool put_via(const struct addr *server, struct slice below, struct text *t)
{
	struct slice branch = branch_of(below);

	text_lit(t, "Via: SIP/2.0/UDP ");
	addr_put(t, server);
	text_lit(t, ";branch=z9hG4bKas");
	text_put(t, branch);
	text_lit(t, "\r\n");
	return branch.len != 0;
}

/* The first entry is the server; what is left of the line goes on. */
static void put_route(struct slice line, struct text *t)
{
	uint32_t comma = slice_find(line, ',');

	if (comma == line.len)
		return;
	text_lit(t, "Route: ");
	text_put(t, slice_trim(slice_from(line, comma + 1)));
	text_lit(t, "\r\n");
}

static void put_max_forwards(struct slice line, struct text *t)
{
	struct slice value = slice_trim(slice_from(line, slice_find(line, ':') + 1));
	uint32_t n = 70;

	text_lit(t, "Max-Forwards: ");
	text_u64(t, slice_u32(value, &n) && n ? n - 1 : 0);
	text_lit(t, "\r\n");
}

static bool put_request(const struct addr *server, struct slice rest, struct text *t)
{
	bool via = false, route = false;
	struct slice line = line_of(rest);

	text_put(t, line);
	for (rest = slice_from(rest, line.len); rest.len; rest = slice_from(rest, line.len)) {
		line = line_of(rest);
		if (line.len <= 2)
			break;
		if (!via && slice_starts(line, SLICE("Via:"))) {
			via = put_via(server, line, t);
			text_put(t, line);
		} else if (!route && slice_starts(line, SLICE("Route:"))) {
			route = true;
			put_route(line, t);
		} else if (slice_starts(line, SLICE("Max-Forwards:"))) {
			put_max_forwards(line, t);
		} else {
			text_put(t, line);
		}
	}
	text_put(t, rest);
	return via && route;
}

static bool put_response(struct slice rest, struct text *t)
{
	struct slice line = line_of(rest);

	text_put(t, line);
	rest = slice_from(rest, line.len);
	line = line_of(rest);
	while (rest.len && !slice_starts(line, SLICE("Via:"))) {
		text_put(t, line);
		rest = slice_from(rest, line.len);
		line = line_of(rest);
	}
	text_put(t, slice_from(rest, line.len));
	return rest.len != 0;
}

bool server_write(const struct addr *server, struct slice message, struct text *t)
{
	bool good = slice_starts(message, SLICE("SIP/2.0 ")) ? put_response(message, t)
							     : put_request(server, message, t);

	return good && !t->overflow;
}

bool server_pass(struct blast *b, struct slice message)
{
	uint8_t memory[LINK_MESSAGE_MAX];
	struct text t = text_in(memory, sizeof(memory));

	if (!server_write(&b->o.server, message, &t))
		return false;
	link_send(&b->link, &b->o.server, text_slice(&t));
	return true;
}
