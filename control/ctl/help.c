/* help.c - what sakerctl says about itself */
#include "ctl/help.h"
#include "ctl/table.h"

#include <string.h>

enum { COLUMN = 34 };

static void print_command(FILE *out, const struct ctl_command *c)
{
	int n = fprintf(out, "  %s%s%s", c->words, c->arguments[0] ? " " : "", c->arguments);

	/* A long command has its help on a line of its own. */
	if (n >= COLUMN)
		fprintf(out, "\n%*s%s\n", COLUMN, "", c->help);
	else
		fprintf(out, "%*s%s\n", COLUMN - n, "", c->help);
}

bool help_print_commands(FILE *out, int n, const char *const *word)
{
	bool any = false;

	for (const struct ctl_command *c = ctl_commands; c->words; c++) {
		if (!ctl_command_begins(c, n, word))
			continue;
		print_command(out, c);
		any = true;
	}
	return any;
}

void help_print(FILE *out)
{
	fputs("usage: sakerctl [-c FILE] [-o table|json] [--runtime-dir DIR] COMMAND ...\n\n"
	      "commands:\n",
	      out);
	help_print_commands(out, 0, NULL);
	fputs("\noptions, anywhere before a lone --:\n"
	      "  -c FILE                         the configuration; default "
	      "/etc/saker/saker.yaml\n"
	      "  -o table|json                   how to print answers; default table\n"
	      "  --runtime-dir DIR               where the sockets of the daemons are; "
	      "default: as the\n"
	      "                                  configuration says, else /run/saker\n"
	      "  -h, --help                      this text, or that of the command before it\n"
	      "\nexit codes:\n"
	      "  0  done\n"
	      "  1  the daemon refused, or something failed\n"
	      "  2  wrong command line, or wrong configuration\n"
	      "  4  a daemon or a peer cannot be reached\n",
	      out);
}

enum ctl_exit help_run(struct ctl *c, const struct ctl_command *command, int n,
		       const char *const *word)
{
	if (n == 0) {
		help_print(c->out);
		return CTL_OK;
	}
	if (help_print_commands(c->out, n, word))
		return CTL_OK;
	return ctl_complain(c, CTL_USAGE, "usage", "no command begins like this",
			    "sakerctl help");
}
