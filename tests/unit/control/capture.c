/* capture.c - tests of control/capture.c and pcapng.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "control/capture.h"
#include "control/link.h"
#include "control/pcapng.h"
#include "dataplane.h"

static uint32_t u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static uint16_t net16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Ones' complement sum of 16-bit words: all ones over what carries a right checksum (RFC 1071).
 */
static uint16_t ones_sum(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Goes through the blocks of a file and checks what every reader relies on; gives the number of
 * packets, and the first packet's octets. */
static int walk(const uint8_t *p, size_t n, const uint8_t **packet, uint32_t *packet_len)
{
	int packets = 0;
	size_t at = 0;

	for (int block = 0; at < n; block++) {
		uint32_t len = u32(p + at + 4);

		assert_int_equal(len % 4, 0);
		assert_in_range(len, 12, n - at);
		assert_int_equal(u32(p + at + len - 4), len);
		if (block == 0) {
			assert_int_equal(u32(p + at), 0x0a0d0d0a);
			assert_int_equal(u32(p + at + 8), 0x1a2b3c4d);
		} else if (block == 1) {
			assert_int_equal(u32(p + at), 1);
			assert_int_equal(p[at + 8], 101);
		} else {
			assert_int_equal(u32(p + at), 6);
			if (packets++ == 0) {
				*packet = p + at + 28;
				*packet_len = u32(p + at + 20);
			}
		}
		at += len;
	}
	assert_int_equal(at, n);
	return packets;
}

static void test_head(void **state)
{
	uint8_t memory[PCAPNG_HEAD_MAX];
	struct text t = text_in(memory, sizeof(memory));
	const uint8_t *packet;
	uint32_t len;

	pcapng_head(&t);
	assert_false(t.overflow);
	assert_int_equal(walk(t.p, t.len, &packet, &len), 0);
}

static void test_ip4_packet(void **state)
{
	uint8_t memory[1024];
	struct text t = text_in(memory, sizeof(memory));
	struct pcapng_packet p = {.wall_ns = 0x1122334455667788,
				  .src = addr_v4(0xc0000201, 5070),
				  .dst = addr_v4(0xc6336401, 5060),
				  .message = SLICE("OPTIONS sip:x\r\n")};
	const uint8_t *ip;
	uint32_t sum;

	pcapng_packet(&t, &p);
	assert_int_equal(t.len % 4, 0);
	assert_int_equal(u32(t.p + 12), 0x11223344);
	assert_int_equal(u32(t.p + 16), 0x55667788);
	ip = t.p + 28;
	assert_int_equal(u32(t.p + 20), 20 + 8 + 15);
	assert_int_equal(ip[0], 0x45);
	assert_int_equal(net16(ip + 2), 43);
	assert_int_equal(ip[9], 17);
	assert_int_equal(ones_sum(ip, 20, 0), 0xffff);
	assert_int_equal(net16(ip + 20), 5070);
	assert_int_equal(net16(ip + 22), 5060);
	assert_int_equal(net16(ip + 24), 23);
	sum = 17 + 23 + ones_sum(ip + 12, 8, 0);
	assert_int_equal(ones_sum(ip + 20, 23, sum), 0xffff);
	assert_memory_equal(ip + 28, "OPTIONS sip:x\r\n", 15);
}

static void test_ip6_packet(void **state)
{
	uint8_t memory[1024];
	struct text t = text_in(memory, sizeof(memory));
	struct pcapng_packet p = {
		.out = true,
		.src = {.ip = {0x20, 1, 0xd, 0xb8, [15] = 1}, .port = 5060, .family = 6},
		.dst = {.ip = {0x20, 1, 0xd, 0xb8, [15] = 2}, .port = 5061, .family = 6},
		.message = SLICE("ACK sip:y\r\n\r\n")};
	const uint8_t *ip = memory + 28;

	pcapng_packet(&t, &p);
	assert_int_equal(ip[0], 0x60);
	assert_int_equal(net16(ip + 4), 21);
	assert_int_equal(ones_sum(ip + 40, 21, 17 + 21 + ones_sum(ip + 8, 32, 0)), 0xffff);
	/* epb_flags: outbound. */
	assert_int_equal(u32(t.p + t.len - 12), 2);
}

static void test_odd_records_write_nothing(void **state)
{
	uint8_t memory[64];
	struct text t = text_in(memory, sizeof(memory));
	struct pcapng_packet p = {
		.src = addr_v4(1, 1), .dst = {.family = 6}, .message = SLICE("x")};

	pcapng_packet(&t, &p);
	assert_int_equal(t.len, 0);
	p.dst = addr_v4(2, 2);
	pcapng_packet(&t, &p);
	assert_true(t.overflow || t.len == 28 + 29 + 3 + 16);
}

static struct fake fake;
static struct conf conf;

static void on_up(void *ctx, bool fresh)
{
	*(bool *)ctx = true;
}

static void push(uint32_t worker, const char *text)
{
	uint32_t len = (uint32_t)strlen(text);
	struct abi_capture *m = calloc(1, sizeof(*m) + len);
	bool wake;

	m->wall_ns = 1700000000000000000;
	m->len = len;
	m->src = fake_ue(5070);
	m->dst = fake_node();
	memcpy(m->data, text, len);
	ring_push(&fake.capture[worker], slice_of(m, sizeof(*m) + len), &wake);
	free(m);
}

static size_t read_file(const char *path, uint8_t *out, size_t most)
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(out, 1, most, f);
	fclose(f);
	return n;
}

