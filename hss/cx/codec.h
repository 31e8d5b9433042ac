/* codec.h - Cx commands: freeDiameter messages from and to the structures of cx.h
 *
 * The only file, with diameter/, that knows freeDiameter's messages. Works by the table avp.def: AVP code,
 * vendor, name, type, flags, and which commands carry it. Decoding checks each type and length;
 * what is missing or wrong gives the result code to answer with and the failed AVP (RFC 6733 §7.1, §7.5).
 */
#pragma once

#include "cx/cx.h"

struct msg;

/* Makes the dictionary objects of Cx known to freeDiameter: once, after diameter_init, before diameter_start.
 * 0 or an errno. */
int cx_dictionary_init(void);

/* Requests: 0, or the Result-Code to answer with (CX_MISSING_AVP, CX_INVALID_AVP_VALUE, ...); the slices point into
 * the message. Unknown AVPs with the M bit are refused with 5001 before (RFC 6733 §4.1). */
int cx_decode_uar(struct msg *m, struct cx_uar *out);
int cx_decode_lir(struct msg *m, struct cx_lir *out);
int cx_decode_mar(struct msg *m, struct cx_mar *out);
int cx_decode_sar(struct msg *m, struct cx_sar *out);
int cx_decode_rtr(struct msg *m, struct cx_rtr *out);
int cx_decode_ppr(struct msg *m, struct cx_ppr *out);
/* Answers: 0, or CX_BAD_ANSWER. */
int cx_decode_uaa(struct msg *m, struct cx_uaa *out);
int cx_decode_lia(struct msg *m, struct cx_lia *out);
int cx_decode_maa(struct msg *m, struct cx_maa *out);
int cx_decode_saa(struct msg *m, struct cx_saa *out);
int cx_decode_rta(struct msg *m, struct cx_rta *out);
int cx_decode_ppa(struct msg *m, struct cx_ppa *out);

/* Turns the request into its answer with everything of the structure in it. 0 or an errno. */
int cx_answer_uaa(struct msg **m, const struct cx_uaa *a);
int cx_answer_lia(struct msg **m, const struct cx_lia *a);
int cx_answer_maa(struct msg **m, const struct cx_maa *a);
int cx_answer_saa(struct msg **m, const struct cx_saa *a);
int cx_answer_rta(struct msg **m, const struct cx_rta *a);
int cx_answer_ppa(struct msg **m, const struct cx_ppa *a);
/* For a request that did not decode. */
int cx_answer_error(struct msg **m, int result);

/* A new request with Session-Id, Vendor-Specific-Application-Id, Auth-Session-State, origin and destination. */
int cx_request_uar(struct msg **m, const struct cx_uar *r);
int cx_request_lir(struct msg **m, const struct cx_lir *r);
int cx_request_mar(struct msg **m, const struct cx_mar *r);
int cx_request_sar(struct msg **m, const struct cx_sar *r);
int cx_request_rtr(struct msg **m, const struct cx_rtr *r, struct slice destination_host);
int cx_request_ppr(struct msg **m, const struct cx_ppr *r, struct slice destination_host);
