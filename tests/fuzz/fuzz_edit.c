/* fuzz_edit.c - parse, edit as the data says, emit both ways, parse again
 *
 * The first octets steer the edits, the message is behind them.
 */
#include <stdlib.h>

#include "sip/emit.h"
#include "sip/parse.h"
#include "support.h"

enum { STEER = 40, HEADROOM = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Five octets an edit: what, where (2), how much to delete, how much to insert. */
static void steer_edits(const uint8_t *data, const struct sip_msg *msg, struct sip_edits *e)
{
	sip_edits_reset(e);
	for (uint32_t i = 0; i + 5 <= STEER; i += 5) {
		uint32_t at = (data[i + 1] << 8 | data[i + 2]) % (msg->raw.len + 1);
		uint32_t from = e->arena.len;
		struct slice text;

		for (uint32_t k = 0; k < data[i + 4]; k++)
			text_char(&e->arena, "X: y\r\n"[k % 6]);
		text = text_since(&e->arena, from);
		switch (data[i] % 5) {
		case 0:
			sip_edit_push(e, msg, text);
			break;
		case 1:
			if (msg->n_headers)
				sip_edit_delete_header(e, &msg->header[at % msg->n_headers]);
			break;
		case 2:
			sip_edit_replace(e, at, data[i + 3], text);
			break;
		case 3:
			sip_edit_replace(e, at, data[i + 3],
					 slice_sub(msg->raw, data[i + 4], data[i + 3]));
			break;
		default:
			if (msg->n_headers)
				sip_edit_replace_slice(
					e, msg,
					sip_value(msg, &msg->header[at % msg->n_headers]),
					text);
			break;
		}
		e->overflow = false;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sip_edits edits;
	struct sip_msg msg, again;
	uint8_t *memory, *copy, *moved;
	uint32_t len = 0, n;

	if (size < STEER || size - STEER > SIP_MESSAGE_MAX)
		return 0;
	n = (uint32_t)size - STEER;
	memory = malloc(HEADROOM + n);
	copy = malloc(2 * SIP_MESSAGE_MAX);
	memcpy(memory + HEADROOM, data + STEER, n);
	sip_parse(slice_of(memory + HEADROOM, n), &msg);
	steer_edits(data, &msg, &edits);
	n = sip_emit_copy(&msg, &edits, copy);
	check(n == sip_emit_length(&msg, &edits));
	moved = sip_emit_in_place(&msg, &edits, HEADROOM, &len);
	check((moved != NULL) == (n > 0 && n <= msg.raw.len + HEADROOM));
	if (moved) {
		check(len == n && memcmp(moved, copy, n) == 0);
		sip_parse(slice_of(moved, len), &again);
		assert_sound(&again, slice_of(moved, len));
		look_at_everything(&again);
	}
	free(memory);
	free(copy);
	return 0;
}
