/* run.c - one run at one rate: begin what is due, take what comes, give up what is late */
#include <rte_cycles.h>

#include "blast/blast.h"

enum {
	BEGIN_MAX = 32, /* attempts begun in a turn */
	PATIENCE_S = 4, /* then an attempt has failed */
	LATE_MS = 10,
	PAUSE_MS = 1,     /* no turn takes so long: somebody else had the core */
	SETTLE_MS = 4200, /* waited for stragglers at most, after the last began */
};

volatile int run_stop;

const char *const fail_name[FAIL_MAX] = {"timeout", "status", "unexpected"};

uint32_t blast_draw(struct blast *b, uint32_t below)
{
	/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators".
	 */
	b->random ^= b->random >> 12;
	b->random ^= b->random << 25;
	b->random ^= b->random >> 27;
	return (uint32_t)(((b->random * 0x2545f4914f6cdd1du) >> 32) * below >> 32);
}

void blast_send(struct blast *b, uint32_t person, struct text *t)
{
	struct addr from = person_addr(person);

	if (t->overflow)
		return;
	b->tally.sent++;
	link_send(&b->link, &from, text_slice(t));
}

void blast_mark(struct blast *b, struct attempt *a, uint64_t since)
{
	histogram_add(&b->tally.latency, rte_rdtsc() - since);
}

void blast_done(struct blast *b, struct attempt *a)
{
	b->tally.done++;
	a->due = 0;
}

void blast_failed(struct blast *b, struct attempt *a, enum fail why, uint16_t status)
{
	b->tally.failed++;
	b->tally.fail[why]++;
	if (status < STATUS_MAX)
		b->tally.status[status]++;
	a->due = 0;
}

/* Where terminals register, one that has: or nearly, nine of ten have. */
static uint32_t draw_person(struct blast *b)
{
	uint32_t person = blast_draw(b, b->n_people);

	for (int tries = 0; b->o.register_first && !b->person[person].registered && tries < 16;
	     tries++)
		person = blast_draw(b, b->n_people);
	return person;
}

static void begin(struct blast *b, const struct scenario *s, uint64_t due)
{
	uint64_t id = b->next++;
	struct attempt *a = blast_attempt(b, id);

	if (a->due) /* so many are under way: it has waited longest */
		blast_failed(b, a, FAIL_TIMEOUT, 0);
	a->due = due;
	a->person = draw_person(b);
	do
		a->other = draw_person(b);
	while (a->other == a->person);
	b->tally.begun++;
	s->begin(b, id, a);
}

static struct attempt *find(struct blast *b, const struct heard *h)
{
	uint64_t id = h->kind == 'r' ? b->person[h->person].attempt : h->key;
	struct attempt *a = blast_attempt(b, id);

	if (h->kind == 'r' ? a->person != h->person
			   : (uint32_t)(b->next - 1) - h->key >= ATTEMPTS)
		return NULL;
	return a->due ? a : NULL;
}

/* True if anything came. */
static bool take(struct blast *b, const struct scenario *s)
{
	struct link_datagram d[LINK_BURST];
	struct rte_mbuf *frame[LINK_BURST];
	uint16_t frames, n = link_receive(&b->link, d, frame, &frames);
	struct heard h;

	for (uint16_t i = 0; i < n; i++) {
		b->tally.received++;
		if (hear(b, &d[i], &h))
			s->take(b, find(b, &h), &h);
	}
	link_release(frame, frames);
	return frames > 0;
}

static void give_up(struct blast *b, uint64_t now)
{
	uint64_t patience = (uint64_t)(PATIENCE_S * b->tsc_hz);

	while (b->oldest < b->next) {
		struct attempt *a = blast_attempt(b, b->oldest);

		if (a->due && b->next - b->oldest <= ATTEMPTS) {
			if (a->due + patience > now)
				return;
			blast_failed(b, a, FAIL_TIMEOUT, 0);
		}
		b->oldest++;
	}
}

/* Attempts that are due by now begin, in bursts between which answers are taken. */
static bool begin_due(struct blast *b, const struct scenario *s, uint64_t now, double *due,
		      double step, double end)
{
	uint64_t late = (uint64_t)(b->tsc_hz * LATE_MS / 1000);
	int n = 0;

	for (; n < BEGIN_MAX && *due <= (double)now && *due < end; n++, *due += step) {
		b->tally.late += now - (uint64_t)*due > late;
		begin(b, s, (uint64_t)*due);
	}
	return n > 0;
}

void run_at(struct blast *b, const struct scenario *s, double rate, double seconds)
{
	uint64_t start = rte_rdtsc(), busy = 0, now = start, before, settle;
	uint64_t pause = (uint64_t)(b->tsc_hz * PAUSE_MS / 1000), held_up = 0;
	double due = (double)start, step = b->tsc_hz / rate;
	double end = due + seconds * b->tsc_hz;
	bool counted = true;

	memset(&b->tally, 0, sizeof(b->tally));
	settle = (uint64_t)end + (uint64_t)(SETTLE_MS * b->tsc_hz / 1000);
	for (;;) {
		before = now;
		now = rte_rdtsc();
		if (now - before > pause)
			held_up += now - before;
		if (counted && (double)now >= end) {
			counted = false;
			b->tally.held_up = (double)held_up / b->tsc_hz;
			b->tally.busy = (double)busy / (double)(now - start);
			b->tally.seconds = (double)(now - start) / b->tsc_hz;
		}
		if (!counted &&
		    (b->tally.done + b->tally.failed >= b->tally.begun || now > settle))
			break;
		if (run_stop)
			break;
		bool did = begin_due(b, s, now, &due, step, end);
		did |= take(b, s);
		link_flush(&b->link);
		give_up(b, now);
		if (did)
			busy += rte_rdtsc() - now;
	}
	if (counted)
		b->tally.seconds = (double)(rte_rdtsc() - start) / b->tsc_hz;
}
