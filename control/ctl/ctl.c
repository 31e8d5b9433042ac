/* ctl.c - the command line: options, then the command they belong to */
#include "ctl/ctl.h"
#include "ctl/help.h"
#include "ctl/render.h"
#include "ctl/table.h"

#include <jansson.h>
#include <string.h>

static const char default_file[] = "/etc/saker/saker.yaml";

/* What is left of the command line when the options are taken out. */
struct words {
	int n;
	const char *word[CTL_WORDS_MAX];
	bool help;
};

enum ctl_exit ctl_complain(struct ctl *c, enum ctl_exit exit, const char *code,
			   const char *message, const char *hint)
{
	json_t *error = json_pack("{s:{s:s,s:s,s:s?}}", "error", "code", code, "message",
				  message, "hint", hint);

	/* NULL if the text is no UTF-8; then the plain form has to do. */
	if (error)
		render_error(c, error);
	else
		fprintf(c->err, "error: %s\n", code);
	json_decref(error);
	return exit;
}

static bool take_option(struct ctl *c, const char *name, const char *value)
{
	if (strcmp(name, "-c") == 0) {
		c->file = value;
		c->file_given = true;
	} else if (strcmp(name, "--runtime-dir") == 0) {
		c->runtime_dir = value;
	} else if (strcmp(value, "json") == 0) {
		c->json = true;
	} else if (strcmp(value, "table") == 0) {
		c->json = false;
	} else {
		ctl_complain(c, CTL_USAGE, "usage", "-o takes table or json", NULL);
		return false;
	}
	return true;
}

static bool is_option(const char *word)
{
	return strcmp(word, "-c") == 0 || strcmp(word, "-o") == 0 ||
	       strcmp(word, "--runtime-dir") == 0;
}

static bool split(struct ctl *c, int argc, const char *const *argv, struct words *w)
{
	bool options = true;

	for (int i = 1; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (options &&
			   (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)) {
			w->help = true;
		} else if (options && is_option(argv[i])) {
			if (i + 1 == argc) {
				ctl_complain(c, CTL_USAGE, "usage",
					     "the last option has no value", "sakerctl --help");
				return false;
			}
			if (!take_option(c, argv[i], argv[i + 1]))
				return false;
			i++;
		} else if (options && w->n == 0 && argv[i][0] == '-') {
			ctl_complain(c, CTL_USAGE, "usage", "no such option",
				     "sakerctl --help");
			return false;
		} else if (w->n == CTL_WORDS_MAX) {
			ctl_complain(c, CTL_USAGE, "usage", "too many words", NULL);
			return false;
		} else {
			w->word[w->n++] = argv[i];
		}
	}
	return true;
}

static enum ctl_exit unknown(struct ctl *c, const struct words *w)
{
	const struct ctl_command *nearest = ctl_command_nearest(w->n, w->word);
	char hint[120];

	/* "reg" alone: what may follow is the better answer. */
	if (!c->json && help_print_commands(c->err, w->n, w->word))
		return CTL_USAGE;
	snprintf(hint, sizeof(hint),
		 nearest ? "did you mean 'sakerctl %s'?" : "sakerctl --help%s",
		 nearest ? nearest->words : "");
	return ctl_complain(c, CTL_USAGE, "unknown_command", "there is no such command", hint);
}

static enum ctl_exit run(struct ctl *c, const struct words *w)
{
	int used;
	const struct ctl_command *command = ctl_command_find(w->n, w->word, &used);
	char hint[120];

	if (!command)
		return unknown(c, w);
	if (w->n - used >= command->least && w->n - used <= command->most)
		return command->run(c, command, w->n - used, w->word + used);
	snprintf(hint, sizeof(hint), "sakerctl %s %s", command->words, command->arguments);
	return ctl_complain(
		c, CTL_USAGE, "usage",
		w->n - used < command->least ? "something is missing" : "too many words", hint);
}

enum ctl_exit ctl_main(int argc, const char *const *argv, FILE *out, FILE *err)
{
	struct ctl c = {.file = default_file, .out = out, .err = err};
	struct words w = {0};

	if (!split(&c, argc, argv, &w))
		return CTL_USAGE;
	if (w.help && w.n && help_print_commands(out, w.n, w.word))
		return CTL_OK;
	if (w.help) {
		help_print(out);
		return CTL_OK;
	}
	if (w.n == 0) {
		help_print(err);
		return CTL_USAGE;
	}
	return run(&c, &w);
}
