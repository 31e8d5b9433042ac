/* fuzz_sh_data.c - Sh-Data as an Application Server could write it */
#include "sh/reader.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t memory[2][2 * SH_USER_DATA_MAX], xml[4 * SH_USER_DATA_MAX];
static struct sh_document first, again;

/* What was taken can be given to others, who take it for the same. */
static void compare(void)
{
	if (first.n_repositories != again.n_repositories || first.n_dsais != again.n_dsais ||
	    first.psi_active != again.psi_active)
		abort();
	for (uint32_t i = 0; i < first.n_repositories; i++)
		if (!slice_eq(first.repository[i].data, again.repository[i].data) ||
		    first.repository[i].sequence != again.repository[i].sequence ||
		    first.repository[i].has_data != again.repository[i].has_data)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text a = text_in(memory[0], sizeof(memory[0]));
	struct text b = text_in(memory[1], sizeof(memory[1]));
	struct text out = text_in(xml, sizeof(xml));

	if (sh_document_read(slice_of(data, size), &first, &a) != SH_READ_GOOD)
		return 0;
	if (!sh_document_write(&first, &out))
		abort();
	/* Escapes may make it longer than is taken. */
	if (sh_document_read(text_slice(&out), &again, &b) == SH_READ_GOOD)
		compare();
	else if (out.len <= SH_USER_DATA_MAX)
		abort();
	return 0;
}
