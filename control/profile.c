/* profile.c - identities of a set (TS 29.228 §6.6) */
#include <stdlib.h>

#include "base/log.h"
#include "control/reg_event.h"
#include "control/register.h"
#include "control/userdata.h"

uint64_t profile_set_id(struct slice impu)
{
	/* The key is no secret: an id must be the same after a restart and on disk, and
	 * identities come from the HSS, not from the wire. */
	static const struct hash_key key = {0x53616b6572207365ull, 0x7420696420763031ull};
	uint64_t h = hash_table(&key, impu.p, impu.len);

	return h ? h : 1;
}

void profile_clear(struct registration_set *set)
{
	for (uint32_t i = 0; i < set->n_impu; i++) {
		free(set->impu[i]);
		free(set->impu_uri[i]);
		set->impu[i] = set->impu_uri[i] = NULL;
		set->impu_flags[i] = 0;
	}
	set->n_impu = 0;
}

bool profile_add(struct registration_set *set, struct slice canonical, struct slice uri,
		 uint8_t flags)
{
	char *impu, *impu_uri;

	for (uint32_t i = 0; i < set->n_impu; i++)
		if (slice_eq(slice_str(set->impu[i]), canonical))
			return true;
	if (set->n_impu == SET_IMPUS_MAX)
		return false;
	impu = binding_text(canonical);
	impu_uri = binding_text(uri);
	if (!impu || !impu_uri) {
		free(impu);
		free(impu_uri);
		return false;
	}
	set->impu[set->n_impu] = impu;
	set->impu_uri[set->n_impu] = impu_uri;
	set->impu_flags[set->n_impu++] = flags;
	return true;
}

static bool add(struct registration_set *set, const struct userdata_identity *i, uint8_t flags)
{
	return profile_add(set, slice_str(i->canonical), slice_str(i->uri),
			   (uint8_t)(flags | (i->barred ? ABI_IMPU_BARRED : 0) |
				     (i->wildcard ? ABI_IMPU_WILDCARD : 0)));
}

/* The default first: its place is what P-Associated-URI and the asserted identity go by
 * (TS 24.229 §5.4.1.2.2, §5.2.6.3). */
static enum profile_result fill(struct registration_set *set, struct slice xml,
				const struct userdata *u, int first)
{
	char *text = malloc((size_t)xml.len + 1);

	if (!text)
		return PROFILE_NO_MEMORY;
	memcpy(text, xml.p, xml.len);
	text[xml.len] = 0;
	free(set->user_data);
	set->user_data = text;
	profile_clear(set);
	if (!add(set, &u->identity[first], ABI_IMPU_DEFAULT))
		return PROFILE_NO_MEMORY;
	for (uint32_t i = 0; i < u->n_identity; i++)
		if ((int)i != first && !add(set, &u->identity[i], 0))
			return PROFILE_NO_MEMORY;
	set->id = profile_set_id(slice_str(set->impu[0]));
	return PROFILE_OK;
}

enum profile_result profile_apply(struct registration_set *set, struct slice xml,
				  const char *impu)
{
	struct userdata *u = malloc(sizeof(*u));
	enum userdata_result decoded;
	enum profile_result result;

	if (!u)
		return PROFILE_NO_MEMORY;
	decoded = userdata_decode(xml, u);
	if (decoded != USERDATA_OK) {
		log_event(LOG_ERROR, "registrar", "profile_refused", LOG_Z("impi", set->impi),
			  LOG_Z("why", userdata_result_text(decoded)));
		result = decoded == USERDATA_TOO_MUCH ? PROFILE_TOO_MUCH : PROFILE_BAD;
	} else if (impu && userdata_find(u, impu) < 0) {
		result = PROFILE_OTHER;
	} else if (userdata_default(u) < 0) {
		result = PROFILE_BARRED;
	} else {
		result = fill(set, xml, u, userdata_default(u));
	}
	free(u);
	return result;
}

struct find_profile {
	struct slice impi;
	const struct userdata *u;
	struct registration_set *found;
	bool impi_known;
};

/* One IMPI may have several implicit sets: the one meant shares an identity with the new
 * profile. */
static bool find_each(void *ctx, struct registration_set *s)
{
	struct find_profile *f = ctx;

	if (!slice_eq(slice_str(s->impi), f->impi) || !(s->roles & ABI_REG_SCSCF))
		return true;
	f->impi_known = true;
	for (uint32_t i = 0; i < s->n_impu && !f->found; i++)
		if (userdata_find(f->u, s->impu[i]) >= 0)
			f->found = s;
	return f->found == NULL;
}

/* The set anew with the pushed profile; contacts stay. */
static int push(struct control *c, const struct registration_set *old, struct slice xml)
{
	struct registration_set *set = registration_set_copy(old);
	uint64_t old_id = old->id;

	if (!set)
		return CX_UNABLE_TO_COMPLY;
	if (profile_apply(set, xml, NULL) != PROFILE_OK) {
		registration_set_free(set);
		return CX_ERROR_NOT_SUPPORTED_USER_DATA;
	}
	for (uint32_t i = 0; i < set->n_impu; i++) {
		struct registration_set *other =
			registrations_by_impu(c->registrations, set->impu[i]);

		if (other && other->id != old_id) {
			registration_set_free(set);
			return CX_UNABLE_TO_COMPLY;
		}
	}
	if (set->id != old_id)
		registration_set_free(commit_remove(c, old_id));
	if (!registrations_put(c->registrations, set)) {
		registration_set_free(set);
		return CX_UNABLE_TO_COMPLY;
	}
	commit_change(c, set, REGINFO_REGISTER);
	if (set->id != old_id)
		reg_event_changed(c->reg_events, old_id, REGINFO_DEACTIVATED);
	return CX_SUCCESS;
}

/* TS 29.228 §6.2.1. Charging addresses alone change nothing here: they are not kept. */
void registrar_ppr(void *control, const struct cx_ppr *q, struct cx_ppa *a)
{
	struct control *c = control;
	struct userdata *u = malloc(sizeof(*u));
	struct find_profile f = {.impi = q->impi, .u = u};

	if (!u) {
		a->result = CX_UNABLE_TO_COMPLY;
		return;
	}
	memset(u, 0, sizeof(*u));
	if (q->user_data.len && userdata_decode(q->user_data, u) != USERDATA_OK) {
		a->result = CX_ERROR_NOT_SUPPORTED_USER_DATA;
	} else {
		registrations_each(c->registrations, find_each, &f);
		if (!f.impi_known || (q->user_data.len && !f.found))
			a->result = CX_ERROR_USER_UNKNOWN;
		else if (!q->user_data.len)
			a->result = CX_SUCCESS;
		else if (register_is_writing(c->registrar, f.found->id, NULL))
			a->result = CX_TOO_BUSY;
		else
			a->result = push(c, f.found, q->user_data);
	}
	free(u);
}
