/* series.c - everything control and the data plane count, as metric series */
#include "control/series.h"

#include <ctype.h>
#include <stdio.h>

#include "abi/region.h"
#include "control/capture.h"
#include "control/charging.h"
#include "control/cx.h"
#include "control/exchange.h"
#include "control/install.h"
#include "control/link.h"
#include "control/persist.h"
#include "control/policy.h"
#include "control/proxy_auth.h"
#include "control/reg_event.h"
#include "control/watcher.h"
#include "control/offers.h"
#include "control/outbound.h"
#include "control/owed.h"
#include "control/registrar.h"
#include "control/sa.h"
#include "control/servers.h"
#include "control/session.h"
#include "control/signalling.h"
#include "control/unregistered.h"
#include "base/version.h"
#include "diameter/diameter.h"

enum {
	NAME_MAX_OCTETS = 128,
	HELP_MAX = 256,
	LABELS_MAX = 160,
	LINE_MAX_OCTETS = 768,
	LABEL_MAX = 64
};

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

/* labels: "a=\"b\",c=\"d\"", or NULL. */
static void sample(struct sink *k, const char *labels, double value)
{
	char metric[NAME_MAX_OCTETS + LABELS_MAX], line[LINE_MAX_OCTETS];

	if (labels)
		snprintf(metric, sizeof(metric), "%s{%s}", k->name, labels);
	else
		snprintf(metric, sizeof(metric), "%s", k->name);
	if (k->rows) {
		json_object(k->out, NULL);
		json_str(k->out, "metric", metric);
		json_double(k->out, "value", value);
		json_end_object(k->out);
		return;
	}
	snprintf(line, sizeof(line), "%s %.17g\n", metric, value);
	put(k, line);
}

static void sample1(struct sink *k, const char *label, const char *text, double value)
{
	char labels[LABELS_MAX];

	snprintf(labels, sizeof(labels), "%s=\"%s\"", label, text);
	sample(k, labels, value);
}

static void one(struct sink *k, const char *name, const char *type, const char *help,
		double value)
{
	family(k, name, type, help);
	sample(k, NULL, value);
}

#define COUNTER "counter"
#define GAUGE   "gauge"

/* Text from shared memory or from a peer: cut, and nothing in it that could end the label. */
static const char *label_of(const char *text, size_t most, char out[LABEL_MAX])
{
	size_t n = 0;

	for (; n < most && n < LABEL_MAX - 1 && text[n]; n++)
		out[n] = isalnum((unsigned char)text[n]) || strchr("._:-", text[n]) ? text[n]
										    : '_';
	out[n] = 0;
	return out;
}

static void build(struct sink *k, const struct series_sources *s)
{
	family(k, "saker_build_info", GAUGE, "Version of the running program.");
	sample1(k, "version", SAKER_VERSION, 1);
	one(k, "saker_start_time_seconds", GAUGE, "Time of day when control was started.",
	    (double)s->start_wall_ms / 1000.);
}

static uint64_t sum(struct abi_region *r, enum count_id id)
{
	uint64_t total = 0;

	for (uint32_t i = 0; r && i < r->n_workers && i < WORKERS_MAX; i++)
		total += count_read(&abi_worker(r, i)->counters, id);
	return total;
}

static bool is_drop(enum count_id id)
{
	return strncmp(count_info(id)->name, "drop_", 5) == 0;
}

static void dataplane_counts(struct sink *k, struct abi_region *r)
{
	char name[NAME_MAX_OCTETS], help[HELP_MAX];

	for (int id = 0; id < COUNT_MAX; id++) {
		if (is_drop(id))
			continue;
		snprintf(name, sizeof(name), "saker_dataplane_%s_total", count_info(id)->name);
		snprintf(help, sizeof(help), "Data plane: %s.", count_info(id)->help);
		one(k, name, COUNTER, help, (double)sum(r, id));
	}
	family(k, "saker_sip_drops_total", COUNTER,
	       "Messages the data plane dropped, by reason (sakerctl drops says what to do).");
	for (int id = 0; id < COUNT_MAX; id++)
		if (is_drop(id))
			sample1(k, "reason", count_info(id)->name + 5, (double)sum(r, id));
}

