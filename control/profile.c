/* profile.c - identities of a set (TS 29.228 §6.6) */
#include <stdlib.h>

#include "base/log.h"
#include "control/reg_event.h"
#include "control/register.h"
#include "control/services.h"
#include "control/userdata.h"

enum { RECHARGE_MAX = 16 /* sets of one private identity */ };

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

static void put_function(struct text *t, const char *name, struct slice address)
{
	if (address.len == 0)
		return;
	text_str(t, t->len ? "; " : "");
	text_str(t, name);
	text_lit(t, "=\"");
	/* What would end the quotes has no place in the name of a host. */
	for (uint32_t i = 0; i < address.len; i++)
		if (address.p[i] > ' ' && address.p[i] < 127 && address.p[i] != '"' &&
		    address.p[i] != '\\')
			text_char(t, address.p[i]);
	text_char(t, '"');
}

bool profile_charging(struct registration_set *set, const struct cx_charging *c)
{
	uint8_t memory[4 * (CX_STRING_MAX + 8)];
	struct text t = text_in(memory, sizeof(memory));
	char *charging;

	put_function(&t, "ccf", c->primary_ccf);
	put_function(&t, "ccf", c->secondary_ccf);
	put_function(&t, "ecf", c->primary_ecf);
	put_function(&t, "ecf", c->secondary_ecf);
	if (t.len == 0)
		return set->charging || (set->charging = binding_text(SLICE_EMPTY));
	charging = binding_text(text_slice(&t));
	if (!charging)
		return false;
	free(set->charging);
	set->charging = charging;
	return true;
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

/* The set anew with what was pushed; contacts stay. */
static int push(struct control *c, const struct registration_set *old, const struct cx_ppr *q)
{
	struct registration_set *set = registration_set_copy(old);
	uint64_t old_id = old->id;

	if (!set)
		return CX_UNABLE_TO_COMPLY;
	if (!profile_charging(set, &q->charging)) {
		registration_set_free(set);
		return CX_UNABLE_TO_COMPLY;
	}
	if (q->user_data.len && profile_apply(set, q->user_data, NULL) != PROFILE_OK) {
		registration_set_free(set);
		return CX_ERROR_NOT_SUPPORTED_USER_DATA;
	}
	services_look(c->services, set->impi, q->user_data);
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

static bool has_charging(const struct cx_charging *c)
{
	return c->primary_ccf.len || c->secondary_ccf.len || c->primary_ecf.len ||
	       c->secondary_ecf.len;
}

/* Charging addresses are the subscription's: they are for all sets of the private identity. */
struct recharge {
	struct control *c;
	const struct cx_ppr *q;
	uint32_t n;
	uint64_t id[RECHARGE_MAX];
};

static bool recharge_each(void *ctx, struct registration_set *s)
{
	struct recharge *r = ctx;

	if (slice_eq(slice_str(s->impi), r->q->impi) && (s->roles & ABI_REG_SCSCF))
		r->id[r->n++] = s->id;
	return r->n < RECHARGE_MAX;
}

static int recharge(struct control *c, const struct cx_ppr *q)
{
	struct recharge r = {.c = c, .q = q};
	int result = CX_SUCCESS;

	registrations_each(c->registrations, recharge_each, &r);
	for (uint32_t i = 0; i < r.n && result == CX_SUCCESS; i++)
		result = register_is_writing(c->registrar, r.id[i], NULL)
				 ? CX_TOO_BUSY
				 : push(c, registrations_by_id(c->registrations, r.id[i]), q);
	return result;
}

/* TS 29.228 §6.2.1. */
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
			a->result = has_charging(&q->charging) ? recharge(c, q) : CX_SUCCESS;
		else if (register_is_writing(c->registrar, f.found->id, NULL))
			a->result = CX_TOO_BUSY;
		else
			a->result = push(c, f.found, q);
	}
	free(u);
}
