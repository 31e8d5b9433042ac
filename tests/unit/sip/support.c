/* support.c - what the tests of sip/ share */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sip/field.h"
#include "sip/name_addr.h"
#include "sip/reply.h"
#include "sip/uri.h"
#include "sip/via.h"
#include "support.h"

static struct slice read_whole(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p = malloc(65536);
	size_t n;

	assert_non_null(f);
	assert_non_null(p);
	n = fread(p, 1, 65536, f);
	fclose(f);
	return slice_of(p, n);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct sample *)a)->name, ((const struct sample *)b)->name);
}

void corpus_load(struct corpus *c, const char *folder)
{
	char path[1024];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", SIP_CORPUS, folder);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name);
		struct sample *s = &c->sample[c->n];

		if (len < 5 || strcmp(entry->d_name + len - 4, ".sip") != 0)
			continue;
		assert_true(c->n < SAMPLES_MAX && len - 4 < sizeof(s->name));
		memset(s->name, 0, sizeof(s->name));
		memcpy(s->name, entry->d_name, len - 4);
		snprintf(path, sizeof(path), "%s/%s/%s", SIP_CORPUS, folder, entry->d_name);
		s->text = read_whole(path);
		c->n++;
	}
	closedir(dir);
	qsort(c->sample, c->n, sizeof(c->sample[0]), by_name);
}

void corpus_free(struct corpus *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		free((void *)(uintptr_t)c->sample[i].text.p);
	c->n = 0;
}

struct slice corpus_find(const struct corpus *c, const char *name)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (strcmp(c->sample[i].name, name) == 0)
			return c->sample[i].text;
	fail_msg("no sample %s", name);
	return SLICE_EMPTY;
}

