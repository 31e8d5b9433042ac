/* talk.h - what the two terminals of a call write */
#pragma once

#include "base/text.h"
#include "sip/sip.h"

enum { TALK_SIZE = 900 }; /* octets of a message that carries a body */

struct talk {
	uint32_t caller, callee;
	uint64_t number; /* of the call: in Call-ID, branches and tags */
};

/* Requests of the caller outside a dialog, TALK_SIZE octets. */
void talk_invite(struct text *t, const struct talk *c);
void talk_message(struct text *t, const struct talk *c);
/* The caller's REGISTER again, over the binding that scene_open made. */
void talk_refresh(struct text *t, const struct talk *c);
/* The callee's answer to a request as it came to him, or another after his first; `size` octets
 * with a body, 0: none. */
void talk_answer(struct text *t, const struct talk *c, const struct sip_msg *request,
		 const char *status_line, uint32_t size);
/* The caller's next request in a dialog: from the 200 that made it, as it came to him, or from
 * his last request in it; `size` as above. */
void talk_in_dialog(struct text *t, const struct talk *c, const struct sip_msg *from,
		    const char *method, uint32_t cseq, uint32_t size);
