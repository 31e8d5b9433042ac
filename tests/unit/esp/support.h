/* support.h - a node and a UE that share sets of SAs, and memory that ends where it says */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "esp/esp.h"

/* An algorithm pair by name. */
struct suite {
	const char *name;
	uint8_t cipher, integrity;
	uint32_t iv, icv, align;
};
enum { SUITES = 8 };
extern const struct suite suites[SUITES];

/* One side: its sets, and a worker for each owner. */
struct side {
	struct esp_sas *sas;
	uint16_t workers;
	struct esp_worker *worker[4];
	char path[64];
};

void side_open(struct side *s, uint32_t sets, uint16_t workers);
/* Its process ends and another comes: the file stays. */
void side_restart(struct side *s, uint32_t sets, uint16_t workers);
void side_close(struct side *s);

/* The node's view of UE number i, over IPv4 or IPv6. */
struct esp_sa_spec spec_of(uint32_t i, uint8_t family, const struct suite *suite, bool nat);
/* The UE's view of the same. */
struct esp_sa_spec mirrored(const struct esp_sa_spec *s);

/* Both with one set in place, one worker each. */
struct pair {
	struct side node, ue;
	struct esp_sa_spec spec;
};
void pair_open(struct pair *p, uint8_t family, const struct suite *suite, bool nat);
void pair_close(struct pair *p);

/* A packet in memory of its own between two pages that may not be touched: its last octet is
 * the last before one of them, or its first the first behind the other. */
struct guarded {
	uint8_t *map, *at;
	size_t pages;
	uint32_t len;
};
struct guarded guard_new(const void *octets, uint32_t len, bool at_start);
void guard_free(struct guarded *g);

/* A message with just the rooms that esp_out needs, in guarded memory. */
struct message {
	struct guarded memory;
	struct buf buf;
};
void message_open(struct message *m, const void *text, uint32_t len);
void message_close(struct message *m);

/* Seals the text on this side; the packet's octets go to out: their number. */
uint32_t seal(struct side *s, uint64_t sa_id, const void *text, uint32_t len, uint8_t *out,
	      struct buf *how);
/* Seals from one side, with the addresses set as the other will see them. */
struct esp_packet packet_of(const struct esp_sa_spec *receiver, uint8_t *octets, uint32_t len);
/* Opens one packet in guarded memory; the message goes to out, if there is one. */
struct esp_packet open_packet(struct side *s, const struct esp_packet *p, uint8_t *out);

int group_start(void **state);
int group_end(void **state);
