/* command.c - what sakerctl can ask of control */
#include "control/command.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>

#include "abi/region.h"
#include "base/admin.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/capture.h"
#include "control/charging.h"
#include "control/cx.h"
#include "control/exchange.h"
#include "control/install.h"
#include "control/link.h"
#include "control/owed.h"
#include "control/persist.h"
#include "control/policy.h"
#include "control/reg_event.h"
#include "control/registrar.h"
#include "control/sa.h"
#include "control/servers.h"
#include "control/services.h"
#include "control/session.h"
#include "control/ways.h"
#include "base/version.h"
#include "diameter/diameter.h"
#include "sip/uri.h"

enum {
	ERROR_MAX = 256,
	LIST_DEFAULT = 100,
	LIST_MAX = 100000,
	REAUTH_DEFAULT = 30, /* seconds */
	REAUTH_MAX = 86400,
	CAPTURE_DEFAULT = 10000,
	SOCKET_PATH_MAX = 512,
};

struct commands {
	struct ev_loop *loop;
	struct command_parts parts;
	struct admin *admin;
	struct ev_io io;
	struct ev_timer tick;
};

/* The words behind the command's own. */
struct args {
	int n;
	const char *const *word;
	struct slice payload;
};

static const char *option(const struct args *a, const char *name)
{
	for (int i = 0; i + 1 < a->n; i++)
		if (strcmp(a->word[i], name) == 0)
			return a->word[i + 1];
	return NULL;
}

/* False: there, but no number up to most. */
static bool option_number(const struct args *a, const char *name, uint64_t most,
			  uint64_t *value)
{
	const char *text = option(a, name);

	return !text || slice_u64(slice_str(text), most, value);
}

static void cmd_version(struct commands *c, const struct args *a, struct json *out)
{
	json_object(out, NULL);
	json_str(out, "program", "saker-control");
	json_str(out, "version", SAKER_VERSION);
	json_end_object(out);
}

static void cmd_status(struct commands *c, const struct args *a, struct json *out)
{
	const struct control *k = c->parts.control;
	struct exchange_stats x;
	struct installer_stats i;
	struct cx_stats cx = {0};

	exchanges_stats(k->exchanges, &x);
	installer_stats(k->installer, &i);
	if (k->cx)
		cx_stats(k->cx, &cx);
	json_object(out, NULL);
	json_str(out, "program", "saker-control");
	json_str(out, "version", SAKER_VERSION);
	json_u64(out, "uptime_s", (clock_wall_ms() - c->parts.series->start_wall_ms) / 1000);
	json_str(out, "dataplane", link_is_up(k->link) ? "connected" : "down");
	json_str(out, "hss", !k->cx ? "not used" : cx.up ? "connected" : "down");
	json_u64(out, "registrations", registrations_count(k->registrations));
	json_u64(out, "open_transactions", x.open);
	json_u64(out, "cx_outstanding", cx.outstanding);
	json_u64(out, "install_waiting", i.waiting);
	json_end_object(out);
}

static void put_addr(struct json *out, const char *key, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	json_str(out, key, a->family ? addr_text(a, text) : "-");
}

static const char *roles_text(uint8_t roles)
{
	switch (roles) {
	case ABI_REG_PCSCF:
		return "pcscf";
	case ABI_REG_SCSCF:
		return "scscf";
	case ABI_REG_SCSCF | ABI_REG_UNREGISTERED:
		return "scscf,unregistered";
	case ABI_REG_PCSCF | ABI_REG_SCSCF:
		return "pcscf,scscf";
	default:
		return "-";
	}
}

static uint64_t seconds_until(uint64_t wall_ms)
{
	uint64_t now = clock_wall_ms();

	return wall_ms > now ? (wall_ms - now) / 1000 : 0;
}

static uint64_t seconds_left(const struct registration_contact *k)
{
	return seconds_until(k->expires_wall_ms);
}

static uint64_t seconds_since(uint64_t wall_ms)
{
	uint64_t now = clock_wall_ms();

	return now > wall_ms ? (now - wall_ms) / 1000 : 0;
}