/* One series of each worker, by where its number lies in struct abi_worker. */
static const struct {
	const char *name, *type, *help;
	size_t at;
} worker_series[] = {
	{"saker_lcore_cycles_total", COUNTER, "TSC cycles of the worker since its start.",
	 offsetof(struct abi_worker, total_cycles)},
	{"saker_lcore_busy_cycles_total", COUNTER, "TSC cycles in polls that found work.",
	 offsetof(struct abi_worker, busy_cycles)},
	{"saker_lcore_messages_total", COUNTER, "SIP messages the worker handled.",
	 offsetof(struct abi_worker, messages)},
	{"saker_lcore_polls_total", COUNTER, "Turns of the worker's loop.",
	 offsetof(struct abi_worker, polls)},
	{"saker_lcore_busy_polls_total", COUNTER, "Turns that found work.",
	 offsetof(struct abi_worker, busy_polls)},
	{"saker_lcore_transactions", GAUGE, "INVITE transactions alive.",
	 offsetof(struct abi_worker, transactions)},
	{"saker_lcore_heartbeats_total", COUNTER, "Stands still where a worker is stuck.",
	 offsetof(struct abi_worker, heartbeat)},
};

static uint64_t atomic_at(const void *base, size_t at)
{
	return atomic_load_explicit((const _Atomic uint64_t *)((const uint8_t *)base + at),
				    memory_order_relaxed);
}

static uint32_t workers_of(const struct abi_region *r)
{
	return !r ? 0 : r->n_workers < WORKERS_MAX ? r->n_workers : WORKERS_MAX;
}

static void workers(struct sink *k, struct abi_region *r)
{
	char number[16];

	for (size_t j = 0; j < sizeof(worker_series) / sizeof(worker_series[0]); j++) {
		family(k, worker_series[j].name, worker_series[j].type, worker_series[j].help);
		for (uint32_t i = 0; i < workers_of(r); i++) {
			snprintf(number, sizeof(number), "%u", i);
			sample1(k, "lcore", number,
				(double)atomic_at(abi_worker(r, i), worker_series[j].at));
		}
	}
}

static const struct {
	const char *name, *help;
	size_t at;
} port_series[] = {
	{"saker_port_rx_packets_total", "Frames received.",
	 offsetof(struct abi_port, rx_packets)},
	{"saker_port_tx_packets_total", "Frames sent.", offsetof(struct abi_port, tx_packets)},
	{"saker_port_rx_bytes_total", "Octets received.", offsetof(struct abi_port, rx_bytes)},
	{"saker_port_tx_bytes_total", "Octets sent.", offsetof(struct abi_port, tx_bytes)},
	{"saker_port_rx_missed_total", "Frames the port dropped because its queue was full.",
	 offsetof(struct abi_port, rx_missed)},
	{"saker_port_rx_errors_total", "Erroneous frames received.",
	 offsetof(struct abi_port, rx_errors)},
	{"saker_port_tx_errors_total", "Frames that could not be sent.",
	 offsetof(struct abi_port, tx_errors)},
	{"saker_port_rx_nombuf_total", "Frames for which no packet buffer was free.",
	 offsetof(struct abi_port, rx_nombuf)},
};

static void ports(struct sink *k, struct abi_region *r)
{
	uint32_t n = !r ? 0 : r->n_ports < PORTS_MAX ? r->n_ports : PORTS_MAX;
	char label[LABEL_MAX];

	for (size_t j = 0; j < sizeof(port_series) / sizeof(port_series[0]); j++) {
		family(k, port_series[j].name, COUNTER, port_series[j].help);
		for (uint32_t i = 0; i < n; i++)
			sample1(k, "port",
				label_of(abi_port(r, i)->name, sizeof(abi_port(r, i)->name),
					 label),
				(double)atomic_at(abi_port(r, i), port_series[j].at));
	}
	family(k, "saker_port_up", GAUGE, "1: the port has a link.");
	for (uint32_t i = 0; i < n; i++)
		sample1(k, "port",
			label_of(abi_port(r, i)->name, sizeof(abi_port(r, i)->name), label),
			atomic_load_explicit(&abi_port(r, i)->link_up, memory_order_relaxed));
}

