/* file.c - a configuration in a temporary file */
#include "file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/saker-conf-XXXXXX";

int file_setup(void **state)
{
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

int file_teardown(void **state)
{
	unlink("saker.yaml");
	return chdir("/") == 0 && rmdir(dir) == 0 ? 0 : -1;
}

struct conf *load_text(const char *yaml, size_t len, char error[CONF_ERROR_MAX])
{
	FILE *f = fopen("saker.yaml", "w");

	assert_non_null(f);
	assert_int_equal(fwrite(yaml, 1, len, f), len);
	fclose(f);
	memset(error, 0, CONF_ERROR_MAX);
	return conf_load("saker.yaml", error);
}

struct conf *load_good(const char *yaml)
{
	char error[CONF_ERROR_MAX];
	struct conf *c = load_text(yaml, strlen(yaml), error);

	if (!c)
		fail_msg("%s", error);
	return c;
}
