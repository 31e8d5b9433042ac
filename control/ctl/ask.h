/* ask.h - one question to a daemon, and its answer */
#pragma once

#include "base/slice.h"
#include "ctl/ctl.h"

#include <jansson.h>

/* The commands that only ask. */
ctl_run ask_one;
ctl_run ask_all;

/* Sends the command's own words, then n more, then the payload. CTL_OK: *answer is for the
 * caller to json_decref. Else the error has been shown. */
enum ctl_exit ask(struct ctl *c, const struct ctl_command *command, int n,
		  const char *const *word, struct slice payload, json_t **answer);