static void show_contact(struct json *out, const struct registration_set *s, uint32_t i)
{
	const struct registration_contact *k = &s->contact[i];

	json_object(out, NULL);
	json_str(out, "impu", s->impu[0]);
	json_str(out, "impi", k->impi ? k->impi : "");
	json_str(out, "roles", roles_text(s->roles));
	json_str(out, "contact", k->uri);
	put_addr(out, "flow", &k->flow);
	put_addr(out, "hop", &k->hop);
	json_u64(out, "expires_s", seconds_left(k));
	json_u64(out, "refreshed_s", seconds_since(k->registered_wall_ms));
	json_u64(out, "q", k->q);
	json_str(out, "instance", k->instance ? k->instance : "");
	json_u64(out, "reg_id", k->reg_id);
	json_bool(out, "emergency", k->emergency);
	json_end_object(out);
}

/* As a registration is kept: the canonical form; what is no identity is looked for as it is. */
static const char *canonical(const char *word, uint8_t memory[IMPU_MAX + 1])
{
	struct text t = text_in(memory, IMPU_MAX + 1);
	struct sip_uri uri;

	if (sip_uri_decode(slice_str(word), &uri) != SIP_OK || !sip_uri_identity(&uri, &t))
		return word;
	return text_cstr(&t);
}

static struct registration_set *find(struct commands *c, const struct args *a, struct json *out)
{
	uint8_t memory[IMPU_MAX + 1];
	struct registration_set *s = NULL;

	if (a->n < 1) {
		admin_error(out, "usage", "no public identity given",
			    "for instance: reg show sip:alice@example.org");
		return NULL;
	}
	s = registrations_by_impu(c->parts.control->registrations,
				  canonical(a->word[0], memory));
	if (!s)
		admin_error(out, "not_found", "not registered here", "sakerctl reg list");
	return s;
}

static void cmd_reg_show(struct commands *c, const struct args *a, struct json *out)
{
	struct registration_set *s = find(c, a, out);

	if (!s)
		return;
	json_object(out, NULL);
	json_array(out, "rows");
	for (uint32_t i = 0; i < s->n_contact; i++)
		show_contact(out, s, i);
	json_end_array(out);
	json_array(out, "identities");
	for (uint32_t i = 0; i < s->n_impu; i++)
		json_str(out, NULL, s->impu[i]);
	json_end_array(out);
	json_str(out, "service_route", s->service_route ? s->service_route : "");
	json_str(out, "charging", s->charging ? s->charging : "");
	json_end_object(out);
}

struct listing {
	struct json *out;
	uint64_t left;
};

static bool list_one(void *ctx, struct registration_set *s)
{
	struct listing *l = ctx;

	if (l->left == 0)
		return false;
	l->left--;
	json_object(l->out, NULL);
	json_str(l->out, "impu", s->impu[0]);
	json_str(l->out, "impi", s->impi ? s->impi : "");
	json_str(l->out, "roles", roles_text(s->roles));
	json_u64(l->out, "identities", s->n_impu);
	json_u64(l->out, "contacts", s->n_contact);
	json_u64(l->out, "expires_s", s->n_contact ? seconds_left(&s->contact[0]) : 0);
	json_end_object(l->out);
	return true;
}

static void cmd_reg_list(struct commands *c, const struct args *a, struct json *out)
{
	struct registrations *all = c->parts.control->registrations;
	uint64_t limit = LIST_DEFAULT;
	char note[64];

	if (!option_number(a, "--limit", LIST_MAX, &limit)) {
		admin_error(out, "usage", "--limit wants a number up to 100000", NULL);
		return;
	}
	json_object(out, NULL);
	json_array(out, "rows");
	registrations_each(all, list_one, &(struct listing){out, limit});
	json_end_array(out);
	if (registrations_count(all) > limit) {
		snprintf(note, sizeof(note), "%u of %u shown; --limit N", (unsigned)limit,
			 registrations_count(all));
		json_str(out, "note", note);
	}
	json_end_object(out);
}

