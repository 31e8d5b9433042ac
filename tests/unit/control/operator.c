/* operator.c - tests of control/series.c, metrics.c and command.c
 *
 * Registrar, Cx client and Diameter are stood in for here: the linker takes these in place of
 * the library's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "base/admin.h"
#include "base/clock.h"
#include "control/capture.h"
#include "control/charging.h"
#include "control/command.h"
#include "control/cx.h"
#include "control/exchange.h"
#include "control/install.h"
#include "control/link.h"
#include "control/metrics.h"
#include "control/persist.h"
#include "control/registrar.h"
#include "control/offers.h"
#include "control/outbound.h"
#include "control/policy.h"
#include "control/signalling.h"
#include "control/owed.h"
#include "control/servers.h"
#include "control/unregistered.h"
#include "control/proxy_auth.h"
#include "control/reg_event.h"
#include "control/session.h"
#include "control/ways.h"
#include "control/watcher.h"
#include "diameter/diameter.h"
#include "dataplane.h"
#include "sets.h"

static struct fake fake;
static struct conf conf;
static char removed_impu[64];

void registrar_stats(const struct registrar *r, struct registrar_stats *out)
{
	*out = (struct registrar_stats){.attempts = {11, 12}, .auth_wrong = 3};
}

uint32_t registrar_reauthenticate(struct registrar *r, struct slice impu, uint32_t seconds)
{
	return 0;
}

uint32_t registrar_deregister(struct registrar *r, struct slice impi, const struct slice *impu,
			      uint32_t n_impu, enum cx_reason reason)
{
	snprintf(removed_impu, sizeof(removed_impu), "%.*s", SLICE_ARG(impu[0]));
	return n_impu;
}

void watchers_stats(const struct watchers *w, struct watchers_stats *out)
{
	*out = (struct watchers_stats){.active = 7};
}

void proxy_auths_stats(const struct proxy_auths *a, struct proxy_auths_stats *out)
{
	*out = (struct proxy_auths_stats){.passed = 3};
}

void offers_stats(const struct offers *o, struct offers_stats *out)
{
	*out = (struct offers_stats){.kept = 2, .passed = 9};
}

void policy_stats(const struct policy *p, struct policy_stats *out)
{
	*out = (struct policy_stats){.sessions = 3};
}

void signalling_stats(const struct signalling *s, struct signalling_stats *out)
{
	*out = (struct signalling_stats){0};
}

void signalling_settle(struct signalling *s, uint64_t set_id)
{
}

void policy_each(const struct policy *p, bool (*each)(void *ctx, const struct policy_row *row),
		 void *ctx)
{
}

void charging_each(const struct charging *ch,
		   bool (*each)(void *ctx, const struct charging_row *row), void *ctx)
{
}

void charging_stats(const struct charging *ch, struct charging_stats *out)
{
	*out = (struct charging_stats){.open = 2};
}

void outbound_stats(const struct outbound *o, struct outbound_stats *out)
{
	*out = (struct outbound_stats){.enumerated = 4};
}

void owed_stats(const struct owed *o, struct owed_stats *out)
{
	*out = (struct owed_stats){.owed = 7, .answered = 5};
}

uint32_t owed_to(const struct owed *o, const struct server *server)
{
	return 3;
}

void servers_stats(const struct servers *s, struct servers_stats *out)
{
	*out = (struct servers_stats){.n = 1};
}

void servers_each(struct servers *s, bool (*each)(void *ctx, struct server *server), void *ctx)
{
	each(ctx, NULL);
}

void servers_watch(struct servers *s, void (*changed)(void *ctx, struct server *server),
		   void *ctx)
{
}

void servers_meet(struct servers *s, const struct ifc *profile)
{
}

bool server_view(const struct server *server, struct abi_server_view *v)
{
	return false;
}

void server_describe(const struct server *server, struct server_row *out)
{
	*out = (struct server_row){
		.name = "as.example",
		.state = SERVER_FOUND,
		.n = 2,
		.address = {{.ip = {10, 0, 0, 9}, .port = 5060, .family = 4},
			    {.ip = {10, 0, 0, 8}, .port = 5060, .family = 4}},
		.resting = {false, true},
		.failed = 4};
}

void unregistered_stats(const struct unregistereds *u, struct unregistered_stats *out)
{
	*out = (struct unregistered_stats){.n = 2};
}

#define NO_WAYS(name)                                                                          \
	void name(struct ways *w, int n, const char *const *word, struct json *out)            \
	{                                                                                      \
		json_object(out, NULL);                                                        \
		json_end_object(out);                                                          \
	}

NO_WAYS(ways_dns_show)
NO_WAYS(ways_dns_query)
NO_WAYS(ways_dns_flush)
NO_WAYS(ways_route_show)
NO_WAYS(ways_route_flush)

struct dns *outbound_dns(const struct outbound *o)
{
	return NULL;
}

void dns_stats(const struct dns *d, struct dns_stats *out)
{
	*out = (struct dns_stats){.cached = 5};
}

void cx_stats(const struct cx_client *c, struct cx_stats *out)
{
	*out = (struct cx_stats){.sent = {5}, .up = true};
}

uint32_t diameter_peers(struct diameter_peer_state *out, uint32_t most)
{
	snprintf(out->identity, sizeof(out->identity), "hss\"},x.example.org");
	snprintf(out->state, sizeof(out->state), "open");
	out->open = true;
	return 1;
}

struct node {
	struct ev_loop *loop;
	struct control c;
	struct capture *capture;
	struct series_sources series;
	struct commands *commands;
	char store[128], socket[128];
	bool up;
};

static void on_up(void *ctx, bool fresh)
{
	((struct node *)ctx)->up = true;
}

static void on_request(void *ctx, struct exchange *x)
{
}

static void open_node(struct node *n)
{
	const struct link_events events = {.up = on_up, .ctx = n};
	char error[256];

	memset(n, 0, sizeof(*n));
	fake_dir(&fake);
	fake_start(&fake);
	fake_conf(&fake, &conf);
	snprintf(n->store, sizeof(n->store), "%s/control.db", fake.dir);
	snprintf(n->socket, sizeof(n->socket), "%s/control.sock", fake.dir);
	n->loop = n->c.loop = ev_loop_new(0);
	n->c.conf = &conf;
	n->c.cx = (struct cx_client *)n;
	n->c.link = link_open(n->loop, &conf, &events);
	n->c.exchanges = exchanges_open(n->loop, n->c.link, on_request, n);
	n->c.registrations = registrations_new();
	n->c.sas = sas_new();
	n->c.sessions = sessions_open(&n->c, 10);
	n->c.installer = installer_open(n->loop, n->c.link, false);
	n->c.persist = persist_open(n->store, error);
	n->c.reg_events = reg_events_open(&n->c, error);
	n->capture = capture_open(n->loop, n->c.link);
	n->series = (struct series_sources){&n->c, n->capture, clock_wall_ms() - 5000};
	n->commands =
		commands_open(n->loop, fake.dir,
			      &(struct command_parts){&n->c, n->capture, &n->series}, error);
	assert_non_null(n->commands);
	assert_true(run_until(n->loop, &n->up));
}

static void close_node(struct node *n)
{
	commands_close(n->commands);
	capture_close(n->capture);
	reg_events_close(n->c.reg_events);
	persist_close(n->c.persist);
	unlink(n->store);
	installer_close(n->c.installer);
	registrations_free(n->c.registrations);
	sessions_close(n->c.sessions);
	sas_free(n->c.sas);
	exchanges_close(n->c.exchanges);
	link_close(n->c.link);
	ev_loop_destroy(n->loop);
	fake_stop(&fake);
	fake_remove_dir(&fake);
}

/* Asks from a thread of its own, as sakerctl does from another process. */
struct question {
	const char *socket;
	int n;
	const char *const *word;
	char *answer;
	char error[256];
	bool done;
	uint16_t port;
};

