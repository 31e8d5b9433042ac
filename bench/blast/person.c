/* person.c - the terminals: who they are, with what keys, at which address */
#include "person.h"

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

/* The next field of a line; false: there is none. */
static bool field(struct slice *rest, struct slice *out)
{
	uint32_t end = slice_find(*rest, ',');

	*out = slice_sub(*rest, 0, end);
	if (rest->len == 0)
		return false;
	*rest = slice_from(*rest, end + 1);
	return true;
}

static bool read_person(struct slice line, struct person *p, char domain[64])
{
	struct slice impi, impu, k, op;
	uint8_t op_octets[16];
	uint32_t at;

	if (!field(&line, &impi) || !field(&line, &impu) || !field(&line, &k) ||
	    !field(&line, &op))
		return false;
	at = slice_find(impi, '@');
	if (at == 0 || at >= sizeof(p->name) || impi.len - at - 1 >= 64 || at == impi.len)
		return false;
	memcpy(p->name, impi.p, at);
	p->name_len = (uint8_t)at;
	snprintf(domain, 64, "%.*s", SLICE_ARG(slice_from(impi, at + 1)));
	return hex_decode(k, p->k, 16) && hex_decode(op, op_octets, 16) &&
	       milenage_opc(p->k, op_octets, p->opc) == 0;
}

struct person *people_load(const char *file, uint32_t most, uint32_t *n, char domain[64])
{
	struct person *people = calloc(most, sizeof(*people));
	FILE *f = fopen(file, "r");
	char line[512];
	uint32_t number = 1;

	*n = 0;
	if (!f || !people || !fgets(line, sizeof(line), f)) {
		fprintf(stderr, "saker-blast: %s cannot be read\n", file);
		goto failed;
	}
	while (*n < most && fgets(line, sizeof(line), f)) {
		number++;
		if (read_person(slice_str(line), &people[*n], domain)) {
			(*n)++;
			continue;
		}
		fprintf(stderr, "saker-blast: %s:%u: not a line of impi,impu,k,op,amf\n", file,
			number);
		goto failed;
	}
	fclose(f);
	return people;
failed:
	if (f)
		fclose(f);
	free(people);
	return NULL;
}

struct person *people_make(uint32_t n)
{
	struct person *people = calloc(n, sizeof(*people));

	for (uint32_t i = 0; people && i < n; i++)
		people[i].name_len = (uint8_t)snprintf(people[i].name, sizeof(people[i].name),
						       "user%06u", i + 1);
	return people;
}