/* As if the network had ended the registration (TS 24.229 §5.4.1.5). */
static void cmd_reg_dereg(struct commands *c, const struct args *a, struct json *out)
{
	struct registration_set *s = find(c, a, out);
	char impi[IMPI_MAX + 1], impu[IMPU_MAX + 1];
	uint32_t removed;

	if (!s)
		return;
	/* Copies: the set goes away under the call. */
	snprintf(impi, sizeof(impi), "%s", s->impi ? s->impi : "");
	snprintf(impu, sizeof(impu), "%s", s->impu[0]);
	removed = registrar_deregister(
		c->parts.control->registrar, slice_str(impi),
		&(struct slice){(const uint8_t *)impu, (uint32_t)strlen(impu)}, 1,
		CX_REASON_PERMANENT_TERMINATION);
	log_event(LOG_INFO, "command", "dereg", LOG_Z("impu", impu), LOG_U("removed", removed));
	json_object(out, NULL);
	json_u64(out, "removed", removed);
	json_end_object(out);
}

struct sa_listing {
	struct listing l;
	const char *impu; /* NULL: all */
	uint64_t set_id;  /* its registration set, or 0 */
};

/* Never the keys. */
static bool show_sa(void *ctx, const struct sa *sa)
{
	struct sa_listing *s = ctx;
	struct json *out = s->l.out;

	if (s->impu && strcmp(sa->impu, s->impu) != 0 &&
	    (s->set_id == 0 || sa->set_id != s->set_id))
		return true;
	if (s->l.left == 0)
		return false;
	s->l.left--;
	json_object(out, NULL);
	json_str(out, "impu", sa->impu);
	json_str(out, "impi", sa->impi);
	json_str(out, "state", sa_state_name(sa->state));
	put_addr(out, "ue", &sa->ue);
	put_addr(out, "nat", &sa->nat);
	put_addr(out, "local", &sa->local);
	json_u64(out, "port_us", sa->port_us);
	json_u64(out, "port_pc", sa->port_pc);
	json_u64(out, "spi_uc", sa->spi_uc);
	json_u64(out, "spi_us", sa->spi_us);
	json_u64(out, "spi_pc", sa->spi_pc);
	json_u64(out, "spi_ps", sa->spi_ps);
	json_str(out, "alg", sec_integrity_name(sa->pair.integrity));
	json_str(out, "ealg", sec_cipher_name(sa->pair.cipher));
	json_u64(out, "age_s", seconds_since(sa->created_wall_ms));
	json_u64(out, "ends_s", seconds_until(sa->due_wall_ms));
	json_end_object(out);
	return true;
}

static void cmd_sa_show(struct commands *c, const struct args *a, struct json *out)
{
	const struct control *k = c->parts.control;
	struct sa_listing s = {.l = {.out = out, .left = LIST_DEFAULT}};
	struct registration_set *set;
	uint8_t memory[IMPU_MAX + 1];

	if (!option_number(a, "--limit", LIST_MAX, &s.l.left)) {
		admin_error(out, "usage", "--limit wants a number up to 100000", NULL);
		return;
	}
	if (a->n > 0 && a->word[0][0] != '-') {
		s.impu = canonical(a->word[0], memory);
		set = registrations_by_impu(k->registrations, s.impu);
		s.set_id = set ? set->id : 0;
	}
	json_object(out, NULL);
	json_array(out, "rows");
	sas_each(k->sas, show_sa, &s);
	json_end_array(out);
	json_end_object(out);
}

static bool show_session(void *ctx, const struct session_row *row)
{
	struct listing *l = ctx;

	if (l->left == 0)
		return false;
	l->left--;
	json_object(l->out, NULL);
	json_slice(l->out, "call_id", row->call_id);
	json_slice(l->out, "caller", row->caller);
	json_slice(l->out, "callee", row->callee);
	json_u64(l->out, "age_s", seconds_since(row->begun_wall_ms));
	json_end_object(l->out);
	return true;
}

