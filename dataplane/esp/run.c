/* run.c - what runs on with a set's packets, in a file that outlives the data plane */
#include "esp/run.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <errno.h>

enum { VERSION = 1, BOOT_ID = 36 };

struct head {
	uint32_t version, n;
	uint8_t boot[BOOT_ID];
	uint8_t pad[20];
};
_Static_assert(sizeof(struct head) == sizeof(struct run_record), "records stay on their lines");

static bool boot_id(uint8_t id[BOOT_ID])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, id, BOOT_ID);

	if (fd >= 0)
		close(fd);
	return n == BOOT_ID;
}

/* What was there counts only if it is exactly what this one would have written. */
static bool begin_file(struct run *r)
{
	struct head now = {.version = VERSION, .n = r->n}, *h = r->map;

	if (!boot_id(now.boot))
		return false;
	if (memcmp(h, &now, sizeof(now)) == 0)
		return true;
	/* The head last: an end in between leaves none. */
	memset(h, 0, sizeof(*h));
	atomic_signal_fence(memory_order_seq_cst);
	memset(r->record, 0, r->map_size - sizeof(*h));
	atomic_signal_fence(memory_order_seq_cst);
	*h = now;
	return true;
}

bool run_open(struct run *r, const char *path, uint32_t n)
{
	*r = (struct run){.n = n, .map_size = (n + 1ULL) * sizeof(struct run_record)};
	r->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->fd < 0)
		return false;
	/* All of it is there from now on: no store ends in a full file system. */
	if (flock(r->fd, LOCK_EX | LOCK_NB) == 0 && ftruncate(r->fd, (off_t)r->map_size) == 0 &&
	    (errno = posix_fallocate(r->fd, 0, (off_t)r->map_size)) == 0) {
		r->map = mmap(NULL, r->map_size, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_POPULATE, r->fd, 0);
		r->record = r->map == MAP_FAILED ? NULL : (struct run_record *)r->map + 1;
		if (r->record && begin_file(r))
			return true;
	}
	int reason = errno;
	if (r->record)
		munmap(r->map, r->map_size);
	close(r->fd);
	errno = reason;
	return false;
}

void run_close(struct run *r)
{
	munmap(r->map, r->map_size);
	close(r->fd);
}

void run_begin(struct run_record *rec, uint64_t sa_id)
{
	run_end(rec);
	memset((uint8_t *)rec + sizeof(rec->sa_id), 0, sizeof(*rec) - sizeof(rec->sa_id));
	/* The id last: never with another set's numbers. */
	atomic_signal_fence(memory_order_seq_cst);
	rec->sa_id = sa_id;
}

void run_end(struct run_record *rec)
{
	rec->sa_id = 0;
	atomic_signal_fence(memory_order_seq_cst);
}
