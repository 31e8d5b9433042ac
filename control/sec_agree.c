/* sec_agree.c - the header fields of a security agreement, and the choice of algorithms */
#include "control/sec_agree.h"

#include "conf/conf.h"
#include "sip/chars.h"
#include "sip/param.h"

enum { UNKNOWN = 255 }; /* an algorithm we do not have */

static const char *const integrity_name[ABI_SA_INTEGRITY_MAX] = {
	[ABI_SA_INTEGRITY_NONE] = "null",
	[ABI_SA_HMAC_MD5_96] = "hmac-md5-96",
	[ABI_SA_HMAC_SHA_1_96] = "hmac-sha-1-96",
	[ABI_SA_HMAC_SHA_256_128] = "hmac-sha-256-128",
	[ABI_SA_AES_GMAC] = "aes-gmac",
};

static const char *const cipher_name[ABI_SA_CIPHER_MAX] = {
	[ABI_SA_NULL] = "null",
	[ABI_SA_AES_CBC] = "aes-cbc",
	[ABI_SA_AES_GCM] = "aes-gcm",
};

const char *sec_integrity_name(enum abi_sa_integrity integrity)
{
	return integrity < ABI_SA_INTEGRITY_MAX ? integrity_name[integrity] : "";
}

const char *sec_cipher_name(enum abi_sa_cipher cipher)
{
	return cipher < ABI_SA_CIPHER_MAX ? cipher_name[cipher] : "";
}

static bool go_together(uint8_t integrity, uint8_t cipher)
{
	switch (cipher) {
	case ABI_SA_AES_GCM:
		return integrity == ABI_SA_INTEGRITY_NONE;
	case ABI_SA_AES_CBC:
		return integrity != ABI_SA_INTEGRITY_NONE && integrity != ABI_SA_AES_GMAC;
	default:
		return integrity != ABI_SA_INTEGRITY_NONE;
	}
}

static void policy_add(struct sec_policy *p, uint8_t integrity, uint8_t cipher)
{
	if (go_together(integrity, cipher) && p->n < SEC_PAIRS_MAX)
		p->pair[p->n++] = (struct sec_pair){integrity, cipher};
}

void sec_policy_make(struct sec_policy *p, const struct conf *conf)
{
	const struct conf_pcscf *c = &conf->pcscf;

	p->n = 0;
	for (uint32_t i = 0; i < c->n_encryption; i++) {
		policy_add(p, ABI_SA_INTEGRITY_NONE, (uint8_t)c->encryption[i]);
		for (uint32_t k = 0; k < c->n_integrity; k++)
			policy_add(p, (uint8_t)c->integrity[k], (uint8_t)c->encryption[i]);
	}
}

bool sec_agree_join(const struct sip_msg *m, enum sip_header_id id, struct text *out)
{
	for (const struct sip_header *h = sip_first(m, id); h; h = sip_next(m, h)) {
		text_str(out, out->len ? ", " : "");
		text_put(out, sip_value(m, h));
	}
	return !out->overflow;
}

/* One element: its name, and its parameters from the first ';' on. */
struct element {
	struct slice name, params;
};

enum step { STEP_FOUND, STEP_END, STEP_BAD };

/* True if all names differ (RFC 3261 §7.3.1): with one twice, readers could see two lists. */
static bool names_differ(const struct slice *name, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < i; k++)
			if (slice_eq_nocase(name[i], name[k]))
				return false;
	return true;
}

/* The parameters in front of *rest, which is moved behind them. */
static enum step params_next(struct slice *rest, struct element *e)
{
	struct slice name[SEC_PARAMS_MAX];
	enum sip_param_step step;
	struct sip_param param;
	uint32_t n = 0;

	e->params = *rest;
	while ((step = sip_param_next(rest, &param)) == SIP_PARAM_FOUND) {
		if (n == SEC_PARAMS_MAX)
			return STEP_BAD;
		name[n++] = param.name;
	}
	e->params.len -= rest->len;
	return step == SIP_PARAM_END && names_differ(name, n) ? STEP_FOUND : STEP_BAD;
}

/* sec-mechanism = mechanism-name *(SEMI mech-parameters) (RFC 3329 §2.2). */
static enum step element_next(struct slice *rest, bool first, struct element *e)
{
	struct slice s = slice_trim(*rest);
	uint32_t n = 0;

