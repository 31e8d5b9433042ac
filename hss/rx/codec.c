/* codec.c - Rx commands: freeDiameter messages from and to the structures of rx.h */
#include "rx/codec.h"
#include "cx/message.h"
#include "cx/row.h"

#include <errno.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

_Static_assert(RX_UNSAID == FIELD_UNSAID, "the same number");

enum { AAR, STR, RAR, ASR, COMMANDS };

static const struct message_application application = {RX_APPLICATION, ";rx", true, false};

static const struct {
	uint32_t code;
	const char *name[2];
} command_table[COMMANDS] = {
	{RX_AAR, {"AA-Request", "AA-Answer"}},
	{RX_STR, {"Session-Termination-Request", "Session-Termination-Answer"}},
	{RX_RAR, {"Re-Auth-Request", "Re-Auth-Answer"}},
	{RX_ASR, {"Abort-Session-Request", "Abort-Session-Answer"}},
};

/* Written by rx_dictionary_init only. */
static struct dict_object *request_object[COMMANDS];

#define SESSION_ROW(type) SLICE_ROW(SESSION_ID, type, session, RX_SESSION_MAX, true)
#define REQUEST_ROWS                                                                           \
	ORIGIN, {.avp = AVP_ORIGIN_REALM, .kind = FIELD_PRESENT, .must = true},                \
	{                                                                                      \
		.avp = AVP_AUTH_APPLICATION_ID, .kind = FIELD_PRESENT, .must = true            \
	}

/* §5.3.17 */
static const struct field flow_field[] = {
	U32_ROW(FLOW_NUMBER, struct rx_flow, number, UINT16_MAX, true),
	SLICES_ROW(FLOW_DESCRIPTION, struct rx_flow, description, n_description,
		   RX_FLOW_TEXT_MAX),
	MAYBE_ROW(FLOW_STATUS, struct rx_flow, status),
	MAYBE_ROW(FLOW_USAGE, struct rx_flow, usage),
	MAYBE_ROW(AF_SIGNALLING_PROTOCOL, struct rx_flow, protocol),
};
static const struct shape flow_shape = SHAPE(flow_field, struct rx_flow);

/* §5.3.16 */
static const struct field component_field[] = {
	U32_ROW(MEDIA_COMPONENT_NUMBER, struct rx_component, number, UINT16_MAX, true),
	GROUPS_ROW(MEDIA_SUB_COMPONENT, struct rx_component, flow, n_flow, flow_shape),
	MAYBE_ROW(MEDIA_TYPE, struct rx_component, type),
	MAYBE_ROW(MAX_REQUESTED_BANDWIDTH_UL, struct rx_component, up),
	MAYBE_ROW(MAX_REQUESTED_BANDWIDTH_DL, struct rx_component, down),
	MAYBE_ROW(FLOW_STATUS, struct rx_component, status),
	MAYBE_ROW(RS_BANDWIDTH, struct rx_component, rs),
	MAYBE_ROW(RR_BANDWIDTH, struct rx_component, rr),
	SLICES_ROW(CODEC_DATA, struct rx_component, codec, n_codec, RX_CODEC_MAX),
};
static const struct shape component_shape = SHAPE(component_field, struct rx_component);

/* RFC 8506 §8.46 */
static const struct field user_field[] = {
	U32_ROW(SUBSCRIPTION_ID_TYPE, struct rx_user, type, 4, true),
	SLICE_ROW(SUBSCRIPTION_ID_DATA, struct rx_user, identity, IMPU_MAX, true),
};
static const struct shape user_shape = SHAPE(user_field, struct rx_user);

