/* registration.c - registration sets by id, by identity, and by when they expire
 *
 * A set is wrapped in an entry: on the list of all (in the order they came), in the table by
 * id, once in the table of identities for each, and in a binary heap by its due time.
 */
#include "control/registration.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/hash.h"
#include "control/wildcard.h"

enum { TABLE_START = 1024 };

struct name {
	struct name *next;
	struct entry *entry;
	uint64_t hash;
	const char *impu; /* the set's own */
};

struct entry {
	struct registration_set *set;
	struct entry *by_id;                /* next in the chain */
	struct entry *next, **at;           /* list of all */
	struct entry *next_wild, **at_wild; /* of those with a wildcarded identity, or NULL */
	uint64_t due;                       /* wall ms; UINT64_MAX: never */
	uint32_t heap;                      /* index in the heap */
	bool deferred;
	uint32_t n_name;
	struct name name[];
};

struct registrations {
	struct hash_key key;
	uint32_t count, names;
	uint32_t id_size, name_size; /* powers of two */
	struct entry **id;
	struct name **name;
	struct entry **heap;
	uint32_t heap_cap;
	struct entry *first, **last;
	struct entry *wild;
};

static uint64_t hash_id(const struct registrations *r, uint64_t id)
{
	return hash_table(&r->key, &id, sizeof(id));
}

static uint64_t hash_impu(const struct registrations *r, const char *impu)
{
	return hash_table(&r->key, impu, (uint32_t)strlen(impu));
}

struct registrations *registrations_new(void)
{
	struct registrations *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->id_size = r->name_size = TABLE_START;
	r->id = calloc(r->id_size, sizeof(*r->id));
	r->name = calloc(r->name_size, sizeof(*r->name));
	r->last = &r->first;
	if (!r->id || !r->name || getrandom(&r->key, sizeof(r->key), 0) != sizeof(r->key)) {
		registrations_free(r);
		return NULL;
	}
	return r;
}

void registrations_free(struct registrations *r)
{
	if (!r)
		return;
	for (struct entry *e = r->first, *next; e; e = next) {
		next = e->next;
		registration_set_free(e->set);
		free(e);
	}
	free(r->heap);
	free(r->name);
	free(r->id);
	free(r);
}

static struct entry *entry_by_id(struct registrations *r, uint64_t id)
{
	struct entry *e = r->id[hash_id(r, id) & (r->id_size - 1)];

	while (e && e->set->id != id)
		e = e->by_id;
	return e;
}

static struct entry *entry_by_impu(struct registrations *r, const char *impu)
{
	uint64_t h = hash_impu(r, impu);
	struct name *n = r->name[h & (r->name_size - 1)];

	while (n && (n->hash != h || strcmp(n->impu, impu) != 0))
		n = n->next;
	return n ? n->entry : NULL;
}

struct registration_set *registrations_by_impu(struct registrations *r, const char *impu)
{
	struct entry *e = entry_by_impu(r, impu);

	return e ? e->set : NULL;
}

struct registration_set *registrations_by_wildcard(struct registrations *r, const char *impu,
						   const char **wildcard)
{
	for (struct entry *e = r->wild; e; e = e->next_wild) {
		const struct registration_set *s = e->set;

		for (uint32_t i = 0; i < s->n_impu; i++) {
			if (!(s->impu_flags[i] & ABI_IMPU_WILDCARD) ||
			    !wildcard_matches(s->impu[i], impu))
				continue;
			*wildcard = s->impu[i];
			return e->set;
		}
	}
	return NULL;
}

struct registration_set *registrations_by_id(struct registrations *r, uint64_t id)
{
	struct entry *e = entry_by_id(r, id);

	return e ? e->set : NULL;
}

static void heap_place(struct registrations *r, uint32_t at, struct entry *e)
{
	r->heap[at] = e;
	e->heap = at;
}

