/* reginfo.c - a registration set and its changes, as reginfo XML (RFC 3680 §5.3, §5.4) */
#include "control/reginfo.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "control/gruus.h"
#include "sip/param.h"

enum {
	/* Contacts that are gone and that not all subscribers know of yet. More: a full
	   document, in which they need not be. */
	GONE_MAX = 16,
	SEEN_MAX = SET_CONTACTS_MAX + GONE_MAX,
};

enum contact_event {
	EVENT_REGISTERED,
	EVENT_REFRESHED,
	EVENT_SHORTENED,
	EVENT_EXPIRED,
	EVENT_DEACTIVATED,
	EVENT_REJECTED,
	EVENT_UNREGISTERED,
};

static const char *const event_name[] = {"registered",  "refreshed", "shortened",   "expired",
					 "deactivated", "rejected",  "unregistered"};

struct seen {
	uint64_t id;
	uint64_t news; /* number of its last change */
	enum contact_event event;
	bool gone;
	uint64_t expires_wall_ms, registered_wall_ms;
	uint32_t cseq;
	uint16_t q;
	/* One allocation, at uri. */
	char *uri, *params, *call_id, *instance;
	bool emergency;
};

struct watch {
	uint64_t news;
	uint64_t all_news; /* who was told less needs a full document */
	bool over;
	uint32_t n_name;
	char *name[SET_IMPUS_MAX]; /* identities that are not barred, as provisioned */
	uint32_t n;
	struct seen seen[SEEN_MAX];
};

/* Ids are the same for as long as the registration lasts, over a restart too; they need not be
 * secret. */
static uint64_t short_hash(const char *a, const char *b, uint32_t number)
{
	static const struct hash_key key = {0x726567696e666f, 0x6964};
	uint64_t word[3] = {hash_table(&key, a, (uint32_t)strlen(a)),
			    hash_table(&key, b, (uint32_t)strlen(b)), number};

	return hash_words(&key, word, 3);
}

/* The terminal, where it names itself, or the URI (RFC 5626 §6). */
static uint64_t contact_id(const struct registration_contact *c)
{
	if (c->instance[0])
		return short_hash(c->impi ? c->impi : "", c->instance,
				  c->reg_id ? c->reg_id : (uint32_t)short_hash(c->uri, "", 0));
	return short_hash("", c->uri, 0);
}

static bool seen_set(struct seen *s, const struct registration_contact *c)
{
	size_t uri = strlen(c->uri) + 1, params = strlen(c->params) + 1,
	       call_id = strlen(c->call_id) + 1, instance = strlen(c->instance) + 1;
	char *text = malloc(uri + params + call_id + instance);

	if (!text)
		return false;
	free(s->uri);
	s->uri = memcpy(text, c->uri, uri);
	s->params = memcpy(text + uri, c->params, params);
	s->call_id = memcpy(text + uri + params, c->call_id, call_id);
	s->instance = memcpy(text + uri + params + call_id, c->instance, instance);
	s->emergency = c->emergency;
	s->id = contact_id(c);
	s->expires_wall_ms = c->expires_wall_ms;
	s->registered_wall_ms = c->registered_wall_ms;
	s->cseq = c->cseq;
	s->q = c->q;
	s->gone = false;
	return true;
}

static void seen_drop(struct watch *w, uint32_t i)
{
	free(w->seen[i].uri);
	w->seen[i] = w->seen[--w->n];
}

static bool names_take(struct watch *w, const struct registration_set *set)
{
	char *name[SET_IMPUS_MAX] = {0};
	uint32_t n = 0;
	bool same;

	for (uint32_t i = 0; i < set->n_impu; i++) {
		if (set->impu_flags[i] & ABI_IMPU_BARRED)
			continue;
		name[n] = strdup(set->impu_uri[i]);
		if (!name[n])
			break;
		n++;
	}
	same = n == w->n_name;
	for (uint32_t i = 0; i < n && same; i++)
		same = strcmp(name[i], w->name[i]) == 0;
	for (uint32_t i = 0; i < w->n_name; i++)
		free(w->name[i]);
	memcpy(w->name, name, sizeof(name));
	w->n_name = n;
	return same;
}

struct watch *watch_new(const struct registration_set *set)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->news = w->all_news = 1;
	names_take(w, set);
	for (uint32_t i = 0; i < set->n_contact; i++) {
		struct seen *s = &w->seen[w->n];

		if (!seen_set(s, &set->contact[i]))
			break;
		s->news = w->news;
		s->event = EVENT_REGISTERED;
		w->n++;
	}
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	while (w->n)
		seen_drop(w, w->n - 1);
	for (uint32_t i = 0; i < w->n_name; i++)
		free(w->name[i]);
	free(w);
}

static enum contact_event gone_by(enum reginfo_cause cause)
{
	switch (cause) {
	case REGINFO_EXPIRED:
		return EVENT_EXPIRED;
	case REGINFO_DEACTIVATED:
		return EVENT_DEACTIVATED;
	case REGINFO_REJECTED:
		return EVENT_REJECTED;
	default:
		return EVENT_UNREGISTERED;
	}
}

