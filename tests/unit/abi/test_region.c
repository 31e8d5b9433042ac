/* test_region.c - the region between two real processes */
#define _GNU_SOURCE /* F_GET_SEALS */
#include "abi/region.h"
#include "random.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	RING = 1 << 17,
	RECORDS = 1000000,
	KILLS = 12,
	NOBODY = 65534,
	WAIT_MS = 20000, /* far more than a wake-up takes; it runs out only when one was lost */
};

struct plane {
	char dir[64], path[96];
	struct abi_region *r;
	int memfd, wake, listen;
};

static int plane_start(void **state)
{
	static struct plane p;

	snprintf(p.dir, sizeof(p.dir), "/tmp/saker-test-XXXXXX");
	if (!mkdtemp(p.dir))
		return -1;
	snprintf(p.path, sizeof(p.path), "%s/abi.sock", p.dir);
	p.memfd = abi_region_create(2, 1, RING, RING, &p.r);
	p.wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	p.listen = abi_listen(p.path);
	*state = &p;
	return p.memfd < 0 || p.wake < 0 || p.listen < 0 ? -1 : 0;
}

static int plane_stop(void **state)
{
	struct plane *p = *state;

	munmap(p->r, p->r->size);
	close(p->memfd);
	close(p->wake);
	close(p->listen);
	unlink(p->path);
	return rmdir(p->dir);
}

/* The next control that connects, or -1 after a refusal. */
static int accept_one(struct plane *p, int64_t *refused)
{
	struct pollfd ready = {p->listen, POLLIN, 0};

	assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
	return abi_accept(p->listen, p->r, p->memfd, p->wake, refused);
}

