/* main.c - sakerctl, the one command line for all daemons */
#include "ctl/ctl.h"

int main(int argc, char **argv)
{
	enum ctl_exit code = ctl_main(argc, (const char *const *)argv, stdout, stderr);

	/* A full disk behind a redirection is a failure, not an answer. */
	return fflush(stdout) == 0 && !ferror(stdout) ? (int)code : CTL_FAILED;
}
