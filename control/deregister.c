/* deregister.c - registrations ended by time or by the network (TS 24.229 §5.4.1.5, §5.4.1.6)
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/cx.h"
#include "control/reg_event.h"
#include "control/register.h"
#include "control/session.h"
#include "control/third_party.h"

/* How long an expired set is left alone while a REGISTER writes it. */
enum { EXPIRE_POSTPONE_MS = 2000 };

static void told(void *ctx, const struct cx_saa *a)
{
	if (a->result != CX_SUCCESS)
		log_event(LOG_WARN, "registrar", "sar_failed",
			  LOG_Z("result", cx_result_name(a->result)));
}

void deregister_tell_hss(struct control *c, const char *impi, const char *impu,
			 enum cx_sat type)
{
	struct cx_sar q = {
		.impi = slice_str(impi),
		.n_impus = 1,
		.impu = {slice_str(impu)},
		.server_name = slice_str(c->conf->scscf_uri),
		.type = type,
	};

	/* A set of a time when this node was an S-CSCF. */
	if (!c->cx)
		return;
	/* With the registration, or the authentication that was pending, end the vectors that
	 * the HSS gave for it. */
	vectors_drop(c->registrar->vectors, q.impi);
	cx_sar(c->cx, &q, told, c);
}

/* Contacts whose time is over. The HSS hears of a private identity that has none left, as long
 * as others have (TS 29.228 §6.1.2). */
static bool expire_contacts(struct registrar *r, struct registration_set *s, uint64_t now)
{
	bool some = false;

	for (uint32_t i = s->n_contact; i-- > 0;) {
		char *impi = s->contact[i].impi;

		if (s->contact[i].expires_wall_ms > now)
			continue;
		s->contact[i].impi = NULL;
		binding_remove(s, i);
		some = true;
		if (impi && s->n_contact && s->roles & ABI_REG_SCSCF &&
		    !binding_of_impi(s, impi))
			deregister_tell_hss(r->c, impi, s->impu[0],
					    CX_SAT_TIMEOUT_DEREGISTRATION);
		free(impi);
	}
	binding_settle(s);
	return some;
}

void registrar_expire(struct registrar *r, struct registration_set *s)
{
	uint64_t now = clock_wall_ms();

	if (register_is_writing(r, s->id, NULL)) {
		registrations_defer(r->c->registrations, s->id, now + EXPIRE_POSTPONE_MS);
		return;
	}
	if (expire_contacts(r, s, now) && s->n_contact)
		commit_change(r->c, s, REGINFO_EXPIRED);
	if (s->n_contact) {
		registrations_touch(r->c->registrations, s);
		return;
	}
	r->stats.attempts[4]++;
	r->stats.successes[4]++;
	log_event(LOG_INFO, "registrar", "expired", LOG_Z("impu", s->impu[0]));
	if (s->roles & ABI_REG_SCSCF)
		deregister_tell_hss(r->c, s->impi, s->impu[0], CX_SAT_TIMEOUT_DEREGISTRATION);
	s = commit_remove(r->c, s->id);
	if (!s)
		return;
	sessions_release(r->c->sessions, s, "registration expired");
	third_party_over(r->c, s);
	reg_event_changed(r->c->reg_events, s->id, REGINFO_EXPIRED);
	registration_set_free(s);
}

/* Ids first: sets go while the list of them is walked otherwise. */
struct found {
	const struct slice *impi;
	uint32_t n_impi;
	uint64_t *id;
	uint32_t n, cap;
};

static bool add_found(struct found *f, uint64_t id)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (f->id[i] == id)
			return true;
	if (f->n == f->cap) {
		uint32_t cap = f->cap ? 2 * f->cap : 16;
		uint64_t *more = realloc(f->id, cap * sizeof(*more));

		if (!more)
			return false;
		f->id = more;
		f->cap = cap;
	}
	f->id[f->n++] = id;
	return true;
}

static bool of_impi(const struct found *f, const char *impi)
{
	for (uint32_t i = 0; i < f->n_impi; i++)
		if (f->impi[i].len && slice_eq(slice_str(impi), f->impi[i]))
			return true;
	return false;
}

static bool find_each(void *ctx, struct registration_set *s)
{
	struct found *f = ctx;

	for (uint32_t i = 0; i < s->n_contact; i++)
		if (of_impi(f, s->contact[i].impi))
			return add_found(f, s->id);
	return !of_impi(f, s->impi) || add_found(f, s->id);
}

/* A REGISTER of the user that is between the HSS and its 200 OK must not bring the registration
 * back. */
static void revoke(struct registrar *r, struct found *f)
{
	for (uint32_t i = 0; i < f->n_impi; i++)
		vectors_drop(r->vectors, f->impi[i]);
	for (struct registering *g = r->working; g; g = g->next_working) {
		if (of_impi(f, g->impi))
			g->revoked = true;
		for (uint32_t i = 0; i < f->n; i++)
			if (g->committing == f->id[i])
				g->revoked = true;
	}
}

/* Where another private identity has registered as well, that one's contacts stay. */
static bool leave_shared(struct registrar *r, const struct found *f, uint64_t id,
			 enum reginfo_cause cause)
{
	struct registration_set *s = registrations_by_id(r->c->registrations, id);
	bool shared = false;