	if (!first) {
		if (s.len == 0)
			return STEP_END;
		if (s.p[0] != ',')
			return STEP_BAD;
		s = slice_trim(slice_from(s, 1));
	}
	while (n < s.len && sip_is(s.p[n], SIP_C_TOKEN))
		n++;
	if (n == 0)
		return STEP_BAD;
	e->name = slice_sub(s, 0, n);
	*rest = slice_from(s, n);
	return params_next(rest, e);
}

/* An ipsec-3gpp as a UE offers it. */
struct offer {
	uint8_t integrity, cipher;
	enum sec_mode mode;
	bool esp;
	uint32_t spi_c, spi_s;
	uint16_t port_c, port_s;
};

enum field { F_ALG, F_EALG, F_PROT, F_MOD, F_SPI_C, F_SPI_S, F_PORT_C, F_PORT_S, F_Q, F_MAX };

static const struct slice field_name[F_MAX] = {
	[F_ALG] = SLICE("alg"),       [F_EALG] = SLICE("ealg"),     [F_PROT] = SLICE("prot"),
	[F_MOD] = SLICE("mod"),       [F_SPI_C] = SLICE("spi-c"),   [F_SPI_S] = SLICE("spi-s"),
	[F_PORT_C] = SLICE("port-c"), [F_PORT_S] = SLICE("port-s"), [F_Q] = SLICE("q"),
};

/* The fields of an element; p NULL: not there. */
static const char *fields_read(struct slice params, struct slice field[F_MAX])
{
	struct sip_param param;

	memset(field, 0, F_MAX * sizeof(field[0]));
	while (sip_param_next(&params, &param) == SIP_PARAM_FOUND) {
		for (int i = 0; i < F_MAX; i++) {
			if (!slice_eq_nocase(param.name, field_name[i]))
				continue;
			if (param.value.len == 0)
				return "Security-Client has a parameter without a value";
			field[i] = param.value;
		}
	}
	return NULL;
}

static uint8_t name_find(struct slice value, const char *const *name, uint8_t n)
{
	for (uint8_t i = 0; i < n; i++)
		if (slice_eq_nocase(value, slice_str(name[i])))
			return i;
	return UNKNOWN;
}

static enum sec_mode mode_find(struct slice value)
{
	if (value.p == NULL || slice_eq_nocase(value, SLICE("trans")))
		return SEC_MODE_TRANSPORT;
	if (slice_eq_nocase(value, SLICE("UDP-enc-tun")))
		return SEC_MODE_UDP_TUNNEL;
	return SEC_MODE_OTHER;
}

static bool port_read(struct slice value, uint16_t *port)
{
	uint64_t n;

	if (!slice_u64(value, UINT16_MAX, &n) || n == 0)
		return false;
	*port = (uint16_t)n;
	return true;
}

/* The UE's addresses on its side of the four SAs (TS 33.203 §7.1, §7.2). */
static const char *ends_read(const struct slice field[F_MAX], struct offer *o)
{
	if (!field[F_SPI_C].p || !field[F_SPI_S].p || !field[F_PORT_C].p || !field[F_PORT_S].p)
		return "Security-Client lacks an SPI or a port";
	if (!slice_u32(field[F_SPI_C], &o->spi_c) || !slice_u32(field[F_SPI_S], &o->spi_s) ||
	    o->spi_c < ABI_SA_SPI_MIN || o->spi_s < ABI_SA_SPI_MIN)
		return "Security-Client has an SPI that may not be";
	if (o->spi_c == o->spi_s)
		return "Security-Client has one SPI for both directions";
	if (!port_read(field[F_PORT_C], &o->port_c) || !port_read(field[F_PORT_S], &o->port_s))
		return "Security-Client has a port that may not be";
	if (o->port_c == o->port_s)
		return "Security-Client has one port for client and server";
	return NULL;
}

/* What is left out has the default of TS 33.203 Annex H; an algorithm that is not known is no
 * error, but is not chosen. */
static const char *offer_read(struct slice params, struct offer *o)
{
	struct slice field[F_MAX];
	const char *wrong = fields_read(params, field);

	if (wrong)
		return wrong;
	if (!field[F_ALG].p)
		return "Security-Client lacks alg";
	o->integrity = name_find(field[F_ALG], integrity_name, ABI_SA_INTEGRITY_MAX);
	o->cipher = field[F_EALG].p ? name_find(field[F_EALG], cipher_name, ABI_SA_CIPHER_MAX)
				    : ABI_SA_NULL;
	o->esp = !field[F_PROT].p || slice_eq_nocase(field[F_PROT], SLICE("esp"));
	o->mode = mode_find(field[F_MOD]);
	return ends_read(field, o);
}

