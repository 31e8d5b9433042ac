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

struct finding {
	struct dns *d;
	find_done *done;
	void *ctx;
	uint16_t port;
	char host[DNS_NAME_MAX + 1];
	bool failed; /* one question on the way got no answer */
};

static void end(struct finding *f, enum find_status status, const struct addr *hop)
{
	f->done(f->ctx, status, hop);
	free(f);
}

static void on_aaaa(void *ctx, enum dns_status status, struct slice octets)
{
	struct ares_addr6ttl v6[1];
	struct finding *f = ctx;
	struct addr a = {.family = 6, .port = f->port};
	int n = 1;

	if (status == DNS_OK &&
	    ares_parse_aaaa_reply(octets.p, (int)octets.len, NULL, v6, &n) == ARES_SUCCESS &&
	    n > 0) {
		memcpy(a.ip, &v6[0].ip6addr, 16);
		end(f, FIND_OK, &a);
		return;
	}
	end(f, f->failed || status == DNS_FAILED ? FIND_FAILED : FIND_NOTHING, NULL);
}

static void on_a(void *ctx, enum dns_status status, struct slice octets)
{
	struct ares_addrttl v4[1];
	struct finding *f = ctx;
	struct addr a = {.family = 4, .port = f->port};
	int n = 1;

	if (status == DNS_OK &&
	    ares_parse_a_reply(octets.p, (int)octets.len, NULL, v4, &n) == ARES_SUCCESS &&
	    n > 0) {
		memcpy(a.ip, &v4[0].ipaddr, 4);
		end(f, FIND_OK, &a);
		return;
	}
	f->failed |= status == DNS_FAILED;
	dns_ask(f->d, slice_str(f->host), DNS_AAAA, on_aaaa, f);
}

static void ask_address(struct finding *f)
{
	dns_ask(f->d, slice_str(f->host), DNS_A, on_a, f);
}

static bool host_set(struct finding *f, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > DNS_NAME_MAX)
		return false;
	memcpy(f->host, name, len + 1);
	return true;
}

/* RFC 2782: of the lowest priority, one at random, each as likely as its weight. */
static const struct ares_srv_reply *choose(const struct ares_srv_reply *list)
{
	const struct ares_srv_reply *r;
	uint32_t best = UINT32_MAX, sum = 0, at = 0, i = 0;

	for (r = list; r && i < RECORDS_MAX; r = r->next, i++) {
		if (r->priority < best)
			best = r->priority, sum = 0;
		if (r->priority == best)
			sum += r->weight + 1u; /* those of weight 0 have a small chance */
	}
	if (RAND_bytes((uint8_t *)&at, sizeof(at)) != 1 || sum == 0)
		return list;
	at %= sum;
	for (r = list, i = 0; r && i < RECORDS_MAX; r = r->next, i++) {
		if (r->priority != best)
			continue;
		if (at <= r->weight)
			return r;
		at -= r->weight + 1u;
	}
	return list;
}

static void on_srv(void *ctx, enum dns_status status, struct slice octets)
{
	struct finding *f = ctx;
	struct ares_srv_reply *list = NULL;

	if (status == DNS_OK &&
	    ares_parse_srv_reply(octets.p, (int)octets.len, &list) == ARES_SUCCESS && list) {
		const struct ares_srv_reply *r = choose(list);
		bool sound = r->port && host_set(f, r->host);

		f->port = r->port;
		ares_free_data(list);
		/* A lone "." says that the service is not there (RFC 2782). */
		if (sound)
			ask_address(f);
		else
			end(f, FIND_NOTHING, NULL);
		return;
	}
	/* Whoever cannot be asked for SRV is not called at his address instead. */
	if (status == DNS_NOTHING)
		ask_address(f);
	else
		end(f, FIND_FAILED, NULL);
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

static void on_naptr(void *ctx, enum dns_status status, struct slice octets)
{
	struct finding *f = ctx;
	struct ares_naptr_reply *list = NULL;
	const struct ares_naptr_reply *r = NULL;
	char name[sizeof("_sip._udp.") + DNS_NAME_MAX] = "_sip._udp.";

	if (status == DNS_FAILED) {
		end(f, FIND_FAILED, NULL);
		return;
	}
	if (status == DNS_OK &&
	    ares_parse_naptr_reply(octets.p, (int)octets.len, &list) == ARES_SUCCESS)
		r = udp_of(list);
	strcat(name, f->host);
	ask_srv(f, r ? r->replacement : name);
	if (list)
		ares_free_data(list);
}

void find_hop(struct dns *d, const struct sip_uri *uri, find_done *done, void *ctx)
{
	struct finding *f;
	struct addr a;

	if (sip_uri_addr(uri, SIP_PORT, &a)) {
		done(ctx, FIND_OK, &a);
		return;
	}
	if (uri->host.len == 0 || uri->host.len > DNS_NAME_MAX) {
		done(ctx, FIND_NOTHING, NULL);
		return;
	}
	f = calloc(1, sizeof(*f));
	if (!f) {
		done(ctx, FIND_FAILED, NULL);
		return;
	}
	f->d = d;
	f->done = done;
	f->ctx = ctx;
	f->port = uri->port ? uri->port : SIP_PORT;
	memcpy(f->host, uri->host.p, uri->host.len);
	if (uri->port)
		ask_address(f);
	else
		dns_ask(d, uri->host, DNS_NAPTR, on_naptr, f);
}
