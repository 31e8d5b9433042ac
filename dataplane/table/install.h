/* install.h - the install ring, seen from the management thread: tables in, acks out */
#pragma once

#include "abi/region.h"
#include "table/registration.h"

struct install {
	struct tables *tables;
	struct ring in;  /* consumer of the install ring */
	struct ring out; /* producer of the ack ring */
	uint64_t installs, errors;
	/* Takes what is about security associations, and the two ends of a synchronisation;
	 * NULL: nobody does. enum abi_install_status. */
	int (*sa)(void *context, const struct abi_install_view *v);
	void *sa_context;
};

/* Management thread, registered with urcu-qsbr. Works off up to `most` records; the number
 * done. Stops early when the ack ring is full (control is gone or slow), so that no answer is
 * lost. *wake is set if control sleeps (the caller writes the eventfd), else cleared. When
 * fewer than `most` were there, it waits for a grace period and frees what they replaced. */
uint32_t install_poll(struct install *in, uint32_t most, bool *wake);
