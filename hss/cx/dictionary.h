/* dictionary.h - the AVPs of Cx, Sh, Rx and Rf, and the commands of Cx as objects of
 * freeDiameter's dictionary
 *
 * Looked up once, at cx_dictionary_init; read-only afterwards, by any thread.
 */
#pragma once

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdproto.h>
#include <stdbool.h>
#include <stdint.h>

enum avp_id {
#define BASE(id, ...) AVP_##id,
#define AVP(id, ...)  AVP_##id,
#include "avp.def"
#undef AVP
#undef BASE
	AVPS,
};

enum avp_type { AVP_TYPE_TEXT, AVP_TYPE_OCTETS, AVP_TYPE_U32, AVP_TYPE_ENUM, AVP_TYPE_GROUP };

struct avp_entry {
	const char *name;
	uint32_t code, vendor;
	enum avp_type type;
	bool base;      /* in freeDiameter's own dictionary */
	bool mandatory; /* the M flag, on what we send */
};
extern const struct avp_entry avp_table[AVPS];

struct dict_object *dictionary_avp(enum avp_id id);
/* NULL for another command code than CX_UAR to CX_PPR. */
struct dict_object *dictionary_request(uint32_t command);
/* An application and one command of it; the command may be one of the base protocol, which has
 * no other name then. 0, or an errno. */
int dictionary_command(struct dict_object *application, uint32_t code,
		       const char *const name[2], struct dict_object **request);
/* Makes an application known to the library and to its peers, without commands. */
int dictionary_application_only(uint32_t id, const char *name, struct dict_object **out);
/* An AVP that the base protocol wants in a command, and this application has none: the library
 * must not refuse messages without it. 0 or an errno. */
int dictionary_unrule(const char *command, const char *avp);
/* Makes an application and its commands known, from code `first` on, each by the names of its
 * request and its answer; after the AVPs. 0 with the requests' objects, or an errno. */
int dictionary_application(uint32_t id, const char *name, uint32_t first,
			   const char *const (*command)[2], uint32_t n,
			   struct dict_object **request);
