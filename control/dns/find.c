/* find.c - the address a SIP host name leads to over UDP (RFC 3263 §4) */
#include "control/dns/find.h"

#include <ares.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <strings.h>

enum {
	SIP_PORT = 5060,
	RECORDS_MAX = 32, /* of one answer that are looked at */
};

struct target {
	uint16_t port;
	char host[DNS_NAME_MAX + 1];
};

struct finding {
	struct dns *d;
	find_done *done;
	void *ctx;
	uint64_t until_ms;
	bool failed; /* one question on the way got no answer */
	uint32_t at, n_target, n_hop;
	struct target target[FIND_TARGETS_MAX]; /* in the order of trying */
	struct addr hop[FIND_HOPS_MAX];
};

static void end(struct finding *f, enum find_status status)
{
	f->done(f->ctx, status, f->hop, f->n_hop, f->until_ms);
	free(f);
}

static void live(struct finding *f, uint64_t until_ms)
{
	if (until_ms < f->until_ms)
		f->until_ms = until_ms;
}

static void add_hop(struct finding *f, uint8_t family, const void *ip)
{
	struct addr *a = &f->hop[f->n_hop];

	if (f->n_hop == FIND_HOPS_MAX)
		return;
	*a = (struct addr){.family = family, .port = f->target[f->at].port};
	memcpy(a->ip, ip, family == 4 ? 4 : 16);
	f->n_hop++;
}

static void ask_address(struct finding *f);

/* One name's addresses are there, or are not; then the next one's. */
static void next_target(struct finding *f)
{
	f->at++;
	if (f->at < f->n_target && f->n_hop < FIND_HOPS_MAX)
		ask_address(f);
	else if (f->n_hop)
		end(f, FIND_OK);
	else
		end(f, f->failed ? FIND_FAILED : FIND_NOTHING);
}

static void on_aaaa(void *ctx, enum dns_status status, struct slice octets, uint64_t until_ms)
{
	struct ares_addr6ttl v6[FIND_HOPS_MAX];
	struct finding *f = ctx;
	int n = FIND_HOPS_MAX;

	if (status == DNS_OK &&
	    ares_parse_aaaa_reply(octets.p, (int)octets.len, NULL, v6, &n) == ARES_SUCCESS)
		for (int i = 0; i < n; i++)
			add_hop(f, 6, &v6[i].ip6addr);
	f->failed |= status == DNS_FAILED;
	live(f, until_ms);
	next_target(f);
}

static void on_a(void *ctx, enum dns_status status, struct slice octets, uint64_t until_ms)
{
	struct ares_addrttl v4[FIND_HOPS_MAX];
	struct finding *f = ctx;
	int n = FIND_HOPS_MAX;

	live(f, until_ms);
	if (status == DNS_OK &&
	    ares_parse_a_reply(octets.p, (int)octets.len, NULL, v4, &n) == ARES_SUCCESS &&
	    n > 0) {
		for (int i = 0; i < n; i++)
			add_hop(f, 4, &v4[i].ipaddr);
		next_target(f);
		return;
	}
	f->failed |= status == DNS_FAILED;
	dns_ask(f->d, slice_str(f->target[f->at].host), DNS_AAAA, on_aaaa, f);
}

static void ask_address(struct finding *f)
{
	dns_ask(f->d, slice_str(f->target[f->at].host), DNS_A, on_a, f);
}

static void add_target(struct finding *f, const char *name, uint16_t port)
{
	size_t len = strlen(name);
	struct target *t = &f->target[f->n_target];

	/* A lone "." says that the service is not there (RFC 2782). */
	if (len == 0 || len > DNS_NAME_MAX || port == 0)
		return;
	memcpy(t->host, name, len + 1);
	t->port = port;
	f->n_target++;
}

/* RFC 2782: of those not taken, one of the lowest priority, each as likely as its weight. */
static int choose(const struct ares_srv_reply *const *r, uint32_t n, uint32_t taken)
{
	uint32_t best = UINT32_MAX, sum = 0, at = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (taken & 1u << i)
			continue;
		if (r[i]->priority < best)
			best = r[i]->priority, sum = 0;
		if (r[i]->priority == best)
			sum += r[i]->weight + 1u; /* those of weight 0 have a small chance */
	}
	if (sum == 0 || RAND_bytes((uint8_t *)&at, sizeof(at)) != 1)
		return -1;
	at %= sum;
	for (uint32_t i = 0; i < n; i++) {
		if (taken & 1u << i || r[i]->priority != best)
			continue;
		if (at <= r[i]->weight)
			return (int)i;
		at -= r[i]->weight + 1u;
	}
	return -1;
}