static void tables(struct sink *k, struct abi_region *r)
{
	static const struct {
		const char *name;
		size_t at;
	} table[] = {
		{"registrations", offsetof(struct abi_tables, registrations)},
		{"impus", offsetof(struct abi_tables, impus)},
		{"contacts", offsetof(struct abi_tables, contacts)},
		{"flows", offsetof(struct abi_tables, flows)},
		{"sa_sets", offsetof(struct abi_tables, sa_sets)},
	};
	const struct abi_tables *t = r ? abi_tables(r) : NULL;

	family(k, "saker_table_entries", GAUGE, "Entries of the data plane's tables.");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		sample1(k, "table", table[i].name, t ? (double)atomic_at(t, table[i].at) : 0);
	family(k, "saker_table_memory_bytes", GAUGE, "Memory of the data plane's tables.");
	sample1(k, "state", "used",
		t ? (double)atomic_at(t, offsetof(struct abi_tables, memory_used)) : 0);
	sample1(k, "state", "total",
		t ? (double)atomic_at(t, offsetof(struct abi_tables, memory_total)) : 0);
}

static void ring(struct sink *k, const char *kind, uint32_t worker, struct abi_region *r,
		 uint64_t offset, uint64_t size)
{
	char labels[LABEL_MAX];
	struct ring handle;

	if (!ring_attach_consumer(&handle, abi_ring_at(r, offset), size))
		return;
	snprintf(labels, sizeof(labels), "ring=\"%s\",lcore=\"%u\"", kind, worker);
	sample(k, labels, (double)ring_used(&handle) / (double)size);
}

static void rings(struct sink *k, struct abi_region *r)
{
	family(k, "saker_ring_fill_ratio", GAUGE,
	       "Share of a ring between data plane and control in use.");
	for (uint32_t i = 0; i < workers_of(r); i++) {
		ring(k, "punt", i, r, r->off_punt[i], r->ring_punt);
		ring(k, "inject", i, r, r->off_inject[i], r->ring_inject);
		ring(k, "capture", i, r, r->off_capture[i], ABI_RING_CAPTURE);
	}
	if (!r)
		return;
	ring(k, "install", 0, r, r->off_install, ABI_RING_INSTALL);
	ring(k, "ack", 0, r, r->off_ack, ABI_RING_ACK);
}

static void registrations(struct sink *k, const struct control *c)
{
	static const char *const type[5] = {"initial", "re", "dereg_ue", "dereg_hss",
					    "timeout"};
	struct registrar_stats s;
	char labels[LABEL_MAX];

	registrar_stats(c->registrar, &s);
	one(k, "saker_registrations", GAUGE,
	    "Registration sets known to control (TS 32.409 UR).",
	    registrations_count(c->registrations));
	family(k, "saker_registration_attempts_total", COUNTER,
	       "Registrations begun (TS 32.409 UR.AttInitReg, UR.AttReReg, UR.AttDeRegUe, "
	       "UR.AttDeRegHss).");
	for (int i = 0; i < 5; i++)
		sample1(k, "type", type[i], (double)s.attempts[i]);
	family(k, "saker_registration_results_total", COUNTER,
	       "Registrations ended (TS 32.409 UR.SuccInitReg, UR.FailInitReg and so on).");
	for (int i = 0; i < 5; i++) {
		snprintf(labels, sizeof(labels), "type=\"%s\",result=\"success\"", type[i]);
		sample(k, labels, (double)s.successes[i]);
		snprintf(labels, sizeof(labels), "type=\"%s\",result=\"failure\"", type[i]);
		sample(k, labels, (double)s.failures[i]);
	}
	family(k, "saker_auth_results_total", COUNTER,
	       "Responses to challenges, by how the check went.");
	sample1(k, "result", "ok", (double)s.auth_ok);
	sample1(k, "result", "stale", (double)s.auth_stale);
	sample1(k, "result", "sync", (double)s.auth_sync);
	sample1(k, "result", "mac", (double)s.auth_wrong);
	sample1(k, "result", "unknown_user", (double)s.auth_unknown_user);
	one(k, "saker_registration_refreshed_total", COUNTER,
	    "Re-registrations that a worker answered.", (double)s.refreshed);
	one(k, "saker_registration_refreshed_late_total", COUNTER,
	    "Of those, of bindings that had ended meanwhile: they stay ended.",
	    (double)s.refreshed_late);
	one(k, "saker_registration_refreshed_waiting", GAUGE,
	    "Refreshed sets not yet written to disk and data plane.", s.refreshed_waiting);
	one(k, "saker_auth_challenges", GAUGE, "Challenges without a response yet.",
	    s.challenges);
	one(k, "saker_auth_vectors_users", GAUGE,
	    "Users with AKA vectors left over for challenges to come.", s.vectors_users);
	one(k, "saker_auth_vectors_used_total", COUNTER,
	    "Challenges by a vector that was left over, without the HSS.", (double)s.auth_kept);
}

