/* eal.h - start DPDK's environment from the configuration */
#pragma once

#include "conf/conf.h"

enum { EAL_ERROR_MAX = 512 };

/* Main thread, once, before anything else of net/. The caller becomes lcore 0 (management);
 * worker i is lcore i + 1, pinned to its CPU of dataplane.cores, or free to run on every CPU
 * allowed to the process, so that there may be more workers than CPUs. DPDK's own log lines
 * from WARNING up go to log.h. False with a sentence in error that says what is missing and
 * what to do. */
bool eal_start(const struct conf *c, char error[EAL_ERROR_MAX]);
/* Main thread, last. */
void eal_stop(void);

/* "2,4-6" into CPU numbers; how many, or -1: malformed or more than `most`. */
int eal_cores_parse(const char *text, uint16_t *cpu, uint32_t most);
/* True if free huge pages of any size hold `octets`. */
bool eal_huge_pages_free(uint64_t octets);
