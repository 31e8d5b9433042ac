/* run.c - one run at one rate: begin what is due, take what comes, give up what is late */
#include <rte_cycles.h>

#include "blast/server.h"

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

static void send_protected(struct blast *b, uint32_t person, struct slice message)
{
	uint8_t room[ESP_HEAD_MAX + LINK_MESSAGE_MAX + ESP_TAIL_MAX];
	struct addr from = person_addr(person);
	struct buf buf = {.data = room + ESP_HEAD_MAX,
			  .len = message.len,
			  .headroom = ESP_HEAD_MAX,
			  .tailroom = LINK_MESSAGE_MAX + ESP_TAIL_MAX - message.len};

	memcpy(buf.data, message.p, message.len);
	if (ipsec_seal(b->ipsec, &b->person[person], &buf))
		link_send_esp(&b->link, &from, buf_slice(&buf));
}

void blast_send(struct blast *b, uint32_t person, struct text *t)
{
	struct addr from = person_addr(person);

	if (t->overflow)
		return;
	b->tally.sent++;
	if (b->person[person].sa_id)
		send_protected(b, person, text_slice(t));
	else
		link_send(&b->link, &from, text_slice(t));
}

static struct tally *tally_of(struct blast *b, const struct attempt *a)
{
	return a->lane ? &b->beside[a->lane - 1].tally : &b->tally;
}

void blast_mark(struct blast *b, struct attempt *a, uint64_t since)
{
	histogram_add(&tally_of(b, a)->latency, rte_rdtsc() - since);
}

void blast_done(struct blast *b, struct attempt *a)
{
	tally_of(b, a)->done++;
	a->due = 0;
}

void blast_failed(struct blast *b, struct attempt *a, enum fail why, uint16_t status)
{
	struct tally *t = tally_of(b, a);

	t->failed++;
	t->fail[why]++;
	if (status < STATUS_MAX)
		t->status[status]++;
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

static void begin(struct blast *b, const struct scenario *s, uint8_t lane, uint64_t due)
{
	uint64_t id = b->next++;
	struct attempt *a = blast_attempt(b, id);

	if (a->due) /* so many are under way: it has waited longest */
		blast_failed(b, a, FAIL_TIMEOUT, 0);
	a->due = due;
	a->lane = lane;
	a->person = draw_person(b);
	do
		a->other = draw_person(b);
	while (a->other == a->person);
	tally_of(b, a)->begun++;
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

static void give(struct blast *b, const struct scenario *s, const struct heard *h)
{
	struct attempt *a = find(b, h);

	(a && a->lane ? b->beside[a->lane - 1].scenario : s)->take(b, a, h);
}

/* Those that are for their terminals: what came under ESP, and what came in clear to who has no
 * security associations. */
static uint16_t unseal(struct blast *b, struct link_datagram *d, uint16_t n)
{
	struct esp_packet p[LINK_BURST];
	uint16_t place[LINK_BURST], n_esp = 0, kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (!d[i].esp)
			continue;
		place[n_esp] = i;
		p[n_esp++] = (struct esp_packet){.at = (uint8_t *)(uintptr_t)d[i].message.p,
						 .len = d[i].message.len,
						 .src = d[i].from,
						 .dst = d[i].to};
	}
	if (n_esp)
		ipsec_unseal(b->ipsec, p, n_esp);
	for (uint16_t k = 0; k < n_esp; k++) {
		struct link_datagram *to = &d[place[k]];

		to->message = p[k].verdict == VERDICT_NEXT ? slice_of(p[k].at, p[k].len)
							   : SLICE_EMPTY;
		to->to = person_addr(ipsec_person(p[k].sa_id));
	}
	for (uint16_t i = 0; i < n; i++) {
		uint32_t person = person_at(&d[i].to);
		bool clear = !d[i].esp && person < b->n_people && b->person[person].sa_id;

		b->tally.clear += clear;
		if (!clear && d[i].message.len)
			d[kept++] = d[i];
	}
	return kept;
}

/* True if anything came. */
static bool take(struct blast *b, const struct scenario *s)
{
	struct link_datagram d[LINK_BURST];
	struct rte_mbuf *frame[LINK_BURST];
	uint16_t frames, n = link_receive(&b->link, d, frame, &frames);
	struct heard h;

	b->tally.received += n;
	if (b->ipsec)
		n = unseal(b, d, n);
	for (uint16_t i = 0; i < n; i++) {
		if (b->o.server.family && addr_eq(&d[i].to, &b->o.server))
			b->tally.served += server_pass(b, d[i].message);
		else if (hear(b, &d[i], &h))
			give(b, s, &h);
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
		begin(b, s, 0, (uint64_t)*due);
	}
	return n > 0;
}

static bool begin_beside(struct blast *b, uint64_t now, double end)
{
	bool any = false;

	for (uint32_t k = 0; k < b->n_beside; k++) {
		struct beside *o = &b->beside[k];

		for (int n = 0; n < BEGIN_MAX && o->due <= (double)now && o->due < end; n++) {
			begin(b, o->scenario, (uint8_t)(k + 1), (uint64_t)o->due);
			o->due += b->tsc_hz / o->rate;
			any = true;
		}
	}
	return any;
}

void run_at(struct blast *b, const struct scenario *s, double rate, double seconds)
{
	uint64_t start = rte_rdtsc(), busy = 0, now = start, before, settle;
	uint64_t pause = (uint64_t)(b->tsc_hz * PAUSE_MS / 1000), held_up = 0;
	double due = (double)start, step = b->tsc_hz / rate;
	double end = due + seconds * b->tsc_hz;
	bool counted = true;

	memset(&b->tally, 0, sizeof(b->tally));
	for (uint32_t k = 0; k < b->n_beside; k++) {
		memset(&b->beside[k].tally, 0, sizeof(b->beside[k].tally));
		b->beside[k].due = (double)start;
	}
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
		did |= begin_beside(b, now, end);
		did |= take(b, s);
		link_flush(&b->link);
		give_up(b, now);
		if (did)
			busy += rte_rdtsc() - now;
	}
	if (counted)
		b->tally.seconds = (double)(rte_rdtsc() - start) / b->tsc_hz;
	for (uint32_t k = 0; k < b->n_beside; k++)
		b->beside[k].tally.seconds = b->tally.seconds;
}
