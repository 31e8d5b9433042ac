/* sh_decide.h - what udr.c, pur.c, snr.c and pnr.c share
 *
 * A decision is a list of steps in the order of its clause. A step gives 0 to go on, or the
 * result to answer.
 */
#pragma once

#include "hss/sh.h"

int sh_begin(struct sh *h, enum store_lock lock);
/* Commits a success and takes back anything else; the result to answer. */
int sh_end(struct sh *h, int result);
int sh_store(enum store_result r);

/* Step 1 of all: the server may do this with every reference; else `refused`. */
int sh_permitted(struct sh *h, struct slice host, const uint32_t *reference, uint32_t n,
		 enum store_operation operation, int refused);
/* Step 2: finds the subject. */
int sh_find_subject(struct sh *h, const struct sh_user *user);
/* Step 3: whether such an identity has such data (Table 7.6.1). */
int sh_applicable(const struct sh *h, const uint32_t *reference, uint32_t n,
		  enum store_operation operation);
/* One item for each of the lists of a request. */
int sh_expand(const struct sh_what *what, struct sh_item item[SH_ITEMS_MAX], uint32_t *n);
/* Adds it to h->document. SH_SUBS_DATA_ABSENT: there is none; nothing was added. */
int sh_collect(struct sh *h, const struct sh_item *item);
/* Empties h->document and the memory it points into. */
void sh_clear(struct sh *h);
/* h->document as XML, in h->user_data; empty if there is nothing in it. */
int sh_write(struct sh *h, struct slice *out);
/* What a server is told of one item, in h->user_data, and what tells it from anything else:
 * deleted data is told too. */
int sh_tell(struct sh *h, const struct sh_item *item, struct slice *user_data, int64_t *digest);
/* The same, behind what is in h->memory; h->document is empty. */
int sh_tell_more(struct sh *h, const struct sh_item *item, struct slice *user_data,
		 int64_t *digest);
