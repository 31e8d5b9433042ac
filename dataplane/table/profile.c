/* profile.c - service profiles, each once for all users who have it */
#include <stdlib.h>

#include "table/tables.h"

bool profiles_create(struct profiles *p)
{
	p->slot = calloc(PROFILES_MAX, sizeof(*p->slot));
	p->bucket = calloc(PROFILES_BUCKETS, sizeof(*p->bucket));
	p->free = calloc(PROFILES_MAX, sizeof(*p->free));
	p->left = calloc(PROFILES_MAX, sizeof(*p->left));
	if (!p->slot || !p->bucket || !p->free || !p->left) {
		profiles_destroy(p);
		return false;
	}
	for (uint32_t i = 0; i < PROFILES_MAX; i++)
		p->free[p->n_free++] = PROFILES_MAX - 1 - i;
	return true;
}

void profiles_destroy(struct profiles *p)
{
	free(p->slot);
	free(p->bucket);
	free(p->free);
	free(p->left);
	*p = (struct profiles){0};
}

static struct profile *at(const struct profiles *p, uint32_t slot)
{
	return (struct profile *)atomic_load_explicit(&p->slot[slot - 1], memory_order_relaxed);
}

static uint32_t *bucket_of(const struct tables *t, uint64_t id)
{
	return &t->profiles.bucket[hash_table(&t->key, &id, sizeof(id)) % PROFILES_BUCKETS];
}

uint32_t profiles_find(const struct tables *t, uint64_t id)
{
	uint32_t slot = *bucket_of(t, id);

	while (slot && at(&t->profiles, slot)->id != id)
		slot = at(&t->profiles, slot)->next;
	return slot;
}

static void remove_profile(struct tables *t, uint32_t slot)
{
	struct profiles *p = &t->profiles;
	struct profile *gone = at(p, slot);
	uint32_t *link = bucket_of(t, gone->id);

	while (*link != slot)
		link = &at(p, *link)->next;
	*link = gone->next;
	/* Before the slot: retiring may end a grace period of its own. */
	tables_retire(t, gone);
	p->left[p->n_left++] = slot - 1;
}

/* Nobody refers to it, and who put it has forgotten it. */
static void remove_unused(struct tables *t, uint32_t slot)
{
	const struct profile *f = slot ? at(&t->profiles, slot) : NULL;

	if (f && f->refs == 0 && t->profiles.puts - f->put > ABI_PROFILES_RECENT)
		remove_profile(t, slot);
}

/* The put before as many as are remembered is forgotten. */
static void note_put(struct tables *t, struct profile *f)
{
	struct profiles *p = &t->profiles;
	uint64_t *turn = &p->recent[p->puts % ABI_PROFILES_RECENT], old = *turn;
	bool full = p->puts >= ABI_PROFILES_RECENT;

	f->put = p->puts++;
	*turn = f->id;
	if (full)
		remove_unused(t, profiles_find(t, old));
}

static struct profile *make(struct tables *t, uint64_t id, struct slice criteria)
{
	struct profiles *p = &t->profiles;
	uint32_t size = (uint32_t)sizeof(struct profile) + criteria.len, *bucket;
	struct profile *f;

	if (p->n_free == 0)
		table_reclaim(t);
	f = p->n_free ? tables_alloc(t, (size + INDEX_LINE - 1) / INDEX_LINE * INDEX_LINE)
		      : NULL;
	if (!f)
		return NULL;
	bucket = bucket_of(t, id);
	*f = (struct profile){.id = id, .slot = p->free[--p->n_free] + 1, .next = *bucket};
	memcpy(f->criteria, criteria.p, criteria.len);
	/* Paired with the acquiring load in table_services. */
	atomic_store_explicit(&p->slot[f->slot - 1], f, memory_order_release);
	*bucket = f->slot;
	return f;
}

int table_put_profile(struct tables *t, uint64_t id, struct slice criteria)
{
	uint32_t slot;
	struct profile *f;

	if (id == 0 || ifc_sound(criteria.p, criteria.len))
		return INSTALL_MALFORMED;
	slot = profiles_find(t, id);
	f = slot ? at(&t->profiles, slot) : make(t, id, criteria);
	if (!f)
		return INSTALL_NO_MEMORY;
	note_put(t, f);
	return INSTALL_OK;
}

void profiles_take(struct tables *t, uint32_t slot)
{
	if (slot)
		at(&t->profiles, slot)->refs++;
}

void profiles_drop(struct tables *t, uint32_t slot)
{
	if (!slot)
		return;
	at(&t->profiles, slot)->refs--;
	remove_unused(t, slot);
}

void profiles_reclaim(struct profiles *p)
{
	while (p->n_left)
		p->free[p->n_free++] = p->left[--p->n_left];
}

const struct ifc *table_services(const struct tables *t, const struct registration *r,
				 uint32_t index)
{
	uint32_t slot = reg_impu(r, index)->profile;

	if (!slot)
		return NULL;
	return (const struct ifc *)atomic_load_explicit(&t->profiles.slot[slot - 1],
							memory_order_acquire)
		->criteria;
}
