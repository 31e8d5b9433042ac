/* tries.c - how often in a row a private identity gave a wrong response */
#include "control/tries.h"

#include <openssl/rand.h>
#include <stdlib.h>

#include "base/hash.h"

enum { TRIES_BUCKETS = 4096, TRIES_WAYS = 4 };

struct tries {
	struct hash_key key;
	uint64_t ttl_ms;
	struct tries_entry {
		uint64_t hash; /* keyed; of the whole identity: two users sharing one is out of
				  reach */
		uint64_t touched_ms;
		uint32_t count; /* 0: free */
	} entry[TRIES_BUCKETS][TRIES_WAYS];
};

struct tries *tries_new(uint64_t ttl_ms)
{
	struct tries *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->ttl_ms = ttl_ms;
	if (RAND_bytes((uint8_t *)&t->key, sizeof(t->key)) != 1) {
		free(t);
		return NULL;
	}
	return t;
}

void tries_free(struct tries *t)
{
	free(t);
}

static struct tries_entry *find(struct tries *t, uint64_t hash)
{
	struct tries_entry *e = t->entry[hash % TRIES_BUCKETS];

	for (uint32_t i = 0; i < TRIES_WAYS; i++)
		if (e[i].count && e[i].hash == hash)
			return &e[i];
	return NULL;
}

/* A free entry, or the one touched longest ago. */
static struct tries_entry *make_room(struct tries *t, uint64_t hash)
{
	struct tries_entry *e = t->entry[hash % TRIES_BUCKETS];
	struct tries_entry *oldest = &e[0];

	for (uint32_t i = 0; i < TRIES_WAYS; i++) {
		if (!e[i].count)
			return &e[i];
		if (e[i].touched_ms < oldest->touched_ms)
			oldest = &e[i];
	}
	return oldest;
}

uint32_t tries_add(struct tries *t, struct slice impi, uint64_t now_ms)
{
	uint64_t hash = hash_table(&t->key, impi.p, impi.len);
	struct tries_entry *e = find(t, hash);

	if (!e) {
		e = make_room(t, hash);
		*e = (struct tries_entry){.hash = hash};
	} else if (now_ms - e->touched_ms > t->ttl_ms) {
		e->count = 0;
	}
	e->touched_ms = now_ms;
	return ++e->count;
}

void tries_clear(struct tries *t, struct slice impi)
{
	struct tries_entry *e = find(t, hash_table(&t->key, impi.p, impi.len));

	if (e)
		e->count = 0;
}
