/* diameter.c - freeDiameter, set up from our configuration and kept alive */
#include "base/clock.h"
#include "diameter/diameter.h"
#include "hook.h"
#include "repair.h"

#include <ctype.h>
#include <errno.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

enum {
	ERROR_MAX = 256,
	IDENTITY_MAX = 255, /* RFC 6733 §4.3.1 leaves it to DNS */
	NEVER_S = 86400, /* the library has no "never"; once a day it finds that it may not */
	RECONNECT_S = 2, /* the library makes 0 to 4 s of it */
	WATCHDOG_S = 6,  /* the least that RFC 3539 §3.4.1 allows */
	/* Each serves one connection that has not sent its CER yet, for up to 20 s. */
	ACCEPT_THREADS = 64,
};

/* The library's callbacks take no context: one node a process. Written by diameter_init only.
 */
static struct {
	uint32_t n_peers;
	char peer[DIAMETER_PEERS_MAX][IDENTITY_MAX + 1];
	bool started;
} node;

static int failed(char *error, const char *what, int code)
{
	snprintf(error, ERROR_MAX, "Diameter: %s: %s", what, strerror(code));
	return -1;
}

/* Also keeps quotes and line ends out of the generated file. */
static bool identity_sound(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("-._", s[i]))
			return false;
	return len > 0 && len <= IDENTITY_MAX;
}

static bool config_sound(const struct diameter_config *c, char *error)
{
	const char *bad = NULL;

	if (c->n_peers > DIAMETER_PEERS_MAX) {
		snprintf(error, ERROR_MAX, "Diameter: %u peers, at most %d are possible",
			 c->n_peers, DIAMETER_PEERS_MAX);
		return false;
	}
	for (uint32_t i = 0; i < c->n_peers; i++)
		if (!identity_sound(c->peer[i].identity))
			bad = c->peer[i].identity;
	if (!identity_sound(c->identity))
		bad = c->identity;
	if (!identity_sound(c->realm))
		bad = c->realm;
	if (bad)
		snprintf(error, ERROR_MAX, "Diameter: \"%.128s\" is no Diameter identity", bad);
	return !bad;
}

/* Without TLS_Cred the library accepts SecPort = 0 only; with Port = 0 it opens no server at
 * all. */
static bool config_write(int fd, const struct diameter_config *c)
{
	return dprintf(fd,
		       "Identity = \"%s\";\n"
		       "Realm = \"%s\";\n"
		       "Port = %u;\n"
		       "SecPort = 0;\n"
		       "No_SCTP;\n"
		       "NoRelay;\n"
		       "TcTimer = %d;\n"
		       "TwTimer = %d;\n"
		       "AppServThreads = %u;\n"
		       "ThreadsPerServer = %d;\n",
		       c->identity, c->realm, c->listen.port, RECONNECT_S, WATCHDOG_S,
		       c->app_threads ? c->app_threads : 1, ACCEPT_THREADS) > 0;
}

/* The library reads its configuration from a file and from nothing else. */
static int config_read(const struct diameter_config *c)
{
	const char *folder = getenv("TMPDIR");
	char path[512];
	int fd, result;

	snprintf(path, sizeof(path), "%s/saker-diameter-XXXXXX", folder ? folder : "/tmp");
	fd = mkstemp(path); /* 0600 */
	if (fd < 0)
		return errno;
	result = config_write(fd, c) ? fd_core_parseconf(path) : EIO;
	/* The library keeps the pointer for its dumps. */
	fd_g_config->cnf_file = "saker.yaml";
	close(fd);
	unlink(path);
	return result;
}

static socklen_t socket_address(const struct addr *a, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (a->family == 6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

		in6->sin6_family = AF_INET6;
		memcpy(&in6->sin6_addr, a->ip, 16);
		return sizeof(*in6);
	}
	struct sockaddr_in *in = (struct sockaddr_in *)out;

	in->sin_family = AF_INET;
	memcpy(&in->sin_addr, a->ip, 4);
	return sizeof(*in);
}

/* By ListenOn in the file the library would drop loopback without a word, and bind every
 * address. */
static int listen_on(const struct addr *listen)
{
	struct addr loopback = addr_v4(INADDR_LOOPBACK, 0);
	struct sockaddr_storage ss;
	socklen_t len = socket_address(listen->family ? listen : &loopback, &ss);

	return fd_ep_add_merge(&fd_g_config->cnf_endpoints, (struct sockaddr *)&ss, len,
			       EP_FL_CONF | EP_ACCEPTALL);
}

/* All peers are entered beforehand, those that connect to us as well. The library would make an
 * entry for a peer it does not know, and take it away when its connection ends; a new
 * connection of the same peer in that moment locks its list of peers for ever. To one that
 * connects to us it never connects itself: SCTP alone is allowed for it, and SCTP is off. */
