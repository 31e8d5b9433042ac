/* region.c - the shared region: making it, checking it, handing it to control */
#define _GNU_SOURCE /* memfd_create, accept4, SO_PEERCRED */
#include "abi/region.h"
#include "abi/install.h"
#include "abi/message.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	HELLO_WAIT_MS = 3000,
	SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
	HELLO_FDS = 2, /* the memfd, the eventfd */
	RINGS_MAX = 1 << 30,
};

/* The counters' names in order: two of them swapped would change no size. */
static const char counter_names[] =
#define COUNT(id, name, trouble, help) name "\n"
#include "base/count.def"
#undef COUNT
	;

#define MEMBER(type, member) offsetof(struct type, member), sizeof(((struct type *)0)->member)

/* clang-format off: one structure a paragraph */
static const uint32_t layout_words[] = {
	ABI_VERSION,
	RING_RECORD_MAX,
	WORKERS_MAX,
	PORTS_MAX,
	SET_IMPUS_MAX,
	SET_CONTACTS_MAX,
	ABI_RING_CAPTURE,
	ABI_RING_INSTALL,
	ABI_RING_ACK,

	sizeof(struct addr),
	MEMBER(addr, ip),
	MEMBER(addr, port),
	MEMBER(addr, family),

	sizeof(struct abi_region),
	MEMBER(abi_region, size),
	MEMBER(abi_region, boot_id),
	MEMBER(abi_region, tsc_hz),
	MEMBER(abi_region, n_workers),
	MEMBER(abi_region, n_ports),
	MEMBER(abi_region, ring_punt),
	MEMBER(abi_region, ring_inject),
	MEMBER(abi_region, off_worker),
	MEMBER(abi_region, off_port),
	MEMBER(abi_region, off_tables),
	MEMBER(abi_region, off_punt),
	MEMBER(abi_region, off_inject),
	MEMBER(abi_region, off_capture),
	MEMBER(abi_region, off_install),
	MEMBER(abi_region, off_ack),
	MEMBER(abi_region, capture_limit),
	MEMBER(abi_region, draining),

	sizeof(struct abi_worker),
	MEMBER(abi_worker, counters),
	MEMBER(abi_worker, busy_cycles),
	MEMBER(abi_worker, total_cycles),
	MEMBER(abi_worker, messages),
	MEMBER(abi_worker, polls),
	MEMBER(abi_worker, busy_polls),
	MEMBER(abi_worker, transactions),
	MEMBER(abi_worker, heartbeat),
	MEMBER(abi_worker, cpu),
	MEMBER(abi_worker, queues),

	sizeof(struct abi_port),
	MEMBER(abi_port, name),
	MEMBER(abi_port, driver),
	MEMBER(abi_port, rx_packets),
	MEMBER(abi_port, tx_packets),
	MEMBER(abi_port, rx_bytes),
	MEMBER(abi_port, tx_bytes),
	MEMBER(abi_port, rx_missed),
	MEMBER(abi_port, rx_errors),
	MEMBER(abi_port, tx_errors),
	MEMBER(abi_port, rx_nombuf),
	MEMBER(abi_port, link_up),

	sizeof(struct abi_tables),
	MEMBER(abi_tables, registrations),
	MEMBER(abi_tables, impus),
	MEMBER(abi_tables, contacts),
	MEMBER(abi_tables, flows),
	MEMBER(abi_tables, memory_used),
	MEMBER(abi_tables, memory_total),
	MEMBER(abi_tables, installs),
	MEMBER(abi_tables, install_errors),
	MEMBER(abi_tables, sa_sets),

	sizeof(struct abi_ring),
	MEMBER(abi_ring, head),
	MEMBER(abi_ring, tail),
	MEMBER(abi_ring, waiting),
	offsetof(struct abi_ring, data),

	sizeof(struct abi_punt),
	MEMBER(abi_punt, reason),
	MEMBER(abi_punt, port),
	MEMBER(abi_punt, worker),
	MEMBER(abi_punt, len),
	MEMBER(abi_punt, rx_ns),
	MEMBER(abi_punt, src),
	MEMBER(abi_punt, dst),
	MEMBER(abi_punt, expires),
	MEMBER(abi_punt, sa_id),
	MEMBER(abi_punt, user),
	offsetof(struct abi_punt, data),

	sizeof(struct abi_inject),
	MEMBER(abi_inject, type),
	MEMBER(abi_inject, locate),
	MEMBER(abi_inject, status),
	MEMBER(abi_inject, route_len),
	MEMBER(abi_inject, port),
	MEMBER(abi_inject, len),
	MEMBER(abi_inject, src),
	MEMBER(abi_inject, dst),
	MEMBER(abi_inject, hop),
	MEMBER(abi_inject, sa_id),
	MEMBER(abi_inject, user),
	offsetof(struct abi_inject, data),

	sizeof(struct abi_capture),
	MEMBER(abi_capture, tsc),
	MEMBER(abi_capture, wall_ns),
	MEMBER(abi_capture, out),
	MEMBER(abi_capture, port),
	MEMBER(abi_capture, worker),
	MEMBER(abi_capture, len),
	MEMBER(abi_capture, src),
	MEMBER(abi_capture, dst),
	offsetof(struct abi_capture, data),

	sizeof(struct abi_ack),
	MEMBER(abi_ack, seq),
	MEMBER(abi_ack, status),
};
/* clang-format on */