static void security(struct sink *k, const struct control *c)
{
	struct registrar_stats s;

	registrar_stats(c->registrar, &s);
	family(k, "saker_sa_sets", GAUGE, "Sets of security associations with terminals.");
	for (int state = 0; state < SA_STATES; state++)
		sample1(k, "state", sa_state_name(state), sas_count(c->sas, state));
	family(k, "saker_sa_refused_total", COUNTER,
	       "REGISTERs refused for their security agreement, by reason.");
	for (int i = 0; i < SA_REFUSALS; i++)
		sample1(k, "reason", sa_refusal_name(i), (double)s.sa_refused[i]);
	one(k, "saker_sa_unproven_total", COUNTER,
	    "Temporary sets that no REGISTER came under in time.", (double)s.sa_unproven);
	one(k, "saker_sa_lost_total", COUNTER,
	    "Sets given up because the data plane lost their sequence numbers.",
	    (double)s.sa_lost);
}

static void sessions(struct sink *k, const struct control *c)
{
	struct sessions_stats s;

	sessions_stats(c->sessions, &s);
	one(k, "saker_sessions", GAUGE, "Sessions of our users that are watched.", s.active);
	one(k, "saker_sessions_begun_total", COUNTER, "Sessions that began.", (double)s.begun);
	family(k, "saker_sessions_ended_total", COUNTER, "Sessions that ended, by how.");
	sample1(k, "by", "user", (double)s.ended);
	sample1(k, "by", "deregistration", (double)(s.released - s.expired - s.refused));
	sample1(k, "by", "timer", (double)s.expired);
	sample1(k, "by", "policy", (double)s.refused);
	one(k, "saker_sessions_forgotten_total", COUNTER,
	    "Sessions no more watched, for want of room: raise control.sessions.",
	    (double)s.forgotten);
	one(k, "saker_sessions_unread_total", COUNTER,
	    "Sessions not watched: their 200 OK could not be made use of.", (double)s.unread);
	one(k, "saker_session_byes_total", COUNTER, "BYEs sent to end sessions.",
	    (double)s.byes);
	one(k, "saker_session_byes_unanswered_total", COUNTER, "Of those, without an answer.",
	    (double)s.byes_unanswered);
}

static void offers(struct sink *k, const struct control *c)
{
	struct offers_stats s;

	offers_stats(c->offers, &s);
	one(k, "saker_offers_kept", GAUGE, "Session descriptions that wait for their answers.",
	    s.kept);
	one(k, "saker_offers_ringing", GAUGE, "180s that wait for preconditions (RFC 3312).",
	    s.ringing);
	one(k, "saker_offers_forgotten_total", COUNTER,
	    "Of those, forgotten for want of room: raise control.sessions.",
	    (double)s.forgotten);
	family(k, "saker_offers_total", COUNTER,
	       "Offers and answers of terminals in policy.access, by what became of them.");
	sample1(k, "result", "passed", (double)s.passed);
	sample1(k, "result", "refused", (double)s.refused);
	sample1(k, "result", "malformed", (double)s.malformed);
	sample1(k, "result", "unfit", (double)s.unfit);
	sample1(k, "result", "denied", (double)s.denied);
	sample1(k, "result", "unasked", (double)s.unasked);
	one(k, "saker_offers_sessions_ended_total", COUNTER,
	    "Sessions ended because their resources were released.", (double)s.ended);
}

