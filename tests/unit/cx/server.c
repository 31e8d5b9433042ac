/* server.c - a small HSS for tests
 *
 * cx_server IDENTITY REALM ADDRESS:PORT PEER [PEER ...]
 *
 * Answers by the user's name: what begins with "unknown" is unknown, "busy" is refused,
 * "silent" gets no answer, "late" gets it after 1 s, "big" gets 50,000 octets of User-Data;
 * anything else is registered. A LIR for sip:rtr@... or sip:ppr@... makes it send that request
 * to whoever asked, and tell its result in the answer's Server-Name.
 */
#include "base/log.h"
#include "cx/codec.h"
#include "diameter/diameter.h"

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BIG = 50000, LATE_US = 1000000 };

/* Writable, for the library takes no const. */
static uint8_t big[BIG];

static bool begins(struct slice s, const char *with)
{
	return slice_starts(s, slice_str(with));
}

/* What every answer to this user is, or 0: the command's own. */
static int result_for(struct slice user)
{
	if (begins(user, "unknown"))
		return CX_ERROR_USER_UNKNOWN;
	return begins(user, "busy") ? CX_TOO_BUSY : 0;
}

static void uar(const struct cx_uar *r, struct cx_uaa *a)
{
	a->result = begins(r->impi, "new") ? CX_FIRST_REGISTRATION : CX_SUBSEQUENT_REGISTRATION;
	a->server_name = r->impi;
	a->capabilities.n_mandatory = 1;
	a->capabilities.mandatory[0] = r->type + 100;
}

static void mar(const struct cx_mar *r, struct cx_maa *a)
{
	a->result = CX_SUCCESS;
	a->impi = r->impi;
	a->impu = r->impu;
	a->n_vectors = 1;
	a->vector[0] = (struct cx_vector){.number = 1, .scheme = r->scheme, .xres_len = 8};
	if (r->scheme == CX_AUTH_DIGEST) {
		snprintf(a->vector[0].digest_realm, sizeof(a->vector[0].digest_realm),
			 "home.test");
		memset(a->vector[0].ha1, 'a', 32);
		memset(a->vector[0].ha1_sha256, 'b', 64);
	}
}

static void sar(const struct cx_sar *r, struct cx_saa *a)
{
	a->result = CX_SUCCESS;
	a->impi = r->impi;
	a->user_data = begins(r->impi, "big") ? slice_of(big, sizeof(big)) : r->origin_host;
}

static int answer(uint32_t command, struct msg **m, struct slice user, void *a)
{
	int result = result_for(user);

	return result ? cx_answer_error(m, result) : cx_answer(command, m, a);
}

/* The answer to our RTR or PPR: now the LIR that caused it is answered. */
static void on_caused(void *ctx, struct msg **m)
{
	struct msg *lir = ctx;
	struct cx_lia a = {.result = CX_SUCCESS};
	struct cx_rta rta;
	char text[32];

	cx_decode_rta(*m, &rta);
	snprintf(text, sizeof(text), "result=%d", rta.result);
	a.server_name = slice_str(text);
	fd_msg_free(*m);
	*m = NULL;
	if (cx_answer_lia(&lir, &a) == 0)
		fd_msg_send(&lir, NULL, NULL);
}

static bool cause(struct msg *lir, struct slice impu)
{
	struct cx_rtr rtr = {.impi = SLICE("caused"),
			     .reason = CX_REASON_SERVER_CHANGE,
			     .reason_info = SLICE("why")};
	struct cx_ppr ppr = {.impi = SLICE("caused"), .user_data = SLICE("<IMSSubscription/>")};
	struct slice to;
	struct msg *m = NULL;
	DiamId_t from;
	size_t len;
	int error = fd_msg_source_get(lir, &from, &len);

	to = slice_of(from, len);
	if (!error)
		error = begins(impu, "sip:rtr@") ? cx_request_rtr(&m, &rtr, to)
						 : cx_request_ppr(&m, &ppr, to);
	return !error && fd_msg_send(&m, on_caused, lir) == 0;
}