/* FNV-1a: it guards against mistakes, not against attackers, and needs no key. */
static uint32_t fnv(uint32_t h, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u;
	return h;
}

uint32_t abi_layout(void)
{
	uint32_t h = fnv(2166136261u, layout_words, sizeof(layout_words));

	return fnv(h, counter_names, sizeof(counter_names));
}

static uint64_t take(uint64_t *end, uint64_t len, uint64_t align)
{
	uint64_t at = (*end + align - 1) & ~(align - 1);

	*end = at + len;
	return at;
}

/* Where everything lies follows from the four numbers in *r; also sets the size. */
static void plan(struct abi_region *r)
{
	uint64_t end = sizeof(*r);

	r->off_worker = take(&end, r->n_workers * sizeof(struct abi_worker), 64);
	r->off_port = take(&end, r->n_ports * sizeof(struct abi_port), 64);
	r->off_tables = take(&end, sizeof(struct abi_tables), 64);
	for (uint32_t i = 0; i < r->n_workers; i++) {
		r->off_punt[i] = take(&end, ring_bytes(r->ring_punt), PAGE);
		r->off_inject[i] = take(&end, ring_bytes(r->ring_inject), PAGE);
		r->off_capture[i] = take(&end, ring_bytes(ABI_RING_CAPTURE), PAGE);
	}
	r->off_install = take(&end, ring_bytes(ABI_RING_INSTALL), PAGE);
	r->off_ack = take(&end, ring_bytes(ABI_RING_ACK), PAGE);
	r->size = take(&end, 0, PAGE);
}

static bool ring_size_is_sound(uint64_t size)
{
	return size >= 4 * RING_RECORD_MAX && size <= RINGS_MAX && (size & (size - 1)) == 0;
}

static bool counts_are_sound(const struct abi_region *r)
{
	return r->n_workers >= 1 && r->n_workers <= WORKERS_MAX && r->n_ports <= PORTS_MAX &&
	       ring_size_is_sound(r->ring_punt) && ring_size_is_sound(r->ring_inject);
}

static void rings_create(struct abi_region *r)
{
	for (uint32_t i = 0; i < r->n_workers; i++) {
		ring_create(abi_ring_at(r, r->off_punt[i]), r->ring_punt);
		ring_create(abi_ring_at(r, r->off_inject[i]), r->ring_inject);
		ring_create(abi_ring_at(r, r->off_capture[i]), ABI_RING_CAPTURE);
	}
	ring_create(abi_ring_at(r, r->off_install), ABI_RING_INSTALL);
	ring_create(abi_ring_at(r, r->off_ack), ABI_RING_ACK);
}

