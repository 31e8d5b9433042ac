/* file.h - a configuration in a temporary file */
#pragma once

#include "conf/conf.h"

/* Loads it as "saker.yaml" of an empty directory, which is the working directory; NULL with
 * what conf_load says. */
struct conf *load_text(const char *yaml, size_t len, char error[CONF_ERROR_MAX]);
/* A text that has to be right. */
struct conf *load_good(const char *yaml);

/* For cmocka_run_group_tests: makes and removes the directory. */
int file_setup(void **state);
int file_teardown(void **state);
