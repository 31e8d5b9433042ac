/* dictionary.c - the AVPs of Cx, Sh, Rx and Rf, and the commands of Cx as objects of
 * freeDiameter's dictionary */
#include "dictionary.h"
#include "cx/codec.h"
#include "diameter/diameter.h"

#include <errno.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

enum { COMMANDS = CX_PPR - CX_UAR + 1 };

const struct avp_entry avp_table[AVPS] = {
#define BASE(id, name, code, type) [AVP_##id] = {name, code, 0, AVP_TYPE_##type, true, true},
#define AVP(id, name, code, vendor, type, m)                                                   \
	[AVP_##id] = {name, code, vendor, AVP_TYPE_##type, false, m},
#include "avp.def"
#undef AVP
#undef BASE
};

static const char *const command_name[COMMANDS][2] = {
	{"User-Authorization-Request", "User-Authorization-Answer"},
	{"Server-Assignment-Request", "Server-Assignment-Answer"},
	{"Location-Info-Request", "Location-Info-Answer"},
	{"Multimedia-Auth-Request", "Multimedia-Auth-Answer"},
	{"Registration-Termination-Request", "Registration-Termination-Answer"},
	{"Push-Profile-Request", "Push-Profile-Answer"},
};

/* Written by cx_dictionary_init only. */
static struct dict_object *avp_object[AVPS];
static struct dict_object *request_object[COMMANDS];

struct dict_object *dictionary_avp(enum avp_id id)
{
	return avp_object[id];
}

struct dict_object *dictionary_request(uint32_t command)
{
	return command >= CX_UAR && command <= CX_PPR ? request_object[command - CX_UAR] : NULL;
}

static enum dict_avp_basetype base_type(enum avp_type type)
{
	switch (type) {
	case AVP_TYPE_U32:
		return AVP_TYPE_UNSIGNED32;
	case AVP_TYPE_ENUM:
		return AVP_TYPE_INTEGER32;
	case AVP_TYPE_GROUP:
		return AVP_TYPE_GROUPED;
	default:
		return AVP_TYPE_OCTETSTRING;
	}
}

static int avp_define(const struct avp_entry *e, struct dict_object **out)
{
	uint8_t flags =
		(e->vendor ? AVP_FLAG_VENDOR : 0) | (e->mandatory ? AVP_FLAG_MANDATORY : 0);
	struct dict_avp_data data = {
		.avp_code = e->code,
		.avp_vendor = e->vendor,
		.avp_name = (char *)e->name,
		.avp_flag_mask = AVP_FLAG_VENDOR,
		.avp_flag_val = flags,
		.avp_basetype = base_type(e->type),
	};

	return fd_dict_new(fd_g_config->cnf_dict, DICT_AVP, &data, NULL, out);
}

static int avps_init(void)
{
	struct dictionary *dict = fd_g_config->cnf_dict;

	for (int i = 0; i < AVPS; i++) {
		const struct avp_entry *e = &avp_table[i];
		avp_code_t code = e->code;
		int error = e->base ? fd_dict_search(dict, DICT_AVP, AVP_BY_CODE, &code,
						     &avp_object[i], ENOENT)
				    : avp_define(e, &avp_object[i]);

		if (error)
			return error;
		if (!e->base && e->type == AVP_TYPE_GROUP &&
		    !diameter_grouped(e->vendor, e->code))
			return ENOSPC;
	}
	return 0;
}

/* No rules: field.c checks what must be there, and says which AVP is not. */
static int command_define(struct dict_object *application, uint32_t code,
			  const char *const name[2], struct dict_object **out)
{
	uint8_t mask = CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE;
	struct dict_cmd_data request = {code, (char *)name[0], mask, mask};
	struct dict_cmd_data answer = {code, (char *)name[1], mask, CMD_FLAG_PROXIABLE};
	struct dictionary *dict = fd_g_config->cnf_dict;
	int error = fd_dict_new(dict, DICT_COMMAND, &request, application, out);

	if (!error)
		error = fd_dict_new(dict, DICT_COMMAND, &answer, application, NULL);
	if (error)
		return error;
	return diameter_command(code) ? 0 : ENOSPC;
}

int dictionary_command(struct dict_object *application, uint32_t code,
		       const char *const name[2], struct dict_object **request)
{
	command_code_t base = code;

	if (fd_dict_search(fd_g_config->cnf_dict, DICT_COMMAND, CMD_BY_CODE_R, &base, request,
			   ENOENT) == 0)
		return diameter_command(code) ? 0 : ENOSPC;
	return command_define(application, code, name, request);
}

int dictionary_unrule(const char *command, const char *avp)
{
	struct dictionary *dict = fd_g_config->cnf_dict;
	struct dict_rule_request of = {0};
	struct dict_object *rule;
	int error = fd_dict_search(dict, DICT_COMMAND, CMD_BY_NAME, command, &of.rule_parent,
				   ENOENT);

	if (!error)
		error = fd_dict_search(dict, DICT_AVP, AVP_BY_NAME, avp, &of.rule_avp, ENOENT);
	if (!error)
		error = fd_dict_search(dict, DICT_RULE, RULE_BY_AVP_AND_PARENT, &of, &rule,
				       ENOENT);
	return error ? error : fd_dict_delete(rule);
}

static int application_define(uint32_t id, const char *name, struct dict_object **vendor,
			      struct dict_object **out)
{
	struct dict_application_data data = {id, (char *)name};
	struct dictionary *dict = fd_g_config->cnf_dict;
	vendor_id_t vendor_id = CX_VENDOR;
	int error = fd_dict_search(dict, DICT_VENDOR, VENDOR_BY_ID, &vendor_id, vendor, ENOENT);

	return error ? error : fd_dict_new(dict, DICT_APPLICATION, &data, *vendor, out);
}

int dictionary_application_only(uint32_t id, const char *name, struct dict_object **out)
{
	struct dict_object *vendor;
	int error = application_define(id, name, &vendor, out);

	return error ? error : fd_disp_app_support(*out, vendor, 1, 0);
}

int dictionary_application(uint32_t id, const char *name, uint32_t first,
			   const char *const (*command)[2], uint32_t n,
			   struct dict_object **request)
{
	struct dict_object *vendor, *application;
	int error = application_define(id, name, &vendor, &application);

	for (uint32_t i = 0; !error && i < n; i++)
		error = command_define(application, first + i, command[i], &request[i]);
	return error ? error : fd_disp_app_support(application, vendor, 1, 0);
}

int cx_dictionary_init(void)
{
	struct dict_vendor_data vendor_data = {CX_VENDOR, (char *)"3GPP"};
	int error = fd_dict_new(fd_g_config->cnf_dict, DICT_VENDOR, &vendor_data, NULL, NULL);

	if (!error)
		error = avps_init();
	return error ? error
		     : dictionary_application(CX_APPLICATION, "3GPP Cx", CX_UAR, command_name,
					      COMMANDS, request_object);
}
