/* pnr.c - Push-Notification: Application Servers hear of what changed (TS 29.328 §6.1.4) */
#define _GNU_SOURCE
#include "hss/pnr.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include "base/clock.h"
#include "base/log.h"
#include "hss/sh_decide.h"
#include "sh/codec.h"

enum { ANSWER_WAIT_S = 10 };

/* One notification. */
struct telling {
	int64_t id; /* of the subscription; 0: free */
	enum { SENT, ANSWERED, WAITING } state;
	int result;
	uint32_t tries;
	uint64_t due_ms;
	struct store_watch watch; /* with the digest of what is being told */
};

/* What may have changed: a set, or an identity. */
struct noted {
	int64_t set;
	char identity[IMPU_MAX + 1];
};

struct pnr {
	struct store *store;
	const char *origin;
	struct metrics_counters *counters;
	struct pnr_sender sender;
	struct sh *h;
	int fd;
	bool watched; /* there are subscriptions, as far as is known; under the lock: */
	pthread_mutex_t lock;
	uint32_t n_noted;
	struct noted noted[PNR_NOTED_MAX];
	bool sweep_now;
	struct telling telling[PNR_UNDER_WAY_MAX];
	/* Of the ticking thread alone: */
	int64_t swept; /* up to this id */
	bool sweeping, found;
	uint64_t sweep_ms; /* the next begins */
};

/* --- freeDiameter --- */

struct asked {
	struct pnr *x;
	int64_t id;
};

static void end(struct asked *a, struct msg **m, int result)
{
	metrics_count(a->x->counters, SH_PNR, result);
	pnr_answered(a->x, a->id, result);
	fd_msg_free(*m);
	*m = NULL;
	free(a);
}

/* On freeDiameter's thread. */
static void on_answer(void *ctx, struct msg **m)
{
	struct sh_pna answer;

	sh_decode_answer(SH_PNR, *m, &answer);
	end(ctx, m, answer.result);
}

static void on_expiry(void *ctx, DiamId_t to, size_t to_len, struct msg **m)
{
	end(ctx, m, CX_NO_ANSWER);
}

static bool send_diameter(void *ctx, int64_t id, const char *host, const struct sh_pnr *r)
{
	struct asked *a = malloc(sizeof(*a));
	struct msg *m = NULL;
	struct timespec until;

	if (!a || sh_request(SH_PNR, &m, r, slice_str(host)) != 0) {
		free(a);
		return false;
	}
	*a = (struct asked){ctx, id};
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ANSWER_WAIT_S;
	if (fd_msg_send_timeout(&m, on_answer, a, on_expiry, &until) == 0)
		return true;
	if (m)
		fd_msg_free(m);
	free(a);
	return false;
}

struct pnr *pnr_open(struct store *store, const char *origin, struct metrics_counters *counters,
		     const struct pnr_sender *sender)
{
	struct pnr *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->store = store;
	x->origin = origin;
	x->counters = counters;
	x->sender = sender ? *sender : (struct pnr_sender){send_diameter, x};
	/* Until the first sweep knows better. */
	x->watched = x->sweep_now = true;
	x->h = sh_new(store);
	x->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (x->h && x->fd >= 0 && pthread_mutex_init(&x->lock, NULL) == 0)
		return x;
	sh_free(x->h);
	if (x->fd >= 0)
		close(x->fd);
	free(x);
	return NULL;
}

void pnr_close(struct pnr *x)
{
	if (!x)
		return;
	pthread_mutex_destroy(&x->lock);
	close(x->fd);
	sh_free(x->h);
	free(x);
}

/* --- what may have changed --- */

static void wake(struct pnr *x)
{
	uint64_t one = 1;
	ssize_t n = write(x->fd, &one, sizeof(one));

	/* Full means that it is readable already. */
	(void)n;
}

