/* commit.c - a set to disk, to the data plane and into memory, in that order
 *
 * The old binding stays in memory and in the data plane until the new one is safe on disk; a
 * refusal by the data plane puts the old one back on disk. So a failure leaves what was there
 * before the REGISTER.
 */
#include "base/log.h"
#include "control/install.h"
#include "control/persist.h"
#include "control/reg_event.h"
#include "control/register.h"
#include "control/session.h"
#include "control/signalling.h"
#include "control/third_party.h"
#include "control/watcher.h"

static void persisted_later(void *ctx, bool ok)
{
	if (!ok)
		log_event(LOG_ERROR, "registrar", "not_stored");
}

/* -1: the link is down, and the next synchronisation brings it. */
static void installed_later(void *ctx, int status)
{
	if (status > 0)
		log_event(LOG_ERROR, "registrar", "not_installed",
			  LOG_U("status", (uint64_t)status));
}

void commit_change(struct control *c, const struct registration_set *set,
		   enum reginfo_cause cause)
{
	if (!(set->roles & ABI_REG_UNREGISTERED)) /* unregistered.h */
		persist_put(c->persist, set, persisted_later, NULL);
	install_put(c->installer, set, installed_later, NULL);
	agreement_settle(c, set->id);
	signalling_settle(c->signalling, set->id);
	reg_event_changed(c->reg_events, set->id, cause);
}

struct registration_set *commit_remove(struct control *c, uint64_t set_id)
{
	struct registration_set *set = registrations_take(c->registrations, set_id);

	if (!set)
		return NULL;
	if (!(set->roles & ABI_REG_UNREGISTERED))
		persist_delete(c->persist, set_id, persisted_later, NULL);
	install_delete(c->installer, set_id, installed_later, NULL);
	agreement_settle(c, set_id);
	signalling_settle(c->signalling, set_id);
	watcher_gone(c->watchers, set_id);
	return set;
}

static void finish(struct registering *g, enum commit_result result)
{
	g->committing = 0;
	third_party_settle(g, result == COMMIT_OK);
	g->committed(g, result);
}

/* taken: the data plane has the new set already. */
static void put_back(struct registering *g, bool taken)
{
	struct control *c = g->r->c;
	struct registration_set *old = registrations_by_id(c->registrations, g->set->id);

	agreement_put_back(g);
	if (old && !(old->roles & ABI_REG_UNREGISTERED))
		persist_put(c->persist, old, persisted_later, NULL);
	else
		persist_delete(c->persist, g->set->id, persisted_later, NULL);
	if (taken && old)
		install_put(c->installer, old, installed_later, NULL);
	else if (taken)
		install_delete(c->installer, g->set->id, installed_later, NULL);
	while (g->n_replaced) {
		struct registration_set *was = g->replaced[--g->n_replaced];

		if (registrations_put(c->registrations, was))
			commit_change(c, was, REGINFO_REGISTER);
		else
			registration_set_free(was);
	}
}

static void installed(void *ctx, int status)
{
	struct registering *g = ctx;
	struct control *c = g->r->c;
	uint64_t id;

	if (status > 0) {
		log_event(LOG_ERROR, "registrar", "install_refused", LOG_Z("impu", g->impu),
			  LOG_U("status", (uint64_t)status));
		put_back(g, false);
		finish(g, COMMIT_REFUSED);
		return;
	}
	/* Only memory, or a set that took one of the identities since stored(), can be in the
	 * way. */
	if (!registrations_put(c->registrations, g->set)) {
		put_back(g, true);
		finish(g, COMMIT_REFUSED);
		return;
	}
	agreement_registered(g, g->set);
	id = g->set->id;
	g->set = NULL;
	while (g->n_replaced) {
		struct registration_set *was = g->replaced[--g->n_replaced];

		reg_event_changed(c->reg_events, was->id, REGINFO_REGISTER);
		registration_set_free(was);
	}
	finish(g, COMMIT_OK); /* the 200 OK; then others hear of it */
	signalling_settle(c->signalling, id);
	reg_event_changed(c->reg_events, id, REGINFO_REGISTER);
}

static void stored(void *ctx, bool ok)
{
	struct registering *g = ctx;

	if (!ok) {
		finish(g, COMMIT_NOT_STORED);
		return;
	}
	/* A profile can come back with another identity in front, and so with another id. */
	for (uint32_t i = 0; i < g->set->n_impu; i++) {
		struct registration_set *other =
			registrations_by_impu(g->r->c->registrations, g->set->impu[i]);

		if (other && other->id != g->set->id)
			g->replaced[g->n_replaced++] = commit_remove(g->r->c, other->id);
	}
	agreement_install(g, g->set);
	install_put(g->r->c->installer, g->set, installed, g);
}

/* An identity that another private identity holds in a set of its own stays there: a set has
 * one owner. */
static bool owned_by_other(struct registering *g, const struct registration_set *set)
{
	for (uint32_t i = 0; i < set->n_impu; i++) {
		struct registration_set *other =
			registrations_by_impu(g->r->c->registrations, set->impu[i]);

		if (other && other->id != set->id && other->impi[0] &&
		    strcmp(other->impi, set->impi))
			return true;
	}
	return false;
}

/* Another private identity of the user, or the HSS, has changed the set since it was copied. */
static bool is_outdated(struct registering *g, const struct registration_set *set)
{
	const struct registration_set *now =
		registrations_by_id(g->r->c->registrations, set->id);

	return now && now->version != set->version;
}

void commit_put(struct registering *g, struct registration_set *set,
		void (*done)(struct registering *g, enum commit_result result))
{
	g->committed = done;
	g->set = set;
	if (owned_by_other(g, set) || is_outdated(g, set) ||
	    register_is_writing(g->r, set->id, g)) {
		log_event(LOG_WARN, "registrar", "set_conflict", LOG_Z("impu", g->impu));
		finish(g, COMMIT_REFUSED);
		return;
	}
	g->committing = set->id;
	agreement_store(g, set);
	third_party_stage(g, set, false);
	persist_put(g->r->c->persist, set, stored, g);
}

static void removed(void *ctx, int status)
{
	struct registering *g = ctx;
	struct control *c = g->r->c;
	uint64_t id = g->committing;

	finish(g, COMMIT_OK);
	reg_event_changed(c->reg_events, id, REGINFO_REGISTER);
	watcher_gone(c->watchers, id);
}

static void deleted(void *ctx, bool ok)
{
	struct registering *g = ctx;
	uint64_t id = g->committing;
	struct registration_set *gone;

	if (!ok) {
		finish(g, COMMIT_NOT_STORED);
		return;
	}
	gone = registrations_take(g->r->c->registrations, id);
	if (gone)
		sessions_release(g->r->c->sessions, gone, "de-registered by the terminal");
	registration_set_free(gone);
	agreement_settle(g->r->c, id);
	signalling_settle(g->r->c->signalling, id);
	install_delete(g->r->c->installer, id, removed, g);
}

void commit_delete(struct registering *g, uint64_t set_id,
		   void (*done)(struct registering *g, enum commit_result result))
{
	g->committed = done;
	if (!registrations_by_id(g->r->c->registrations, set_id)) {
		finish(g, COMMIT_OK);
		return;
	}
	if (register_is_writing(g->r, set_id, g)) {
		finish(g, COMMIT_REFUSED);
		return;
	}
	g->committing = set_id;
	third_party_stage(g, registrations_by_id(g->r->c->registrations, set_id), true);
	persist_delete(g->r->c->persist, set_id, deleted, g);
}
