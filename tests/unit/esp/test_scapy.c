/* test_scapy.c - Scapy's ESP, an implementation by others, opens what we seal and seals what we
 * open (peer.py) */
#include "support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE = 8192 };

struct peer {
	pid_t pid;
	FILE *to, *from;
};

static struct peer peer;

static bool peer_open(void)
{
	int in[2], out[2];
	char line[64] = "";

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	peer.pid = fork();
	if (peer.pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		/* Debian's Python, whose Scapy it is. */
		execl("/usr/bin/python3", "python3", ESP_PEER, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	peer.to = fdopen(in[1], "w");
	peer.from = fdopen(out[0], "r");
	return fgets(line, sizeof(line), peer.from) && strcmp(line, "ready\n") == 0;
}

static int start_all(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	return group_start(state);
}

static int end_all(void **state)
{
	if (peer.pid > 0) {
		fclose(peer.to);
		fclose(peer.from);
		waitpid(peer.pid, NULL, 0);
	}
	return group_end(state);
}

static const char *cipher_name(const struct suite *s)
{
	return s->cipher == ESP_AES_CBC ? "cbc" : s->cipher == ESP_AES_GCM ? "gcm" : "null";
}

static const char *integrity_name(const struct suite *s)
{
	static const char *const name[] = {"none", "md5", "sha1", "sha256", "gmac"};

	return name[s->integrity];
}

static void put_hex(const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		fprintf(peer.to, "%02x", p[i]);
}

static const char *host(const struct addr *a)
{
	static char memory[4][64];
	static unsigned turn;
	struct text t = text_in(memory[turn++ % 4], 64);
	char *start = (char *)t.p;

	addr_put_host(&t, a);
	t.p[t.len] = 0;
	if (*start != '[')
		return start;
	t.p[t.len - 1] = 0;
	return start + 1;
}

/* One question; the octets of the answer: their number. */
static uint32_t ask(const char *verb, const struct suite *suite, const struct esp_sa_spec *s,
		    uint32_t spi, uint32_t seq, bool from_ue, const uint8_t *text, uint32_t len,
		    uint8_t *out)
{
	static char line[LINE];
	const struct addr *src = from_ue ? &s->ue : &s->local,
			  *dst = from_ue ? &s->local : &s->ue;
	bool nat = s->nat.family != 0;
	const struct addr *outer_src = nat && from_ue ? &s->nat : src,
			  *outer_dst = nat && !from_ue ? &s->nat : dst;
	uint32_t n = 0;

	fprintf(peer.to, "%s %s %s %u %d %u %u ", verb, cipher_name(suite),
		integrity_name(suite), s->ue.family, nat, spi, seq);
	put_hex(s->ck, ESP_KEY);
	fputc(' ', peer.to);
	put_hex(s->ik, ESP_KEY);
	fprintf(peer.to, " %s %s %u %u %s %s ", host(src), host(dst),
		from_ue ? s->ue.port : s->port_pc, from_ue ? s->local.port : s->port_us,
		host(outer_src), host(outer_dst));
	put_hex(text, len);
	fputc('\n', peer.to);
	fflush(peer.to);
	assert_non_null(fgets(line, sizeof(line), peer.from));
	if (strncmp(line, "error", 5) == 0)
		fail_msg("%s, %s: %s", suite->name, verb, line);
	for (char *p = line; sscanf(p, "%2hhx", &out[n]) == 1; p += 2)
		n++;
	return n;
}

static void exchange(uint8_t family, const struct suite *suite, bool nat)
{
	static const char text[] =
		"MESSAGE sip:bob@home1.net SIP/2.0\r\nContent-Length: 0\r\n\r\n";
	uint8_t octets[1024], answer[1024];
	struct pair p;

	pair_open(&p, family, suite, nat);
	for (uint32_t cut = 0; cut < 5; cut++) {
		uint32_t len = sizeof(text) - 1 - cut;
		uint32_t n = ask("seal", suite, &p.spec, p.spec.spi_ps, 100 + cut, true,
				 (const uint8_t *)text, len, octets);
		struct esp_packet got = packet_of(&p.spec, octets, n);

		got = open_packet(&p.node, &got, answer);
		if (got.verdict != VERDICT_NEXT)
			fail_msg("%s: %s", suite->name, count_info(got.reason)->name);
		assert_int_equal(got.len, len);
		assert_memory_equal(answer, text, len);

		n = seal(&p.node, p.spec.sa_id, text, len, octets, NULL);
		n = ask("open", suite, &p.spec, p.spec.spi_us, 0, false, octets, n, answer);
		assert_int_equal(n, len + 8);
		assert_int_equal(answer[0] << 8 | answer[1], p.spec.port_pc);
		assert_int_equal(answer[2] << 8 | answer[3], p.spec.port_us);
		assert_memory_equal(answer + 8, text, len);
	}
	pair_close(&p);
}

static void every_suite_and_way(void **state)
{
	if (!peer_open()) {
		print_message("no /usr/bin/python3 with scapy (python3-scapy)\n");
		skip();
	}
	for (uint32_t i = 0; i < SUITES; i++)
		for (uint8_t way = 0; way < 4; way++)
			exchange(way & 1 ? 4 : 6, &suites[i], way & 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_suite_and_way)};

	return cmocka_run_group_tests(tests, start_all, end_all);
}