/* Without subscriptions nothing is noted: registrations are many, and here all of them pass. */
static void note(struct pnr *x, int64_t set, const char *identity)
{
	bool noted = false;
	uint32_t i = 0;

	pthread_mutex_lock(&x->lock);
	while (i < x->n_noted &&
	       (x->noted[i].set != set || strcmp(x->noted[i].identity, identity) != 0))
		i++;
	if (i == PNR_NOTED_MAX) {
		x->sweep_now = true;
	} else if (i == x->n_noted && x->watched) {
		x->noted[i].set = set;
		snprintf(x->noted[i].identity, sizeof(x->noted[i].identity), "%s", identity);
		x->n_noted++;
		noted = true;
	}
	pthread_mutex_unlock(&x->lock);
	if (noted)
		wake(x);
}

void pnr_set_changed(struct pnr *x, int64_t set)
{
	if (x)
		note(x, set, "");
}

void pnr_identity_changed(struct pnr *x, const char *identity)
{
	if (!x)
		return;
	/* It may be the first that somebody subscribed to. */
	pthread_mutex_lock(&x->lock);
	x->watched = true;
	pthread_mutex_unlock(&x->lock);
	note(x, 0, identity);
}

void pnr_all_changed(struct pnr *x)
{
	if (!x)
		return;
	pthread_mutex_lock(&x->lock);
	x->sweep_now = true;
	pthread_mutex_unlock(&x->lock);
	wake(x);
}

void pnr_answered(struct pnr *x, int64_t id, int result)
{
	pthread_mutex_lock(&x->lock);
	for (uint32_t i = 0; i < PNR_UNDER_WAY_MAX; i++) {
		struct telling *t = &x->telling[i];

		if (t->id != id || t->state != SENT)
			continue;
		t->state = ANSWERED;
		t->result = result;
	}
	pthread_mutex_unlock(&x->lock);
	wake(x);
}

/* --- telling --- */

/* A place for a notification, NULL: it is under way, or there are too many. */
static struct telling *take_place(struct pnr *x, const struct store_watch *w)
{
	struct telling *place = NULL;
	uint32_t of_host = 0;
	bool there = false;

	pthread_mutex_lock(&x->lock);
	for (uint32_t i = 0; i < PNR_UNDER_WAY_MAX; i++) {
		struct telling *t = &x->telling[i];

		if (!t->id)
			place = t;
		else if (t->id == w->id)
			there = true;
		else if (strcmp(t->watch.host, w->host) == 0)
			of_host++;
	}
	if (there || of_host >= PNR_OF_HOST_MAX)
		place = NULL;
	if (place)
		*place = (struct telling){.id = w->id, .state = SENT, .watch = *w};
	pthread_mutex_unlock(&x->lock);
	return place;
}

static void tell(struct pnr *x, struct telling *t, struct slice user_data)
{
	struct sh_subject *s = &x->h->subject;
	struct sh_pnr r = {
		.user.impu = slice_str(t->watch.identity),
		.user.wildcard = slice_str(s->wildcard),
		.user_data = user_data,
		.origin_host = slice_str(x->origin),
	};
	int64_t id = t->id;
	bool sent = x->sender.send(x->sender.ctx, id, t->watch.host, &r);

	log_event(sent ? LOG_INFO : LOG_WARN, "pnr", sent ? "sent" : "not_sent",
		  LOG_Z("host", t->watch.host),
		  LOG_Z("data", sh_reference_name(t->watch.reference)));
	if (!sent)
		pnr_answered(x, id, CX_NO_ANSWER);
}

/* What the server would be told now. False: nothing can be told, and *gone says whether that
 * stays so. */
static bool read_now(struct pnr *x, struct store_watch *w, struct slice *user_data, bool *gone)
{
	struct sh *h = x->h;
	struct sh_item item = {.reference = w->reference, .detail = slice_str(w->detail)};
	struct sh_user user = {.impu = slice_str(w->identity)};
	uint32_t reference = w->reference;
	int result = sh_begin(h, STORE_READ);

	if (!result)
		result = sh_permitted(h, slice_str(w->host), &reference, 1, STORE_NOTIFY,
				      SH_USER_DATA_CANNOT_BE_NOTIFIED);
	if (!result)
		result = sh_find_subject(h, &user);
	if (!result)
		result = sh_tell(h, &item, user_data, &w->digest);
	store_rollback(h->store);
	*gone = result == SH_USER_DATA_CANNOT_BE_NOTIFIED || result == CX_ERROR_USER_UNKNOWN ||
		result == SH_DSAI_NOT_AVAILABLE;
	return result == 0 && user_data->len;
}

