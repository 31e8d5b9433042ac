/* repair.c - functions of freeDiameter 1.2.1 that are replaced
 *
 * BUGS. The library's routing threads end, and the whole library with them, when fd_out_send
 * returns an error; and it returns one for an answer to a peer whose connection has closed
 * since the request came in. So a peer that asks and hangs up stops a server. The library calls
 * this function through its procedure linkage table, so a function of the same name in the
 * program takes its place. Where a later version no longer exports it, repair_init says so, and
 * the start is refused rather than left unprotected.
 */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "repair.h"

#include <dlfcn.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

struct cnxctx;
typedef int out_send(struct msg **m, struct cnxctx *connection, struct peer_hdr *peer,
		     int counted);

/* Called by libfdcore only. */
out_send fd_out_send;

static out_send *original;

bool repair_init(void)
{
	original = (out_send *)dlsym(RTLD_NEXT, "fd_out_send");
	/* Of two definitions ours must be the one that counts. */
	return original && dlsym(RTLD_DEFAULT, "fd_out_send") == (void *)fd_out_send;
}

/* A request goes back to the router, which looks for another peer; an answer has nowhere else
 * to go. */
int fd_out_send(struct msg **m, struct cnxctx *connection, struct peer_hdr *peer, int counted)
{
	int error = original(m, connection, peer, counted);
	struct msg_hdr *h;

	if (!error || !m || !*m || fd_msg_hdr(*m, &h) != 0 || h->msg_flags & CMD_FLAG_REQUEST)
		return error;
	fd_msg_free(*m);
	*m = NULL;
	return 0;
}
