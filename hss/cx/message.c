/* message.c - what the requests and answers of Cx and Sh have in common */
#include "message.h"
#include "row.h"

#include <errno.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include <stdatomic.h>
#include <time.h>

enum {
	NO_STATE_MAINTAINED = 1, /* RFC 6733 §8.11, TS 29.229 §5.4 */
	SESSION_ID_MAX = 320,    /* an identity and two numbers */
};

static const struct field result_field[] = {RESULT_ROWS};
static const struct shape result_shape = SHAPE(result_field, int);

/* TS 29.229 §6.1, TS 29.329 §6.1: what both requests and answers carry besides Session-Id. */
static int put_common(struct msg *m, const struct message_application *application)
{
	struct avp *group;
	int error;

	if (application->sessions) {
		error = field_put_u32(m,
				      application->accounting ? AVP_ACCT_APPLICATION_ID
							      : AVP_AUTH_APPLICATION_ID,
				      application->id);
		return error ? error : fd_msg_add_origin(m, 0);
	}
	error = field_put_group(m, AVP_VENDOR_SPECIFIC_APPLICATION_ID, &group);

	if (!error)
		error = field_put_u32(group, AVP_VENDOR_ID, CX_VENDOR);
	if (!error)
		error = field_put_u32(group, AVP_AUTH_APPLICATION_ID, application->id);
	if (!error)
		error = field_put_u32(m, AVP_AUTH_SESSION_STATE, NO_STATE_MAINTAINED);
	return error ? error : fd_msg_add_origin(m, 0);
}

/* RFC 6733 §8.8, by hand: the library would keep a session for each, in a table of 64 lists.
 * The number begins with the time in ns and counts requests, so a restart does not meet the old
 * ones. */
bool message_session_id(const struct message_application *application, struct text *t)
{
	static _Atomic uint64_t next;
	struct timespec now;
	uint64_t none = 0, number;

	if (atomic_load_explicit(&next, memory_order_relaxed) == 0) {
		clock_gettime(CLOCK_REALTIME, &now);
		atomic_compare_exchange_strong(&next, &none,
					       (uint64_t)now.tv_sec * 1000000000u +
						       (uint64_t)now.tv_nsec);
	}
	number = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed);
	text_str(t, fd_g_config->cnf_diamid);
	text_char(t, ';');
	text_u64(t, number >> 32);
	text_char(t, ';');
	text_u64(t, (uint32_t)number);
	text_str(t, application->session_ending);
	return !t->overflow;
}

static int put_session_id(struct msg *m, const struct message_application *application)
{
	uint8_t octets[SESSION_ID_MAX];
	struct text t = text_in(octets, sizeof(octets));

	return message_session_id(application, &t)
		       ? field_put_slice(m, AVP_SESSION_ID, text_slice(&t))
		       : EMSGSIZE;
}

static int put_destination(struct msg *m, struct slice host)
{
	int error =
		field_put_slice(m, AVP_DESTINATION_REALM, slice_str(fd_g_config->cnf_diamrlm));

	return error || !host.len ? error : field_put_slice(m, AVP_DESTINATION_HOST, host);
}

int message_request(const struct message_application *application, struct dict_object *command,
		    const struct shape *shape, const void *r, struct slice destination_host,
		    struct msg **m)
{
	int error = fd_msg_new(command, MSGFL_ALLOC_ETEID, m);

	if (error) {
		*m = NULL;
		return error;
	}
	/* Session-Id comes first (RFC 6733 §8.8). */
	error = application->sessions ? field_encode(*m, shape, r)
				      : put_session_id(*m, application);
	if (!error)
		error = put_common(*m, application);
	if (!error)
		error = put_destination(*m, destination_host);
	if (!error && !application->sessions)
		error = field_encode(*m, shape, r);
	if (error) {
		fd_msg_free(*m);
		*m = NULL;
	}
	return error;
}

/* Takes the half-made answer away; *m is the request again. */
static void answer_undo(struct msg **m)
{
	struct msg *answer = *m, *request = NULL;

	fd_msg_answ_getq(answer, &request);
	fd_msg_answ_detach(answer);
	fd_msg_free(answer);
	*m = request;
}

/* RFC 6733 §7.5: the offending AVP itself, or an example of the missing one with a value of
 * least length. */
static int put_failed(struct msg *m, const struct fault *f)
{
	const struct avp_entry *e = &avp_table[f->missing];
	struct dict_object *model = NULL;
	struct avp *group, *copy;
	struct avp_hdr *h = NULL;
	union avp_value zero = {.os = {(uint8_t *)"", 0}}, *value = &zero;
	bool grouped = !f->avp && e->type == AVP_TYPE_GROUP;

	if (f->avp) {
		fd_msg_model(f->avp, &model);
		fd_msg_avp_hdr(f->avp, &h);
		grouped = !h->avp_value;
		value = h->avp_value;
	} else {
		model = dictionary_avp(f->missing);
		if (e->type == AVP_TYPE_U32 || e->type == AVP_TYPE_ENUM)
			zero.u32 = 0;
	}
	if (!model)
		return 0;
	int error = field_put_group(m, AVP_FAILED_AVP, &group);

	if (!error)
		error = fd_msg_avp_new(model, 0, &copy);
	if (!error && !grouped)
		error = fd_msg_avp_setvalue(copy, value);
	return error ? error : fd_msg_avp_add(group, MSG_BRW_LAST_CHILD, copy);
}

int message_answer(const struct message_application *application, const struct shape *shape,
		   const void *a, struct msg **m)
{
	int error = fd_msg_new_answer_from_req(fd_g_config->cnf_dict, m, 0);

	if (error)
		return error;
	/* The result first: see diameter_guard for what its place is worth. */
	error = field_encode(*m, shape, a);
	if (!error)
		error = put_common(*m, application);
	if (error)
		answer_undo(m);
	return error;
}

int message_error(const struct message_application *application, int result,
		  const struct fault *f, struct msg **m)
{
	bool protocol = result >= 3000 && result < 4000;
	struct msg_hdr *h;
	int error = fd_msg_new_answer_from_req(fd_g_config->cnf_dict, m,
					       protocol ? MSGFL_ANSW_ERROR : 0);

	if (error)
		return error;
	error = field_encode(*m, &result_shape, &result);
	if (!error)
		error = put_common(*m, application);
	if (!error && f->result && f->result == result)
		error = put_failed(*m, f);
	if (error)
		answer_undo(m);
	else if (protocol && fd_msg_hdr(*m, &h) == 0)
		h->msg_flags |= CMD_FLAG_ERROR;
	return error;
}
