/* hook.c - what freeDiameter calls: hooks and its log
 *
 * Runs on the library's threads, which the library cancels when a connection ends. A thread
 * cancelled inside base/log.h would keep its lock, so cancellation is put off while a line is
 * written.
 */
#include "hook.h"
#include "guard.h"
#include "base/log.h"
#include "diameter/diameter.h"

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 512 };

static _Atomic uint64_t guarded;
static _Atomic bool must_run;
/* Written by hook_register only. */
static bool (*may_connect)(struct slice identity);

uint64_t diameter_guarded(void)
{
	return atomic_load_explicit(&guarded, memory_order_relaxed);
}

void hook_must_run(bool must)
{
	atomic_store(&must_run, must);
}

static void write_line(enum log_level level, const char *event, const char *peer,
		       const char *text)
{
	int old;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	log_event(level, "diameter", event, LOG_Z("peer", peer), LOG_Z("text", text));
	pthread_setcancelstate(old, NULL);
}

/* Of the library's fatal messages these two are followed by its end. The others a peer can
 * cause: an AVP too many in a CER is one. */
static bool is_end(int level, const char *format)
{
	static const char *const end[] = {"Initiating freeDiameter shutdown",
					  "An error occurred in server module"};
	bool found = false;

	for (size_t i = 0; i < sizeof(end) / sizeof(end[0]); i++)
		found |= strncmp(format, end[i], strlen(end[i])) == 0;
	return level == FD_LOG_FATAL && found;
}

/* The library calls it under its own lock. Its notices are the dump of its configuration and
 * every change of state. Once it runs, its errors are what a peer's nonsense causes, ten lines
 * of them for a message: the hooks below tell of it in one. */
static void on_log(int level, const char *format, va_list args)
{
	bool running = atomic_load(&must_run);
	char text[LINE];

	if (level < FD_LOG_NOTICE)
		return;
	vsnprintf(text, sizeof(text), format, args);
	if (is_end(level, format)) {
		write_line(running ? LOG_ERROR : LOG_DEBUG, "library_stops", "", text);
		if (running)
			abort();
		return;
	}
	write_line(level < FD_LOG_ERROR || running ? LOG_DEBUG : LOG_WARN, "library", "", text);
}

int hook_log_register(void)
{
	return fd_log_handler_register(on_log);
}

static void on_data(enum fd_hook_type type, struct msg *m, struct peer_hdr *peer, void *other,
		    struct fd_hook_permsgdata *pmd, void *ctx)
{
	struct fd_cnx_rcvdata *data = other;
	uint32_t changes = diameter_guard(data->buffer, (uint32_t)data->length);

	if (guard_stranger(data->buffer, (uint32_t)data->length, may_connect)) {
		data->buffer[0] = 0;
		write_line(LOG_WARN, "stranger", "",
			   "capabilities of a peer that is not in the list");
	}
	if (!changes)
		return;
	atomic_fetch_add_explicit(&guarded, changes, memory_order_relaxed);
	write_line(LOG_WARN, "guarded", peer ? peer->info.pi_diamid : "",
		   "message changed before parsing");
}

static void on_nothing(enum fd_hook_type type, struct msg *m, struct peer_hdr *peer,
		       void *other, struct fd_hook_permsgdata *pmd, void *ctx)
{
}

static const char *event_of(enum fd_hook_type type)
{
	switch (type) {
	case HOOK_MESSAGE_PARSING_ERROR:
		return "parsing_error";
	case HOOK_MESSAGE_ROUTING_ERROR:
		return "routing_error";
	case HOOK_MESSAGE_DROPPED:
		return "dropped";
	case HOOK_PEER_CONNECT_FAILED:
		return "peer_failed";
	default:
		return "peer_connected";
	}
}

/* In place of the defaults, which dump the whole message: one line, of bounded length, an
 * event. */
static void on_event(enum fd_hook_type type, struct msg *m, struct peer_hdr *peer, void *other,
		     struct fd_hook_permsgdata *pmd, void *ctx)
{
	/* Without a message, `other` of a parsing error is the octets and no text. */
	bool octets = type == HOOK_MESSAGE_PARSING_ERROR && !m;
	const char *text = octets ? "not a Diameter message" : other;
	DiamId_t from = peer ? peer->info.pi_diamid : NULL;

	/* One that connects to us: the library has found, as it should, no way to connect to
	 * it. */
	if (type == HOOK_PEER_CONNECT_FAILED && peer && !m &&
	    peer->info.config.pic_flags.pro4 == PI_P4_SCTP &&
	    fd_peer_get_state(peer) == STATE_WAITCNXACK)
		return;
	if (!from && m)
		fd_msg_source_get(m, &from, NULL);
	write_line(type == HOOK_PEER_CONNECT_SUCCESS ? LOG_INFO : LOG_WARN, event_of(type),
		   from ? from : "", text ? text : "");
}

int hook_register(bool (*known)(struct slice identity))
{
	static const struct {
		enum fd_hook_type type;
		void (*call)(enum fd_hook_type, struct msg *, struct peer_hdr *, void *,
			     struct fd_hook_permsgdata *, void *);
	} hook[] = {
		{HOOK_DATA_RECEIVED, on_data},
		{HOOK_MESSAGE_RECEIVED, on_nothing},
		{HOOK_MESSAGE_LOCAL, on_nothing},
		{HOOK_MESSAGE_SENDING, on_nothing},
		{HOOK_MESSAGE_SENT, on_nothing},
		{HOOK_MESSAGE_FAILOVER, on_nothing},
		{HOOK_MESSAGE_ROUTING_LOCAL, on_nothing},
		{HOOK_MESSAGE_ROUTING_FORWARD, on_nothing},
		{HOOK_MESSAGE_PARSING_ERROR2, on_nothing},
		{HOOK_MESSAGE_PARSING_ERROR, on_event},
		{HOOK_MESSAGE_ROUTING_ERROR, on_event},
		{HOOK_MESSAGE_DROPPED, on_event},
		{HOOK_PEER_CONNECT_FAILED, on_event},
		{HOOK_PEER_CONNECT_SUCCESS, on_event},
	};
	int error = 0;

	may_connect = known;
	for (size_t i = 0; i < sizeof(hook) / sizeof(hook[0]) && !error; i++) {
		struct fd_hook_hdl *handle;

		error = fd_hook_register(HOOK_MASK(hook[i].type), hook[i].call, NULL, NULL,
					 &handle);
	}
	return error;
}
