/* bench.h - a node on the test bench: one worker, its tables, and what goes in and comes out */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "role/emergency.h"
#include "role/role.h"
#include "sip/parse.h"

enum { BENCH_MESSAGE_MAX = 4096 };

/* What came out, in order, each with its text. */
struct bench_out {
	char text[BENCH_MESSAGE_MAX];
	uint32_t len;
	struct addr src, dst;
	uint64_t sa_id;
	struct sip_msg msg; /* parsed from text */
};

struct bench {
	struct node node;
	struct route_table routes;
	struct emergency emergency; /* urn:service:sos alone, of those who are registered */
	struct counters counters;
	struct tables *tables;
	struct role_worker *worker;
	struct outbox outbox;
	uint64_t now;
	uint64_t under; /* the SA that what goes in came under; 0: in clear */
	uint8_t roles;  /* of sets that register, besides P- and S-CSCF */
	uint64_t user;  /* whom control found the sender of what is resumed to be; 0: nobody */
	uint32_t n_out;
	struct bench_out out[OUTBOX_MAX];
	enum verdict verdict;
	enum abi_punt_reason punt;
	uint64_t punt_user; /* of a PUNT */
	uint16_t owner;
	/* Of a request that was kept; 0: none. */
	enum abi_punt_reason asked;
	char asked_text[BENCH_MESSAGE_MAX];
	/* What control is to be told besides; reason 0: nothing. */
	struct role_notice notice;
	char notice_text[BENCH_MESSAGE_MAX], notice_uri[SIP_URI_MAX];
};

/* Addresses of the bench: the node is 10.10.0.1 (access lte), 10.20.0.1 (access
 * wlan), 10.30.0.1 (core); peers are 10.30.0.0/24. */
struct addr bench_addr(const char *text);

struct bench *bench_open(uint32_t roles);
/* Fails the test if a buffer leaked. */
void bench_close(struct bench *b);
/* Registers a user of one identity, "sip:NAME@ims.example", with contacts "sip:NAME@FLOW" on
 * the given flows. */
void bench_register(struct bench *b, const char *name, uint32_t n_flows,
		    const char *const *flow);
void bench_put(struct bench *b, const struct abi_registration_view *v);

/* One datagram: LF becomes CRLF, and {len} nothing at all. Fills out, n_out, verdict, punt and
 * owner. */
void bench_input(struct bench *b, const char *text, const char *src, const char *dst);
/* One datagram as it is; what comes out is not SIP: its octets are in text, msg is not set. */
void bench_datagram(struct bench *b, const void *data, uint32_t len, const char *src,
		    const char *dst);
/* The same, of an outgoing message as it came out, back from its destination. */
void bench_resume(struct bench *b, const char *text, const char *src, const char *dst,
		  enum abi_locate locate, uint16_t status, const char *hop, const char *route);
/* Time goes on; timers run. */
void bench_wait(struct bench *b, uint32_t ms);

/* Value of a header of output i; "" if it is not there. Valid until the next call. */
const char *bench_header(struct bench *b, uint32_t i, enum sip_header_id id);
uint32_t bench_headers(struct bench *b, uint32_t i, enum sip_header_id id);
/* A response to output i as a UE would write it: status line, its Vias, Record-Routes, From, To
 * with a tag, Call-ID, CSeq. */
const char *bench_response(struct bench *b, uint32_t i, const char *status_line,
			   const char *to_tag);
void bench_expect_count(struct bench *b, enum count_id id, uint64_t value);
