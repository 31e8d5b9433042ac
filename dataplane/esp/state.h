/* state.h - what lies behind struct esp_sas; private to esp/ */
#pragma once

#include "esp/keys.h"
#include "esp/run.h"
#include "table/index.h"
#include "table/pool.h"

/* Which way of a set an SPI of ours stands for; part of its index entry. */
enum sa_way { SA_WAY_PS, SA_WAY_PC, SA_WAYS };

/* One set of SAs. Written before it is published; the rest is in its record. */
struct sa {
	uint64_t id;
	struct run_record *run;
	uint32_t spi_in[SA_WAYS]; /* spi_ps, spi_pc */
	uint32_t spi_out;         /* spi_us */
	uint16_t owner;
	uint8_t integrity, cipher;
	/* Of a packet: IV, ICV, and what its encrypted part is a multiple of. */
	uint8_t iv_len, icv_len, align;
	bool tunnel;
	uint16_t port_us, port_pc;
	struct addr ue, local;
	/* The lines above are what a packet needs besides the keys. */
	struct addr nat;
	uint32_t spi_uc;
	uint64_t set_id, expires_ms;
	uint32_t epoch; /* of the synchronisation that put it last; management thread alone */
	_Alignas(64) struct keys keys;
};

enum {
	SAS_RETIRED_MAX = 256,
	SAS_SPARE = SA_WAYS + 1, /* entries of one set */
	SA_LINES = offsetof(struct sa, keys) / INDEX_LINE,
};

struct esp_sas {
	/* Read by workers, written once. */
	struct hash_key key;
	const uint8_t *arena;
	struct index by_spi, by_id;
	uint16_t workers;

	/* Management thread only. */
	_Alignas(64) struct pool pool;
	IMB_MGR *mgr;
	struct run run;
	uint32_t *free_run; /* stack of indices */
	uint32_t n_free_run;
	uint32_t n, most;
	uint32_t epoch;
	bool in_sync;
	/* Records of before a restart, by sa_id, until a synchronisation has ended. */
	struct sa_left {
		uint64_t sa_id;
		uint32_t record;
	} * left;
	uint32_t n_left;
	struct index_place sweep;
	uint32_t n_spare;
	struct index_line *spare[SAS_SPARE];
	uint32_t n_retired;
	struct {
		void *object;
		uint32_t size;
	} retired[SAS_RETIRED_MAX];
	uint32_t n_ended;
	uint32_t ended[SAS_RETIRED_MAX]; /* records of the retired */
};

static inline uint64_t sa_hash_spi(const struct esp_sas *t, uint32_t spi)
{
	return hash_table(&t->key, &spi, sizeof(spi));
}

static inline uint64_t sa_hash_id(const struct esp_sas *t, uint64_t id)
{
	return hash_table(&t->key, &id, sizeof(id));
}

static inline const struct sa *sa_at(const struct esp_sas *t, uint64_t entry)
{
	return (const struct sa *)(t->arena + (uint64_t)index_ref(entry) * INDEX_LINE);
}

/* Any thread, inside a read-side section. The set with this SPI of ours, and the way that is
 * meant; NULL: none. */
static inline const struct sa *sa_find_spi(const struct esp_sas *t, uint32_t spi, uint64_t hash,
					   enum sa_way *way)
{
	struct index_at at;

	for (uint64_t e = index_first(&t->by_spi, hash, &at); e; e = index_next(&at)) {
		const struct sa *s = sa_at(t, e);

		*way = index_part(e);
		if (s->spi_in[*way] == spi)
			return s;
	}
	return NULL;
}

static inline const struct sa *sa_find_id(const struct esp_sas *t, uint64_t id, uint64_t hash)
{
	struct index_at at;

	for (uint64_t e = index_first(&t->by_id, hash, &at); e; e = index_next(&at)) {
		const struct sa *s = sa_at(t, e);

		if (s->id == id)
			return s;
	}
	return NULL;
}
