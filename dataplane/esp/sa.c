/* sa.c - sets of security associations: made, found, replaced and removed */
#include "esp/state.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <urcu-qsbr.h>

enum {
	SPI_MIN = 256,         /* those below are reserved (RFC 4303 §2.1) */
	ARENA_SPARE = 2 << 20, /* pages begun in each size class, further lines, the retired */
	NULL_ALIGN = 4,        /* RFC 4303 §2.4 */
	AES_BLOCK = 16,
	CBC_IV = 16, /* RFC 3602 §3 */
	AEAD_IV = 8, /* RFC 4106 §3.1, RFC 4543 §3.2 */
	AEAD_ICV = 16,
	EXPIRE_BUCKETS = 64, /* looked at between two counts of sets */
};

/* Keys are not left in memory that serves for something else next. */
static void release(struct esp_sas *t, void *object, uint32_t size)
{
	explicit_bzero(object, size);
	pool_free(&t->pool, object);
}

void esp_reclaim(struct esp_sas *t)
{
	if (t->n_retired + t->n_ended == 0)
		return;
	synchronize_rcu();
	while (t->n_retired > 0) {
		t->n_retired--;
		release(t, t->retired[t->n_retired].object, t->retired[t->n_retired].size);
	}
	while (t->n_ended > 0) {
		uint32_t i = t->ended[--t->n_ended];

		run_end(&t->run.record[i]);
		t->free_run[t->n_free_run++] = i;
	}
}

static void retire(struct esp_sas *t, void *object, uint32_t size)
{
	if (t->n_retired == SAS_RETIRED_MAX)
		esp_reclaim(t);
	t->retired[t->n_retired].object = object;
	t->retired[t->n_retired++].size = size;
}

static void *sas_alloc(struct esp_sas *t, uint32_t size)
{
	void *memory = pool_alloc(&t->pool, size);

	if (memory || t->n_retired == 0)
		return memory;
	esp_reclaim(t);
	return pool_alloc(&t->pool, size);
}

static bool spare_lines(struct esp_sas *t)
{
	while (t->n_spare < SAS_SPARE) {
		struct index_line *line = sas_alloc(t, sizeof(*line));

		if (!line)
			return false;
		t->spare[t->n_spare++] = line;
	}
	return true;
}

static uint64_t entry_of(const struct esp_sas *t, uint64_t hash, const struct sa *s,
			 uint8_t part)
{
	uint64_t offset = (uint64_t)((const uint8_t *)s - t->arena);

	return index_entry(hash, (uint32_t)(offset / INDEX_LINE), part);
}

static void enter(struct esp_sas *t, struct index *x, uint64_t hash, const struct sa *s,
		  uint8_t part)
{
	if (index_insert(x, hash, entry_of(t, hash, s, part), t->spare[t->n_spare - 1]))
		t->n_spare--;
}

static void leave(struct esp_sas *t, struct index *x, uint64_t hash, const struct sa *s,
		  uint8_t part)
{
	struct index_line *line = index_remove(x, hash, entry_of(t, hash, s, part));

	while (line) {
		struct index_line *next =
			atomic_load_explicit(&line->next, memory_order_relaxed);

		retire(t, line, sizeof(*line));
		line = next;
	}
}

static uint32_t sa_size(enum esp_cipher cipher, enum esp_integrity integrity)
{
	uint32_t size = (uint32_t)offsetof(struct sa, keys) + keys_size(cipher, integrity);

	return (size + INDEX_LINE - 1) / INDEX_LINE * INDEX_LINE;
}

static int compare_left(const void *a, const void *b)
{
	uint64_t x = ((const struct sa_left *)a)->sa_id, y = ((const struct sa_left *)b)->sa_id;

	return (x > y) - (x < y);
}

/* Records of sets that were there before a restart stay until control has put its own. */
static bool sort_records(struct esp_sas *t)
{
	t->left = calloc(t->run.n, sizeof(*t->left));
	if (!t->left)
		return false;
	for (uint32_t i = t->run.n; i-- > 0;) {
		uint64_t id = t->run.record[i].sa_id;

		if (id == 0)
			t->free_run[t->n_free_run++] = i;
		else
			t->left[t->n_left++] = (struct sa_left){id, i};
	}
	qsort(t->left, t->n_left, sizeof(*t->left), compare_left);
	return true;
}