static void tell(struct watch *w, struct seen *s, enum contact_event event)
{
	s->event = event;
	s->news = w->news;
}

static struct seen *find(struct watch *w, uint64_t id)
{
	for (uint32_t i = 0; i < w->n; i++)
		if (w->seen[i].id == id)
			return &w->seen[i];
	return NULL;
}

/* Its event, or nothing if nothing changed. */
static bool is_news(const struct seen *s, const struct registration_contact *c,
		    enum reginfo_cause cause, enum contact_event *event)
{
	*event = EVENT_REFRESHED;
	if (cause == REGINFO_SHORTENED && c->expires_wall_ms < s->expires_wall_ms)
		*event = EVENT_SHORTENED;
	else if (s->gone)
		*event = EVENT_REGISTERED;
	return s->gone || s->expires_wall_ms != c->expires_wall_ms || s->cseq != c->cseq ||
	       s->q != c->q || strcmp(s->call_id, c->call_id) || strcmp(s->uri, c->uri) ||
	       strcmp(s->params, c->params);
}

/* Without room or memory the contact is told of in a full document, or in none until there is
 * some. */
static bool change_contact(struct watch *w, const struct registration_contact *c,
			   enum reginfo_cause cause)
{
	struct seen *s = find(w, contact_id(c));
	enum contact_event event = EVENT_REGISTERED;

	if (s && !is_news(s, c, cause, &event))
		return false;
	if (!s && w->n < SEEN_MAX) {
		s = &w->seen[w->n++];
		*s = (struct seen){0};
	}
	if (s && seen_set(s, c))
		tell(w, s, event);
	else
		w->all_news = w->news;
	return true;
}

static bool is_in(const struct registration_set *set, uint64_t id)
{
	for (uint32_t i = 0; set && i < set->n_contact; i++)
		if (contact_id(&set->contact[i]) == id)
			return true;
	return false;
}

/* Room for the set's contacts: the oldest of the gone are left to full documents. */
static void make_room(struct watch *w)
{
	while (w->n > GONE_MAX) {
		uint32_t oldest = w->n;

		for (uint32_t i = 0; i < w->n; i++)
			if (w->seen[i].gone &&
			    (oldest == w->n || w->seen[i].news < w->seen[oldest].news))
				oldest = i;
		if (oldest == w->n)
			return;
		w->all_news = w->news;
		seen_drop(w, oldest);
	}
}

bool watch_change(struct watch *w, const struct registration_set *set, enum reginfo_cause cause)
{
	bool any = false;

	w->news++;
	for (uint32_t i = 0; i < w->n; i++) {
		struct seen *s = &w->seen[i];

		if (s->gone || is_in(set, s->id))
			continue;
		s->gone = true;
		tell(w, s, gone_by(cause));
		any = true;
	}
	make_room(w);
	for (uint32_t i = 0; set && i < set->n_contact; i++)
		any |= change_contact(w, &set->contact[i], cause);
	if (set && !names_take(w, set)) {
		w->all_news = w->news;
		any = true;
	}
	w->over = !set || set->n_contact == 0;
	if (!any)
		w->news--;
	return any;
}

uint64_t watch_news(const struct watch *w)
{
	return w->news;
}

bool watch_is_over(const struct watch *w)
{
	return w->over;
}

void watch_told(struct watch *w, uint64_t news)
{
	for (uint32_t i = w->n; i-- > 0;)
		if (w->seen[i].gone && w->seen[i].news <= news)
			seen_drop(w, i);
}

/* ---- XML ---- */

/* Control characters have no place in XML 1.0, nor has what is not UTF-8. */
static void put_escaped(struct text *out, struct slice s)
{
	bool utf8 = text_is_utf8(s);

	for (uint32_t i = 0; i < s.len; i++) {
		switch (s.p[i]) {
		case '&':
			text_lit(out, "&amp;");
			break;
		case '<':
			text_lit(out, "&lt;");
			break;
		case '>':
			text_lit(out, "&gt;");
			break;
		case '"':
			text_lit(out, "&quot;");
			break;
		default:
			if (s.p[i] < ' ' || s.p[i] == 0x7f || (s.p[i] >= 0x80 && !utf8))
				text_char(out, '?');
			else
				text_char(out, s.p[i]);
		}
	}
}

static void put_attribute(struct text *out, const char *name, struct slice value)
{
	text_char(out, ' ');
	text_str(out, name);
	text_lit(out, "=\"");
	put_escaped(out, value);
	text_char(out, '"');
}

static void put_number(struct text *out, const char *name, uint64_t value)
{
	text_char(out, ' ');
	text_str(out, name);
	text_lit(out, "=\"");
	text_u64(out, value);
	text_char(out, '"');
}

