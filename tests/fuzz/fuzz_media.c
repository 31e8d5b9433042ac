/* fuzz_media.c - an offer and its answer, parted by an octet 0 */
#include <stdlib.h>
#include <string.h>

#include "media/component.h"
#include "media/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sdp offer, answer;
static struct media media;
static const struct media_profile profile = {
	.n_codec = 2, .codec = {"AMR", "PCMU"}, .streams = 2, .bandwidth = 64000};

/* What stands in place of an offer can be read, and has what is allowed. */
static void stand_in(void)
{
	static uint8_t memory[65536 + 1024];
	static struct sdp instead;
	struct text t = text_in(memory, sizeof(memory));

	media_profile_put(&profile, &offer, &t);
	if (t.overflow || sdp_read(text_slice(&t), &instead) || instead.n != offer.n ||
	    media_profile_check(&profile, &instead))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = memchr(data, 0, size);
	size_t first = zero ? (size_t)(zero - data) : size;
	bool answered;

	if (size > 16384 || sdp_read(slice_of(data, first), &offer))
		return 0;
	stand_in();
	answered = zero && !sdp_read(slice_of(zero + 1, size - first - 1), &answer) &&
		   !sdp_fits(&offer, &answer);
	media_of(&offer, answered ? &answer : NULL, size & 1, &media);
	for (uint32_t i = 0; i < media.n; i++)
		if (media.component[i].n_flow > MEDIA_FLOWS_MAX ||
		    (media.component[i].status == MEDIA_REMOVED) !=
			    (media.component[i].n_flow == 0))
			abort();
	return 0;
}
