/* person.c - the terminals: who they are, with what keys, at which address */
#include "blast/person.h"

#include <stdio.h>
#include <stdlib.h>

#include "aka/milenage.h"

enum { NET = 0x0a400000 /* 10.64.0.0 */, FIRST_PORT = 5060, NET_BITS = 22 };

struct addr person_addr(uint32_t person)
{
	return addr_v4(NET + person / PERSON_PORTS,
		       (uint16_t)(FIRST_PORT + person % PERSON_PORTS));
}

uint32_t person_at(const struct addr *a)
{
	uint32_t ip = (uint32_t)(addr_half(a, 0) >> 32), port = (uint32_t)a->port - FIRST_PORT;

	if (ip >> NET_BITS != NET >> NET_BITS || port >= PERSON_PORTS)
		return UINT32_MAX;
	return (ip - NET) * PERSON_PORTS + port;
}

enum column { IMPI, K, OP, OPC, PASSWORD, COLUMNS };

/* Where each column is; -1: nowhere. */
struct layout {
	int at[COLUMNS];
};

/* Field number n of a line without quotes. */
static struct slice field(struct slice line, int n)
{
	for (; n > 0; n--)
		line = slice_from(line, slice_find(line, ',') + 1);
	return slice_trim(slice_sub(line, 0, slice_find(line, ',')));
}

static struct layout read_layout(struct slice head)
{
	static const char *const name[COLUMNS] = {"impi", "k", "op", "opc", "password"};
	struct layout l;

	for (int c = 0; c < COLUMNS; c++) {
		l.at[c] = -1;
		for (int n = 0; n < 32 && l.at[c] < 0; n++)
			if (slice_eq(field(head, n), slice_str(name[c])))
				l.at[c] = n;
	}
	return l;
}

static bool read_keys(struct slice line, const struct layout *l, struct person *p)
{
	uint8_t op[16];

	if (l->at[PASSWORD] >= 0 && field(line, l->at[PASSWORD]).len) {
		struct slice password = field(line, l->at[PASSWORD]);

		p->has_password = true;
		if (password.len >= sizeof(p->password))
			return false;
		memcpy(p->password, password.p, password.len);
		return true;
	}
	if (l->at[K] < 0 || !hex_decode(field(line, l->at[K]), p->k, 16))
		return false;
	if (l->at[OPC] >= 0 && field(line, l->at[OPC]).len)
		return hex_decode(field(line, l->at[OPC]), p->opc, 16);
	return l->at[OP] >= 0 && hex_decode(field(line, l->at[OP]), op, 16) &&
	       milenage_opc(p->k, op, p->opc) == 0;
}

static bool read_person(struct slice line, const struct layout *l, struct person *p,
			char domain[64])
{
	struct slice impi = field(line, l->at[IMPI]);
	uint32_t at = slice_find(impi, '@');

	if (at == 0 || at >= sizeof(p->name) || at == impi.len || impi.len - at - 1 >= 64)
		return false;
	memcpy(p->name, impi.p, at);
	p->name_len = (uint8_t)at;
	snprintf(domain, 64, "%.*s", SLICE_ARG(slice_from(impi, at + 1)));
	return read_keys(line, l, p);
}

static bool read_people(FILE *f, const char *file, struct person *people, uint32_t most,
			uint32_t *n, char domain[64])
{
	uint32_t number = 1;
	struct layout l;
	char line[512];

	if (!fgets(line, sizeof(line), f) || (l = read_layout(slice_str(line))).at[IMPI] < 0) {
		fprintf(stderr, "saker-blast: %s:1: no column impi\n", file);
		return false;
	}
	while (*n < most && fgets(line, sizeof(line), f)) {
		number++;
		if (!read_person(slice_str(line), &l, &people[*n], domain)) {
			fprintf(stderr, "saker-blast: %s:%u: no terminal can be made of this\n",
				file, number);
			return false;
		}
		(*n)++;
	}
	return true;
}

struct person *people_load(const char *file, uint32_t most, uint32_t *n, char domain[64])
{
	struct person *people = calloc(most, sizeof(*people));
	FILE *f = fopen(file, "r");
	bool all = false;

	*n = 0;
	if (f && people)
		all = read_people(f, file, people, most, n, domain);
	else
		fprintf(stderr, "saker-blast: %s cannot be read\n", file);
	if (f)
		fclose(f);
	if (!all) {
		free(people);
		return NULL;
	}
	return people;
}

struct person *people_make(uint32_t n)
{
	struct person *people = calloc(n, sizeof(*people));

	for (uint32_t i = 0; people && i < n; i++)
		people[i].name_len = (uint8_t)snprintf(people[i].name, sizeof(people[i].name),
						       "user%06u", i + 1);
	return people;
}