static void test_captures_up_to_the_limit(void **state)
{
	static uint8_t octets[1 << 16];
	struct ev_loop *loop = ev_loop_new(0);
	bool up = false;
	const struct link_events events = {.up = on_up, .ctx = &up};
	struct capture_state s;
	struct capture *c;
	struct link *link;
	const uint8_t *packet;
	char file[128], error[256];
	uint32_t len;

	fake_dir(&fake);
	fake_start(&fake);
	fake_conf(&fake, &conf);
	snprintf(file, sizeof(file), "%s/x.pcapng", fake.dir);
	link = link_open(loop, &conf, &events);
	c = capture_open(loop, link);
	assert_false(capture_start(c, file, 3, error)); /* link down */
	assert_true(run_until(loop, &up));
	push(0, "of before");
	assert_false(capture_start(c, file, 0, error));
	assert_true(capture_start(c, file, 3, error));
	assert_false(capture_start(c, file, 3, error)); /* runs already */
	assert_int_equal(atomic_load(&fake.region->capture_limit), 3);
	push(0, "INVITE one");
	push(1, "INVITE two");
	run_for(loop, 0.03);
	capture_state(c, &s);
	assert_true(s.on && s.written == 2);
	push(1, "INVITE three");
	push(1, "INVITE four");
	run_for(loop, 0.03);
	capture_state(c, &s);
	assert_false(s.on);
	assert_int_equal(s.written, 3);
	assert_string_equal(s.ended, "limit reached");
	assert_int_equal(atomic_load(&fake.region->capture_limit), 0);
	assert_int_equal(walk(octets, read_file(file, octets, sizeof(octets)), &packet, &len),
			 3);
	assert_int_equal(len, 20 + 8 + 10);
	assert_memory_equal(packet + 28, "INVITE one", 10);
	assert_false(capture_start(c, file, 3, error)); /* exists */
	unlink(file);

	assert_true(capture_start(c, file, 3, error));
	push(0, "INVITE five");
	capture_link_down(c);
	capture_state(c, &s);
	assert_false(s.on);
	assert_int_equal(s.written, 1);
	unlink(file);
	capture_close(c);
	link_close(link);
	ev_loop_destroy(loop);
	fake_stop(&fake);
	fake_remove_dir(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_ip4_packet),
		cmocka_unit_test(test_ip6_packet),
		cmocka_unit_test(test_odd_records_write_nothing),
		cmocka_unit_test(test_captures_up_to_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