/* §5.6.1, §5.6.2 */
static const struct field aar_field[] = {
	SESSION_ROW(struct rx_aar),
	REQUEST_ROWS,
	SLICE_ROW(AF_APPLICATION_IDENTIFIER, struct rx_aar, application, CX_STRING_MAX, false),
	GROUPS_ROW(MEDIA_COMPONENT_DESCRIPTION, struct rx_aar, component, n_component,
		   component_shape),
	MAYBE_ROW(SERVICE_INFO_STATUS, struct rx_aar, info_status),
	SLICE_ROW(AF_CHARGING_IDENTIFIER, struct rx_aar, charging, CX_STRING_MAX, false),
	U32S_ROW(SPECIFIC_ACTION, struct rx_aar, action, n_action),
	GROUPS_ROW(SUBSCRIPTION_ID, struct rx_aar, user, n_user, user_shape),
	{.avp = AVP_SUPPORTED_FEATURES, .kind = FIELD_FEATURES},
	SLICE_ROW(FRAMED_IP_ADDRESS, struct rx_aar, ipv4, 4, false),
	SLICE_ROW(FRAMED_IPV6_PREFIX, struct rx_aar, ipv6, 18, false),
	SLICE_ROW(SERVICE_URN, struct rx_aar, service, CX_STRING_MAX, false),
	MAYBE_ROW(RX_REQUEST_TYPE, struct rx_aar, request_type),
};
static const struct field aaa_field[] = {
	RESULT_ROWS,
	MAYBE_ROW(IP_CAN_TYPE, struct rx_aaa, ip_can),
	MAYBE_ROW(RAT_TYPE, struct rx_aaa, rat),
};

/* §5.6.7, §5.6.8 */
static const struct field str_field[] = {
	SESSION_ROW(struct rx_str),
	REQUEST_ROWS,
	U32_ROW(TERMINATION_CAUSE, struct rx_str, cause, UINT32_MAX, true),
};
static const struct field sta_field[] = {RESULT_ROWS};

/* §5.6.3, §5.6.4 */
static const struct field rar_field[] = {
	SESSION_ROW(struct rx_rar),
	REQUEST_ROWS,
	U32S_ROW(SPECIFIC_ACTION, struct rx_rar, action, n_action),
	MAYBE_ROW(IP_CAN_TYPE, struct rx_rar, ip_can),
	MAYBE_ROW(RAT_TYPE, struct rx_rar, rat),
	MAYBE_ROW(ABORT_CAUSE, struct rx_rar, abort_cause),
};
static const struct field raa_field[] = {RESULT_ROWS};

/* §5.6.9, §5.6.10 */
static const struct field asr_field[] = {
	SESSION_ROW(struct rx_asr),
	REQUEST_ROWS,
	U32_ROW(ABORT_CAUSE, struct rx_asr, abort_cause, UINT32_MAX, true),
};
static const struct field asa_field[] = {RESULT_ROWS};

static const struct shape request_shape[COMMANDS] = {
	SHAPE(aar_field, struct rx_aar),
	SHAPE(str_field, struct rx_str),
	SHAPE(rar_field, struct rx_rar),
	SHAPE(asr_field, struct rx_asr),
};
static const struct shape answer_shape[COMMANDS] = {
	SHAPE(aaa_field, struct rx_aaa),
	SHAPE(sta_field, struct rx_sta),
	SHAPE(raa_field, struct rx_raa),
	SHAPE(asa_field, struct rx_asa),
};

_Static_assert(offsetof(struct rx_aaa, result) == 0 && offsetof(struct rx_sta, result) == 0 &&
		       offsetof(struct rx_raa, result) == 0 &&
		       offsetof(struct rx_asa, result) == 0,
	       "the rows of results have offset 0");

/* What freeDiameter's base dictionary asks of these commands is more than §5.6 has: it would
 * refuse a RAR without Re-Auth-Request-Type, and answers with an experimental result alone. */
static int unrule(void)
{
	static const char *const rule[][2] = {
		{"Re-Auth-Request", "Re-Auth-Request-Type"},
		{"Re-Auth-Answer", "Result-Code"},
		{"Session-Termination-Answer", "Result-Code"},
		{"Abort-Session-Answer", "Result-Code"},
	};
	int error = 0;

	for (size_t i = 0; i < sizeof(rule) / sizeof(rule[0]) && !error; i++)
		error = dictionary_unrule(rule[i][0], rule[i][1]);
	return error;
}

