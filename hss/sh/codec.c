/* codec.c - Sh commands: freeDiameter messages from and to the structures of sh.h */
#include "sh/codec.h"
#include "cx/message.h"
#include "cx/row.h"

#include <errno.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

enum { COMMANDS = SH_PNR - SH_UDR + 1 };

static const struct message_application application = {SH_APPLICATION, ";sh", false, false};

static const char *const command_name[COMMANDS][2] = {
	{"User-Data-Request", "User-Data-Answer"},
	{"Profile-Update-Request", "Profile-Update-Answer"},
	{"Subscribe-Notifications-Request", "Subscribe-Notifications-Answer"},
	{"Push-Notification-Request", "Push-Notification-Answer"},
};

/* Written by sh_dictionary_init only. */
static struct dict_object *request_object[COMMANDS];

/* User-Identity (TS 29.329 §6.3.1) is a choice: request_finish sees to it. */
static const struct field user_field[] = {
	SLICE_ROW(PUBLIC_IDENTITY, struct sh_user, impu, IMPU_MAX, false),
	SLICE_ROW(MSISDN, struct sh_user, msisdn, SH_MSISDN_MAX, false),
};
static const struct shape user_shape = SHAPE_PART(user_field);

#define USER_ROWS(type)                                                                        \
	GROUP_ROW(USER_IDENTITY, offsetof(type, user), user_shape, true),                      \
		SLICE_ROW(USER_NAME, type, user.impi, IMPI_MAX, false),                        \
		SLICE_ROW(WILDCARDED_PUBLIC_IDENTITY, type, user.wildcard, IMPU_MAX, false)
#define WHAT_ROWS(type)                                                                        \
	U32S_ROW(DATA_REFERENCE, type, what.reference, what.n_references),                     \
		SLICES_ROW(SERVICE_INDICATION, type, what.service, what.n_services,            \
			   SH_NAME_MAX),                                                       \
		SLICES_ROW(DSAI_TAG, type, what.tag, what.n_tags, SH_NAME_MAX),                \
		U32S_ROW(IDENTITY_SET, type, what.identity_set, what.n_identity_sets),         \
		SLICE_ROW(SERVER_NAME, type, what.server_name, CX_STRING_MAX, false)

/* UDR and UDA, TS 29.329 §6.1.1. */
static const struct field udr_field[] = {
	COMMON,
	ORIGIN_ROW(struct sh_udr),
	USER_ROWS(struct sh_udr),
	WHAT_ROWS(struct sh_udr),
	U32S_ROW(REQUESTED_DOMAIN, struct sh_udr, domain, n_domain),
	U32S_ROW(CURRENT_LOCATION, struct sh_udr, current, n_current),
};
static const struct field uda_field[] = {
	RESULT_ROWS,
	SLICE_ROW(WILDCARDED_PUBLIC_IDENTITY, struct sh_uda, wildcard, IMPU_MAX, false),
	SLICE_ROW(SH_USER_DATA, struct sh_uda, user_data, SH_USER_DATA_MAX, false),
};

/* PUR and PUA, §6.1.3. */
static const struct field pur_field[] = {
	COMMON,
	ORIGIN_ROW(struct sh_pur),
	USER_ROWS(struct sh_pur),
	U32S_ROW(DATA_REFERENCE, struct sh_pur, reference, n_references),
	SLICE_ROW(SH_USER_DATA, struct sh_pur, user_data, SH_USER_DATA_MAX, true),
};
static const struct field pua_field[] = {
	RESULT_ROWS,
	SLICE_ROW(WILDCARDED_PUBLIC_IDENTITY, struct sh_pua, wildcard, IMPU_MAX, false),
};

