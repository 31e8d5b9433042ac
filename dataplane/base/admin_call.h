/* admin_call.h - the client's side of a daemon's Unix socket; admin.h describes the exchange */
#pragma once

#include "base/slice.h"

enum {
	ADMIN_WORDS_MAX = 32,
	ADMIN_REQUEST_MAX = 64 << 20, /* octets, words and payload */
};

/* Sends the words (not empty) and payload, waits for the answer (malloc'ed,
 * NUL-terminated, *len octets; the caller frees it). NULL with a sentence in error (at least
 * 256 octets) that names the socket and what to do. Any thread. */
char *admin_call(const char *path, int n_words, const char *const *word, struct slice payload,
		 size_t *len, char *error);
