/* subscribers.c - the commands of the HSS that carry a file */
#include "ctl/subscribers.h"

#include "ctl/ask.h"
#include "ctl/file.h"
#include "ctl/render.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static enum ctl_exit send_file(struct ctl *c, const struct ctl_command *command,
			       const char *path, int n, const char *const *word)
{
	json_t *answer;
	size_t len;
	char *text = file_read(c, path, &len);

	if (!text)
		return CTL_FAILED;
	enum ctl_exit exit = ask(c, command, n, word, slice_of(text, len), &answer);
	free(text);
	if (exit != CTL_OK)
		return exit;
	render(c, answer);
	json_decref(answer);
	return CTL_OK;
}

/* Takes the first word that is no option out of the list; NULL if there is none. `value_of`
 * names the option whose value is the next word. */
static const char *take_file(int *n, const char **word, const char *value_of)
{
	for (int i = 0; i < *n; i++) {
		const char *file = word[i];

		if (value_of && strcmp(file, value_of) == 0) {
			i++;
			continue;
		}
		if (strncmp(file, "--", 2) == 0)
			continue;
		memmove(word + i, word + i + 1, (size_t)(*n - i - 1) * sizeof(*word));
		(*n)--;
		return file;
	}
	return NULL;
}

enum ctl_exit subscribers_send_file(struct ctl *c, const struct ctl_command *command, int n,
				    const char *const *word)
{
	const char *rest[CTL_WORDS_MAX];

	memcpy(rest, word, (size_t)n * sizeof(*word));
	const char *file = take_file(&n, rest, NULL);
	if (!file)
		return ctl_complain(c, CTL_USAGE, "usage", "no file is named",
				    "- is the standard input");
	return send_file(c, command, file, n, rest);
}

enum ctl_exit subscribers_put_profile(struct ctl *c, const struct ctl_command *command, int n,
				      const char *const *word)
{
	const char *rest[CTL_WORDS_MAX] = {word[0]};

	memcpy(rest + 1, word + 2, (size_t)(n - 2) * sizeof(*word));
	return send_file(c, command, word[1], n - 1, rest);
}

static enum ctl_exit write_file(struct ctl *c, const char *path, const json_t *data)
{
	/* It may have keys of subscribers in it. */
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	size_t len = json_string_length(data);

	if (!f)
		return file_complain(c, path, strerror(errno));
	bool written = fwrite(json_string_value(data), 1, len, f) == len;
	if (fclose(f) != 0 || !written)
		return file_complain(c, path, strerror(errno));
	return CTL_OK;
}

enum ctl_exit subscribers_export(struct ctl *c, const struct ctl_command *command, int n,
				 const char *const *word)
{
	const char *rest[CTL_WORDS_MAX];
	json_t *answer;

	memcpy(rest, word, (size_t)n * sizeof(*word));
	const char *file = take_file(&n, rest, "--format");
	enum ctl_exit exit = ask(c, command, n, rest, SLICE_EMPTY, &answer);
	if (exit != CTL_OK)
		return exit;
	const json_t *data = json_object_get(answer, "data");
	if (!json_is_string(data))
		exit = ctl_complain(c, CTL_FAILED, "answer", "the answer has no data", NULL);
	else if (file)
		exit = write_file(c, file, data);
	else
		fwrite(json_string_value(data), 1, json_string_length(data), c->out);
	json_decref(answer);
	return exit;
}
