/* conf.h - saker.yaml: one file for all daemons
 *
 * conf_load reads the file with libyaml, checks every key and value against one schema table
 * (schema.def) and fills in defaults. An error names file, line, key and, for an
 * unknown key, the nearest valid one. Start of each daemon and reload; main thread only.
 */
#pragma once

#include "base/addr.h"
#include "base/limits.h"

enum { CONF_NAME_MAX = 256, CONF_PATH_MAX = 512, CONF_ERROR_MAX = 512 };

enum conf_role { CONF_PCSCF = 1, CONF_ICSCF = 2, CONF_SCSCF = 4, CONF_ECSCF = 8 };
enum conf_idle { CONF_IDLE_POLL, CONF_IDLE_ADAPTIVE };
enum conf_auto { CONF_NEVER, CONF_AUTO, CONF_REQUIRE };
enum conf_steering { CONF_STEER_AUTO, CONF_STEER_SOFTWARE, CONF_STEER_FLOW };
/* Ways to be authenticated, as bits. */
enum conf_scheme { CONF_SCHEME_AKA = 1, CONF_SCHEME_DIGEST = 2, CONF_SCHEME_GIBA = 4 };
enum conf_proxy_auth { CONF_PROXY_AUTH_NONE, CONF_PROXY_AUTH_INITIAL };
enum conf_zone { CONF_ZONE_ACCESS, CONF_ZONE_CORE };
/* Algorithms of security associations, by the numbers of abi/install.h. */
enum conf_integrity {
	CONF_HMAC_MD5_96 = 1,
	CONF_HMAC_SHA_1_96,
	CONF_HMAC_SHA_256_128,
	CONF_AES_GMAC
};
enum conf_encryption { CONF_NULL, CONF_AES_CBC, CONF_AES_GCM };

struct conf_prefix {
	struct addr ip;
	uint8_t bits;
};

struct conf_port {
	char name[32];
	char device[CONF_NAME_MAX]; /* PCI address, or a vdev: "net_af_xdp0,iface=lte" */
	struct conf_prefix address[ADDRESSES_MAX];
	uint32_t n_address;
	struct conf_prefix route[ADDRESSES_MAX]; /* further prefixes reached through gateway */
	uint32_t n_route;
	struct addr gateway4, gateway6; /* family 0: none; default route of this port */
	uint16_t vlan;                  /* 0: untagged */
	uint16_t mtu;                   /* default 1500 */
	enum conf_zone zone;            /* access (default): UEs; core: peers */
	uint16_t queues;                /* receive queues; default 1 */
};

struct conf_peer {
	char name[128]; /* its host name in SIP URIs, if it has one: resolved here first */
	struct conf_prefix net; /* address or prefix */
	bool trusted;           /* of our trust domain (RFC 3325); default true */
	bool hiding;            /* sees nothing of our topology; default false */
};

/* Static routes, first match wins. */
struct conf_route {
	char user[64];              /* user part of the Request-URI; empty: any */
	char domain[CONF_NAME_MAX]; /* host part; empty: one of our own */
	struct addr to;
};

/* Where what leaves the network goes: by number or by domain. */
struct conf_bgcf {
	char prefix[32];            /* "+" and digits; empty: not by number */
	char domain[CONF_NAME_MAX]; /* empty: not by domain */
	char to[CONF_NAME_MAX];     /* SIP URI of an MGCF, an IBCF or another network */
	bool direct; /* no number that begins so is ours, or has to be asked of ENUM */
};

/* Where terminals dial as in another place than the home network's. */
struct conf_numbers_place {
	char access[128]; /* P-Access-Network-Info, * at its end: a prefix */
	char country[8], area[16];
};

/* How our users dial (TS 24.229 §5.4.3.2). */
struct conf_numbers {
	char country[8], area[16];          /* digits; country empty: global numbers alone */
	char national[8], international[8]; /* prefixes; default "0" and "00" */
	struct conf_numbers_place place[NUMBER_PLACES_MAX];
	uint32_t n_place;
};

/* A number that is a call for help where it is dialled. */
struct conf_emergency_number {
	char number[32];
	char service[64]; /* its URN (RFC 5031) */
};

