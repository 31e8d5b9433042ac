/* sa.c - sets of security associations with UEs
 *
 * One hash table for all ways to find a set: a node of it carries its kind, and a set has a
 * node of each kind. A binary heap orders the sets by when they are due.
 */
#include "control/sa.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"

enum { TABLE_START = 1024, ID_CLOCK_SHIFT = 20 };

struct sas {
	struct hash_key key;
	struct sa_node **chain;
	uint32_t size, nodes; /* size: a power of two */
	struct sa **heap;
	uint32_t n, heap_cap;
	uint32_t count[SA_STATES];
	uint64_t id;
};

struct sa *sa_new(void)
{
	return calloc(1, sizeof(struct sa));
}

void sa_free(struct sa *s)
{
	if (!s)
		return;
	free(s->impi);
	free(s->impu);
	free(s->client);
	OPENSSL_cleanse(s->ck, sizeof(s->ck));
	OPENSSL_cleanse(s->ik, sizeof(s->ik));
	free(s);
}

const struct addr *sa_outside(const struct sa *s)
{
	return s->nat.family ? &s->nat : &s->ue;
}

void sa_server(const struct sa *s, struct sec_server *out)
{
	*out = (struct sec_server){
		.policy = s->offered,
		.mode = s->nat.family ? SEC_MODE_UDP_TUNNEL : SEC_MODE_TRANSPORT,
		.spi_pc = s->spi_pc,
		.spi_ps = s->spi_ps,
		.port_pc = s->port_pc,
		.port_ps = s->local.port,
	};
}

const char *sa_state_name(enum sa_state state)
{
	static const char *const name[SA_STATES] = {"temporary", "active", "leaving"};

	return state < SA_STATES ? name[state] : "";
}

const char *sa_refusal_name(enum sa_refusal why)
{
	static const char *const name[SA_REFUSALS] = {
#define REFUSED(id, label) label,
#include "control/sa_refused.def"
#undef REFUSED
	};

	return why < SA_REFUSALS ? name[why] : "";
}

struct sas *sas_new(void)
{
	struct sas *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->size = TABLE_START;
	s->chain = calloc(s->size, sizeof(*s->chain));
	/* Above those of any earlier start, as the clock is. */
	s->id = clock_wall_ms() << ID_CLOCK_SHIFT;
	if (!s->chain || RAND_bytes((uint8_t *)&s->key, sizeof(s->key)) != 1) {
		sas_free(s);
		return NULL;
	}
	return s;
}

void sas_free(struct sas *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->n; i++)
		sa_free(s->heap[i]);
	free(s->heap);
	free(s->chain);
	free(s);
}

uint64_t sas_next_id(struct sas *s)
{
	return ++s->id;
}

static void mac_ip(struct hash_mac *mac, const struct addr *a)
{
	hash_mac_part(mac, slice_of(a->ip, sizeof(a->ip)));
	hash_mac_u64(mac, a->family);
}

static uint64_t hash_number(const struct sas *s, enum sa_node_kind kind, uint64_t n)
{
	struct hash_mac mac;

	hash_mac_start(&mac, &s->key);
	hash_mac_u64(&mac, kind);
	hash_mac_u64(&mac, n);
	return hash_mac_end(&mac);
}

/* Client and server SPIs share a number space on either side. */
static uint64_t hash_our_spi(const struct sas *s, uint32_t spi)
{
	return hash_number(s, SA_BY_SPI_PC, spi);
}

static uint64_t hash_ue_spi(const struct sas *s, const struct addr *ue, const struct addr *nat,
			    uint32_t spi)
{
	struct hash_mac mac;

	hash_mac_start(&mac, &s->key);
	hash_mac_u64(&mac, SA_BY_SPI_UC);
	mac_ip(&mac, ue);
	mac_ip(&mac, nat);
	hash_mac_u64(&mac, spi);
	return hash_mac_end(&mac);
}

static uint64_t hash_ue(const struct sas *s, const char *impi, const struct addr *ue,
			const struct addr *nat)
{
	struct hash_mac mac;

	hash_mac_start(&mac, &s->key);
	hash_mac_u64(&mac, SA_BY_UE);
	hash_mac_part(&mac, slice_str(impi));
	mac_ip(&mac, ue);
	mac_ip(&mac, nat);
	return hash_mac_end(&mac);
}

static uint64_t hash_address(const struct sas *s, const struct addr *a)
{
	struct hash_mac mac;

	hash_mac_start(&mac, &s->key);
	hash_mac_u64(&mac, SA_BY_ADDRESS);
	mac_ip(&mac, a);
	return hash_mac_end(&mac);
}

static uint64_t hash_of(const struct sas *s, const struct sa *sa, enum sa_node_kind kind)
{
	switch (kind) {
	case SA_BY_ID:
		return hash_number(s, SA_BY_ID, sa->id);
	case SA_BY_SET:
		return hash_number(s, SA_BY_SET, sa->set_id);
	case SA_BY_UE:
		return hash_ue(s, sa->impi, &sa->ue, &sa->nat);
	case SA_BY_ADDRESS:
		return hash_address(s, sa_outside(sa));
	case SA_BY_SPI_PC:
		return hash_our_spi(s, sa->spi_pc);
	case SA_BY_SPI_PS:
		return hash_our_spi(s, sa->spi_ps);
	case SA_BY_SPI_UC:
		return hash_ue_spi(s, &sa->ue, &sa->nat, sa->spi_uc);
	default:
		return hash_ue_spi(s, &sa->ue, &sa->nat, sa->spi_us);
	}
}

