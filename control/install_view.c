/* install_view.c - a registration set, or security associations, as the data plane is told */
#include "abi/gruu.h"
#include "base/clock.h"
#include "control/install.h"
#include "sip/feature.h"

/* Time of day, as it is stored, to the monotonic clock the data plane goes by. What has passed
 * is 0. */
static uint64_t to_monotonic(uint64_t wall_ms, uint64_t wall_now, uint64_t mono_now)
{
	if (wall_ms >= wall_now)
		return mono_now + (wall_ms - wall_now);
	return mono_now > wall_now - wall_ms ? mono_now - (wall_now - wall_ms) : 0;
}

static struct slice slice_of_text(const char *text)
{
	return text ? slice_str(text) : SLICE_EMPTY;
}

static uint64_t hash_of_text(const struct install_policy *policy, const char *text)
{
	struct slice s = slice_of_text(text);

	return hash_table(&policy->key, s.p, s.len);
}

/* Workers know identities in their canonical form only; P-Associated-URI shows them as
 * provisioned. */
static bool as_provisioned(const struct registration_set *s)
{
	for (uint32_t i = 0; i < s->n_impu; i++)
		if (strcmp(s->impu[i], s->impu_uri[i]))
			return false;
	return true;
}

/* Every binding here was made by an authenticated REGISTER; one that came from its flow over no
 * other node is associated with that flow (TS 24.229 §5.2.2.3), where the operator lets it be.
 */
static uint8_t contact_flags(const struct registration_set *s,
			     const struct registration_contact *c,
			     const struct install_policy *policy)
{
	if (c->emergency)
		return ABI_CONTACT_EMERGENCY;
	/* Under a security association the REGISTER has more to be checked than a worker does.
	 */
	if (!policy->ip_association || !(s->roles & ABI_REG_SCSCF) || !c->flow.family ||
	    c->sa_id || !c->impi || !c->impi[0])
		return 0;
	return (uint8_t)(ABI_CONTACT_PROTECTED | (as_provisioned(s) ? ABI_CONTACT_REFRESH : 0));
}

/* What else a contact's requests come under, and nothing is sent to. */
static void add_old(const struct registration_set *s, struct abi_registration_view *v)
{
	for (uint32_t i = 0; i < s->n_contact && v->n_contact < SET_CONTACTS_MAX; i++) {
		const struct registration_old *old = &s->contact[i].old;
		struct abi_contact_view *c = &v->contact[v->n_contact];

		if (!old->sa_id)
			continue;
		*c = v->contact[i];
		c->flow = old->flow;
		c->local = old->local;
		c->sa_id = old->sa_id;
		c->flags = ABI_CONTACT_SUCCEEDED;
		v->n_contact++;
	}
}

void install_view(const struct registration_set *s, const struct install_policy *policy,
		  struct abi_registration_view *v)
{
	uint64_t wall = clock_wall_ms(), mono = clock_ms();

	*v = (struct abi_registration_view){
		.set_id = s->id,
		.roles = s->roles,
		.scscf = s->scscf,
		.service_route = slice_of_text(s->service_route),
		.n_impu = s->n_impu,
		.n_contact = s->n_contact,
	};
	for (uint32_t i = 0; i < s->n_impu; i++)
		v->impu[i] = (struct abi_impu_view){slice_str(s->impu[i]), s->impu_flags[i], 0};
	for (uint32_t i = 0; i < s->n_contact; i++) {
		const struct registration_contact *c = &s->contact[i];

		v->contact[i] = (struct abi_contact_view){
			.flow = c->flow,
			.local = c->local,
			.sa_id = c->sa_id,
			.hop = c->hop,
			.expires_ms = to_monotonic(c->expires_wall_ms, wall, mono),
			.registered_ms = to_monotonic(c->registered_wall_ms, wall, mono),
			.call_id = hash_of_text(policy, c->call_id),
			.cseq = c->cseq,
			.impi = (uint32_t)hash_of_text(policy, c->impi),
			.instance = gruu_instance(&policy->key, slice_of_text(c->instance)),
			.reg_id = c->reg_id,
			.q = c->q,
			.flags = contact_flags(s, c, policy),
			.uri = slice_of_text(c->uri),
			.path = slice_of_text(c->path),
		};
		v->contact[i].n_feature =
			sip_features(slice_of_text(c->params), &policy->key,
				     v->contact[i].feature, FEATURES_MAX, NULL);
	}
	add_old(s, v);
}

void install_prolong_view(const struct registration_set *set, uint32_t contact,
			  const struct install_policy *policy, struct abi_prolong_view *v)
{
	const struct registration_contact *c = &set->contact[contact];
	uint64_t wall = clock_wall_ms(), mono = clock_ms();

	*v = (struct abi_prolong_view){
		.set_id = set->id,
		.contact = (uint8_t)contact,
		.call_id = hash_of_text(policy, c->call_id),
		.cseq = c->cseq,
		.expires_ms = to_monotonic(c->expires_wall_ms, wall, mono),
		.registered_ms = to_monotonic(c->registered_wall_ms, wall, mono),
	};
}

void install_sa_view(const struct sa *sa, struct abi_sa_view *v)
{
	*v = (struct abi_sa_view){
		.sa_id = sa->id,
		.set_id = sa->set_id,
		.ue = sa->ue,
		.local = sa->local,
		.port_us = sa->port_us,
		.port_pc = sa->port_pc,
		.spi_uc = sa->spi_uc,
		.spi_us = sa->spi_us,
		.spi_pc = sa->spi_pc,
		.spi_ps = sa->spi_ps,
		.nat = sa->nat,
		.integrity = sa->pair.integrity,
		.cipher = sa->pair.cipher,
		.used = sa->used,
		.expires_ms = to_monotonic(sa->due_wall_ms, clock_wall_ms(), clock_ms()),
	};
	memcpy(v->ck, sa->ck, sizeof(v->ck));
	memcpy(v->ik, sa->ik, sizeof(v->ik));
}
