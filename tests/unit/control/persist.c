/* persist.c - tests of control/persist.c and record.c */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sqlite3.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/text.h"
#include "control/persist.h"
#include "control/record.h"
#include "ifc/ifc.h"
#include "sets.h"

static char dir[64], path[96], error[256];

static int make_dir(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/saker-persist-test-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/control.db", dir);
	return 0;
}

static int remove_dir(void **state)
{
	const char *const suffix[] = {"", "-wal", "-shm"};

	for (int i = 0; i < 3; i++) {
		char file[128];

		snprintf(file, sizeof(file), "%s%s", path, suffix[i]);
		unlink(file);
	}
	return rmdir(dir);
}

struct outcome {
	int ok, failed;
};

static void on_done(void *ctx, bool ok)
{
	struct outcome *o = ctx;

	o->ok += ok;
	o->failed += !ok;
}

static void assert_same(const struct registration_set *a, const struct registration_set *b)
{
	uint32_t la, lb;
	uint8_t *x = record_encode(a, &la), *y = record_encode(b, &lb);

	assert_int_equal(la, lb);
	assert_memory_equal(x, y, la);
	free(x);
	free(y);
}

static uint32_t octets_of(const char *text)
{
	return text ? (uint32_t)strlen(text) : 0;
}

/* A contact without its last two fields, and its set, as version 1 wrote them. */
static void test_record_of_version_1(void **state)
{
	static const struct hash_key key = {0x73616b6572, 0x7265636f7264};
	struct registration_set *s = make_set(5, 2, 1000), *back;
	uint8_t old[4096];
	struct text t = text_in(old, sizeof(old));
	/* the private identity and the security association, at the end */
	const uint32_t last = 4 + (uint32_t)strlen("user5@example.org") + 8;
	uint32_t len, contact, head;
	uint8_t *octets;
	uint64_t sum;
	uint32_t charging;

	/* What the octets of a contact are, and those before the first, from two lengths. */
	free(record_encode(s, &len));
	s->n_contact = 0;
	free(record_encode(s, &head));
	s->n_contact = 2;
	octets = record_encode(s, &len);
	contact = (len - head) / 2;
	head -= 8;
	text_char(&t, 1);
	charging = 1 + 8 + 1 + 19 + 3 * 4 + octets_of(s->impi) + octets_of(s->service_route) +
		   octets_of(s->user_data);
	text_put(&t, slice_of(octets + 1, charging - 1));
	text_put(&t, slice_of(octets + charging + 4 + octets_of(s->charging),
			      head - charging - 4 - octets_of(s->charging)));
	for (uint32_t i = 0; i < 2; i++) {
		const uint8_t *c = octets + head + i * contact;
		/* three addresses, two times, q, reg-id: then what is new */
		const uint32_t at = 3 * 19 + 2 * 8 + 2 + 4;

		text_put(&t, slice_of(c, at));
		text_put(&t, slice_of(c + at + 1, contact - at - 1 - last));
	}
	sum = hash_table(&key, t.p, t.len);
	text_put(&t, slice_of(&sum, sizeof(sum)));
	assert_false(t.overflow);
	back = record_decode(text_slice(&t));
	assert_non_null(back);
	assert_int_equal(back->n_contact, 2);
	assert_false(back->contact[1].emergency);
	assert_string_equal(back->charging ? back->charging : "", "");
	s->contact[1].emergency = false;
	free(s->charging);
	s->charging = NULL;
	free(back->charging);
	back->charging = NULL;
	assert_same(s, back);
	registration_set_free(s);
	registration_set_free(back);
	free(octets);
}

static void test_record_comes_back(void **state)
{
	struct registration_set *s = make_set(5, 3, 1000), *back;
	uint32_t len;
	uint8_t *octets;

	s->contact[1].flow =
		(struct addr){.ip = {0x20, 1, 0xd, 0xb8}, .port = 5060, .family = 6};
	octets = record_encode(s, &len);
	back = record_decode(slice_of(octets, len));
	assert_non_null(back);
	assert_same(s, back);
	assert_string_equal(back->contact[2].uri, "sip:user@10.0.0.1:5062");
	assert_true(addr_eq(&back->contact[1].flow, &s->contact[1].flow));
	assert_int_equal(back->contact[2].expires_wall_ms, 1002);
	assert_true(back->contact[1].emergency && !back->contact[2].emergency);
	assert_string_equal(back->contact[1].impi, "user5@example.org");
	registration_set_free(s);
	registration_set_free(back);
	free(octets);
}