static void policy(struct sink *k, const struct control *c)
{
	static const char *const event[POLICY_EVENTS] = {"lost", "recovered", "released",
							 "changed", "other"};
	struct policy_stats s = {0};

	if (c->policy)
		policy_stats(c->policy, &s);
	one(k, "saker_policy_up", GAUGE, "1 while a policy function is connected.", s.up);
	one(k, "saker_policy_sessions", GAUGE, "Sessions with the policy function.",
	    s.sessions);
	one(k, "saker_policy_ending", GAUGE, "Of those, whose end it has not heard yet.",
	    s.ending);
	family(k, "saker_policy_questions_total", COUNTER,
	       "Questions to the policy function, by answer.");
	sample1(k, "answer", "granted", (double)s.granted);
	sample1(k, "answer", "refused", (double)s.refused);
	sample1(k, "answer", "none", (double)s.unanswered);
	family(k, "saker_policy_events_total", COUNTER, "What the policy function told.");
	for (int i = 0; i < POLICY_EVENTS; i++)
		sample1(k, "event", event[i], (double)s.events[i]);
	one(k, "saker_policy_unknown_total", COUNTER,
	    "Its requests for sessions that there are not.", (double)s.unknown);
	one(k, "saker_policy_late_total", COUNTER, "Answers that came too late, or twice.",
	    (double)s.late);
	one(k, "saker_policy_abandoned_total", COUNTER,
	    "Sessions whose end it has not heard in ten minutes.", (double)s.abandoned);
}

static void signalling(struct sink *k, const struct control *c)
{
	struct signalling_stats s = {0};

	if (c->signalling)
		signalling_stats(c->signalling, &s);
	family(k, "saker_signalling_paths", GAUGE,
	       "Registered terminals' addresses, by what the policy function knows of them.");
	sample1(k, "state", "open", s.open);
	sample1(k, "state", "waiting", s.waiting);
	sample1(k, "state", "none", s.paths - s.open - s.waiting);
	one(k, "saker_signalling_refused_total", COUNTER,
	    "Of those, refused by the policy function.", (double)s.refused);
	one(k, "saker_signalling_lost_total", COUNTER,
	    "Bearers under registrations that were lost.", (double)s.lost);
	one(k, "saker_signalling_changed_total", COUNTER,
	    "Terminals whose access network changed.", (double)s.changed);
	one(k, "saker_signalling_dropped_total", COUNTER,
	    "Contacts that ended with their bearer.", (double)s.dropped);
}

static void charging(struct sink *k, const struct control *c)
{
	struct charging_stats s = {0};

	if (c->charging)
		charging_stats(c->charging, &s);
	one(k, "saker_charging_up", GAUGE, "1 while a charging data function is connected.",
	    s.up);
	one(k, "saker_charging_open", GAUGE, "Accounting sessions that go on.", s.open);
	one(k, "saker_charging_spooled", GAUGE,
	    "Records that no charging data function has taken yet.", s.spooled);
	family(k, "saker_charging_records_total", COUNTER, "Records, by what became of them.");
	sample1(k, "result", "written", (double)s.written);
	sample1(k, "result", "taken", (double)s.taken);
	sample1(k, "result", "rejected", (double)s.rejected);
	sample1(k, "result", "lost", (double)s.lost);
	one(k, "saker_charging_repeated_total", COUNTER, "Records that were sent once more.",
	    (double)s.repeated);
	one(k, "saker_charging_forgotten_total", COUNTER,
	    "Sessions whose end nobody has heard of in a day.", (double)s.forgotten);
}

static void reg_events(struct sink *k, const struct control *c)
{
	struct reg_events_stats s;

	reg_events_stats(c->reg_events, &s);
	one(k, "saker_reg_event_subscriptions", GAUGE, "Subscriptions to registrations.",
	    s.active);
	one(k, "saker_reg_event_subscribed_total", COUNTER, "Subscriptions that began.",
	    (double)s.subscribed);
	one(k, "saker_reg_event_refused_total", COUNTER, "SUBSCRIBEs refused.",
	    (double)s.refused);
	one(k, "saker_reg_event_notified_total", COUNTER, "NOTIFYs sent.", (double)s.notified);
	one(k, "saker_reg_event_failed_total", COUNTER,
	    "NOTIFYs without an answer of success: their subscriptions end.", (double)s.failed);
	one(k, "saker_reg_event_too_large_total", COUNTER,
	    "Documents that fit no datagram: their subscriptions end.", (double)s.too_large);
}

