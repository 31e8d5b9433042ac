/* sets.c - registration sets for the tests */
#include "sets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text(const char *format, uint32_t n)
{
	char memory[128];

	snprintf(memory, sizeof(memory), format, n);
	return strdup(memory);
}

struct registration_set *make_set(uint32_t n, uint32_t n_contact, uint64_t expires)
{
	struct registration_set *s = registration_set_new();

	s->id = 0x1000000000000000u + n;
	s->roles = ABI_REG_PCSCF | ABI_REG_SCSCF;
	s->impi = text("user%u@example.org", n);
	s->n_impu = 2;
	s->impu[0] = text("sip:user%u@example.org", n);
	s->impu[1] = text("sip:user%u-b@example.org", n);
	s->impu_uri[0] = text("<sip:user%u@example.org>", n);
	s->impu_uri[1] = text("<sip:user%u-b@example.org>", n);
	s->impu_flags[0] = ABI_IMPU_DEFAULT;
	s->service_route = text("<sip:orig@scscf%u.example.org;lr>", n);
	s->user_data = text("<IMSSubscription>%u</IMSSubscription>", n);
	registration_room(s, n_contact);
	s->n_contact = n_contact;
	for (uint32_t i = 0; i < n_contact; i++) {
		struct registration_contact *c = &s->contact[i];

		c->flow = addr_v4(0x0a000000 + n, (uint16_t)(5060 + i));
		c->local = addr_v4(0xc6336401, 5060);
		c->expires_wall_ms = expires + i;
		c->registered_wall_ms = 1;
		c->q = (uint16_t)(1000 - i);
		c->uri = text("sip:user@10.0.0.1:%u", 5060 + i);
		c->path = text("", 0);
		c->instance = text("<urn:uuid:%u>", i);
		c->call_id = text("call-%u", n);
		c->cseq = 7 + i;
		c->params = text(";x=%u", i);
		c->impi = text("user%u@example.org", n);
		c->emergency = i % 2;
	}
	return s;
}

struct sa *make_sa(uint32_t n)
{
	struct sa *sa = sa_new();

	sa->id = 500 + n;
	sa->set_id = 0x1000000000000000u + n;
	sa->state = SA_ACTIVE;
	sa->created_wall_ms = 1000;
	sa->due_wall_ms = 4000000000000u + n;
	sa->ue = addr_v4(0x0a000000 + n, 6000);
	sa->local = addr_v4(0xc6336401, 5101);
	sa->port_us = 6001;
	sa->port_pc = 5102;
	sa->spi_uc = 50000 + n;
	sa->spi_us = 60000 + n;
	sa->spi_pc = 70000 + n;
	sa->spi_ps = 80000 + n;
	sa->pair = (struct sec_pair){ABI_SA_HMAC_SHA_1_96, ABI_SA_AES_CBC};
	sa->offered = (struct sec_policy){2, {sa->pair, {ABI_SA_HMAC_MD5_96, ABI_SA_NULL}}};
	memset(sa->ck, 'C', sizeof(sa->ck));
	memset(sa->ik, 'K', sizeof(sa->ik));
	sa->impi = text("user%u@example.org", n);
	sa->impu = text("sip:user%u@example.org", n);
	return sa;
}
