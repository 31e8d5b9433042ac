/* document.c - Sh-Data: what User-Data of Sh holds (TS 29.328 Annexes C and D) */
#include "sh/document.h"

/* XML 1.0 §2.2, §2.4. */
static void put_escaped(struct text *t, struct slice s)
{
	while (s.len) {
		uint32_t n = text_utf8_length(s.p, s.len);

		if (n == 1 && *s.p == '&')
			text_lit(t, "&amp;");
		else if (n == 1 && *s.p == '<')
			text_lit(t, "&lt;");
		else if (n == 1 && *s.p == '>')
			text_lit(t, "&gt;");
		else if (n == 0 || *s.p < ' ')
			text_char(t, ' ');
		else
			text_put(t, slice_sub(s, 0, n));
		s = slice_from(s, n ? n : 1);
	}
}

static void put_element(struct text *t, const char *name, struct slice value)
{
	text_char(t, '<');
	text_str(t, name);
	text_char(t, '>');
	put_escaped(t, value);
	text_lit(t, "</");
	text_str(t, name);
	text_char(t, '>');
}

static void put_number(struct text *t, const char *name, uint64_t value)
{
	char digits[24];
	struct text number = text_in(digits, sizeof(digits));

	text_u64(&number, value);
	put_element(t, name, text_slice(&number));
}

static void put_identifiers(struct text *t, const struct sh_document *d)
{
	if (!d->n_impus && !d->n_msisdns)
		return;
	text_lit(t, "<PublicIdentifiers>");
	for (uint32_t i = 0; i < d->n_impus; i++)
		put_element(t, "IMSPublicIdentity", d->impu[i]);
	for (uint32_t i = 0; i < d->n_msisdns; i++)
		put_element(t, "MSISDN", d->msisdn[i]);
	text_lit(t, "</PublicIdentifiers>");
}

static void put_repository(struct text *t, const struct sh_repository *r)
{
	text_lit(t, "<RepositoryData>");
	put_element(t, "ServiceIndication", r->service);
	put_number(t, "SequenceNumber", r->sequence);
	if (r->has_data) {
		text_lit(t, "<ServiceData>");
		text_put(t, r->data);
		text_lit(t, "</ServiceData>");
	}
	text_lit(t, "</RepositoryData>");
}

static void put_if(struct text *t, const char *name, struct slice value)
{
	if (value.len)
		put_element(t, name, value);
}

static void put_charging(struct text *t, const struct cx_charging *c)
{
	text_lit(t, "<ChargingInformation>");
	put_if(t, "PrimaryEventChargingFunctionName", c->primary_ecf);
	put_if(t, "SecondaryEventChargingFunctionName", c->secondary_ecf);
	put_if(t, "PrimaryChargingCollectionFunctionName", c->primary_ccf);
	put_if(t, "SecondaryChargingCollectionFunctionName", c->secondary_ccf);
	text_lit(t, "</ChargingInformation>");
}

/* What later releases added is in an extension, and what came later still in one within it. */
static void put_extension(struct text *t, const struct sh_document *d)
{
	if (d->psi_active == SH_FLAG_ABSENT && !d->n_dsais)
		return;
	text_lit(t, "<Extension>");
	if (d->psi_active != SH_FLAG_ABSENT)
		put_number(t, "PSIActivation", d->psi_active == SH_FLAG_ACTIVE);
	if (d->n_dsais)
		text_lit(t, "<Extension>");
	for (uint32_t i = 0; i < d->n_dsais; i++) {
		text_lit(t, "<DSAI>");
		put_element(t, "DSAI-Tag", d->dsai[i].tag);
		/* tDSAI-Value: 0 active, 1 inactive. */
		put_number(t, "DSAI-Value", !d->dsai[i].active);
		text_lit(t, "</DSAI>");
	}
	if (d->n_dsais)
		text_lit(t, "</Extension>");
	text_lit(t, "</Extension>");
}

static bool has_ims_data(const struct sh_document *d)
{
	return d->has_scscf || d->has_ifcs || d->has_state || d->has_charging || d->n_dsais ||
	       d->psi_active != SH_FLAG_ABSENT;
}

static void put_ims_data(struct text *t, const struct sh_document *d)
{
	if (!has_ims_data(d))
		return;
	text_lit(t, "<Sh-IMS-Data>");
	if (d->has_scscf)
		put_element(t, "SCSCFName", d->scscf);
	if (d->has_ifcs) {
		text_lit(t, "<IFCs>");
		text_put(t, d->ifcs);
		text_lit(t, "</IFCs>");
	}
	if (d->has_state)
		put_number(t, "IMSUserState", d->state);
	if (d->has_charging)
		put_charging(t, &d->charging);
	put_extension(t, d);
	text_lit(t, "</Sh-IMS-Data>");
}

bool sh_document_empty(const struct sh_document *d)
{
	return !d->n_impus && !d->n_msisdns && !d->n_repositories && !has_ims_data(d);
}

bool sh_document_write(const struct sh_document *d, struct text *out)
{
	text_lit(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Sh-Data>");
	put_identifiers(out, d);
	for (uint32_t i = 0; i < d->n_repositories; i++)
		put_repository(out, &d->repository[i]);
	put_ims_data(out, d);
	text_lit(out, "</Sh-Data>");
	return !out->overflow;
}
