/* test_codec.c - every Rx command through octets and back; and what must be refused
 *
 * freeDiameter is set up but not started: messages go through its serialiser, its parser and
 * its rules, and no socket.
 */
#include "base/log.h"
#include "cx/codec.h"
#include "diameter/diameter.h"
#include "rx/codec.h"

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define assert_slice(s, text)                                                                  \
	do {                                                                                   \
		assert_int_equal((s).len, strlen(text));                                       \
		assert_memory_equal((s).p, text, (s).len);                                     \
	} while (0)

/* The octets are freed by whoever parses them. */
static uint8_t *octets_of(struct msg *m, size_t *len)
{
	uint8_t *octets;

	assert_int_equal(fd_msg_bufferize(m, &octets, len), 0);
	fd_msg_free(m);
	return octets;
}

static struct msg *through_wire(struct msg *m)
{
	struct fd_pei pei = {0};
	size_t len;
	uint8_t *octets = octets_of(m, &len);

	assert_int_equal(fd_msg_parse_buffer(&octets, len, &m), 0);
	assert_int_equal(fd_msg_parse_dict(m, fd_g_config->cnf_dict, &pei), 0);
	/* As the library does before anybody sees a message. */
	assert_int_equal(fd_msg_parse_rules(m, fd_g_config->cnf_dict, &pei), 0);
	return m;
}

static struct msg *request(uint32_t command, const void *r)
{
	struct msg_hdr *h;
	struct msg *m;

	assert_int_equal(rx_request(command, &m, r, SLICE("pcrf.home.test")), 0);
	assert_int_equal(fd_msg_hdr(m, &h), 0);
	assert_int_equal(h->msg_appl, RX_APPLICATION);
	assert_int_equal(h->msg_code, command);
	return through_wire(m);
}

static const uint8_t prefix[] = {0, 64, 0xfd, 0, 0, 0x10, 0, 0, 0, 0};

static struct rx_aar some_aar(void)
{
	struct rx_aar r = {
		.session = SLICE("pcscf.home.test;1;2;rx"),
		.application = SLICE("IMS Services"),
		.n_component = 2,
		.info_status = RX_INFO_PRELIMINARY,
		.charging = SLICE("icid-1"),
		.n_action = 2,
		.action = {RX_LOSS_OF_BEARER, RX_IP_CAN_CHANGE},
		.n_user = 1,
		.user = {{2, SLICE("sip:a@home.test")}},
		.ipv4 = SLICE("\x0a\x0a\x00\x02"),
		.ipv6 = {prefix, sizeof(prefix)},
		.service = SLICE("sos"),
		.request_type = RX_REQUEST_INITIAL,
	};

	/* Ends at its NUL otherwise. */
	r.ipv4.len = 4;
	r.component[0] = (struct rx_component){
		.number = 1,
		.n_flow = 2,
		.flow = {{.number = 1,
			  .n_description = 2,
			  .description =
				  {SLICE("permit in 17 from 10.10.0.2 to 10.20.0.2 4000"),
				   SLICE("permit out 17 from 10.20.0.2 to 10.10.0.2 5000")},
			  .status = 2,
			  .usage = RX_UNSAID,
			  .protocol = RX_UNSAID},
			 {.number = 2,
			  .status = RX_UNSAID,
			  .usage = RX_USAGE_RTCP,
			  .protocol = RX_UNSAID}},
		.type = 0,
		.up = 41000,
		.down = 41000,
		.status = 2,
		.rs = 0,
		.rr = RX_UNSAID,
		.n_codec = 1,
		.codec = {SLICE("uplink\noffer\nm=audio 4000 RTP/AVP 8")},
	};
	r.component[1] = (struct rx_component){.number = 2,
					       .type = UINT32_MAX, /* OTHER */
					       .up = RX_UNSAID,
					       .down = RX_UNSAID,
					       .status = 4,
					       .rs = RX_UNSAID,
					       .rr = RX_UNSAID};
	return r;
}

