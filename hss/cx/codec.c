/* codec.c - Cx commands: freeDiameter messages from and to the structures of cx.h */
#include "cx/codec.h"
#include "message.h"
#include "row.h"
#include "vector.h"

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

enum {
	COMMANDS = CX_PPR - CX_UAR + 1,
	AUTS_MAX = 32,
};

static const struct message_application application = {CX_APPLICATION, ";cx", false, false};

static const struct field capabilities_field[] = {
	U32S_ROW(MANDATORY_CAPABILITY, struct cx_capabilities, mandatory, n_mandatory),
	U32S_ROW(OPTIONAL_CAPABILITY, struct cx_capabilities, optional, n_optional),
	SLICES_ROW(SERVER_NAME, struct cx_capabilities, name, n_names, CX_STRING_MAX),
};
static const struct shape capabilities_shape = SHAPE_PART(capabilities_field);

static const struct field charging_field[] = {
	SLICE_ROW(PRIMARY_ECF_NAME, struct cx_charging, primary_ecf, CX_STRING_MAX, false),
	SLICE_ROW(SECONDARY_ECF_NAME, struct cx_charging, secondary_ecf, CX_STRING_MAX, false),
	SLICE_ROW(PRIMARY_CCF_NAME, struct cx_charging, primary_ccf, CX_STRING_MAX, false),
	SLICE_ROW(SECONDARY_CCF_NAME, struct cx_charging, secondary_ccf, CX_STRING_MAX, false),
};
static const struct shape charging_shape = SHAPE_PART(charging_field);

static const struct field restored_field[] = {
	SLICE_ROW(PATH, struct cx_restored, path, CX_PATH_MAX, true),
	SLICE_ROW(CONTACT, struct cx_restored, contact, CX_CONTACT_MAX, true),
	SLICE_ROW(CALL_ID_SIP_HEADER, struct cx_restored, call_id, SIP_TOKEN_MAX, false),
	U32_ROW(INITIAL_CSEQ, struct cx_restored, cseq, UINT32_MAX, false),
};
static const struct shape restored_shape = SHAPE(restored_field, struct cx_restored);
static const struct field restoration_field[] = {
	SLICE_ROW(USER_NAME, struct cx_restoration, impi, IMPI_MAX, true),
	GROUPS_ROW(RESTORATION_INFO, struct cx_restoration, contact, n, restored_shape),
};
static const struct shape restoration_shape = SHAPE(restoration_field, struct cx_restoration);
/* In a request it may be missing as a whole: then nothing of it is there to be encoded. */
static const struct field restoration_sar_field[] = {
	SLICE_ROW(USER_NAME, struct cx_restoration, impi, IMPI_MAX, false),
	GROUPS_ROW(RESTORATION_INFO, struct cx_restoration, contact, n, restored_shape),
};
static const struct shape restoration_sar_shape = SHAPE_PART(restoration_sar_field);

/* UAR and UAA, TS 29.229 §6.1.1. */
static const struct field uar_field[] = {
	COMMON,
	ORIGIN,
	SLICE_ROW(USER_NAME, struct cx_uar, impi, IMPI_MAX, true),
	SLICE_ROW(PUBLIC_IDENTITY, struct cx_uar, impu, IMPU_MAX, true),
	SLICE_ROW(VISITED_NETWORK_IDENTIFIER, struct cx_uar, visited_network, CX_STRING_MAX,
		  true),
	U32_ROW(USER_AUTHORIZATION_TYPE, struct cx_uar, type,
		CX_UAT_REGISTRATION_AND_CAPABILITIES, false),
	BOOL_ROW(UAR_FLAGS, FIELD_BIT, struct cx_uar, emergency, false),
};
static const struct field uaa_field[] = {
	RESULT_ROWS,
	SLICE_ROW(SERVER_NAME, struct cx_uaa, server_name, CX_STRING_MAX, false),
	GROUP_ROW(SERVER_CAPABILITIES, offsetof(struct cx_uaa, capabilities),
		  capabilities_shape, false),
};

