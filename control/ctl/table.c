/* table.c - all commands: the words, who answers, and the line of help */
#include "ctl/table.h"

#include "base/distance.h"
#include "base/text.h"
#include "ctl/ask.h"
#include "ctl/config.h"
#include "ctl/criteria.h"
#include "ctl/dns.h"
#include "ctl/help.h"
#include "ctl/subscribers.h"

/* A daemon may take more words than the help names; sakerctl passes them on. */
enum { ANY = CTL_WORDS_MAX };

#define DATAPLANE "dataplane"
#define CONTROL   "control"
#define HSS       "hss"

const struct ctl_command ctl_commands[] = {
	{"status", NULL, ask_all, 0, 0, "", "are the daemons up, and how are they"},
	{"version", NULL, ask_all, 0, 0, "", "versions of the daemons that run"},
	{"reg list", CONTROL, ask_one, 0, ANY, "[--limit N]", "registered public identities"},
	{"reg show", CONTROL, ask_one, 1, ANY, "IMPU", "one registration with its contacts"},
	{"reg dereg", CONTROL, ask_one, 1, ANY, "IMPU", "end a registration"},
	{"reg reauth", CONTROL, ask_one, 1, ANY, "IMPU [--within SECONDS]",
	 "have a terminal register again soon"},
	{"reg subscribers", CONTROL, ask_one, 0, ANY, "[--limit N]",
	 "who is told of registrations (reg event package)"},
	{"sa show", CONTROL, ask_one, 0, ANY, "[IMPU] [--limit N]",
	 "security associations with terminals, without keys"},
	{"session list", CONTROL, ask_one, 0, ANY, "[--limit N]",
	 "sessions of our users, oldest first"},
	{"diameter peers", CONTROL, ask_one, 0, ANY, "", "Diameter peers and their states"},
	{"capture start", CONTROL, ask_one, 2, ANY, "--file FILE [--limit N]",
	 "write SIP messages to a pcapng file"},
	{"capture stop", CONTROL, ask_one, 0, ANY, "", "end the capture"},
	{"metrics", CONTROL, ask_one, 0, ANY, "", "all metrics of data plane and control"},
	{"lcore show", DATAPLANE, ask_one, 0, ANY, "", "load of each worker"},
	{"drops", DATAPLANE, ask_one, 0, ANY, "[--all]", "messages dropped, by reason"},
	{"port show", DATAPLANE, ask_one, 0, ANY, "", "network ports and their counters"},
	{"peers show", DATAPLANE, ask_one, 0, ANY, "", "trusted neighbours"},
	{"sub add", HSS, ask_one, 1, ANY, "IMPI impu=IMPU k=HEX opc=HEX [KEY=VALUE ...]",
	 "add a subscriber"},
	{"sub show", HSS, ask_one, 1, ANY, "IMPI|IMPU", "one subscriber, without secrets"},
	{"sub set", HSS, ask_one, 2, ANY, "IMPI KEY=VALUE ...", "change a subscriber"},
	{"sub del", HSS, ask_one, 1, ANY, "IMPI",
	 "remove a subscriber, and end its registration"},
	{"sub dereg", HSS, ask_one, 1, ANY, "IMPI|IMPU [REASON]",
	 "end a registration, and tell its S-CSCF"},
	{"sub psi put", HSS, ask_one, 2, ANY, "IDENTITY SIP-URI",
	 "a service identity, and the Application Server that hosts it"},
	{"sub psi del", HSS, ask_one, 1, ANY, "IDENTITY", "remove a service identity"},
	{"sub psi list", HSS, ask_one, 0, ANY, "", "service identities"},
	{"sub list", HSS, ask_one, 0, ANY, "[--limit N] [--from IMPI]", "subscribers"},
	{"sub import", HSS, subscribers_send_file, 1, ANY, "FILE|- [--skip-errors]",
	 "add the subscribers of a CSV or JSON file"},
	{"sub export", HSS, subscribers_export, 0, ANY,
	 "[FILE] [--format csv|json] [--with-secrets]",
	 "all subscribers, as import takes them"},
	{"sub profile put", HSS, subscribers_put_profile, 2, ANY, "NAME FILE|-",
	 "store filter criteria (XML) under a name"},
	{"as add", HSS, ask_one, 2, ANY, "HOST REFERENCE=pull,update,notify ...",
	 "what an Application Server may do over Sh"},
	{"as del", HSS, ask_one, 1, ANY, "HOST", "nothing, and end its subscriptions"},
	{"as list", HSS, ask_one, 0, ANY, "", "Application Servers and what they may do"},
	{"as watches", HSS, ask_one, 0, ANY, "[--limit N] [--from ID]",
	 "their subscriptions to notifications"},
	{"as servers", CONTROL, ask_one, 0, ANY, "",
	 "those of service profiles: addresses, third-party REGISTERs owed"},
	{"as dsai put", HSS, ask_one, 2, ANY, "TAG SIP-URI",
	 "a DSAI-Tag, and the server whose filter criteria it switches"},
	{"as dsai del", HSS, ask_one, 1, ANY, "TAG", "remove a DSAI-Tag"},
	{"as dsai list", HSS, ask_one, 0, ANY, "", "DSAI-Tags"},
	{"ifc lint", NULL, criteria_lint, 1, 1, "FILE|-",
	 "are filter criteria (XML) right; says where not"},
	{"ifc test", CONTROL, criteria_test, 6, 12,
	 "--impu IMPU|--profile FILE [--shared FILE] --case CASE --message FILE",
	 "which filter criteria match a request, and why the others do not"},
	{"route show", CONTROL, ask_one, 0, 0, "",
	 "ways out of the network that the data plane knows"},
	{"route flush", CONTROL, ask_one, 0, 0, "", "forget them: each is found anew"},
	{"policy show", CONTROL, ask_one, 0, 0, "",
	 "sessions with the policy function: terminal, call and state"},
	{"charging show", CONTROL, ask_one, 0, 0, "",
	 "accounting sessions that go on: call, identities, records so far"},
	{"dns show", CONTROL, ask_one, 0, 0, "", "answers of name servers in memory"},
	{"dns query", CONTROL, dns_query, 1, 2, "NAME [A|AAAA|SRV|NAPTR]",
	 "ask as a call would, and keep the answer"},
	{"dns flush", CONTROL, ask_one, 0, 0, "", "forget the answers"},
	{"config check", NULL, config_check, 0, 1, "[FILE]",
	 "is the file right; says where not"},
	{"config example", NULL, config_example, 0, 0, "", "a file with every key, explained"},
	{"config show", NULL, config_show, 0, 0, "", "the file with all defaults filled in"},
	{"config diff", NULL, config_diff, 1, 1, "FILE", "what FILE would change, and how"},
	{"help", NULL, help_run, 0, ANY, "[COMMAND]", "this text, or that of some commands"},
	{0},
};