static struct sa_node **chain_of(const struct sas *s, uint64_t hash)
{
	return &s->chain[hash & (s->size - 1)];
}

static void node_link(struct sas *s, struct sa *sa, enum sa_node_kind kind)
{
	struct sa_node *n = &sa->node[kind], **chain;

	*n = (struct sa_node){
		.sa = sa, .hash = hash_of(s, sa, kind), .kind = (uint8_t)kind, .linked = true};
	chain = chain_of(s, n->hash);
	n->next = *chain;
	*chain = n;
	s->nodes++;
}

static void node_unlink(struct sas *s, struct sa *sa, enum sa_node_kind kind)
{
	struct sa_node *n = &sa->node[kind], **at = chain_of(s, n->hash);

	if (!n->linked)
		return;
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	n->linked = false;
	s->nodes--;
}

/* From `n` on, the first with this hash; the caller compares what the hash stands for. */
static struct sa_node *node_seek(struct sa_node *n, uint64_t hash)
{
	while (n && n->hash != hash)
		n = n->next;
	return n;
}

/* Twice the chains when they hold one node each; if there is no memory they get longer. */
static void grow(struct sas *s)
{
	uint32_t size = s->size * 2;
	struct sa_node **chain;

	if (s->nodes < s->size || !(chain = calloc(size, sizeof(struct sa_node *))))
		return;
	for (uint32_t i = 0; i < s->size; i++) {
		for (struct sa_node *n = s->chain[i], *next; n; n = next) {
			struct sa_node **slot = &chain[n->hash & (size - 1)];

			next = n->next;
			n->next = *slot;
			*slot = n;
		}
	}
	free(s->chain);
	s->chain = chain;
	s->size = size;
}

static void heap_place(struct sas *s, uint32_t at, struct sa *sa)
{
	s->heap[at] = sa;
	sa->heap = at;
}