/* SAR and SAA, §6.1.3. */
static const struct field sar_field[] = {
	COMMON,
	ORIGIN_ROW(struct cx_sar),
	SLICE_ROW(USER_NAME, struct cx_sar, impi, IMPI_MAX, false),
	SLICES_ROW(PUBLIC_IDENTITY, struct cx_sar, impu, n_impus, IMPU_MAX),
	SLICE_ROW(SERVER_NAME, struct cx_sar, server_name, CX_STRING_MAX, true),
	U32_ROW(SERVER_ASSIGNMENT_TYPE, struct cx_sar, type,
		CX_SAT_DEREGISTRATION_TOO_MUCH_DATA, true),
	BOOL_ROW(USER_DATA_ALREADY_AVAILABLE, FIELD_FLAG, struct cx_sar, user_data_available,
		 true),
	BOOL_ROW(MULTIPLE_REGISTRATION_INDICATION, FIELD_FLAG, struct cx_sar,
		 multiple_registration, false),
	GROUP_ROW(SCSCF_RESTORATION_INFO, offsetof(struct cx_sar, restoration),
		  restoration_sar_shape, false),
};
static const struct field associated_saa_field[] = {
	SLICES_ROW(USER_NAME, struct cx_saa, associated_impi, n_associated, IMPI_MAX),
};
static const struct shape associated_saa_shape = SHAPE_PART(associated_saa_field);
static const struct field saa_field[] = {
	RESULT_ROWS,
	SLICE_ROW(USER_NAME, struct cx_saa, impi, IMPI_MAX, false),
	SLICE_ROW(USER_DATA, struct cx_saa, user_data, CX_USER_DATA_MAX, false),
	GROUP_ROW(CHARGING_INFORMATION, offsetof(struct cx_saa, charging), charging_shape,
		  false),
	GROUP_ROW(ASSOCIATED_IDENTITIES, 0, associated_saa_shape, false),
	GROUPS_ROW(SCSCF_RESTORATION_INFO, struct cx_saa, restoration, n_restorations,
		   restoration_shape),
};

/* LIR and LIA, §6.1.5. */
static const struct field lir_field[] = {
	COMMON,
	ORIGIN,
	SLICE_ROW(PUBLIC_IDENTITY, struct cx_lir, impu, IMPU_MAX, true),
	/* The enumeration has one value, 0: its presence is the message. */
	{.avp = AVP_ORIGINATING_REQUEST,
	 .kind = FIELD_GIVEN,
	 .at = offsetof(struct cx_lir, originating)},
};
static const struct field lia_field[] = {
	RESULT_ROWS,
	SLICE_ROW(SERVER_NAME, struct cx_lia, server_name, CX_STRING_MAX, false),
	GROUP_ROW(SERVER_CAPABILITIES, offsetof(struct cx_lia, capabilities),
		  capabilities_shape, false),
	SLICE_ROW(WILDCARDED_PUBLIC_IDENTITY, struct cx_lia, wildcard, IMPU_MAX, false),
};

/* MAR and MAA, §6.1.7. */
static const struct field mar_item_field[] = {
	SLICE_ROW(SIP_AUTHENTICATION_SCHEME, struct cx_mar, scheme_name, CX_STRING_MAX, true),
	SLICE_ROW(SIP_AUTHORIZATION, struct cx_mar, auts, AUTS_MAX, false),
};
static const struct shape mar_item_shape = SHAPE_PART(mar_item_field);
static const struct field mar_field[] = {
	COMMON,
	ORIGIN,
	SLICE_ROW(USER_NAME, struct cx_mar, impi, IMPI_MAX, true),
	SLICE_ROW(PUBLIC_IDENTITY, struct cx_mar, impu, IMPU_MAX, true),
	GROUP_ROW(SIP_AUTH_DATA_ITEM, 0, mar_item_shape, true),
	U32_ROW(SIP_NUMBER_AUTH_ITEMS, struct cx_mar, n_vectors, UINT32_MAX, true),
	SLICE_ROW(SERVER_NAME, struct cx_mar, server_name, CX_STRING_MAX, true),
};
static const struct field maa_field[] = {
	RESULT_ROWS,
	SLICE_ROW(USER_NAME, struct cx_maa, impi, IMPI_MAX, false),
	SLICE_ROW(PUBLIC_IDENTITY, struct cx_maa, impu, IMPU_MAX, false),
	{.avp = AVP_SIP_AUTH_DATA_ITEM,
	 .kind = FIELD_CUSTOM,
	 .decode = vector_decode,
	 .encode = vector_encode},
};

