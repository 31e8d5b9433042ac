/* page.h - GET /metrics over HTTP, for Prometheus
 *
 * Of control and of the HSS, which each write a page of their own. libmicrohttpd does the
 * talking; a slow or silent client is cut after some seconds and holds nobody up. One thread.
 */
#pragma once

#include "base/addr.h"
#include "base/json.h"

struct page;

/* write: the page as raw text, made from the live numbers when it is asked for; ctx is lent.
 * listen.port 0: nothing listens, and the return is a page that does nothing. NULL with a
 * sentence in error (256 octets). */
struct page *page_open(const struct addr *listen, void (*write)(void *ctx, struct json *out),
		       void *ctx, char *error);
/* NULL is allowed. */
void page_close(struct page *p);
/* A descriptor to poll for reading, -1 if nothing listens; page_run does what there is to do
 * without waiting, and is called about every second besides, to cut slow clients. */
int page_fd(const struct page *p);
void page_run(struct page *p);
