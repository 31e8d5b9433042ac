/* emergency_make.c - the policy of calls for help, from the configuration */
#include "worker/emergency_make.h"

#include <stdlib.h>
#include <urcu-qsbr.h>

#include "role/emergency.h"

/* The policy and the text it points into. */
struct policy {
	struct emergency emergency;
	struct conf_emergency conf;
	char route[EMERGENCY_PSAPS_MAX][CONF_NAME_MAX + 8];
};

_Static_assert(offsetof(struct policy, emergency) == 0, "what is published is what is freed");

static void add_psap(struct policy *m, uint32_t i)
{
	const struct conf_psap *c = &m->conf.psap[i];
	struct text route = text_in(m->route[i], sizeof(m->route[i]));

	text_char(&route, '<');
	text_str(&route, c->to);
	text_lit(&route, ";lr>");
	m->emergency.psap[i] = (struct emergency_psap){
		slice_str(c->service), slice_str(c->access), text_slice(&route), c->address};
}

static struct policy *make(const struct conf *c)
{
	struct policy *m = calloc(1, sizeof(*m));
	struct emergency *e;

	if (!m)
		return NULL;
	e = &m->emergency;
	m->conf = c->emergency;
	e->unregistered = m->conf.unregistered;
	e->normal = m->conf.normal;
	e->hosts_ecscf = c->dataplane.roles & CONF_ECSCF;
	e->unregistered_rate = m->conf.unregistered_rate;
	for (; e->n_number < m->conf.n_number; e->n_number++)
		e->number[e->n_number] = (struct emergency_number){
			slice_str(m->conf.number[e->n_number].number),
			slice_str(m->conf.number[e->n_number].service)};
	for (; e->n_ecscf < m->conf.n_ecscf; e->n_ecscf++)
		e->ecscf[e->n_ecscf] = m->conf.ecscf[e->n_ecscf];
	for (; e->n_psap < m->conf.n_psap; e->n_psap++)
		add_psap(m, e->n_psap);
	for (; e->n_place < m->conf.n_place; e->n_place++)
		e->place[e->n_place] = (struct emergency_place){
			.prefix = {.ip = m->conf.place[e->n_place].prefix.ip,
				   .bits = m->conf.place[e->n_place].prefix.bits},
			.info = slice_str(m->conf.place[e->n_place].info)};
	return m;
}

bool emergency_replace(struct node *n, const struct conf *c)
{
	struct policy *m = make(c);
	const struct emergency *old;

	if (!m)
		return false;
	/* Paired with the acquire in role/emergency.c. */
	old = atomic_exchange_explicit(&n->emergency, &m->emergency, memory_order_acq_rel);
	if (old) {
		urcu_qsbr_synchronize_rcu();
		free((void *)(uintptr_t)old);
	}
	return true;
}

void emergency_end(struct node *n)
{
	const struct emergency *old =
		atomic_exchange_explicit(&n->emergency, NULL, memory_order_acq_rel);

	free((void *)(uintptr_t)old);
}
