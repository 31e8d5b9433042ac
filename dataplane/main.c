/* main.c - saker-dataplane: the SIP forwarding process */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "worker/manage.h"
#include "base/version.h"

static void usage(FILE *to)
{
	fputs("saker-dataplane -c FILE [--check] [--version] [--help]\n"
	      "\n"
	      "  -c, --config FILE  the configuration; default /etc/saker/saker.yaml\n"
	      "      --check        read the configuration, say what is wrong with it, and "
	      "exit\n"
	      "      --version      say the version and exit\n"
	      "      --help         this text\n"
	      "\n"
	      "exit: 0 ok, 2 wrong use or configuration, 3 environment (memory, devices, "
	      "sockets), 70 bug\n",
	      to);
}

struct options {
	const char *file;
	bool check;
};

/* -1: go on; else the exit code. */
static int options_read(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	*o = (struct options){.file = "/etc/saker/saker.yaml"};
	while ((c = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->file = optarg;
			break;
		case 'k':
			o->check = true;
			break;
		case 'v':
			puts("saker-dataplane " SAKER_VERSION);
			return EXIT_CODE_OK;
		case 'h':
			usage(stdout);
			return EXIT_CODE_OK;
		default:
			usage(stderr);
			return EXIT_CODE_CONF;
		}
	}
	if (optind == argc)
		return -1;
	usage(stderr);
	return EXIT_CODE_CONF;
}

static struct conf *conf_read(const char *file)
{
	char error[CONF_ERROR_MAX];
	struct conf *c = conf_load(file, error);
	enum log_level level;

	if (!c) {
		fprintf(stderr, "%s\n", error);
		return NULL;
	}
	if (log_level_parse(c->log_level, &level))
		log_set_level(level);
	return c;
}

static int check(const struct conf *c)
{
	static struct node_memory m;
	char error[NODE_ERROR_MAX];

	if (node_make(c, &m, error)) {
		printf("%s: sound\n", c->file);
		return EXIT_CODE_OK;
	}
	fprintf(stderr, "%s: %s\n", c->file, error);
	return EXIT_CODE_CONF;
}

static int run(struct conf *c)
{
	static struct dataplane d;
	static struct manage m;
	char error[START_ERROR_MAX];
	enum exit_code code = dataplane_start(&d, c, error);

	if (code != EXIT_CODE_OK) {
		log_event(LOG_ERROR, "main", "start_failed", LOG_Z("error", error),
			  LOG_U("exit", code));
		return code;
	}
	if (manage_open(&m, &d, error)) {
		log_event(LOG_INFO, "main", "ready", LOG_U("workers", d.n_workers),
			  LOG_U("ports", d.net->n_ports),
			  LOG_Z("steering", d.net->flow_steering ? "nic" : "software"));
		manage_run(&m);
		manage_close(&m);
	} else {
		log_event(LOG_ERROR, "main", "start_failed", LOG_Z("error", error),
			  LOG_U("exit", EXIT_CODE_ENVIRONMENT));
		code = EXIT_CODE_ENVIRONMENT;
	}
	dataplane_stop(&d);
	log_event(LOG_INFO, "main", "stopped");
	return code;
}

int main(int argc, char **argv)
{
	struct options o;
	int code = options_read(argc, argv, &o);

	if (code >= 0)
		return code;
	manage_block_signals();
	struct conf *c = conf_read(o.file);
	if (!c)
		return EXIT_CODE_CONF;
	code = o.check ? check(c) : run(c);
	conf_free(c);
	return code;
}
