/* users.c - the texts and addresses of made-up users */
#include "users.h"

/* Digits of `v`, most significant first; printf would cost more than what is measured. */
static char *put_digits(char *at, uint64_t v, uint32_t digits)
{
	for (uint32_t i = digits; i-- > 0; v /= 10)
		at[i] = (char)('0' + v % 10);
	return at + digits;
}

static char *put_text(char *at, struct slice s)
{
	memcpy(at, s.p, s.len);
	return at + s.len;
}

struct slice user_impu(uint64_t user, uint32_t which, char to[USER_TEXT_MAX])
{
	char *at = put_text(to, which ? SLICE("sip:user") : SLICE("tel:+4930"));

	at = put_digits(at, user, 10);
	if (which)
		at = put_text(at, SLICE("@ims.mnc001.mcc262.3gppnetwork.org"));
	return slice_of(to, (size_t)(at - to));
}

struct addr user_flow(uint64_t user)
{
	/* A terminal has an address of its own, and the port it likes. */
	return addr_v4(0x0a000000 + (uint32_t)user, (uint16_t)(5060 + user % 7));
}

static struct slice contact_uri(uint64_t user, char to[USER_TEXT_MAX])
{
	char *at = put_text(to, SLICE("sip:262010000000000@100."));

	for (int shift = 16; shift >= 0; shift -= 8) {
		at = put_digits(at, user >> shift & 255, 3);
		*at++ = '.';
	}
	at = put_text(at - 1, SLICE(":5060;transport=udp;ob"));
	return slice_of(to, (size_t)(at - to));
}

static struct slice contact_path(uint64_t user, char to[USER_TEXT_MAX])
{
	char *at = put_text(to, SLICE("<sip:p"));

	/* In the place of a token: the flow, and a check of 64 bits in base 32. */
	at = put_digits(at, user, 18);
	at = put_digits(at, ~user, 19);
	at = put_text(at, SLICE("@pcscf01.ims.mnc001.mcc262.3gppnetwork.org:5060;lr>"));
	return slice_of(to, (size_t)(at - to));
}

void user_fill(struct user_view *u, uint64_t user, uint64_t expires_ms)
{
	struct abi_registration_view *v = &u->v;
	struct abi_contact_view *c = &v->contact[0];

	v->set_id = user + 1;
	v->roles = ABI_REG_PCSCF | ABI_REG_SCSCF;
	v->service_route = SLICE("<sip:orig@scscf01.ims.example:5060;lr>");
	v->n_impu = USER_IMPUS;
	v->n_contact = 1;
	for (uint32_t i = 0; i < USER_IMPUS; i++)
		v->impu[i] = (struct abi_impu_view){.impu = user_impu(user, i, u->impu[i])};
	*c = (struct abi_contact_view){
		.flow = user_flow(user),
		.local = addr_v4(0xc0000201, 5060),
		.expires_ms = expires_ms,
		.registered_ms = 1,
		.uri = contact_uri(user, u->uri),
		.path = contact_path(user, u->path),
	};
}
