/* file.h - files that commands are given */
#pragma once

#include "ctl/ctl.h"

/* All of it, *len octets on the heap; "-" is the standard input. NULL: it was complained about.
 */
char *file_read(struct ctl *c, const char *path, size_t *len);
enum ctl_exit file_complain(struct ctl *c, const char *path, const char *why);
