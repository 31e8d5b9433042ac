/* codec.c - Rf: freeDiameter messages from and to the structures of rf.h */
#include "rf/codec.h"
#include "cx/message.h"
#include "cx/row.h"

#include <errno.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

_Static_assert(RF_UNSAID == FIELD_UNSAID, "the same number");

static const struct message_application application = {RF_APPLICATION, ";rf", true, true};

/* Written by rf_dictionary_init only. */
static struct dict_object *request_object;

/* What the base accounting application asks to be sent by us as it is. */
static const char service_context[] = "32260@3gpp.org"; /* TS 32.260 §6.3.2 */

struct acr_sent {
	struct rf_acr r;
	struct slice context;
	uint8_t octets[3][RF_TIME_OCTETS];
};

#define A(member) offsetof(struct acr_sent, r.member)

/* TS 32.299 §7.2.77, §7.2.239, §7.2.88 */
static const struct field event_field[] = {
	{.avp = AVP_SIP_METHOD, .kind = FIELD_SLICE, .at = A(method), .octets = 64},
};
static const struct shape event_shape = SHAPE_PART(event_field);
static const struct field time_field[] = {
	{.avp = AVP_SIP_REQUEST_TIMESTAMP,
	 .kind = FIELD_SLICE,
	 .at = A(octets.requested),
	 .octets = RF_TIME_OCTETS},
	{.avp = AVP_SIP_RESPONSE_TIMESTAMP,
	 .kind = FIELD_SLICE,
	 .at = A(octets.answered),
	 .octets = RF_TIME_OCTETS},
};
static const struct shape time_shape = SHAPE_PART(time_field);
static const struct field ioi_field[] = {
	{.avp = AVP_ORIGINATING_IOI, .kind = FIELD_SLICE, .at = A(orig_ioi), .octets = 255},
	{.avp = AVP_TERMINATING_IOI, .kind = FIELD_SLICE, .at = A(term_ioi), .octets = 255},
};
static const struct shape ioi_shape = SHAPE_PART(ioi_field);

/* RFC 8506 §8.46 */
static const struct field user_field[] = {
	U32_ROW(SUBSCRIPTION_ID_TYPE, struct rf_user, type, 4, true),
	SLICE_ROW(SUBSCRIPTION_ID_DATA, struct rf_user, identity, IMPU_MAX, true),
};
static const struct shape user_shape = SHAPE(user_field, struct rf_user);

/* §7.2.102 */
static const struct field ims_field[] = {
	{.avp = AVP_EVENT_TYPE, .kind = FIELD_GROUP, .at = 0, .shape = &event_shape},
	{.avp = AVP_ROLE_OF_NODE, .kind = FIELD_U32, .at = A(role), .max = 3},
	{.avp = AVP_NODE_FUNCTIONALITY,
	 .kind = FIELD_U32,
	 .must = true,
	 .at = A(node),
	 .max = 20},
	{.avp = AVP_USER_SESSION_ID, .kind = FIELD_SLICE, .at = A(call_id), .octets = 1024},
	{.avp = AVP_CALLING_PARTY_ADDRESS,
	 .kind = FIELD_SLICES,
	 .at = A(calling),
	 .count = A(n_calling),
	 .max = RF_CALLERS_MAX,
	 .octets = IMPU_MAX},
	{.avp = AVP_CALLED_PARTY_ADDRESS,
	 .kind = FIELD_SLICE,
	 .at = A(called),
	 .octets = IMPU_MAX},
	{.avp = AVP_TIME_STAMPS, .kind = FIELD_GROUP, .at = 0, .shape = &time_shape},
	{.avp = AVP_INTER_OPERATOR_IDENTIFIER,
	 .kind = FIELD_GROUP,
	 .at = 0,
	 .shape = &ioi_shape},
	{.avp = AVP_IMS_CHARGING_IDENTIFIER, .kind = FIELD_SLICE, .at = A(icid), .octets = 255},
	{.avp = AVP_CAUSE_CODE, .kind = FIELD_MAYBE, .at = A(cause)},
};
static const struct shape ims_shape = SHAPE_PART(ims_field);

/* §7.2.192 */
static const struct field service_field[] = {
	{.avp = AVP_SUBSCRIPTION_ID,
	 .kind = FIELD_GROUPS,
	 .at = A(user),
	 .count = A(n_user),
	 .max = 1,
	 .shape = &user_shape},
	{.avp = AVP_IMS_INFORMATION,
	 .kind = FIELD_GROUP,
	 .must = true,
	 .at = 0,
	 .shape = &ims_shape},
};
static const struct shape service_shape = SHAPE_PART(service_field);

/* §6.2.2 */
static const struct field acr_field[] = {
	{.avp = AVP_SESSION_ID,
	 .kind = FIELD_SLICE,
	 .must = true,
	 .at = A(session),
	 .octets = RF_SESSION_MAX},
	ORIGIN,
	{.avp = AVP_ORIGIN_REALM, .kind = FIELD_PRESENT, .must = true},
	{.avp = AVP_ACCT_APPLICATION_ID, .kind = FIELD_PRESENT, .must = true},
	{.avp = AVP_ACCOUNTING_RECORD_TYPE,
	 .kind = FIELD_U32,
	 .must = true,
	 .at = A(record),
	 .max = 4},
	{.avp = AVP_ACCOUNTING_RECORD_NUMBER,
	 .kind = FIELD_U32,
	 .must = true,
	 .at = A(number),
	 .max = UINT32_MAX},
	{.avp = AVP_ACCT_INTERIM_INTERVAL,
	 .kind = FIELD_U32S,
	 .at = A(interval),
	 .count = A(n_interval),
	 .max = 1},
	{.avp = AVP_EVENT_TIMESTAMP,
	 .kind = FIELD_SLICE,
	 .must = true,
	 .at = A(octets.at),
	 .octets = RF_TIME_OCTETS},
	{.avp = AVP_SERVICE_CONTEXT_ID,
	 .kind = FIELD_SLICE,
	 .must = true,
	 .at = offsetof(struct acr_sent, context),
	 .octets = 64},
	{.avp = AVP_SERVICE_INFORMATION,
	 .kind = FIELD_GROUP,
	 .must = true,
	 .at = 0,
	 .shape = &service_shape},
};
static const struct shape acr_shape = SHAPE(acr_field, struct acr_sent);

