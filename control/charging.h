/* charging.h - offline charging: what sessions cost is told to a charging data function
 * (TS 32.260 §5.2.2, TS 32.299 §6.1.2, by Rf)
 *
 * Who is told is the function that the HSS named for the user, if it is one of the
 * configuration's and connected; else the first that is connected.
 *
 * Each served user of a session, and with charging.pcscf each terminal, has an accounting
 * session: START with the 200 OK, INTERIM with each change and every charging.interim-interval,
 * STOP with the BYE or when the network ends it. A REGISTER is an EVENT. A record is on disk
 * with the next commit and stays there until an answer has taken it, in whatever control that
 * is: none is lost, and one that may have been sent before has the T flag by which its receiver
 * knows it again (RFC 6733 §9.4). Sessions that are open are on disk, too: their STOP comes
 * from the next control. Loop thread only.
 */
#pragma once

#include "abi/message.h"
#include "base/slice.h"

struct control;
struct charging;

/* Where the configuration has a charging data function; Diameter runs (cx.h). NULL with a
 * sentence in error (256 octets). */
struct charging *charging_open(struct control *c, char *error);
void charging_close(struct charging *ch);

/* PUNT_SESSION_BEGUN, of a re-INVITE too; PUNT_SESSION_REFRESHED; PUNT_SESSION_ENDED; ch may be
 * NULL. */
void charging_begun(struct charging *ch, const struct abi_punt *p);
void charging_refreshed(struct charging *ch, const struct abi_punt *p);
void charging_ended(struct charging *ch, const struct abi_punt *p);
/* The network has ended it. */
void charging_released(struct charging *ch, struct slice call_id);

/* A REGISTER was answered, and not with a challenge: an EVENT record of the S-CSCF, and with
 * charging.pcscf one of the P-CSCF where that is here (TS 32.260 §5.2.1), if
 * charging.registrations wants them. identity: that of To. */
struct charging_register {
	struct slice call_id, identity;
	bool pcscf, ended; /* the last contact, or one of them, was taken back */
	uint16_t status;
};
void charging_registered(struct charging *ch, const struct charging_register *r);

struct charging_stats {
	uint32_t open;      /* accounting sessions */
	uint32_t spooled;   /* records on disk, */
	uint32_t sent;      /* of those under way */
	uint64_t written;   /* in all, */
	uint64_t taken;     /* by the CDF, */
	uint64_t rejected;  /* by it, for good, */
	uint64_t repeated;  /* sent again, */
	uint64_t lost;      /* and not written: the spool is full, or no memory */
	uint64_t forgotten; /* sessions whose end nobody has heard in a day */
	bool up;
};
void charging_stats(const struct charging *ch, struct charging_stats *out);

struct charging_row {
	struct slice call_id, icid, caller, called;
	uint32_t accounts; /* accounting sessions, */
	uint32_t records;  /* and the records written of each so far */
	uint64_t age_ms;
};
/* Those that go on, the one whose interim record is due next first, until it gives false. */
void charging_each(const struct charging *ch,
		   bool (*each)(void *ctx, const struct charging_row *row), void *ctx);
