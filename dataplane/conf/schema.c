/* schema.c - schema.def as a table, and the search for the key that was meant */
#include "conf/schema.h"

#include "base/distance.h"

enum { RESTART = false, RELOAD = true };

typedef struct conf owner_CONF;
typedef struct conf_port owner_PORT;
typedef struct conf_peer owner_PEER;
typedef struct conf_route owner_ROUTE;
typedef struct conf_scscf owner_SCSCF;
typedef struct conf_hss_peer owner_HSS;
typedef struct conf_access owner_ACCESS;
typedef struct conf_bgcf owner_BGCF;
typedef struct conf_emergency_number owner_NUMBER;
typedef struct conf_psap owner_PSAP;
typedef struct conf_place owner_PLACE;
typedef struct conf_numbers_place owner_PLAN;
typedef struct conf_priority owner_PRIORITY;

#define MEMBER(own, member) (((owner_##own *)0)->member)

/* The presence fills two members. */
#define DEFAULT(value)   PRESENCE_DEFAULT, value
#define OPTIONAL(sample) PRESENCE_OPTIONAL, sample
#define REQUIRED(sample) PRESENCE_REQUIRED, sample

#define KEY(own, key, type, member, ...)                                                       \
	{OWNER_##own,                                                                          \
	 key,                                                                                  \
	 KIND_##type,                                                                          \
	 offsetof(owner_##own, member),                                                        \
	 sizeof(MEMBER(own, member)),                                                          \
	 0,                                                                                    \
	 0,                                                                                    \
	 __VA_ARGS__},
#define LIST(own, key, type, member, count, ...)                                               \
	{OWNER_##own,                                                                          \
	 key,                                                                                  \
	 KIND_##type,                                                                          \
	 offsetof(owner_##own, member),                                                        \
	 sizeof(MEMBER(own, member)[0]),                                                       \
	 sizeof(MEMBER(own, member)) / sizeof(MEMBER(own, member)[0]),                         \
	 offsetof(owner_##own, count),                                                         \
	 __VA_ARGS__},

const struct conf_key conf_schema[CONF_KEYS] = {
#include "conf/schema.def"
};

_Static_assert(offsetof(struct conf_port, gateway6) ==
		       offsetof(struct conf_port, gateway4) + sizeof(struct addr),
	       "KIND_GATEWAY finds the second address behind the first");

const struct conf_word *conf_words(enum conf_kind kind)
{
	static const struct conf_word roles[] = {{"pcscf", CONF_PCSCF},
						 {"icscf", CONF_ICSCF},
						 {"scscf", CONF_SCSCF},
						 {"ecscf", CONF_ECSCF},
						 {0}};
	static const struct conf_word idle[] = {
		{"poll", CONF_IDLE_POLL}, {"adaptive", CONF_IDLE_ADAPTIVE}, {0}};
	static const struct conf_word automatic[] = {
		{"never", CONF_NEVER}, {"auto", CONF_AUTO}, {"require", CONF_REQUIRE}, {0}};
	static const struct conf_word steering[] = {{"auto", CONF_STEER_AUTO},
						    {"software", CONF_STEER_SOFTWARE},
						    {"flow", CONF_STEER_FLOW},
						    {0}};
	static const struct conf_word zone[] = {
		{"access", CONF_ZONE_ACCESS}, {"core", CONF_ZONE_CORE}, {0}};
	static const struct conf_word integrity[] = {
		{"hmac-md5-96", CONF_HMAC_MD5_96},
		{"hmac-sha-1-96", CONF_HMAC_SHA_1_96},
		{"hmac-sha-256-128", CONF_HMAC_SHA_256_128},
		{"aes-gmac", CONF_AES_GMAC},
		{0}};
	static const struct conf_word encryption[] = {
		{"null", CONF_NULL}, {"aes-cbc", CONF_AES_CBC}, {"aes-gcm", CONF_AES_GCM}, {0}};
	static const struct conf_word scheme[] = {{"aka", CONF_SCHEME_AKA},
						  {"digest", CONF_SCHEME_DIGEST},
						  {"giba", CONF_SCHEME_GIBA},
						  {0}};
	static const struct conf_word proxy_auth[] = {
		{"none", CONF_PROXY_AUTH_NONE}, {"initial", CONF_PROXY_AUTH_INITIAL}, {0}};
	static const struct conf_word boolean[] = {{"true", 1}, {"false", 0}, {0}};

	switch (kind) {
	case KIND_ROLES:
		return roles;
	case KIND_IDLE:
		return idle;
	case KIND_AUTO:
		return automatic;
	case KIND_STEERING:
		return steering;
	case KIND_ZONE:
		return zone;
	case KIND_INTEGRITY:
		return integrity;
	case KIND_ENCRYPTION:
		return encryption;
	case KIND_SCHEME:
		return scheme;
	case KIND_PROXY_AUTH:
		return proxy_auth;
	case KIND_BOOL:
		return boolean;
	default:
		return NULL;
	}
}

const struct conf_key *conf_key_find(enum conf_owner owner, struct slice name)
{
	for (uint32_t i = 0; i < CONF_KEYS; i++)
		if (conf_schema[i].owner == owner &&
		    slice_eq(slice_str(conf_schema[i].name), name))
			return &conf_schema[i];
	return NULL;
}

static const char *const section[] = {
	"dataplane",      "icscf",    "scscf", "pcscf",   "pcscf.protected-ports",
	"pcscf.security", "control",  "dns",   "numbers", "emergency",
	"policy",         "charging", "hss",   NULL};

bool conf_is_section(struct slice name)
{
	for (int i = 0; section[i]; i++)
		if (slice_eq(slice_str(section[i]), name))
			return true;
	return false;
}

enum conf_owner conf_items(enum conf_kind kind)
{
	switch (kind) {
	case KIND_PORTS:
		return OWNER_PORT;
	case KIND_PEERS:
		return OWNER_PEER;
	case KIND_ROUTES:
		return OWNER_ROUTE;
	case KIND_SCSCFS:
		return OWNER_SCSCF;
	case KIND_ACCESSES:
		return OWNER_ACCESS;
	case KIND_BGCFS:
		return OWNER_BGCF;
	case KIND_NUMBERS:
		return OWNER_NUMBER;
	case KIND_PSAPS:
		return OWNER_PSAP;
	case KIND_PLACES:
		return OWNER_PLACE;
	case KIND_PLANS:
		return OWNER_PLAN;
	case KIND_PRIORITIES:
		return OWNER_PRIORITY;
	case KIND_HSSES:
		return OWNER_HSS;
	default:
		return OWNER_CONF;
	}
}

static struct slice last_word(struct slice name)
{
	uint32_t dot;

	while ((dot = slice_find(name, '.')) < name.len)
		name = slice_from(name, dot + 1);
	return name;
}

/* A key in the wrong section costs one more than a key misspelt in the right one. */
static uint32_t farness(struct slice name, const char *candidate)
{
	struct slice c = slice_str(candidate);
	uint32_t whole = slice_distance(name, c),
		 word = slice_distance(last_word(name), last_word(c));

	return word < whole ? word + 1 : whole;
}

const char *conf_nearest(enum conf_owner owner, struct slice name)
{
	uint32_t best = 1 + last_word(name).len / 3; /* beyond that it is another word */
	const char *nearest = NULL;

	for (uint32_t i = 0; i < CONF_KEYS; i++) {
		uint32_t far = conf_schema[i].owner == owner
				       ? farness(name, conf_schema[i].name)
				       : UINT32_MAX;
		if (far < best || (far == best && !nearest)) {
			best = far;
			nearest = conf_schema[i].name;
		}
	}
	for (int i = 0; owner == OWNER_CONF && section[i]; i++) {
		uint32_t far = farness(name, section[i]);

		if (far < best || (far == best && !nearest)) {
			best = far;
			nearest = section[i];
		}
	}
	return nearest;
}
