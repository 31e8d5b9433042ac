/* blast.h - the load generator: terminals, what they have under way, and what came of it
 *
 * Attempts (a call, a message, a registration) begin by the clock, whether or not earlier ones
 * have ended, and latency counts from the time an attempt was due, not from when it was sent: a
 * system that stalls is charged for all that waited (coordinated omission). One thread.
 */
#pragma once

#include "blast/histogram.h"
#include "blast/ipsec.h"
#include "blast/link.h"
#include "blast/options.h"
#include "blast/person.h"

enum fail { FAIL_TIMEOUT, FAIL_STATUS, FAIL_UNEXPECTED, FAIL_MAX };
extern const char *const fail_name[FAIL_MAX];

enum { ATTEMPTS = 1 << 18, ROUTE_MAX = 252, STATUS_MAX = 700 };

/* What one attempt remembers. */
struct attempt {
	uint64_t due;  /* TSC it was to begin at; 0: free */
	uint64_t mark; /* TSC the part under way began at */
	uint32_t person, other;
	uint8_t state; /* the scenario's */
	uint8_t lane;  /* 0: of the run; else of beside[lane - 1] */
	uint8_t route_len;
	uint8_t route[ROUTE_MAX]; /* of the dialog */
};

/* Of one run at one rate. */
struct tally {
	double seconds;
	uint64_t begun, done, failed, sent, received;
	uint64_t fail[FAIL_MAX], status[STATUS_MAX];
	uint64_t served; /* messages that the Application Server passed on */
	uint64_t clear;  /* messages in clear to terminals that are protected: not taken */
	uint64_t late;   /* attempts begun more than 10 ms after they were due */
	double busy;     /* share of the cycles in turns that did something */
	double held_up;  /* seconds this program was kept from running, 1 ms and more */
	struct histogram latency; /* of the parts that wait for an answer, in TSC cycles */
};

struct scenario;

/* What goes on at a rate of its own while the scenario is played; of its tally the attempts and
 * their latency count. */
struct beside {
	const struct scenario *scenario;
	double rate, due;
	struct tally tally;
};

struct blast {
	struct options o;
	struct link link;
	struct ipsec *ipsec;     /* NULL: all go in clear */
	uint16_t protected_port; /* the node's, 0: not yet known */
	double tsc_hz;
	uint32_t n_people;
	struct person *person;
	uint16_t service_route_len;
	uint8_t service_route[ROUTE_MAX];
	uint64_t next;   /* number of the next attempt */
	bool missing;    /* registrations are of those who have none */
	uint32_t at;     /* where the search for the next of these goes on */
	uint64_t oldest; /* that may still be under way */
	uint32_t run;    /* drawn at start: Call-IDs of two runs differ */
	uint64_t random;
	struct attempt *attempt;
	struct tally tally;
	uint32_t n_beside;
	struct beside beside[BESIDE_MAX];
};

/* What a received message says, as far as a terminal looks. */
struct heard {
	uint32_t person; /* whom it came to */
	uint16_t status; /* 0: a request */
	uint8_t method;  /* 'I', 'A', 'B', 'M', 'R', ...: of the CSeq */
	char kind;       /* of the Call-ID */
	uint32_t key;
	struct slice service_route, challenge, security_server;
	struct slice to;     /* the line's value */
	struct slice source; /* a Contact is not needed; Via to CSeq lines are */
	uint32_t n_lines;
	struct slice line[24]; /* whole lines that a response repeats, in their order */
};

/* One kind of attempt. */
struct scenario {
	const char *name;
	/* Begins attempt number `id`. */
	void (*begin)(struct blast *b, uint64_t id, struct attempt *a);
	/* Takes a message that belongs to an attempt, or to none any more (a NULL). */
	void (*take)(struct blast *b, struct attempt *a, const struct heard *h);
};
extern const struct scenario scenario_call, scenario_message, scenario_register,
	scenario_refresh;

static inline struct attempt *blast_attempt(struct blast *b, uint64_t id)
{
	return &b->attempt[id & (ATTEMPTS - 1)];
}
uint32_t blast_draw(struct blast *b, uint32_t below);
void blast_send(struct blast *b, uint32_t person, struct text *t);
/* A part of the attempt was answered: its latency counts. */
void blast_mark(struct blast *b, struct attempt *a, uint64_t since);
void blast_done(struct blast *b, struct attempt *a);
void blast_failed(struct blast *b, struct attempt *a, enum fail why, uint16_t status);

/* hear.c: false: nothing a terminal can use. */
bool hear(const struct blast *b, const struct link_datagram *d, struct heard *h);

/* run.c: one run at one rate; its outcome is in b->tally. */
void run_at(struct blast *b, const struct scenario *s, double rate, double seconds);
extern volatile int run_stop;
