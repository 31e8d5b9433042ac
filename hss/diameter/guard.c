/* guard.c - what is changed in a received message before freeDiameter parses it */
#include "guard.h"
#include "diameter/diameter.h"

enum {
	MESSAGE_HEADER = 20, /* RFC 6733 §3 */
	AVP_HEADER = 8,      /* RFC 6733 §4.1; with a vendor 12 */
	AVP_HEADER_VENDOR = 12,
	FLAG_VENDOR = 0x80,
	FLAG_REQUEST = 0x80,
	CAPABILITIES_EXCHANGE = 257,
	SESSION_ID = 263,
	ORIGIN_HOST = 264,
	PROXY_INFO = 284,
	PROXY_HOST = 280,
	PROXY_STATE = 33,
	RESULT_CODE = 268,
	RESULT_CODE_LEN = 12,
	UNKNOWN = 0xff, /* four of these: a code or a vendor that no dictionary has */
	DEPTH_MAX = 8,  /* honest messages nest four deep: Failed-AVP of a digest in an
			   authentication item */
	GROUPED_MAX = 32,
	COMMANDS_MAX = 32,
};

struct grouped {
	uint32_t vendor, code;
};

/* Written before the library's threads start, read by them afterwards. Base protocol:
 * Proxy-Info, Vendor-Specific-Application-Id, Failed-AVP and Experimental-Result. */
static struct grouped grouped[GROUPED_MAX] = {{0, 284}, {0, 260}, {0, 279}, {0, 297}};
static uint32_t n_grouped = 4;
/* The same, for commands: those of the base protocol (RFC 6733 §3.1) to begin with. */
static uint32_t command[COMMANDS_MAX] = {257, 258, 271, 274, 275, 280, 282};
static uint32_t n_commands = 7;

bool diameter_grouped(uint32_t vendor, uint32_t code)
{
	if (n_grouped == GROUPED_MAX)
		return false;
	grouped[n_grouped++] = (struct grouped){vendor, code};
	return true;
}

bool diameter_command(uint32_t code)
{
	if (n_commands == COMMANDS_MAX)
		return false;
	command[n_commands++] = code;
	return true;
}

static bool is_command(uint32_t code)
{
	for (uint32_t i = 0; i < n_commands; i++)
		if (command[i] == code)
			return true;
	return false;
}

