/* table.h - all commands, and the one that was meant */
#pragma once

#include "ctl/ctl.h"

/* Ended by words NULL; in the order of the help. */
extern const struct ctl_command ctl_commands[];

/* The command whose words are the first of `word`; *used is how many. NULL: none. */
const struct ctl_command *ctl_command_find(int n, const char *const *word, int *used);
/* The command that begins with these words, or is spelt much like them. NULL: none. */
const struct ctl_command *ctl_command_nearest(int n, const char *const *word);
/* The words begin at least one command. */
bool ctl_command_begins(const struct ctl_command *command, int n, const char *const *word);
