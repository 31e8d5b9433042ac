/* profile.c - service profiles in the store */
#include "store/db.h"

#include <stdlib.h>

enum store_result profile_id(struct store *s, const char *name, int64_t *id)
{
	struct statement *st;
	enum store_result r;

	*id = 0;
	if (!*name)
		return STORE_OK;
	st = store_take(s, ST_PROFILE_ID);
	store_bind_text(st, 1, name);
	r = store_row(st);
	if (r == STORE_OK)
		*id = store_column_int(st, 0);
	store_reset(st);
	return r;
}

enum store_result store_profile_named(struct store *s, const char *name, int64_t *id)
{
	return *name ? profile_id(s, name, id) : STORE_NONE;
}

enum store_result store_profile_put(struct store *s, const char *name, struct slice ifc_xml,
				    int32_t cn_services, uint32_t services)
{
	struct statement *st = store_take(s, ST_PUT_PROFILE);

	if (!*name || strlen(name) > STORE_NAME_MAX || ifc_xml.len > STORE_PROFILE_MAX)
		return STORE_FAIL;
	store_bind_text(st, 1, name);
	store_bind_blob(st, 2, ifc_xml.p, ifc_xml.len);
	store_bind_int(st, 3, cn_services);
	store_bind_int(st, 4, services);
	return store_run(st);
}

static bool read_profile(struct statement *st, struct store_profile *out)
{
	struct slice xml = store_column_slice(st, 1);

	if (xml.len > STORE_PROFILE_MAX ||
	    !store_column_text(st, 0, out->name, sizeof(out->name)))
		return false;
	out->cn_services = store_column_int(st, 2);
	out->services = (uint32_t)store_column_int(st, 3);
	if (xml.len == 0)
		return true;
	out->ifc_xml = malloc(xml.len);
	out->ifc_len = xml.len;
	return out->ifc_xml && store_column_blob(st, 1, out->ifc_xml, xml.len);
}

enum store_result store_find_profile(struct store *s, int64_t id, struct store_profile *out)
{
	struct statement *st = store_take(s, ST_FIND_PROFILE);
	enum store_result r;

	*out = (struct store_profile){.id = id, .cn_services = -1};
	store_bind_int(st, 1, id);
	r = store_row(st);
	if (r == STORE_OK && !read_profile(st, out)) {
		store_profile_free(out);
		r = STORE_FAIL;
	}
	store_reset(st);
	return r;
}

void store_profile_free(struct store_profile *p)
{
	free(p->ifc_xml);
	p->ifc_xml = NULL;
	p->ifc_len = 0;
}

enum store_result store_profile_next_set(struct store *s, int64_t profile, int64_t after,
					 int64_t *set)
{
	struct statement *st = store_take(s, ST_PROFILE_SET);
	enum store_result r;

	store_bind_int(st, 1, profile);
	store_bind_int(st, 2, after);
	r = store_row(st);
	if (r == STORE_OK)
		*set = store_column_int(st, 0);
	store_reset(st);
	return r;
}