static void cmd_session_list(struct commands *c, const struct args *a, struct json *out)
{
	struct listing l = {out, LIST_DEFAULT};

	if (!option_number(a, "--limit", LIST_MAX, &l.left)) {
		admin_error(out, "usage", "--limit wants a number up to 100000", NULL);
		return;
	}
	json_object(out, NULL);
	json_array(out, "rows");
	sessions_each(c->parts.control->sessions, show_session, &l);
	json_end_array(out);
	json_end_object(out);
}

static bool show_subscription(void *ctx, const struct reg_event_row *row)
{
	struct listing *l = ctx;

	if (l->left == 0)
		return false;
	l->left--;
	json_object(l->out, NULL);
	json_slice(l->out, "impu", row->user);
	json_slice(l->out, "subscriber", row->subscriber);
	json_u64(l->out, "expires_s", seconds_until(row->expires_wall_ms));
	json_u64(l->out, "version", row->version);
	json_end_object(l->out);
	return true;
}

static void cmd_reg_subscribers(struct commands *c, const struct args *a, struct json *out)
{
	struct listing l = {out, LIST_DEFAULT};

	if (!option_number(a, "--limit", LIST_MAX, &l.left)) {
		admin_error(out, "usage", "--limit wants a number up to 100000", NULL);
		return;
	}
	json_object(out, NULL);
	json_array(out, "rows");
	reg_events_each(c->parts.control->reg_events, show_subscription, &l);
	json_end_array(out);
	json_end_object(out);
}

static void put_server_addresses(struct json *out, const struct server_row *row)
{
	uint8_t memory[SERVER_ADDRESSES_MAX * (ADDR_TEXT_MAX + 16)];
	struct text t = text_in(memory, sizeof(memory));

	for (uint32_t i = 0; i < row->n; i++) {
		text_str(&t, i ? " " : "");
		addr_put(&t, &row->address[i]);
		text_str(&t, row->resting[i] ? " (rests)" : "");
	}
	json_str(out, "addresses", text_cstr(&t));
}

struct server_listing {
	struct json *out;
	const struct control *control;
};

static bool show_server(void *ctx, struct server *server)
{
	static const char *const state[] = {"asked", "found", "nowhere", "dns silent"};
	struct server_listing *l = ctx;
	struct server_row row;

	server_describe(server, &row);
	json_object(l->out, NULL);
	json_str(l->out, "server", row.name);
	json_str(l->out, "state", state[row.state]);
	put_server_addresses(l->out, &row);
	json_u64(l->out, "owed", owed_to(l->control->owed, server));
	json_u64(l->out, "answered", row.answered);
	json_u64(l->out, "failed", row.failed);
	json_end_object(l->out);
	return true;
}

static void cmd_as_servers(struct commands *c, const struct args *a, struct json *out)
{
	struct server_listing l = {out, c->parts.control};

	json_object(out, NULL);
	json_array(out, "rows");
	if (l.control->owed)
		servers_each(l.control->servers, show_server, &l);
	json_end_array(out);
	json_end_object(out);
}

static bool show_policy(void *ctx, const struct policy_row *row)
{
	char ue[ADDR_TEXT_MAX];
	struct json *out = ctx;

	json_object(out, NULL);
	json_slice(out, "session", row->id);
	json_str(out, "kind", row->kind == POLICY_SIGNALLING ? "signalling" : "session");
	json_str(out, "terminal", row->ue.family ? addr_text(&row->ue, ue) : "");
	json_str(out, "state", row->state);
	json_slice(out, "call_id", row->name);
	json_end_object(out);
	return true;
}

static void cmd_policy_show(struct commands *c, const struct args *a, struct json *out)
{
	json_object(out, NULL);
	json_array(out, "rows");
	if (c->parts.control->policy)
		policy_each(c->parts.control->policy, show_policy, out);
	json_end_array(out);
	json_end_object(out);
}