static int peer_add(const struct diameter_peer *p)
{
	struct addr loopback = addr_v4(INADDR_LOOPBACK, 0);
	bool connects_to_us = p->connect.family == 0;
	struct sockaddr_storage ss;
	socklen_t len = socket_address(connects_to_us ? &loopback : &p->connect, &ss);
	struct peer_info info = {.pi_diamid = (char *)p->identity};
	int error;

	info.config.pic_flags.pro4 = connects_to_us ? PI_P4_SCTP : PI_P4_TCP;
	info.config.pic_tctimer = connects_to_us ? NEVER_S : 0;
	info.config.pic_flags.sec = PI_SEC_NONE;
	info.config.pic_flags.persist = PI_PRST_ALWAYS;
	/* The default wakes a thread for each message, to put the expiry off. */
	info.config.pic_flags.exp = PI_EXP_NONE;
	info.config.pic_port = p->connect.port;
	fd_list_init(&info.pi_endpoints, NULL);
	/* Without an address it would ask DNS. */
	error = fd_ep_add_merge(&info.pi_endpoints, (struct sockaddr *)&ss, len,
				EP_FL_CONF | EP_ACCEPTALL);
	return error ? error : fd_peer_add(&info, "saker.yaml", NULL, NULL);
}

static bool peer_known(struct slice identity)
{
	for (uint32_t i = 0; i < node.n_peers; i++)
		if (slice_eq_nocase(identity, slice_str(node.peer[i])))
			return true;
	return false;
}

/* For those who are not in the list; their CER should have been refused as octets already. */
static int peer_validate(struct peer_info *info, int *verdict,
			 int (**after_handshake)(struct peer_info *))
{
	*verdict = -1;
	return 0;
}

static int peers_add(const struct diameter_config *c)
{
	int error = fd_peer_validate_register(peer_validate);

	for (uint32_t i = 0; i < c->n_peers && !error; i++) {
		snprintf(node.peer[i], sizeof(node.peer[i]), "%s", c->peer[i].identity);
		node.n_peers = i + 1;
		error = peer_add(&c->peer[i]);
	}
	return error;
}

int diameter_init(const struct diameter_config *c, char *error)
{
	int code;

	if (!config_sound(c, error))
		return -1;
	if (!repair_init())
		return failed(error, "another version of freeDiameter than 1.2.1", ENOTSUP);
	signal(SIGPIPE, SIG_IGN);
	code = hook_log_register();
	if (!code)
		code = fd_core_initialize();
	if (code)
		return failed(error, "the library does not start", code);
	fd_g_debug_lvl = 0;
	code = hook_register(peer_known);
	if (code)
		return failed(error, "a hook was refused", code);
	code = config_read(c);
	if (code)
		return failed(error, "the generated configuration was refused", code);
	code = listen_on(&c->listen);
	if (!code)
		code = peers_add(c);
	return code ? failed(error, "an address or a peer was refused", code) : 0;
}

/* The library puts off its first attempt to connect by 0 to 4 seconds, drawn from random(); for
 * a process that was just restarted under load that is long. A seed is chosen with which the
 * first draws come to less than 50 ms. Later draws, those between attempts that failed, stay as
 * they are. */
static void connect_soon(void)
{
	for (unsigned seed = (unsigned)clock_ns();; seed++) {
		srandom(seed);
		if (random() % 4 != 0 || random() % 1000000000 > 50000000)
			continue;
		srandom(seed);
		return;
	}
}

int diameter_start(char *error)
{
	connect_soon();

	int code = fd_core_start();

	if (code)
		return failed(error, "the address to listen on is not free", code);
	node.started = true;
	hook_must_run(true);
	return 0;
}

void diameter_stop(void)
{
	hook_must_run(false);
	fd_core_shutdown();
	fd_core_wait_shutdown_complete();
	node.started = false;
}

/* The caller holds the lock of the list. */
static int state_of(const char *identity)
{
	for (struct fd_list *li = fd_g_peers.next; li != &fd_g_peers; li = li->next) {
		struct peer_hdr *p = (struct peer_hdr *)li;

		if (strcasecmp(p->info.pi_diamid, identity) == 0)
			return fd_peer_get_state(p);
	}
	return STATE_CLOSED;
}

static void state_text(int state, char *out, size_t size)
{
	static const char *const name[] = {
		[STATE_NEW] = "new",
		[STATE_OPEN] = "open",
		[STATE_CLOSED] = "closed",
		[STATE_CLOSING] = "closing",
		[STATE_WAITCNXACK] = "connecting",
		[STATE_WAITCNXACK_ELEC] = "election",
		[STATE_WAITCEA] = "capabilities exchange",
		[STATE_OPEN_HANDSHAKE] = "handshake",
		[STATE_SUSPECT] = "suspect",
		[STATE_REOPEN] = "reopening",
		[STATE_OPEN_NEW] = "opening",
		[STATE_CLOSING_GRACE] = "closing",
		[STATE_ZOMBIE] = "closed",
	};
	bool known = state >= 0 && state <= STATE_MAX && name[state];

	snprintf(out, size, "%s", known ? name[state] : "unknown");
}

uint32_t diameter_peers(struct diameter_peer_state *out, uint32_t most)
{
	uint32_t n = node.n_peers < most ? node.n_peers : most;

	pthread_rwlock_rdlock(&fd_g_peers_rw);
	for (uint32_t i = 0; i < n; i++) {
		int state = node.started ? state_of(node.peer[i]) : STATE_CLOSED;

		snprintf(out[i].identity, sizeof(out[i].identity), "%s", node.peer[i]);
		state_text(state, out[i].state, sizeof(out[i].state));
		out[i].open = state == STATE_OPEN;
	}
	pthread_rwlock_unlock(&fd_g_peers_rw);
	return n;
}

bool diameter_open(const char *identity)
{
	bool open;

	pthread_rwlock_rdlock(&fd_g_peers_rw);
	open = node.started && state_of(identity) == STATE_OPEN;
	pthread_rwlock_unlock(&fd_g_peers_rw);
	return open;
}
