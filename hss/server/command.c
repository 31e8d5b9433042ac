/* command.c - what sakerctl can ask of the HSS */
#include "hss/command.h"

#include "base/clock.h"
#include "diameter/diameter.h"
#include "hss/as_command.h"
#include "base/version.h"

static void cmd_version(struct command *c, const struct admin_request *q, struct json *out)
{
	json_object(out, NULL);
	json_str(out, "program", "saker-hss");
	json_str(out, "version", SAKER_VERSION);
	json_end_object(out);
}

static void cmd_status(struct command *c, const struct admin_request *q, struct json *out)
{
	struct diameter_peer_state peer[DIAMETER_PEERS_MAX];
	struct store_counts counts = metrics_counts(c->metrics);
	uint32_t n = diameter_peers(peer, DIAMETER_PEERS_MAX), open = 0;

	for (uint32_t i = 0; i < n; i++)
		open += peer[i].open;
	json_object(out, NULL);
	json_str(out, "program", "saker-hss");
	json_str(out, "version", SAKER_VERSION);
	json_u64(out, "uptime_s", (clock_ms() - c->start_ms) / 1000);
	json_u64(out, "peers_open", open);
	json_u64(out, "subscriptions", counts.subscriptions);
	json_u64(out, "private_identities", counts.impis);
	json_u64(out, "public_identities", counts.impus);
	json_u64(out, "registered_sets", counts.registered);
	json_end_object(out);
}

static void cmd_diameter_peers(struct command *c, const struct admin_request *q,
			       struct json *out)
{
	struct diameter_peer_state peer[DIAMETER_PEERS_MAX];
	uint32_t n = diameter_peers(peer, DIAMETER_PEERS_MAX);

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

static void cmd_metrics(struct command *c, const struct admin_request *q, struct json *out)
{
	json_object(out, NULL);
	metrics_rows(c->metrics, out, "rows");
	json_end_object(out);
}

static void cmd_sub(struct command *c, const struct admin_request *q, struct json *out)
{
	provision_command(c->provision, q, out);
}

static void cmd_as(struct command *c, const struct admin_request *q, struct json *out)
{
	as_command(c->provision->store, c->provision->pnr, q, out);
}

static const struct {
	const char *noun, *verb; /* verb NULL: the noun is all */
	void (*run)(struct command *c, const struct admin_request *q, struct json *out);
} command[] = {
	{"sub", NULL, cmd_sub},         {"status", NULL, cmd_status},
	{"version", NULL, cmd_version}, {"diameter", "peers", cmd_diameter_peers},
	{"metrics", NULL, cmd_metrics}, {"as", NULL, cmd_as},
};

void command_run(void *ctx, const struct admin_request *q, struct json *out)
{
	for (size_t i = 0; i < sizeof(command) / sizeof(command[0]); i++) {
		if (strcmp(q->word[0], command[i].noun) != 0 ||
		    (command[i].verb &&
		     (q->n_words < 2 || strcmp(q->word[1], command[i].verb) != 0)))
			continue;
		command[i].run(ctx, q, out);
		return;
	}
	admin_error(out, "unknown_command", "saker-hss does not know this command",
		    "sakerctl --help");
}