int rx_dictionary_init(void)
{
	struct dict_object *object;
	int error = dictionary_application_only(RX_APPLICATION, "3GPP Rx", &object);

	for (int i = 0; i < COMMANDS && !error; i++)
		error = dictionary_command(object, command_table[i].code, command_table[i].name,
					   &request_object[i]);
	return error ? error : unrule();
}

static int index_of(uint32_t command)
{
	for (int i = 0; i < COMMANDS; i++)
		if (command_table[i].code == command)
			return i;
	return -1;
}

struct dict_object *rx_command(uint32_t command)
{
	int i = index_of(command);

	return i < 0 ? NULL : request_object[i];
}

static bool u32_within(uint32_t v, uint32_t most)
{
	return v == RX_UNSAID || v <= most;
}

static bool flow_sound(const struct rx_flow *f)
{
	return u32_within(f->status, 4) && u32_within(f->usage, 2) &&
	       u32_within(f->protocol, 1);
}

/* Values that the specification gives no meaning. */
static int aar_finish(const struct rx_aar *r, struct fault *f)
{
	bool sound = u32_within(r->info_status, 1) && u32_within(r->request_type, 2);

	for (uint32_t i = 0; i < r->n_component; i++) {
		const struct rx_component *c = &r->component[i];

		sound = sound && u32_within(c->status, 4);
		for (uint32_t k = 0; k < c->n_flow; k++)
			sound = sound && flow_sound(&c->flow[k]);
	}
	if (sound)
		return 0;
	*f = (struct fault){.result = CX_INVALID_AVP_VALUE,
			    .missing = AVP_MEDIA_COMPONENT_DESCRIPTION};
	return f->result;
}

static int request_decode(int i, struct msg *m, void *out, struct fault *f)
{
	int result = field_decode(m, &request_shape[i], out, f);

	return result || i != AAR ? result : aar_finish(out, f);
}

int rx_decode_request(uint32_t command, struct msg *m, void *out)
{
	struct fault f = {0};

	return request_decode(index_of(command), m, out, &f);
}

int rx_decode_answer(uint32_t command, struct msg *m, void *out)
{
	const struct shape *shape = &answer_shape[index_of(command)];
	struct fault f;
	int *result = out; /* its first member */

	if (field_decode(m, shape, out, &f) == 0 && *result)
		return 0;
	memset(out, 0, shape->size);
	*result = CX_BAD_ANSWER;
	return CX_BAD_ANSWER;
}

bool rx_session_id(struct text *t)
{
	return message_session_id(&application, t);
}

int rx_request(uint32_t command, struct msg **m, const void *r, struct slice destination_host)
{
	int i = index_of(command);
	int error = message_request(&application, request_object[i], &request_shape[i], r,
				    destination_host, m);
	struct msg_hdr *h;

	/* The base protocol's commands have no application of their own. */
	if (!error && fd_msg_hdr(*m, &h) == 0)
		h->msg_appl = RX_APPLICATION;
	return error;
}

int rx_answer(uint32_t command, struct msg **m, const void *a)
{
	return message_answer(&application, &answer_shape[index_of(command)], a, m);
}

int rx_answer_error(struct msg **m, int result)
{
	union rx_any_request scratch;
	struct fault f = {0};
	struct msg_hdr *h;
	int error = fd_msg_hdr(*m, &h);

	if (error)
		return error;
	if (index_of(h->msg_code) >= 0)
		request_decode(index_of(h->msg_code), *m, &scratch, &f);
	return message_error(&application, result, &f, m);
}

void *rx_copy_request(uint32_t command, const void *r)
{
	return field_copy(&request_shape[index_of(command)], r);
}

void *rx_copy_answer(uint32_t command, const void *a)
{
	return field_copy(&answer_shape[index_of(command)], a);
}