/* The place of an offer in our policy; policy->n: not there. */
static uint32_t rank(const struct sec_policy *policy, enum sec_mode mode, const struct offer *o)
{
	uint32_t i = 0;

	if (!o->esp || o->mode != mode)
		return policy->n;
	while (i < policy->n && (policy->pair[i].integrity != o->integrity ||
				 policy->pair[i].cipher != o->cipher))
		i++;
	return i;
}

enum sec_result sec_agree_choose(struct slice client, const struct sec_policy *policy,
				 enum sec_mode mode, struct sec_choice *out, const char **wrong)
{
	uint32_t best = policy->n, n = 0;
	struct element e;
	enum step step = STEP_END;

	*wrong = NULL;
	while (!*wrong && (step = element_next(&client, n == 0, &e)) == STEP_FOUND) {
		struct offer o;

		if (++n > SEC_MECHANISMS_MAX)
			*wrong = "Security-Client is too long";
		else if (slice_eq_nocase(e.name, SLICE("ipsec-3gpp")))
			*wrong = offer_read(e.params, &o);
		else
			continue;
		if (*wrong || rank(policy, mode, &o) >= best)
			continue;
		best = rank(policy, mode, &o);
		*out = (struct sec_choice){.pair = policy->pair[best],
					   .mode = mode,
					   .spi_uc = o.spi_c,
					   .spi_us = o.spi_s,
					   .port_uc = o.port_c,
					   .port_us = o.port_s};
	}
	if (step == STEP_BAD)
		*wrong = "malformed Security-Client, or one with a parameter twice";
	if (*wrong)
		return SEC_MALFORMED;
	return best < policy->n ? SEC_OK : SEC_NOTHING_IN_COMMON;
}

void sec_agree_put(struct text *out, const struct sec_server *s)
{
	for (uint32_t i = 0; i < s->policy.n; i++) {
		const struct sec_pair *p = &s->policy.pair[i];

		text_str(out, i ? ", " : "");
		text_printf(out, "ipsec-3gpp;q=0.%u;alg=%s;ealg=%s;prot=esp;mod=%s", 9 - i,
			    sec_integrity_name(p->integrity), sec_cipher_name(p->cipher),
			    s->mode == SEC_MODE_UDP_TUNNEL ? "UDP-enc-tun" : "trans");
		if (s->spi_ps)
			text_printf(out, ";spi-c=%u;spi-s=%u;port-c=%u;port-s=%u", s->spi_pc,
				    s->spi_ps, s->port_pc, s->port_ps);
	}
}
_Static_assert(SEC_PAIRS_MAX <= 9, "each has a q of one digit");

static uint32_t params_count(struct slice params)
{
	struct sip_param param;
	uint32_t n = 0;

	while (sip_param_next(&params, &param) == SIP_PARAM_FOUND)
		n++;
	return n;
}

static bool params_have(struct slice params, const struct sip_param *wanted)
{
	struct sip_param param;

	while (sip_param_next(&params, &param) == SIP_PARAM_FOUND)
		if (slice_eq_nocase(param.name, wanted->name))
			return slice_eq_nocase(param.value, wanted->value);
	return false;
}

static bool params_within(struct slice a, struct slice b)
{
	struct sip_param param;

	while (sip_param_next(&a, &param) == SIP_PARAM_FOUND)
		if (!params_have(b, &param))
			return false;
	return true;
}

static bool element_same(const struct element *a, const struct element *b)
{
	/* No name comes twice: those of b that are in a are then all. */
	return slice_eq_nocase(a->name, b->name) &&
	       params_count(a->params) == params_count(b->params) &&
	       params_within(a->params, b->params);
}

bool sec_agree_same(struct slice a, struct slice b)
{
	struct element ea, eb;

	for (uint32_t n = 0; n <= SEC_MECHANISMS_MAX; n++) {
		enum step sa = element_next(&a, n == 0, &ea),
			  sb = element_next(&b, n == 0, &eb);

		if (sa == STEP_END && sb == STEP_END)
			return true;
		if (sa != STEP_FOUND || sb != STEP_FOUND || !element_same(&ea, &eb))
			return false;
	}
	return false;
}
