/* test_sa.c - sets put, replaced, deleted, kept over a restart, and as many as there is room
 * for
 */
#include "support.h"

#include <errno.h>

static const struct suite *const suite = &suites[5];

static uint8_t octets[2048], back[2048];

/* The number the next message leaves with. */
static uint32_t next_number(struct side *s, uint64_t sa_id)
{
	seal(s, sa_id, "message", 7, octets, NULL);
	return (uint32_t)octets[4] << 24 | (uint32_t)octets[5] << 16 |
	       (uint32_t)octets[6] << 8 | octets[7];
}

static uint32_t sets(const struct side *s)
{
	struct esp_stats stats;

	esp_stats(s->sas, &stats);
	return stats.sets;
}

static void refused_specs(void **state)
{
	struct side s;
	const struct esp_sa_spec good = spec_of(0, 4, suite, false);

	side_open(&s, 4, 1);
#define WRONG(member, value)                                                                   \
	do {                                                                                   \
		struct esp_sa_spec bad = good;                                                 \
		bad.member = (value);                                                          \
		assert_int_equal(esp_sa_put(s.sas, &bad), ESP_MALFORMED);                      \
	} while (0)
	WRONG(sa_id, 0);
	WRONG(ue.family, 0);
	WRONG(ue.family, 5);
	WRONG(local.family, 6);
	WRONG(nat.family, 6);
	WRONG(ue.port, 0);
	WRONG(local.port, 0);
	WRONG(port_us, 0);
	WRONG(port_pc, 0);
	WRONG(spi_uc, 255);
	WRONG(spi_us, 0);
	WRONG(spi_pc, 255);
	WRONG(spi_ps, 1);
	WRONG(spi_ps, good.spi_pc);
	WRONG(spi_ps, good.spi_us); /* sent back, it would be taken for the UE's */
	WRONG(spi_pc, good.spi_uc);
	WRONG(cipher, ESP_CIPHER_MAX);
	WRONG(integrity, ESP_INTEGRITY_MAX);
	WRONG(integrity, ESP_INTEGRITY_NONE);
	WRONG(integrity, ESP_AES_GMAC); /* with AES-CBC */
	WRONG(cipher, ESP_AES_GCM);     /* with HMAC */
	assert_int_equal(sets(&s), 0);
	assert_int_equal(esp_sa_put(s.sas, &good), ESP_OK);
	assert_int_equal(sets(&s), 1);
	side_close(&s);
}

/* What may change, and what makes it another set. */
static void replaced(void **state)
{
	struct side s;
	struct esp_sa_spec good = spec_of(0, 4, suite, true), again = good;
	struct buf how;

	side_open(&s, 4, 1);
	assert_int_equal(esp_sa_put(s.sas, &good), ESP_OK);
	assert_int_equal(next_number(&s, good.sa_id), 1);
	again.set_id = 5;
	again.expires_ms += 1000;
	again.nat.ip[3] ^= 1;
	assert_int_equal(esp_sa_put(s.sas, &again), ESP_OK);
	assert_int_equal(sets(&s), 1);
	assert_int_equal(next_number(&s, good.sa_id), 2);
	seal(&s, good.sa_id, "x", 1, octets, &how);
	assert_true(addr_same_ip(&how.dst, &again.nat));
#define OTHER(statement)                                                                       \
	do {                                                                                   \
		struct esp_sa_spec other = again;                                              \
		other.statement;                                                               \
		assert_int_equal(esp_sa_put(s.sas, &other), ESP_CONFLICT);                     \
	} while (0)
	OTHER(ck[15] ^= 1);
	OTHER(ik[0] ^= 1);
	OTHER(spi_ps ^= 0x100);
	OTHER(spi_pc ^= 0x100);
	OTHER(spi_us ^= 0x100);
	OTHER(spi_uc ^= 0x100);
	OTHER(port_us ^= 1);
	OTHER(port_pc ^= 1);
	OTHER(ue.port ^= 1);
	OTHER(ue.ip[3] ^= 1);
	OTHER(local.port ^= 1);
	OTHER(integrity = ESP_HMAC_MD5_96);
	OTHER(cipher = ESP_NULL);
	OTHER(nat.family = 0);
	assert_int_equal(next_number(&s, good.sa_id), 4);
	side_close(&s);
}

