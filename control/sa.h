/* sa.h - sets of security associations with UEs (TS 33.203 §7): control's own record of them
 *
 * A set is the four SAs that one successful challenge gives (TS 33.203 §7.1); it has one id.
 *
 *   SA_TEMPORARY  a challenge went out, and its response has not come under it
 *   SA_ACTIVE     a registration came under it; one that another has succeeded stays so until
 *                 the UE uses that one (§7.4)
 *   SA_LEAVING    nothing new begins under it, but a response may still have to leave
 *
 * Found by id, by registration set, by UE, and by SPI; taken in order of when they are due.
 * Keys lie in the sets alone, and are wiped when they go. Loop thread only.
 */
#pragma once

#include "control/sec_agree.h"

enum sa_state { SA_TEMPORARY, SA_ACTIVE, SA_LEAVING, SA_STATES };

enum {
	SA_AWAIT_MS = 240000, /* reg-await-auth (TS 24.229 table 7.8) */
	SA_MARGIN_MS = 30000, /* longer than the registration (TS 24.229 §5.2.2.2) */
	SA_DRAWS_MAX = 64,    /* of SPIs, until two are free */
};

enum sa_node_kind {
	SA_BY_ID,
	SA_BY_SET,
	SA_BY_UE,
	SA_BY_ADDRESS, /* temporary ones only */
	SA_BY_SPI_PC,
	SA_BY_SPI_PS, /* ours: of the whole node */
	SA_BY_SPI_UC,
	SA_BY_SPI_US, /* the UE's: of its address */
	SA_NODES
};

enum sa_refusal {
#define REFUSED(id, label) SA_REFUSED_##id,
#include "control/sa_refused.def"
#undef REFUSED
	SA_REFUSALS
};

struct sa;

struct sa_node {
	struct sa_node *next;
	struct sa *sa;
	uint64_t hash;
	uint8_t kind;
	bool linked;
};

struct sa {
	uint64_t id;     /* never 0, never used twice */
	uint64_t set_id; /* registration set it serves; 0: temporary */
	bool used;       /* the data plane has had it, so it may have sent under it */
	uint64_t old_id; /* the one it succeeds, until the UE has used this one; 0: none */
	uint8_t state;   /* enum sa_state; changed by sas_set_state */
	uint64_t created_wall_ms;
	uint64_t due_wall_ms; /* when it ends; changed by sas_set_state */
	struct addr ue;       /* the UE's own address, port_uc */
	struct addr local;    /* ours, port_ps */
	struct addr nat;      /* where the UE's NAT showed it; family 0: transport mode */
	uint16_t port_us, port_pc;
	uint32_t spi_uc, spi_us, spi_pc, spi_ps;
	struct sec_pair pair;
	struct sec_policy offered; /* what our Security-Server said */
	uint8_t ck[ABI_SA_KEY], ik[ABI_SA_KEY];
	char *impi, *impu; /* heap, owned; impu canonical */
	char *client;      /* Security-Client that began it, heap; NULL once it was proven */
	uint32_t in_work;  /* REGISTERs that came under it, or wait for it to be installed */

	uint32_t heap; /* the store's own */
	struct sa_node node[SA_NODES];
};

/* An empty one on the heap; NULL: no memory. */
struct sa *sa_new(void);
/* Wipes the keys. NULL is fine. */
void sa_free(struct sa *s);
/* The address its packets come from: the NAT's, or the UE's own. */
const struct addr *sa_outside(const struct sa *s);
/* What our Security-Server said, SPIs and ports included. */
void sa_server(const struct sa *s, struct sec_server *out);
const char *sa_state_name(enum sa_state state);
/* "no_common": for metrics. */
const char *sa_refusal_name(enum sa_refusal why);

struct sas;

/* NULL: no memory. */
struct sas *sas_new(void);
void sas_free(struct sas *s);
/* A new id. */
uint64_t sas_next_id(struct sas *s);
/* Two SPIs of ours that differ from each other, from those of every set that is here, and from
 * the UE's two: keys serve both directions, and a packet turned round must not find its SA.
 * False: no random numbers. */
bool sas_draw_spis(struct sas *s, uint32_t spi_uc, uint32_t spi_us, uint32_t *spi_pc,
		   uint32_t *spi_ps);
/* Takes the set. False: no memory, or its id or an SPI of ours is there already; it is still
 * the caller's then. */
bool sas_put(struct sas *s, struct sa *sa);
/* Takes it out and frees it. */
void sas_remove(struct sas *s, struct sa *sa);
struct sa *sas_find(struct sas *s, uint64_t id);
/* Those of one registration set, or of one UE: a private identity at an address. `after` is
 * NULL at first. A set may be removed after the next one was asked for. */
struct sa *sas_of_set(struct sas *s, uint64_t set_id, struct sa *after);
struct sa *sas_of_ue(struct sas *s, const char *impi, const struct addr *ue,
		     const struct addr *nat, struct sa *after);
enum sas_whose {
	SAS_OTHERS,     /* sets of other private identities */
	SAS_PROVEN_TOO, /* and those of `impi` that are not temporary */
};
/* True if a set with a UE at this address has this SPI of the UE's. */
bool sas_spi_in_use(struct sas *s, const struct addr *ue, const struct addr *nat, uint32_t spi,
		    const char *impi, enum sas_whose whose);
/* Temporary sets whose packets come from this address; the port does not count. */
uint32_t sas_temporary_at(struct sas *s, const struct addr *outside);
void sas_set_state(struct sas *s, struct sa *sa, enum sa_state state, uint64_t due_wall_ms);
/* The registration set it serves. */
void sas_bind(struct sas *s, struct sa *sa, uint64_t set_id);
/* The one that is due first; NULL: none. */
struct sa *sas_first_due(struct sas *s);
uint32_t sas_count(const struct sas *s, enum sa_state state);
uint32_t sas_total(const struct sas *s);
/* In no order; stops when each gives false. each changes nothing. */
void sas_each(struct sas *s, bool (*each)(void *ctx, const struct sa *sa), void *ctx);