/* A public safety answering point, for services and places. */
struct conf_psap {
	char service[64];       /* and what is below it */
	char access[128];       /* P-Access-Network-Info; empty: any, * at its end: a prefix */
	char to[CONF_NAME_MAX]; /* its SIP URI */
	struct addr address;
};

/* Where terminals with an address of this prefix are, in P-Access-Network-Info. */
struct conf_place {
	struct conf_prefix prefix;
	char info[128];
};

/* Calls for help (TS 24.229 §5.2.10, §5.11); all of it is taken over at a reload. */
struct conf_emergency {
	struct conf_emergency_number number[EMERGENCY_NUMBERS_MAX];
	uint32_t n_number;
	bool unregistered;          /* those who are not registered may call; default false */
	uint32_t unregistered_rate; /* a second and worker; default 10 */
	bool normal;                /* no emergency registration is asked for; default true */
	struct addr ecscf[EMERGENCY_ECSCFS_MAX];
	uint32_t n_ecscf;
	struct conf_psap psap[EMERGENCY_PSAPS_MAX];
	uint32_t n_psap;
	struct conf_place place[EMERGENCY_ACCESSES_MAX];
	uint32_t n_place;
};

/* A namespace of Resource-Priority (RFC 4412). */
struct conf_priority {
	char space[32];
	char value[PRIORITY_VALUES_MAX][16];
	uint32_t n_value;
	char user[PRIORITY_USERS_MAX][128];
	uint32_t n_user;
};

struct conf_dns {
	struct addr server[DNS_SERVERS_MAX];
	uint32_t n_server;        /* none: nothing is asked */
	uint32_t timeout_ms;      /* of one try; default 500 */
	uint32_t ttl_max_s;       /* default 3600 */
	uint32_t negative_s;      /* default 30 */
	char zone[CONF_NAME_MAX]; /* of ENUM; default e164.arpa */
};

/* An S-CSCF that the I-CSCF may choose (TS 29.228 §6.7). */
struct conf_scscf {
	char name[CONF_NAME_MAX]; /* its SIP URI, the Server-Name it gives to the HSS */
	struct addr address;
	uint32_t capability[CAPABILITIES_MAX];
	uint32_t n_capability;
};

/* Terminals with an address of this prefix may be authenticated by these. */
struct conf_access {
	struct conf_prefix prefix;
	enum conf_scheme allow[3];
	uint32_t n_allow;
};

struct conf_icscf {
	struct conf_scscf
		scscf[SCSCFS_MAX]; /* none: the one of this node, or dataplane.scscf */
	uint32_t n_scscf;
};

/* An HSS that another one may send us to. */
struct conf_hss_peer {
	char identity[CONF_NAME_MAX]; /* of Diameter */
	struct addr address;
};

struct conf_dataplane {
	uint32_t roles;              /* of enum conf_role; default all three */
	uint32_t workers;            /* default 1 */
	char cores[64];              /* CPUs of the workers: "2,3" or "2-5"; empty: any */
	enum conf_idle idle;         /* default poll */
	enum conf_auto huge_pages;   /* default auto */
	uint64_t memory;             /* octets for DPDK without huge pages; default 256 MiB */
	uint32_t buffers;            /* packet buffers; default 16384 */
	uint32_t users;              /* registered public identities; default 100,000 */
	uint32_t transactions;       /* INVITE transactions per worker; default 65,536 */
	enum conf_steering steering; /* default auto */
	uint16_t sip_port;           /* default 5060 */
	uint16_t worker_port_base;   /* default 5080: port of worker i is base + i */
	struct conf_port port[PORTS_MAX];
	uint32_t n_port;
	struct conf_peer peer[PEERS_MAX];
	uint32_t n_peer;
	struct conf_route route[ROUTES_MAX];
	uint32_t n_route;
	struct conf_priority priority[PRIORITY_SPACES_MAX];
	uint32_t n_priority;
	uint32_t t1_ms, t2_ms, t4_ms; /* 500, 4000, 5000 (RFC 3261 Table 4) */
	uint32_t timer_c_ms; /* default 185,000; more than 180,000 (RFC 3261 §16.6 step 11) */
	uint32_t ring_ms;    /* default 20,000 */
	uint32_t server_ms;  /* Application Servers: default 4,000 */
	uint32_t session_expires_s, min_se_s; /* RFC 4028: 0, none is given; 90 */
	uint32_t max_breadth;                 /* 60 (RFC 5393) */
	struct addr icscf;  /* entry of our own network where the I-CSCF role is elsewhere */
	struct addr scscf;  /* default S-CSCF, where that role is elsewhere */
	uint32_t punt_ring; /* octets per worker; default 4 MiB */
	char key_file[CONF_PATH_MAX]; /* node secret for tokens; default STATE_DIR/node.key */
};