static void proxy_auths(struct sink *k, const struct control *c)
{
	struct proxy_auths_stats s;

	proxy_auths_stats(c->proxy_auths, &s);
	family(k, "saker_proxy_auth_total", COUNTER,
	       "Requests of digest users, but REGISTER, by outcome.");
	sample1(k, "outcome", "passed", (double)s.passed);
	sample1(k, "outcome", "challenged", (double)s.challenged);
	sample1(k, "outcome", "stale", (double)s.stale);
	sample1(k, "outcome", "wrong", (double)s.wrong);
	sample1(k, "outcome", "failed", (double)s.failed);
	one(k, "saker_proxy_auth_challenges", GAUGE, "Challenges outstanding.", s.challenges);
}

static void watchers(struct sink *k, const struct control *c)
{
	struct watchers_stats s;

	watchers_stats(c->watchers, &s);
	one(k, "saker_watcher_subscriptions", GAUGE,
	    "Registrations at other S-CSCFs that this P-CSCF is told of.", s.active);
	one(k, "saker_watcher_subscribed_total", COUNTER, "SUBSCRIBEs for them.",
	    (double)s.subscribed);
	one(k, "saker_watcher_failed_total", COUNTER, "Of those, without success.",
	    (double)s.failed);
	one(k, "saker_watcher_notified_total", COUNTER, "NOTIFYs that came.",
	    (double)s.notified);
	one(k, "saker_watcher_refused_total", COUNTER, "Of those, refused.", (double)s.refused);
	one(k, "saker_watcher_ended_total", COUNTER,
	    "Contacts that ended, or end sooner, by a NOTIFY.", (double)s.ended);
}

static void outbound(struct sink *k, const struct control *c)
{
	struct outbound_stats s;
	struct dns_stats d;

	outbound_stats(c->outbound, &s);
	dns_stats(outbound_dns(c->outbound), &d);
	family(k, "saker_outbound_total", COUNTER,
	       "Requests of our users to numbers and domains not ours, by what decided.");
	sample1(k, "outcome", "enum", (double)s.enumerated);
	sample1(k, "outcome", "bgcf", (double)s.by_rule);
	sample1(k, "outcome", "domain", (double)s.by_domain);
	sample1(k, "outcome", "nowhere", (double)s.nowhere);
	sample1(k, "outcome", "failed", (double)s.failed);
	one(k, "saker_dns_questions_total", COUNTER, "Questions to name servers.",
	    (double)d.asked);
	one(k, "saker_dns_cached_total", COUNTER, "Questions answered from memory.",
	    (double)d.cached);
	one(k, "saker_dns_nothing_total", COUNTER, "Questions of which there was nothing.",
	    (double)d.nothing);
	one(k, "saker_dns_failed_total", COUNTER,
	    "Questions without an answer in time, or with a broken one.", (double)d.failed);
	one(k, "saker_dns_open", GAUGE, "Questions under way.", d.open);
	one(k, "saker_dns_kept", GAUGE, "Answers in memory.", d.kept);
}