/* RTR and RTA, §6.1.9. */
static const struct field reason_field[] = {
	U32_ROW(REASON_CODE, struct cx_rtr, reason, CX_REASON_REMOVE_S_CSCF, true),
	SLICE_ROW(REASON_INFO, struct cx_rtr, reason_info, CX_STRING_MAX, false),
};
static const struct shape reason_shape = SHAPE_PART(reason_field);
static const struct field associated_rtr_field[] = {
	SLICES_ROW(USER_NAME, struct cx_rtr, associated_impi, n_associated, IMPI_MAX),
};
static const struct shape associated_rtr_shape = SHAPE_PART(associated_rtr_field);
static const struct field rtr_field[] = {
	COMMON,
	ORIGIN_ROW(struct cx_rtr),
	SLICE_ROW(USER_NAME, struct cx_rtr, impi, IMPI_MAX, true),
	GROUP_ROW(ASSOCIATED_IDENTITIES, 0, associated_rtr_shape, false),
	SLICES_ROW(PUBLIC_IDENTITY, struct cx_rtr, impu, n_impus, IMPU_MAX),
	GROUP_ROW(DEREGISTRATION_REASON, 0, reason_shape, true),
};
static const struct field rta_field[] = {RESULT_ROWS};

/* PPR and PPA, §6.1.11. */
static const struct field ppr_field[] = {
	COMMON,
	ORIGIN_ROW(struct cx_ppr),
	SLICE_ROW(USER_NAME, struct cx_ppr, impi, IMPI_MAX, true),
	SLICE_ROW(USER_DATA, struct cx_ppr, user_data, CX_USER_DATA_MAX, false),
	GROUP_ROW(CHARGING_INFORMATION, offsetof(struct cx_ppr, charging), charging_shape,
		  false),
};
static const struct field ppa_field[] = {RESULT_ROWS};

/* Index: command - CX_UAR. */
static const struct shape request_shape[COMMANDS] = {
	SHAPE(uar_field, struct cx_uar), SHAPE(sar_field, struct cx_sar),
	SHAPE(lir_field, struct cx_lir), SHAPE(mar_field, struct cx_mar),
	SHAPE(rtr_field, struct cx_rtr), SHAPE(ppr_field, struct cx_ppr),
};
static const struct shape answer_shape[COMMANDS] = {
	SHAPE(uaa_field, struct cx_uaa), SHAPE(saa_field, struct cx_saa),
	SHAPE(lia_field, struct cx_lia), SHAPE(maa_field, struct cx_maa),
	SHAPE(rta_field, struct cx_rta), SHAPE(ppa_field, struct cx_ppa),
};

_Static_assert(offsetof(struct cx_uaa, result) == 0 && offsetof(struct cx_lia, result) == 0 &&
		       offsetof(struct cx_maa, result) == 0 &&
		       offsetof(struct cx_saa, result) == 0 &&
		       offsetof(struct cx_rta, result) == 0 &&
		       offsetof(struct cx_ppa, result) == 0,
	       "the rows of results have offset 0");

struct dict_object *cx_command(uint32_t command)
{
	return dictionary_request(command);
}

/* The parts of a request that no row can say. */
static int request_finish(uint32_t command, struct msg *m, void *out, struct fault *f)
{
	if (command == CX_MAR) {
		struct cx_mar *r = out;

		r->scheme = scheme_of(r->scheme_name);
	}
	if (command == CX_SAR) {
		struct cx_sar *r = out;

		/* TS 29.228 §6.1.2.1: without both there is no subscriber. */
		if (!r->n_impus && !r->impi.len) {
			*f = (struct fault){.result = CX_MISSING_AVP,
					    .missing = AVP_PUBLIC_IDENTITY};
			return f->result;
		}
	}
	return 0;
}