	for (uint32_t i = 0; s && i < s->n_contact; i++)
		shared = shared || !of_impi(f, s->contact[i].impi);
	if (!shared || f->n_impi == 0)
		return false;
	for (uint32_t i = s->n_contact; i-- > 0;)
		if (of_impi(f, s->contact[i].impi))
			binding_remove(s, i);
	s->version++;
	binding_settle(s);
	commit_change(r->c, s, cause);
	registrations_touch(r->c->registrations, s);
	return true;
}

/* Whether the terminal may come back at once (TS 24.229 §5.4.1.5). */
static enum reginfo_cause cause_of(enum cx_reason reason)
{
	return reason == CX_REASON_PERMANENT_TERMINATION ? REGINFO_REJECTED
							 : REGINFO_DEACTIVATED;
}

/* Why an end came from the network. */
struct ending {
	enum cx_reason reason;
	struct slice info;
	bool tell_hss; /* it is not the HSS that asked */
};

/* TS 24.229 §5.4.1.5: binding, data plane and disk know nothing of the set any more; here is
 * where whoever watches it hears of its end. */
static void ended(struct registrar *r, const struct registration_set *s,
		  const struct ending *why)
{
	static const char *const reason[] = {"permanent_termination", "new_server_assigned",
					     "server_change", "remove_scscf"};

	log_event(LOG_INFO, "registrar", "deregistered", LOG_Z("impu", s->impu[0]),
		  LOG_Z("reason", reason[why->reason]), LOG_S("info", why->info));
	vectors_drop(r->vectors, slice_str(s->impi));
	for (uint32_t i = 0; i < s->n_contact; i++)
		vectors_drop(r->vectors, slice_str(s->contact[i].impi));
	sessions_release(r->c->sessions, s, "de-registered by the network");
	third_party_over(r->c, s);
	reg_event_changed(r->c->reg_events, s->id, cause_of(why->reason));
	if (why->tell_hss && s->roles & ABI_REG_SCSCF)
		deregister_tell_hss(r->c, s->impi, s->impu[0],
				    CX_SAT_ADMINISTRATIVE_DEREGISTRATION);
}

static uint32_t end_registrations(struct registrar *r, struct found *f,
				  const struct slice *impu, uint32_t n_impu,
				  const struct ending *why)
{
	struct registrations *all = r->c->registrations;
	enum reginfo_cause cause = cause_of(why->reason);
	uint32_t removed = 0;

	for (uint32_t i = 0; i < n_impu; i++) {
		char name[IMPU_MAX + 1];
		struct text t = text_in(name, sizeof(name));
		struct registration_set *s;

		text_put(&t, impu[i]);
		s = t.overflow ? NULL : registrations_by_impu(all, text_cstr(&t));
		if (s && (f->n_impi == 0 || !s->impi[0] || of_impi(f, s->impi)))
			add_found(f, s->id);
	}
	if (n_impu == 0 && f->n_impi)
		registrations_each(all, find_each, f);
	revoke(r, f);
	for (uint32_t i = 0; i < f->n; i++) {
		struct registration_set *s;

		if (n_impu == 0 && leave_shared(r, f, f->id[i], cause)) {
			removed++;
			continue;
		}
		s = commit_remove(r->c, f->id[i]);
		if (!s)
			continue;
		ended(r, s, why);
		registration_set_free(s);
		removed++;
	}
	r->stats.attempts[3] += removed;
	r->stats.successes[3] += removed;
	free(f->id);
	return removed;
}

uint32_t registrar_deregister(struct registrar *r, struct slice impi, const struct slice *impu,
			      uint32_t n_impu, enum cx_reason reason)
{
	struct found f = {.impi = &impi, .n_impi = impi.len ? 1 : 0};
	struct ending why = {.reason = reason, .tell_hss = true};

	return end_registrations(r, &f, impu, n_impu, &why);
}

void registrar_rtr(void *control, const struct cx_rtr *q, struct cx_rta *a)
{
	struct control *c = control;
	struct slice impi[1 + sizeof(q->associated_impi) / sizeof(q->associated_impi[0])];
	struct found f = {.impi = impi};
	struct ending why = {.reason = q->reason, .info = q->reason_info};

	if (q->impi.len)
		impi[f.n_impi++] = q->impi;
	for (uint32_t i = 0; i < q->n_associated && f.n_impi < sizeof(impi) / sizeof(impi[0]);
	     i++)
		impi[f.n_impi++] = q->associated_impi[i];
	end_registrations(c->registrar, &f, q->impu, q->n_impus, &why);
	/* Nobody being registered is what was asked for (TS 29.228 §6.1.3.1). */
	a->result = CX_SUCCESS;
}

uint32_t registrar_reauthenticate(struct registrar *r, struct slice impu, uint32_t seconds)
{
	uint64_t latest = clock_wall_ms() + 1000ull * seconds;
	uint8_t memory[IMPU_MAX + 1];
	struct text t = text_in(memory, sizeof(memory));
	struct registration_set *s;
	uint32_t n = 0;

	text_put(&t, impu);
	s = t.overflow ? NULL : registrations_by_impu(r->c->registrations, text_cstr(&t));
	if (!s || register_is_changing(r, s->id))
		return 0;
	for (uint32_t i = 0; i < s->n_contact; i++) {
		if (s->contact[i].expires_wall_ms <= latest)
			continue;
		s->contact[i].expires_wall_ms = latest;
		n++;
	}
	if (n == 0)
		return 0;
	s->version++;
	registrations_touch(r->c->registrations, s);
	commit_change(r->c, s, REGINFO_SHORTENED);
	return n;
}
