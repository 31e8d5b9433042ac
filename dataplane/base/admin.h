/* admin.h - the Unix socket on which sakerctl talks to a daemon
 *
 * One request a connection: the words of the command, each ended by NUL, an empty word,
 * then any payload (a file to import) until the sender shuts its side down. The answer is one
 * JSON document. Non-blocking: admin_fd() is an epoll descriptor that is readable
 * when there is something to do; admin_poll() does it, without waiting, and calls the handler
 * from the calling thread. A client has ADMIN_TIMEOUT_MS to send its request and as long to
 * take the answer, then it is cut. One thread at a time.
 */
#pragma once

#include "base/admin_call.h"
#include "base/json.h"

enum {
	ADMIN_CLIENTS_MAX = 16,
	ADMIN_TIMEOUT_MS = 30000,
};

struct admin_request {
	int n_words;
	const char *word[ADMIN_WORDS_MAX]; /* NUL-terminated; valid during the call */
	struct slice payload;
};

/* Writes one JSON value to `out`. Has at least one word. */
typedef void admin_handler(void *ctx, const struct admin_request *request, struct json *out);

struct admin;

/* Listens at path, mode 0660, an old socket there replaced unless somebody answers on it.
 * NULL with a reason in error (at least 256 octets). */
struct admin *admin_open(const char *path, admin_handler *handler, void *ctx, char *error);
int admin_fd(const struct admin *a);
void admin_poll(struct admin *a);
/* Removes the socket. */
void admin_close(struct admin *a);

/* {"error":{"code":CODE,"message":MESSAGE,"hint":HINT}}; hint may be NULL. */
void admin_error(struct json *out, const char *code, const char *message, const char *hint);