/* A set that was stored before contacts had security associations. */
static void test_association_comes_back(void **state)
{
	struct sa *sa = make_sa(7), *back;
	uint32_t len;
	uint8_t *octets;

	sa->nat = (struct addr){.ip = {203, 0, 113, 9}, .port = 4500, .family = 4};
	sa->old_id = 11;
	octets = record_sa_encode(sa, &len);
	back = record_sa_decode(slice_of(octets, len));
	assert_non_null(back);
	assert_int_equal(back->state, SA_ACTIVE);
	assert_int_equal(back->id, 507);
	assert_int_equal(back->set_id, sa->set_id);
	assert_int_equal(back->old_id, 11);
	assert_int_equal(back->created_wall_ms, sa->created_wall_ms);
	assert_int_equal(back->due_wall_ms, sa->due_wall_ms);
	assert_true(addr_eq(&back->ue, &sa->ue) && addr_eq(&back->local, &sa->local) &&
		    addr_eq(&back->nat, &sa->nat));
	assert_int_equal(back->port_us, sa->port_us);
	assert_int_equal(back->port_pc, sa->port_pc);
	assert_int_equal(back->spi_uc, sa->spi_uc);
	assert_int_equal(back->spi_us, sa->spi_us);
	assert_int_equal(back->spi_pc, sa->spi_pc);
	assert_int_equal(back->spi_ps, sa->spi_ps);
	assert_memory_equal(&back->pair, &sa->pair, sizeof(sa->pair));
	assert_int_equal(back->offered.n, 2);
	assert_memory_equal(back->offered.pair, sa->offered.pair, 2 * sizeof(sa->pair));
	assert_memory_equal(back->ck, sa->ck, sizeof(sa->ck));
	assert_memory_equal(back->ik, sa->ik, sizeof(sa->ik));
	assert_string_equal(back->impi, sa->impi);
	assert_string_equal(back->impu, sa->impu);
	sa_free(back);
	free(octets);
	/* What the data plane would not take is not taken from disk. */
	sa->spi_ps = sa->spi_pc;
	octets = record_sa_encode(sa, &len);
	assert_null(record_sa_decode(slice_of(octets, len)));
	free(octets);
	sa_free(sa);
}

