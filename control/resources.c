/* resources.c - the policy sessions of one call */
#include "control/resources.h"

#include "media/component.h"

static void forget(struct resources *r, uint32_t i)
{
	policy_end(r->party[i].session);
	r->party[i] = r->party[--r->n];
}

void resources_settle(struct resources *r, enum resources_side side, const struct addr *ue)
{
	for (uint32_t i = 0; i < r->n;) {
		const struct resources_party *one = &r->party[i];

		if (one->side == side && !addr_same_ip(&one->ue, ue))
			forget(r, i);
		else
			i++;
	}
}

void resources_end(struct resources *r)
{
	while (r->n)
		forget(r, 0);
}

static struct resources_party *find(struct resources *r, const struct resources_ask *a)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->party[i].side == a->side && addr_same_ip(&r->party[i].ue, &a->ue))
			return &r->party[i];
	return NULL;
}

bool resources_ask(struct resources *r, struct policy *p, const struct resources_ask *a,
		   policy_done *done, void *ctx)
{
	struct media media;
	struct policy_ask ask = {
		.kind = POLICY_SESSION,
		.ue = a->ue,
		.identity = a->identity,
		.icid = a->icid,
		.service = a->service,
		.name = a->name,
		.preliminary = !a->answer,
		.media = &media,
	};
	struct resources_party *one;

	media_of(a->offer, a->answer, a->ue_offers, &media);
	if (a->alone)
		resources_settle(r, a->side, &a->ue);
	one = find(r, a);
	if (one) {
		policy_change(one->session, &ask, done, ctx);
		return true;
	}
	if (r->n == RESOURCES_PARTIES)
		return false;
	one = &r->party[r->n];
	*one = (struct resources_party){a->side, a->ue,
					policy_begin(p, &ask, done, ctx, a->owner)};
	r->n += one->session != NULL;
	return one->session != NULL;
}
