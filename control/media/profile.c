/* profile.c - what media a session may have */
#include "media/profile.h"

#include "ifc/description.h"

/* What is no media of a codec by name, such as telephone events beside one, or MSRP's "*", is
 * not measured by codecs. */
static bool codec_allowed(const struct media_profile *p, const struct sdp_format *f)
{
	if (p->n_codec == 0 || f->codec.len == 0 ||
	    slice_eq_nocase(f->codec, SLICE("telephone-event")))
		return true;
	for (uint32_t i = 0; i < p->n_codec; i++)
		if (slice_eq_nocase(f->codec, slice_str(p->codec[i])))
			return true;
	return false;
}

static bool is_codec(const struct sdp_format *f)
{
	return f->codec.len && !slice_eq_nocase(f->codec, SLICE("telephone-event"));
}

static bool too_wide(const struct media_profile *p, const struct sdp_media *m)
{
	return p->bandwidth &&
	       ((m->bandwidth.as != SDP_UNSAID && m->bandwidth.as > p->bandwidth) ||
		(m->bandwidth.tias != SDP_UNSAID && m->bandwidth.tias > p->bandwidth));
}

/* Some codec of a section that has any. */
static bool has_codec(const struct media_profile *p, const struct sdp_media *m)
{
	bool any = false;

	for (uint32_t i = 0; i < m->n_format; i++) {
		if (!is_codec(&m->format[i]))
			continue;
		if (codec_allowed(p, &m->format[i]))
			return true;
		any = true;
	}
	return !any;
}

/* All of them: who answers chooses among what was offered, and is not asked again. */
static bool all_allowed(const struct media_profile *p, const struct sdp_media *m)
{
	for (uint32_t i = 0; i < m->n_format; i++)
		if (!codec_allowed(p, &m->format[i]))
			return false;
	return true;
}

const char *media_profile_check(const struct media_profile *p, const struct sdp *offer)
{
	uint32_t streams = 0;

	for (uint32_t i = 0; i < offer->n; i++) {
		const struct sdp_media *m = &offer->media[i];

		if (m->port == 0)
			continue;
		if (p->streams && ++streams > p->streams)
			return "there are more media streams than allowed";
		if (too_wide(p, m))
			return "the bandwidth is more than allowed";
		if (!all_allowed(p, m))
			return "a codec is not allowed";
	}
	return NULL;
}

static struct slice first_word(struct slice s)
{
	return slice_sub(s, 0, slice_find(s, ' '));
}

/* Attributes of formats that are left out go with them. */
static bool is_of_format_left_out(const struct media_profile *p, const struct sdp_media *m,
				  struct slice attribute)
{
	uint32_t colon = slice_find(attribute, ':');
	struct slice name = slice_sub(attribute, 0, colon);
	struct slice number = first_word(slice_from(attribute, colon + 1));

	if (!slice_eq(name, SLICE("rtpmap")) && !slice_eq(name, SLICE("fmtp")) &&
	    !slice_eq(name, SLICE("rtcp-fb")))
		return false;
	for (uint32_t i = 0; i < m->n_format; i++)
		if (slice_eq(m->format[i].number, number))
			return !codec_allowed(p, &m->format[i]);
	return false;
}

/* In the place of what the section and the session say of it. */
static void put_bandwidth(const struct media_profile *p, struct text *out)
{
	text_lit(out, "b=AS:");
	text_u64(out, p->bandwidth / 1000);
	text_lit(out, "\r\nb=TIAS:");
	text_u64(out, p->bandwidth);
	text_lit(out, "\r\n");
}

static void put_lines(const struct media_profile *p, const struct sdp_media *m,
		      struct text *out)
{
	struct slice rest = m->text, value;
	bool narrow = too_wide(p, m);
	uint8_t type;

	while (description_line(&rest, &type, &value)) {
		if (type == 0 || type == 'm' || (type == 'b' && too_wide(p, m)) ||
		    (type == 'a' && is_of_format_left_out(p, m, value)))
			continue;
		if (type == 'a' && narrow) {
			put_bandwidth(p, out);
			narrow = false;
		}
		text_char(out, type);
		text_char(out, '=');
		text_put(out, value);
		text_lit(out, "\r\n");
	}
	if (narrow)
		put_bandwidth(p, out);
}

static void put_section(const struct media_profile *p, const struct sdp_media *m, bool taken,
			struct text *out)
{
	text_lit(out, "m=");
	text_put(out, m->kind);
	text_char(out, ' ');
	text_u64(out, taken ? m->port : 0);
	text_char(out, ' ');
	text_put(out, m->protocol);
	for (uint32_t i = 0; i < m->n_format; i++) {
		if (taken && !codec_allowed(p, &m->format[i]))
			continue;
		text_char(out, ' ');
		text_put(out, m->format[i].number);
	}
	text_lit(out, "\r\n");
	if (taken)
		put_lines(p, m, out);
}

void media_profile_put(const struct media_profile *p, const struct sdp *offer, struct text *out)
{
	const uint8_t *end =
		offer->n ? offer->media[0].text.p : offer->text.p + offer->text.len;
	uint32_t streams = 0;

	text_put(out, slice_between(offer->text.p, end));
	for (uint32_t i = 0; i < offer->n; i++) {
		const struct sdp_media *m = &offer->media[i];
		bool taken =
			m->port && has_codec(p, m) && (p->streams == 0 || streams < p->streams);

		streams += taken;
		put_section(p, m, taken, out);
	}
}
