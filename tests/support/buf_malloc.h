/* buf_malloc.h - base/buf.h on malloc, for tests */
#pragma once

#include <stdint.h>

enum { TEST_HEADROOM = 100 };

/* Buffers not freed yet. */
uint32_t test_bufs_live(void);