static void aar(void **state)
{
	struct rx_aar in = some_aar(), out;
	struct msg *m = request(RX_AAR, &in);
	struct avp *first;
	struct avp_hdr *h;

	/* RFC 6733 §8.8 */
	assert_int_equal(fd_msg_browse(m, MSG_BRW_FIRST_CHILD, &first, NULL), 0);
	assert_int_equal(fd_msg_avp_hdr(first, &h), 0);
	assert_int_equal(h->avp_code, 263);
	assert_int_equal(rx_decode_request(RX_AAR, m, &out), 0);
	assert_slice(out.session, "pcscf.home.test;1;2;rx");
	assert_slice(out.application, "IMS Services");
	assert_slice(out.charging, "icid-1");
	assert_slice(out.service, "sos");
	assert_slice(out.user[0].identity, "sip:a@home.test");
	assert_int_equal(out.ipv4.len, 4);
	assert_int_equal(out.ipv6.len, sizeof(prefix));
	assert_int_equal(out.n_action, 2);
	assert_int_equal(out.action[1], RX_IP_CAN_CHANGE);
	assert_int_equal(out.info_status, RX_INFO_PRELIMINARY);
	assert_int_equal(out.request_type, RX_REQUEST_INITIAL);
	assert_int_equal(out.n_component, 2);
	assert_int_equal(out.component[0].number, 1);
	assert_int_equal(out.component[0].up, 41000);
	assert_int_equal(out.component[0].rs, 0);
	assert_int_equal(out.component[0].rr, RX_UNSAID);
	assert_int_equal(out.component[0].n_flow, 2);
	assert_slice(out.component[0].flow[0].description[1],
		     "permit out 17 from 10.20.0.2 to 10.10.0.2 5000");
	assert_int_equal(out.component[0].flow[0].usage, RX_UNSAID);
	assert_int_equal(out.component[0].flow[1].usage, RX_USAGE_RTCP);
	assert_int_equal(out.component[1].type, UINT32_MAX);
	assert_int_equal(out.component[1].status, 4);
	fd_msg_free(m);
}

static void aaa(void **state)
{
	struct rx_aar aar = some_aar();
	struct rx_aaa in[] = {{CX_SUCCESS, 5, 1004},
			      {RX_SERVICE_NOT_AUTHORIZED, RX_UNSAID, RX_UNSAID}},
		      out;

	for (int i = 0; i < 2; i++) {
		struct msg *m = request(RX_AAR, &aar);

		assert_int_equal(rx_answer(RX_AAR, &m, &in[i]), 0);
		m = through_wire(m);
		assert_int_equal(rx_decode_answer(RX_AAR, m, &out), 0);
		assert_int_equal(out.result, in[i].result);
		assert_int_equal(out.ip_can, in[i].ip_can);
		assert_int_equal(out.rat, in[i].rat);
		fd_msg_free(m);
	}
}

/* The base protocol's dictionary wants Re-Auth-Request-Type, and a Result-Code. */
static void of_the_base_protocol(void **state)
{
	struct rx_rar rar = {.session = SLICE("s"),
			     .n_action = 1,
			     .action = {RX_IP_CAN_CHANGE},
			     .ip_can = 0,
			     .rat = 0,
			     .abort_cause = RX_UNSAID},
		      rar_out;
	struct rx_asr asr = {SLICE("s"), 1}, asr_out;
	struct rx_str str = {SLICE("s"), RX_LOGOUT}, str_out;
	struct rx_sta sta = {RX_IP_CAN_SESSION_NOT_AVAILABLE}, sta_out;
	struct rx_raa raa = {CX_SUCCESS}, raa_out;
	struct rx_asa asa = {RX_UNKNOWN_SESSION_ID}, asa_out;
	struct msg *m = request(RX_RAR, &rar);

	assert_int_equal(rx_decode_request(RX_RAR, m, &rar_out), 0);
	assert_int_equal(rar_out.action[0], RX_IP_CAN_CHANGE);
	assert_int_equal(rar_out.ip_can, 0);
	assert_int_equal(rar_out.abort_cause, RX_UNSAID);
	assert_int_equal(rx_answer(RX_RAR, &m, &raa), 0);
	m = through_wire(m);
	assert_int_equal(rx_decode_answer(RX_RAR, m, &raa_out), 0);
	fd_msg_free(m);
	m = request(RX_ASR, &asr);
	assert_int_equal(rx_decode_request(RX_ASR, m, &asr_out), 0);
	assert_int_equal(asr_out.abort_cause, 1);
	assert_int_equal(rx_answer(RX_ASR, &m, &asa), 0);
	m = through_wire(m);
	assert_int_equal(rx_decode_answer(RX_ASR, m, &asa_out), 0);
	assert_int_equal(asa_out.result, RX_UNKNOWN_SESSION_ID);
	fd_msg_free(m);
	m = request(RX_STR, &str);
	assert_int_equal(rx_decode_request(RX_STR, m, &str_out), 0);
	assert_int_equal(str_out.cause, RX_LOGOUT);
	assert_int_equal(rx_answer(RX_STR, &m, &sta), 0);
	m = through_wire(m);
	assert_int_equal(rx_decode_answer(RX_STR, m, &sta_out), 0);
	assert_int_equal(sta_out.result, RX_IP_CAN_SESSION_NOT_AVAILABLE);
	fd_msg_free(m);
}