static void spi_of_another(void **state)
{
	struct side s;
	struct esp_sa_spec a = spec_of(0, 4, suite, false), b = spec_of(1, 4, suite, false);

	side_open(&s, 4, 1);
	assert_int_equal(esp_sa_put(s.sas, &a), ESP_OK);
	b.spi_pc = a.spi_ps;
	assert_int_equal(esp_sa_put(s.sas, &b), ESP_CONFLICT);
	b = spec_of(1, 4, suite, false);
	b.spi_us = a.spi_us; /* the UE's to choose: only its own must differ */
	assert_int_equal(esp_sa_put(s.sas, &b), ESP_OK);
	side_close(&s);
}

static void deleted(void **state)
{
	struct pair p;
	struct message m;

	pair_open(&p, 4, suite, false);
	uint32_t n = seal(&p.ue, p.spec.sa_id, "late", 4, octets, NULL);
	assert_int_equal(esp_sa_delete(p.node.sas, p.spec.sa_id), ESP_OK);
	assert_int_equal(esp_sa_delete(p.node.sas, p.spec.sa_id), ESP_OK);
	assert_int_equal(sets(&p.node), 0);
	struct esp_packet got = packet_of(&p.spec, octets, n);
	assert_int_equal(open_packet(&p.node, &got, NULL).reason, COUNT_DROP_ESP_SPI);
	message_open(&m, "gone", 4);
	struct esp_message e = {&m.buf, .sa_id = p.spec.sa_id};
	esp_out(p.node.worker[0], &e, 1);
	assert_int_equal(e.verdict, VERDICT_DROP);
	assert_int_equal(e.reason, COUNT_DROP_ESP_NO_SA);
	assert_memory_equal(m.buf.data, "gone", 4);
	message_close(&m);
	pair_close(&p);
}

static void full_and_again(void **state)
{
	enum { N = 700 };
	struct side s;

	side_open(&s, N, 1);
	for (uint32_t round = 0; round < 3; round++) {
		struct esp_sa_spec more = spec_of(round * N + N, 4, &suites[7], false);

		for (uint32_t i = 0; i < N; i++) {
			struct esp_sa_spec spec =
				spec_of(round * N + i, 4, &suites[i % SUITES], false);
			assert_int_equal(esp_sa_put(s.sas, &spec), ESP_OK);
		}
		assert_int_equal(esp_sa_put(s.sas, &more), ESP_NO_MEMORY);
		for (uint32_t i = 0; i < N; i++)
			assert_int_equal(next_number(&s, 1000 + round * N + i), 1);
		for (uint32_t i = 0; i < N; i++)
			assert_int_equal(esp_sa_delete(s.sas, 1000 + round * N + i), ESP_OK);
	}
	side_close(&s);
}

static void synchronised(void **state)
{
	struct side s;
	struct esp_sa_spec a = spec_of(0, 4, suite, false), b = spec_of(1, 4, suite, false),
			   c = spec_of(2, 4, suite, false), d = spec_of(3, 4, suite, false);

	side_open(&s, 8, 1);
	assert_int_equal(esp_sa_put(s.sas, &a), ESP_OK);
	assert_int_equal(esp_sa_put(s.sas, &b), ESP_OK);
	next_number(&s, a.sa_id);
	esp_sync_begin(s.sas);
	assert_int_equal(esp_sa_put(s.sas, &a), ESP_OK);
	assert_int_equal(next_number(&s, b.sa_id), 1); /* until the end it serves */
	/* One of old that is not known: its numbers are lost, now as later. A new one is new.
	 */
	c.used = true;
	assert_int_equal(esp_sa_put(s.sas, &c), ESP_UNKNOWN);
	assert_int_equal(esp_sa_put(s.sas, &d), ESP_OK);
	esp_sync_end(s.sas);
	assert_int_equal(sets(&s), 2);
	assert_int_equal(next_number(&s, a.sa_id), 2);
	assert_int_equal(next_number(&s, d.sa_id), 1);
	assert_int_equal(esp_sa_put(s.sas, &c), ESP_UNKNOWN);
	esp_sync_end(s.sas); /* of nothing */
	assert_int_equal(sets(&s), 2);
	side_close(&s);
}