/* Access security of terminals (TS 33.203). Without protected ports there is none. */
struct conf_pcscf {
	uint16_t port_ps;    /* protected server port; 0: none */
	uint16_t port_pc[2]; /* protected client ports: of the old and of the new set of SAs */
	uint32_t n_port_pc;
	bool required; /* default false: who offers no security agreement may go without */
	enum conf_integrity integrity[4]; /* most preferred first */
	uint32_t n_integrity;
	enum conf_encryption
		encryption[3]; /* most preferred first; AES-GCM needs no integrity */
	uint32_t n_encryption;
	bool follow;      /* terminals that move while they are called */
	bool reg_event;   /* subscribe to users' registrations at their S-CSCF; default true */
	uint32_t sa_sets; /* default 0: four for each of dataplane.users */
	uint32_t temporary, temporary_address; /* sets that await their REGISTER: in all,
						  10,000, and of one address, 1,000 */
};

/* The S-CSCF as service control. */
struct conf_services {
	char shared_ifc[CONF_PATH_MAX]; /* file of shared filter criteria; "": none */
};

struct conf_control {
	char diameter_identity[CONF_NAME_MAX]; /* default: scscf.REALM */
	uint16_t diameter_port;                /* default 0: do not listen */
	struct addr diameter_listen;           /* default 127.0.0.1 */
	char hss_identity[CONF_NAME_MAX];      /* default: hss.REALM */
	struct addr hss;                       /* default 127.0.0.1:3868 */
	struct conf_hss_peer hsses[HSSES_MAX];
	uint32_t n_hsses;
	uint32_t cx_window;        /* outstanding requests; default 128 */
	uint32_t cx_timeout_ms;    /* default 3000 */
	char store[CONF_PATH_MAX]; /* default STATE_DIR/control.db */
	uint32_t expires_min_s, expires_default_s, expires_max_s; /* 60, 600,000, 600,000 */
	bool expires_lengthen;        /* too short a wish: lengthened, not refused */
	uint32_t expires_emergency_s; /* least of an emergency registration; default 600 */
	uint32_t contacts_max;        /* of one user; default SET_CONTACTS_MAX */
	bool contacts_replace;        /* one too many: the oldest goes */
	bool contacts_one_per_flow;   /* without +sip.instance the flow tells the device */
	uint32_t flow_timer_s;        /* default 0: not told */
	uint32_t auth_tries;          /* wrong responses before 403; default 3 */
	uint32_t nonce_ttl_s;         /* default 60 */
	uint32_t nonce_max;           /* bounded store; default 100,000 */
	bool digest_md5, digest_sha256, aka; /* allowed schemes; default all true */
	uint32_t vectors;                    /* of one answer of the HSS; default 1 */
	uint32_t vectors_ttl_s;   /* how long those left over are good; default 600 */
	bool challenge_protected; /* default true */
	struct conf_access access[ACCESSES_MAX];
	uint32_t n_access;
	enum conf_proxy_auth proxy_auth; /* default none */
	bool akav2;                      /* and AKAv2-MD5 before AKAv1-MD5; default false */
	uint32_t unregistered_ttl_s;     /* of users served as such; default 600 */
	bool restoration;    /* the HSS keeps the contacts of registered users; default true */
	bool ip_association; /* refreshes from an authenticated address need no challenge */
	uint32_t sessions;   /* watched; default 200,000 */
	struct addr metrics_listen; /* default 127.0.0.1:9390; port 0: none */
};