static bool memory_create(struct esp_sas *t)
{
	uint64_t each = sa_size(ESP_AES_GCM, ESP_INTEGRITY_NONE);

	/* Objects fill their pages not quite. */
	if (!pool_create(&t->pool, t->most * (each + each / 16) + ARENA_SPARE))
		return false;
	t->arena = t->pool.arena;
	if (spare_lines(t) && index_create(&t->by_spi, (uint64_t)t->most * SA_WAYS)) {
		if (index_create(&t->by_id, t->most))
			return true;
		index_destroy(&t->by_spi);
	}
	pool_destroy(&t->pool);
	return false;
}

static void memory_destroy(struct esp_sas *t)
{
	index_destroy(&t->by_id);
	index_destroy(&t->by_spi);
	pool_destroy(&t->pool);
}

struct esp_sas *esp_sas_create(const struct esp_options *o, char error[ESP_ERROR_MAX])
{
	struct esp_sas *t = aligned_alloc(_Alignof(struct esp_sas), sizeof(*t));
	uint32_t records = o->sets + SAS_RETIRED_MAX;

	assert(o->workers > 0);
	snprintf(error, ESP_ERROR_MAX, "no memory for security associations of %u terminals",
		 o->sets);
	if (!t)
		return NULL;
	*t = (struct esp_sas){.key = o->key, .workers = o->workers, .most = o->sets};
	t->mgr = alloc_mb_mgr(0);
	t->free_run = calloc(records, sizeof(*t->free_run));
	if (!t->mgr || !t->free_run || !memory_create(t))
		goto fail;
	init_mb_mgr_auto(t->mgr, NULL);
	if (run_open(&t->run, o->run_path, records)) {
		if (sort_records(t))
			return t;
		run_close(&t->run);
	}
	snprintf(error, ESP_ERROR_MAX, "%s (sequence numbers): %s", o->run_path,
		 errno == EWOULDBLOCK ? "another data plane has it" : strerror(errno));
	memory_destroy(t);
fail:
	free(t->free_run);
	if (t->mgr)
		free_mb_mgr(t->mgr);
	free(t);
	return NULL;
}

void esp_sas_destroy(struct esp_sas *t)
{
	if (!t)
		return;
	run_close(&t->run);
	memory_destroy(t);
	free(t->left);
	free(t->free_run);
	free_mb_mgr(t->mgr);
	free(t);
}

/* TS 33.203 §7.1 has the same keys both ways: were SPIs equal, what we sent could be sent back
 * to us, and under an AEAD our nonces could be the UE's. */
static bool spis_sound(const struct esp_sa_spec *s)
{
	const uint32_t spi[] = {s->spi_uc, s->spi_us, s->spi_pc, s->spi_ps};

	for (uint32_t i = 0; i < 4; i++) {
		if (spi[i] < SPI_MIN)
			return false;
		for (uint32_t j = 0; j < i; j++)
			if (spi[i] == spi[j])
				return false;
	}
	return true;
}

static bool spec_sound(const struct esp_sa_spec *s)
{
	uint8_t family = s->ue.family;

	if (s->sa_id == 0 || (family != 4 && family != 6) || s->local.family != family ||
	    (s->nat.family != 0 && s->nat.family != family))
		return false;
	return s->ue.port && s->local.port && s->port_us && s->port_pc && spis_sound(s) &&
	       s->cipher < ESP_CIPHER_MAX && s->integrity < ESP_INTEGRITY_MAX;
}

static void fill_lengths(struct sa *s)
{
	bool aead = s->cipher == ESP_AES_GCM || s->integrity == ESP_AES_GMAC;

	s->align = s->cipher == ESP_AES_CBC ? AES_BLOCK : NULL_ALIGN;
	s->iv_len = aead ? AEAD_IV : s->cipher == ESP_AES_CBC ? CBC_IV : 0;
	s->icv_len = aead || s->integrity == ESP_HMAC_SHA_256_128 ? AEAD_ICV : 12;
}