struct guarded guard_new(uint32_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (len + page - 1) / page * page;
	struct guarded g = {.len = (uint32_t)room, .mapping_len = room + 2 * page};

	g.mapping = mmap(NULL, g.mapping_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(g.mapping, MAP_FAILED);
	g.start = g.mapping + page;
	assert_int_equal(mprotect(g.start, room, PROT_READ | PROT_WRITE), 0);
	return g;
}

void guard_free(struct guarded *g)
{
	munmap(g->mapping, g->mapping_len);
}

struct slice guard_at_end(const struct guarded *g, struct slice s)
{
	uint8_t *p = g->start + g->len - s.len;

	assert_true(s.len <= g->len);
	if (s.len)
		memcpy(p, s.p, s.len);
	return slice_of(p, s.len);
}

struct slice guard_at_start(const struct guarded *g, struct slice s)
{
	assert_true(s.len <= g->len);
	if (s.len)
		memcpy(g->start, s.p, s.len);
	return slice_of(g->start, s.len);
}

static void blame(enum sip_error *first, enum sip_error e)
{
	if (*first == SIP_OK)
		*first = e;
}

static enum sip_error look_at_vias(const struct sip_msg *msg)
{
	enum sip_error first = SIP_OK, e;
	struct sip_via via;
	struct addr to;

	for (const struct sip_header *h = sip_first(msg, SIP_H_VIA); h; h = sip_next(msg, h)) {
		struct slice rest = sip_value(msg, h);

		do {
			e = sip_via_decode(rest, &via, &rest);
			blame(&first, e);
			if (e == SIP_OK)
				sip_via_destination(&via, &to);
		} while (e == SIP_OK && rest.len);
	}
	sip_via_second(msg, &via);
	return first;
}

/* Not what is wrong in a URI: RFC 4475 has sound messages with URIs nobody can route on. */
static void look_at_uri(struct slice uri)
{
	uint8_t memory[IMPU_MAX];
	struct text identity = text_in(memory, sizeof(memory));
	struct sip_uri parts;
	struct slice value;
	struct addr to;

	if (sip_uri_decode(uri, &parts) != SIP_OK)
		return;
	sip_param(parts.params, SLICE("no-such"), &value);
	sip_uri_addr(&parts, 5060, &to);
	sip_uri_identity(&parts, &identity);
}

static enum sip_error look_at_addresses(const struct sip_msg *msg)
{
	static const struct {
		uint8_t id, what;
	} list[] = {
		{SIP_H_CONTACT, SIP_E_CONTACT},    {SIP_H_ROUTE, SIP_E_ROUTE},
		{SIP_H_RECORD_ROUTE, SIP_E_ROUTE}, {SIP_H_P_ASSERTED_IDENTITY, SIP_E_PARAM},
		{SIP_H_PATH, SIP_E_ROUTE},
	};
	enum sip_error first = SIP_OK;

	for (uint32_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct sip_name_addr_walk walk;
		struct sip_name_addr one;

		sip_walk(&walk, msg, list[i].id, list[i].what);
		while (sip_walk_next(&walk, &one)) {
			sip_qvalue(one.params);
			look_at_uri(one.uri);
		}
		blame(&first, walk.error);
	}
	return first;
}

static void look_at_lists(const struct sip_msg *msg)
{
	static const uint8_t digest[] = {SIP_H_AUTHORIZATION, SIP_H_WWW_AUTHENTICATE,
					 SIP_H_PROXY_AUTHORIZATION, SIP_H_SUBJECT};
	struct slice scheme, rest, name, value;

	for (uint32_t i = 0; i < sizeof(digest); i++)
		if (sip_auth_scheme(sip_first_value(msg, digest[i]), &scheme, &rest))
			while (sip_auth_param(&rest, &name, &value))
				continue;
	for (uint32_t id = 0; id < SIP_H_MAX; id++)
		sip_has_token(msg, id, SLICE("no-such-token"));
}

static void look_at_reply(const struct sip_msg *msg)
{
	const struct addr source = addr_v4(0xc0000263, 5062);
	struct sip_reply reply = {
		.status = 400, .to_tag = SLICE("t1"), .source = &source, .record_route = true};
	uint8_t memory[4096];
	struct text out = text_in(memory, sizeof(memory));

	sip_reply_write(msg, &reply, &out);
}

enum sip_error look_at_everything(const struct sip_msg *msg)
{
	enum sip_error first = look_at_vias(msg);
	uint8_t forwards;
	uint32_t seconds;

	blame(&first, look_at_addresses(msg));
	if (sip_first(msg, SIP_H_MAX_FORWARDS))
		blame(&first, sip_max_forwards_decode(sip_first_value(msg, SIP_H_MAX_FORWARDS),
						      &forwards));
	sip_delta_seconds(sip_first_value(msg, SIP_H_EXPIRES), &seconds);
	sip_tag(sip_first_value(msg, SIP_H_FROM));
	sip_tag(sip_first_value(msg, SIP_H_TO));
	look_at_uri(msg->uri);
	look_at_lists(msg);
	look_at_reply(msg);
	return first;
}

static void assert_inside(struct slice s, struct slice whole)
{
	if (s.len == 0)
		return;
	assert_true(s.p >= whole.p && s.p + s.len <= whole.p + whole.len);
}

void assert_sound(const struct sip_msg *msg, struct slice datagram)
{
	uint32_t seen = 0, end = msg->first_line;

	assert_inside(msg->raw, datagram);
	assert_inside(msg->body, msg->raw);
	assert_inside(msg->method_name, msg->raw);
	assert_inside(msg->uri, msg->raw);
	assert_inside(msg->reason, msg->raw);
	assert_true(msg->n_headers <= SIP_HEADERS_MAX);
	for (uint32_t i = 0; i < msg->n_headers; i++) {
		const struct sip_header *h = &msg->header[i];

		assert_true(h->name >= end);
		assert_true(h->name_len > 0);
		assert_true(h->name + h->name_len < h->value);
		assert_true(h->value + h->value_len < h->end);
		end = h->end;
		assert_int_equal(datagram.p[end - 1], '\n');
	}
	assert_true(end <= datagram.len);
	for (uint32_t id = 0; id < SIP_H_MAX; id++) {
		const struct sip_header *before = NULL;

		for (const struct sip_header *h = sip_first(msg, id); h; h = sip_next(msg, h)) {
			assert_int_equal(h->id, id);
			assert_true(before == NULL || h > before);
			before = h;
			seen++;
		}
	}
	assert_int_equal(seen, msg->n_headers);
}

uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}