/* Numbers and windows go on; what control does not put again is forgotten. */
static void restarted(void **state)
{
	struct pair p;
	struct esp_sa_spec b = spec_of(2, 4, suite, false);
	uint8_t early[256];

	pair_open(&p, 4, suite, true);
	assert_int_equal(esp_sa_put(p.node.sas, &b), ESP_OK);
	for (uint32_t i = 1; i <= 5; i++)
		assert_int_equal(next_number(&p.node, p.spec.sa_id), i);
	next_number(&p.node, b.sa_id);
	uint32_t n_early = seal(&p.ue, p.spec.sa_id, "not seen", 8, early, NULL);
	uint32_t n = seal(&p.ue, p.spec.sa_id, "seen", 4, octets, NULL);
	struct esp_packet seen = packet_of(&p.spec, octets, n),
			  unseen = packet_of(&p.spec, early, n_early);
	seen.src.port = 63000;
	assert_int_equal(open_packet(&p.node, &seen, NULL).verdict, VERDICT_NEXT);

	side_restart(&p.node, 4, 2);
	assert_int_equal(open_packet(&p.node, &seen, NULL).reason, COUNT_DROP_ESP_SPI);
	esp_sync_begin(p.node.sas);
	assert_int_equal(esp_sa_put(p.node.sas, &p.spec), ESP_OK);
	esp_sync_end(p.node.sas);
	struct esp_worker *owner = p.node.worker[1]; /* now */
	p.node.worker[1] = p.node.worker[0];
	p.node.worker[0] = owner;
	assert_int_equal(open_packet(&p.node, &seen, NULL).reason, COUNT_DROP_ESP_REPLAY);
	assert_int_equal(open_packet(&p.node, &unseen, NULL).verdict, VERDICT_NEXT);
	struct buf how;
	seal(&p.node, p.spec.sa_id, "x", 1, back, &how);
	assert_int_equal(back[7], 6);
	assert_int_equal(how.dst.port, 63000);

	/* b was not put: its record went with the end. */
	side_restart(&p.node, 4, 1);
	esp_sync_begin(p.node.sas);
	b.used = true;
	assert_int_equal(esp_sa_put(p.node.sas, &b), ESP_UNKNOWN);
	side_restart(&p.node, 4, 1); /* in the middle: nothing is lost */
	esp_sync_begin(p.node.sas);
	assert_int_equal(esp_sa_put(p.node.sas, &p.spec), ESP_OK);
	esp_sync_end(p.node.sas);
	assert_int_equal(next_number(&p.node, p.spec.sa_id), 7);
	pair_close(&p);
}

/* Many, as after a restart of a node in use: each finds its own, soon. */
static void many_restarted(void **state)
{
	enum { N = 20000 };
	struct side s;

	side_open(&s, N, 1);
	for (uint32_t i = 0; i < N; i++) {
		struct esp_sa_spec a = spec_of(i * 7919 % N, 4, suite, false);

		assert_int_equal(esp_sa_put(s.sas, &a), ESP_OK);
	}
	for (uint32_t i = 0; i < N; i += 100)
		for (uint32_t k = 0; k <= i / 100 % 5; k++)
			next_number(&s, 1000 + i);
	side_restart(&s, N, 1);
	esp_sync_begin(s.sas);
	for (uint32_t i = 0; i < N; i++) {
		struct esp_sa_spec a = spec_of(i, 4, suite, false);

		if (i % 3)
			assert_int_equal(esp_sa_put(s.sas, &a), ESP_OK);
	}
	esp_sync_end(s.sas);
	for (uint32_t i = 0; i < N; i += 100)
		if (i % 3)
			assert_int_equal(next_number(&s, 1000 + i), i / 100 % 5 + 2);
	/* The records of the others serve anew. */
	for (uint32_t i = 0; i < N / 3; i++) {
		struct esp_sa_spec a = spec_of(N + i, 4, suite, false);

		assert_int_equal(esp_sa_put(s.sas, &a), ESP_OK);
		if (i % 1000 == 0)
			assert_int_equal(next_number(&s, 1000 + N + i), 1);
	}
	side_close(&s);
}