/* §6.2.3 */
static const struct field aca_field[] = {
	RESULT_ROWS,
	U32_ROW(ACCOUNTING_RECORD_TYPE, struct rf_aca, record, 4, true),
	U32_ROW(ACCOUNTING_RECORD_NUMBER, struct rf_aca, number, UINT32_MAX, true),
	MAYBE_ROW(ACCT_INTERIM_INTERVAL, struct rf_aca, interval),
};
static const struct shape aca_shape = SHAPE(aca_field, struct rf_aca);

_Static_assert(offsetof(struct rf_aca, result) == 0, "the rows of results have offset 0");

/* The command is the base protocol's, and so is the application, which is in the dictionary;
 * that it is supported has to be said to the peers. */
int rf_dictionary_init(void)
{
	struct dictionary *dict = fd_g_config->cnf_dict;
	struct dict_object *object;
	application_id_t id = RF_APPLICATION;
	int error =
		fd_dict_search(dict, DICT_APPLICATION, APPLICATION_BY_ID, &id, &object, ENOENT);

	if (!error)
		error = dictionary_command(object, RF_ACR, NULL, &request_object);
	return error ? error : fd_disp_app_support(object, NULL, 0, 1);
}

struct dict_object *rf_command(void)
{
	return request_object;
}

/* Seconds of 1900, which begin anew in 2036 (RFC 6733 §4.3.1). */
static const int64_t seconds_1900_to_1970 = 2208988800, era = INT64_C(1) << 32;

static struct slice time_put(uint8_t out[RF_TIME_OCTETS], int64_t at)
{
	uint32_t t = (uint32_t)(at + seconds_1900_to_1970);

	for (int i = 0; i < RF_TIME_OCTETS; i++)
		out[i] = (uint8_t)(t >> (24 - 8 * i));
	return at ? slice_of(out, RF_TIME_OCTETS) : SLICE_EMPTY;
}

static int64_t time_get(struct slice s)
{
	uint32_t t = 0;

	if (s.len != RF_TIME_OCTETS)
		return 0;
	for (int i = 0; i < RF_TIME_OCTETS; i++)
		t = t << 8 | s.p[i];
	return t - seconds_1900_to_1970 + (t >> 31 ? 0 : era);
}

static int acr_decode(struct msg *m, struct rf_acr *out, struct fault *f)
{
	struct acr_sent s;
	int result = field_decode(m, &acr_shape, &s, f);

	if (result)
		return result;
	s.r.at = time_get(s.r.octets.at);
	s.r.requested = time_get(s.r.octets.requested);
	s.r.answered = time_get(s.r.octets.answered);
	*out = s.r;
	if (out->record >= RF_EVENT && out->record <= RF_STOP &&
	    slice_eq(s.context, slice_str(service_context)))
		return 0;
	*f = (struct fault){.result = CX_INVALID_AVP_VALUE, .missing = AVP_SERVICE_CONTEXT_ID};
	return f->result;
}

int rf_decode_acr(struct msg *m, struct rf_acr *out)
{
	struct fault f = {0};

	return acr_decode(m, out, &f);
}

int rf_decode_aca(struct msg *m, struct rf_aca *out)
{
	struct fault f;

	if (field_decode(m, &aca_shape, out, &f) == 0 && out->result)
		return 0;
	*out = (struct rf_aca){.result = CX_BAD_ANSWER};
	return CX_BAD_ANSWER;
}

bool rf_session_id(struct text *t)
{
	return message_session_id(&application, t);
}

int rf_acr(struct msg **m, const struct rf_acr *r, struct slice destination_host)
{
	struct acr_sent s = {.r = *r, .context = slice_str(service_context)};
	struct msg_hdr *h;
	int error;

	s.r.octets.at = time_put(s.octets[0], r->at);
	s.r.octets.requested = time_put(s.octets[1], r->requested);
	s.r.octets.answered = time_put(s.octets[2], r->answered);
	error = message_request(&application, request_object, &acr_shape, &s, destination_host,
				m);
	if (!error && fd_msg_hdr(*m, &h) == 0) {
		h->msg_appl = RF_APPLICATION;
		if (r->again)
			h->msg_flags |= CMD_FLAG_RETRANSMIT;
	}
	return error;
}

int rf_answer(struct msg **m, const struct rf_aca *a)
{
	return message_answer(&application, &aca_shape, a, m);
}

int rf_answer_error(struct msg **m, int result)
{
	struct rf_acr scratch;
	struct fault f = {0};

	acr_decode(*m, &scratch, &f);
	return message_error(&application, result, &f, m);
}

void *rf_copy_acr(const struct rf_acr *r)
{
	struct acr_sent s = {.r = *r};

	return field_copy(&acr_shape, &s);
}

void *rf_copy_aca(const struct rf_aca *a)
{
	return field_copy(&aca_shape, a);
}
