/* parse.h - a datagram into a sip_msg
 *
 * Two stages: scan.h finds line ends, then each line is told its header id. Besides the
 * index the fields every message needs are checked: exactly one From, To, Call-ID and CSeq,
 * at least one Via, CSeq's number and method, Content-Length against the datagram.
 * Everything else is decoded on demand, one file per header field.
 */
#pragma once

#include "sip/sip.h"

/* Any thread. Reads datagram.p[0 .. len) and nothing beyond. On SIP_OK *msg is complete.
 * On an error *msg holds what was indexed so far (start line if `method_name` or
 * `status` is set), enough for sip_reply to answer where the Via is sound:
 * sip_parse_answerable(). A request missing its Content-Length ends with the datagram
 * (RFC 3261 §18.3). Line ends: CRLF; a bare LF is accepted as one. A bare CR is not, and a
 * message that has one in its header section is refused: other parsers see a line end there. */
enum sip_error sip_parse(struct slice datagram, struct sip_msg *msg);

/* True if a request that sip_parse refused can still be answered: it has a method, is not an
 * ACK, and has a top Via that decodes, so that there is somewhere to answer to. */
bool sip_parse_answerable(const struct sip_msg *msg);

/* RFC 5626 §4.4.1: nothing but CRs and LFs. */
bool sip_is_keepalive(struct slice datagram);
