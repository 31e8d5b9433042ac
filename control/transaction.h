/* transaction.h - non-INVITE transactions, server and client (RFC 3261 §17.1.2, §17.2.2)
 *
 * The state machines alone, without messages: who owns a transaction keeps the octets, finds
 * the transaction for what comes in (exchange.c), and is asked through `send` to put its octets
 * on the wire. Times are given out as lengths and the owner keeps the timers. Loop thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct transactions; /* what all share */
struct transaction;

/* send(owner) is called from within the calls below, each time the octets of the owner's
 * request or response are to be sent. NULL: no memory. */
struct transactions *transactions_new(void (*send)(void *owner));
void transactions_free(struct transactions *t);

/* A request came: Trying. NULL: no memory. */
struct transaction *transaction_server(struct transactions *t, void *owner);
/* The request came again: nothing in Trying, the last response in Proceeding. */
void transaction_repeat(struct transaction *t);
/* The owner answers. 100-199: Proceeding; 200-699: Completed. False: no memory, nothing was
 * sent. */
bool transaction_answer(struct transaction *t, uint16_t status);

/* Sends the owner's request: Trying. NULL: no memory. */
struct transaction *transaction_client(struct transactions *t, void *owner);
/* A response came. */
void transaction_response(struct transaction *t, uint16_t status);
/* Timer E: how long from now, in ms; and when that has passed: sends again. */
uint32_t transaction_timer_e_ms(const struct transaction *t);
void transaction_timer_e(struct transaction *t);
/* Timer F: 64*T1. */
uint32_t transaction_timer_f_ms(const struct transaction *t);

/* True: it waits for a response, or for an answer. */
bool transaction_is_open(const struct transaction *t);
void transaction_free(struct transaction *t);
