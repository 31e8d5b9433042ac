/* bgcf.c - where sessions leave the network (TS 24.229 §5.6, TS 23.228 §4.6.4) */
#include "control/bgcf.h"

#include "conf/conf.h"

const struct conf_bgcf *bgcf_number(const struct conf *conf, struct slice number)
{
	const struct conf_bgcf *best = NULL;
	uint32_t length = 0;

	for (uint32_t i = 0; i < conf->n_bgcf; i++) {
		struct slice prefix = slice_str(conf->bgcf[i].prefix);

		if (prefix.len > length && slice_starts(number, prefix)) {
			best = &conf->bgcf[i];
			length = prefix.len;
		}
	}
	return best;
}

bool bgcf_is_whole(const struct conf *conf, const struct conf_bgcf *rule)
{
	struct slice prefix = slice_str(rule->prefix);

	for (uint32_t i = 0; i < conf->n_bgcf; i++) {
		struct slice other = slice_str(conf->bgcf[i].prefix);

		if (other.len > prefix.len && slice_starts(other, prefix))
			return false;
	}
	return true;
}

const char *bgcf_domain(const struct conf *conf, struct slice domain)
{
	for (uint32_t i = 0; i < conf->n_bgcf; i++)
		if (slice_eq_nocase(domain, slice_str(conf->bgcf[i].domain)))
			return conf->bgcf[i].to;
	return NULL;
}
