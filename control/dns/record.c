/* record.c - the records of an answer as a zone file would have them */
#include "control/dns/record.h"

#include <ares.h>
#include <stdio.h>

#include "base/addr.h"

struct sink {
	void (*each)(void *ctx, const char *text);
	void *ctx;
};

static void put_address(const struct sink *k, uint8_t family, const void *ip)
{
	struct addr a = {.family = family};
	char text[ADDR_TEXT_MAX];
	struct text t = text_in(text, sizeof(text));

	memcpy(a.ip, ip, family == 4 ? 4 : 16);
	addr_put_host(&t, &a);
	k->each(k->ctx, text_cstr(&t));
}

static void addresses4(struct slice octets, const struct sink *k)
{
	struct ares_addrttl v4[RECORDS_SHOWN];
	int n = RECORDS_SHOWN;

	if (ares_parse_a_reply(octets.p, (int)octets.len, NULL, v4, &n) == ARES_SUCCESS)
		for (int i = 0; i < n; i++)
			put_address(k, 4, &v4[i].ipaddr);
}

static void addresses6(struct slice octets, const struct sink *k)
{
	struct ares_addr6ttl v6[RECORDS_SHOWN];
	int n = RECORDS_SHOWN;

	if (ares_parse_aaaa_reply(octets.p, (int)octets.len, NULL, v6, &n) == ARES_SUCCESS)
		for (int i = 0; i < n; i++)
			put_address(k, 6, &v6[i].ip6addr);
}

static void services(struct slice octets, const struct sink *k)
{
	struct ares_srv_reply *first = NULL;
	char text[RECORD_TEXT_MAX];
	int n = 0;

	if (ares_parse_srv_reply(octets.p, (int)octets.len, &first) != ARES_SUCCESS)
		return;
	for (struct ares_srv_reply *r = first; r && n < RECORDS_SHOWN; r = r->next, n++) {
		snprintf(text, sizeof(text), "%u %u %u %s", r->priority, r->weight, r->port,
			 r->host);
		k->each(k->ctx, text);
	}
	ares_free_data(first);
}

static void pointers(struct slice octets, const struct sink *k)
{
	struct ares_naptr_reply *first = NULL;
	char text[RECORD_TEXT_MAX];
	int n = 0;

	if (ares_parse_naptr_reply(octets.p, (int)octets.len, &first) != ARES_SUCCESS)
		return;
	for (struct ares_naptr_reply *r = first; r && n < RECORDS_SHOWN; r = r->next, n++) {
		int len = snprintf(text, sizeof(text), "%u %u \"%s\" \"%s\" \"%s\" %s.",
				   r->order, r->preference, r->flags, r->service, r->regexp,
				   r->replacement);

		if (len > 0 && (size_t)len < sizeof(text))
			k->each(k->ctx, text);
	}
	ares_free_data(first);
}

void dns_records(struct slice octets, enum dns_type type,
		 void (*each)(void *ctx, const char *text), void *ctx)
{
	const struct sink k = {each, ctx};

	if (octets.len == 0)
		return;
	switch (type) {
	case DNS_A:
		addresses4(octets, &k);
		break;
	case DNS_AAAA:
		addresses6(octets, &k);
		break;
	case DNS_SRV:
		services(octets, &k);
		break;
	case DNS_NAPTR:
		pointers(octets, &k);
		break;
	}
}
