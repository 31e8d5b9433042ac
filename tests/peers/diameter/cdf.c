/* cdf.c - a charging data function for the lab: TS 32.299 as the other side sees it
 *
 * cdf IDENTITY REALM ADDRESS:PORT PEER
 *
 * Answers and prints as peer.h says; knows no lines of its own.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include "base/log.h"
#include "cx/codec.h"
#include "diameter/diameter.h"
#include "peer.h"
#include "rf/codec.h"

enum { MANY = 1000, V = 10415 };

/* TS 32.299 §6.2.2, §7.2.192, §7.2.102, §7.2.77, §7.2.88, §7.2.239; RFC 8506 §8.46. */
static const struct peer_rule rules[] = {
	{0, 0, 263, 0, 1, 1, 'M'},      /* Session-Id */
	{0, 0, 264, 0, 1, 1, 'M'},      /* Origin-Host */
	{0, 0, 296, 0, 1, 1, 'M'},      /* Origin-Realm */
	{0, 0, 283, 0, 1, 1, 'M'},      /* Destination-Realm */
	{0, 0, 480, 0, 1, 1, 'M'},      /* Accounting-Record-Type */
	{0, 0, 485, 0, 1, 1, 'M'},      /* Accounting-Record-Number */
	{0, 0, 259, 0, 1, 1, 'M'},      /* Acct-Application-Id */
	{0, 0, 1, 0, 0, 1, 'M'},        /* User-Name */
	{0, 0, 293, 0, 0, 1, 'M'},      /* Destination-Host */
	{0, 0, 85, 0, 0, 1, 'M'},       /* Acct-Interim-Interval */
	{0, 0, 278, 0, 0, 1, 'M'},      /* Origin-State-Id */
	{0, 0, 55, 0, 1, 1, 'M'},       /* Event-Timestamp */
	{0, 0, 282, 0, 0, MANY, 'M'},   /* Route-Record */
	{0, 0, 461, 0, 1, 1, 'M'},      /* Service-Context-Id */
	{0, 0, 873, V, 1, 1, 'M'},      /* Service-Information */
	{0, 873, 443, 0, 0, MANY, 'M'}, /* Subscription-Id */
	{0, 873, 876, V, 1, 1, 'M'},    /* IMS-Information */
	{0, 443, 450, 0, 1, 1, 'M'},    /* Subscription-Id-Type */
	{0, 443, 444, 0, 1, 1, 'M'},    /* Subscription-Id-Data */
	{0, 876, 823, V, 0, 1, 'M'},    /* Event-Type */
	{0, 876, 829, V, 0, 1, 'M'},    /* Role-Of-Node */
	{0, 876, 862, V, 1, 1, 'M'},    /* Node-Functionality */
	{0, 876, 830, V, 0, 1, 'M'},    /* User-Session-Id */
	{0, 876, 831, V, 0, MANY, 'M'}, /* Calling-Party-Address */
	{0, 876, 832, V, 0, 1, 'M'},    /* Called-Party-Address */
	{0, 876, 833, V, 0, 1, 'M'},    /* Time-Stamps */
	{0, 876, 838, V, 0, MANY, 'M'}, /* Inter-Operator-Identifier */
	{0, 876, 841, V, 0, 1, 'M'},    /* IMS-Charging-Identifier */
	{0, 876, 861, V, 0, 1, 'M'},    /* Cause-Code */
	{0, 823, 824, V, 0, 1, 'M'},    /* SIP-Method */
	{0, 833, 834, V, 0, 1, 'M'},    /* SIP-Request-Timestamp */
	{0, 833, 835, V, 0, 1, 'M'},    /* SIP-Response-Timestamp */
	{0, 838, 839, V, 0, 1, 'M'},    /* Originating-IOI */
	{0, 838, 840, V, 0, 1, 'M'},    /* Terminating-IOI */
};

static int on_acr(struct msg **m, struct avp *avp, struct session *s, void *ctx,
		  enum disp_action *action)
{
	struct peer_mode mode = peer_mode();
	struct rf_acr acr;
	struct rf_aca aca = {.interval = RF_UNSAID};
	uint32_t faults = peer_print("ACR", *m, rules, sizeof(rules) / sizeof(rules[0]));

	if (mode.what == PEER_SILENT) {
		fd_msg_free(*m);
		*m = NULL;
		return 0;
	}
	if (mode.delay_ms)
		usleep(mode.delay_ms * 1000);
	*action = DISP_ACT_SEND;
	aca.result = rf_decode_acr(*m, &acr);
	if (aca.result || faults)
		return rf_answer_error(m, CX_INVALID_AVP_VALUE);
	aca.result = mode.result;
	aca.record = acr.record;
	aca.number = acr.number;
	return rf_answer(m, &aca) ? rf_answer_error(m, CX_UNABLE_TO_COMPLY) : 0;
}

static void told(const char *line)
{
	fprintf(stderr, "cdf: what is '%s'?\n", line);
}

int main(int argc, char **argv)
{
	struct diameter_config c = {.n_peers = 1, .app_threads = 1}; /* in order */
	char error[256] = "usage: cdf IDENTITY REALM ADDRESS:PORT PEER";
	struct disp_when acr;

	log_set_level(LOG_WARN);
	if (argc != 5 || !addr_parse(slice_str(argv[3]), 0, &c.listen)) {
		fprintf(stderr, "cdf: %s\n", error);
		return 2;
	}
	c.identity = argv[1];
	c.realm = argv[2];
	c.peer[0].identity = argv[4];
	if (diameter_init(&c, error) || cx_dictionary_init() || rf_dictionary_init()) {
		fprintf(stderr, "cdf: %s\n", error);
		return 1;
	}
	acr = (struct disp_when){.command = rf_command()};
	if (fd_disp_register(on_acr, DISP_HOW_CC, &acr, NULL, NULL) || diameter_start(error)) {
		fprintf(stderr, "cdf: %s\n", error);
		return 1;
	}
	peer_listen(told);
	diameter_stop();
	return 0;
}
