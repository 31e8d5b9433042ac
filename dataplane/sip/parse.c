/* parse.c - a datagram into a sip_msg: the index, and the fields every message needs */
#include "sip/chars.h"
#include "sip/field.h"
#include "sip/index.h"
#include "sip/name_addr.h"
#include "sip/parse.h"
#include "sip/scan.h"
#include "sip/start_line.h"
#include "sip/via.h"
#include "sip/wide.h"

enum {
	/* RFC 4475 §3.1.1.7 has a valid tag of 303 octets. */
	TAG_MAX = 2 * SIP_TOKEN_MAX,
};

/* What was found wrong first is what is answered; looking goes on, since the answer needs
 * the header fields behind. */
static inline void blame(enum sip_error *first, enum sip_error e)
{
	if (*first == SIP_OK)
		*first = e;
}

static enum sip_error check_once(const struct sip_msg *msg, enum sip_header_id id,
				 enum sip_error missing, enum sip_error twice)
{
	const struct sip_header *h = sip_first(msg, id);

	if (h == NULL)
		return missing;
	return h->next == SIP_NO_HEADER ? SIP_OK : twice;
}

/* A second tag would let two hops take the message for different dialogs. */
static enum sip_error find_tag(struct slice params, enum sip_error what, struct slice *tag)
{
	struct sip_param param;
	bool seen = false;

	*tag = SLICE_EMPTY;
	while (sip_param_next(&params, &param) == SIP_PARAM_FOUND) {
		if (!slice_eq_nocase(param.name, SLICE("tag")))
			continue;
		if (seen || param.value.len == 0)
			return what;
		*tag = param.value;
		seen = true;
	}
	return SIP_OK;
}

static SIP_WIDE bool wide_token(struct slice s)
{
	return sip_wide_all(s, SIP_C_TOKEN);
}

static bool is_token(struct slice s)
{
	return sip_wide && s.len <= 64 ? wide_token(s) : sip_is_token(s);
}

/* From or To: one address. A missing tag is RFC 2543's way (RFC 4475 §3.4.1). */
static enum sip_error check_party(const struct sip_msg *msg, enum sip_header_id id,
				  enum sip_error what, struct slice *tag)
{
	struct sip_name_addr party;
	struct slice rest, found;
	enum sip_error e;

	e = sip_name_addr_decode(sip_first_value(msg, id), what, &party, &rest);
	if (e != SIP_OK)
		return e;
	if (party.star || rest.len)
		return what;
	if (!sip_only_tag(party.params, &found))
		e = find_tag(party.params, what, &found);
	if (e != SIP_OK || found.len == 0)
		return e;
	if (!is_token(found))
		return what;
	*tag = found;
	return found.len > TAG_MAX ? SIP_E_TOKEN_TOO_LONG : SIP_OK;
}

/* Anything visible: RFC 3261's word is nearly that, and implementations are freer still. */
static enum sip_error check_call_id(struct slice id)
{
	if (id.len == 0)
		return SIP_E_CALL_ID;
	if (id.len > SIP_TOKEN_MAX)
		return SIP_E_TOKEN_TOO_LONG;
	return sip_all_visible(id) ? SIP_OK : SIP_E_CALL_ID;
}

static enum sip_error check_cseq(struct sip_msg *msg)
{
	struct slice name;
	enum sip_error e = sip_cseq_decode(sip_first_value(msg, SIP_H_CSEQ), &msg->cseq, &name);

	if (e != SIP_OK)
		return e;
	if (!sip_is_request(msg)) {
		msg->method_name = name;
		msg->method = (uint8_t)sip_method_id(name);
		return SIP_OK;
	}
	if (msg->method != SIP_M_OTHER)
		return sip_method_id(name) == msg->method ? SIP_OK : SIP_E_CSEQ_METHOD;
	return slice_eq(name, msg->method_name) ? SIP_OK : SIP_E_CSEQ_METHOD;
}

static enum sip_error check_presence(const struct sip_msg *msg)
{
	static const struct {
		uint8_t id, missing, twice;
	} once[] = {
		{SIP_H_FROM, SIP_E_FROM_MISSING, SIP_E_FROM_TWICE},
		{SIP_H_TO, SIP_E_TO_MISSING, SIP_E_TO_TWICE},
		{SIP_H_CALL_ID, SIP_E_CALL_ID_MISSING, SIP_E_CALL_ID_TWICE},
		{SIP_H_CSEQ, SIP_E_CSEQ_MISSING, SIP_E_CSEQ_TWICE},
	};
	enum sip_error e = sip_first(msg, SIP_H_VIA) ? SIP_OK : SIP_E_VIA_MISSING;

	for (uint32_t i = 0; e == SIP_OK && i < sizeof(once) / sizeof(once[0]); i++)
		e = check_once(msg, once[i].id, once[i].missing, once[i].twice);
	return e;
}

