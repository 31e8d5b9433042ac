/* osip.c - transaction.h on libosip2's state machines; the only file that knows that library
 *
 * libosip2 gets no octet from the network. It decides by method, status and state alone, so it
 * is fed messages of our own making that say just that, and what it would have parsed (with its
 * memory per field and its history of parser faults) was parsed by sip/ before. Nor does it
 * keep lists: adding to, and removing from, its lists of transactions walks them, which with
 * the 32 s of Timer J is tens of thousands of entries a message. A transaction is taken off the
 * list when it is made and driven by itself.
 *
 * A transaction of the library has 15 KB. The owner frees it as soon as it is Completed and
 * keeps the answer by itself (answered.h).
 */
#include "control/transaction.h"

#include <stdio.h>
#include <stdlib.h>

#include <sys/time.h>
#include <osip2/osip.h>

struct transactions {
	osip_t *osip;
	void (*send)(void *owner);
};

/* What the state machines ask of a message: that its header fields are there, and that Via says
 * UDP. */
#define SKELETON                                                                               \
	"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"                                  \
	"From: <sip:a@192.0.2.1>;tag=1\r\n"                                                    \
	"To: <sip:b@192.0.2.1>;tag=2\r\n"                                                      \
	"Call-ID: 1\r\n"                                                                       \
	"CSeq: 1 OPTIONS\r\n"                                                                  \
	"Content-Length: 0\r\n\r\n"

static const char request_text[] = "OPTIONS sip:192.0.2.1 SIP/2.0\r\n" SKELETON;

static osip_event_t *event_request(type_t type)
{
	osip_event_t *e = osip_parse(request_text, sizeof(request_text) - 1);

	if (e)
		e->type = type;
	return e;
}

static osip_event_t *event_response(uint16_t status, const type_t type[3])
{
	char text[512];
	int len = snprintf(text, sizeof(text), "SIP/2.0 %u -\r\n" SKELETON, status);
	osip_event_t *e = osip_parse(text, (size_t)len);

	if (e)
		e->type = status < 200 ? type[0] : status < 300 ? type[1] : type[2];
	return e;
}

static osip_event_t *event_timer(type_t type, int id)
{
	osip_event_t *e = osip_malloc(sizeof(*e));

	if (e)
		*e = (osip_event_t){.type = type, .transactionid = id};
	return e;
}

static osip_transaction_t *osip_of(const struct transaction *t)
{
	return (osip_transaction_t *)t;
}

/* Never an error: what the link could not take is sent again by the timers, or by the far
 * end's. */
static int on_send(osip_transaction_t *t, osip_message_t *m, char *host, int port, int socket)
{
	struct transactions *all = osip_get_application_context(t->config);

	all->send(osip_transaction_get_your_instance(t));
	return 0;
}

struct transactions *transactions_new(void (*send)(void *owner))
{
	struct transactions *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->send = send;
	if (osip_init(&t->osip) != 0) {
		free(t);
		return NULL;
	}
	osip_set_application_context(t->osip, t);
	t->osip->cb_send_message = on_send;
	return t;
}

void transactions_free(struct transactions *t)
{
	if (!t)
		return;
	osip_release(t->osip);
	free(t);
}

/* Makes a transaction and gives it its first event. */
static struct transaction *start(struct transactions *all, osip_fsm_type_t kind, type_t first,
				 void *owner)
{
	osip_transaction_t *t = NULL;
	osip_event_t *e = event_request(first);

	if (!e)
		return NULL;
	if (osip_transaction_init(&t, kind, all->osip, e->sip) != 0) {
		osip_message_free(e->sip);
		osip_free(e);
		return NULL;
	}
	osip_remove_transaction(all->osip, t);
	osip_transaction_set_your_instance(t, owner);
	osip_transaction_execute(t, e);
	return (struct transaction *)t;
}

struct transaction *transaction_server(struct transactions *t, void *owner)
{
	return start(t, NIST, RCV_REQUEST, owner);
}

struct transaction *transaction_client(struct transactions *t, void *owner)
{
	return start(t, NICT, SND_REQUEST, owner);
}

void transaction_repeat(struct transaction *t)
{
	osip_event_t *e = event_request(RCV_REQUEST);

	if (e)
		osip_transaction_execute(osip_of(t), e);
}

bool transaction_answer(struct transaction *t, uint16_t status)
{
	static const type_t type[3] = {SND_STATUS_1XX, SND_STATUS_2XX, SND_STATUS_3456XX};
	osip_event_t *e = event_response(status, type);

	if (!e)
		return false;
	osip_transaction_execute(osip_of(t), e);
	return true;
}

void transaction_response(struct transaction *t, uint16_t status)
{
	static const type_t type[3] = {RCV_STATUS_1XX, RCV_STATUS_2XX, RCV_STATUS_3456XX};
	osip_event_t *e = event_response(status, type);

	if (e)
		osip_transaction_execute(osip_of(t), e);
}

uint32_t transaction_timer_e_ms(const struct transaction *t)
{
	return (uint32_t)osip_of(t)->nict_context->timer_e_length;
}

uint32_t transaction_timer_f_ms(const struct transaction *t)
{
	return (uint32_t)osip_of(t)->nict_context->timer_f_length;
}

/* RFC 3261 §17.1.2.2: twice as long each time up to T2; T2 in Proceeding. The library stays at
 * T1 in Trying. */
static int next_timer_e(const osip_transaction_t *t, int length)
{
	return t->state == NICT_TRYING && 2 * length < DEFAULT_T2 ? 2 * length : DEFAULT_T2;
}

void transaction_timer_e(struct transaction *t)
{
	osip_event_t *e = event_timer(TIMEOUT_E, osip_of(t)->transactionid);
	int length = osip_of(t)->nict_context->timer_e_length;

	if (e)
		osip_transaction_execute(osip_of(t), e);
	osip_of(t)->nict_context->timer_e_length = next_timer_e(osip_of(t), length);
}

bool transaction_is_open(const struct transaction *t)
{
	switch (osip_of(t)->state) {
	case NIST_PRE_TRYING:
	case NIST_TRYING:
	case NIST_PROCEEDING:
	case NICT_PRE_TRYING:
	case NICT_TRYING:
	case NICT_PROCEEDING:
		return true;
	default:
		return false;
	}
}

void transaction_free(struct transaction *t)
{
	if (t)
		osip_transaction_free2(osip_of(t));
}
