/* dns.h - questions to the DNS, asked on the event loop, with a bounded memory of the answers
 *
 * c-ares sends, repeats and matches; what it is given back is an octet string that nobody has
 * checked yet: c-ares' parsers check it when a reader takes records from it. Answers live as
 * long as the least TTL in them says, within bounds; that there is nothing of a name is kept
 * too (RFC 2308), a failure is not. Loop thread only.
 */
#pragma once

#include "base/slice.h"

struct ev_loop;
struct conf_dns;
struct dns;

enum {
	DNS_NAME_MAX = 255,
	DNS_ANSWER_MAX = 4096, /* octets; longer ones are as good as none */
	DNS_CACHE = 1024,      /* answers kept */
	DNS_OPEN_MAX = 512,    /* questions under way */
};

enum dns_type { DNS_A = 1, DNS_AAAA = 28, DNS_SRV = 33, DNS_NAPTR = 35 };

enum dns_status {
	DNS_OK,
	DNS_NOTHING, /* no such name, or no records of this type */
	DNS_FAILED,  /* no server answered in time, or not properly; too many questions */
};

/* octets are lent for the time of the call, and empty but for DNS_OK. until_ms: how long this
 * may be relied upon (clock_ms()); at once over where nobody answered. */
typedef void dns_done(void *ctx, enum dns_status status, struct slice octets,
		      uint64_t until_ms);

/* Borrows conf. NULL: no memory, or c-ares does not start. */
struct dns *dns_open(struct ev_loop *loop, const struct conf_dns *conf);
/* Ends open questions with DNS_FAILED. */
void dns_close(struct dns *d);
/* Calls done once, within this call if the answer is known. A name that is none: DNS_NOTHING.
 */
void dns_ask(struct dns *d, struct slice name, enum dns_type type, dns_done *done, void *ctx);

struct dns_stats {
	uint64_t asked, cached, nothing, failed;
	uint32_t open, kept; /* kept: places of the cache in use, live or not */
};
void dns_stats(const struct dns *d, struct dns_stats *out);

/* An answer in memory, or that there is nothing of a name: then octets is empty. */
struct dns_known {
	const char *name;
	enum dns_type type;
	uint64_t until_ms;
	struct slice octets;
};
/* Those that may still be relied upon; in no order. */
void dns_each(const struct dns *d, void (*each)(void *ctx, const struct dns_known *k),
	      void *ctx);
/* Forgets all of them: the number there were. */
uint32_t dns_flush(struct dns *d);
/* "A", "SRV" and so on; NULL: none that is asked here. */
const char *dns_type_name(enum dns_type type);
/* False: it is none of them. */
bool dns_type_of(const char *name, enum dns_type *type);