static bool show_charge(void *ctx, const struct charging_row *row)
{
	struct json *out = ctx;

	json_object(out, NULL);
	json_slice(out, "call_id", row->call_id);
	json_slice(out, "icid", row->icid);
	json_slice(out, "caller", row->caller);
	json_slice(out, "called", row->called);
	json_u64(out, "accounts", row->accounts);
	json_u64(out, "records", row->records);
	json_u64(out, "seconds", row->age_ms / 1000);
	json_end_object(out);
	return true;
}

static void cmd_charging_show(struct commands *c, const struct args *a, struct json *out)
{
	json_object(out, NULL);
	json_array(out, "rows");
	if (c->parts.control->charging)
		charging_each(c->parts.control->charging, show_charge, out);
	json_end_array(out);
	json_end_object(out);
}

/* TS 24.229 §5.4.1.6 */
static void cmd_reg_reauth(struct commands *c, const struct args *a, struct json *out)
{
	struct registration_set *s = find(c, a, out);
	uint64_t seconds = REAUTH_DEFAULT;
	uint32_t n;

	if (!s)
		return;
	if (!option_number(a, "--within", REAUTH_MAX, &seconds)) {
		admin_error(out, "usage", "--within wants a number of seconds up to 86400",
			    NULL);
		return;
	}
	n = registrar_reauthenticate(c->parts.control->registrar, slice_str(s->impu[0]),
				     (uint32_t)seconds);
	log_event(LOG_INFO, "command", "reauth", LOG_Z("impu", s->impu[0]),
		  LOG_U("contacts", n));
	json_object(out, NULL);
	json_u64(out, "shortened", n);
	json_end_object(out);
}

static void cmd_diameter_peers(struct commands *c, const struct args *a, struct json *out)
{
	struct diameter_peer_state peer[DIAMETER_PEERS_MAX];
	uint32_t n = c->parts.control->cx ? diameter_peers(peer, DIAMETER_PEERS_MAX) : 0;

	json_object(out, NULL);
	json_array(out, "rows");
	for (uint32_t i = 0; i < n; i++) {
		json_object(out, NULL);
		json_str(out, "peer", peer[i].identity);
		json_str(out, "state", peer[i].state);
		json_bool(out, "open", peer[i].open);
		json_end_object(out);
	}
	json_end_array(out);
	json_end_object(out);
}

static void cmd_metrics(struct commands *c, const struct args *a, struct json *out)
{
	json_object(out, NULL);
	series_write_rows(c->parts.series, out, "rows");
	json_end_object(out);
}

static void show_capture(struct commands *c, struct json *out)
{
	struct capture_state s;

	capture_state(c->parts.capture, &s);
	json_object(out, NULL);
	json_bool(out, "running", s.on);
	json_str(out, "file", s.file);
	json_u64(out, "messages", s.written);
	json_str(out, "ended", s.ended);
	json_end_object(out);
}

static void cmd_capture_start(struct commands *c, const struct args *a, struct json *out)
{
	const char *file = option(a, "--file");
	uint64_t limit = CAPTURE_DEFAULT;
	char error[ERROR_MAX];

	if (!file || !option_number(a, "--limit", UINT32_MAX, &limit))
		admin_error(out, "usage", "capture start --file FILE [--limit MESSAGES]", NULL);
	else if (!capture_start(c->parts.capture, file, limit, error))
		admin_error(out, "capture", error,
			    "the file must not exist yet; control's user writes it");
	else
		show_capture(c, out);
}

static void cmd_capture_stop(struct commands *c, const struct args *a, struct json *out)
{
	capture_stop(c->parts.capture);
	show_capture(c, out);
}

static void cmd_ifc_test(struct commands *c, const struct args *a, struct json *out)
{
	const struct control *k = c->parts.control;
	const char *impu = option(a, "--impu"), *session_case = option(a, "--case");
	uint8_t memory[IMPU_MAX + 1];
	struct registration_set *s;

	if (!impu || !session_case || !a->payload.len) {
		admin_error(out, "usage", "--impu, --case and a message are wanted", NULL);
		return;
	}
	impu = canonical(impu, memory);
	s = registrations_by_impu(k->registrations, impu);
	if (!s || !k->services)
		admin_error(out, "not_found", "not registered here",
			    "--profile FILE tests without a registration");
	else
		services_explain(k->services, s, impu, session_case,
				 option(a, "--registration"), a->payload, out);
}