/* RFC 3261 §8.1.1: the fields without which nothing is a SIP message. */
static enum sip_error check_fields(struct sip_msg *msg)
{
	enum sip_error e = check_presence(msg);

	if (e == SIP_OK)
		e = check_cseq(msg);
	if (e == SIP_OK)
		e = check_call_id(sip_first_value(msg, SIP_H_CALL_ID));
	if (e == SIP_OK)
		e = check_party(msg, SIP_H_FROM, SIP_E_FROM, &msg->from_tag);
	if (e == SIP_OK)
		e = check_party(msg, SIP_H_TO, SIP_E_TO, &msg->to_tag);
	return e;
}

/* Cuts the message behind its body (RFC 3261 §18.3): octets behind Content-Length are not part
 * of it, fewer than announced make it malformed. Digits only, so no sign, and no number that
 * wraps around. */
static enum sip_error take_body(struct sip_msg *msg)
{
	const struct sip_header *h = sip_first(msg, SIP_H_CONTENT_LENGTH);
	uint64_t length = 0, again;

	if (h == NULL)
		return SIP_OK;
	if (!slice_u64(sip_value(msg, h), UINT64_MAX, &length))
		return SIP_E_CONTENT_LENGTH;
	while ((h = sip_next(msg, h)) != NULL) {
		if (!slice_u64(sip_value(msg, h), UINT64_MAX, &again))
			return SIP_E_CONTENT_LENGTH;
		if (again != length)
			return SIP_E_CONTENT_LENGTH_DIFFERS;
	}
	if (length > msg->body.len)
		return SIP_E_CONTENT_LENGTH_LARGER;
	msg->raw.len -= msg->body.len - (uint32_t)length;
	msg->body.len = (uint32_t)length;
	return SIP_OK;
}

static void start(struct slice datagram, struct sip_msg *msg)
{
	memset(msg, 0, offsetof(struct sip_msg, first));
	memset(msg->first, SIP_NO_HEADER, sizeof(msg->first));
	msg->raw = datagram;
	if (datagram.len > SIP_MESSAGE_MAX)
		msg->raw.len = SIP_MESSAGE_MAX;
	msg->head_end = (uint16_t)msg->raw.len;
}

/* What ended the scan, if not the empty line. */
static enum sip_error why_no_end(struct slice datagram, const struct sip_scan *scan)
{
	if (scan->n >= SIP_HEADERS_MAX + 2)
		return SIP_E_HEADER_COUNT;
	return datagram.len > SIP_MESSAGE_MAX ? SIP_E_TOO_LARGE : SIP_E_TRUNCATED;
}

/* The first line without its CRLF, or LF. */
static struct slice first_line(const struct sip_msg *msg)
{
	uint32_t len = msg->first_line - 1u;

	return slice_sub(msg->raw, 0, len && msg->raw.p[len - 1] == '\r' ? len - 1 : len);
}

/* What a complete header section says about itself and what is behind it. */
static enum sip_error check_whole(struct slice datagram, struct sip_msg *msg,
				  const struct sip_scan *scan)
{
	enum sip_error first;

	msg->head_end = scan->lf[scan->n - 2] + 1;
	msg->body = slice_from(msg->raw, scan->head_end);
	/* Who takes a lone CR for a line's end would see header fields in it that we do not. */
	if (scan->bare_cr)
		first = SIP_E_HEADER;
	else if (datagram.len > SIP_MESSAGE_MAX)
		first = SIP_E_TOO_LARGE;
	else
		first = check_fields(msg);
	blame(&first, take_body(msg));
	return first;
}

enum sip_error sip_parse(struct slice datagram, struct sip_msg *msg)
{
	struct sip_scan scan;
	enum sip_error first;

	start(datagram, msg);
	sip_scan(msg->raw, &scan);
	if (scan.n == 0)
		return SIP_E_NOT_SIP;
	msg->first_line = scan.lf[0] + 1;
	first = sip_start_line(first_line(msg), msg);
	if (first == SIP_E_NOT_SIP || first == SIP_E_STATUS)
		return first;
	blame(&first, sip_index_lines(msg, &scan));
	/* A datagram that begins with an empty line did not get past the start line. */
	blame(&first,
	      scan.complete ? check_whole(datagram, msg, &scan) : why_no_end(datagram, &scan));
	return first;
}

bool sip_parse_answerable(const struct sip_msg *msg)
{
	struct sip_via via;

	return sip_is_request(msg) && msg->method_name.len && msg->method != SIP_M_ACK &&
	       sip_via_top(msg, &via) == SIP_OK;
}

bool sip_is_keepalive(struct slice datagram)
{
	for (uint32_t i = 0; i < datagram.len; i++)
		if (datagram.p[i] != '\r' && datagram.p[i] != '\n')
			return false;
	return true;
}
