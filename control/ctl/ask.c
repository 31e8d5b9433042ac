/* ask.c - one question to a daemon, and its answer */
#include "ctl/ask.h"

#include "base/admin_call.h"
#include "conf/conf.h"
#include "ctl/render.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { ERROR_MAX = 256 };

static const char default_runtime_dir[] = "/run/saker";

/* From the option, the configuration, or where the packages put it. NULL: shown. */
static const char *runtime_dir(struct ctl *c)
{
	char error[CONF_ERROR_MAX];

	if (c->runtime_dir)
		return c->runtime_dir;
	if (!c->file_given && access(c->file, F_OK) < 0)
		return c->runtime_dir = default_runtime_dir;
	struct conf *conf = conf_load(c->file, error);
	if (conf) {
		snprintf(c->runtime_memory, sizeof(c->runtime_memory), "%s", conf->runtime_dir);
		conf_free(conf);
		return c->runtime_dir = c->runtime_memory;
	}
	ctl_complain(c, CTL_USAGE, "config", error, "correct it, or give --runtime-dir");
	return NULL;
}

/* "reg show" and what follows as single words; `memory` keeps the first. */
static int words_build(const struct ctl_command *command, int n, const char *const *word,
		       char memory[static 64], const char *out[static ADMIN_WORDS_MAX + 1])
{
	int count = 0;
	char *rest;

	snprintf(memory, 64, "%s", command->words);
	for (char *w = strtok_r(memory, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
		out[count++] = w;
	for (int i = 0; i < n && count <= ADMIN_WORDS_MAX; i++)
		out[count++] = word[i];
	return count;
}

/* The answer as JSON in *answer; else NULL there, and a sentence in error. */
static enum ctl_exit call(struct ctl *c, const char *daemon, int n, const char *const *word,
			  struct slice payload, json_t **answer, char *error)
{
	char path[CTL_PATH_MAX + 32];
	json_error_t why;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s.sock", c->runtime_dir, daemon);
	*answer = NULL;
	char *text = admin_call(path, n, word, payload, &len, error);
	if (!text)
		return CTL_UNREACHABLE;
	*answer = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
	if (!*answer)
		snprintf(error, ERROR_MAX, "the answer of %s is no JSON: %.80s", daemon,
			 why.text);
	free(text);
	return *answer ? CTL_OK : CTL_FAILED;
}

static enum ctl_exit exit_of_error(const json_t *answer)
{
	static const struct {
		const char *code;
		enum ctl_exit exit;
	} known[] = {
		{"usage", CTL_USAGE},
		{"config", CTL_USAGE},
		{"bad_request", CTL_USAGE},
		{"unknown_command", CTL_USAGE},
		{"unreachable", CTL_UNREACHABLE},
	};
	const char *code =
		json_string_value(json_object_get(json_object_get(answer, "error"), "code"));

	for (size_t i = 0; code && i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(code, known[i].code) == 0)
			return known[i].exit;
	return CTL_FAILED;
}

enum ctl_exit ask(struct ctl *c, const struct ctl_command *command, int n,
		  const char *const *word, struct slice payload, json_t **answer)
{
	const char *words[ADMIN_WORDS_MAX + 1];
	char memory[64], error[ERROR_MAX];

	if (!runtime_dir(c))
		return CTL_USAGE;
	int count = words_build(command, n, word, memory, words);
	if (count > ADMIN_WORDS_MAX)
		return ctl_complain(c, CTL_USAGE, "usage", "too many words", NULL);
	for (int i = 0; i < count; i++)
		if (!words[i][0])
			return ctl_complain(c, CTL_USAGE, "usage", "a word is empty", NULL);
	enum ctl_exit exit = call(c, command->daemon, count, words, payload, answer, error);
	if (exit == CTL_UNREACHABLE)
		return ctl_complain(c, exit, "unreachable", error, "sakerctl status");
	if (exit != CTL_OK)
		return ctl_complain(c, exit, "answer", error, "sakerctl version");
	if (!json_object_get(*answer, "error"))
		return CTL_OK;
	exit = exit_of_error(*answer);
	render_error(c, *answer);
	json_decref(*answer);
	*answer = NULL;
	return exit;
}

enum ctl_exit ask_one(struct ctl *c, const struct ctl_command *command, int n,
		      const char *const *word)
{
	json_t *answer;
	enum ctl_exit exit = ask(c, command, n, word, SLICE_EMPTY, &answer);

	if (exit != CTL_OK)
		return exit;
	render(c, answer);
	json_decref(answer);
	return CTL_OK;
}

/* A daemon that is down is part of the answer. */
enum ctl_exit ask_all(struct ctl *c, const struct ctl_command *command, int n,
		      const char *const *word)
{
	static const char *const daemon[] = {"dataplane", "control", "hss"};
	enum ctl_exit exit = CTL_OK;
	json_t *all;

	if (!runtime_dir(c))
		return CTL_USAGE;
	all = json_object();
	for (size_t i = 0; i < sizeof(daemon) / sizeof(daemon[0]); i++) {
		char error[ERROR_MAX];
		json_t *answer;

		if (call(c, daemon[i], 1, &command->words, SLICE_EMPTY, &answer, error) !=
		    CTL_OK) {
			answer = json_pack("{s:s,s:s}", "state", "down", "reason", error);
			exit = CTL_UNREACHABLE;
		}
		json_object_set_new(all, daemon[i], answer);
	}
	render(c, all);
	json_decref(all);
	return exit;
}
