/* help.h - what sakerctl says about itself */
#pragma once

#include "ctl/ctl.h"

/* All of it: usage, commands, options, exit codes. */
void help_print(FILE *out);
/* The lines of the commands that begin with these words. False: none does. */
bool help_print_commands(FILE *out, int n, const char *const *word);

ctl_run help_run;
