/* ways.h - what an operator sees of the DNS and of the ways out of the network: sakerctl dns
 * ... and sakerctl route ...
 *
 * Loop thread only.
 */
#pragma once

struct json;
struct outbound;
struct ways;

/* Borrows o, which lives longer. NULL: no memory. */
struct ways *ways_open(struct outbound *o);
void ways_close(struct ways *w);

/* Each writes one answer; words are those behind the command's own. */
void ways_dns_show(struct ways *w, int n, const char *const *word, struct json *out);
/* NAME [TYPE]: begins the question, says "asked" until it is answered, and then what came. */
void ways_dns_query(struct ways *w, int n, const char *const *word, struct json *out);
void ways_dns_flush(struct ways *w, int n, const char *const *word, struct json *out);
void ways_route_show(struct ways *w, int n, const char *const *word, struct json *out);
void ways_route_flush(struct ways *w, int n, const char *const *word, struct json *out);