static int request_decode(uint32_t command, struct msg *m, void *out, struct fault *f)
{
	int result = field_decode(m, &request_shape[command - CX_UAR], out, f);

	return result ? result : request_finish(command, m, out, f);
}

int cx_decode_request(uint32_t command, struct msg *m, void *out)
{
	struct fault f = {0};

	return request_decode(command, m, out, &f);
}

static const struct field redirect_field[] = {
	RESULT_ROWS,
	SLICES_ROW(REDIRECT_HOST, struct cx_redirect, host, n_hosts, CX_STRING_MAX),
	U32_ROW(REDIRECT_HOST_USAGE, struct cx_redirect, usage, CX_REDIRECT_ALL_USER, false),
	U32_ROW(REDIRECT_MAX_CACHE_TIME, struct cx_redirect, cache_s, UINT32_MAX, false),
};
static const struct shape redirect_shape = SHAPE(redirect_field, struct cx_redirect);

bool cx_decode_redirect(struct msg *m, struct cx_redirect *out)
{
	struct fault f;

	return field_decode(m, &redirect_shape, out, &f) == 0 &&
	       out->result == CX_REDIRECT_INDICATION && out->n_hosts;
}

int cx_decode_answer(uint32_t command, struct msg *m, void *out)
{
	const struct shape *s = &answer_shape[command - CX_UAR];
	struct fault f;

	if (field_decode(m, s, out, &f) == 0 && *(int *)out != 0)
		return 0;
	memset(out, 0, s->size);
	*(int *)out = CX_BAD_ANSWER;
	return CX_BAD_ANSWER;
}

int cx_request(uint32_t command, struct msg **m, const void *r, struct slice destination_host)
{
	struct cx_mar named;

	if (command == CX_MAR) {
		named = *(const struct cx_mar *)r;
		if (named.scheme != CX_AUTH_OTHER)
			named.scheme_name = scheme_text(named.scheme);
		r = &named;
	}
	return message_request(&application, dictionary_request(command),
			       &request_shape[command - CX_UAR], r, destination_host, m);
}

int cx_answer(uint32_t command, struct msg **m, const void *a)
{
	return message_answer(&application, &answer_shape[command - CX_UAR], a, m);
}

int cx_answer_error(struct msg **m, int result)
{
	union cx_any_request scratch;
	struct fault f = {0};
	struct msg_hdr *h;
	int error = fd_msg_hdr(*m, &h);

	if (error)
		return error;
	if (h->msg_code >= CX_UAR && h->msg_code <= CX_PPR)
		request_decode(h->msg_code, *m, &scratch, &f);
	return message_error(&application, result, &f, m);
}

void *cx_copy_request(uint32_t command, const void *r)
{
	return field_copy(&request_shape[command - CX_UAR], r);
}

void *cx_copy_answer(uint32_t command, const void *a)
{
	return field_copy(&answer_shape[command - CX_UAR], a);
}

/* The typed functions of codec.h. */
#define COMMAND(CODE, r, a)                                                                    \
	int cx_decode_##r(struct msg *m, struct cx_##r *out)                                   \
	{                                                                                      \
		return cx_decode_request(CODE, m, out);                                        \
	}                                                                                      \
	int cx_decode_##a(struct msg *m, struct cx_##a *out)                                   \
	{                                                                                      \
		return cx_decode_answer(CODE, m, out);                                         \
	}                                                                                      \
	int cx_answer_##a(struct msg **m, const struct cx_##a *answer)                         \
	{                                                                                      \
		return cx_answer(CODE, m, answer);                                             \
	}                                                                                      \
	int cx_request_##r(struct msg **m, const struct cx_##r *request,                       \
			   struct slice destination_host)                                      \
	{                                                                                      \
		return cx_request(CODE, m, request, destination_host);                         \
	}

COMMAND(CX_UAR, uar, uaa)
COMMAND(CX_SAR, sar, saa)
COMMAND(CX_LIR, lir, lia)
COMMAND(CX_MAR, mar, maa)
COMMAND(CX_RTR, rtr, rta)
COMMAND(CX_PPR, ppr, ppa)
