/* codec.h - Cx commands: freeDiameter messages from and to the structures of cx.h
 *
 * The only folder, with diameter/, that knows freeDiameter's messages. Works by two tables:
 * avp.def (AVP code, vendor, name, type, flag) and the rows in codec.c (which command carries
 * it, where it is kept). Decoding checks presence, number, length and range; what is missing or
 * wrong gives the result code to answer with and the failed AVP (RFC 6733 §7.1, §7.5). Any
 * thread; one thread at a time for one message.
 */
#pragma once

#include "cx/cx.h"

struct msg;

/* Makes the dictionary objects of Cx known to freeDiameter, and the application to its peers:
 * once, after diameter_init, before diameter_start. 0 or an errno. */
int cx_dictionary_init(void);
/* The dictionary object of a request (CX_UAR ... CX_PPR), for fd_disp_register with
 * DISP_HOW_CC. */
struct dict_object *cx_command(uint32_t command);

/* Requests: 0, or the Result-Code to answer with (CX_MISSING_AVP, CX_INVALID_AVP_VALUE, ...);
 * the slices point into the message. Unknown AVPs with the M bit are refused with 5001, wrong
 * lengths with 5014, by freeDiameter before (RFC 6733 §4.1). */
int cx_decode_uar(struct msg *m, struct cx_uar *out);
int cx_decode_lir(struct msg *m, struct cx_lir *out);
int cx_decode_mar(struct msg *m, struct cx_mar *out);
int cx_decode_sar(struct msg *m, struct cx_sar *out);
int cx_decode_rtr(struct msg *m, struct cx_rtr *out);
int cx_decode_ppr(struct msg *m, struct cx_ppr *out);
/* Answers: 0, or CX_BAD_ANSWER: then also out->result is that, and the rest zero. */
int cx_decode_uaa(struct msg *m, struct cx_uaa *out);
int cx_decode_lia(struct msg *m, struct cx_lia *out);
int cx_decode_maa(struct msg *m, struct cx_maa *out);
int cx_decode_saa(struct msg *m, struct cx_saa *out);
int cx_decode_rta(struct msg *m, struct cx_rta *out);
int cx_decode_ppa(struct msg *m, struct cx_ppa *out);

/* True: the answer, of whatever command, sends the request elsewhere (RFC 6733 §6.13). The
 * slices point into the message. */
bool cx_decode_redirect(struct msg *m, struct cx_redirect *out);

/* Turns the request into its answer with everything of the structure in it. 0, or an errno
 * (EINVAL, EMSGSIZE: the structure breaks a limit of cx.h): then *m is still the request, fit
 * for cx_answer_error. The caller sends. */
int cx_answer_uaa(struct msg **m, const struct cx_uaa *a);
int cx_answer_lia(struct msg **m, const struct cx_lia *a);
int cx_answer_maa(struct msg **m, const struct cx_maa *a);
int cx_answer_saa(struct msg **m, const struct cx_saa *a);
int cx_answer_rta(struct msg **m, const struct cx_rta *a);
int cx_answer_ppa(struct msg **m, const struct cx_ppa *a);
/* For a request that did not decode, with the same result; adds Failed-AVP. Also for any other
 * result without more in the answer. 0 or an errno. */
int cx_answer_error(struct msg **m, int result);

/* A new request with Session-Id, Vendor-Specific-Application-Id, Auth-Session-State, origin and
 * destination. Without destination_host any open peer of the realm, which is our own, may get
 * it. 0 or an errno, *m NULL. */
int cx_request_uar(struct msg **m, const struct cx_uar *r, struct slice destination_host);
int cx_request_lir(struct msg **m, const struct cx_lir *r, struct slice destination_host);
int cx_request_mar(struct msg **m, const struct cx_mar *r, struct slice destination_host);
int cx_request_sar(struct msg **m, const struct cx_sar *r, struct slice destination_host);
int cx_request_rtr(struct msg **m, const struct cx_rtr *r, struct slice destination_host);
int cx_request_ppr(struct msg **m, const struct cx_ppr *r, struct slice destination_host);

/* A copy of a request's or an answer's structure in one block from malloc, which its slices
 * point into. command is CX_UAR ... CX_PPR. NULL: no memory. */
void *cx_copy_request(uint32_t command, const void *r);
void *cx_copy_answer(uint32_t command, const void *a);
/* By command, for code that treats all alike: the functions above behind void pointers, and the
 * octets that any request's or answer's structure fits in. */
union cx_any_request {
	struct cx_uar uar;
	struct cx_lir lir;
	struct cx_mar mar;
	struct cx_sar sar;
	struct cx_rtr rtr;
	struct cx_ppr ppr;
};
union cx_any_answer {
	int result; /* the first member of all */
	struct cx_uaa uaa;
	struct cx_lia lia;
	struct cx_maa maa;
	struct cx_saa saa;
	struct cx_rta rta;
	struct cx_ppa ppa;
};
int cx_decode_request(uint32_t command, struct msg *m, void *out);
int cx_decode_answer(uint32_t command, struct msg *m, void *out);
int cx_request(uint32_t command, struct msg **m, const void *r, struct slice destination_host);
int cx_answer(uint32_t command, struct msg **m, const void *a);
