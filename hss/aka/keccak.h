/* keccak.h - the permutation Keccak-f[1600] (FIPS 202 §3) */
#pragma once

#include <stdint.h>

/* 25 lanes; lane x + 5 * y is A[x, y]. Any thread. */
void keccak_permute(uint64_t lane[25]);
