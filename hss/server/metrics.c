/* metrics.c - what the HSS counts, and GET /metrics over HTTP for Prometheus */
#include "hss/metrics.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sh/sh.h"
#include "diameter/diameter.h"
#include "base/version.h"
#include "page/page.h"

enum {
	ERROR_MAX = 256,
	LINE_MAX_OCTETS = 512,
};

static const int result_code[] = {
	CX_SUCCESS,
	CX_FIRST_REGISTRATION,
	CX_SUBSEQUENT_REGISTRATION,
	CX_UNREGISTERED_SERVICE,
	CX_SUCCESS_SERVER_NAME_NOT_STORED,
	CX_ERROR_USER_UNKNOWN,
	CX_ERROR_IDENTITIES_DONT_MATCH,
	CX_ERROR_IDENTITY_NOT_REGISTERED,
	CX_ERROR_ROAMING_NOT_ALLOWED,
	CX_ERROR_IDENTITY_ALREADY_REGISTERED,
	CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED,
	CX_ERROR_IN_ASSIGNMENT_TYPE,
	CX_UNABLE_TO_DELIVER,
	CX_TOO_BUSY,
	CX_AUTHORIZATION_REJECTED,
	CX_INVALID_AVP_VALUE,
	CX_MISSING_AVP,
	CX_TOO_MANY_AVPS,
	CX_UNABLE_TO_COMPLY,
	CX_ERROR_TOO_MUCH_DATA,
	SH_USER_DATA_NOT_AVAILABLE,
	SH_PRIOR_UPDATE_IN_PROGRESS,
	SH_USER_DATA_NOT_RECOGNIZED,
	SH_OPERATION_NOT_ALLOWED,
	SH_USER_DATA_CANNOT_BE_READ,
	SH_USER_DATA_CANNOT_BE_MODIFIED,
	SH_USER_DATA_CANNOT_BE_NOTIFIED,
	SH_TRANSPARENT_DATA_OUT_OF_SYNC,
	SH_SUBS_DATA_ABSENT,
	SH_NO_SUBSCRIPTION_TO_DATA,
	SH_DSAI_NOT_AVAILABLE,
	CX_NO_ANSWER,
	CX_BAD_ANSWER,
};

enum { RESULTS = sizeof(result_code) / sizeof(result_code[0]) };
_Static_assert((int)RESULTS < (int)METRICS_RESULTS, "one is left for every other result");

static const char *const command_text[METRICS_COMMANDS] = {"UAR", "SAR", "LIR", "MAR", "RTR",
							   "PPR", "UDR", "PUR", "SNR", "PNR"};

static const char *application_of(int command)
{
	return command < SH_UDR - CX_UAR ? "cx" : "sh";
}

struct metrics {
	struct store *store;
	const struct metrics_counters *counters;
	struct page *page;
	uint64_t start_wall_ms;
	uint64_t counted_ms; /* 0: never */
	struct store_counts counts;
};

void metrics_count(struct metrics_counters *c, int command, int result)
{
	int i = 0;

	if (command < CX_UAR || command >= CX_UAR + METRICS_COMMANDS)
		return;
	while (i < RESULTS && result_code[i] != result)
		i++;
	if (i == RESULTS)
		i = METRICS_RESULTS - 1;
	atomic_fetch_add_explicit(&c->requests[command - CX_UAR], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->answers[command - CX_UAR][i], 1, memory_order_relaxed);
}

struct store_counts metrics_counts(struct metrics *m)
{
	uint64_t now = clock_ms();

	if (m->counted_ms == 0 || now - m->counted_ms > METRICS_COUNT_AGE_MS) {
		struct store_counts fresh;

		/* A store that fails leaves the numbers as they were. */
		if (store_counts(m->store, &fresh) == STORE_OK)
			m->counts = fresh;
		m->counted_ms = now;
	}
	return m->counts;
}

struct sink {
	struct json *out;
	bool rows;
	const char *name; /* of the family under way */
};

static void put(struct sink *k, const char *text)
{
	json_raw(k->out, text, strlen(text));
}

