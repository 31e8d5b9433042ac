/* diff.c - what differs between two configurations, and what a running one takes over */
#include "conf/schema.h"

static bool same(const struct conf_key *k, const struct conf *a, const struct conf *b)
{
	size_t octets = (size_t)k->size * (conf_is_list(k) ? k->most : 1);

	if (conf_is_list(k) && conf_count(k, a) != conf_count(k, b))
		return false;
	return memcmp(conf_at(k, a, 0), conf_at(k, b, 0), octets) == 0;
}

int conf_diff(const struct conf *running, const struct conf *loaded, struct text *out)
{
	int restarts = 0;

	for (int reload = 1; reload >= 0; reload--) {
		for (uint32_t i = 0; i < CONF_KEYS; i++) {
			const struct conf_key *k = &conf_schema[i];

			if (k->owner != OWNER_CONF || k->reload != reload ||
			    same(k, running, loaded))
				continue;
			text_str(out, reload ? "reload " : "restart ");
			text_str(out, k->name);
			text_char(out, '\n');
			restarts += !reload;
		}
	}
	return restarts;
}

void conf_apply_reloadable(struct conf *running, const struct conf *loaded)
{
	for (uint32_t i = 0; i < CONF_KEYS; i++) {
		const struct conf_key *k = &conf_schema[i];

		if (k->owner != OWNER_CONF || !k->reload)
			continue;
		memcpy((uint8_t *)running + k->offset, conf_at(k, loaded, 0),
		       (size_t)k->size * (conf_is_list(k) ? k->most : 1));
		if (conf_is_list(k))
			memcpy((uint8_t *)running + k->count_offset,
			       (const uint8_t *)loaded + k->count_offset, sizeof(uint32_t));
	}
}
