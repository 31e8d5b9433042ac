/* conf.c - loads saker.yaml: read, fill in, check */
#include "conf/conf.h"

#include "conf/load.h"
#include "conf/value.h"

#include <stdio.h>
#include <stdlib.h>

/* From calloc, so that two equal configurations are equal octets: conf_diff. */
static struct conf_load *load_begin(const char *file, char *error)
{
	struct conf_load *l = calloc(1, sizeof(*l));
	struct conf *c = calloc(1, sizeof(*c));

	if (l && c) {
		l->c = c;
		l->file = file;
		l->error = error;
		return l;
	}
	snprintf(error, CONF_ERROR_MAX, "%.200s: out of memory", file);
	free(l);
	free(c);
	return NULL;
}

static struct conf *load_end(struct conf_load *l, bool ok)
{
	struct conf *c = l->c;

	free(l);
	if (ok)
		return c;
	conf_free(c);
	return NULL;
}

static bool load(struct conf_load *l)
{
	if (strlen(l->file) >= sizeof(l->c->file)) {
		snprintf(l->error, CONF_ERROR_MAX, "%.60s...: the path is too long", l->file);
		return false;
	}
	memcpy(l->c->file, l->file, strlen(l->file));
	return conf_read(l) && conf_fill(l) && conf_check(l);
}

struct conf *conf_load(const char *file, char error[CONF_ERROR_MAX])
{
	struct conf_load *l = load_begin(file, error);

	return l ? load_end(l, load(l)) : NULL;
}

struct conf *conf_defaults(void)
{
	char error[CONF_ERROR_MAX];
	struct conf_load *l = load_begin("", error);

	for (uint32_t i = 0; l && i < CONF_KEYS; i++) {
		const struct conf_key *k = &conf_schema[i];

		if (k->owner == OWNER_CONF && k->presence == PRESENCE_REQUIRED)
			conf_value_set(k, (uint8_t *)l->c + k->offset, slice_str(k->text));
	}
	return l ? load_end(l, conf_fill(l)) : NULL;
}

void conf_free(struct conf *c)
{
	free(c);
}
