/* value.h - one value of saker.yaml, from and to text
 *
 * For the files of conf/ only. Any thread.
 */
#pragma once

#include "conf/schema.h"

/* Writes the value `text` stands for into the member at `at` (or adds it, where the key is a
 * set of bits or of gateways). False: it is not what the key takes; nothing is written. */
bool conf_value_set(const struct conf_key *k, void *at, struct slice text);

/* "a whole number from 1 to 16": what the key takes. */
void conf_value_expected(const struct conf_key *k, struct text *out);

/* The value as the file has it; nothing where there is none. Sets are written as "a, b". */
void conf_value_put(const struct conf_key *k, const void *at, struct text *out);

/* Nothing is written there: as if the key had not been given. */
bool conf_value_is_none(const struct conf_key *k, const void *at);
