/* dns.c - sakerctl dns query */
#include "ctl/dns.h"

#include <string.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/render.h"

enum { ASK_AGAIN_US = 50000, TIMES_MAX = 200 };

enum ctl_exit dns_query(struct ctl *c, const struct ctl_command *command, int n,
			const char *const *word)
{
	for (int i = 0; i < TIMES_MAX; i++) {
		json_t *answer;
		enum ctl_exit exit = ask(c, command, n, word, SLICE_EMPTY, &answer);
		const char *state;

		if (exit != CTL_OK)
			return exit;
		state = json_string_value(json_object_get(answer, "state"));
		if (!state || strcmp(state, "asked") != 0) {
			bool found = state && strcmp(state, "found") == 0;

			render(c, answer);
			json_decref(answer);
			return found ? CTL_OK : CTL_FAILED;
		}
		json_decref(answer);
		usleep(ASK_AGAIN_US);
	}
	return ctl_complain(c, CTL_FAILED, "timeout",
			    "control has had no answer in ten seconds", "sakerctl metrics");
}