/* All but the record. */
static bool fill(struct esp_sas *t, struct sa *s, const struct esp_sa_spec *spec)
{
	memset(s, 0, offsetof(struct sa, keys));
	s->id = spec->sa_id;
	s->spi_in[SA_WAY_PS] = spec->spi_ps;
	s->spi_in[SA_WAY_PC] = spec->spi_pc;
	s->spi_out = spec->spi_us;
	s->spi_uc = spec->spi_uc;
	s->owner = (uint16_t)(spec->spi_ps % t->workers);
	s->integrity = spec->integrity;
	s->cipher = spec->cipher;
	s->port_us = spec->port_us;
	s->port_pc = spec->port_pc;
	s->ue = spec->ue;
	s->local = spec->local;
	s->nat = spec->nat;
	s->tunnel = spec->nat.family != 0;
	s->set_id = spec->set_id;
	s->expires_ms = spec->expires_ms;
	s->epoch = t->epoch;
	fill_lengths(s);
	return keys_expand(t->mgr, spec, &s->keys);
}

/* What may never change under one id. Key material is compared as it was expanded. */
static bool is_same(const struct sa *a, const struct sa *b)
{
	uint32_t keys = keys_size(a->cipher, a->integrity);

	return a->spi_in[0] == b->spi_in[0] && a->spi_in[1] == b->spi_in[1] &&
	       a->spi_out == b->spi_out && a->spi_uc == b->spi_uc && a->cipher == b->cipher &&
	       a->integrity == b->integrity && a->port_us == b->port_us &&
	       a->port_pc == b->port_pc && addr_eq(&a->ue, &b->ue) &&
	       addr_eq(&a->local, &b->local) && a->tunnel == b->tunnel &&
	       memcmp(&a->keys, &b->keys, keys) == 0;
}

/* The record of a set that was there before a restart, or NULL. */
static struct run_record *left_record(const struct esp_sas *t, uint64_t sa_id)
{
	const struct sa_left key = {.sa_id = sa_id};
	const struct sa_left *found = NULL;

	if (t->n_left)
		found = bsearch(&key, t->left, t->n_left, sizeof(key), compare_left);
	/* Deleted meanwhile, it may be another's. */
	return found && t->run.record[found->record].sa_id == sa_id
		       ? &t->run.record[found->record]
		       : NULL;
}

static int give_record(struct esp_sas *t, struct sa *s, bool used)
{
	s->run = left_record(t, s->id);
	if (s->run)
		return ESP_OK;
	/* It may have sent before. */
	if (used)
		return ESP_UNKNOWN;
	if (t->n_free_run == 0)
		esp_reclaim(t);
	if (t->n_free_run == 0)
		return ESP_NO_MEMORY;
	s->run = &t->run.record[t->free_run[--t->n_free_run]];
	run_begin(s->run, s->id);
	return ESP_OK;
}

static bool spi_is_taken(const struct esp_sas *t, uint32_t spi)
{
	enum sa_way way;

	return sa_find_spi(t, spi, sa_hash_spi(t, spi), &way) != NULL;
}

static int put_new(struct esp_sas *t, struct sa *s, bool used)
{
	int status;

	if (spi_is_taken(t, s->spi_in[SA_WAY_PS]) || spi_is_taken(t, s->spi_in[SA_WAY_PC]))
		return ESP_CONFLICT;
	if (t->n >= t->most || !spare_lines(t))
		return ESP_NO_MEMORY;
	status = give_record(t, s, used);
	if (status != ESP_OK)
		return status;
	enter(t, &t->by_id, sa_hash_id(t, s->id), s, 0);
	for (uint8_t way = 0; way < SA_WAYS; way++)
		enter(t, &t->by_spi, sa_hash_spi(t, s->spi_in[way]), s, way);
	t->n++;
	return ESP_OK;
}

static void swap(struct esp_sas *t, struct index *x, uint64_t hash, const struct sa *from,
		 const struct sa *to, uint8_t part)
{
	index_replace(x, hash, entry_of(t, hash, from, part), entry_of(t, hash, to, part));
}