static void test_damaged_association_is_refused(void **state)
{
	struct sa *sa = make_sa(7);
	uint32_t len;
	uint8_t *octets = record_sa_encode(sa, &len);

	for (uint32_t i = 0; i < len * 8; i++) {
		octets[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_null(record_sa_decode(slice_of(octets, len)));
		octets[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (uint32_t n = 0; n < len; n++) {
		uint8_t *shorter = malloc(n + 1);

		memcpy(shorter, octets, n);
		assert_null(record_sa_decode(slice_of(shorter, n)));
		free(shorter);
	}
	free(octets);
	sa_free(sa);
}

static void test_damaged_record_is_refused(void **state)
{
	struct registration_set *s = make_set(5, 1, 1000);
	uint32_t len;
	uint8_t *octets = record_encode(s, &len);

	for (uint32_t i = 0; i < len * 8; i++) {
		octets[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_null(record_decode(slice_of(octets, len)));
		octets[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (uint32_t n = 0; n < len; n++) {
		/* On the heap: a read behind the end shows. */
		uint8_t *shorter = malloc(n + 1);

		memcpy(shorter, octets, n);
		assert_null(record_decode(slice_of(shorter, n)));
		free(shorter);
	}
	free(octets);
	registration_set_free(s);
}

static void test_committed_sets_are_there_after_reopening(void **state)
{
	struct registrations *r = registrations_new();
	struct persist *p = persist_open(path, error);
	struct outcome o = {0};
	struct registration_set *s[3];
	struct stat st;

	assert_non_null(p);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	for (uint32_t i = 0; i < 3; i++) {
		s[i] = make_set(i, 1, 1);
		persist_put(p, s[i], on_done, &o);
	}
	persist_delete(p, s[1]->id, on_done, &o);
	assert_int_equal(o.ok, 0); /* not before the commit */
	assert_true(persist_pending(p));
	persist_commit(p);
	assert_int_equal(o.ok, 4);
	assert_int_equal(o.failed, 0);
	assert_false(persist_pending(p));
	/* Not committed: must not be there. */
	persist_delete(p, s[2]->id, on_done, &o);
	persist_close(p);

	p = persist_open(path, error);
	assert_non_null(p);
	assert_true(persist_load(p, r, error));
	assert_int_equal(registrations_count(r), 2);
	assert_same(registrations_by_id(r, s[0]->id), s[0]);
	assert_null(registrations_by_id(r, s[1]->id));
	assert_same(registrations_by_id(r, s[2]->id), s[2]);
	persist_close(p);
	registrations_free(r);
	for (int i = 0; i < 3; i++)
		registration_set_free(s[i]);
}

static void run_sql(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void test_damaged_row_is_left_out(void **state)
{
	struct registrations *r = registrations_new();
	struct persist *p = persist_open(path, error);
	struct registration_set *a = make_set(1, 1, 1), *b = make_set(2, 1, 1);
	struct persist_stats stats;

	persist_put(p, a, NULL, NULL);
	persist_put(p, b, NULL, NULL);
	persist_commit(p);
	persist_close(p);
	run_sql("UPDATE registration SET record = substr(record, 1, 20) WHERE id = "
		"(SELECT min(id) FROM registration)");
	p = persist_open(path, error);
	assert_true(persist_load(p, r, error));
	assert_int_equal(registrations_count(r), 1);
	assert_non_null(registrations_by_id(r, b->id));
	persist_stats(p, &stats);
	assert_int_equal(stats.damaged, 1);
	persist_close(p);
	registrations_free(r);
	registration_set_free(a);
	registration_set_free(b);
}

static void test_associations_are_there_after_reopening(void **state)
{
	struct sas *s = sas_new();
	struct persist *p = persist_open(path, error);
	struct sa *sa[3];
	struct outcome o = {0};
	struct persist_stats stats;

	for (uint32_t i = 0; i < 3; i++) {
		sa[i] = make_sa(i);
		persist_sa_put(p, sa[i], on_done, &o);
	}
	persist_sa_delete(p, sa[1]->id);
	sa[2]->old_id = 42;
	persist_sa_put(p, sa[2], NULL, NULL);
	assert_int_equal(o.ok, 0);
	persist_commit(p);
	assert_int_equal(o.ok, 3);
	persist_close(p);
	run_sql("INSERT INTO sa(id, record) VALUES(9, x'00')");
	p = persist_open(path, error);
	assert_true(persist_load_sas(p, s, error));
	persist_stats(p, &stats);
	assert_int_equal(stats.damaged, 1);
	assert_int_equal(sas_total(s), 2);
	assert_non_null(sas_find(s, 500));
	assert_null(sas_find(s, 501));
	assert_int_equal(sas_find(s, 502)->old_id, 42);
	persist_close(p);
	sas_free(s);
	for (int i = 0; i < 3; i++)
		sa_free(sa[i]);
}

struct subscriptions {
	uint32_t n;
	uint64_t number;
	char user[64];
};

static void on_subscription(void *ctx, const struct record_subscription *s)
{
	struct subscriptions *seen = ctx;

	seen->n++;
	seen->number = s->number;
	snprintf(seen->user, sizeof(seen->user), "%.*s", SLICE_ARG(s->user));
}

static void test_subscriptions(void **state)
{
	struct record_subscription s = {.number = 1,
					.set_id = 2,
					.begun_wall_ms = 3,
					.expires_wall_ms = 4,
					.hop = {.ip = {192, 0, 2, 1},
						.port = 5060,
						.family = 4},
					.user = SLICE("sip:a@example.org"),
					.route = SLICE("Route: <sip:x;lr>\r\n")},
				   back;
	struct persist *p = persist_open(path, error);
	struct subscriptions seen = {0};
	struct persist_stats stats;
	uint32_t len;
	uint8_t *octets = record_subscription_encode(&s, &len);

	assert_true(record_subscription_decode(slice_of(octets, len), &back));
	assert_int_equal(back.expires_wall_ms, 4);
	assert_true(slice_eq(back.route, s.route));
	assert_int_equal(back.event.len, 0);
	for (uint32_t n = 0; n < len; n++) {
		uint8_t *shorter = malloc(n + 1);

		memcpy(shorter, octets, n);
		assert_false(record_subscription_decode(slice_of(shorter, n), &back));
		free(shorter);
	}
	for (uint32_t i = 0; i < len * 8; i++) {
		octets[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(record_subscription_decode(slice_of(octets, len), &back));
		octets[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	free(octets);
	persist_subscription_put(p, &s);
	s.number = 5;
	persist_subscription_put(p, &s);
	s.user = SLICE("sip:b@example.org");
	persist_subscription_put(p, &s);
	persist_subscription_delete(p, 1);
	persist_commit(p);
	persist_close(p);
	run_sql("INSERT INTO subscription(id, record) VALUES(9, x'00')");
	p = persist_open(path, error);
	assert_true(persist_load_subscriptions(p, on_subscription, &seen, error));
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.number, 5);
	assert_string_equal(seen.user, "sip:b@example.org");
	persist_stats(p, &stats);
	assert_int_equal(stats.damaged, 1);
	persist_close(p);
}

static void test_prolonged_record(void **state)
{
	struct record_prolonged r = {1, 2, 3, 4, 5}, back;
	uint32_t len;
	uint8_t *octets = record_prolonged_encode(&r, &len);

	assert_true(record_prolonged_decode(slice_of(octets, len), &back));
	assert_int_equal(back.set_id, 1);
	assert_int_equal(back.contact, 2);
	assert_int_equal(back.cseq, 3);
	assert_int_equal(back.expires_wall_ms, 4);
	assert_int_equal(back.registered_wall_ms, 5);
	for (uint32_t n = 0; n < len; n++)
		assert_false(record_prolonged_decode(slice_of(octets, n), &back));
	for (uint32_t i = 0; i < len * 8; i++) {
		octets[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(record_prolonged_decode(slice_of(octets, len), &back));
		octets[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	free(octets);
}

static struct record_prolonged line_of(const struct registration_set *s, uint32_t contact,
				       uint32_t cseq, uint64_t expires)
{
	return (struct record_prolonged){.set_id = s->id,
					 .contact = record_contact(&s->contact[contact]),
					 .cseq = cseq,
					 .expires_wall_ms = expires,
					 .registered_wall_ms = expires - 10};
}

static void prolong(struct persist *p, const struct registration_set *s, uint32_t contact,
		    uint32_t cseq, uint64_t expires)
{
	struct record_prolonged r = line_of(s, contact, cseq, expires);

	persist_prolong(p, &r);
}

/* What was prolonged counts when all is read again, and nothing that was overtaken. */
static void test_journal(void **state)
{
	struct registration_set *a = make_set(1, 2, 1000), *b = make_set(2, 1, 1000);
	struct registration_set *nobody = make_set(3, 1, 1000), *seen;
	struct persist *p = persist_open(path, error);
	struct registrations *all = registrations_new();
	struct persist_stats stats;
	struct outcome o = {0};
	uint64_t due;

	a->contact[0].cseq = a->contact[1].cseq = b->contact[0].cseq = 5;
	persist_put(p, a, on_done, &o);
	persist_put(p, b, on_done, &o);
	prolong(p, a, 1, 6, 7000);
	prolong(p, a, 1, 7, 8000);
	prolong(p, a, 1, 6, 9000); /* comes late */
	prolong(p, b, 0, 9, 5000);
	b->contact[0].cseq = 9; /* and then the network cut it short */
	b->contact[0].expires_wall_ms = 3000;
	persist_put(p, b, on_done, &o);
	prolong(p, nobody, 0, 1, 1);
	assert_int_equal(persist_prolonged(p), 5);
	persist_commit(p);
	assert_int_equal(o.ok, 3);
	persist_close(p);
	run_sql("INSERT INTO prolonged(id, record) VALUES(100, x'00')");

	p = persist_open(path, error);
	assert_int_equal(persist_prolonged(p), 100);
	assert_true(persist_load(p, all, error));
	seen = registrations_by_id(all, a->id);
	assert_int_equal(seen->contact[0].cseq, 5);
	assert_int_equal(seen->contact[0].expires_wall_ms, 1000);
	assert_int_equal(seen->contact[1].cseq, 7);
	assert_int_equal(seen->contact[1].expires_wall_ms, 8000);
	assert_int_equal(seen->contact[1].registered_wall_ms, 7990);
	seen = registrations_by_id(all, b->id);
	assert_int_equal(seen->contact[0].expires_wall_ms, 3000);
	assert_ptr_equal(registrations_next_expiry(all, &due), registrations_by_id(all, a->id));
	assert_int_equal(due, 1000);
	persist_stats(p, &stats);
	assert_int_equal(stats.damaged, 1);
	persist_close(p);
	registrations_free(all);
	registration_set_free(a);
	registration_set_free(b);
	registration_set_free(nobody);
}

static void on_line(void *ctx, const struct record_prolonged *r)
{
	uint32_t *sum = ctx;

	*sum = *sum * 10 + r->cseq;
}

static void test_journal_is_shortened(void **state)
{
	struct registration_set *a = make_set(1, 1, 1000);
	struct persist *p = persist_open(path, error);
	uint32_t seen = 0;
	uint64_t until;

	assert_int_equal(persist_prolonged_oldest(p, 3, on_line, &seen), 0);
	persist_prolonged_forget(p, 0);
	for (uint32_t i = 1; i <= 5; i++)
		prolong(p, a, 0, i, i);
	persist_commit(p);
	until = persist_prolonged_oldest(p, 3, on_line, &seen);
	assert_int_equal(seen, 123);
	persist_prolonged_forget(p, until);
	assert_int_equal(persist_prolonged(p), 2);
	prolong(p, a, 0, 6, 6);
	persist_commit(p);
	persist_close(p);
	p = persist_open(path, error);
	assert_int_equal(persist_prolonged(p), 3);
	seen = 0;
	until = persist_prolonged_oldest(p, 100, on_line, &seen);
	assert_int_equal(seen, 456);
	persist_prolonged_forget(p, until);
	persist_commit(p);
	assert_int_equal(persist_prolonged(p), 0);
	assert_int_equal(persist_prolonged_oldest(p, 3, on_line, &seen), 0);
	persist_close(p);
	registration_set_free(a);
}

static const struct record_owed owed = {.key = 7,
					.set_id = 2,
					.serial = 3,
					.since_wall_ms = 4,
					.expires_wall_ms = 5,
					.kind = IFC_REGISTER_AGAIN,
					.terminate = true,
					.impu = SLICE("sip:a@example.org"),
					.to = SLICE("sip:A@example.org"),
					.server = SLICE("sip:as.example.org"),
					.headers = SLICE("P-Visited-Network-ID: x\r\n"),
					.type = SLICE("message/sip"),
					.body = SLICE("body")};

static void test_owed_record(void **state)
{
	struct record_owed back, odd = owed;
	uint32_t len;
	uint8_t *octets = record_owed_encode(&owed, &len);

	assert_true(record_owed_decode(slice_of(octets, len), &back));
	assert_int_equal(back.key, 7);
	assert_int_equal(back.expires_wall_ms, 5);
	assert_int_equal(back.kind, IFC_REGISTER_AGAIN);
	assert_true(back.terminate);
	assert_true(slice_eq(back.to, owed.to));
	assert_true(slice_eq(back.headers, owed.headers));
	assert_true(slice_eq(back.body, owed.body));
	for (uint32_t n = 0; n < len; n++) {
		uint8_t *shorter = malloc(n + 1);

		memcpy(shorter, octets, n);
		assert_false(record_owed_decode(slice_of(shorter, n), &back));
		free(shorter);
	}
	for (uint32_t i = 0; i < len * 8; i++) {
		octets[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(record_owed_decode(slice_of(octets, len), &back));
		octets[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	free(octets);
	odd.kind = IFC_REGISTER_ANY;
	octets = record_owed_encode(&odd, &len);
	assert_false(record_owed_decode(slice_of(octets, len), &back));
	free(octets);
}

static void on_owed(void *ctx, const struct record_owed *o, struct slice record)
{
	struct record_owed again;
	uint32_t *n = ctx;

	(*n)++;
	assert_int_equal(o->key, 7);
	assert_true(record_owed_decode(record, &again));
	assert_int_equal(again.serial, o->serial);
}

static void test_owed_is_there_after_reopening(void **state)
{
	struct persist *p = persist_open(path, error);
	uint32_t len, got, n = 0;
	uint8_t *octets = record_owed_encode(&owed, &len), *back;

	assert_null(persist_owed_get(p, 7, &got));
	persist_owed_put(p, 7, slice_of(octets, len));
	persist_owed_put(p, 8, slice_of(octets, len));
	assert_null(persist_owed_get(p, 7, &got));
	persist_owed_delete(p, 8);
	persist_commit(p);
	back = persist_owed_get(p, 7, &got);
	assert_int_equal(got, len);
	assert_memory_equal(back, octets, len);
	free(back);
	persist_close(p);
	/* Of another key than its row, and one that rotted. */
	run_sql("INSERT INTO owed(id, record) SELECT 9, record FROM owed;"
		"INSERT INTO owed(id, record) VALUES(10, x'01')");
	p = persist_open(path, error);
	assert_true(persist_load_owed(p, on_owed, &n, error));
	assert_int_equal(n, 1);
	persist_close(p);
	free(octets);
}

/* Of before Application Servers were owed anything. */
static void test_schema_without_owed(void **state)
{
	struct persist *p;
	uint32_t n = 0;

	persist_close(persist_open(path, error));
	run_sql("DROP TABLE owed; DROP TABLE policy; PRAGMA user_version = 3");
	p = persist_open(path, error);
	assert_non_null(p);
	assert_true(persist_load_owed(p, on_owed, &n, error));
	assert_int_equal(n, 0);
	persist_close(p);
}

/* A store of before there were security associations is taken over. */
static void test_older_schema_gets_its_table(void **state)
{
	struct sas *s = sas_new();
	struct persist *p;

	persist_close(persist_open(path, error));
	run_sql("DROP TABLE sa; DROP TABLE prolonged; PRAGMA user_version = 1");
	p = persist_open(path, error);
	assert_non_null(p);
	assert_true(persist_load_sas(p, s, error));
	assert_int_equal(sas_total(s), 0);
	persist_close(p);
	sas_free(s);
}

static void test_newer_schema_is_refused(void **state)
{
	persist_close(persist_open(path, error));
	run_sql("PRAGMA user_version = 99");
	assert_null(persist_open(path, error));
	assert_non_null(strstr(error, "99"));
}

static void test_full_disk_is_told_and_recovers(void **state)
{
	struct persist *p = persist_open(path, error);
	struct registration_set *s = make_set(1, 8, 1);
	struct outcome o = {0};
	struct rlimit before, none;
	struct registrations *r = registrations_new();

	s->user_data = realloc(s->user_data, 60001);
	memset(s->user_data, 'x', 60000);
	s->user_data[60000] = 0;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = (struct rlimit){4096, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	persist_put(p, s, on_done, &o);
	persist_commit(p);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(o.ok, 0);
	assert_int_equal(o.failed, 1);
	persist_put(p, s, on_done, &o);
	persist_commit(p);
	assert_int_equal(o.ok, 1);
	assert_true(persist_load(p, r, error));
	assert_int_equal(registrations_count(r), 1);
	persist_close(p);
	registrations_free(r);
	registration_set_free(s);
}

static void test_locked_file_fails_in_time(void **state)
{
	struct persist *p = persist_open(path, error);
	struct registration_set *s = make_set(1, 1, 1);
	struct outcome o = {0};
	sqlite3 *other;

	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	persist_put(p, s, on_done, &o);
	persist_commit(p);
	assert_int_equal(o.failed, 1);
	sqlite3_close(other);
	persist_put(p, s, on_done, &o);
	persist_commit(p);
	assert_int_equal(o.ok, 1);
	persist_close(p);
	registration_set_free(s);
}

static void test_missing_directory_is_named(void **state)
{
	assert_null(persist_open("/nonexistent/saker/control.db", error));
	assert_non_null(strstr(error, "/nonexistent/saker/control.db"));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_comes_back),
		cmocka_unit_test(test_record_of_version_1),
		cmocka_unit_test(test_damaged_record_is_refused),
		cmocka_unit_test(test_association_comes_back),
		cmocka_unit_test(test_damaged_association_is_refused),
		cmocka_unit_test(test_prolonged_record),
		TEST(test_journal),
		TEST(test_journal_is_shortened),
		TEST(test_associations_are_there_after_reopening),
		TEST(test_subscriptions),
		cmocka_unit_test(test_owed_record),
		TEST(test_owed_is_there_after_reopening),
		TEST(test_schema_without_owed),
		TEST(test_older_schema_gets_its_table),
		TEST(test_committed_sets_are_there_after_reopening),
		TEST(test_damaged_row_is_left_out),
		TEST(test_newer_schema_is_refused),
		TEST(test_full_disk_is_told_and_recovers),
		TEST(test_locked_file_fails_in_time),
		cmocka_unit_test(test_missing_directory_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