/* A sealed memfd with all its memory reserved, so that no later write meets a full machine. */
static int memory_make(uint64_t size)
{
	int fd = memfd_create("saker", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	int error = posix_fallocate(fd, 0, (off_t)size);
	if (error == 0 && fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	if (error == 0)
		error = errno;
	close(fd);
	errno = error;
	return -1;
}

int abi_region_create(uint32_t n_workers, uint32_t n_ports, uint64_t punt, uint64_t inject,
		      struct abi_region **out)
{
	struct abi_region head = {
		.magic = ABI_MAGIC,
		.version = ABI_VERSION,
		.layout = abi_layout(),
		.n_workers = n_workers,
		.n_ports = n_ports,
		.ring_punt = punt,
		.ring_inject = inject,
	};

	if (!counts_are_sound(&head)) {
		errno = EINVAL;
		return -1;
	}
	if (getrandom(&head.boot_id, sizeof(head.boot_id), 0) != sizeof(head.boot_id))
		return -1;
	plan(&head);

	int fd = memory_make(head.size);
	if (fd < 0)
		return -1;
	void *map = mmap(NULL, head.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	memcpy(map, &head, sizeof(head));
	rings_create(map);
	*out = map;
	return fd;
}

const char *abi_region_check(const struct abi_region *r, uint64_t mapped_size)
{
	struct abi_region is, want = {0};

	if (mapped_size < sizeof(*r))
		return "the region is shorter than its header";
	/* A private copy: what is checked cannot change under the check. */
	memcpy(&is, r, sizeof(is));
	if (is.magic != ABI_MAGIC)
		return "the region is not one of Saker's";
	if (is.version != ABI_VERSION)
		return "the region is of another version; data plane and control must be of "
		       "one release";
	if (is.layout != abi_layout())
		return "the region has another layout; data plane and control must be of one "
		       "build";
	if (!counts_are_sound(&is))
		return "the region's header has impossible numbers";
	want.n_workers = is.n_workers;
	want.n_ports = is.n_ports;
	want.ring_punt = is.ring_punt;
	want.ring_inject = is.ring_inject;
	plan(&want);
	if (is.size != want.size || mapped_size != want.size)
		return "the region's size is not what its header says";
	if (is.off_worker != want.off_worker || is.off_port != want.off_port ||
	    is.off_tables != want.off_tables || is.off_install != want.off_install ||
	    is.off_ack != want.off_ack ||
	    memcmp(is.off_punt, want.off_punt, sizeof(is.off_punt)) != 0 ||
	    memcmp(is.off_inject, want.off_inject, sizeof(is.off_inject)) != 0 ||
	    memcmp(is.off_capture, want.off_capture, sizeof(is.off_capture)) != 0)
		return "an offset in the region's header is wrong";
	return NULL;
}

static bool address_make(const char *path, struct sockaddr_un *to)
{
	*to = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(to->sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(to->sun_path, path, strlen(path) + 1);
	return true;
}

/* A socket left behind by a data plane that died is in the way; anything else stays. */
static void stale_remove(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
}

int abi_listen(const char *path)
{
	struct sockaddr_un where;

	if (!address_make(path, &where))
		return -1;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	stale_remove(path);
	/* Before bind: the file is born with this mode, at no instant open to others. */
	if (fchmod(fd, 0600) == 0 && bind(fd, (struct sockaddr *)&where, sizeof(where)) == 0 &&
	    listen(fd, 4) == 0)
		return fd;

	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Ours, or root's. False also if the kernel does not say. */
static bool peer_is_trusted(int fd, int64_t *uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	*uid = -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || len != sizeof(peer))
		return false;
	*uid = (int64_t)peer.uid;
	return peer.uid == 0 || peer.uid == geteuid();
}

union fd_control {
	struct cmsghdr align;
	char octets[CMSG_SPACE(HELLO_FDS * sizeof(int))];
};

static bool hello_send(int fd, const struct abi_region *r, const int fds[HELLO_FDS])
{
	struct abi_hello hello = {ABI_MAGIC, ABI_VERSION, abi_layout(), r->size};
	struct iovec io = {&hello, sizeof(hello)};
	union fd_control control = {0};
	struct msghdr msg = {
		.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = control.octets,
		.msg_controllen = sizeof(control.octets),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(HELLO_FDS * sizeof(int));
	memcpy(CMSG_DATA(c), fds, HELLO_FDS * sizeof(int));
	return sendmsg(fd, &msg, MSG_NOSIGNAL) == sizeof(hello);
}

int abi_accept(int listen_fd, const struct abi_region *r, int memfd, int wake_fd,
	       int64_t *refused_uid)
{
	int64_t uid;

	*refused_uid = -1;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return -1;
	if (!peer_is_trusted(fd, &uid)) {
		*refused_uid = uid;
		close(fd);
		errno = EPERM;
		return -1;
	}
	if (!hello_send(fd, r, (const int[HELLO_FDS]){memfd, wake_fd})) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

enum { ERROR_MAX = 256 };

static int fail(char *error, const char *what, int number)
{
	if (number)
		snprintf(error, ERROR_MAX, "%s: %s", what, strerror(number));
	else
		snprintf(error, ERROR_MAX, "%s", what);
	return -1;
}

/* All descriptors that came, closed unless they are exactly the two expected. */
static bool fds_take(struct msghdr *msg, int fds[HELLO_FDS])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return false;
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (n > HELLO_FDS)
		n = HELLO_FDS;
	memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	if (n == HELLO_FDS && !(msg->msg_flags & (MSG_CTRUNC | MSG_TRUNC)))
		return true;
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	return false;
}

static int hello_receive(int fd, struct abi_hello *hello, int fds[HELLO_FDS], char *error)
{
	struct pollfd ready = {fd, POLLIN, 0};
	struct iovec io = {hello, sizeof(*hello)};
	union fd_control control = {0};
	struct msghdr msg = {
		.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = control.octets,
		.msg_controllen = sizeof(control.octets),
	};

	if (poll(&ready, 1, HELLO_WAIT_MS) != 1)
		return fail(error, "the data plane does not answer", 0);
	ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return fail(error, "no hello from the data plane", errno);
	if (n == 0)
		return fail(
			error,
			"the data plane refused the connection; control must run under its uid",
			0);
	if (!fds_take(&msg, fds))
		return fail(error, "the data plane's hello came without its descriptors", 0);
	if (n == sizeof(*hello) && hello->magic == ABI_MAGIC && hello->version == ABI_VERSION &&
	    hello->layout == abi_layout())
		return 0;
	close(fds[0]);
	close(fds[1]);
	return fail(error, "the data plane is of another version; both must be of one build",
		    0);
}

/* Maps the memfd once it is sure that nobody can make it shorter under us. */
static int region_map(int memfd, uint64_t size, struct abi_region **r, char *error)
{
	struct stat st;
	int seals = fcntl(memfd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS)
		return fail(error, "the data plane's region is not sealed", 0);
	if (fstat(memfd, &st) != 0 || (uint64_t)st.st_size != size)
		return fail(error, "the data plane's region has another size than announced",
			    0);
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (map == MAP_FAILED)
		return fail(error, "cannot map the data plane's region", errno);
	const char *wrong = abi_region_check(map, size);
	if (wrong) {
		munmap(map, size);
		return fail(error, wrong, 0);
	}
	*r = map;
	return 0;
}

static int connect_to(const char *path, char *error)
{
	struct sockaddr_un where;
	int64_t uid;

	if (!address_make(path, &where))
		return fail(error, path, errno);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(error, "socket", errno);
	if (connect(fd, (struct sockaddr *)&where, sizeof(where)) != 0)
		fail(error, path, errno);
	else if (!peer_is_trusted(fd, &uid))
		fail(error, "the data plane runs under another uid", 0);
	else
		return fd;
	close(fd);
	return -1;
}

int abi_connect(const char *path, struct abi_region **r, int *wake_fd, char *error)
{
	struct abi_hello hello;
	int fds[HELLO_FDS];
	int fd = connect_to(path, error);

	if (fd < 0)
		return -1;
	if (hello_receive(fd, &hello, fds, error) != 0) {
		close(fd);
		return -1;
	}
	int mapped = region_map(fds[0], hello.size, r, error);
	close(fds[0]);
	if (mapped != 0) {
		close(fds[1]);
		close(fd);
		return -1;
	}
	*wake_fd = fds[1];
	return fd;
}