static void heap_up(struct sas *s, struct sa *sa)
{
	uint32_t at = sa->heap;

	while (at > 0 && sa->due_wall_ms < s->heap[(at - 1) / 2]->due_wall_ms) {
		heap_place(s, at, s->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_place(s, at, sa);
}

static void heap_down(struct sas *s, struct sa *sa)
{
	uint32_t at = sa->heap;

	for (uint32_t child; (child = 2 * at + 1) < s->n; at = child) {
		if (child + 1 < s->n &&
		    s->heap[child + 1]->due_wall_ms < s->heap[child]->due_wall_ms)
			child++;
		if (sa->due_wall_ms <= s->heap[child]->due_wall_ms)
			break;
		heap_place(s, at, s->heap[child]);
	}
	heap_place(s, at, sa);
}

static bool heap_room(struct sas *s)
{
	uint32_t cap = s->heap_cap ? s->heap_cap * 2 : TABLE_START;
	struct sa **heap;

	if (s->n < s->heap_cap)
		return true;
	heap = realloc(s->heap, cap * sizeof(struct sa *));
	if (!heap)
		return false;
	s->heap = heap;
	s->heap_cap = cap;
	return true;
}

static bool our_spi_in_use(const struct sas *s, uint32_t spi)
{
	uint64_t hash = hash_our_spi(s, spi);
	struct sa_node *n = node_seek(*chain_of(s, hash), hash);

	for (; n; n = node_seek(n->next, hash))
		if ((n->kind == SA_BY_SPI_PC && n->sa->spi_pc == spi) ||
		    (n->kind == SA_BY_SPI_PS && n->sa->spi_ps == spi))
			return true;
	return false;
}

bool sas_draw_spis(struct sas *s, uint32_t spi_uc, uint32_t spi_us, uint32_t *spi_pc,
		   uint32_t *spi_ps)
{
	uint32_t found[2] = {0, 0};
	uint32_t n = 0;

	for (int i = 0; n < 2 && i < SA_DRAWS_MAX; i++) {
		uint32_t spi;

		if (RAND_bytes((uint8_t *)&spi, sizeof(spi)) != 1)
			return false;
		if (spi < ABI_SA_SPI_MIN || spi == spi_uc || spi == spi_us || spi == found[0] ||
		    our_spi_in_use(s, spi))
			continue;
		found[n++] = spi;
	}
	*spi_pc = found[0];
	*spi_ps = found[1];
	return n == 2;
}

static bool is_found_by(const struct sa *sa, enum sa_node_kind kind)
{
	switch (kind) {
	case SA_BY_SET:
		return sa->set_id != 0;
	case SA_BY_ADDRESS:
		return sa->state == SA_TEMPORARY;
	default:
		return true;
	}
}

bool sas_put(struct sas *s, struct sa *sa)
{
	if (sas_find(s, sa->id) || our_spi_in_use(s, sa->spi_pc) ||
	    our_spi_in_use(s, sa->spi_ps) || !heap_room(s))
		return false;
	for (int kind = 0; kind < SA_NODES; kind++)
		if (is_found_by(sa, kind))
			node_link(s, sa, kind);
	sa->heap = s->n++;
	heap_up(s, sa);
	s->count[sa->state]++;
	if (sa->id > s->id)
		s->id = sa->id;
	grow(s);
	return true;
}

void sas_remove(struct sas *s, struct sa *sa)
{
	struct sa *last = s->heap[--s->n];

	for (int kind = 0; kind < SA_NODES; kind++)
		node_unlink(s, sa, kind);
	s->count[sa->state]--;
	/* The last one takes the place of the one that goes. */
	if (last != sa) {
		heap_place(s, sa->heap, last);
		heap_up(s, last);
		heap_down(s, last);
	}
	sa_free(sa);
}

struct sa *sas_find(struct sas *s, uint64_t id)
{
	uint64_t hash = hash_number(s, SA_BY_ID, id);
	struct sa_node *n = node_seek(*chain_of(s, hash), hash);

	while (n && (n->kind != SA_BY_ID || n->sa->id != id))
		n = node_seek(n->next, hash);
	return n ? n->sa : NULL;
}

struct sa *sas_of_set(struct sas *s, uint64_t set_id, struct sa *after)
{
	uint64_t hash = hash_number(s, SA_BY_SET, set_id);
	struct sa_node *n =
		node_seek(after ? after->node[SA_BY_SET].next : *chain_of(s, hash), hash);

	while (n && (n->kind != SA_BY_SET || n->sa->set_id != set_id))
		n = node_seek(n->next, hash);
	return n ? n->sa : NULL;
}

struct sa *sas_of_ue(struct sas *s, const char *impi, const struct addr *ue,
		     const struct addr *nat, struct sa *after)
{
	uint64_t hash = hash_ue(s, impi, ue, nat);
	struct sa_node *n =
		node_seek(after ? after->node[SA_BY_UE].next : *chain_of(s, hash), hash);

	while (n && (n->kind != SA_BY_UE || strcmp(n->sa->impi, impi) != 0 ||
		     !addr_same_ip(&n->sa->ue, ue) || !addr_same_ip(&n->sa->nat, nat)))
		n = node_seek(n->next, hash);
	return n ? n->sa : NULL;
}

static bool counts(const struct sa *sa, const char *impi, enum sas_whose whose)
{
	if (strcmp(sa->impi, impi) != 0)
		return true;
	return whose == SAS_PROVEN_TOO && sa->state != SA_TEMPORARY;
}

bool sas_spi_in_use(struct sas *s, const struct addr *ue, const struct addr *nat, uint32_t spi,
		    const char *impi, enum sas_whose whose)
{
	uint64_t hash = hash_ue_spi(s, ue, nat, spi);
	struct sa_node *n = node_seek(*chain_of(s, hash), hash);

	for (; n; n = node_seek(n->next, hash))
		if ((n->kind == SA_BY_SPI_UC || n->kind == SA_BY_SPI_US) &&
		    (n->kind == SA_BY_SPI_UC ? n->sa->spi_uc : n->sa->spi_us) == spi &&
		    addr_same_ip(&n->sa->ue, ue) && addr_same_ip(&n->sa->nat, nat) &&
		    counts(n->sa, impi, whose))
			return true;
	return false;
}

uint32_t sas_temporary_at(struct sas *s, const struct addr *outside)
{
	uint64_t hash = hash_address(s, outside);
	struct sa_node *n = node_seek(*chain_of(s, hash), hash);
	uint32_t found = 0;

	for (; n; n = node_seek(n->next, hash))
		found += n->kind == SA_BY_ADDRESS && addr_same_ip(sa_outside(n->sa), outside);
	return found;
}

void sas_set_state(struct sas *s, struct sa *sa, enum sa_state state, uint64_t due_wall_ms)
{
	s->count[sa->state]--;
	s->count[state]++;
	sa->state = (uint8_t)state;
	if (state != SA_TEMPORARY)
		node_unlink(s, sa, SA_BY_ADDRESS);
	sa->due_wall_ms = due_wall_ms;
	heap_up(s, sa);
	heap_down(s, sa);
}

void sas_bind(struct sas *s, struct sa *sa, uint64_t set_id)
{
	node_unlink(s, sa, SA_BY_SET);
	sa->set_id = set_id;
	if (is_found_by(sa, SA_BY_SET))
		node_link(s, sa, SA_BY_SET);
}

struct sa *sas_first_due(struct sas *s)
{
	return s->n ? s->heap[0] : NULL;
}

uint32_t sas_count(const struct sas *s, enum sa_state state)
{
	return s->count[state];
}

uint32_t sas_total(const struct sas *s)
{
	return s->n;
}

void sas_each(struct sas *s, bool (*each)(void *ctx, const struct sa *sa), void *ctx)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (!each(ctx, s->heap[i]))
			return;
}
