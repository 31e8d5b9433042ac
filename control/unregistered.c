/* unregistered.c - users who are served although they are not registered */
#include "control/unregistered.h"

#include <ev.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "control/control.h"
#include "control/register.h"
#include "control/services.h"
#include "control/userdata.h"

enum {
	TICK_S = 1,
	TICK_MAX = 256, /* let go in one tick: the HSS is not to be flooded */
};

/* One that is served, in the order in which their time is over: all have the same. */
struct served {
	struct served *next;
	uint64_t set_id, until_ms;
};

struct unregistereds {
	struct control *c;
	struct served *first, **last;
	struct ev_timer tick;
	struct unregistered_stats stats;
};

static struct registration_set *find(const struct unregistereds *u, uint64_t set_id)
{
	struct registration_set *s = registrations_by_id(u->c->registrations, set_id);

	return s && s->roles & ABI_REG_UNREGISTERED ? s : NULL;
}

/* The first one's time is over; who registered meanwhile stays. */
static void let_go(struct unregistereds *u)
{
	struct served *v = u->first;
	struct registration_set *s = find(u, v->set_id);

	u->first = v->next;
	if (!u->first)
		u->last = &u->first;
	u->stats.n--;
	free(v);
	if (!s)
		return;
	log_event(LOG_INFO, "unregistered", "let_go", LOG_Z("impu", s->impu[0]));
	deregister_tell_hss(u->c, s->impi, s->impu[0], CX_SAT_TIMEOUT_DEREGISTRATION);
	registration_set_free(commit_remove(u->c, s->id));
}

/* A REGISTER that works on a copy of the set is about to take its place. */
static bool is_changing(const struct unregistereds *u)
{
	return register_is_changing(u->c->registrar, u->first->set_id);
}

static void on_tick(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct unregistereds *u = w->data;
	uint64_t now = clock_ms();

	for (uint32_t n = 0; n < TICK_MAX && u->first && u->first->until_ms <= now; n++) {
		if (is_changing(u))
			return;
		u->stats.expired += find(u, u->first->set_id) != NULL;
		let_go(u);
	}
}

struct unregistereds *unregistereds_open(struct control *c)
{
	struct unregistereds *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->c = c;
	u->last = &u->first;
	ev_timer_init(&u->tick, on_tick, TICK_S, TICK_S);
	u->tick.data = u;
	ev_timer_start(c->loop, &u->tick);
	return u;
}

void unregistereds_close(struct unregistereds *u)
{
	if (!u)
		return;
	ev_timer_stop(u->c->loop, &u->tick);
	for (struct served *v = u->first, *next; v; v = next) {
		next = v->next;
		free(v);
	}
	free(u);
}

static bool note(struct unregistereds *u, uint64_t set_id)
{
	struct served *v = malloc(sizeof(*v));

	if (!v)
		return false;
	*v = (struct served){NULL, set_id,
			     clock_ms() + 1000ull * u->c->conf->control.unregistered_ttl_s};
	*u->last = v;
	u->last = &v->next;
	u->stats.n++;
	return true;
}

/* Nobody has registered: the profile says whose it is, so that an RTR finds him. NULL: no
 * memory, or it cannot be read. */
static char *owner_of(struct slice user_data)
{
	struct userdata *u = malloc(sizeof(*u));
	char *impi = NULL;

	if (u && userdata_decode(user_data, u) == USERDATA_OK)
		impi = binding_text(slice_str(u->impi));
	free(u);
	return impi;
}

static struct registration_set *make(struct unregistereds *u, const char *impu,
				     const struct cx_saa *a)
{
	struct registration_set *s = registration_set_new();

	if (!s)
		return NULL;
	s->roles = ABI_REG_SCSCF | ABI_REG_UNREGISTERED;
	s->impi = owner_of(a->user_data);
	s->service_route = scscf_service_route(u->c->conf);
	if (s->impi && s->service_route && profile_apply(s, a->user_data, impu) == PROFILE_OK &&
	    profile_charging(s, &a->charging))
		return s;
	registration_set_free(s);
	return NULL;
}

struct registration_set *unregistered_take(struct unregistereds *u, const char *impu,
					   const struct cx_saa *a)
{
	struct registration_set *s;

	if (u->stats.n >= UNREGISTERED_MAX && !is_changing(u)) {
		u->stats.evicted++;
		let_go(u);
	}
	s = u->stats.n < UNREGISTERED_MAX ? make(u, impu, a) : NULL;
	if (s && registrations_put(u->c->registrations, s)) {
		if (note(u, s->id)) {
			services_look(u->c->services, s->impi, a->user_data);
			u->stats.served++;
			log_event(LOG_INFO, "unregistered", "served", LOG_Z("impu", impu));
			return s;
		}
		s = registrations_take(u->c->registrations, s->id);
	}
	if (s)
		registration_set_free(s);
	u->stats.refused++;
	return NULL;
}

void unregistered_stats(const struct unregistereds *u, struct unregistered_stats *out)
{
	*out = u->stats;
}