/* Tells, where there is something new. t: it was tried before. */
static void look(struct pnr *x, struct store_watch *w, struct telling *t, int64_t now_s)
{
	struct slice user_data = SLICE_EMPTY;
	int64_t told = w->digest;
	bool ended = w->expiry && w->expiry <= now_s, gone = false;
	bool told_all = ended || !read_now(x, w, &user_data, &gone) || w->digest == told;

	if (ended || gone)
		store_watch_del_id(x->store, w->id);
	if (!told_all && !t)
		t = take_place(x, w);
	if (told_all && t) {
		pthread_mutex_lock(&x->lock);
		t->id = 0;
		pthread_mutex_unlock(&x->lock);
	} else if (t) {
		pthread_mutex_lock(&x->lock);
		t->state = SENT;
		t->watch = *w;
		pthread_mutex_unlock(&x->lock);
		tell(x, t, user_data);
	}
}

static bool may_pass(int result)
{
	return result == CX_NO_ANSWER || result == CX_UNABLE_TO_DELIVER ||
	       result == CX_TOO_BUSY || result == CX_BAD_ANSWER;
}

/* The server knows it, or never wants to. */
static enum store_result write_told(struct pnr *x, const struct telling *t)
{
	const struct store_watch *w = &t->watch;

	if (t->result == SH_NO_SUBSCRIPTION_TO_DATA || (w->once && t->result == CX_SUCCESS))
		return store_watch_del_id(x->store, w->id);
	return store_watch_told(x->store, w->id, w->digest);
}

/* An answer that came. False: the store did not take it; later. */
static bool settle(struct pnr *x, struct telling *t)
{
	bool passes = may_pass(t->result);

	if (!passes && write_told(x, t) != STORE_OK)
		return false;
	t->tries++;
	log_event(t->result == CX_SUCCESS ? LOG_INFO : LOG_WARN, "pnr", "answer",
		  LOG_Z("host", t->watch.host), LOG_Z("result", sh_result_name(t->result)),
		  LOG_U("tries", t->tries));
	/* It may have changed meanwhile. */
	if (!passes)
		note(x, 0, t->watch.identity);
	pthread_mutex_lock(&x->lock);
	if (passes && t->tries < PNR_TRIES) {
		t->state = WAITING;
		t->due_ms = clock_ms() + ((uint64_t)PNR_FIRST_MS << (t->tries - 1));
	} else {
		t->id = 0;
	}
	pthread_mutex_unlock(&x->lock);
	return true;
}

static bool is_now(struct pnr *x, const struct telling *t, int state)
{
	bool is;

	pthread_mutex_lock(&x->lock);
	is = t->id && (int)t->state == state;
	pthread_mutex_unlock(&x->lock);
	return is;
}

/* In one transaction: each commit waits for the disk. */
static void settle_all(struct pnr *x)
{
	bool begun = false;

	for (uint32_t i = 0; i < PNR_UNDER_WAY_MAX; i++) {
		struct telling *t = &x->telling[i];

		if (!is_now(x, t, ANSWERED))
			continue;
		if (!begun && store_begin(x->store, STORE_PROVISION) != STORE_OK)
			return;
		begun = true;
		if (!settle(x, t))
			break;
	}
	/* What is not committed is told once more, by the sweep. */
	if (begun && store_commit(x->store) != STORE_OK)
		log_event(LOG_WARN, "pnr", "not_stored");
}

static void send_again(struct pnr *x, int64_t now_s)
{
	uint64_t now = clock_ms();

	for (uint32_t i = 0; i < PNR_UNDER_WAY_MAX; i++) {
		struct telling *t = &x->telling[i];
		struct store_watch w;
		uint32_t n = 0;

		if (!is_now(x, t, WAITING) || t->due_ms > now)
			continue;
		/* As it is now. */
		if (store_watches(x->store, NULL, t->id - 1, &w, 1, &n) != STORE_OK)
			return;
		if (n && w.id == t->id) {
			look(x, &w, t, now_s);
			continue;
		}
		pthread_mutex_lock(&x->lock);
		t->id = 0;
		pthread_mutex_unlock(&x->lock);
	}
}