static void family(struct sink *k, const char *name, const char *type, const char *help)
{
	char line[LINE_MAX_OCTETS];

	k->name = name;
	if (k->rows)
		return;
	snprintf(line, sizeof(line), "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
	put(k, line);
}

/* labels: "{a=\"b\"}" or "". */
static void sample(struct sink *k, const char *labels, uint64_t value)
{
	char metric[LINE_MAX_OCTETS / 2], line[LINE_MAX_OCTETS];

	snprintf(metric, sizeof(metric), "%s%s", k->name, labels);
	if (k->rows) {
		json_object(k->out, NULL);
		json_str(k->out, "metric", metric);
		json_u64(k->out, "value", value);
		json_end_object(k->out);
		return;
	}
	snprintf(line, sizeof(line), "%s %llu\n", metric, (unsigned long long)value);
	put(k, line);
}

static void sample1(struct sink *k, const char *label, const char *text, uint64_t value)
{
	char labels[LINE_MAX_OCTETS / 4];

	snprintf(labels, sizeof(labels), "{%.32s=\"%.64s\"}", label, text);
	sample(k, labels, value);
}

static void write_store(struct sink *k, struct metrics *m)
{
	struct store_counts c = metrics_counts(m);

	family(k, "saker_hss_subscribers", "gauge",
	       "Subscribers in the store by kind, at most 10 s old (TS 32.409: "
	       "DBU.NbrImsSubscription, "
	       "DBU.NbrPriUserId, DBU.NbrSipPubUserId); registered: implicit sets.");
	sample1(k, "kind", "subscription", c.subscriptions);
	sample1(k, "kind", "impi", c.impis);
	sample1(k, "kind", "impu", c.impus);
	sample1(k, "kind", "registered", c.registered);
}

static void write_requests(struct sink *k, const struct metrics_counters *c)
{
	char labels[LINE_MAX_OCTETS / 4];

	family(k, "saker_diameter_requests_total", "counter",
	       "Cx and Sh requests: UAR, SAR, LIR, MAR, UDR, PUR, SNR received, RTR, PPR, PNR "
	       "sent (TS 32.409: UR.AttUAR, UR.AttSAR, LIQ.AttLIR, MA.AttMAR, DTR.AttUDR, "
	       "SUB.AttSNR, NOTIF.AttPNR).");
	for (int i = 0; i < METRICS_COMMANDS; i++) {
		snprintf(labels, sizeof(labels), "{app=\"%s\",command=\"%s\"}",
			 application_of(i), command_text[i]);
		sample(k, labels, atomic_load_explicit(&c->requests[i], memory_order_relaxed));
	}
}

/* Only what has happened: most pairs of command and result never do. */
static void write_answers(struct sink *k, const struct metrics_counters *c)
{
	char labels[LINE_MAX_OCTETS / 4];

	family(k, "saker_diameter_answers_total", "counter",
	       "Answers to Cx and Sh requests by result (TS 32.409: UR.SuccUAA, UR.FailUAA and "
	       "so "
	       "on).");
	for (int i = 0; i < METRICS_COMMANDS; i++) {
		for (int r = 0; r < METRICS_RESULTS; r++) {
			uint64_t n =
				atomic_load_explicit(&c->answers[i][r], memory_order_relaxed);

			if (n == 0)
				continue;
			snprintf(labels, sizeof(labels),
				 "{app=\"%s\",command=\"%s\",result=\"%s\"}", application_of(i),
				 command_text[i],
				 r < RESULTS ? sh_result_name(result_code[r]) : "other");
			sample(k, labels, n);
		}
	}
}

static void write_peers(struct sink *k)
{
	struct diameter_peer_state peer[DIAMETER_PEERS_MAX];
	uint32_t n = diameter_peers(peer, DIAMETER_PEERS_MAX);

	family(k, "saker_diameter_peer_up", "gauge",
	       "1 while the connection to this Diameter peer is open.");
	for (uint32_t i = 0; i < n; i++) {
		/* Nothing that could end the label. */
		for (char *c = peer[i].identity; *c; c++)
			if (!isalnum((unsigned char)*c) && !strchr("._:-", *c))
				*c = '_';
		sample1(k, "peer", peer[i].identity, peer[i].open);
	}
}

static void write_all(struct sink *k, struct metrics *m)
{
	family(k, "saker_build_info", "gauge", "Version of the running program.");
	sample1(k, "version", SAKER_VERSION, 1);
	family(k, "saker_start_time_seconds", "gauge", "Time of day when the HSS was started.");
	sample(k, "", m->start_wall_ms / 1000);
	write_store(k, m);
	write_requests(k, m->counters);
	write_answers(k, m->counters);
	write_peers(k);
	family(k, "saker_diameter_guarded_total", "counter",
	       "Messages of peers that were changed because they would have stopped the "
	       "Diameter library.");
	sample(k, "", diameter_guarded());
}

void metrics_text(struct metrics *m, struct json *out)
{
	write_all(&(struct sink){.out = out}, m);
}

void metrics_rows(struct metrics *m, struct json *out, const char *key)
{
	json_array(out, key);
	write_all(&(struct sink){.out = out, .rows = true}, m);
	json_end_array(out);
}

static void write_page(void *ctx, struct json *out)
{
	metrics_text(ctx, out);
}

struct metrics *metrics_start(const struct addr *listen, struct store *store,
			      const struct metrics_counters *counters, char *error)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (!m) {
		snprintf(error, ERROR_MAX, "no memory");
		return NULL;
	}
	m->store = store;
	m->counters = counters;
	m->start_wall_ms = clock_wall_ms();
	m->page = page_open(listen, write_page, m, error);
	if (m->page)
		return m;
	free(m);
	return NULL;
}

void metrics_stop(struct metrics *m)
{
	if (!m)
		return;
	page_close(m->page);
	free(m);
}

int metrics_fd(const struct metrics *m)
{
	return page_fd(m->page);
}

void metrics_poll(struct metrics *m)
{
	page_run(m->page);
}
