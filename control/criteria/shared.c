/* shared.c - sets of criteria that profiles name instead of carrying them (TS 29.228 §B.2.1) */
#include "criteria/shared.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void tell(const struct criteria_report *report, long line, const char *sentence)
{
	if (report)
		report->tell(report->ctx, line, sentence);
}

static const struct criteria *find(const struct criteria_document *sets, uint32_t id)
{
	for (uint32_t i = 0; sets && i < sets->n_profile; i++)
		if (sets->profile[i]->id == id)
			return sets->profile[i];
	return NULL;
}

void criteria_share(struct criteria *profile, const struct criteria_document *sets,
		    const struct criteria_report *report)
{
	char sentence[CRITERIA_SENTENCE_MAX];

	for (uint32_t i = 0; i < profile->n_shared; i++) {
		const struct criteria *set = find(sets, profile->shared[i]);

		if (!set) {
			snprintf(sentence, sizeof(sentence), "no shared set %u is known",
				 profile->shared[i]);
			tell(report, profile->line, sentence);
		}
		for (uint32_t k = 0; set && k < set->n; k++) {
			const char *wrong = criteria_add(profile, set->item[k]);

			if (!wrong)
				continue;
			snprintf(sentence, sizeof(sentence), "of shared set %u: %s", set->id,
				 wrong);
			tell(report, profile->line, sentence);
		}
	}
}

bool criteria_read_file(const char *path, const struct criteria_report *report,
			struct criteria_document *out)
{
	char *text = malloc(CRITERIA_XML_MAX + 1);
	FILE *f = text ? fopen(path, "re") : NULL;
	size_t len = f ? fread(text, 1, CRITERIA_XML_MAX + 1, f) : 0;
	bool good = f && !ferror(f);

	memset(out, 0, sizeof(*out));
	if (!good)
		tell(report, 0, strerror(errno));
	if (f)
		fclose(f);
	good = good && criteria_read(slice_of(text, len), report, out);
	free(text);
	if (!good || out->is_shared)
		return good;
	tell(report, 0, "SharedIFCSets are wanted");
	criteria_free(out);
	return false;
}
