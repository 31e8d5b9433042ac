/* select.c - which S-CSCF an I-CSCF chooses for a user */
#include "control/select.h"

#include "base/hash.h"
#include "conf/conf.h"
#include "control/resolve.h"

/* No secret: the URIs come from the HSS and the configuration. */
static const struct hash_key key = {0x73656c656374, 0x7363736366};

static bool was_tried(const struct select_tried *tried, uint64_t hash)
{
	for (uint32_t i = 0; i < tried->n; i++)
		if (tried->hash[i] == hash)
			return true;
	return false;
}

static uint64_t hash_of(struct slice uri)
{
	return hash_table(&key, uri.p, uri.len);
}

bool select_note(struct select_tried *tried, struct slice uri)
{
	uint64_t hash = hash_of(uri);

	if (was_tried(tried, hash) || tried->n == SELECT_TRIES_MAX)
		return false;
	tried->hash[tried->n++] = hash;
	return true;
}

static bool has(const struct conf_scscf *s, uint32_t capability)
{
	for (uint32_t i = 0; i < s->n_capability; i++)
		if (s->capability[i] == capability)
			return true;
	return false;
}

static bool has_all(const struct conf_scscf *s, const struct cx_capabilities *want)
{
	for (uint32_t i = 0; i < want->n_mandatory; i++)
		if (!has(s, want->mandatory[i]))
			return false;
	return true;
}

static uint32_t count_optional(const struct conf_scscf *s, const struct cx_capabilities *want)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < want->n_optional; i++)
		n += has(s, want->optional[i]);
	return n;
}

static enum select_result choose(const struct conf_icscf *list,
				 const struct cx_capabilities *want,
				 struct select_counts *counts, struct select_tried *tried,
				 struct text *uri)
{
	uint32_t best = SCSCFS_MAX, most = 0;
	bool able = false;

	for (uint32_t i = 0; i < list->n_scscf; i++) {
		const struct conf_scscf *s = &list->scscf[i];
		uint32_t optional;

		if (!has_all(s, want))
			continue;
		able = true;
		if (was_tried(tried, hash_of(slice_str(s->name))))
			continue;
		optional = count_optional(s, want);
		if (best == SCSCFS_MAX || optional > most ||
		    (optional == most && counts->chosen[i] < counts->chosen[best])) {
			best = i;
			most = optional;
		}
	}
	if (best == SCSCFS_MAX)
		return able ? SELECT_USED : SELECT_NONE;
	if (!select_note(tried, slice_str(list->scscf[best].name)))
		return SELECT_USED;
	counts->chosen[best]++;
	text_str(uri, list->scscf[best].name);
	return SELECT_OK;
}

/* Names the HSS prefers, of which only those count whose address is known. */
static bool choose_named(const struct conf *conf, const struct cx_capabilities *want,
			 struct select_tried *tried, struct text *uri)
{
	struct addr hop;

	for (uint32_t i = 0; i < want->n_names; i++) {
		struct slice name = want->name[i];

		if (resolve_uri(conf, name, &hop) == RESOLVE_UNKNOWN ||
		    !select_note(tried, name))
			continue;
		text_put(uri, name);
		return true;
	}
	return false;
}

enum select_result select_scscf(const struct conf *conf, const struct cx_capabilities *want,
				struct select_counts *counts, struct select_tried *tried,
				struct text *uri)
{
	const struct conf_dataplane *d = &conf->dataplane;

	if (choose_named(conf, want, tried, uri))
		return SELECT_OK;
	if (conf->icscf.n_scscf)
		return choose(&conf->icscf, want, counts, tried, uri);
	if (d->roles & CONF_SCSCF) {
		text_str(uri, conf->scscf_uri);
	} else if (d->scscf.family) {
		text_lit(uri, "sip:");
		addr_put(uri, &d->scscf);
	} else {
		return SELECT_USED;
	}
	return select_note(tried, text_slice(uri)) ? SELECT_OK : SELECT_USED;
}
