/* schema.h - the table made of schema.def: what a key is, where its value lies, what it may be
 *
 * For the files of conf/ only. Constant, any thread.
 */
#pragma once

#include "conf/conf.h"

enum conf_owner {
	OWNER_CONF,
	OWNER_PORT,
	OWNER_PEER,
	OWNER_ROUTE,
	OWNER_SCSCF,
	OWNER_HSS,
	OWNER_ACCESS,
	OWNER_BGCF,
	OWNER_NUMBER,
	OWNER_PSAP,
	OWNER_PLACE,
	OWNER_PLAN,
	OWNER_PRIORITY
};

enum conf_kind {
	KIND_TEXT,  /* any printable text */
	KIND_NAME,  /* letters, digits, - and _ */
	KIND_HOST,  /* a domain name */
	KIND_URI,   /* sip: or sips: */
	KIND_PATH,  /* absolute */
	KIND_STORE, /* a path, or a URI of PostgreSQL, whose password is not shown */
	KIND_LEVEL, /* a level of log.h, kept as text */
	KIND_CPUS,  /* "2,3" or "2-5" */
	KIND_COUNT, /* a plain whole number */
	KIND_SIZE,  /* octets, with a unit */
	KIND_MS,    /* a time, kept in milliseconds */
	KIND_S,     /* a time, kept in seconds */
	KIND_BOOL,
	KIND_HEX,     /* exactly as many octets as the member has */
	KIND_IP,      /* an address, port 0 */
	KIND_ADDR,    /* min: default port; max 1: port 0 is no value */
	KIND_OWN,     /* an address with its prefix length */
	KIND_NET,     /* an address or a prefix */
	KIND_GATEWAY, /* one address of a family, in two members one behind the other */
	KIND_ROLES,   /* a list of words, kept as bits */
	KIND_IDLE,
	KIND_AUTO,
	KIND_STEERING,
	KIND_ZONE,
	KIND_INTEGRITY,
	KIND_ENCRYPTION,
	KIND_SCHEME,
	KIND_PROXY_AUTH, /* words, kept as an enum */
	KIND_PORTS,
	KIND_PEERS,
	KIND_ROUTES,
	KIND_SCSCFS,
	KIND_ACCESSES,
	KIND_BGCFS,
	KIND_NUMBERS,
	KIND_PSAPS,
	KIND_PLACES,
	KIND_PLANS,
	KIND_PRIORITIES,
	KIND_HSSES, /* lists of mappings */
};

enum conf_presence { PRESENCE_DEFAULT, PRESENCE_OPTIONAL, PRESENCE_REQUIRED };

struct conf_key {
	enum conf_owner owner;
	const char *name; /* dotted, from the owner */
	enum conf_kind kind;
	uint32_t offset;       /* of the first element, in the owner's struct */
	uint32_t size;         /* of one element */
	uint32_t most;         /* elements of a list; 0: not a list */
	uint32_t count_offset; /* of a list: where its uint32_t number of elements lies */
	enum conf_presence presence;
	const char *text; /* the default, or a sample for the printed file */
	uint64_t min, max;
	bool reload;
	const char *help;
};

enum {
#define KEY(...)  +1
#define LIST(...) +1
	CONF_KEYS = 0
#include "conf/schema.def"
#undef KEY
#undef LIST
};

extern const struct conf_key conf_schema[CONF_KEYS];

struct conf_word {
	const char *name;
	uint32_t value;
};

/* The words of a kind, ended by name NULL; NULL for a kind that has none. */
const struct conf_word *conf_words(enum conf_kind kind);

/* NULL: no such key. */
const struct conf_key *conf_key_find(enum conf_owner owner, struct slice name);
/* "dataplane" is a section, and so is "pcscf.security": keys begin with it and a dot. */
bool conf_is_section(struct slice name);
/* What the entries of a list of mappings are; OWNER_CONF for any other kind. */
enum conf_owner conf_items(enum conf_kind kind);

/* The key or section that was probably meant, or NULL: same owner, few letters away, or the
 * same word in another section. */
const char *conf_nearest(enum conf_owner owner, struct slice name);

static inline bool conf_is_list(const struct conf_key *k)
{
	return k->most != 0;
}

/* Elements of a list that are set. */
static inline uint32_t conf_count(const struct conf_key *k, const void *owner)
{
	uint32_t n;

	memcpy(&n, (const uint8_t *)owner + k->count_offset, sizeof(n));
	return n;
}

/* Element i of a list; of another key, i is 0. */
static inline const void *conf_at(const struct conf_key *k, const void *owner, uint32_t i)
{
	return (const uint8_t *)owner + k->offset + (size_t)i * k->size;
}
