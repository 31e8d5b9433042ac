/* message.h - what the requests and answers of Cx and Sh have in common
 *
 * Session-Id, application, origin and destination, results. For the codecs of Cx, Sh and Rx
 * only. Any thread; one thread at a time for one message.
 */
#pragma once

#include "base/text.h"
#include "field.h"

struct message_application {
	uint32_t id;                /* Auth-Application-Id, of vendor 3GPP */
	const char *session_ending; /* of the Session-Ids we make */
	bool sessions;   /* that last: Session-Id is the shape's, and Auth-Application-Id stands
			    alone (TS 29.214 §5.6), */
	bool accounting; /* or Acct-Application-Id (TS 32.299 §6.2) */
};

/* A new Session-Id. False: t is full. */
bool message_session_id(const struct message_application *application, struct text *t);

/* A new request. Without destination_host any open peer of the realm, which is our own, may get
 * it. 0 or an errno, *m NULL. */
int message_request(const struct message_application *application, struct dict_object *command,
		    const struct shape *shape, const void *r, struct slice destination_host,
		    struct msg **m);
/* Turns the request into its answer. 0, or an errno: then *m is still the request. */
int message_answer(const struct message_application *application, const struct shape *shape,
		   const void *a, struct msg **m);
/* An answer of a result alone. f: what was wrong with the request; where its result is the one
 * answered, Failed-AVP says so. As message_answer. */
int message_error(const struct message_application *application, int result,
		  const struct fault *f, struct msg **m);
