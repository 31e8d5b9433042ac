/* log.h - one line an event, logfmt, to stderr
 *
 *   ts=2026-01-02T03:04:05.123456Z level=info mod=registrar event=registered impu=sip:a@b ...
 *
 * Never from a worker. Values are quoted and escaped by the writer, so that nothing from the
 * wire can break a line; a value is cut after 512 octets and a line after 2048. A module that
 * logs more than LOG_LINES_PER_SECOND of the same event, or all together more than 1 MiB a
 * second, are cut off; the first line after that second is preceded by one that says how many
 * were left out. Any other thread.
 */
#pragma once

#include "base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum { LOG_LINES_PER_SECOND = 100 };

struct log_field {
	const char *key;
	enum { LOG_F_SLICE, LOG_F_U64, LOG_F_I64 } kind;
	struct slice s;
	uint64_t u;
};

#define LOG_S(k, v) ((struct log_field){.key = (k), .kind = LOG_F_SLICE, .s = (v)})
#define LOG_Z(k, v) ((struct log_field){.key = (k), .kind = LOG_F_SLICE, .s = slice_str(v)})
#define LOG_U(k, v) ((struct log_field){.key = (k), .kind = LOG_F_U64, .u = (v)})
#define LOG_I(k, v)                                                                            \
	((struct log_field){.key = (k), .kind = LOG_F_I64, .u = (uint64_t)(int64_t)(v)})

/* log_event(LOG_INFO, "registrar", "registered", LOG_S("impu", s), LOG_U("contacts", n)) */
#define log_event(level, mod, event, ...)                                                      \
	log_write((level), (mod), (event), (const struct log_field[]){{0}, ##__VA_ARGS__},     \
		  sizeof((const struct log_field[]){{0}, ##__VA_ARGS__}) /                     \
			  sizeof(struct log_field))

/* fields[0] is a place holder; mod, event and keys are our own words, never text from outside.
 */
void log_write(enum log_level level, const char *mod, const char *event,
	       const struct log_field *fields, size_t n);
/* Lines below it are left out; LOG_INFO at start. Any thread. */
void log_set_level(enum log_level level);
/* "debug", "info", "warn", "error"; false for anything else. */
bool log_level_parse(const char *name, enum log_level *out);
