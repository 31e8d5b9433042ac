/* overload.c - what a worker lets go when more comes than it can carry */
#include "worker/overload.h"

/* Up where nearly every turn was full, down where fewer than half were; in between the worker
 * is as busy as it can be without falling behind. */
void overload_note(struct overload *o, bool full)
{
	o->turns++;
	o->full += full;
	if (o->turns < OVERLOAD_WINDOW)
		return;
	if (o->full * 8 >= OVERLOAD_WINDOW * 7 && o->level < OVERLOAD_LEVEL_MAX)
		o->level++;
	else if (o->full * 2 < OVERLOAD_WINDOW && o->level > 0)
		o->level--;
	o->turns = o->full = 0;
}

/* By its first octets alone; a request inside a dialog with one of these methods is sent again.
 */
static bool begins_work(struct slice message)
{
	static const struct slice method[] = {SLICE("INVITE "),   SLICE("MESSAGE "),
					      SLICE("REGISTER "), SLICE("SUBSCRIBE "),
					      SLICE("PUBLISH "),  SLICE("OPTIONS ")};

	for (uint32_t i = 0; i < sizeof(method) / sizeof(method[0]); i++)
		if (slice_starts(message, method[i]))
			return true;
	return false;
}

bool overload_drops(struct overload *o, struct slice message)
{
	uint32_t share = o->level > OVERLOAD_SHARES ? (uint32_t)o->level - OVERLOAD_SHARES : 0;

	if (share == 0 || !begins_work(message))
		return false;
	/* Multiples of an odd number go through all sixteenths, in a scattered order. */
	return (++o->sequence * 7) % OVERLOAD_SHARES < share;
}
