/* triggers.c - would an S-CSCF take these filter criteria whole? */
#include "hss/triggers.h"

#include <stdio.h>
#include <stdlib.h>

#include "criteria/compile.h"

struct first_error {
	char *error;
	bool any;
};

static void keep_first(void *ctx, long line, const char *sentence)
{
	struct first_error *f = ctx;

	if (!f->any && line > 0)
		snprintf(f->error, TRIGGERS_ERROR_MAX, "line %ld: %.200s", line, sentence);
	else if (!f->any)
		snprintf(f->error, TRIGGERS_ERROR_MAX, "%.200s", sentence);
	f->any = true;
}

bool triggers_check(struct slice xml, char error[TRIGGERS_ERROR_MAX])
{
	struct first_error first = {.error = error};
	struct criteria_report report = {keep_first, &first};
	struct criteria_compiled *compiled = malloc(sizeof(*compiled));
	struct criteria_document d;

	if (!compiled) {
		snprintf(error, TRIGGERS_ERROR_MAX, "no memory");
		return false;
	}
	if (criteria_read(xml, &report, &d)) {
		for (uint32_t i = 0; i < d.n_profile; i++)
			if (!criteria_compile(d.profile[i], &report, compiled))
				keep_first(&first, 0, "no memory");
		criteria_free(&d);
	}
	free(compiled);
	return !first.any;
}
