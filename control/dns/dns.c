/* dns.c - questions to the DNS, asked on the event loop, with a bounded memory of the answers
 */
#include "control/dns/dns.h"

#include <ares.h>
#include <ev.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "conf/conf.h"

enum {
	SOCKETS_MAX = 64,
	CLASS_IN = 1,
	TRIES = 2, /* of each server */
	HEADER = 12,
	RECORD_HEAD = 10,
};

static const double tick_s = 0.05;

struct known {
	uint64_t hash; /* of name and type; 0: free */
	uint64_t until_ms;
	enum dns_type type;
	uint32_t len; /* 0: there is nothing */
	char *name;   /* the octets are behind it, in the same memory */
};

static const struct {
	enum dns_type type;
	const char *name;
} types[] = {{DNS_A, "A"}, {DNS_AAAA, "AAAA"}, {DNS_SRV, "SRV"}, {DNS_NAPTR, "NAPTR"}};

struct dns {
	struct ev_loop *loop;
	const struct conf_dns *conf;
	ares_channel channel;
	struct hash_key key; /* names come from the wire */
	struct ev_io socket[SOCKETS_MAX];
	struct ev_timer tick; /* while questions are open */
	bool closing;
	struct dns_stats stats;
	struct known known[DNS_CACHE];
};

struct question {
	struct dns *d;
	uint64_t hash;
	enum dns_type type;
	dns_done *done;
	void *ctx;
	char name[DNS_NAME_MAX + 1];
};

static void on_socket(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct dns *d = w->data;

	ares_process_fd(d->channel, events & EV_READ ? w->fd : ARES_SOCKET_BAD,
			events & EV_WRITE ? w->fd : ARES_SOCKET_BAD);
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct dns *d = w->data;

	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	if (d->stats.open == 0)
		ev_timer_stop(loop, w);
}

static struct ev_io *socket_slot(struct dns *d, int fd)
{
	struct ev_io *unused = NULL;

	for (uint32_t i = 0; i < SOCKETS_MAX; i++) {
		if (!ev_is_active(&d->socket[i]))
			unused = &d->socket[i];
		else if (d->socket[i].fd == fd)
			return &d->socket[i];
	}
	return unused;
}