static void third_party(struct sink *k, const struct control *c)
{
	struct unregistered_stats u;
	struct servers_stats v;
	struct owed_stats s;

	if (!c->owed)
		return;
	owed_stats(c->owed, &s);
	servers_stats(c->servers, &v);
	unregistered_stats(c->unregistereds, &u);
	one(k, "saker_owed_registers", GAUGE,
	    "Third-party REGISTERs that Application Servers have not answered yet.", s.owed);
	one(k, "saker_owed_under_way", GAUGE, "Of those, sent and waited for.", s.under_way);
	one(k, "saker_owed_octets", GAUGE, "Of their texts, in memory.", (double)s.texts);
	family(k, "saker_third_party_total", COUNTER, "Third-party REGISTERs, by outcome.");
	sample1(k, "outcome", "answered", (double)s.answered);
	sample1(k, "outcome", "refused", (double)s.refused);
	sample1(k, "outcome", "given_up", (double)s.given_up);
	sample1(k, "outcome", "lost", (double)s.lost);
	one(k, "saker_third_party_sent_total", COUNTER, "The same, each try.", (double)s.sent);
	one(k, "saker_third_party_failed_total", COUNTER,
	    "Tries at all addresses of a server without an answer that helps.",
	    (double)s.failed);
	one(k, "saker_third_party_deregistered_total", COUNTER,
	    "Registrations ended because a server did not answer (SESSION_TERMINATED).",
	    (double)s.deregistered);
	one(k, "saker_application_servers", GAUGE, "Application Servers of service profiles.",
	    v.n);
	one(k, "saker_application_servers_nowhere", GAUGE,
	    "Of those, without an address in the DNS.", v.nowhere);
	one(k, "saker_application_servers_silent", GAUGE,
	    "Of those, about which the DNS does not answer.", v.silent);
	one(k, "saker_application_servers_refused_total", COUNTER,
	    "More than can be kept: their criteria find no server.", (double)v.refused);
	one(k, "saker_unregistered_users", GAUGE,
	    "Users who are served although they are not registered.", u.n);
	family(k, "saker_unregistered_total", COUNTER,
	       "Users who came to be served so, or not.");
	sample1(k, "outcome", "served", (double)u.served);
	sample1(k, "outcome", "expired", (double)u.expired);
	sample1(k, "outcome", "evicted", (double)u.evicted);
	sample1(k, "outcome", "refused", (double)u.refused);
}

