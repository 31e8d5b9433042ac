/* fuzz_sec_agree.c - Security-Client and Security-Verify as a terminal could write them */
#include "control/sec_agree.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sec_policy policy = {.n = 3,
					 .pair = {{ABI_SA_INTEGRITY_NONE, ABI_SA_AES_GCM},
						  {ABI_SA_HMAC_SHA_1_96, ABI_SA_AES_CBC},
						  {ABI_SA_HMAC_MD5_96, ABI_SA_NULL}}};

/* What was chosen could be installed. */
static void choose(struct slice list, enum sec_mode mode)
{
	struct sec_choice c;
	const char *wrong;

	switch (sec_agree_choose(list, &policy, mode, &c, &wrong)) {
	case SEC_OK:
		if (wrong || c.spi_uc == c.spi_us || c.spi_uc < ABI_SA_SPI_MIN ||
		    c.spi_us < ABI_SA_SPI_MIN || c.port_uc == c.port_us || !c.port_uc ||
		    !c.port_us || !sec_agree_same(list, list))
			abort();
		break;
	case SEC_MALFORMED:
		if (!wrong)
			abort();
		break;
	case SEC_NOTHING_IN_COMMON:
		if (wrong)
			abort();
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (size > SEC_TEXT_MAX)
		return 0;
	/* Memory of exactly this size: the sanitizer sees a read behind it. */
	copy = malloc(size ? size : 1);
	if (size)
		memcpy(copy, data, size);
	choose(slice_of(copy, size), SEC_MODE_TRANSPORT);
	choose(slice_of(copy, size), SEC_MODE_UDP_TUNNEL);
	free(copy);
	return 0;
}
