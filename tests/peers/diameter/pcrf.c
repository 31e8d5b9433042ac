/* pcrf.c - a PCRF for the lab: TS 29.214 as the other side sees it
 *
 * pcrf IDENTITY REALM ADDRESS:PORT PEER [quiet]
 *
 * quiet: for measurements; nothing is printed, and only what the codec checks is checked.
 * Without stdin it ends on SIGTERM.
 *
 * Beyond what peer.h reads: "rar ACTION" sends a RAR with that Specific-Action to every session
 * that is open, "asr CAUSE" an ASR, "stranger" a RAR for a session that there is not, "storm N"
 * that many RARs to each; "sessions" prints how many are open. Answers to those are printed,
 * too.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include "base/log.h"
#include "cx/codec.h"
#include "diameter/diameter.h"
#include "peer.h"
#include "rx/codec.h"

enum { SESSIONS_MAX = 4096, MANY = 1000, V = 10415 };

/* TS 29.214 §5.6.1, §5.6.7, §5.3.16, §5.3.17 and the table of §5.3; RFC 8506 §8.46. */
static const struct peer_rule rules[] = {
	{0, 0, 263, 0, 1, 1, 'M'},         /* Session-Id */
	{0, 0, 258, 0, 1, 1, 'M'},         /* Auth-Application-Id */
	{0, 0, 264, 0, 1, 1, 'M'},         /* Origin-Host */
	{0, 0, 296, 0, 1, 1, 'M'},         /* Origin-Realm */
	{0, 0, 283, 0, 1, 1, 'M'},         /* Destination-Realm */
	{0, 0, 293, 0, 0, 1, 'M'},         /* Destination-Host */
	{0, 0, 278, 0, 0, 1, 'M'},         /* Origin-State-Id */
	{0, 0, 282, 0, 0, MANY, 'M'},      /* Route-Record */
	{RX_AAR, 0, 504, V, 0, 1, 'M'},    /* AF-Application-Identifier */
	{RX_AAR, 0, 517, V, 0, MANY, 'M'}, /* Media-Component-Description */
	{RX_AAR, 0, 527, V, 0, 1, 'M'},    /* Service-Info-Status */
	{RX_AAR, 0, 505, V, 0, 1, 'M'},    /* AF-Charging-Identifier */
	{RX_AAR, 0, 513, V, 0, MANY, 'M'}, /* Specific-Action */
	{RX_AAR, 0, 443, 0, 0, MANY, 'M'}, /* Subscription-Id */
	{RX_AAR, 0, 628, V, 0, MANY, '-'}, /* Supported-Features */
	{RX_AAR, 0, 8, 0, 0, 1, 'M'},      /* Framed-IP-Address */
	{RX_AAR, 0, 97, 0, 0, 1, 'M'},     /* Framed-IPv6-Prefix */
	{RX_AAR, 0, 525, V, 0, 1, 'M'},    /* Service-URN */
	{RX_AAR, 0, 533, V, 0, 1, 'm'},    /* Rx-Request-Type */
	{RX_STR, 0, 295, 0, 1, 1, 'M'},    /* Termination-Cause */
	{0, 517, 518, V, 1, 1, 'M'},       /* Media-Component-Number */
	{0, 517, 519, V, 0, MANY, 'M'},    /* Media-Sub-Component */
	{0, 517, 520, V, 0, 1, 'M'},       /* Media-Type */
	{0, 517, 516, V, 0, 1, 'M'},       /* Max-Requested-Bandwidth-UL */
	{0, 517, 515, V, 0, 1, 'M'},       /* Max-Requested-Bandwidth-DL */
	{0, 517, 511, V, 0, 1, 'M'},       /* Flow-Status */
	{0, 517, 522, V, 0, 1, 'M'},       /* RS-Bandwidth */
	{0, 517, 521, V, 0, 1, 'M'},       /* RR-Bandwidth */
	{0, 517, 524, V, 0, 2, 'M'},       /* Codec-Data */
	{0, 519, 509, V, 1, 1, 'M'},       /* Flow-Number */
	{0, 519, 507, V, 0, 2, 'M'},       /* Flow-Description */
	{0, 519, 511, V, 0, 1, 'M'},       /* Flow-Status */
	{0, 519, 512, V, 0, 1, 'M'},       /* Flow-Usage */
	{0, 519, 529, V, 0, 1, 'm'},       /* AF-Signalling-Protocol */
	{0, 443, 450, 0, 1, 1, 'M'},       /* Subscription-Id-Type */
	{0, 443, 444, 0, 1, 1, 'M'},       /* Subscription-Id-Data */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	char id[RX_SESSION_MAX + 1];
} session[SESSIONS_MAX];
static uint32_t n_sessions;
static const char *peer;
static bool quiet;

static int32_t find(struct slice id)
{
	for (uint32_t i = 0; i < n_sessions; i++)
		if (slice_eq(slice_str(session[i].id), id))
			return (int32_t)i;
	return -1;
}

/* False: it is not there, or there is no room. */
static bool note(struct slice id, bool open)
{
	int32_t i;

	pthread_mutex_lock(&lock);
	i = find(id);
	if (open && i < 0 && n_sessions < SESSIONS_MAX && id.len <= RX_SESSION_MAX) {
		memcpy(session[n_sessions].id, id.p, id.len);
		session[n_sessions++].id[id.len] = 0;
	} else if (!open && i >= 0) {
		session[i] = session[--n_sessions];
	}
	pthread_mutex_unlock(&lock);
	return i >= 0;
}