static void wrong(void **state)
{
	struct rx_aar bad[3] = {some_aar(), some_aar(), some_aar()}, out;
	struct rx_aar none = {.n_action = 0};
	struct msg *m;

	bad[0].info_status = 2;
	bad[1].component[1].status = 5;
	bad[2].component[0].flow[0].usage = 3;
	for (int i = 0; i < 3; i++) {
		m = request(RX_AAR, &bad[i]);
		assert_int_equal(rx_decode_request(RX_AAR, m, &out), CX_INVALID_AVP_VALUE);
		assert_int_equal(rx_answer_error(&m, CX_INVALID_AVP_VALUE), 0);
		fd_msg_free(m);
	}
	assert_int_not_equal(rx_request(RX_AAR, &m, &none, SLICE_EMPTY), 0);
	assert_null(m);
}

/* However a message is cut or changed: an answer, or a refusal, and nothing read beyond it. */
static void mutations(void **state)
{
	struct rx_aar in = some_aar(), out;
	struct fd_pei pei;
	struct msg *m;
	uint8_t *octets, *copy;
	size_t len;
	uint32_t seed = 1, good = 0;

	assert_int_equal(rx_request(RX_AAR, &m, &in, SLICE("pcrf.home.test")), 0);
	octets = octets_of(m, &len);
	for (int i = 0; i < 20000; i++) {
		copy = malloc(len);
		memcpy(copy, octets, len);
		for (int k = 0; k < 1 + i % 3; k++) {
			seed = seed * 1103515245 + 12345;
			copy[20 + (seed >> 8) % (len - 20)] = (uint8_t)(seed >> 24);
		}
		diameter_guard(copy, (uint32_t)len);
		if (fd_msg_parse_buffer(&copy, len, &m)) {
			free(copy);
			continue;
		}
		if (fd_msg_parse_dict(m, fd_g_config->cnf_dict, &pei) == 0)
			good += rx_decode_request(RX_AAR, m, &out) == 0;
		fd_msg_free(m);
	}
	assert_in_range(good, 100, 19900);
	free(octets);
}

static void copies(void **state)
{
	struct rx_aar in = some_aar(), *copy = rx_copy_request(RX_AAR, &in);

	assert_non_null(copy);
	assert_ptr_not_equal(copy->component[0].codec[0].p, in.component[0].codec[0].p);
	assert_slice(copy->component[0].codec[0], "uplink\noffer\nm=audio 4000 RTP/AVP 8");
	assert_slice(copy->component[0].flow[0].description[0],
		     "permit in 17 from 10.10.0.2 to 10.20.0.2 4000");
	free(copy);
}

static void names(void **state)
{
	assert_string_equal(rx_result_name(RX_SERVICE_NOT_AUTHORIZED),
			    "REQUESTED_SERVICE_NOT_AUTHORIZED");
	assert_string_equal(rx_result_name(CX_SUCCESS), "DIAMETER_SUCCESS");
	assert_string_equal(rx_action_name(RX_LOSS_OF_BEARER), "loss of bearer");
	assert_string_equal(rx_action_name(99), "unknown");
	assert_string_equal(rx_ip_can_name(5), "3GPP-EPS");
	assert_string_equal(rx_ip_can_name(99), "unknown");
	assert_string_equal(rx_ip_can_name(RX_UNSAID), "");
	assert_string_equal(rx_rat_name(1004), "E-UTRAN");
	assert_string_equal(rx_rat_name(99), "unknown");
	assert_string_equal(rx_rat_name(RX_UNSAID), "");
}

static int start(void **state)
{
	struct diameter_config c = {.identity = "pcscf.home.test", .realm = "home.test"};
	char error[256];

	log_set_level(LOG_ERROR); /* of mutations the library says a lot */
	c.listen = addr_v4(0x7f000001, 0);
	return diameter_init(&c, error) || cx_dictionary_init() || rx_dictionary_init();
}

static int stop(void **state)
{
	diameter_stop();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aar),
		cmocka_unit_test(aaa),
		cmocka_unit_test(of_the_base_protocol),
		cmocka_unit_test(wrong),
		cmocka_unit_test(mutations),
		cmocka_unit_test(copies),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
