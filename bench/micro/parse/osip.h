/* osip.h - libosip2's parser, apart: its headers and ours share names */
#pragma once

#include "base/slice.h"

/* Once, before the first message. */
void bench_osip_start(void);
/* Parses the message and frees what it made of it; false: it was refused. */
bool bench_osip_parse(struct slice message);