static void heap_up(struct registrations *r, uint32_t at)
{
	struct entry *e = r->heap[at];

	while (at > 0 && e->due < r->heap[(at - 1) / 2]->due) {
		heap_place(r, at, r->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_place(r, at, e);
}

static void heap_down(struct registrations *r, uint32_t at)
{
	struct entry *e = r->heap[at];

	for (uint32_t child; (child = 2 * at + 1) < r->count; at = child) {
		if (child + 1 < r->count && r->heap[child + 1]->due < r->heap[child]->due)
			child++;
		if (e->due <= r->heap[child]->due)
			break;
		heap_place(r, at, r->heap[child]);
	}
	heap_place(r, at, e);
}

static void heap_set(struct registrations *r, struct entry *e, uint64_t due)
{
	e->due = due;
	heap_up(r, e->heap);
	heap_down(r, e->heap);
}

/* The last entry takes the place of the one that goes. */
static void heap_remove(struct registrations *r, struct entry *e)
{
	uint32_t at = e->heap;
	struct entry *moved = r->heap[--r->count];

	if (moved == e)
		return;
	heap_place(r, at, moved);
	heap_up(r, at);
	heap_down(r, moved->heap);
}

static uint64_t due_of(const struct registration_set *s)
{
	uint64_t due = UINT64_MAX;

	for (uint32_t i = 0; i < s->n_contact; i++)
		if (s->contact[i].expires_wall_ms < due)
			due = s->contact[i].expires_wall_ms;
	return due;
}

/* Twice the chains when they hold one entry each; if there is no memory for that they get
 * longer. */
static void grow_ids(struct registrations *r)
{
	uint32_t size = r->id_size * 2;
	struct entry **id;

	if (r->count < r->id_size || !(id = calloc(size, sizeof(*id))))
		return;
	for (struct entry *e = r->first; e; e = e->next) {
		struct entry **slot = &id[hash_id(r, e->set->id) & (size - 1)];

		e->by_id = *slot;
		*slot = e;
	}
	free(r->id);
	r->id = id;
	r->id_size = size;
}

static void grow_names(struct registrations *r)
{
	uint32_t size = r->name_size * 2;
	struct name **name;

	if (r->names < r->name_size || !(name = calloc(size, sizeof(*name))))
		return;
	for (struct entry *e = r->first; e; e = e->next) {
		for (uint32_t i = 0; i < e->n_name; i++) {
			struct name **slot = &name[e->name[i].hash & (size - 1)];

			e->name[i].next = *slot;
			*slot = &e->name[i];
		}
	}
	free(r->name);
	r->name = name;
	r->name_size = size;
}

static bool heap_room(struct registrations *r)
{
	uint32_t cap = r->heap_cap ? r->heap_cap * 2 : TABLE_START;
	struct entry **heap;

	if (r->count < r->heap_cap)
		return true;
	heap = realloc(r->heap, cap * sizeof(*heap));
	if (!heap)
		return false;
	r->heap = heap;
	r->heap_cap = cap;
	return true;
}

static bool has_wildcard(const struct registration_set *s)
{
	for (uint32_t i = 0; i < s->n_impu; i++)
		if (s->impu_flags[i] & ABI_IMPU_WILDCARD)
			return true;
	return false;
}

static void entry_link(struct registrations *r, struct entry *e)
{
	struct entry **slot = &r->id[hash_id(r, e->set->id) & (r->id_size - 1)];

	e->by_id = *slot;
	*slot = e;
	for (uint32_t i = 0; i < e->n_name; i++) {
		struct name *n = &e->name[i];
		struct name **chain = &r->name[n->hash & (r->name_size - 1)];

		n->next = *chain;
		*chain = n;
	}
	r->names += e->n_name;
	e->at = r->last;
	*r->last = e;
	r->last = &e->next;
	if (has_wildcard(e->set)) {
		e->next_wild = r->wild;
		if (r->wild)
			r->wild->at_wild = &e->next_wild;
		e->at_wild = &r->wild;
		r->wild = e;
	}
	heap_place(r, r->count++, e);
	heap_up(r, e->heap);
	grow_ids(r);
	grow_names(r);
}

static void entry_unlink(struct registrations *r, struct entry *e)
{
	struct entry **slot = &r->id[hash_id(r, e->set->id) & (r->id_size - 1)];

	while (*slot != e)
		slot = &(*slot)->by_id;
	*slot = e->by_id;
	for (uint32_t i = 0; i < e->n_name; i++) {
		struct name **chain = &r->name[e->name[i].hash & (r->name_size - 1)];

		while (*chain != &e->name[i])
			chain = &(*chain)->next;
		*chain = e->name[i].next;
	}
	r->names -= e->n_name;
	*e->at = e->next;
	if (e->next)
		e->next->at = e->at;
	else
		r->last = e->at;
	if (e->at_wild) {
		*e->at_wild = e->next_wild;
		if (e->next_wild)
			e->next_wild->at_wild = e->at_wild;
	}
	heap_remove(r, e);
}

static bool identities_free(struct registrations *r, const struct registration_set *set)
{
	for (uint32_t i = 0; i < set->n_impu; i++) {
		struct entry *e = entry_by_impu(r, set->impu[i]);

		if (e && e->set->id != set->id)
			return false;
	}
	return true;
}

bool registrations_put(struct registrations *r, struct registration_set *set)
{
	struct entry *old = entry_by_id(r, set->id);
	struct entry *e;

	if (set->n_impu > SET_IMPUS_MAX || !identities_free(r, set) || !heap_room(r))
		return false;
	e = calloc(1, sizeof(*e) + set->n_impu * sizeof(e->name[0]));
	if (!e)
		return false;
	set->version = (old ? old->set->version : 0) + 1;
	e->set = set;
	e->due = due_of(set);
	e->n_name = set->n_impu;
	for (uint32_t i = 0; i < set->n_impu; i++)
		e->name[i] = (struct name){
			.entry = e, .hash = hash_impu(r, set->impu[i]), .impu = set->impu[i]};
	if (old) {
		entry_unlink(r, old);
		if (old->set != set)
			registration_set_free(old->set);
		free(old);
	}
	entry_link(r, e);
	return true;
}

struct registration_set *registrations_take(struct registrations *r, uint64_t id)
{
	struct entry *e = entry_by_id(r, id);
	struct registration_set *set;

	if (!e)
		return NULL;
	entry_unlink(r, e);
	set = e->set;
	free(e);
	return set;
}

uint32_t registrations_count(const struct registrations *r)
{
	return r->count;
}

void registrations_each(struct registrations *r,
			bool (*each)(void *ctx, struct registration_set *s), void *ctx)
{
	for (struct entry *e = r->first, *next; e; e = next) {
		next = e->next;
		if (!each(ctx, e->set))
			return;
	}
}

struct registration_set *registrations_next_expiry(struct registrations *r, uint64_t *due_ms)
{
	/* Those that were prolonged since they were given their place. */
	while (r->count && r->heap[0]->due < due_of(r->heap[0]->set))
		heap_set(r, r->heap[0], due_of(r->heap[0]->set));
	*due_ms = r->count ? r->heap[0]->due : UINT64_MAX;
	return *due_ms == UINT64_MAX ? NULL : r->heap[0]->set;
}

void registrations_defer(struct registrations *r, uint64_t id, uint64_t until_wall_ms)
{
	struct entry *e = entry_by_id(r, id);

	if (e && e->due < until_wall_ms) {
		heap_set(r, e, until_wall_ms);
		e->deferred = true;
	}
}

void registrations_touch(struct registrations *r, struct registration_set *set)
{
	struct entry *e = entry_by_id(r, set->id);

	uint64_t due = due_of(set);

	/* Among a million sets a place costs some misses; what is prolonged keeps its own until
	 * it comes first. A deferred one is put back. */
	if (e && e->set == set && (due < e->due || e->deferred))
		heap_set(r, e, due);
	if (e)
		e->deferred = false;
}

struct registration_set *registration_set_new(void)
{
	return calloc(1, sizeof(struct registration_set));
}

bool registration_room(struct registration_set *s, uint32_t n)
{
	struct registration_contact *larger;

	if (n <= s->room)
		return true;
	larger = realloc(s->contact, n * sizeof(*larger));
	if (!larger)
		return false;
	memset(larger + s->room, 0, (n - s->room) * sizeof(*larger));
	s->contact = larger;
	s->room = n;
	return true;
}

static char *text_copy(const char *text, bool *failed)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		*failed = true;
	return copy;
}

static void contact_copy(struct registration_contact *to,
			 const struct registration_contact *from, bool *failed)
{
	*to = *from;
	to->uri = text_copy(from->uri, failed);
	to->path = text_copy(from->path, failed);
	to->instance = text_copy(from->instance, failed);
	to->call_id = text_copy(from->call_id, failed);
	to->params = text_copy(from->params, failed);
	to->impi = text_copy(from->impi, failed);
}

struct registration_set *registration_set_copy(const struct registration_set *s)
{
	struct registration_set *copy = registration_set_new();
	bool failed = false;

	if (!copy)
		return NULL;
	*copy = *s;
	copy->contact = NULL;
	copy->room = 0;
	copy->n_contact = registration_room(copy, s->n_contact) ? s->n_contact : 0;
	failed = copy->n_contact != s->n_contact;
	copy->impi = text_copy(s->impi, &failed);
	copy->service_route = text_copy(s->service_route, &failed);
	copy->user_data = text_copy(s->user_data, &failed);
	copy->charging = text_copy(s->charging, &failed);
	for (uint32_t i = 0; i < s->n_impu; i++) {
		copy->impu[i] = text_copy(s->impu[i], &failed);
		copy->impu_uri[i] = text_copy(s->impu_uri[i], &failed);
	}
	for (uint32_t i = 0; i < copy->n_contact; i++)
		contact_copy(&copy->contact[i], &s->contact[i], &failed);
	if (!failed)
		return copy;
	registration_set_free(copy);
	return NULL;
}

void registration_set_free(struct registration_set *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->n_contact; i++) {
		free(s->contact[i].uri);
		free(s->contact[i].path);
		free(s->contact[i].instance);
		free(s->contact[i].call_id);
		free(s->contact[i].params);
		free(s->contact[i].impi);
	}
	for (uint32_t i = 0; i < s->n_impu; i++) {
		free(s->impu[i]);
		free(s->impu_uri[i]);
	}
	free(s->contact);
	free(s->charging);
	free(s->user_data);
	free(s->service_route);
	free(s->impi);
	free(s);
}
