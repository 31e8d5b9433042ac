/* dictionary.h - the AVPs of Cx and Sh and the commands of Cx as objects of freeDiameter's
 * dictionary
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
/* Makes an application and its commands known, from code `first` on, each by the names of its
 * request and its answer; after the AVPs. 0 with the requests' objects, or an errno. */
int dictionary_application(uint32_t id, const char *name, uint32_t first,
			   const char *const (*command)[2], uint32_t n,
			   struct dict_object **request);