/* A file that is another boot's, shorter, or of another form is no ground to go on from. */
static void file_of_another(void **state)
{
	static const long at[] = {0, 4, 8, 43};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct side s;
		struct esp_sa_spec a = spec_of(0, 4, suite, false);

		side_open(&s, 4, 1);
		assert_int_equal(esp_sa_put(s.sas, &a), ESP_OK);
		next_number(&s, a.sa_id);
		FILE *f = fopen(s.path, "r+");
		fseek(f, at[i], SEEK_SET);
		int c = fgetc(f);
		fseek(f, at[i], SEEK_SET);
		fputc(c ^ 1, f);
		fclose(f);
		side_restart(&s, 4, 1);
		esp_sync_begin(s.sas);
		a.used = true;
		assert_int_equal(esp_sa_put(s.sas, &a), ESP_UNKNOWN);
		side_close(&s);
	}
}

static void one_process_a_file(void **state)
{
	struct side s;
	char error[ESP_ERROR_MAX];

	side_open(&s, 4, 1);
	struct esp_options o = {.sets = 4, .workers = 1, .run_path = s.path};
	assert_null(esp_sas_create(&o, error));
	assert_non_null(strstr(error, "another data plane"));
	assert_non_null(strstr(error, s.path));
	o.run_path = "/nowhere/at/all";
	assert_null(esp_sas_create(&o, error));
	assert_non_null(strstr(error, "/nowhere/at/all"));
	side_close(&s);
}

static void expired(void **state)
{
	struct side s;

	side_open(&s, 300, 1);
	for (uint32_t i = 0; i < 300; i++) {
		struct esp_sa_spec a = spec_of(i, 4, suite, false);

		a.expires_ms = 1000 + i;
		assert_int_equal(esp_sa_put(s.sas, &a), ESP_OK);
	}
	for (int i = 0; i < 300; i++)
		esp_sa_expire(s.sas, 1600, 500, 10);
	assert_int_equal(sets(&s), 200);
	assert_int_equal(next_number(&s, 1000 + 100), 1);
	for (int i = 0; i < 300; i++)
		esp_sa_expire(s.sas, 99999, 500, 10);
	assert_int_equal(sets(&s), 0);
	side_close(&s);
}

/* RFC 4303 §3.3.3: the last number, and none behind it. */
static void last_number(void **state)
{
	struct pair p;
	struct message m;

	pair_open(&p, 4, suite, false);
	side_restart(&p.node, 4, 1);
	FILE *f = fopen(p.node.path, "r+");
	uint32_t sent = UINT32_MAX - 2;
	struct {
		uint64_t id;
		uint32_t sent;
	} record;
	long place = 64;
	do {
		fseek(f, place, SEEK_SET);
		assert_int_equal(fread(&record, 1, 12, f), 12);
		place += 64;
	} while (record.id != p.spec.sa_id);
	fseek(f, place - 64 + 8, SEEK_SET);
	fwrite(&sent, 4, 1, f);
	fclose(f);
	esp_sync_begin(p.node.sas);
	assert_int_equal(esp_sa_put(p.node.sas, &p.spec), ESP_OK);
	esp_sync_end(p.node.sas);
	assert_int_equal(next_number(&p.node, p.spec.sa_id), UINT32_MAX - 1);
	assert_int_equal(next_number(&p.node, p.spec.sa_id), UINT32_MAX);
	struct esp_sa_spec other = mirrored(&p.spec);
	struct esp_packet got = packet_of(&other, octets, 8 + 16 + 32 + 12);
	assert_int_equal(open_packet(&p.ue, &got, NULL).verdict, VERDICT_NEXT);
	for (int i = 0; i < 3; i++) {
		message_open(&m, "one more", 8);
		struct esp_message e = {&m.buf, .sa_id = p.spec.sa_id};
		esp_out(p.node.worker[0], &e, 1);
		assert_int_equal(e.verdict, VERDICT_DROP);
		assert_int_equal(e.reason, COUNT_DROP_ESP_SEQUENCE);
		assert_memory_equal(m.buf.data, "one more", 8);
		message_close(&m);
	}
	pair_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_specs),   cmocka_unit_test(replaced),
		cmocka_unit_test(spi_of_another),  cmocka_unit_test(deleted),
		cmocka_unit_test(full_and_again),  cmocka_unit_test(synchronised),
		cmocka_unit_test(restarted),       cmocka_unit_test(many_restarted),
		cmocka_unit_test(file_of_another), cmocka_unit_test(one_process_a_file),
		cmocka_unit_test(expired),         cmocka_unit_test(last_number),
	};

	return cmocka_run_group_tests(tests, group_start, group_end);
}
