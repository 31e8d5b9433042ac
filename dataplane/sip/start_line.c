/* start_line.c - Request-Line and Status-Line (RFC 3261 §7.1, §7.2) */
#include "sip/chars.h"
#include "sip/start_line.h"

enum { VERSION_LEN = 7 /* "SIP/2.0" */, STATUS_LEN = 3 };

/* As nearly all write it, or in another case. */
static bool is_version_2(struct slice s)
{
	return s.len == VERSION_LEN && (memcmp(s.p, "SIP/2.0", VERSION_LEN) == 0 ||
					slice_eq_nocase(s, SLICE("SIP/2.0")));
}

/* Four octets that must be those of `text`, but for the case of its three letters. */
static bool starts_nocase(struct slice s, const char text[5])
{
	uint32_t have, want;

	if (s.len < sizeof(have))
		return false;
	memcpy(&have, s.p, sizeof(have));
	memcpy(&want, text, sizeof(want));
	return (have | 0x202020) == (want | 0x202020);
}

/* "SIP/" 1*DIGIT "." 1*DIGIT: a version, if not ours. */
static bool is_version(struct slice s)
{
	uint32_t dot = slice_find(s, '.');
	uint64_t any;

	return dot > 4 && slice_eq_nocase(slice_sub(s, 0, 4), SLICE("SIP/")) &&
	       slice_u64(slice_sub(s, 4, dot - 4), UINT64_MAX, &any) &&
	       slice_u64(slice_from(s, dot + 1), UINT64_MAX, &any);
}

/* Headers may not be in a Request-URI (RFC 3261 §19.1.1); a '?' before the '@' is part of the
 * user. */
static bool has_headers(struct slice behind)
{
	uint32_t mark = slice_find(behind, '?');

	return mark < behind.len &&
	       slice_find(slice_from(behind, mark), '@') == behind.len - mark;
}

/* sip, sips, tel or urn. The scheme's own syntax is uri.c's affair. */
static enum sip_error check_scheme(struct slice uri)
{
	uint32_t colon = slice_find(uri, ':');
	struct slice scheme = slice_sub(uri, 0, colon), behind = slice_from(uri, colon + 1);

	if (behind.len == 0 || !ascii_is_alpha(uri.p[0]) || !sip_is_token(scheme))
		return SIP_E_URI;
	if (slice_eq_nocase(scheme, SLICE("sip")) || slice_eq_nocase(scheme, SLICE("sips")))
		return has_headers(behind) ? SIP_E_URI : SIP_OK;
	return slice_eq_nocase(scheme, SLICE("tel")) || slice_eq_nocase(scheme, SLICE("urn"))
		       ? SIP_OK
		       : SIP_E_SCHEME;
}

static enum sip_error check_uri(struct slice uri)
{
	if (uri.len == 0)
		return SIP_E_START_LINE;
	if (uri.len > SIP_URI_MAX)
		return SIP_E_URI_TOO_LONG;
	if (!sip_all_uri(uri)) {
		bool space = slice_find(uri, ' ') < uri.len || slice_find(uri, '\t') < uri.len;

		return space ? SIP_E_START_LINE : SIP_E_URI;
	}
	if (uri.len > 4 && starts_nocase(uri, "sip:"))
		return has_headers(slice_from(uri, 4)) ? SIP_E_URI : SIP_OK;
	return check_scheme(uri);
}

/* The line does not end in our version: what is it then? `uri` is all behind the method, and
 * comes back without the version. */
static enum sip_error why_no_version(struct slice line, struct slice *uri)
{
	uint32_t end = line.len, word, from = (uint32_t)(uri->p - line.p);
	struct slice version;

	while (end > 0 && ascii_is_space(line.p[end - 1]))
		end--;
	for (word = end; word > 0 && !ascii_is_space(line.p[word - 1]);)
		word--;
	version = slice_sub(line, word, end - word);
	if (!slice_eq_nocase(slice_sub(version, 0, 4), SLICE("SIP/")))
		return SIP_E_NOT_SIP;
	if (end != line.len || word < from || !is_version(version) || is_version_2(version))
		return SIP_E_START_LINE;
	*uri = slice_trim(slice_sub(line, from, word - from));
	return SIP_E_VERSION;
}

static enum sip_error request_line(struct slice line, struct sip_msg *msg)
{
	uint32_t space = slice_find(line, ' ');
	struct slice name = slice_sub(line, 0, space), uri = slice_from(line, space + 1);
	struct slice version = slice_from(line, line.len - VERSION_LEN);
	enum sip_error e = SIP_OK;

	/* " SIP/2.0" may not reach into the method. */
	if (line.len < space + 1 + 1 + VERSION_LEN || !is_version_2(version) ||
	    version.p[-1] != ' ') {
		e = why_no_version(line, &uri);
		if (e == SIP_E_NOT_SIP)
			return e;
	} else {
		uri.len -= 1 + VERSION_LEN;
	}
	msg->method = (uint8_t)sip_method_id(name);
	if (msg->method == SIP_M_OTHER && (name.len > SIP_TOKEN_MAX || !sip_is_token(name)))
		return SIP_E_METHOD;
	msg->method_name = name;
	if (e != SIP_OK && e != SIP_E_VERSION)
		return e;
	msg->uri = uri;
	return e == SIP_OK ? check_uri(uri) : e;
}

/* The space behind the code may be left out together with an empty Reason-Phrase. */
static enum sip_error status_line(struct slice line, struct sip_msg *msg)
{
	struct slice code = slice_sub(line, VERSION_LEN + 1, STATUS_LEN);
	struct slice behind = slice_from(line, VERSION_LEN + 1 + STATUS_LEN);
	uint64_t status;

	if (!is_version_2(slice_sub(line, 0, VERSION_LEN)) || line.len <= VERSION_LEN ||
	    line.p[VERSION_LEN] != ' ')
		return SIP_E_NOT_SIP;
	if (code.len != STATUS_LEN || !slice_u64(code, 699, &status) || status < 100)
		return SIP_E_STATUS;
	if (behind.len && behind.p[0] != ' ')
		return SIP_E_STATUS;
	msg->status = (uint16_t)status;
	msg->reason = slice_from(behind, 1);
	return SIP_OK;
}

enum sip_error sip_start_line(struct slice line, struct sip_msg *msg)
{
	/* No method has a '/' in it, so this cannot be a request. */
	if (starts_nocase(line, "SIP/"))
		return status_line(line, msg);
	return request_line(line, msg);
}
