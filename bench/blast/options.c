/* options.c - what saker-blast is asked for on its command line */
#include "blast/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: saker-blast EAL-ARGUMENTS -- [OPTION...]\n"
	"  --scenario call|message|register|refresh   what is played (call)\n"
	"  --node IP:PORT         of what is tested (10.200.0.1:5060)\n"
	"  --gateway IP           our own address; all terminals are behind it (10.200.0.2)\n"
	"  --as IP:PORT           play an Application Server there that passes on what comes\n"
	"  --direct IP:PORT       a plain proxy in the node's place: nobody registers\n"
	"  --subscribers FILE     CSV as `sakerctl sub import` takes it: impi, and k with op "
	"or\n"
	"                         opc (IMS-AKA) or password (SIP Digest with MD5)\n"
	"  --users N              terminals to use (1000)\n"
	"  --ipsec SUITE          with a security agreement each, under ESP: "
	"hmac-sha-1-96/aes-cbc,\n"
	"                         null/aes-gcm and others; IMS-AKA alone has keys for it\n"
	"  --register-first       register them all before the scenario begins\n"
	"  --register-rate N      registrations a second while that lasts (1000)\n"
	"  --rate N               attempts a second (1000); where --find-max begins\n"
	"  --seconds S            of a run, or of a stair (5)\n"
	"  --find-max             climb to the highest rate that holds --slo\n"
	"  --slo 'p99<500us,fail<0.01%'\n"
	"  --then 1,0.5,2         after --find-max, a run at each of these multiples of the "
	"rate found\n"
	"  --beside NAME:N,...    other scenarios at N attempts a second meanwhile: "
	"refresh:1000,register:50\n"
	"  --size N               octets of an INVITE: 600 to 3000 (900)\n"
	"  --mtu N                longer packets go in fragments (1500)\n"
	"  --wait-up S            wait so long for the node's ARP reply (10)\n"
	"  --json FILE            write the outcome there too\n";

static bool number(const char *text, double least, double most, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return *text && *end == 0 && *out >= least && *out <= most;
}

static bool whole(const char *text, double least, double most, uint32_t *out)
{
	double v;

	if (!number(text, least, most, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

/* "p99<500us,fail<0.01%": what is left out does not count. */
static bool slo(const char *text, struct options *o)
{
	char copy[128], *rest = copy, *part;

	o->slo_p99_us = 0;
	o->slo_fail = 1;
	snprintf(copy, sizeof(copy), "%s", text);
	while ((part = strsep(&rest, ","))) {
		char unit[4] = "";
		double v;

		if (sscanf(part, "p99<%lf%3s", &v, unit) == 2 && v > 0 &&
		    (!strcmp(unit, "us") || !strcmp(unit, "ms")))
			o->slo_p99_us = v * (unit[0] == 'm' ? 1000 : 1);
		else if (sscanf(part, "fail<%lf%1[%%]", &v, unit) == 2 && v >= 0)
			o->slo_fail = v / 100;
		else
			return false;
	}
	return true;
}

/* "1,0.5,2" */
static bool then(const char *text, struct options *o)
{
	char copy[128], *rest = copy, *part;

	snprintf(copy, sizeof(copy), "%s", text);
	o->n_then = 0;
	while ((part = strsep(&rest, ",")))
		if (o->n_then == THEN_MAX || !number(part, 0.01, 100, &o->then[o->n_then++]))
			return false;
	return true;
}

/* "refresh:10000,register:200" */
static bool beside(const char *text, struct options *o)
{
	char copy[128], *rest = copy, *part;

	snprintf(copy, sizeof(copy), "%s", text);
	for (o->n_beside = 0; (part = strsep(&rest, ",")); o->n_beside++) {
		char *rate = strchr(part, ':');

		if (!rate || o->n_beside == BESIDE_MAX ||
		    rate - part >= (long)sizeof(o->beside[0].scenario) ||
		    !number(rate + 1, 0.1, 1e8, &o->beside[o->n_beside].rate))
			return false;
		*rate = 0;
		strcpy(o->beside[o->n_beside].scenario, part);
	}
	return true;
}

static bool flag(const char *name, struct options *o)
{
	if (!strcmp(name, "--find-max"))
		o->find_max = true;
	else if (!strcmp(name, "--register-first"))
		o->register_first = true;
	else
		return false;
	return true;
}

static bool value(const char *name, const char *v, struct options *o)
{
	uint32_t mtu;

	if (!strcmp(name, "--scenario"))
		return o->scenario = v, true;
	if (!strcmp(name, "--subscribers"))
		return o->subscribers = v, true;
	if (!strcmp(name, "--ipsec"))
		return o->ipsec = v, true;
	if (!strcmp(name, "--json"))
		return o->json = v, true;
	if (!strcmp(name, "--node"))
		return addr_parse(slice_str(v), 5060, &o->node) && o->node.family == 4;
	if (!strcmp(name, "--as"))
		return addr_parse(slice_str(v), 5060, &o->server) && o->server.family == 4;
	if (!strcmp(name, "--direct"))
		return o->direct =
			       addr_parse(slice_str(v), 5060, &o->node) && o->node.family == 4;
	if (!strcmp(name, "--gateway"))
		return addr_parse_ip(slice_str(v), &o->gateway) && o->gateway.family == 4;
	if (!strcmp(name, "--slo"))
		return slo(v, o);
	if (!strcmp(name, "--then"))
		return then(v, o);
	if (!strcmp(name, "--beside"))
		return beside(v, o);
	if (!strcmp(name, "--rate"))
		return number(v, 0.1, 1e8, &o->rate);
	if (!strcmp(name, "--register-rate"))
		return number(v, 0.1, 1e8, &o->register_rate);
	if (!strcmp(name, "--seconds"))
		return number(v, 0.1, 86400, &o->seconds);
	if (!strcmp(name, "--users"))
		return whole(v, 2, 16e6, &o->users);
	if (!strcmp(name, "--size"))
		return whole(v, 600, 3000, &o->size);
	if (!strcmp(name, "--wait-up"))
		return whole(v, 0, 3600, &o->wait_up_s);
	if (!strcmp(name, "--mtu") && whole(v, 576, 9000, &mtu))
		return o->mtu = (uint16_t)mtu, true;
	return false;
}

bool options_read(int argc, char **argv, struct options *o)
{
	*o = (struct options){.scenario = "call",
			      .users = 1000,
			      .size = 900,
			      .mtu = 1500,
			      .rate = 1000,
			      .register_rate = 1000,
			      .seconds = 5,
			      .slo_p99_us = 500,
			      .slo_fail = 0.0001,
			      .wait_up_s = 10,
			      .node = addr_v4(0x0ac80001, 5060),
			      .gateway = addr_v4(0x0ac80002, 0),
			      .domain = "ims.example"};
	for (int i = 1; i < argc; i++) {
		if (flag(argv[i], o))
			continue;
		if (!strcmp(argv[i], "--help")) {
			fputs(usage, stdout);
			exit(0);
		}
		if (i + 1 < argc && value(argv[i], argv[i + 1], o)) {
			i++;
			continue;
		}
		fprintf(stderr,
			"saker-blast: %s%s%s is not understood; --help lists the options\n",
			argv[i], i + 1 < argc ? " " : "", i + 1 < argc ? argv[i + 1] : "");
		return false;
	}
	if (!o->direct && !o->subscribers) {
		fprintf(stderr,
			"saker-blast: --subscribers FILE is needed, or --direct for a proxy "
			"without registrations\n");
		return false;
	}
	return true;
}
