/* log.c - one line an event, logfmt, to stderr, limited per event */
#include "base/log.h"
#include "base/clock.h"
#include "base/text.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum {
	LINE_MAX_OCTETS = 2048, /* below PIPE_BUF: lines of two threads do not mix */
	VALUE_MAX = 512,        /* octets of one value before it is cut */
	NAME_MAX_OCTETS = 32,
	EVENTS = 128,
	OCTETS_PER_SECOND = 1 << 20, /* of all events together: a disk survives that */
};

/* How often one event was logged in the current second. */
struct event {
	char mod[NAME_MAX_OCTETS], name[NAME_MAX_OCTETS];
	uint32_t lines;
	uint64_t left_out;
};

struct limiter {
	pthread_mutex_t lock;
	uint64_t second; /* of the monotonic clock */
	uint32_t octets;
	uint32_t n_events;
	struct event event[EVENTS]; /* the last is shared by all that find no room */
};

static struct limiter limiter = {.lock = PTHREAD_MUTEX_INITIALIZER};
static _Atomic int level_shown = LOG_INFO;

static const char *const level_name[] = {
	[LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

enum { LEVELS = sizeof(level_name) / sizeof(level_name[0]) };

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&level_shown, (int)level, memory_order_relaxed);
}

bool log_level_parse(const char *name, enum log_level *out)
{
	for (int i = 0; i < LEVELS; i++) {
		if (strcmp(name, level_name[i]) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static bool is_bare(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || (c && strchr("._:@/+-", c));
}

static void put_quoted(struct text *t, struct slice s, bool cut)
{
	text_char(t, '"');
	for (uint32_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];

		if (c == '"' || c == '\\') {
			text_char(t, '\\');
			text_char(t, c);
		} else if (c == '\n') {
			text_lit(t, "\\n");
		} else if (c < 0x20 || c >= 0x7f) {
			text_lit(t, "\\x");
			text_hex(t, c, 2);
		} else {
			text_char(t, c);
		}
	}
	if (cut)
		text_lit(t, "...");
	text_char(t, '"');
}

static void put_value(struct text *t, struct slice s)
{
	bool cut = s.len > VALUE_MAX;
	bool bare = s.len && !cut;

	for (uint32_t i = 0; bare && i < s.len; i++)
		bare = is_bare(s.p[i]);
	if (bare)
		text_put(t, s);
	else
		put_quoted(t, slice_sub(s, 0, VALUE_MAX), cut);
}

static void put_field(struct text *t, const struct log_field *f)
{
	text_char(t, ' ');
	text_str(t, f->key);
	text_char(t, '=');
	switch (f->kind) {
	case LOG_F_SLICE:
		put_value(t, f->s);
		break;
	case LOG_F_U64:
		text_u64(t, f->u);
		break;
	case LOG_F_I64:
		text_printf(t, "%lld", (long long)(int64_t)f->u);
		break;
	}
}

static void put_head(struct text *t, const struct timespec *now, enum log_level level,
		     const char *mod, const char *event)
{
	struct tm tm;

	gmtime_r(&now->tv_sec, &tm);
	text_printf(t,
		    "ts=%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ level=%s mod=", tm.tm_year + 1900,
		    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		    now->tv_nsec / 1000, level_name[level]);
	put_value(t, slice_str(mod));
	text_lit(t, " event=");
	put_value(t, slice_str(event));
}

static void put_line(struct text *t)
{
	text_char(t, '\n');
	/* A log that cannot be written is no reason to stop a daemon. */
	if (write(STDERR_FILENO, t->p, t->len) < 0)
		return;
}

/* A field that does not fit is left out whole, and the line says so. */
static void put_fields(struct text *t, const struct log_field *fields, size_t n)
{
	static const char mark[] = " cut=1";
	struct text body = text_in(t->p, t->cap - sizeof(mark));
	bool cut = false;

	body.len = t->len;
	for (size_t i = 1; i < n; i++) {
		uint32_t before = body.len;

		put_field(&body, &fields[i]);
		if (body.overflow) {
			body.len = before;
			body.overflow = false;
			cut = true;
		}
	}
	t->len = body.len;
	if (cut)
		text_str(t, mark);
}

static void name_copy(char to[NAME_MAX_OCTETS], const char *from)
{
	snprintf(to, NAME_MAX_OCTETS, "%s", from);
}

static struct event *event_find(struct limiter *l, const char *mod, const char *name)
{
	for (uint32_t i = 0; i < l->n_events; i++)
		if (strncmp(l->event[i].mod, mod, NAME_MAX_OCTETS - 1) == 0 &&
		    strncmp(l->event[i].name, name, NAME_MAX_OCTETS - 1) == 0)
			return &l->event[i];
	if (l->n_events == EVENTS)
		return &l->event[EVENTS - 1];
	struct event *e = &l->event[l->n_events++];
	*e = (struct event){0};
	name_copy(e->mod, l->n_events == EVENTS ? "log" : mod);
	name_copy(e->name, l->n_events == EVENTS ? "others" : name);
	return e;
}

/* A new second: says what the last one left out, and forgets every event. */
static void second_begin(struct limiter *l, uint64_t second, const struct timespec *now)
{
	uint8_t memory[LINE_MAX_OCTETS];

	for (uint32_t i = 0; i < l->n_events; i++) {
		struct event *e = &l->event[i];
		struct text t = text_in(memory, sizeof(memory));

		if (!e->left_out)
			continue;
		put_head(&t, now, LOG_WARN, e->mod, e->name);
		text_printf(&t, " left_out=%llu", (unsigned long long)e->left_out);
		put_line(&t);
	}
	l->second = second;
	l->octets = 0;
	l->n_events = 0;
}

static bool may_write(struct limiter *l, const struct timespec *now, const char *mod,
		      const char *name, uint32_t octets)
{
	bool may;

	pthread_mutex_lock(&l->lock);
	/* Read under the lock, or two threads would begin the same second in turns. */
	uint64_t second = clock_ns() / 1000000000u;
	if (second != l->second)
		second_begin(l, second, now);
	struct event *e = event_find(l, mod, name);
	may = e->lines < LOG_LINES_PER_SECOND && octets <= OCTETS_PER_SECOND - l->octets;
	if (may) {
		e->lines++;
		l->octets += octets;
	} else {
		e->left_out++;
	}
	pthread_mutex_unlock(&l->lock);
	return may;
}

void log_write(enum log_level level, const char *mod, const char *event,
	       const struct log_field *fields, size_t n)
{
	uint8_t memory[LINE_MAX_OCTETS];
	struct text t = text_in(memory, sizeof(memory));
	struct timespec now;

	if ((int)level < atomic_load_explicit(&level_shown, memory_order_relaxed))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	put_head(&t, &now, level, mod, event);
	put_fields(&t, fields, n);
	if (may_write(&limiter, &now, mod, event, t.len + 1))
		put_line(&t);
}
