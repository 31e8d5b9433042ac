/* codec.h - Sh commands: freeDiameter messages from and to the structures of sh.h
 *
 * By the tables and with the rules of cx/codec.h, which says what decoding checks. Any thread;
 * one thread at a time for one message.
 */
#pragma once

#include "sh/sh.h"

struct msg;

/* After cx_dictionary_init, before diameter_start: makes Sh known to freeDiameter and its
 * peers. 0 or an errno. */
int sh_dictionary_init(void);
/* The dictionary object of a request (SH_UDR ... SH_PNR), for fd_disp_register with
 * DISP_HOW_CC. */
struct dict_object *sh_command(uint32_t command);

union sh_any_request {
	struct sh_udr udr;
	struct sh_pur pur;
	struct sh_snr snr;
	struct sh_pnr pnr;
};
union sh_any_answer {
	int result; /* the first member of all */
	struct sh_uda uda;
	struct sh_pua pua;
	struct sh_sna sna;
	struct sh_pna pna;
};
/* command is SH_UDR ... SH_PNR, out its structure. A request: 0, or the Result-Code to answer
 * with; of an answer: 0, or CX_BAD_ANSWER, which its result then is, too. */
int sh_decode_request(uint32_t command, struct msg *m, void *out);
int sh_decode_answer(uint32_t command, struct msg *m, void *out);
/* A new request to this AS, or server. 0 or an errno, *m NULL. */
int sh_request(uint32_t command, struct msg **m, const void *r, struct slice destination_host);
/* Turns the request into its answer. 0, or an errno: then *m is still the request, fit for
 * sh_answer_error. The caller sends. */
int sh_answer(uint32_t command, struct msg **m, const void *a);
/* For a request that did not decode, with the same result; adds Failed-AVP. Also for any other
 * result without more in the answer. 0 or an errno. */
int sh_answer_error(struct msg **m, int result);
