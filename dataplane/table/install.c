/* install.c - control's records, worked off one by one and in order */
#include "table/install.h"
#include "table/next_hop.h"
#include "table/server.h"

/* Security associations are somebody else's, who hears of synchronisation too. */
static int install_sa(struct install *in, const struct abi_install_view *v)
{
	return in->sa ? in->sa(in->sa_context, v) : INSTALL_OK;
}

static int install_do(struct install *in, const struct abi_install_view *v)
{
	struct tables *t = in->tables;

	switch (v->type) {
	case INSTALL_REGISTRATION:
		return table_put(t, &v->registration);
	case INSTALL_PROLONG:
		return table_prolong(t, &v->prolong);
	case INSTALL_PROFILE:
		return table_put_profile(t, v->profile_id, v->profile);
	case INSTALL_SERVER:
		return table_put_server(t, &v->server);
	case INSTALL_ROUTE:
		return table_put_next_hop(t, &v->route);
	case INSTALL_DELETE:
		return table_delete(t, v->set_id);
	case INSTALL_SYNC_BEGIN:
		table_sync_begin(t);
		return install_sa(in, v);
	case INSTALL_SYNC_END:
		table_sync_end(t);
		return install_sa(in, v);
	case INSTALL_SA:
	case INSTALL_SA_DELETE:
		return install_sa(in, v);
	}
	return INSTALL_MALFORMED;
}

/* One record; false: none is there, or its answer would find no room. */
static bool install_one(struct install *in, bool *wake)
{
	_Alignas(8) uint8_t copy[RING_RECORD_MAX];
	struct abi_install_view v;
	struct abi_ack ack = {.status = INSTALL_MALFORMED};

	/* First the answer's place, then the record: none is worked off unanswered. */
	void *answer = ring_reserve(&in->out, sizeof(ack));
	if (!answer)
		return false;
	struct slice record = ring_peek(&in->in);
	if (!record.p)
		return false;
	/* Before decoding: control could write to the shared octets meanwhile. */
	memcpy(copy, record.p, record.len);

	if (!abi_install_decode(slice_of(copy, record.len), &v))
		ack.status = (uint32_t)install_do(in, &v);
	ack.seq = v.seq;
	in->installs++;
	in->errors += ack.status != INSTALL_OK;
	memcpy(answer, &ack, sizeof(ack));
	if (ring_commit(&in->out))
		*wake = true;
	/* Last: a record is given back only when it has taken effect. */
	ring_release(&in->in);
	return true;
}

uint32_t install_poll(struct install *in, uint32_t most, bool *wake)
{
	uint32_t done = 0;

	*wake = false;
	while (done < most && install_one(in, wake))
		done++;
	/* Nothing more to do: time for what the burst has left over. */
	if (done < most)
		table_reclaim(in->tables);
	return done;
}
