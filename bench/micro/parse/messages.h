/* messages.h - the messages that bench_parse goes over, no two of them alike */
#pragma once

#include "base/text.h"

enum { MESSAGES = 64, MESSAGE_ROOM = 1536 };

enum message_kind {
	MESSAGE_INVITE,   /* a terminal's INVITE with SDP, 900 octets */
	MESSAGE_INDIALOG, /* BYE, UPDATE or ACK inside a dialog, header fields only: about 600
			   */
	MESSAGE_RESPONSE, /* 200 or 180 on its way back, header fields only: about 700 */
};

/* Writes variant 0 to MESSAGES - 1 of a kind: the header fields keep their order, the names,
 * numbers and their lengths differ. */
void message_put(struct text *t, enum message_kind kind, uint32_t variant);
