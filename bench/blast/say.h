/* say.h - what a terminal writes: headers in the order and of the size that real ones send */
#pragma once

#include "blast/blast.h"

/* Where the terminal is reached. */
void say_site(struct text *t, const struct blast *b, uint32_t person);
/* "sip:user000001@ims.example" */
void say_identity(struct text *t, const struct blast *b, uint32_t person);
/* Request line, Via, Max-Forwards, Route, From, To, Call-ID, CSeq of a request outside a
 * dialog. */
void say_request(struct text *t, const struct blast *b, const char *method, uint64_t id,
		 uint32_t from, uint32_t to);
/* The same inside the dialog of an attempt, from its caller. */
void say_in_dialog(struct text *t, const struct blast *b, const struct attempt *a, uint64_t id,
		   const char *method, uint32_t cseq);
/* Status line and all that a response repeats of its request; To gets a tag if it has none. */
void say_response(struct text *t, const struct heard *request, const char *status_line);
void say_contact(struct text *t, const struct blast *b, uint32_t person);
/* Content headers and a body that brings the text to `size` octets; 0: no body. */
void say_body(struct text *t, uint32_t size, const char *type);
