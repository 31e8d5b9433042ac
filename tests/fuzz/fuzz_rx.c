/* fuzz_rx.c - AVPs of Rx as a PCRF could send them: behind the guard and the library's parser,
 * decoded; and what was decoded makes a message that says the same */
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "diameter/diameter.h"
#include "cx/codec.h"
#include "rx/codec.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER = 20, LONGEST = 8192 };

static const uint32_t code[] = {RX_AAR, RX_STR, RX_RAR, RX_ASR};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct diameter_config c = {.identity = "pcscf.home.test", .realm = "home.test"};
	char error[256];

	log_set_level(LOG_ERROR + 1);
	c.listen = addr_v4(0x7f000001, 0);
	if (diameter_init(&c, error) || cx_dictionary_init() || rx_dictionary_init())
		abort();
	return 0;
}

/* Takes the octets. NULL: refused by the library. */
static struct msg *parsed(uint8_t *octets, size_t len)
{
	struct fd_pei pei = {0};
	struct msg *m = NULL;

	if (fd_msg_parse_buffer(&octets, len, &m)) {
		free(octets);
		return NULL;
	}
	if (fd_msg_parse_dict(m, fd_g_config->cnf_dict, &pei) == 0 &&
	    fd_msg_parse_rules(m, fd_g_config->cnf_dict, &pei) == 0)
		return m;
	if (pei.pei_avp_free) /* an example of what is missing */
		fd_msg_free(pei.pei_avp);
	fd_msg_free(m);
	return NULL;
}

static void said_again(uint32_t command, const union rx_any_request *r)
{
	union rx_any_request again;
	struct msg *m;
	uint8_t *octets;
	size_t len;

	if (rx_request(command, &m, r, SLICE("pcrf.home.test")) ||
	    fd_msg_bufferize(m, &octets, &len))
		abort();
	fd_msg_free(m);
	m = parsed(octets, len);
	if (!m || rx_decode_request(command, m, &again))
		abort();
	if (command == RX_AAR && (r->aar.n_component != again.aar.n_component ||
				  r->aar.n_action != again.aar.n_action ||
				  !slice_eq(r->aar.session, again.aar.session) ||
				  !slice_eq(r->aar.service, again.aar.service)))
		abort();
	fd_msg_free(m);
}

/* The first octet: which command, and whether it is an answer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t command, len = HEADER + ((uint32_t)size & ~3u);
	union rx_any_request r;
	union rx_any_answer a;
	uint8_t *octets;
	struct msg *m;

	if (size == 0 || size > LONGEST)
		return 0;
	command = code[data[0] & 3];
	octets = calloc(1, len + 4);
	if (!octets)
		return 0;
	memcpy(octets,
	       (const uint8_t[]){1, 0, (uint8_t)(len >> 8), (uint8_t)len,
				 data[0] & 4 ? 0x40 : 0xc0, 0, (uint8_t)(command >> 8),
				 (uint8_t)command, 1, 0, 0, 0x14},
	       12);
	memcpy(octets + HEADER, data + 1, size - 1);
	diameter_guard(octets, len);
	m = parsed(octets, len);
	if (!m)
		return 0;
	if (data[0] & 4)
		rx_decode_answer(command, m, &a);
	else if (rx_decode_request(command, m, &r) == 0)
		said_again(command, &r);
	fd_msg_free(m);
	return 0;
}
