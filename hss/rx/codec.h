/* codec.h - Rx commands: freeDiameter messages from and to the structures of rx.h
 *
 * By the tables and with the rules of cx/codec.h, which says what decoding checks. Any thread;
 * one thread at a time for one message.
 */
#pragma once

#include "base/text.h"
#include "rx/rx.h"

struct msg;

/* After cx_dictionary_init, before diameter_start: makes Rx known to freeDiameter and its
 * peers. 0 or an errno. */
int rx_dictionary_init(void);
/* The dictionary object of a request (RX_AAR ...), for fd_disp_register with DISP_HOW_CC. */
struct dict_object *rx_command(uint32_t command);

union rx_any_request {
	struct rx_aar aar;
	struct rx_str str;
	struct rx_rar rar;
	struct rx_asr asr;
};
union rx_any_answer {
	int result; /* the first member of all */
	struct rx_aaa aaa;
	struct rx_sta sta;
	struct rx_raa raa;
	struct rx_asa asa;
};
/* command is RX_AAR, RX_STR, RX_RAR or RX_ASR, out its structure. A request: 0, or the
 * Result-Code to answer with; an answer: 0, or CX_BAD_ANSWER, which its result then is, too. */
int rx_decode_request(uint32_t command, struct msg *m, void *out);
int rx_decode_answer(uint32_t command, struct msg *m, void *out);
/* A new Session-Id (RFC 6733 §8.8). False: t is full. */
bool rx_session_id(struct text *t);
/* A new request. 0 or an errno, *m NULL. */
int rx_request(uint32_t command, struct msg **m, const void *r, struct slice destination_host);
/* Turns the request into its answer. 0, or an errno: then *m is still the request, fit for
 * rx_answer_error. The caller sends. */
int rx_answer(uint32_t command, struct msg **m, const void *a);
/* For a request that did not decode, with the same result; adds Failed-AVP. Also for any other
 * result without more in the answer. 0 or an errno. */
int rx_answer_error(struct msg **m, int result);
/* A copy in one block from malloc, which its slices point into. NULL: no memory. */
void *rx_copy_request(uint32_t command, const void *r);
void *rx_copy_answer(uint32_t command, const void *a);