/* A socket without a slot is never read: its questions time out. */
static void on_state(void *ctx, ares_socket_t fd, int readable, int writable)
{
	struct dns *d = ctx;
	struct ev_io *w = socket_slot(d, fd);

	if (!w)
		return;
	ev_io_stop(d->loop, w);
	if (!readable && !writable)
		return;
	ev_io_init(w, on_socket, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	w->data = d;
	ev_io_start(d->loop, w);
}

static bool servers_set(struct dns *d)
{
	uint8_t memory[DNS_SERVERS_MAX * ADDR_TEXT_MAX];
	struct text t = text_in(memory, sizeof(memory));

	for (uint32_t i = 0; i < d->conf->n_server; i++) {
		text_str(&t, i ? "," : "");
		addr_put(&t, &d->conf->server[i]);
	}
	return ares_set_servers_ports_csv(d->channel, text_cstr(&t)) == ARES_SUCCESS;
}

struct dns *dns_open(struct ev_loop *loop, const struct conf_dns *conf)
{
	struct dns *d = calloc(1, sizeof(*d));
	struct ares_options o = {.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
				 .timeout = (int)conf->timeout_ms,
				 .tries = TRIES,
				 .sock_state_cb = on_state,
				 .sock_state_cb_data = d};

	if (!d)
		return NULL;
	d->loop = loop;
	d->conf = conf;
	ev_timer_init(&d->tick, on_tick, tick_s, tick_s);
	d->tick.data = d;
	if (RAND_bytes((uint8_t *)&d->key, sizeof(d->key)) == 1 &&
	    ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS &&
	    ares_init_options(&d->channel, &o,
			      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
				      ARES_OPT_SOCK_STATE_CB) == ARES_SUCCESS &&
	    (conf->n_server == 0 || servers_set(d)))
		return d;
	dns_close(d);
	return NULL;
}

void dns_close(struct dns *d)
{
	if (!d)
		return;
	d->closing = true; /* who is told that his question ends may not ask another */
	if (d->channel)
		ares_destroy(d->channel);
	ev_timer_stop(d->loop, &d->tick);
	for (uint32_t i = 0; i < DNS_CACHE; i++)
		free(d->known[i].name);
	ares_library_cleanup();
	free(d);
}

static uint32_t number(const uint8_t *p, int octets)
{
	uint32_t v = 0;

	while (octets--)
		v = v << 8 | *p++;
	return v;
}

/* Octets of a name on the wire at `at`, or 0. */
static uint32_t name_length(struct slice s, uint32_t at)
{
	char *name;
	long used;

	if (at >= s.len ||
	    ares_expand_name(s.p + at, s.p, (int)s.len, &name, &used) != ARES_SUCCESS)
		return 0;
	ares_free_string(name);
	return (uint32_t)used;
}

/* The least TTL of the answer section (RFC 1035 §4.1); false: it is malformed. */
static bool least_ttl(struct slice s, uint32_t *ttl)
{
	uint32_t at = HEADER, n, used;

	if (s.len < HEADER || number(s.p + 4, 2) != 1)
		return false;
	n = number(s.p + 6, 2);
	if (!(used = name_length(s, at)))
		return false;
	at += used + 4;
	*ttl = UINT32_MAX;
	for (; n > 0; n--) {
		uint32_t v;

		if (!(used = name_length(s, at)) || s.len - at < used + RECORD_HEAD)
			return false;
		at += used;
		v = number(s.p + at + 4, 4);
		if (v > INT32_MAX) /* as good as 0 (RFC 2181 §8) */
			v = 0;
		if (v < *ttl)
			*ttl = v;
		used = RECORD_HEAD + number(s.p + at + 8, 2);
		if (s.len - at < used)
			return false;
		at += used;
	}
	return true;
}

static uint8_t *octets_of(const struct known *k)
{
	return (uint8_t *)k->name + strlen(k->name) + 1;
}

static void keep(struct dns *d, const struct question *q, struct slice octets, uint32_t seconds)
{
	struct known *k = &d->known[q->hash % DNS_CACHE];
	size_t name = strlen(q->name) + 1;
	char *copy = seconds ? malloc(name + octets.len) : NULL;

	if (!copy)
		return;
	memcpy(copy, q->name, name);
	if (octets.len)
		memcpy(copy + name, octets.p, octets.len);
	free(k->name);
	d->stats.kept += k->hash == 0;
	*k = (struct known){.hash = q->hash,
			    .until_ms = clock_ms() + seconds * 1000ull,
			    .type = q->type,
			    .len = octets.len,
			    .name = copy};
}

static enum dns_status take(struct dns *d, const struct question *q, int result,
			    struct slice octets, uint32_t *seconds)
{
	*seconds = d->conf->negative_s;
	if (result == ARES_ENODATA || result == ARES_ENOTFOUND) {
		keep(d, q, SLICE_EMPTY, *seconds);
		return DNS_NOTHING;
	}
	*seconds = 0;
	if (result != ARES_SUCCESS || octets.len > DNS_ANSWER_MAX ||
	    !least_ttl(octets, seconds))
		return DNS_FAILED;
	if (*seconds > d->conf->ttl_max_s)
		*seconds = d->conf->ttl_max_s;
	keep(d, q, octets, *seconds);
	return DNS_OK;
}

static void on_answer(void *ctx, int result, int timeouts, unsigned char *p, int len)
{
	struct question *q = ctx;
	struct dns *d = q->d;
	struct slice octets = slice_of(p, p && len > 0 ? (size_t)len : 0);
	uint32_t seconds;
	enum dns_status status = take(d, q, result, octets, &seconds);

	d->stats.open--;
	d->stats.nothing += status == DNS_NOTHING;
	d->stats.failed += status == DNS_FAILED;
	if (status == DNS_FAILED)
		log_event(LOG_WARN, "dns", "failed", LOG_Z("reason", ares_strerror(result)));
	q->done(q->ctx, status, status == DNS_OK ? octets : SLICE_EMPTY,
		clock_ms() + seconds * 1000ull);
	free(q);
}

/* Lower case and NUL-terminated; false: it is no host name. */
static bool name_copy(struct slice name, char out[DNS_NAME_MAX + 1])
{
	if (name.len == 0 || name.len > DNS_NAME_MAX)
		return false;
	for (uint32_t i = 0; i < name.len; i++) {
		uint8_t c = ascii_lower(name.p[i]);

		if (!ascii_is_digit(c) && !ascii_is_alpha(c) && c != '-' && c != '_' &&
		    c != '.')
			return false;
		out[i] = (char)c;
	}
	out[name.len] = 0;
	return true;
}

static uint64_t hash_of(const struct dns *d, const char *name, enum dns_type type)
{
	struct hash_mac mac;
	uint64_t h;

	hash_mac_start(&mac, &d->key);
	hash_mac_part(&mac, slice_str(name));
	hash_mac_u64(&mac, type);
	h = hash_mac_end(&mac);
	return h ? h : 1;
}

static bool answer_known(struct dns *d, uint64_t hash, dns_done *done, void *ctx)
{
	const struct known *k = &d->known[hash % DNS_CACHE];
	uint8_t copy[DNS_ANSWER_MAX]; /* done may ask on, and so forget this one */
	uint32_t len = k->len;

	if (k->hash != hash || k->until_ms <= clock_ms())
		return false;
	if (len)
		memcpy(copy, octets_of(k), len);
	d->stats.cached++;
	done(ctx, len ? DNS_OK : DNS_NOTHING, slice_of(copy, len), k->until_ms);
	return true;
}

void dns_ask(struct dns *d, struct slice name, enum dns_type type, dns_done *done, void *ctx)
{
	char text[DNS_NAME_MAX + 1];
	struct question *q = NULL;
	uint64_t hash;

	if (!name_copy(name, text)) {
		done(ctx, DNS_NOTHING, SLICE_EMPTY, UINT64_MAX);
		return;
	}
	hash = hash_of(d, text, type);
	if (answer_known(d, hash, done, ctx))
		return;
	if (d->conf->n_server && d->stats.open < DNS_OPEN_MAX && !d->closing)
		q = malloc(sizeof(*q));
	if (!q) {
		done(ctx, d->conf->n_server ? DNS_FAILED : DNS_NOTHING, SLICE_EMPTY, 0);
		return;
	}
	*q = (struct question){.d = d, .hash = hash, .type = type, .done = done, .ctx = ctx};
	memcpy(q->name, text, name.len + 1);
	d->stats.open++;
	d->stats.asked++;
	if (!ev_is_active(&d->tick))
		ev_timer_start(d->loop, &d->tick);
	ares_query(d->channel, text, CLASS_IN, type, on_answer, q);
}

void dns_stats(const struct dns *d, struct dns_stats *out)
{
	*out = d->stats;
}

void dns_each(const struct dns *d, void (*each)(void *ctx, const struct dns_known *k),
	      void *ctx)
{
	uint64_t now = clock_ms();

	for (uint32_t i = 0; i < DNS_CACHE; i++) {
		const struct known *k = &d->known[i];

		if (k->hash && k->until_ms > now)
			each(ctx, &(struct dns_known){k->name, k->type, k->until_ms,
						      slice_of(octets_of(k), k->len)});
	}
}

uint32_t dns_flush(struct dns *d)
{
	uint32_t n = d->stats.kept;

	for (uint32_t i = 0; i < DNS_CACHE; i++) {
		free(d->known[i].name);
		d->known[i] = (struct known){0};
	}
	d->stats.kept = 0;
	return n;
}

const char *dns_type_name(enum dns_type type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

bool dns_type_of(const char *name, enum dns_type *type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcasecmp(types[i].name, name) != 0)
			continue;
		*type = types[i].type;
		return true;
	}
	return false;
}