static int put_again(struct esp_sas *t, const struct sa *old, struct sa *s)
{
	if (!is_same(old, s))
		return ESP_CONFLICT;
	s->run = old->run;
	swap(t, &t->by_id, sa_hash_id(t, s->id), old, s, 0);
	for (uint8_t way = 0; way < SA_WAYS; way++)
		swap(t, &t->by_spi, sa_hash_spi(t, s->spi_in[way]), old, s, way);
	retire(t, (void *)(uintptr_t)old, sa_size(old->cipher, old->integrity));
	return ESP_OK;
}

int esp_sa_put(struct esp_sas *t, const struct esp_sa_spec *spec)
{
	const struct sa *old;
	struct sa *s;
	int status;

	if (!spec_sound(spec))
		return ESP_MALFORMED;
	s = sas_alloc(t, sa_size(spec->cipher, spec->integrity));
	if (!s)
		return ESP_NO_MEMORY;
	old = sa_find_id(t, spec->sa_id, sa_hash_id(t, spec->sa_id));
	if (!fill(t, s, spec))
		status = ESP_MALFORMED;
	else
		status = old ? put_again(t, old, s) : put_new(t, s, spec->used);
	if (status != ESP_OK) {
		release(t, s, sa_size(spec->cipher, spec->integrity));
	}
	return status;
}

static void take_out(struct esp_sas *t, const struct sa *s)
{
	if (t->n_ended == SAS_RETIRED_MAX)
		esp_reclaim(t);
	leave(t, &t->by_id, sa_hash_id(t, s->id), s, 0);
	for (uint8_t way = 0; way < SA_WAYS; way++)
		leave(t, &t->by_spi, sa_hash_spi(t, s->spi_in[way]), s, way);
	t->ended[t->n_ended++] = (uint32_t)(s->run - t->run.record);
	t->n--;
	retire(t, (void *)(uintptr_t)s, sa_size(s->cipher, s->integrity));
}

int esp_sa_delete(struct esp_sas *t, uint64_t sa_id)
{
	const struct sa *s = sa_find_id(t, sa_id, sa_hash_id(t, sa_id));

	if (s)
		take_out(t, s);
	return ESP_OK;
}

void esp_sync_begin(struct esp_sas *t)
{
	t->epoch++;
	t->in_sync = true;
}

/* Those no set has claimed: their sets are gone. */
static void drop_left(struct esp_sas *t)
{
	for (uint32_t k = 0; k < t->n_left; k++) {
		struct run_record *r = &t->run.record[t->left[k].record];
		uint64_t id = t->left[k].sa_id;

		if (r->sa_id != id || sa_find_id(t, id, sa_hash_id(t, id)))
			continue;
		run_end(r);
		t->free_run[t->n_free_run++] = t->left[k].record;
	}
	t->n_left = 0;
}

void esp_sync_end(struct esp_sas *t)
{
	struct index_place place = {0};

	if (!t->in_sync)
		return;
	t->in_sync = false;
	while (!index_at_end(&t->by_id, &place)) {
		uint64_t e = index_walk(&t->by_id, &place, t->by_id.n);

		if (e && sa_at(t, e)->epoch != t->epoch)
			take_out(t, sa_at(t, e));
	}
	/* Ended records go back first, so that none is given back twice. */
	esp_reclaim(t);
	drop_left(t);
}

void esp_sa_expire(struct esp_sas *t, uint64_t now_ms, uint64_t grace_ms, uint32_t most)
{
	for (uint32_t i = 0; i < most && t->n > 0; i++) {
		uint64_t e = index_walk(&t->by_id, &t->sweep, EXPIRE_BUCKETS);

		if (e && sa_at(t, e)->expires_ms + grace_ms < now_ms)
			take_out(t, sa_at(t, e));
		if (index_at_end(&t->by_id, &t->sweep)) {
			t->sweep = (struct index_place){0};
			return;
		}
	}
}

void esp_stats(const struct esp_sas *t, struct esp_stats *out)
{
	uint64_t rest = index_memory(&t->by_spi) + index_memory(&t->by_id) + t->run.map_size;

	*out = (struct esp_stats){.sets = t->n,
				  .most = t->most,
				  .memory_used = pool_used(&t->pool) + rest,
				  .memory_total = t->pool.size + rest};
}
