/* osip.c - libosip2's parser, apart: its headers and ours share names */
#include "osip.h"

#include <sys/time.h>

#include <osipparser2/osip_port.h>
#include <osipparser2/osip_parser.h>

void bench_osip_start(void)
{
	parser_init();
}

bool bench_osip_parse(struct slice message)
{
	osip_message_t *m;
	bool sound;

	if (osip_message_init(&m) != 0)
		return false;
	sound = osip_message_parse(m, (const char *)message.p, message.len) == 0;
	osip_message_free(m);
	return sound;
}
