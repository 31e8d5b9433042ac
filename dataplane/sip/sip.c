/* sip.c - the tables of errors, methods and header names */
#include "sip/sip.h"

static const struct sip_error_info error_info[SIP_E_MAX] = {
	[SIP_OK] = {200, "OK", ""},
#define SIP_ERROR(id, status, reason, warning) [SIP_E_##id] = {status, reason, warning},
#include "sip/error.def"
#undef SIP_ERROR
};

static const struct slice header_name[SIP_H_OTHER] = {
#define HEADER(id, name, compact) [SIP_H_##id] = {(const uint8_t *)(name), sizeof(name) - 1},
#include "sip/header.def"
#undef HEADER
};

static const char *const method_name[SIP_M_MAX] = {
	[SIP_M_OTHER] = "",
	[SIP_M_INVITE] = "INVITE",
	[SIP_M_ACK] = "ACK",
	[SIP_M_BYE] = "BYE",
	[SIP_M_CANCEL] = "CANCEL",
	[SIP_M_REGISTER] = "REGISTER",
	[SIP_M_OPTIONS] = "OPTIONS",
	[SIP_M_MESSAGE] = "MESSAGE",
	[SIP_M_SUBSCRIBE] = "SUBSCRIBE",
	[SIP_M_NOTIFY] = "NOTIFY",
	[SIP_M_PUBLISH] = "PUBLISH",
	[SIP_M_INFO] = "INFO",
	[SIP_M_UPDATE] = "UPDATE",
	[SIP_M_PRACK] = "PRACK",
	[SIP_M_REFER] = "REFER",
};

const struct sip_error_info *sip_error_info(enum sip_error e)
{
	return &error_info[e];
}

struct slice sip_header_name(enum sip_header_id id)
{
	return header_name[id];
}

struct slice sip_method_name(enum sip_method m)
{
	return slice_str(method_name[m]);
}

/* Which method a name can be at all: what is left is one comparison. */
static enum sip_method method_candidate(struct slice name)
{
	switch (name.len) {
	case 3:
		return name.p[0] == 'A' ? SIP_M_ACK : SIP_M_BYE;
	case 4:
		return SIP_M_INFO;
	case 5:
		return name.p[0] == 'P' ? SIP_M_PRACK : SIP_M_REFER;
	case 6:
		switch (name.p[0]) {
		case 'I':
			return SIP_M_INVITE;
		case 'C':
			return SIP_M_CANCEL;
		case 'N':
			return SIP_M_NOTIFY;
		default:
			return SIP_M_UPDATE;
		}
	case 7:
		switch (name.p[0]) {
		case 'O':
			return SIP_M_OPTIONS;
		case 'M':
			return SIP_M_MESSAGE;
		default:
			return SIP_M_PUBLISH;
		}
	case 8:
		return SIP_M_REGISTER;
	case 9:
		return SIP_M_SUBSCRIBE;
	default:
		return SIP_M_OTHER;
	}
}

/* n octets, as many as a method has: 3 to 9. */
static inline bool same(const uint8_t *a, const char *b, uint32_t n)
{
	uint64_t x = 0, y = 0;
	uint32_t v, w;

	if (n < 4)
		return memcmp(a, b, 3) == 0;
	if (n < 8) {
		memcpy(&x, a, 4);
		memcpy(&y, b, 4);
	} else {
		memcpy(&x, a, 8);
		memcpy(&y, b, 8);
	}
	memcpy(&v, a + n - 4, 4);
	memcpy(&w, b + n - 4, 4);
	return x == y && v == w;
}

/* Methods are compared with regard to case (RFC 3261 §7.1). */
enum sip_method sip_method_id(struct slice name)
{
	enum sip_method m = method_candidate(name);

	if (m == SIP_M_OTHER || !same(name.p, method_name[m], name.len))
		return SIP_M_OTHER;
	return m;
}