static int child_result(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Record number n: its length and octets follow from n. */
static uint32_t record_make(uint64_t n, uint64_t *octets)
{
	uint64_t rnd = n;
	uint64_t first = random_next(&rnd);
	uint32_t len =
		8 + (first % 128 ? first >> 8 & 127 : (first >> 8) % (RING_RECORD_MAX - 8));

	octets[0] = n;
	for (uint32_t i = 1; i <= len / 8; i++)
		octets[i] = octets[i - 1] * 0x9e3779b97f4a7c15u + len;
	return len;
}

static bool record_is(struct slice s, uint64_t n)
{
	static uint64_t want[RING_RECORD_MAX / 8 + 2];
	uint32_t len = record_make(n, want);

	return s.len == len && memcmp(s.p, want, len) == 0;
}

static bool record_push(struct ring *r, uint64_t n, bool *wake)
{
	static uint64_t octets[RING_RECORD_MAX / 8 + 2];
	uint32_t len = record_make(n, octets);

	return ring_push(r, slice_of(octets, len), wake);
}

/* Control: takes records 0 to RECORDS - 1 from worker 0's punt ring, asleep whenever there are
 * none. */
static int consume_all(const char *path)
{
	char error[256];
	struct abi_region *r;
	struct ring in;
	int wake;
	uint64_t n = 0, count;

	if (abi_connect(path, &r, &wake, error) < 0)
		return 10;
	if (!ring_attach_consumer(&in, abi_ring_at(r, r->off_punt[0]), r->ring_punt))
		return 11;
	while (n < RECORDS) {
		struct slice s = ring_peek(&in);

		if (s.p) {
			if (!record_is(s, n++))
				return 12;
			ring_release(&in);
		} else if (ring_broken(&in)) {
			return 13;
		} else if (ring_sleep(&in)) {
			struct pollfd ready = {wake, POLLIN, 0};

			if (poll(&ready, 1, WAIT_MS) != 1)
				return 14;
			if (read(wake, &count, sizeof(count)) != sizeof(count))
				return 15;
		}
	}
	return 0;
}

static void a_million_records_arrive_as_sent(void **state)
{
	struct plane *p = *state;
	struct ring out;
	int64_t refused;
	const uint64_t one = 1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(consume_all(p->path));
	int control = accept_one(p, &refused);
	assert_true(control >= 0);
	assert_true(ring_attach_producer(&out, abi_ring_at(p->r, p->r->off_punt[0]), RING));
	for (uint64_t n = 0; n < RECORDS; n++) {
		bool wake;

		while (!record_push(&out, n, &wake)) {
			assert_false(ring_broken(&out));
			/* Ends the test if control has ended: it closes its connection. */
			struct pollfd gone = {control, POLLIN, 0};
			assert_int_equal(poll(&gone, 1, 0), 0);
			sched_yield();
		}
		if (wake)
			assert_int_equal(write(p->wake, &one, sizeof(one)), sizeof(one));
		/* Lets control run dry now and then, so that it does sleep. */
		if (n % 4096 == 0)
			nanosleep(&(struct timespec){0, 200000}, NULL);
	}
	assert_int_equal(child_result(pid), 0);
	close(control);
}

/* Control: writes records to worker 1's inject ring, from where the last one left off, until it
 * is killed. */
static int produce_until_killed(const char *path, uint64_t from)
{
	char error[256];
	struct abi_region *r;
	struct ring out;
	int wake_fd;
	bool wake;

	if (abi_connect(path, &r, &wake_fd, error) < 0)
		return 10;
	if (!ring_attach_producer(&out, abi_ring_at(r, r->off_inject[1]), r->ring_inject))
		return 11;
	for (;;)
		if (record_push(&out, from, &wake))
			from++;
}

static void killed_producer_leaves_whole_records(void **state)
{
	struct plane *p = *state;
	struct ring in;
	uint64_t n = 0, rnd = 7;

	assert_true(ring_attach_consumer(&in, abi_ring_at(p->r, p->r->off_inject[1]), RING));
	for (int kills = 0; kills < KILLS; kills++) {
		uint64_t until = n + 2000 + random_next(&rnd) % 5000, before = n;
		int64_t refused;
		pid_t pid = fork();

		if (pid == 0)
			_exit(produce_until_killed(p->path, before));
		int control = accept_one(p, &refused);
		assert_true(control >= 0);
		for (struct slice s = {0}; n < until || s.p;) {
			s = ring_peek(&in);
			if (s.p) {
				assert_true(record_is(s, n++));
				ring_release(&in);
			}
			assert_false(ring_broken(&in));
			if (n == until)
				kill(pid, SIGKILL);
		}
		assert_int_equal(child_result(pid), 128 + SIGKILL);
		/* What it had committed when it died is whole; the rest is not there. */
		for (struct slice s; (s = ring_peek(&in)).p; ring_release(&in))
			assert_true(record_is(s, n++));
		assert_false(ring_broken(&in));
		close(control);
	}
}

static void hello_brings_a_sound_sealed_region(void **state)
{
	struct plane *p = *state;
	char error[256];
	int64_t refused;
	pid_t pid = fork();

	if (pid == 0) {
		struct abi_region *r;
		int wake;
		int fd = abi_connect(p->path, &r, &wake, error);
		int flags = fcntl(fd, F_GETFL);

		if (fd < 0 || !(flags & O_NONBLOCK))
			_exit(1);
		_exit(r->boot_id == p->r->boot_id && r->n_workers == 2 && r->n_ports == 1 &&
				      !abi_region_check(r, r->size)
			      ? 0
			      : 2);
	}
	int control = accept_one(p, &refused);
	assert_true(control >= 0);
	assert_int_equal(refused, -1);
	assert_true(fcntl(control, F_GETFL) & O_NONBLOCK);
	assert_int_equal(child_result(pid), 0);
	/* Its death shows on the connection. */
	char octet;
	assert_int_equal(read(control, &octet, 1), 0);
	close(control);
	assert_int_equal(ftruncate(p->memfd, 4096), -1);
	assert_int_equal(ftruncate(p->memfd, (off_t)p->r->size + 4096), -1);
	assert_int_equal(abi_accept(p->listen, p->r, p->memfd, p->wake, &refused), -1);
	assert_int_equal(refused, -1);
}

static int connect_as(uid_t uid, const char *path)
{
	char error[256] = "";
	struct abi_region *r;
	int wake;

	if (setuid(uid) != 0)
		return 20;
	if (abi_connect(path, &r, &wake, error) >= 0)
		return 21;
	return error[0] ? 0 : 22;
}

static void another_uid_is_refused(void **state)
{
	struct plane *p = *state;
	struct stat st;
	int64_t refused;

	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	if (getuid() != 0)
		skip();
	/* Already by the file's mode: nobody gets as far as accept. */
	assert_int_equal(chmod(p->dir, 0755), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(connect_as(NOBODY, p->path));
	assert_int_equal(child_result(pid), 0);
	assert_int_equal(abi_accept(p->listen, p->r, p->memfd, p->wake, &refused), -1);
	assert_int_equal(refused, -1);

	/* And by its credentials, should the mode be lost. */
	assert_int_equal(chmod(p->path, 0666), 0);
	pid = fork();
	if (pid == 0)
		_exit(connect_as(NOBODY, p->path));
	assert_int_equal(accept_one(p, &refused), -1);
	assert_int_equal(refused, NOBODY);
	assert_int_equal(child_result(pid), 0);
}

static void nobody_there_is_said(void **state)
{
	char error[256] = "";
	struct abi_region *r;
	int wake;

	assert_int_equal(abi_connect("/tmp/saker-no-such.sock", &r, &wake, error), -1);
	assert_non_null(strstr(error, "/tmp/saker-no-such.sock"));
	char path[200];
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = 0;
	assert_int_equal(abi_connect(path, &r, &wake, error), -1);
	assert_int_equal(abi_listen(path), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

static void listening_replaces_a_socket_but_no_file(void **state)
{
	char dir[] = "/tmp/saker-test-XXXXXX", path[64];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	int first = abi_listen(path);
	assert_true(first >= 0);
	close(first);
	first = abi_listen(path);
	assert_true(first >= 0);
	close(first);
	unlink(path);
	int file = open(path, O_CREAT | O_WRONLY, 0600);
	close(file);
	assert_int_equal(abi_listen(path), -1);
	assert_int_equal(errno, EADDRINUSE);
	unlink(path);
	rmdir(dir);
}

static void wrong_numbers_make_no_region(void **state)
{
	struct abi_region *r;

	assert_int_equal(abi_region_create(0, 1, RING, RING, &r), -1);
	assert_int_equal(abi_region_create(WORKERS_MAX + 1, 1, RING, RING, &r), -1);
	assert_int_equal(abi_region_create(1, PORTS_MAX + 1, RING, RING, &r), -1);
	assert_int_equal(abi_region_create(1, 1, RING + 8, RING, &r), -1);
	assert_int_equal(abi_region_create(1, 1, RING, 4096, &r), -1);
	assert_int_equal(abi_region_create(1, 1, RING, (uint64_t)1 << 40, &r), -1);
	assert_int_equal(errno, EINVAL);
}

/* Every octet of the header that the check covers, turned over: it is refused, and nothing is
 * read outside. */
static void every_lie_in_the_header_is_refused(void **state)
{
	struct plane *p = *state;
	struct abi_region copy;
	uint8_t *octet = (uint8_t *)&copy;
	const size_t boot = offsetof(struct abi_region, boot_id);
	const size_t numbers = offsetof(struct abi_region, n_workers);
	const size_t end = offsetof(struct abi_region, off_ack) + sizeof(copy.off_ack);

	memcpy(&copy, p->r, sizeof(copy));
	assert_null(abi_region_check(&copy, copy.size));
	for (size_t i = 0; i < end; i++) {
		if (i >= boot && i < numbers)
			continue; /* boot_id, tsc_hz and the token's key may be anything */
		for (int bit = 0; bit < 8; bit++) {
			octet[i] ^= (uint8_t)(1 << bit);
			assert_non_null(abi_region_check(&copy, p->r->size));
			octet[i] ^= (uint8_t)(1 << bit);
		}
	}
	assert_non_null(abi_region_check(&copy, copy.size - 4096));
	assert_non_null(abi_region_check(&copy, copy.size + 4096));
	assert_non_null(abi_region_check(&copy, 100));
	assert_null(abi_region_check(&copy, copy.size));
}

static void parts_do_not_overlap(void **state)
{
	struct plane *p = *state;
	struct abi_region *r = p->r;

	assert_true(r->off_worker >= sizeof(*r));
	assert_true(r->off_port >= r->off_worker + 2 * sizeof(struct abi_worker));
	assert_true(r->off_tables >= r->off_port + sizeof(struct abi_port));
	assert_true(r->off_punt[0] >= r->off_tables + sizeof(struct abi_tables));
	for (int i = 0; i < 2; i++) {
		assert_true(r->off_inject[i] >= r->off_punt[i] + ring_bytes(RING));
		assert_true(r->off_capture[i] >= r->off_inject[i] + ring_bytes(RING));
	}
	assert_true(r->off_punt[1] >= r->off_capture[0] + ring_bytes(ABI_RING_CAPTURE));
	assert_true(r->off_install >= r->off_capture[1] + ring_bytes(ABI_RING_CAPTURE));
	assert_true(r->off_ack >= r->off_install + ring_bytes(ABI_RING_INSTALL));
	assert_true(r->size >= r->off_ack + ring_bytes(ABI_RING_ACK));
	assert_int_equal((uintptr_t)abi_worker(r, 1) % 64, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_do_not_overlap),
		cmocka_unit_test(every_lie_in_the_header_is_refused),
		cmocka_unit_test(wrong_numbers_make_no_region),
		cmocka_unit_test(nobody_there_is_said),
		cmocka_unit_test(listening_replaces_a_socket_but_no_file),
		cmocka_unit_test(hello_brings_a_sound_sealed_region),
		cmocka_unit_test(a_million_records_arrive_as_sent),
		cmocka_unit_test(killed_producer_leaves_whole_records),
		cmocka_unit_test(another_uid_is_refused),
	};

	return cmocka_run_group_tests(tests, plane_start, plane_stop);
}
