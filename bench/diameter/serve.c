/* serve.c - the HSS's side: each command is decoded and answered from fixed memory */
#include "pair.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include "cx/codec.h"
#include "diameter/diameter.h"

#define SCSCF "sip:scscf.ims.example:5060"

/* One subscriber with two identities and one filter criterion, as an HSS answers it. */
static const char user_data[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?><IMSSubscription>"
	"<PrivateID>user000001@ims.example</PrivateID><ServiceProfile>"
	"<PublicIdentity><Identity>sip:user000001@ims.example</Identity></PublicIdentity>"
	"<PublicIdentity><Identity>tel:+49301000001</Identity></PublicIdentity>"
	"<InitialFilterCriteria><Priority>0</Priority><TriggerPoint>"
	"<ConditionTypeCNF>0</ConditionTypeCNF><SPT><ConditionNegated>0</ConditionNegated>"
	"<Group>0</Group><Method>INVITE</Method></SPT></TriggerPoint><ApplicationServer>"
	"<ServerName>sip:tas.ims.example</ServerName><DefaultHandling>0</DefaultHandling>"
	"</ApplicationServer></InitialFilterCriteria></ServiceProfile></IMSSubscription>";

static void fill_uaa(struct cx_uaa *a)
{
	*a = (struct cx_uaa){.result = CX_SUBSEQUENT_REGISTRATION, .server_name = SLICE(SCSCF)};
}

static void fill_maa(struct cx_maa *a, const struct cx_mar *r)
{
	*a = (struct cx_maa){.result = CX_SUCCESS, .impi = r->impi, .impu = r->impu};
	a->n_vectors = 1;
	a->vector[0] = (struct cx_vector){.number = 1, .scheme = CX_AUTH_AKA, .xres_len = 8};
}

static void fill_saa(struct cx_saa *a, const struct cx_sar *r)
{
	*a = (struct cx_saa){.result = CX_SUCCESS,
			     .impi = r->impi,
			     .user_data = slice_of(user_data, sizeof(user_data) - 1)};
}

static int on_request(struct msg **m, struct avp *avp, struct session *s, void *ctx,
		      enum disp_action *action)
{
	union cx_any_request r;
	union cx_any_answer a;
	struct msg_hdr *h;
	int result;

	*action = DISP_ACT_SEND;
	if (fd_msg_hdr(*m, &h))
		return EINVAL;
	result = cx_decode_request(h->msg_code, *m, &r);
	if (result)
		return cx_answer_error(m, result);
	if (h->msg_code == CX_UAR)
		fill_uaa(&a.uaa);
	else if (h->msg_code == CX_MAR)
		fill_maa(&a.maa, &r.mar);
	else
		fill_saa(&a.saa, &r.sar);
	return cx_answer(h->msg_code, m, &a);
}

static bool dispatch(void)
{
	static const uint32_t command[] = {CX_UAR, CX_MAR, CX_SAR};
	bool ok = cx_dictionary_init() == 0;

	for (size_t i = 0; ok && i < sizeof(command) / sizeof(command[0]); i++) {
		struct disp_when when = {.command = cx_command(command[i])};

		ok = fd_disp_register(on_request, DISP_HOW_CC, &when, NULL, NULL) == 0;
	}
	return ok;
}

int serve(const struct addr *listen, int ready_fd)
{
	struct diameter_config c = {
		.identity = PAIR_SERVER,
		.realm = PAIR_REALM,
		.listen = *listen,
		.n_peers = 1,
		.peer = {{.identity = PAIR_CLIENT}},
		.app_threads = 1,
	};
	char error[256] = "the dictionary of Cx was refused";
	int taken;
	sigset_t stop;

	/* Before the library's threads inherit the mask. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	if (diameter_init(&c, error) < 0 || !dispatch() || diameter_start(error) < 0) {
		fprintf(stderr, "bench_diameter: server: %s\n", error);
		return 3;
	}
	if (write(ready_fd, "r", 1) == 1)
		sigwait(&stop, &taken);
	diameter_stop();
	return 0;
}
