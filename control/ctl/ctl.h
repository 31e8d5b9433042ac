/* ctl.h - one run of sakerctl: what was asked for, and how to answer
 *
 * sakerctl itself knows next to nothing: a table (table.def) says which words go to which
 * daemon, and one renderer shows whatever JSON comes back. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* As --help says them. */
enum ctl_exit { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_UNREACHABLE = 4 };

enum { CTL_WORDS_MAX = 40, CTL_PATH_MAX = 600 };

struct ctl {
	const char *file; /* saker.yaml */
	bool file_given;
	const char *runtime_dir; /* NULL: as saker.yaml says */
	bool json;
	FILE *out, *err;
	char runtime_memory[CTL_PATH_MAX];
};

struct ctl_command;

/* Runs one command with the words behind its own; what it returns is the exit code. */
typedef enum ctl_exit ctl_run(struct ctl *c, const struct ctl_command *command, int n,
			      const char *const *word);

struct ctl_command {
	const char *words;  /* "reg show" */
	const char *daemon; /* "control": its socket is RUNTIME_DIR/control.sock; NULL: none or
			       all */
	ctl_run *run;
	int least, most;       /* words that have to, and may, follow */
	const char *arguments; /* for the help */
	const char *help;
};

/* The whole program: options, command, answer. */
enum ctl_exit ctl_main(int argc, const char *const *argv, FILE *out, FILE *err);

/* A complaint of sakerctl itself, in the form of the daemons' errors; returns `exit`. hint may
 * be NULL. */
enum ctl_exit ctl_complain(struct ctl *c, enum ctl_exit exit, const char *code,
			   const char *message, const char *hint);
