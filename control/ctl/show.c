/* show.c - answers in the form of text, for files that do not know the JSON library */
#include "ctl/show.h"

#include "ctl/ask.h"
#include "ctl/render.h"

void show(struct ctl *c, struct slice json)
{
	json_t *answer = json_loadb((const char *)json.p, json.len, 0, NULL);

	if (answer)
		render(c, answer);
	json_decref(answer);
}

enum ctl_exit show_answer(struct ctl *c, const struct ctl_command *command, int n,
			  const char *const *word, struct slice payload)
{
	json_t *answer;
	enum ctl_exit exit = ask(c, command, n, word, payload, &answer);

	if (exit != CTL_OK)
		return exit;
	render(c, answer);
	json_decref(answer);
	return CTL_OK;
}