/* q of 0 to 1000 as 0 to 1. */
static void put_q(struct text *out, uint16_t q)
{
	text_printf(out, " q=\"%u.%03u\"", q / 1000, q % 1000);
}

/* Parameters that the schema has no name for: of +sip.instance and the features of the terminal
 * (RFC 3680 §5.3.2). */
static void put_params(struct text *out, struct slice params)
{
	struct sip_param param;

	while (sip_param_next(&params, &param) == SIP_PARAM_FOUND) {
		if (slice_eq_nocase(param.name, SLICE("q")) ||
		    slice_eq_nocase(param.name, SLICE("expires")))
			continue;
		text_lit(out, "<unknown-param");
		put_attribute(out, "name", param.name);
		text_char(out, '>');
		put_escaped(out, param.value);
		text_lit(out, "</unknown-param>");
	}
}

/* RFC 5628 §5. The temporary one is new, and made under the last REGISTER. */
static void put_gruus(struct text *out, const struct seen *s, const struct hash_key *key,
		      const char *name)
{
	struct gruus names;

	if (s->gone || s->emergency ||
	    !gruus_make(key, slice_str(name), slice_str(s->instance), slice_str(s->call_id),
			&names))
		return;
	text_lit(out, "<gr:pub-gruu");
	put_attribute(out, "uri", slice_str(names.public));
	text_lit(out, "/>");
	if (!names.temporary[0])
		return;
	text_lit(out, "<gr:temp-gruu");
	put_attribute(out, "uri", slice_str(names.temporary));
	put_number(out, "first-cseq", s->cseq);
	text_lit(out, "/>");
}

/* What every part of a document is written for. */
struct writing {
	const struct watch *w;
	const struct reginfo_wish *wish;
	uint64_t now;
	bool full;
	bool more; /* what the schema has no names for, and GRUUs */
};

static void put_contact(struct text *out, const struct writing *d, const struct seen *s,
			const char *name)
{
	uint64_t left = s->expires_wall_ms > d->now ? (s->expires_wall_ms - d->now) / 1000 : 0;

	text_lit(out, "<contact id=\"c");
	text_hex(out, short_hash(name, "c", (uint32_t)s->id), 16);
	text_char(out, '"');
	put_attribute(out, "state", s->gone ? SLICE("terminated") : SLICE("active"));
	put_attribute(out, "event", slice_str(event_name[s->event]));
	if (s->registered_wall_ms && d->now > s->registered_wall_ms)
		put_number(out, "duration-registered", (d->now - s->registered_wall_ms) / 1000);
	if (!s->gone)
		put_number(out, "expires", left);
	put_q(out, s->q);
	put_attribute(out, "callid", slice_str(s->call_id));
	put_number(out, "cseq", s->cseq);
	text_lit(out, "><uri>");
	put_escaped(out, slice_str(s->uri));
	text_lit(out, "</uri>");
	if (d->more) {
		put_params(out, slice_str(s->params));
		if (d->wish->key)
			put_gruus(out, s, d->wish->key, name);
	}
	text_lit(out, "</contact>");
}

static void put_registration(struct text *out, const struct writing *d, const char *name)
{
	const struct watch *w = d->w;

	text_lit(out, "<registration");
	put_attribute(out, "aor", slice_str(name));
	text_lit(out, " id=\"r");
	text_hex(out, short_hash(name, "", 0), 16);
	text_char(out, '"');
	put_attribute(out, "state", w->over ? SLICE("terminated") : SLICE("active"));
	text_char(out, '>');
	for (uint32_t i = 0; i < w->n; i++) {
		const struct seen *s = &w->seen[i];

		if (s->news > d->wish->told || (d->full && !s->gone))
			put_contact(out, d, s, name);
	}
	text_lit(out, "</registration>");
}

static bool put_document(struct text *out, const struct writing *d)
{
	uint32_t from = out->len;

	text_lit(out, "<?xml version=\"1.0\"?>\n<reginfo "
		      "xmlns=\"urn:ietf:params:xml:ns:reginfo\" "
		      "xmlns:gr=\"urn:ietf:params:xml:ns:gruuinfo\"");
	put_number(out, "version", d->wish->version);
	put_attribute(out, "state", d->full ? SLICE("full") : SLICE("partial"));
	text_char(out, '>');
	for (uint32_t i = 0; i < d->w->n_name; i++)
		put_registration(out, d, d->w->name[i]);
	text_lit(out, "</reginfo>\n");
	if (!out->overflow)
		return true;
	out->len = from;
	out->overflow = false;
	return false;
}

bool reginfo_put(struct text *out, const struct watch *w, const struct reginfo_wish *wish,
		 bool *full)
{
	struct writing d = {.w = w,
			    .wish = wish,
			    .now = clock_wall_ms(),
			    .full = wish->told < w->all_news,
			    .more = true};

	*full = d.full;
	if (put_document(out, &d))
		return true;
	d.more = false;
	return put_document(out, &d);
}
