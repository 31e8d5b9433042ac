/* support.h - what the tests of sip/ share: the corpus, guarded memory, a look at everything */
#pragma once

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sip/edit.h"
#include "sip/sip.h"

struct sample {
	char name[64]; /* of the file, without ".sip" */
	struct slice text;
};

enum { SAMPLES_MAX = 128 };

struct corpus {
	uint32_t n;
	struct sample sample[SAMPLES_MAX]; /* sorted by name */
};

/* All "*.sip" of a folder below tests/corpus ("" or "torture"), appended. */
void corpus_load(struct corpus *c, const char *folder);
void corpus_free(struct corpus *c);
struct slice corpus_find(const struct corpus *c, const char *name);

/* Memory between two pages that may not be touched. */
struct guarded {
	uint8_t *start;
	uint32_t len;
	uint8_t *mapping;
	size_t mapping_len;
};
struct guarded guard_new(uint32_t len);
void guard_free(struct guarded *g);
/* A copy of s whose last octet is the last before the guard page. */
struct slice guard_at_end(const struct guarded *g, struct slice s);
/* A copy of s whose first octet is the first behind the guard page. */
struct slice guard_at_start(const struct guarded *g, struct slice s);

/* Decodes whatever there is to decode, as a proxy would and more: the first error. */
enum sip_error look_at_everything(const struct sip_msg *msg);

/* Every slice of the index lies in the message, and chains are complete and in order. */
void assert_sound(const struct sip_msg *msg, struct slice datagram);

/* A sequence that is the same on each run: xorshift64*. */
uint64_t next_random(uint64_t *state);

#define assert_slice(s, literal)                                                               \
	do {                                                                                   \
		struct slice assert_slice_s = (s);                                             \
		assert_int_equal(assert_slice_s.len, sizeof(literal) - 1);                     \
		assert_memory_equal(assert_slice_s.p ? assert_slice_s.p : (const uint8_t *)"", \
				    literal, sizeof(literal) - 1);                             \
	} while (0)