static void report(const char *what, int64_t value)
{
	printf("{\"%s\": %lld}\n", what, (long long)value);
	fflush(stdout);
}

static int result_of(uint32_t command, struct msg *m, const struct peer_mode *mode)
{
	union rx_any_request r;
	int result = rx_decode_request(command, m, &r);

	if (result || quiet)
		return result ? result : CX_SUCCESS;
	if (command == RX_STR)
		return note(r.str.session, false) ? CX_SUCCESS : RX_UNKNOWN_SESSION_ID;
	if (mode->result != CX_SUCCESS)
		return mode->result;
	if (r.aar.request_type == RX_REQUEST_UPDATE && find(r.aar.session) < 0)
		return RX_UNKNOWN_SESSION_ID;
	note(r.aar.session, true);
	return CX_SUCCESS;
}

static int on_request(struct msg **m, struct avp *avp, struct session *s, void *ctx,
		      enum disp_action *action)
{
	uint32_t command = (uint32_t)(uintptr_t)ctx;
	struct peer_mode mode = peer_mode();
	struct rx_aaa aaa = {.ip_can = RX_UNSAID, .rat = RX_UNSAID};
	uint32_t faults = quiet ? 0
				: peer_print(command == RX_AAR ? "AAR" : "STR", *m, rules,
					     sizeof(rules) / sizeof(rules[0]));

	if (mode.what == PEER_SILENT) {
		fd_msg_free(*m);
		*m = NULL;
		return 0;
	}
	if (mode.delay_ms)
		usleep(mode.delay_ms * 1000);
	aaa.result = faults ? CX_INVALID_AVP_VALUE : result_of(command, *m, &mode);
	*action = DISP_ACT_SEND;
	if (rx_answer(command, m, &aaa))
		return rx_answer_error(m, CX_UNABLE_TO_COMPLY);
	if (mode.what == PEER_WRONG)
		peer_spoil(*m);
	return 0;
}

static void on_answer(void *ctx, struct msg **m)
{
	uint32_t command = (uint32_t)(uintptr_t)ctx;
	union rx_any_answer a;

	rx_decode_answer(command, *m, &a);
	report(command == RX_RAR ? "RAA" : "ASA", a.result);
	fd_msg_free(*m);
	*m = NULL;
}

static void ask(uint32_t command, const void *r)
{
	struct msg *m;

	if (rx_request(command, &m, r, slice_str(peer)) == 0)
		fd_msg_send(&m, on_answer, (void *)(uintptr_t)command);
}

static void rar(const char *id, uint32_t action)
{
	const struct rx_rar r = {.session = slice_str(id),
				 .n_action = 1,
				 .action = {action},
				 .ip_can = action == RX_IP_CAN_CHANGE ? 5 : RX_UNSAID,
				 .rat = RX_UNSAID,
				 .abort_cause = RX_UNSAID};

	ask(RX_RAR, &r);
}

static void told(const char *line)
{
	static char id[SESSIONS_MAX][RX_SESSION_MAX + 1];
	unsigned value = 0;
	uint32_t n;

	pthread_mutex_lock(&lock);
	n = n_sessions;
	memcpy(id, session, n * sizeof(id[0]));
	pthread_mutex_unlock(&lock);
	if (strcmp(line, "sessions") == 0) {
		report("sessions", n);
	} else if (strcmp(line, "stranger") == 0) {
		rar("nobody;1;1", RX_LOSS_OF_BEARER);
	} else if (sscanf(line, "rar %u", &value) == 1) {
		for (uint32_t i = 0; i < n; i++)
			rar(id[i], value);
	} else if (sscanf(line, "storm %u", &value) == 1) {
		for (uint32_t i = 0; i < n; i++)
			for (unsigned k = 0; k < value; k++)
				rar(id[i], RX_LOSS_OF_BEARER);
	} else if (sscanf(line, "asr %u", &value) == 1) {
		for (uint32_t i = 0; i < n; i++)
			ask(RX_ASR, &(struct rx_asr){slice_str(id[i]), value});
	} else {
		fprintf(stderr, "pcrf: what is '%s'?\n", line);
	}
}

int main(int argc, char **argv)
{
	struct diameter_config c = {.n_peers = 1, .app_threads = 4};
	char error[256] = "usage: pcrf IDENTITY REALM ADDRESS:PORT PEER";
	struct disp_when aar, str;

	log_set_level(LOG_WARN);
	if (argc < 5 || !addr_parse(slice_str(argv[3]), 0, &c.listen)) {
		fprintf(stderr, "pcrf: %s\n", error);
		return 2;
	}
	c.identity = argv[1];
	c.realm = argv[2];
	c.peer[0].identity = peer = argv[4];
	quiet = argc > 5;
	if (diameter_init(&c, error) || cx_dictionary_init() || rx_dictionary_init()) {
		fprintf(stderr, "pcrf: %s\n", error);
		return 1;
	}
	aar = (struct disp_when){.command = rx_command(RX_AAR)};
	str = (struct disp_when){.command = rx_command(RX_STR)};
	if (fd_disp_register(on_request, DISP_HOW_CC, &aar, (void *)(uintptr_t)RX_AAR, NULL) ||
	    fd_disp_register(on_request, DISP_HOW_CC, &str, (void *)(uintptr_t)RX_STR, NULL) ||
	    diameter_start(error)) {
		fprintf(stderr, "pcrf: %s\n", error);
		return 1;
	}
	if (quiet)
		pause();
	peer_listen(told);
	diameter_stop();
	return 0;
}