/* SNR and SNA, §6.1.5. */
static const struct field snr_field[] = {
	COMMON,
	ORIGIN_ROW(struct sh_snr),
	USER_ROWS(struct sh_snr),
	WHAT_ROWS(struct sh_snr),
	BOOL_ROW(SEND_DATA_INDICATION, FIELD_FLAG, struct sh_snr, send_data, false),
	BOOL_ROW(SUBS_REQ_TYPE, FIELD_FLAG, struct sh_snr, unsubscribe, true),
	BOOL_ROW(ONE_TIME_NOTIFICATION, FIELD_GIVEN, struct sh_snr, once, false),
	SLICE_ROW(EXPIRY_TIME, struct sh_snr, expiry_octets, SH_TIME_OCTETS, false),
};
/* The answer's Expiry-Time needs memory for its octets. */
struct sna_sent {
	struct sh_sna a;
	struct slice expiry_octets;
	uint8_t octets[SH_TIME_OCTETS];
};
static const struct field sna_field[] = {
	RESULT_ROWS,
	SLICE_ROW(WILDCARDED_PUBLIC_IDENTITY, struct sh_sna, wildcard, IMPU_MAX, false),
	SLICE_ROW(SH_USER_DATA, struct sh_sna, user_data, SH_USER_DATA_MAX, false),
	SLICE_ROW(EXPIRY_TIME, struct sna_sent, expiry_octets, SH_TIME_OCTETS, false),
};

/* PNR and PNA, §6.1.7. */
static const struct field pnr_field[] = {
	COMMON,
	ORIGIN_ROW(struct sh_pnr),
	USER_ROWS(struct sh_pnr),
	SLICE_ROW(SH_USER_DATA, struct sh_pnr, user_data, SH_USER_DATA_MAX, true),
};
static const struct field pna_field[] = {RESULT_ROWS};

/* Index: command - SH_UDR. */
static const struct shape request_shape[COMMANDS] = {
	SHAPE(udr_field, struct sh_udr),
	SHAPE(pur_field, struct sh_pur),
	SHAPE(snr_field, struct sh_snr),
	SHAPE(pnr_field, struct sh_pnr),
};
static const struct shape answer_shape[COMMANDS] = {
	SHAPE(uda_field, struct sh_uda),
	SHAPE(pua_field, struct sh_pua),
	SHAPE(sna_field, struct sna_sent),
	SHAPE(pna_field, struct sh_pna),
};

_Static_assert(offsetof(struct sh_uda, result) == 0 && offsetof(struct sh_pua, result) == 0 &&
		       offsetof(struct sna_sent, a.result) == 0 &&
		       offsetof(struct sh_pna, result) == 0,
	       "the rows of results have offset 0");

int sh_dictionary_init(void)
{
	return dictionary_application(SH_APPLICATION, "3GPP Sh", SH_UDR, command_name, COMMANDS,
				      request_object);
}

struct dict_object *sh_command(uint32_t command)
{
	return command >= SH_UDR && command <= SH_PNR ? request_object[command - SH_UDR] : NULL;
}

/* Seconds of 1900, which begin anew in 2036 (RFC 6733 §4.3.1). */
static const int64_t seconds_1900_to_1970 = 2208988800, era = INT64_C(1) << 32;

static int64_t time_decode(struct slice s)
{
	uint32_t t = (uint32_t)s.p[0] << 24 | (uint32_t)s.p[1] << 16 | (uint32_t)s.p[2] << 8 |
		     s.p[3];

	return t - seconds_1900_to_1970 + (t >> 31 ? 0 : era);
}

static void time_encode(int64_t at, uint8_t out[SH_TIME_OCTETS])
{
	uint32_t t = (uint32_t)(at + seconds_1900_to_1970);

	for (int i = 0; i < SH_TIME_OCTETS; i++)
		out[i] = (uint8_t)(t >> (24 - 8 * i));
}

static int missing(struct fault *f, enum avp_id id)
{
	*f = (struct fault){.result = CX_MISSING_AVP, .missing = id};
	return f->result;
}

/* The parts that no row can say. */
static int user_finish(const struct sh_user *u, struct fault *f)
{
	return u->impu.len || u->msisdn.len ? 0 : missing(f, AVP_PUBLIC_IDENTITY);
}

