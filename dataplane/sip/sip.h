/* sip.h - the parsed form of a SIP message: types, and the error table
 *
 * A parsed message is an index into the datagram: ids, offsets and lengths. Nothing is copied,
 * nothing is allocated; every slice that comes out of it points into the datagram.
 */
#pragma once

#include "base/limits.h"
#include "base/text.h"

enum sip_error {
	SIP_OK,
#define SIP_ERROR(id, status, reason, warning) SIP_E_##id,
#include "sip/error.def"
#undef SIP_ERROR
	SIP_E_MAX
};

struct sip_error_info {
	uint16_t status;     /* to answer with; 0: drop */
	const char *reason;  /* Reason-Phrase */
	const char *warning; /* text of a Warning header */
};
const struct sip_error_info *sip_error_info(enum sip_error e);

enum sip_header_id {
#define HEADER(id, name, compact) SIP_H_##id,
#include "sip/header.def"
#undef HEADER
	SIP_H_OTHER, /* not in header.def */
	SIP_H_MAX
};

enum sip_method {
	SIP_M_OTHER,
	SIP_M_INVITE,
	SIP_M_ACK,
	SIP_M_BYE,
	SIP_M_CANCEL,
	SIP_M_REGISTER,
	SIP_M_OPTIONS,
	SIP_M_MESSAGE,
	SIP_M_SUBSCRIBE,
	SIP_M_NOTIFY,
	SIP_M_PUBLISH,
	SIP_M_INFO,
	SIP_M_UPDATE,
	SIP_M_PRACK,
	SIP_M_REFER,
	SIP_M_MAX
};

/* One header line. Offsets count from the first octet of the message. */
struct sip_header {
	uint16_t name;      /* offset of the name */
	uint16_t name_len;  /* without white space before the colon */
	uint16_t value;     /* offset of the value, leading white space left out */
	uint16_t value_len; /* without trailing white space; folds are inside, as received */
	uint16_t end;       /* offset behind the line's end: where the next line starts */
	uint8_t id;         /* enum sip_header_id */
	uint8_t next;       /* index of the next header with this id; SIP_NO_HEADER: none */
};

enum { SIP_NO_HEADER = 255 };
_Static_assert((int)SIP_HEADERS_MAX < (int)SIP_NO_HEADER, "header indexes fit eight bits");
_Static_assert(SIP_MESSAGE_MAX <= UINT16_MAX, "offsets fit sixteen bits");

struct sip_msg {
	struct slice
		raw; /* start line to end of body; octets behind Content-Length are not in it */
	struct slice body;
	struct slice method_name; /* request: as written. Response: the CSeq's */
	struct slice uri;         /* Request-URI; empty in a response */
	struct slice reason;      /* response's Reason-Phrase */
	struct slice from_tag;    /* empty: it has none; set if sip_parse finds nothing wrong */
	struct slice to_tag;
	uint16_t status; /* 0: a request */
	uint8_t method;  /* enum sip_method; in a response the CSeq's */
	uint8_t n_headers;
	uint16_t first_line;      /* offset behind the start line */
	uint16_t head_end;        /* offset of the empty line that ends the header section */
	uint32_t cseq;            /* sequence number */
	uint8_t first[SIP_H_MAX]; /* by id: index of the first header, SIP_NO_HEADER: none */
	uint8_t last[SIP_H_MAX];  /* valid where first is */
	struct sip_header header[SIP_HEADERS_MAX];
};

static inline bool sip_is_request(const struct sip_msg *m)
{
	return m->status == 0;
}

static inline const struct sip_header *sip_first(const struct sip_msg *m, enum sip_header_id id)
{
	return m->first[id] == SIP_NO_HEADER ? NULL : &m->header[m->first[id]];
}

static inline const struct sip_header *sip_next(const struct sip_msg *m,
						const struct sip_header *h)
{
	return h->next == SIP_NO_HEADER ? NULL : &m->header[h->next];
}

static inline struct slice sip_value(const struct sip_msg *m, const struct sip_header *h)
{
	return (struct slice){m->raw.p + h->value, h->value_len};
}

/* Value of the first header with this id, or an empty slice with p NULL. */
static inline struct slice sip_first_value(const struct sip_msg *m, enum sip_header_id id)
{
	const struct sip_header *h = sip_first(m, id);
	return h ? sip_value(m, h) : SLICE_EMPTY;
}

/* "INVITE"; "" for SIP_M_OTHER. */
struct slice sip_method_name(enum sip_method m);
enum sip_method sip_method_id(struct slice name);
/* "Via". Never NULL for id < SIP_H_OTHER. */
struct slice sip_header_name(enum sip_header_id id);