static void *ask(void *arg)
{
	struct question *q = arg;
	size_t len;

	q->answer = admin_call(q->socket, q->n, q->word, SLICE_EMPTY, &len, q->error);
	__atomic_store_n(&q->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static char *command(struct node *n, int words, const char *const *word)
{
	struct question q = {.socket = n->socket, .n = words, .word = word};
	pthread_t thread;

	pthread_create(&thread, NULL, ask, &q);
	for (int i = 0; i < 200 && !__atomic_load_n(&q.done, __ATOMIC_SEQ_CST); i++)
		run_for(n->loop, 0.005);
	pthread_join(thread, NULL);
	if (!q.answer)
		fail_msg("%s", q.error);
	return q.answer;
}

#define COMMAND(n, ...)                                                                        \
	command((n), sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                   \
		(const char *[]){__VA_ARGS__})

static void expect(char *answer, const char *part)
{
	if (!strstr(answer, part))
		fail_msg("\"%s\" is not in: %s", part, answer);
	free(answer);
}

static void test_registrations_are_shown(void **state)
{
	struct node n;

	open_node(&n);
	for (uint32_t i = 0; i < 3; i++)
		assert_true(registrations_put(n.c.registrations,
					      make_set(i, 2, clock_wall_ms() + 3600000)));
	expect(COMMAND(&n, "reg", "show", "sip:user1@example.org"),
	       "\"sip:user@10.0.0.1:5061\"");
	expect(COMMAND(&n, "reg", "show", "sip:user1@EXAMPLE.org;x=y"),
	       "\"impi\":\"user1@example.org\"");
	expect(COMMAND(&n, "reg", "show", "sip:user1-b@example.org"),
	       "\"flow\":\"10.0.0.1:5060\"");
	expect(COMMAND(&n, "reg", "show", "sip:nobody@example.org"), "\"code\":\"not_found\"");
	expect(COMMAND(&n, "reg", "show"), "\"code\":\"usage\"");
	expect(COMMAND(&n, "reg", "list", "--limit", "2"), "2 of 3 shown");
	expect(COMMAND(&n, "reg", "list", "--limit", "x"), "\"code\":\"usage\"");
	expect(COMMAND(&n, "reg", "list"), "sip:user2@example.org");
	expect(COMMAND(&n, "reg", "dereg", "sip:user2-b@example.org"), "\"removed\":1");
	assert_string_equal(removed_impu, "sip:user2@example.org");
	close_node(&n);
}

static void test_associations_are_shown_without_keys(void **state)
{
	struct node n;
	char *answer;

	open_node(&n);
	for (uint32_t i = 0; i < 3; i++)
		assert_true(sas_put(n.c.sas, make_sa(i)));
	/* The registration's other identity finds it, too. */
	assert_true(registrations_put(n.c.registrations, make_set(1, 1, UINT32_MAX)));
	expect(COMMAND(&n, "sa", "show", "sip:user1-b@example.org"), "\"spi_pc\":70001");
	answer = COMMAND(&n, "sa", "show", "sip:user1@example.org");
	assert_non_null(strstr(answer, "\"ue\":\"10.0.0.1:6000\""));
	assert_non_null(strstr(answer, "\"alg\":\"hmac-sha-1-96\""));
	assert_non_null(strstr(answer, "\"ealg\":\"aes-cbc\""));
	assert_non_null(strstr(answer, "\"state\":\"active\""));
	assert_null(strstr(answer, "user2"));
	assert_null(strstr(answer, "\"ck\""));
	assert_null(strstr(answer, "4b4b4b4b"));
	assert_null(strstr(answer, "KKKK"));
	free(answer);
	expect(COMMAND(&n, "sa", "show"), "sip:user2@example.org");
	expect(COMMAND(&n, "sa", "show", "sip:nobody@example.org"), "\"rows\":[]");
	expect(COMMAND(&n, "sa", "show", "--limit", "x"), "\"code\":\"usage\"");
	answer = COMMAND(&n, "sa", "show", "--limit", "1");
	assert_null(strstr(strstr(answer, "\"state\"") + 1, "\"state\""));
	free(answer);
	expect(COMMAND(&n, "metrics"),
	       "{\"metric\":\"saker_sa_sets{state=\\\"active\\\"}\",\"value\":3");
	expect(COMMAND(&n, "metrics"), "saker_sa_refused_total{reason=\\\"no_common\\\"}");
	close_node(&n);
}

static void test_status_and_the_rest(void **state)
{
	char file[128];
	struct node n;

	open_node(&n);
	expect(COMMAND(&n, "status"), "\"dataplane\":\"connected\"");
	expect(COMMAND(&n, "status"), "\"uptime_s\":5");
	expect(COMMAND(&n, "version"), "\"program\":\"saker-control\"");
	expect(COMMAND(&n, "diameter", "peers"), "\"state\":\"open\"");
	expect(COMMAND(&n, "metrics"), "{\"metric\":\"saker_dataplane_up\",\"value\":1");
	expect(COMMAND(&n, "capture", "start"), "\"code\":\"usage\"");
	snprintf(file, sizeof(file), "%s/c.pcapng", fake.dir);
	expect(COMMAND(&n, "capture", "start", "--file", file, "--limit", "5"),
	       "\"running\":true");
	expect(COMMAND(&n, "capture", "start", "--file", file), "\"code\":\"capture\"");
	expect(COMMAND(&n, "capture", "stop"), "\"running\":false");
	unlink(file);
	expect(COMMAND(&n, "as", "servers"), "{\"rows\":[]}");
	n.c.owed = (struct owed *)&n;
	n.c.servers = (struct servers *)&n;
	expect(COMMAND(&n, "as", "servers"),
	       "{\"server\":\"as.example\",\"state\":\"found\","
	       "\"addresses\":\"10.0.0.9:5060 10.0.0.8:5060 (rests)\",\"owed\":3,"
	       "\"answered\":0,\"failed\":4}");
	expect(COMMAND(&n, "metrics"), "{\"metric\":\"saker_owed_registers\",\"value\":7");
	expect(COMMAND(&n, "frobnicate"), "\"code\":\"unknown_command\"");
	expect(COMMAND(&n, "reg"), "\"code\":\"unknown_command\"");
	close_node(&n);
}

static void *get(void *arg)
{
	struct question *q = arg;
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_port = htons(q->port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	size_t n = 0, most = 1 << 20;
	ssize_t got;

	q->answer = calloc(1, most);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 &&
	    write(fd, q->socket, strlen(q->socket)) > 0)
		while (n < most - 1 && (got = read(fd, q->answer + n, most - 1 - n)) > 0)
			n += (size_t)got;
	close(fd);
	__atomic_store_n(&q->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static char *http(struct node *n, uint16_t port, const char *request)
{
	struct question q = {.socket = request, .port = port};
	pthread_t thread;

	pthread_create(&thread, NULL, get, &q);
	for (int i = 0; i < 400 && !__atomic_load_n(&q.done, __ATOMIC_SEQ_CST); i++)
		run_for(n->loop, 0.005);
	pthread_join(thread, NULL);
	return q.answer;
}

/* Every line is a comment, or a sample of the family whose TYPE stands before it; each family
 * stands once. */
static void check_exposition(char *body)
{
	char family[128] = "", *save = NULL;
	int families = 0, samples = 0;

	for (char *line = strtok_r(body, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "# HELP ", 7) == 0)
			continue;
		if (strncmp(line, "# TYPE ", 7) == 0) {
			snprintf(family, sizeof(family), "%.*s", (int)strcspn(line + 7, " "),
				 line + 7);
			families++;
			continue;
		}
		if (strncmp(line, family, strlen(family)) != 0 ||
		    (line[strlen(family)] != '{' && line[strlen(family)] != ' '))
			fail_msg("stray sample: %s", line);
		if (strchr(line, '{') && !strstr(line, "\"} "))
			fail_msg("labels without an end: %s", line);
		samples++;
	}
	assert_true(families > 40);
	assert_true(samples > families);
}

static void test_metrics_over_http(void **state)
{
	const struct addr listen = addr_v4(0x7f000001, (uint16_t)(20000 + getpid() % 20000));
	struct metrics *m;
	struct node n;
	char error[256], *text, *body;

	open_node(&n);
	count_add(&abi_worker(fake.region, 0)->counters, COUNT_DROP_EDIT, 4);
	count_add(&abi_worker(fake.region, 1)->counters, COUNT_DROP_EDIT, 3);
	atomic_store(&abi_port(fake.region, 0)->rx_missed, 9);
	memset(abi_port(fake.region, 0)->name, '"',
	       sizeof(abi_port(fake.region, 0)->name)); /* no NUL */
	m = metrics_open(n.loop, &listen, &n.series, error);
	if (!m)
		fail_msg("%s", error);
	assert_null(metrics_open(n.loop, &listen, &n.series, error)); /* taken */
	text = http(&n, listen.port,
		    "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	body = strstr(text, "\r\n\r\n");
	assert_non_null(body);
	assert_non_null(strstr(text, "200 OK"));
	assert_non_null(strstr(body, "\nsaker_sip_drops_total{reason=\"edit\"} 7\n"));
	assert_non_null(strstr(body, "\nsaker_sip_drops_total{reason=\"overload\"} 0\n"));
	assert_non_null(
		strstr(body, "\nsaker_registration_attempts_total{type=\"initial\"} 11\n"));
	assert_non_null(strstr(body, "\nsaker_auth_results_total{result=\"mac\"} 3\n"));
	assert_non_null(strstr(body, "\nsaker_diameter_requests_total{command=\"UAR\"} 5\n"));
	assert_non_null(
		strstr(body, "\nsaker_diameter_peer_up{peer=\"hss___x.example.org\"} 1\n"));
	assert_non_null(strstr(
		body,
		"\nsaker_port_rx_missed_total{port=\"________________________________\"} 9\n"));
	check_exposition(body + 4);
	free(text);
	expect(http(&n, listen.port, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
	       " 404 ");
	expect(http(&n, listen.port,
		    "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
	       " 405 ");
	metrics_close(m);
	close_node(&n);
}

static void test_enumerations_are_there_while_the_link_is_down(void **state)
{
	struct node n;
	struct json out;

	open_node(&n);
	fake_stop(&fake);
	run_for(n.loop, 0.02);
	json_init(&out);
	series_write_text(&n.series, &out);
	json_raw(&out, "", 1);
	assert_non_null(strstr(out.p, "\nsaker_dataplane_up 0\n"));
	assert_non_null(strstr(out.p, "\nsaker_sip_drops_total{reason=\"resume\"} 0\n"));
	check_exposition(out.p);
	json_free(&out);
	fake_start(&fake);
	n.up = false;
	assert_true(run_until(n.loop, &n.up));
	close_node(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registrations_are_shown),
		cmocka_unit_test(test_associations_are_shown_without_keys),
		cmocka_unit_test(test_status_and_the_rest),
		cmocka_unit_test(test_metrics_over_http),
		cmocka_unit_test(test_enumerations_are_there_while_the_link_is_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