static int snr_finish(struct sh_snr *r, struct fault *f)
{
	if (!r->what.n_references)
		return missing(f, AVP_DATA_REFERENCE);
	if (!r->expiry_octets.len)
		return 0;
	if (r->expiry_octets.len != SH_TIME_OCTETS) {
		*f = (struct fault){.result = CX_INVALID_AVP_VALUE, .missing = AVP_EXPIRY_TIME};
		return f->result;
	}
	r->expiry = time_decode(r->expiry_octets);
	return 0;
}

static int request_finish(uint32_t command, void *out, struct fault *f)
{
	/* The user is the first member of all. */
	int result = user_finish(out, f);

	if (result)
		return result;
	switch (command) {
	case SH_UDR:
		return ((struct sh_udr *)out)->what.n_references
			       ? 0
			       : missing(f, AVP_DATA_REFERENCE);
	case SH_PUR:
		return ((struct sh_pur *)out)->n_references ? 0
							    : missing(f, AVP_DATA_REFERENCE);
	case SH_SNR:
		return snr_finish(out, f);
	default:
		return 0;
	}
}

_Static_assert(offsetof(struct sh_udr, user) == 0 && offsetof(struct sh_pur, user) == 0 &&
		       offsetof(struct sh_snr, user) == 0 && offsetof(struct sh_pnr, user) == 0,
	       "request_finish finds the user");

static int request_decode(uint32_t command, struct msg *m, void *out, struct fault *f)
{
	int result = field_decode(m, &request_shape[command - SH_UDR], out, f);

	return result ? result : request_finish(command, out, f);
}

int sh_decode_request(uint32_t command, struct msg *m, void *out)
{
	struct fault f = {0};

	return request_decode(command, m, out, &f);
}

int sh_decode_answer(uint32_t command, struct msg *m, void *out)
{
	static const size_t size[COMMANDS] = {sizeof(struct sh_uda), sizeof(struct sh_pua),
					      sizeof(struct sh_sna), sizeof(struct sh_pna)};
	union {
		union sh_any_answer any;
		struct sna_sent sna;
	} a = {0};
	struct fault f;
	bool good = field_decode(m, &answer_shape[command - SH_UDR], &a, &f) == 0 &&
		    a.any.result != 0;

	if (good && command == SH_SNR && a.sna.expiry_octets.len == SH_TIME_OCTETS)
		a.sna.a.expiry = time_decode(a.sna.expiry_octets);
	if (!good) {
		memset(&a, 0, sizeof(a));
		a.any.result = CX_BAD_ANSWER;
	}
	memcpy(out, &a, size[command - SH_UDR]);
	return good ? 0 : CX_BAD_ANSWER;
}

int sh_request(uint32_t command, struct msg **m, const void *r, struct slice destination_host)
{
	uint8_t octets[SH_TIME_OCTETS];
	struct sh_snr timed;

	if (command == SH_SNR) {
		timed = *(const struct sh_snr *)r;
		time_encode(timed.expiry, octets);
		timed.expiry_octets =
			timed.expiry ? slice_of(octets, sizeof(octets)) : SLICE_EMPTY;
		r = &timed;
	}
	return message_request(&application, sh_command(command),
			       &request_shape[command - SH_UDR], r, destination_host, m);
}

int sh_answer(uint32_t command, struct msg **m, const void *a)
{
	struct sna_sent sna;

	if (command == SH_SNR) {
		sna = (struct sna_sent){.a = *(const struct sh_sna *)a};
		time_encode(sna.a.expiry, sna.octets);
		if (sna.a.expiry)
			sna.expiry_octets = slice_of(sna.octets, sizeof(sna.octets));
		a = &sna;
	}
	return message_answer(&application, &answer_shape[command - SH_UDR], a, m);
}

int sh_answer_error(struct msg **m, int result)
{
	union sh_any_request scratch;
	struct fault f = {0};
	struct msg_hdr *h;
	int error = fd_msg_hdr(*m, &h);

	if (error)
		return error;
	if (h->msg_code >= SH_UDR && h->msg_code <= SH_PNR)
		request_decode(h->msg_code, *m, &scratch, &f);
	return message_error(&application, result, &f, m);
}