#define WAYS_COMMAND(name)                                                                     \
	static void cmd_##name(struct commands *c, const struct args *a, struct json *out)     \
	{                                                                                      \
		ways_##name(c->parts.control->ways, a->n, a->word, out);                       \
	}

WAYS_COMMAND(dns_show)
WAYS_COMMAND(dns_query)
WAYS_COMMAND(dns_flush)
WAYS_COMMAND(route_show)
WAYS_COMMAND(route_flush)

static const struct {
	const char *noun, *verb; /* verb NULL: the noun is all */
	void (*run)(struct commands *c, const struct args *a, struct json *out);
} command[] = {
	{"status", NULL, cmd_status},          {"version", NULL, cmd_version},
	{"reg", "show", cmd_reg_show},         {"reg", "list", cmd_reg_list},
	{"reg", "dereg", cmd_reg_dereg},       {"diameter", "peers", cmd_diameter_peers},
	{"metrics", NULL, cmd_metrics},        {"capture", "start", cmd_capture_start},
	{"capture", "stop", cmd_capture_stop}, {"sa", "show", cmd_sa_show},
	{"session", "list", cmd_session_list}, {"reg", "subscribers", cmd_reg_subscribers},
	{"as", "servers", cmd_as_servers},     {"reg", "reauth", cmd_reg_reauth},
	{"ifc", "test", cmd_ifc_test},         {"dns", "show", cmd_dns_show},
	{"dns", "query", cmd_dns_query},       {"dns", "flush", cmd_dns_flush},
	{"policy", "show", cmd_policy_show},   {"route", "show", cmd_route_show},
	{"route", "flush", cmd_route_flush},   {"charging", "show", cmd_charging_show},
};

static void on_command(void *ctx, const struct admin_request *q, struct json *out)
{
	for (size_t i = 0; i < sizeof(command) / sizeof(command[0]); i++) {
		int own = command[i].verb ? 2 : 1;

		if (q->n_words < own || strcmp(q->word[0], command[i].noun) != 0 ||
		    (own == 2 && strcmp(q->word[1], command[i].verb) != 0))
			continue;
		command[i].run(ctx, &(struct args){q->n_words - own, q->word + own, q->payload},
			       out);
		return;
	}
	admin_error(out, "unknown_command", "saker-control does not know this command",
		    "sakerctl --help");
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct commands *c = w->data;

	admin_poll(c->admin);
}

/* Clients that do not move on are cut by time. */
static void on_tick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct commands *c = w->data;

	admin_poll(c->admin);
}

struct commands *commands_open(struct ev_loop *loop, const char *runtime_dir,
			       const struct command_parts *parts, char *error)
{
	struct commands *c = calloc(1, sizeof(*c));
	char path[SOCKET_PATH_MAX + 32];

	if (!c) {
		snprintf(error, ERROR_MAX, "no memory");
		return NULL;
	}
	c->loop = loop;
	c->parts = *parts;
	snprintf(path, sizeof(path), "%s/control.sock", runtime_dir);
	c->admin = admin_open(path, on_command, c, error);
	if (!c->admin) {
		free(c);
		return NULL;
	}
	ev_io_init(&c->io, on_readable, admin_fd(c->admin), EV_READ);
	ev_timer_init(&c->tick, on_tick, 1., 1.);
	c->io.data = c->tick.data = c;
	ev_io_start(loop, &c->io);
	ev_timer_start(loop, &c->tick);
	return c;
}

void commands_close(struct commands *c)
{
	if (!c)
		return;
	ev_io_stop(c->loop, &c->io);
	ev_timer_stop(c->loop, &c->tick);
	admin_close(c->admin);
	free(c);
}
