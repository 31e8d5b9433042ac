/* config.c - the commands about saker.yaml; they ask no daemon */
#include "ctl/config.h"

#include "conf/conf.h"
#include "ctl/render.h"

#include <stdlib.h>

enum { PRINT_MAX = 1 << 20 };

/* NULL: shown. */
static struct conf *load(struct ctl *c, const char *file)
{
	char error[CONF_ERROR_MAX];
	struct conf *conf = conf_load(file, error);

	if (!conf)
		ctl_complain(c, CTL_USAGE, "config", error, NULL);
	return conf;
}

enum ctl_exit config_check(struct ctl *c, const struct ctl_command *command, int n,
			   const char *const *word)
{
	const char *file = n ? word[0] : c->file;
	struct conf *conf = load(c, file);
	json_t *answer;

	if (!conf)
		return CTL_USAGE;
	answer = json_pack("{s:s,s:b}", "file", file, "ok", 1);
	if (c->json && answer)
		render(c, answer);
	else
		fprintf(c->out, "%s: ok\n", file);
	json_decref(answer);
	conf_free(conf);
	return CTL_OK;
}

/* conf NULL: the example. */
static enum ctl_exit print(struct ctl *c, const struct conf *conf)
{
	char *memory = malloc(PRINT_MAX);
	struct text t = text_in(memory, memory ? PRINT_MAX : 0);

	if (conf)
		conf_print(conf, &t);
	else
		conf_print_example(&t);
	if (!t.overflow)
		fwrite(t.p, 1, t.len, c->out);
	free(memory);
	return t.overflow ? ctl_complain(c, CTL_FAILED, "no_memory", "out of memory", NULL)
			  : CTL_OK;
}

enum ctl_exit config_example(struct ctl *c, const struct ctl_command *command, int n,
			     const char *const *word)
{
	return print(c, NULL);
}

enum ctl_exit config_show(struct ctl *c, const struct ctl_command *command, int n,
			  const char *const *word)
{
	struct conf *conf = load(c, c->file);

	if (!conf)
		return CTL_USAGE;
	enum ctl_exit exit = print(c, conf);
	conf_free(conf);
	return exit;
}

static json_t *rows_of(struct slice lines)
{
	json_t *rows = json_array();

	while (lines.len) {
		struct slice line = slice_sub(lines, 0, slice_find(lines, '\n'));
		uint32_t space = slice_find(line, ' ');
		struct slice key = slice_from(line, space + 1);

		json_array_append_new(rows, json_pack("{s:s%,s:s%}", "key", (const char *)key.p,
						      (size_t)key.len, "takes",
						      (const char *)line.p, (size_t)space));
		lines = slice_from(lines, line.len + 1);
	}
	return rows;
}

enum ctl_exit config_diff(struct ctl *c, const struct ctl_command *command, int n,
			  const char *const *word)
{
	char memory[8192];
	struct text t = text_in(memory, sizeof(memory));
	struct conf *running = load(c, c->file);
	struct conf *other = running ? load(c, word[0]) : NULL;

	if (other) {
		int restarts = conf_diff(running, other, &t);
		json_t *answer = json_pack("{s:o,s:s}", "rows", rows_of(text_slice(&t)), "note",
					   t.len == 0 ? "no difference"
					   : restarts ? "a restart is needed"
						      : "a reload (SIGHUP) is enough");
		render(c, answer);
		json_decref(answer);
	}
	conf_free(running);
	conf_free(other);
	return other ? CTL_OK : CTL_USAGE;
}
