/* show.h - answers in the form of text, for files that do not know the JSON library */
#pragma once

#include "base/slice.h"
#include "ctl/ctl.h"

/* A JSON document that sakerctl itself wrote, as the user asked for it. */
void show(struct ctl *c, struct slice json);
/* Asks the command's daemon and shows the answer, or the error. */
enum ctl_exit show_answer(struct ctl *c, const struct ctl_command *command, int n,
			  const char *const *word, struct slice payload);
