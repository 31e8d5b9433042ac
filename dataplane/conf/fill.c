/* fill.c - the defaults of the keys that were not given */
#include "conf/load.h"
#include "conf/value.h"

/* "sip:pcscf.{realm}" with the value of realm in its place. */
static bool expand(const struct conf *c, struct slice template, struct text *out)
{
	while (template.len) {
		uint32_t open = slice_find(template, '{');

		text_put(out, slice_sub(template, 0, open));
		template = slice_from(template, open);
		if (template.len == 0)
			break;
		uint32_t end = slice_find(template, '}');
		const struct conf_key *k = conf_key_find(
			OWNER_CONF, slice_between(template.p + 1, template.p + end));
		if (!k)
			return false;
		conf_value_put(k, conf_at(k, c, 0), out);
		template = slice_from(template, end + 1);
	}
	return !out->overflow;
}

/* A default may be a list: "pcscf, icscf, scscf". */
static bool set_all(const struct conf_key *k, void *owner, struct slice text)
{
	uint32_t i = 0;

	while (text.len) {
		struct slice one = slice_sub(text, 0, slice_find(text, ','));

		if (!conf_value_set(k, (uint8_t *)owner + k->offset + (size_t)i * k->size,
				    slice_trim(one)))
			return false;
		text = slice_from(text, one.len + 1);
		if (conf_is_list(k)) {
			i++;
			memcpy((uint8_t *)owner + k->count_offset, &i, sizeof(i));
		}
	}
	return true;
}

static bool fill_key(struct conf_load *l, const struct conf_key *k, void *owner)
{
	char memory[CONF_PATH_MAX + CONF_NAME_MAX];
	struct text value = text_in(memory, sizeof(memory));

	if (expand(l->c, slice_str(k->text), &value) && set_all(k, owner, text_slice(&value)))
		return true;
	return conf_fail(l, 1, "'%s' has to be given: its default %s becomes too long", k->name,
			 k->text);
}

static bool fill_entries(struct conf_load *l, const struct conf_key *list)
{
	for (uint32_t n = 0; n < conf_count(list, l->c); n++) {
		void *entry = (uint8_t *)l->c + list->offset + (size_t)n * list->size;

		for (uint32_t i = 0; i < CONF_KEYS; i++) {
			const struct conf_key *k = &conf_schema[i];

			if (k->owner == conf_items(list->kind) &&
			    k->presence == PRESENCE_DEFAULT && !l->line[i][n] &&
			    !fill_key(l, k, entry))
				return false;
		}
	}
	return true;
}

bool conf_fill(struct conf_load *l)
{
	/* Those that stand for themselves first: the others are made of them. */
	for (int derived = false; derived <= true; derived++) {
		for (uint32_t i = 0; i < CONF_KEYS; i++) {
			const struct conf_key *k = &conf_schema[i];
			bool is_derived = k->text && strchr(k->text, '{');

			if (k->owner != OWNER_CONF)
				continue;
			if (conf_items(k->kind)) {
				if (!derived && !fill_entries(l, k))
					return false;
				continue;
			}
			if (k->presence == PRESENCE_DEFAULT && !l->line[i][0] &&
			    is_derived == derived && !fill_key(l, k, l->c))
				return false;
		}
	}
	return true;
}
