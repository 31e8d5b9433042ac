/* fuzz_channel.c - what control could write into the shared rings: install records and messages
 */
#include "abi/install.h"
#include "abi/message.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All octets that a slice claims, read: AddressSanitizer sees those outside. */
static uint32_t touch(struct slice s)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < s.len; i++)
		sum += s.p[i];
	return sum;
}

/* What was decoded can be encoded, and then decodes to the same octets. */
static void install_try(struct slice record)
{
	static struct abi_install_view v, again;
	static uint8_t out[RING_RECORD_MAX], twice[RING_RECORD_MAX];

	if (abi_install_decode(record, &v))
		return;
	if (v.type == INSTALL_REGISTRATION) {
		uint32_t sum = touch(v.registration.service_route);

		for (uint32_t i = 0; i < v.registration.n_impu; i++)
			sum += touch(v.registration.impu[i].impu);
		for (uint32_t i = 0; i < v.registration.n_contact; i++)
			sum += touch(v.registration.contact[i].uri) +
			       touch(v.registration.contact[i].path);
		if (sum == 0)
			abort(); /* one identity at least, and no text of NULs */
	}

	uint32_t len = abi_install_encode(&v, out, sizeof(out));
	if (len == 0 || abi_install_decode(slice_of(out, len), &again))
		abort();
	if (abi_install_encode(&again, twice, sizeof(twice)) != len ||
	    memcmp(out, twice, len) != 0)
		abort();
}

static void messages_try(const uint8_t *record, uint32_t len)
{
	if (!abi_punt_check(record, len)) {
		const struct abi_punt *p = (const struct abi_punt *)record;

		touch(slice_of(p->data, p->len));
	}
	if (!abi_inject_check(record, len)) {
		const struct abi_inject *i = (const struct abi_inject *)record;

		touch(slice_of(i->data, (size_t)i->len + i->route_len));
	}
	if (!abi_capture_check(record, len)) {
		const struct abi_capture *c = (const struct abi_capture *)record;

		touch(slice_of(c->data, c->len));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > RING_RECORD_MAX)
		return 0;
	/* Memory of exactly this size and aligned, as the consumers' copy is. */
	uint8_t *record = malloc(size ? size : 1);
	if (size)
		memcpy(record, data, size);
	install_try(slice_of(record, size));
	messages_try(record, (uint32_t)size);
	free(record);
	return 0;
}
