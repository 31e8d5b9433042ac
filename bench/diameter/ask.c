/* ask.c - the CSCF's side: the requests of registrations, one after the other, in a window */
#include "pair.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include "cx/codec.h"
#include "diameter/diameter.h"

enum { CONNECT_TRIES = 1000, CONNECT_US = 10000, DRAIN_S = 5, USERS = 1000000 };

struct ask {
	pthread_t sender;
	uint32_t window;
	sem_t free; /* places in the window */
	_Atomic bool stop;
	_Atomic uint64_t answered, failed;
};

/* In the order of TS 24.229 §5.3.1.2 and §5.4.1.2: the two REGISTERs of one registration. */
static const uint32_t registration[] = {CX_UAR, CX_MAR, CX_UAR, CX_SAR};

static void fill(union cx_any_request *r, uint32_t command, struct slice impi,
		 struct slice impu)
{
	static const struct slice scscf = SLICE("sip:scscf.ims.example:5060");

	if (command == CX_UAR)
		r->uar = (struct cx_uar){
			.impi = impi, .impu = impu, .visited_network = SLICE(PAIR_REALM)};
	else if (command == CX_MAR)
		r->mar = (struct cx_mar){.impi = impi,
					 .impu = impu,
					 .server_name = scscf,
					 .n_vectors = 1,
					 .scheme = CX_AUTH_AKA};
	else
		r->sar = (struct cx_sar){.impi = impi,
					 .n_impus = 1,
					 .impu = {impu},
					 .server_name = scscf,
					 .type = CX_SAT_REGISTRATION};
}

static void on_answer(void *ctx, struct msg **m)
{
	struct ask *a = ctx;
	union cx_any_answer answer;
	struct msg_hdr *h;
	bool good =
		fd_msg_hdr(*m, &h) == 0 && cx_decode_answer(h->msg_code, *m, &answer) == 0 &&
		(answer.result == CX_SUCCESS || answer.result == CX_SUBSEQUENT_REGISTRATION);

	atomic_fetch_add_explicit(good ? &a->answered : &a->failed, 1, memory_order_relaxed);
	fd_msg_free(*m);
	*m = NULL;
	sem_post(&a->free);
}

static bool send_one(struct ask *a, uint64_t n)
{
	uint32_t command = registration[n % 4], user = (uint32_t)(n / 4 % USERS);
	union cx_any_request r;
	char name[64];
	int len = snprintf(name, sizeof(name), "sip:user%06u@" PAIR_REALM, user);
	struct slice impu = slice_of(name, (size_t)len);
	struct msg *m = NULL;

	fill(&r, command, slice_from(impu, 4), impu);
	if (cx_request(command, &m, &r, SLICE(PAIR_SERVER)))
		return false;
	if (fd_msg_send(&m, on_answer, a) == 0)
		return true;
	fd_msg_free(m);
	return false;
}

static void *sender_run(void *arg)
{
	struct ask *a = arg;

	for (uint64_t n = 0;; n++) {
		sem_wait(&a->free);
		if (atomic_load(&a->stop))
			return NULL;
		if (send_one(a, n))
			continue;
		atomic_fetch_add_explicit(&a->failed, 1, memory_order_relaxed);
		sem_post(&a->free);
	}
}

static bool connect_to(const struct addr *server, char *error)
{
	struct diameter_config c = {
		.identity = PAIR_CLIENT,
		.realm = PAIR_REALM,
		.listen = addr_v4(0x7f000001, 0),
		.n_peers = 1,
		.peer = {{PAIR_SERVER, *server}},
		.app_threads = 1,
	};

	if (diameter_init(&c, error) < 0)
		return false;
	snprintf(error, 256, "the dictionary of Cx was refused");
	if (cx_dictionary_init() || diameter_start(error) < 0)
		return false;
	for (int i = 0; i < CONNECT_TRIES; i++) {
		if (diameter_open(PAIR_SERVER))
			return true;
		usleep(CONNECT_US);
	}
	snprintf(error, 256, "no connection to the server");
	return false;
}

struct ask *ask_open(const struct addr *server, uint32_t window)
{
	struct ask *a = calloc(1, sizeof(*a));
	char error[256] = "no memory";

	if (a)
		a->window = window;
	if (a && connect_to(server, error) && sem_init(&a->free, 0, window) == 0 &&
	    pthread_create(&a->sender, NULL, sender_run, a) == 0)
		return a;
	fprintf(stderr, "bench_diameter: client: %s\n", error);
	free(a);
	return NULL;
}

uint64_t ask_answered(const struct ask *a)
{
	return atomic_load_explicit(&a->answered, memory_order_relaxed);
}

uint64_t ask_failed(const struct ask *a)
{
	return atomic_load_explicit(&a->failed, memory_order_relaxed);
}

/* All places of the window come back, or time runs out. */
static void drain(struct ask *a)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += DRAIN_S;
	for (uint32_t i = 0; i < a->window; i++)
		if (sem_timedwait(&a->free, &until))
			return;
}

void ask_close(struct ask *a)
{
	atomic_store(&a->stop, true);
	sem_post(&a->free);
	pthread_join(a->sender, NULL);
	drain(a);
	/* From here on no thread of the library knows it. */
	diameter_stop();
	free(a);
}