/* The words of the command that agree with those given, one by one; *all if there are no more.
 */
static int words_agree(const struct ctl_command *command, int n, const char *const *word,
		       bool *all)
{
	struct slice rest = slice_str(command->words);
	int i = 0;

	for (; i < n && rest.len; i++) {
		struct slice one = slice_sub(rest, 0, slice_find(rest, ' '));

		if (!slice_eq(one, slice_str(word[i])))
			break;
		rest = slice_from(rest, one.len + 1);
	}
	*all = rest.len == 0;
	return i;
}

const struct ctl_command *ctl_command_find(int n, const char *const *word, int *used)
{
	for (const struct ctl_command *c = ctl_commands; c->words; c++) {
		bool all;

		*used = words_agree(c, n, word, &all);
		if (all)
			return c;
	}
	return NULL;
}

bool ctl_command_begins(const struct ctl_command *command, int n, const char *const *word)
{
	bool all;

	return words_agree(command, n, word, &all) == n;
}

/* The given words, as many as the command has. */
static uint32_t farness(const struct ctl_command *command, int n, const char *const *word)
{
	uint8_t memory[DISTANCE_WORD_MAX];
	struct text t = text_in(memory, sizeof(memory));
	int words = 1;

	for (const char *p = command->words; *p; p++)
		words += *p == ' ';
	for (int i = 0; i < n && i < words; i++) {
		if (i)
			text_char(&t, ' ');
		text_str(&t, word[i]);
	}
	return t.overflow ? UINT32_MAX
			  : slice_distance(text_slice(&t), slice_str(command->words));
}

const struct ctl_command *ctl_command_nearest(int n, const char *const *word)
{
	const struct ctl_command *nearest = NULL;
	uint32_t best = UINT32_MAX;

	for (const struct ctl_command *c = ctl_commands; c->words; c++) {
		uint32_t far = farness(c, n, word);

		if (far < best && far <= 1 + strlen(c->words) / 3) {
			best = far;
			nearest = c;
		}
	}
	return nearest;
}
