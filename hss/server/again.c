/* again.c - what an S-CSCF did not take, to be sent once more */
#include "hss/again.h"

#include <pthread.h>
#include <stdlib.h>

struct waiting {
	struct again_item item;
	uint64_t due_ms;
};

struct again {
	pthread_mutex_t lock;
	uint32_t n;
	struct waiting waiting[AGAIN_MAX];
};

struct again *again_new(void)
{
	struct again *a = calloc(1, sizeof(*a));

	if (a && pthread_mutex_init(&a->lock, NULL) == 0)
		return a;
	free(a);
	return NULL;
}

void again_free(struct again *a)
{
	if (!a)
		return;
	for (uint32_t i = 0; i < a->n; i++)
		free(a->waiting[i].item.rtr);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

bool again_put(struct again *a, const struct again_item *item, uint64_t now_ms)
{
	bool room = false;

	if (item->tries < AGAIN_TRIES) {
		pthread_mutex_lock(&a->lock);
		room = a->n < AGAIN_MAX;
		if (room)
			a->waiting[a->n++] = (struct waiting){
				*item, now_ms + ((uint64_t)AGAIN_FIRST_MS << item->tries)};
		pthread_mutex_unlock(&a->lock);
	}
	if (!room)
		free(item->rtr);
	return room;
}

bool again_take(struct again *a, uint64_t now_ms, struct again_item *out)
{
	bool found = false;

	pthread_mutex_lock(&a->lock);
	for (uint32_t i = 0; i < a->n && !found; i++) {
		if (a->waiting[i].due_ms > now_ms)
			continue;
		*out = a->waiting[i].item;
		a->waiting[i] = a->waiting[--a->n];
		found = true;
	}
	pthread_mutex_unlock(&a->lock);
	return found;
}

bool again_empty(struct again *a)
{
	bool empty;

	pthread_mutex_lock(&a->lock);
	empty = a->n == 0;
	pthread_mutex_unlock(&a->lock);
	return empty;
}