static void look_at_identity(struct pnr *x, const char *identity, int64_t now_s)
{
	struct store_watch w[PNR_LOOKS_PER_TICK];
	int64_t after = 0;
	uint32_t n;

	do {
		if (store_watches(x->store, identity, after, w, PNR_LOOKS_PER_TICK, &n) !=
		    STORE_OK)
			return;
		for (uint32_t i = 0; i < n; i++)
			look(x, &w[i], NULL, now_s);
		after = n ? w[n - 1].id : 0;
	} while (n == PNR_LOOKS_PER_TICK);
}

static void look_at_set(struct pnr *x, int64_t set, int64_t now_s)
{
	struct store_impu impu[SET_IMPUS_MAX];
	uint32_t n = 0;

	if (store_implicit_set(x->store, set, impu, SET_IMPUS_MAX, &n) != STORE_OK)
		return;
	for (uint32_t i = 0; i < n; i++)
		look_at_identity(x, impu[i].impu, now_s);
}

static bool take_noted(struct pnr *x, struct noted *out)
{
	bool some;

	pthread_mutex_lock(&x->lock);
	some = x->n_noted > 0;
	if (some) {
		*out = x->noted[0];
		x->n_noted--;
		memmove(&x->noted[0], &x->noted[1], x->n_noted * sizeof(x->noted[0]));
	}
	pthread_mutex_unlock(&x->lock);
	return some;
}

/* True: there are more. */
static bool look_at_noted(struct pnr *x, int64_t now_s)
{
	struct noted noted;

	for (int i = 0; i < PNR_LOOKS_PER_TICK; i++) {
		if (!take_noted(x, &noted))
			return false;
		if (*noted.identity)
			look_at_identity(x, noted.identity, now_s);
		else
			look_at_set(x, noted.set, now_s);
	}
	return true;
}

static void sweep_begin(struct pnr *x)
{
	pthread_mutex_lock(&x->lock);
	if (x->sweep_now || (!x->sweeping && clock_ms() >= x->sweep_ms)) {
		x->sweeping = true;
		x->sweep_now = x->found = false;
		x->swept = 0;
	}
	pthread_mutex_unlock(&x->lock);
}

static void sweep_end(struct pnr *x)
{
	x->sweeping = false;
	x->sweep_ms = clock_ms() + PNR_SWEEP_MS;
	pthread_mutex_lock(&x->lock);
	x->watched = x->found;
	pthread_mutex_unlock(&x->lock);
}

static void sweep(struct pnr *x, int64_t now_s)
{
	struct store_watch w[PNR_LOOKS_PER_TICK];
	uint32_t n;

	sweep_begin(x);
	if (!x->sweeping ||
	    store_watches(x->store, NULL, x->swept, w, PNR_LOOKS_PER_TICK, &n) != STORE_OK)
		return;
	for (uint32_t i = 0; i < n; i++)
		look(x, &w[i], NULL, now_s);
	x->found |= n > 0;
	if (n)
		x->swept = w[n - 1].id;
	if (n < PNR_LOOKS_PER_TICK)
		sweep_end(x);
}

static bool has_under_way(struct pnr *x)
{
	bool some;

	pthread_mutex_lock(&x->lock);
	some = x->sweep_now;
	for (uint32_t i = 0; i < PNR_UNDER_WAY_MAX && !some; i++)
		some = x->telling[i].id && x->telling[i].state != SENT;
	pthread_mutex_unlock(&x->lock);
	return some;
}

int pnr_fd(const struct pnr *x)
{
	return x->fd;
}

bool pnr_tick(struct pnr *x, int64_t now_s)
{
	uint64_t count;
	ssize_t n = read(x->fd, &count, sizeof(count));
	bool more;

	/* Nothing there is no reason not to look. */
	(void)n;
	settle_all(x);
	send_again(x, now_s);
	more = look_at_noted(x, now_s);
	sweep(x, now_s);
	return more || x->sweeping || has_under_way(x);
}