static bool is_grouped(uint32_t vendor, uint32_t code)
{
	for (uint32_t i = 0; i < n_grouped; i++)
		if (grouped[i].code == code && grouped[i].vendor == vendor)
			return true;
	return false;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t without_nul(uint8_t *p, uint32_t len)
{
	uint32_t changes = 0;

	for (uint32_t i = 0; i < len; i++) {
		if (p[i] == 0) {
			p[i] = '_';
			changes++;
		}
	}
	return changes;
}

static uint32_t padded_len(const uint8_t *p)
{
	return ((get32(p + 4) & 0xffffff) + 3) & ~3u;
}

static bool is_base_avp(const uint8_t *p, uint32_t code)
{
	return get32(p) == code && !(p[4] & FLAG_VENDOR);
}

/* Nothing but the two strings of RFC 6733 §6.7.2, each whole. */
static bool proxy_info_sound(const uint8_t *p, uint32_t len)
{
	while (len >= AVP_HEADER) {
		uint32_t avp = get32(p + 4) & 0xffffff, padded = padded_len(p);

		if (!is_base_avp(p, PROXY_HOST) && !is_base_avp(p, PROXY_STATE))
			return false;
		if (avp < AVP_HEADER || avp > len)
			return false;
		if (padded >= len)
			return true;
		p += padded;
		len -= padded;
	}
	return len == 0;
}

/* What only the AVPs of the message itself need. */
static uint32_t guard_top(uint8_t *p, uint32_t header, uint32_t len)
{
	if (is_base_avp(p, SESSION_ID))
		return without_nul(p + header, len - header);
	if (is_base_avp(p, PROXY_INFO) && !proxy_info_sound(p + header, len - header)) {
		memset(p, UNKNOWN, 4);
		return 1;
	}
	if (!(p[4] & FLAG_VENDOR))
		return 0;
	if (get32(p + 8) != 0)
		return 0;
	memset(p + 8, UNKNOWN, 4);
	return 1;
}

/* Walks one list of AVPs. False if a member is shorter than its own header. A list that ends
 * within a member is left to the library, which refuses it before it looks inside. */
static bool guard_list(uint8_t *p, uint32_t len, uint32_t depth, uint32_t *changes)
{
	while (len >= AVP_HEADER) {
		bool vendor_bit = p[4] & FLAG_VENDOR;
		uint32_t header = vendor_bit ? AVP_HEADER_VENDOR : AVP_HEADER;
		uint32_t avp = get32(p + 4) & 0xffffff;

		if (len < header)
			return true;
		if (avp < header)
			return false;
		if (avp > len)
			return true;
		if (depth == 0)
			*changes += guard_top(p, header, avp);
		if (is_grouped(vendor_bit ? get32(p + 8) : 0, get32(p)) &&
		    (depth == DEPTH_MAX ||
		     !guard_list(p + header, avp - header, depth + 1, changes))) {
			memset(p, UNKNOWN, 4);
			(*changes)++;
		}
		uint32_t padded = (avp + 3) & ~3u;

		if (padded >= len)
			return true;
		p += padded;
		len -= padded;
	}
	return true;
}

/* guard_list has found no member shorter than its header, but for a last one that is not whole.
 */
static uint32_t guard_result(uint8_t *p, uint32_t len)
{
	uint32_t changes = 0;
	uint8_t *front = p;

	if (len > AVP_HEADER && is_base_avp(p, SESSION_ID) && padded_len(p) < len)
		front += padded_len(p);
	while (len >= AVP_HEADER) {
		uint32_t padded = padded_len(p);

		if (is_base_avp(p, RESULT_CODE)) {
			if (padded == RESULT_CODE_LEN && p[7] == RESULT_CODE_LEN &&
			    padded <= len) {
				uint8_t found[RESULT_CODE_LEN];

				memcpy(found, p, sizeof(found));
				memmove(front + sizeof(found), front, (size_t)(p - front));
				memcpy(front, found, sizeof(found));
				return changes;
			}
			memset(p, UNKNOWN, 4);
			changes++;
		}
		if (padded < AVP_HEADER || padded >= len)
			break;
		p += padded;
		len -= padded;
	}
	return changes;
}

uint32_t diameter_guard(uint8_t *octets, uint32_t len)
{
	uint32_t changes = 0, code;
	bool sound;

	if (len < MESSAGE_HEADER)
		return 0;
	code = get32(octets + 4) & 0xffffff;
	sound = guard_list(octets + MESSAGE_HEADER, len - MESSAGE_HEADER, 0, &changes);
	if (sound && !(octets[4] & FLAG_REQUEST)) {
		changes += guard_result(octets + MESSAGE_HEADER, len - MESSAGE_HEADER);
		sound = is_command(code);
	}
	if (!sound) {
		octets[0] = 0;
		changes++;
	}
	return changes;
}

bool guard_stranger(const uint8_t *octets, uint32_t len, bool (*known)(struct slice identity))
{
	bool named = false;

	if (len < MESSAGE_HEADER || !(octets[4] & FLAG_REQUEST) ||
	    (get32(octets + 4) & 0xffffff) != CAPABILITIES_EXCHANGE)
		return false;
	octets += MESSAGE_HEADER;
	len -= MESSAGE_HEADER;
	while (len >= AVP_HEADER) {
		uint32_t avp = get32(octets + 4) & 0xffffff, padded = padded_len(octets);

		if (avp < AVP_HEADER || avp > len)
			return true;
		if (is_base_avp(octets, ORIGIN_HOST)) {
			if (!known(slice_of(octets + AVP_HEADER, avp - AVP_HEADER)))
				return true;
			named = true;
		}
		if (padded >= len)
			break;
		octets += padded;
		len -= padded;
	}
	return !named;
}
