/* file.c - files that commands are given */
#include "ctl/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/admin_call.h"

enum ctl_exit file_complain(struct ctl *c, const char *path, const char *why)
{
	char message[CTL_PATH_MAX];

	snprintf(message, sizeof(message), "%.400s: %s", path, why);
	return ctl_complain(c, CTL_FAILED, "file", message, NULL);
}

/* The whole stream, *len octets on the heap; NULL with errno. */
static char *slurp(FILE *f, size_t *len)
{
	size_t cap = 1 << 16;
	char *text = malloc(cap);

	*len = 0;
	while (text) {
		*len += fread(text + *len, 1, cap - *len, f);
		if (*len < cap)
			break;
		/* One octet over the bound is enough to know. */
		char *larger = cap > ADMIN_REQUEST_MAX ? NULL : realloc(text, 2 * cap);
		if (!larger) {
			free(text);
			errno = EFBIG;
			return NULL;
		}
		text = larger;
		cap *= 2;
	}
	if (text && ferror(f)) {
		free(text);
		return NULL;
	}
	return text;
}

char *file_read(struct ctl *c, const char *path, size_t *len)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *text;
	int why;

	if (!f) {
		file_complain(c, path, strerror(errno));
		return NULL;
	}
	text = slurp(f, len);
	why = errno;
	if (f != stdin)
		fclose(f);
	if (!text)
		file_complain(c, path, strerror(why));
	return text;
}