static int on_uar(struct msg **m)
{
	struct cx_uaa a = {0};
	struct cx_uar r;
	int result = cx_decode_uar(*m, &r);

	if (result)
		return cx_answer_error(m, result);
	if (begins(r.impi, "silent")) {
		fd_msg_free(*m);
		*m = NULL;
		return 0;
	}
	if (begins(r.impi, "late"))
		usleep(LATE_US);
	uar(&r, &a);
	return answer(CX_UAR, m, r.impi, &a);
}

static int on_mar(struct msg **m)
{
	struct cx_maa a = {0};
	struct cx_mar r;
	int result = cx_decode_mar(*m, &r);

	if (result)
		return cx_answer_error(m, result);
	mar(&r, &a);
	return answer(CX_MAR, m, r.impi, &a);
}

static int on_sar(struct msg **m)
{
	struct cx_saa a = {0};
	struct cx_sar r;
	int result = cx_decode_sar(*m, &r);

	if (result)
		return cx_answer_error(m, result);
	sar(&r, &a);
	return answer(CX_SAR, m, r.impi, &a);
}

static int on_lir(struct msg **m)
{
	struct cx_lia a = {.result = CX_SUCCESS};
	struct cx_lir r;
	int result = cx_decode_lir(*m, &r);

	if (result)
		return cx_answer_error(m, result);
	if (begins(r.impu, "sip:rtr@") || begins(r.impu, "sip:ppr@")) {
		if (!cause(*m, r.impu))
			return cx_answer_error(m, CX_UNABLE_TO_COMPLY);
		*m = NULL;
		return 0;
	}
	a.server_name = r.originating ? SLICE("sip:originating") : SLICE("sip:terminating");
	return answer(CX_LIR, m, r.impu, &a);
}

static int on_request(struct msg **m, struct avp *avp, struct session *s, void *ctx,
		      enum disp_action *action)
{
	struct msg_hdr *h;
	int error = fd_msg_hdr(*m, &h);

	*action = DISP_ACT_SEND;
	if (error)
		return error;
	switch (h->msg_code) {
	case CX_UAR:
		error = on_uar(m);
		break;
	case CX_MAR:
		error = on_mar(m);
		break;
	case CX_SAR:
		error = on_sar(m);
		break;
	default:
		error = on_lir(m);
		break;
	}
	if (!*m)
		*action = DISP_ACT_CONT;
	return error;
}

static int serve(void)
{
	static const uint32_t command[] = {CX_UAR, CX_SAR, CX_LIR, CX_MAR};
	int error = cx_dictionary_init();

	for (size_t i = 0; i < sizeof(command) / sizeof(command[0]) && !error; i++) {
		struct disp_when when = {.command = cx_command(command[i])};

		error = fd_disp_register(on_request, DISP_HOW_CC, &when, NULL, NULL);
	}
	return error;
}

int main(int argc, char **argv)
{
	struct diameter_config c = {.app_threads = 1};
	char error[256];
	sigset_t stop;
	int signal_taken;

	if (argc < 5 || !addr_parse(slice_str(argv[3]), 0, &c.listen)) {
		fprintf(stderr, "usage: cx_server IDENTITY REALM ADDRESS:PORT PEER ...\n");
		return 2;
	}
	c.identity = argv[1];
	c.realm = argv[2];
	for (int i = 4; i < argc && c.n_peers < DIAMETER_PEERS_MAX; i++)
		c.peer[c.n_peers++].identity = argv[i];
	memset(big, 'x', sizeof(big));
	/* Before the library's threads inherit the mask. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	if (diameter_init(&c, error) < 0 || serve() != 0 || diameter_start(error) < 0) {
		fprintf(stderr, "%s\n", error);
		return 3;
	}
	printf("ready\n");
	fflush(stdout);
	sigwait(&stop, &signal_taken);
	diameter_stop();
	return 0;
}
