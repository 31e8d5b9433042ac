/* userdata.c - writes the user profile of Cx: IMSSubscription XML (TS 29.228 Annexes B and E)
 */
#include "hss/userdata.h"

#include <libxml/xmlstring.h>

#include "hss/select_criteria.h"
#include "store/application.h"

/* What would end or break an element; characters that XML 1.0 §2.2 does not have become spaces.
 */
static void put_escaped(struct text *t, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
			text_lit(t, "&amp;");
			break;
		case '<':
			text_lit(t, "&lt;");
			break;
		case '>':
			text_lit(t, "&gt;");
			break;
		default:
			text_char(t, (uint8_t)*s < ' ' ? ' ' : (uint8_t)*s);
		}
	}
}

/* The display name lies in the second extension (tPublicIdentityExtension2). */
static void put_identity(struct text *t, const struct store_impu *u)
{
	text_lit(t, "<PublicIdentity>");
	if (u->barred)
		text_lit(t, "<BarringIndication>1</BarringIndication>");
	text_lit(t, "<Identity>");
	put_escaped(t, u->impu);
	text_lit(t, "</Identity>");
	if (*u->display_name && xmlCheckUTF8((const unsigned char *)u->display_name)) {
		text_lit(t,
			 "<Extension><IdentityType>0</IdentityType><Extension><DisplayName>");
		put_escaped(t, u->display_name);
		text_lit(t, "</DisplayName></Extension></Extension>");
	}
	text_lit(t, "</PublicIdentity>");
}

/* Without those that a server has switched off for the identity (TS 29.328 §7.6.18). */
static bool put_unmasked(struct store *s, const struct store_impu *u, struct slice elements,
			 struct text *t)
{
	char server[STORE_DSAI_MAX][STORE_HOST_MAX + 1];
	struct slice name[STORE_DSAI_MAX];
	uint32_t n;

	if (store_dsai_servers(s, u->impu, server, STORE_DSAI_MAX, &n) != STORE_OK)
		return false;
	for (uint32_t i = 0; i < n; i++)
		name[i] = slice_str(server[i]);
	return criteria_select(elements, name, n, false, t);
}

static int put_services(struct store *s, const struct store_impu *u, struct text *t)
{
	struct store_profile p;
	enum store_result r;
	bool good = true;

	if (!u->profile)
		return 0;
	r = store_find_profile(s, u->profile, &p);
	if (r != STORE_OK)
		return -1;
	if (p.cn_services >= 0)
		text_printf(t,
			    "<CoreNetworkServicesAuthorization><SubscribedMediaProfileId>%d"
			    "</SubscribedMediaProfileId></CoreNetworkServicesAuthorization>",
			    p.cn_services);
	/* Checked when it was provisioned: whole InitialFilterCriteria elements and nothing
	 * else. */
	if (u->masked)
		good = put_unmasked(s, u, slice_of(p.ifc_xml, p.ifc_len), t);
	else
		text_put(t, slice_of(p.ifc_xml, p.ifc_len));
	store_profile_free(&p);
	return good ? 0 : -1;
}

/* An identity with some of the criteria off stands alone. */
static bool together(const struct store_impu *a, const struct store_impu *b)
{
	return a == b || (a->profile == b->profile && !a->masked && !b->masked);
}

static bool seen_before(const struct store_impu *set, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (together(&set[k], &set[i]))
			return true;
	return false;
}

static int put_profile(struct store *s, const struct store_impu *set, uint32_t n,
		       uint32_t first, struct text *t)
{
	text_lit(t, "<ServiceProfile>");
	for (uint32_t i = first; i < n; i++)
		if (together(&set[i], &set[first]))
			put_identity(t, &set[i]);
	if (put_services(s, &set[first], t) < 0)
		return -1;
	text_lit(t, "</ServiceProfile>");
	return 0;
}

int userdata_write(struct store *s, const char *impi, const struct store_impu *set, uint32_t n,
		   struct text *out)
{
	text_lit(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><IMSSubscription><PrivateID>");
	put_escaped(out, impi);
	text_lit(out, "</PrivateID>");
	for (uint32_t i = 0; i < n; i++)
		if (!seen_before(set, i) && put_profile(s, set, n, i, out) < 0)
			return -1;
	text_lit(out, "</IMSSubscription>");
	return out->overflow ? -1 : 0;
}