static void add_targets(struct finding *f, const struct ares_srv_reply *list)
{
	const struct ares_srv_reply *r[RECORDS_MAX];
	uint32_t n = 0, taken = 0;
	int i;

	for (; list && n < RECORDS_MAX; list = list->next)
		r[n++] = list;
	while (f->n_target < FIND_TARGETS_MAX && (i = choose(r, n, taken)) >= 0) {
		taken |= 1u << i;
		add_target(f, r[i]->host, r[i]->port);
	}
}

static void on_srv(void *ctx, enum dns_status status, struct slice octets, uint64_t until_ms)
{
	struct finding *f = ctx;
	struct ares_srv_reply *list = NULL;

	live(f, until_ms);
	if (status == DNS_OK &&
	    ares_parse_srv_reply(octets.p, (int)octets.len, &list) == ARES_SUCCESS && list) {
		f->n_target = 0;
		add_targets(f, list);
		ares_free_data(list);
		if (f->n_target)
			ask_address(f);
		else
			end(f, FIND_NOTHING);
		return;
	}
	/* Whoever cannot be asked for SRV is not called at his address instead. */
	if (status == DNS_NOTHING)
		ask_address(f);
	else
		end(f, FIND_FAILED);
}

static void ask_srv(struct finding *f, const char *name)
{
	dns_ask(f->d, slice_str(name), DNS_SRV, on_srv, f);
}

/* The NAPTR record for SIP over UDP that is to be tried first (RFC 3263 §4.1). */
static const struct ares_naptr_reply *udp_of(const struct ares_naptr_reply *list)
{
	const struct ares_naptr_reply *best = NULL;
	uint32_t i = 0;

	for (; list && i < RECORDS_MAX; list = list->next, i++) {
		if (strcasecmp((const char *)list->service, "SIP+D2U") != 0 ||
		    strcasecmp((const char *)list->flags, "s") != 0)
			continue;
		if (!best || list->order < best->order ||
		    (list->order == best->order && list->preference < best->preference))
			best = list;
	}
	return best;
}

static void on_naptr(void *ctx, enum dns_status status, struct slice octets, uint64_t until_ms)
{
	struct finding *f = ctx;
	struct ares_naptr_reply *list = NULL;
	const struct ares_naptr_reply *r = NULL;
	char name[sizeof("_sip._udp.") + DNS_NAME_MAX] = "_sip._udp.";

	live(f, until_ms);
	if (status == DNS_FAILED) {
		end(f, FIND_FAILED);
		return;
	}
	if (status == DNS_OK &&
	    ares_parse_naptr_reply(octets.p, (int)octets.len, &list) == ARES_SUCCESS)
		r = udp_of(list);
	strcat(name, f->target[0].host);
	ask_srv(f, r ? r->replacement : name);
	if (list)
		ares_free_data(list);
}

void find_hops(struct dns *d, const struct sip_uri *uri, find_done *done, void *ctx)
{
	struct finding *f;
	struct addr a;

	if (sip_uri_addr(uri, SIP_PORT, &a)) {
		done(ctx, FIND_OK, &a, 1, UINT64_MAX);
		return;
	}
	if (uri->host.len == 0 || uri->host.len > DNS_NAME_MAX) {
		done(ctx, FIND_NOTHING, NULL, 0, UINT64_MAX);
		return;
	}
	f = calloc(1, sizeof(*f));
	if (!f) {
		done(ctx, FIND_FAILED, NULL, 0, 0);
		return;
	}
	f->d = d;
	f->done = done;
	f->ctx = ctx;
	f->until_ms = UINT64_MAX;
	f->n_target = 1;
	f->target[0].port = uri->port ? uri->port : SIP_PORT;
	memcpy(f->target[0].host, uri->host.p, uri->host.len);
	if (uri->port)
		ask_address(f);
	else
		dns_ask(d, uri->host, DNS_NAPTR, on_naptr, f);
}
