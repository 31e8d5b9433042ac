/* codec.h - Rf: freeDiameter messages from and to the structures of rf.h
 *
 * By the tables and with the rules of cx/codec.h, which says what decoding checks. Any thread;
 * one thread at a time for one message.
 */
#pragma once

#include "base/text.h"
#include "rf/rf.h"

struct msg;

/* After cx_dictionary_init, before diameter_start: makes Rf known to freeDiameter and its
 * peers. 0 or an errno. */
int rf_dictionary_init(void);
/* The dictionary object of ACR, for fd_disp_register with DISP_HOW_CC. */
struct dict_object *rf_command(void);

/* 0, or the Result-Code to answer with. */
int rf_decode_acr(struct msg *m, struct rf_acr *out);
/* 0, or CX_BAD_ANSWER, which its result then is, too. */
int rf_decode_aca(struct msg *m, struct rf_aca *out);
/* A new Session-Id (RFC 6733 §8.8). False: t is full. */
bool rf_session_id(struct text *t);
/* A new request. 0 or an errno, *m NULL. */
int rf_acr(struct msg **m, const struct rf_acr *r, struct slice destination_host);
/* Turns the request into its answer. 0, or an errno: then *m is still the request, fit for
 * rf_answer_error. The caller sends. */
int rf_answer(struct msg **m, const struct rf_aca *a);
int rf_answer_error(struct msg **m, int result);
/* A copy in one block from malloc, which its slices point into. NULL: no memory. */
void *rf_copy_acr(const struct rf_acr *r);
void *rf_copy_aca(const struct rf_aca *a);