static void exchanges(struct sink *k, const struct control *c)
{
	static const char *const class_name[7] = {"", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx"};
	struct exchange_stats s;

	exchanges_stats(c->exchanges, &s);
	one(k, "saker_control_requests_total", COUNTER, "SIP requests control took in.",
	    (double)s.requests);
	one(k, "saker_control_repeats_total", COUNTER, "Repeats of requests it knew.",
	    (double)s.repeats);
	family(k, "saker_control_answers_total", COUNTER, "SIP responses of control.");
	for (int i = 1; i < 7; i++)
		sample1(k, "code_class", class_name[i], (double)s.answered[i]);
	one(k, "saker_control_requests_sent_total", COUNTER, "SIP requests of control's own.",
	    (double)s.sent);
	one(k, "saker_control_timeouts_total", COUNTER,
	    "Own requests without an answer (timer F).", (double)s.timeouts);
	one(k, "saker_control_malformed_total", COUNTER, "Messages refused by the parser.",
	    (double)s.malformed);
	one(k, "saker_control_shed_total", COUNTER,
	    "Requests answered 503 because too many were open.", (double)s.shed);
	one(k, "saker_control_forgotten_total", COUNTER,
	    "Answers not kept for the whole of timer J for want of room.", (double)s.forgotten);
	family(k, "saker_sip_transactions", GAUGE, "Transactions of control.");
	sample1(k, "kind", "server", s.open);
	sample1(k, "kind", "answered", s.kept);
	sample1(k, "kind", "client", s.requests_open);
}

static void diameter(struct sink *k, const struct control *c)
{
	static const char *const command[6] = {"UAR", "SAR", "LIR", "MAR", "RTR", "PPR"};
	struct diameter_peer_state peer[DIAMETER_PEERS_MAX];
	struct cx_stats s = {0};
	char label[LABEL_MAX];
	uint32_t n = 0;

	if (c->cx) {
		cx_stats(c->cx, &s);
		n = diameter_peers(peer, DIAMETER_PEERS_MAX);
	}
	family(k, "saker_diameter_requests_total", COUNTER,
	       "Cx requests (TS 32.409 UR.AttUAR, UR.AttSAR, LIQ.AttLIR, MA.AttMAR).");
	for (int i = 0; i < 6; i++)
		sample1(k, "command", command[i], (double)s.sent[i]);
	family(k, "saker_diameter_answers_total", COUNTER, "Cx answers.");
	for (int i = 0; i < 6; i++)
		sample1(k, "command", command[i], (double)s.answered[i]);
	family(k, "saker_diameter_failures_total", COUNTER,
	       "Cx requests without a usable answer.");
	for (int i = 0; i < 6; i++)
		sample1(k, "command", command[i], (double)s.failed[i]);
	one(k, "saker_diameter_timeouts_total", COUNTER, "Cx requests that timed out.",
	    (double)s.timeouts);
	one(k, "saker_diameter_redirected_total", COUNTER,
	    "Cx requests that went on to another HSS.", (double)s.redirected);
	one(k, "saker_diameter_window_full_total", COUNTER,
	    "Cx requests shed: too many outstanding.", (double)s.window_full);
	one(k, "saker_diameter_outstanding", GAUGE, "Cx requests under way.",
	    (double)s.outstanding);
	family(k, "saker_diameter_peer_up", GAUGE, "1: the connection to the peer is open.");
	for (uint32_t i = 0; i < n && i < DIAMETER_PEERS_MAX; i++)
		sample1(k, "peer", label_of(peer[i].identity, sizeof(peer[i].identity), label),
			peer[i].open);
}

static void stores(struct sink *k, const struct series_sources *s)
{
	struct persist_stats p;
	struct installer_stats i;
	struct capture_state c;

	persist_stats(s->control->persist, &p);
	one(k, "saker_persist_commits_total", COUNTER,
	    "Transactions on the registration store.", (double)p.commits);
	one(k, "saker_persist_changes_total", COUNTER, "Sets written or removed.",
	    (double)p.changes);
	one(k, "saker_persist_failures_total", COUNTER,
	    "Transactions that failed: disk full or read-only?", (double)p.failures);
	one(k, "saker_persist_damaged_total", COUNTER, "Rows found damaged at start.",
	    (double)p.damaged);
	one(k, "saker_persist_journal_lines", GAUGE,
	    "Prolonged bindings that stand in the journal and not with their sets.",
	    (double)persist_prolonged(s->control->persist));
	installer_stats(s->control->installer, &i);
	one(k, "saker_install_puts_total", COUNTER, "Sets given to the data plane.",
	    (double)i.put);
	one(k, "saker_install_prolonged_total", COUNTER,
	    "Contacts whose new expiry was given to the data plane.", (double)i.prolonged);
	one(k, "saker_install_deletes_total", COUNTER, "Sets removed from the data plane.",
	    (double)i.deleted);
	one(k, "saker_install_acknowledged_total", COUNTER,
	    "Records the data plane acknowledged.", (double)i.acknowledged);
	one(k, "saker_install_refused_total", COUNTER, "Records the data plane refused.",
	    (double)i.refused);
	one(k, "saker_install_waiting", GAUGE, "Records that wait for room in the ring.",
	    i.waiting);
	capture_state(s->capture, &c);
	one(k, "saker_capture_running", GAUGE, "1: messages are being captured.", c.on);
	one(k, "saker_capture_messages", GAUGE, "Messages in the running or last capture.",
	    (double)c.written);
}

static void all(struct sink *k, const struct series_sources *s)
{
	struct abi_region *r = link_region(s->control->link);

	build(k, s);
	one(k, "saker_dataplane_up", GAUGE, "1: control is connected with the data plane.",
	    r != NULL);
	registrations(k, s->control);
	security(k, s->control);
	sessions(k, s->control);
	offers(k, s->control);
	policy(k, s->control);
	charging(k, s->control);
	signalling(k, s->control);
	reg_events(k, s->control);
	watchers(k, s->control);
	proxy_auths(k, s->control);
	outbound(k, s->control);
	third_party(k, s->control);
	exchanges(k, s->control);
	diameter(k, s->control);
	stores(k, s);
	dataplane_counts(k, r);
	workers(k, r);
	ports(k, r);
	tables(k, r);
	rings(k, r);
}

void series_write_text(const struct series_sources *s, struct json *out)
{
	all(&(struct sink){.out = out}, s);
}

void series_write_rows(const struct series_sources *s, struct json *out, const char *key)
{
	json_array(out, key);
	all(&(struct sink){.out = out, .rows = true}, s);
	json_end_array(out);
}
