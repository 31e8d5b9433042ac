/* options.h - what saker-blast is asked for on its command line */
#pragma once

#include "base/addr.h"

enum { THEN_MAX = 16, BESIDE_MAX = 2 };

struct options {
	const char *scenario;
	const char *subscribers; /* file */
	const char *json;        /* file */
	const char *ipsec;       /* suite of security associations; NULL: in clear */
	bool direct;             /* a plain proxy: nobody registers */
	bool find_max;
	bool register_first;
	uint32_t users;
	uint32_t size; /* octets of an INVITE */
	uint32_t wait_up_s;
	uint16_t mtu;
	double rate, seconds, register_rate;
	double slo_p99_us; /* 0: none */
	double slo_fail;   /* share */
	uint32_t n_then;
	double then[THEN_MAX]; /* runs after --find-max, in multiples of what it found */
	uint32_t n_beside;     /* played beside the scenario: */
	struct {
		char scenario[16];
		double rate;
	} beside[BESIDE_MAX];
	struct addr node;
	struct addr server;  /* an Application Server to play; family 0: none */
	struct addr gateway; /* our own address, which the terminals are behind */
	char domain[64];
};

/* False: a sentence was printed, and the program ends with 2. */
bool options_read(int argc, char **argv, struct options *o);
