/* command.h - what sakerctl can ask of the HSS
 *
 * The words of the socket RUNTIME_DIR/hss.sock (base/admin.h); `sub ...` is in provision.h. A
 * list is answered as
 * {"rows":[...]}. One thread, that of the provisioning store.
 */
#pragma once

#include "base/admin.h"
#include "hss/metrics.h"
#include "hss/provision.h"

struct command {
	struct provision *provision;
	struct metrics *metrics;
	uint64_t start_ms; /* monotonic */
};

/* An admin_handler; ctx is a struct command. */
void command_run(void *ctx, const struct admin_request *request, struct json *out);
