/* chars.c - the character sets of RFC 3261 §25.1 */
#include "sip/chars.h"

#define TOKEN  SIP_C_TOKEN
#define USER   SIP_C_USER
#define HOST   SIP_C_HOST
#define PARAM  SIP_C_PARAM
#define URI    SIP_C_URI
#define DIGITS SIP_C_DIGITS
#define PHRASE SIP_C_PHRASE
#define BARE   SIP_C_BARE

enum {
	ALPHA = TOKEN | USER | HOST | PARAM | URI | PHRASE | BARE,
	WORD = TOKEN | USER | PARAM | URI | PHRASE,
};

const uint8_t sip_chars[256] = {
	['a' ... 'z'] = ALPHA,
	['A' ... 'Z'] = ALPHA,
	['0' ... '9'] = ALPHA | DIGITS,
	['-'] = ALPHA | DIGITS,
	['.'] = ALPHA | DIGITS,
	['_'] = ALPHA,
	['!'] = WORD | BARE,
	['*'] = WORD | BARE,
	['\''] = WORD | BARE,
	['~'] = WORD | BARE,
	/* Not a user character by itself: uri.c takes escapes whole. */
	['%'] = TOKEN | PARAM | URI | PHRASE,
	['+'] = WORD | DIGITS,
	['`'] = TOKEN | PARAM | URI | PHRASE,
	['('] = USER | PARAM | URI | DIGITS | BARE,
	[')'] = USER | PARAM | URI | DIGITS | BARE,
	['&'] = USER | PARAM | URI,
	['='] = USER | PARAM | URI,
	['$'] = USER | PARAM | URI,
	['/'] = USER | PARAM | URI,
	['#'] = USER | PARAM | URI,
	['?'] = USER | PARAM | URI,
	[';'] = USER | URI,
	[','] = USER | URI,
	[':'] = PARAM | URI,
	['@'] = PARAM | URI,
	['['] = PARAM | URI,
	[']'] = PARAM | URI,
	['{'] = PARAM | URI,
	['}'] = PARAM | URI,
	['|'] = PARAM | URI,
	['^'] = PARAM | URI,
	['\\'] = PARAM | URI,
	[' '] = PHRASE,
	['\t'] = PHRASE,
	['\r'] = PHRASE,
	['\n'] = PHRASE,
	[128 ... 255] = PHRASE,
};
