/* command.h - what sakerctl can ask of control
 *
 * The socket RUNTIME_DIR/control.sock (base/admin.h). A list is answered as {"rows":[...]},
 * with a "note" where it was cut. Loop thread only.
 */
#pragma once

#include "control/series.h"

struct ev_loop;
struct commands;

struct command_parts {
	struct control *control;
	struct capture *capture;
	const struct series_sources *series;
};

/* parts are copied, what they point to is lent. NULL with a sentence in error (256 octets). */
struct commands *commands_open(struct ev_loop *loop, const char *runtime_dir,
			       const struct command_parts *parts, char *error);
void commands_close(struct commands *c);