struct conf_hss {
	char diameter_identity[CONF_NAME_MAX]; /* default: hss.REALM */
	struct addr diameter_listen;           /* default 127.0.0.1:3868 */
	char store[CONF_PATH_MAX];    /* default STATE_DIR/hss.db (SQLite); or postgresql:// */
	char peer[16][CONF_NAME_MAX]; /* Diameter identities that may connect */
	uint32_t n_peer;              /* default: control.diameter-identity */
	char application_server[16][CONF_NAME_MAX]; /* those that speak Sh alone */
	uint32_t n_application_server;
	uint32_t app_threads;       /* default 1 */
	uint32_t av_max;            /* vectors in one MAA; default 5 */
	uint8_t amf[2];             /* default 0x8000 */
	struct addr metrics_listen; /* default 127.0.0.1:9391 */
};

/* Who is told of sessions. */
struct conf_charging {
	struct conf_hss_peer cdf[HSSES_MAX];
	uint32_t n_cdf;
	bool pcscf;
	bool registrations; /* EVENT records of REGISTERs; default false */
	uint32_t interim_s, timeout_ms, window, spool;
};

/* What terminals in these access networks may offer. */
struct conf_policy {
	struct conf_prefix access[POLICY_ACCESSES_MAX];
	uint32_t n_access;
	struct conf_hss_peer pcrf[HSSES_MAX];
	uint32_t n_pcrf;
	uint32_t timeout_ms, window;
	char application[64];
	bool preliminary;             /* asked for with the offer already; default true */
	bool preconditions;           /* those of both sides before the called user rings */
	bool reject_on_failure;       /* default false: goes on where no PCRF answers */
	uint32_t refused_status;      /* default 503 */
	bool signalling;              /* asked for registrations too; default false */
	bool drop_on_signalling_loss; /* default false */
	char codec[POLICY_CODECS_MAX][32]; /* that may be offered; none: all */
	uint32_t n_codec;
	uint32_t streams;   /* of one session; 0: any number */
	uint32_t bandwidth; /* bits per second of one stream; 0: any */
};

struct conf {
	char file[CONF_PATH_MAX];
	char realm[CONF_NAME_MAX];     /* home network domain; required */
	char domain[8][CONF_NAME_MAX]; /* further own domains */
	uint32_t n_domain;
	char visited_network[CONF_NAME_MAX]; /* P-Visited-Network-ID; default: realm */
	char pcscf_uri[CONF_NAME_MAX];       /* default sip:pcscf.REALM:SIP_PORT */
	char icscf_uri[CONF_NAME_MAX];
	char scscf_uri[CONF_NAME_MAX];   /* the Server-Name of Cx */
	char runtime_dir[CONF_PATH_MAX]; /* sockets; default /run/saker */
	char state_dir[CONF_PATH_MAX];   /* stores and keys; default /var/lib/saker */
	char log_level[16];              /* default info */
	struct conf_dataplane dataplane;
	struct conf_pcscf pcscf;
	struct conf_icscf icscf;
	struct conf_services scscf;
	struct conf_control control;
	struct conf_dns dns;
	struct conf_numbers numbers;
	struct conf_emergency emergency;
	struct conf_policy policy;
	struct conf_charging charging;
	struct conf_bgcf bgcf[BGCF_MAX];
	uint32_t n_bgcf;
	struct conf_hss hss;
};

/* Reads `file` (at most 256 KiB). NULL with "FILE:LINE: sentence" in error ("FILE: sentence" if
 * it cannot be read); else a conf on the heap, given to the caller: conf_free. */
struct conf *conf_load(const char *file, char error[CONF_ERROR_MAX]);
void conf_free(struct conf *c);

/* Compares a running configuration with a new one. Writes the dotted names of keys that differ,
 * one a line, to out: first those that apply_reloadable takes over, each prefixed "reload ",
 * then those that need a restart, each prefixed "restart ". Returns the number of the latter.
 */
int conf_diff(const struct conf *running, const struct conf *loaded, struct text *out);
/* Copies the reloadable keys of `loaded` into `running`. */
void conf_apply_reloadable(struct conf *running, const struct conf *loaded);

/* The whole schema as a commented saker.yaml with every default. */
void conf_print_example(struct text *out);
/* The effective configuration, in the same form as the file; secrets are not in it. */
void conf_print(const struct conf *c, struct text *out);
