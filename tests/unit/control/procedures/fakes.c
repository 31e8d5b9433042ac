/* fakes.c - the world around the procedures, as a test wants it */
#include "fakes.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "control/auth.h"
#include "control/install.h"
#include "control/charging.h"
#include "control/link.h"
#include "control/persist.h"
#include "control/policy.h"
#include "control/record.h"
#include "control/resolve.h"
#include "sip/parse.h"
#include "sip/uri.h"

__attribute__((format(printf, 2, 3))) static void trace(struct fake *f, const char *format, ...)
{
	size_t at = strlen(f->trace);
	va_list args;

	va_start(args, format);
	vsnprintf(f->trace + at, sizeof(f->trace) - at, format, args);
	va_end(args);
}

static struct addr address(const char *text)
{
	struct addr a;

	assert_true(addr_parse(slice_str(text), 5060, &a));
	return a;
}

static void add_port(struct conf *c, const char *ip, enum conf_zone zone)
{
	struct conf_port *p = &c->dataplane.port[c->dataplane.n_port++];

	p->address[p->n_address++] = (struct conf_prefix){address(ip), 24};
	p->address[0].ip.port = 0;
	p->zone = zone;
}

struct fake *fake_new(uint32_t roles)
{
	struct fake *f = calloc(1, sizeof(*f));
	struct conf *c = &f->conf;

	char error[256];

	log_set_level(LOG_ERROR);
	strcpy(c->realm, "ims.example");
	strcpy(c->visited_network, "ims.example");
	strcpy(c->pcscf_uri, "sip:pcscf.ims.example:5060");
	strcpy(c->icscf_uri, "sip:icscf.ims.example:5060");
	strcpy(c->scscf_uri, "sip:scscf.ims.example:5060");
	c->dataplane.roles = roles;
	c->dataplane.sip_port = 5060;
	c->dataplane.worker_port_base = 5080;
	c->dataplane.workers = 2;
	c->dataplane.t1_ms = 500;
	c->dataplane.users = 1000;
	add_port(c, "192.0.2.100", CONF_ZONE_ACCESS);
	add_port(c, "10.0.0.1", CONF_ZONE_CORE);
	c->dataplane.peer[c->dataplane.n_peer++].net =
		(struct conf_prefix){address("10.0.0.0"), 24};
	c->dataplane.icscf = address("10.0.0.2");
	c->dataplane.scscf = address("10.0.0.3");
	c->control = (struct conf_control){.expires_min_s = 60,
					   .expires_emergency_s = 600,
					   .contacts_max = SET_CONTACTS_MAX,
					   .expires_default_s = 3600,
					   .expires_max_s = 7200,
					   .auth_tries = 3,
					   .nonce_ttl_s = 60,
					   .nonce_max = 100,
					   .vectors = 1,
					   .challenge_protected = true,
					   .vectors_ttl_s = 600,
					   .digest_md5 = true,
					   .digest_sha256 = true,
					   .aka = true};
	f->c = (struct control){.conf = c,
				.loop = ev_loop_new(0),
				.link = (struct link *)f,
				.exchanges = (struct exchanges *)f,
				.registrations = registrations_new(),
				.sas = sas_new(),
				.installer = (struct installer *)f,
				.persist = (struct persist *)f,
				.cx = (struct cx_client *)f};
	f->c.sessions = sessions_open(&f->c, 4);
	assert_non_null(f->c.sessions);
	f->c.reg_events = reg_events_open(&f->c, error);
	f->c.helds = helds_open(f->c.loop, f->c.link);
	f->c.proxy_auths = proxy_auths_open(&f->c);
	assert_non_null(f->c.proxy_auths);
	f->c.registrar = registrar_open(&f->c);
	assert_non_null(f->c.registrar);
	f->c.watchers = watchers_open(&f->c);
	assert_non_null(f->c.watchers);
	f->uaa.result = CX_FIRST_REGISTRATION;
	f->saa.result = CX_SUCCESS;
	f->saa.user_data = SLICE(FAKE_ALICE);
	return f;
}

void fake_free(struct fake *f)
{
	watchers_close(f->c.watchers);
	proxy_auths_close(f->c.proxy_auths);
	helds_close(f->c.helds);
	registrar_close(f->c.registrar);
	sessions_close(f->c.sessions);
	reg_events_close(f->c.reg_events);
	registrations_free(f->c.registrations);
	sas_free(f->c.sas);
	free(f->subscription);
	for (uint32_t i = 0; i < FAKE_OWED; i++)
		free(f->owed[i].record);
	ev_loop_destroy(f->c.loop);
	for (uint32_t i = 0; i < f->n_x; i++) {
		free((void *)f->x[i]->raw.p);
		free(f->x[i]);
	}
	free(f);
}

void fake_clear(struct fake *f)
{
	f->trace[0] = f->headers[0] = f->sent[0] = 0;
	f->status = 0;
}

void fake_register(struct fake *f, const char *src, const char *message)
{
	struct exchange *x = calloc(1, sizeof(*x));
	size_t len = strlen(message);

	assert_true(f->n_x < sizeof(f->x) / sizeof(f->x[0]));
	/* Exactly as long as the message, so that the sanitizer sees a read behind it. */
	x->raw = slice_of(memcpy(malloc(len), message, len), len);
	assert_int_equal(sip_parse(x->raw, &x->msg), SIP_OK);
	x->src = address(src);
	x->port = !f->under && strncmp(src, "10.0.0.", 7) == 0;
	x->dst = address(x->port ? "10.0.0.1:5060" : "192.0.2.100:5060");
	x->sa_id = f->under;
	if (f->under || f->dst_port)
		x->dst.port = f->under ? f->under_port : f->dst_port;
	f->x[f->n_x++] = x;
	if (x->msg.method == SIP_M_SUBSCRIBE)
		reg_event_subscribe(f->c.reg_events, x);
	else if (x->msg.method == SIP_M_NOTIFY)
		watcher_notify(f->c.watchers, x);
	else
		registrar_register(f->c.registrar, x);
}

static void hold(struct fake *f, int kind, void (*fn)(void), void *ctx)
{
	assert_true(f->n_pending < FAKE_PENDING);
	f->pending[f->n_pending].kind = kind;
	f->pending[f->n_pending].fn = fn;
	f->pending[f->n_pending++].ctx = ctx;
}

static void answer(struct fake *f, const struct fake_pending *p)
{
	switch (p->kind) {
	case PENDING_UAR:
		((void (*)(void *, const struct cx_uaa *))p->fn)(p->ctx, &f->uaa);
		break;
	case PENDING_LIR:
		((void (*)(void *, const struct cx_lia *))p->fn)(p->ctx, &f->lia);
		break;
	case PENDING_MAR:
		((void (*)(void *, const struct cx_maa *))p->fn)(p->ctx, &f->maa);
		break;
	case PENDING_SAR:
		((void (*)(void *, const struct cx_saa *))p->fn)(p->ctx, &f->saa);
		break;
	case PENDING_STORE:
		if (p->fn)
			((void (*)(void *, bool))p->fn)(p->ctx, !f->disk_full);
		break;
	case PENDING_INSTALL:
		if (p->fn)
			((void (*)(void *, int))p->fn)(p->ctx, f->install_status);
		break;
	default:
		break;
	}
}

static void act(struct fake *f, int kind, void (*fn)(void), void *ctx)
{
	if (f->hold)
		hold(f, kind, fn, ctx);
	else
		answer(f, &(struct fake_pending){.kind = kind, .fn = fn, .ctx = ctx});
}

void fake_run(struct fake *f)
{
	while (f->n_pending) {
		struct fake_pending first = f->pending[0];

		f->n_pending--;
		memmove(f->pending, f->pending + 1, f->n_pending * sizeof(f->pending[0]));
		answer(f, &first);
	}
}

void fake_respond(struct fake *f, const char *response)
{
	struct sip_msg m;
	struct fake_pending p = f->pending[0];
	char *copy;

	assert_int_equal(f->n_pending, 1);
	assert_int_equal(p.kind, PENDING_SEND);
	f->n_pending = 0;
	if (!response) {
		((void (*)(void *, const struct sip_msg *))p.fn)(p.ctx, NULL);
		return;
	}
	copy = strdup(response);
	assert_int_equal(sip_parse(slice_str(copy), &m), SIP_OK);
	((void (*)(void *, const struct sip_msg *))p.fn)(p.ctx, &m);
	free(copy);
}

const char *fake_param(struct fake *f, const char *name)
{
	static char value[512];
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "%s=\"", name);
	at = strstr(f->headers, key);
	value[0] = 0;
	if (at) {
		at += strlen(key);
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\""), at);
	}
	return value;
}

void fake_aka(struct fake *f)
{
	struct cx_vector *v = &f->maa.vector[0];

	memset(&f->maa, 0, sizeof(f->maa));
	f->maa.result = CX_SUCCESS;
	f->maa.n_vectors = 1;
	v->scheme = CX_AUTH_AKA;
	memset(v->rand, 0x11, sizeof(v->rand));
	memset(v->autn, 0x22, sizeof(v->autn));
	/* A NUL octet in RES is as good as any other. */
	memcpy(v->xres, "\x01\x00\x03\x04\x05\x06\x07\xff", 8);
	v->xres_len = 8;
	memset(v->ck, 0x33, sizeof(v->ck));
	memset(v->ik, 0x44, sizeof(v->ik));
}

void fake_digest(struct fake *f, const char *impi, const char *password)
{
	struct cx_vector *v = &f->maa.vector[0];

	memset(&f->maa, 0, sizeof(f->maa));
	f->maa.result = CX_SUCCESS;
	f->maa.n_vectors = 1;
	v->scheme = CX_AUTH_DIGEST;
	strcpy(v->digest_realm, "ims.example");
	assert_int_equal(auth_ha1(AUTH_MD5, slice_str(impi), SLICE("ims.example"),
				  slice_str(password), v->ha1),
			 0);
	assert_int_equal(auth_ha1(AUTH_SHA256, slice_str(impi), SLICE("ims.example"),
				  slice_str(password), v->ha1_sha256),
			 0);
}

/* exchange.h */

void exchange_reply(struct exchanges *e, struct exchange *x, uint16_t status,
		    const char *reason, struct slice headers, struct slice body)
{
	struct fake *f = (struct fake *)e;

	f->status = status;
	f->n_replies++;
	snprintf(f->reason, sizeof(f->reason), "%s", reason);
	snprintf(f->headers, sizeof(f->headers), "%.*s", SLICE_ARG(headers));
	trace(f, "%u %s\n", status, reason);
	/* The exchange is over: nobody may read it any more. */
	memset((void *)x->raw.p, '#', x->raw.len);
	memset(&x->msg, 0, sizeof(x->msg));
}

void exchange_tag(const struct exchanges *e, const struct exchange *x, char tag[17])
{
	snprintf(tag, 17, "%016x", ++((struct fake *)e)->tags);
}

void request_send(struct exchanges *e, struct slice message, const struct request_way *way,
		  void (*done)(void *ctx, const struct sip_msg *response), void *ctx)
{
	struct fake *f = (struct fake *)e;
	char text[ADDR_TEXT_MAX];

	memcpy(f->sent_before, f->sent, sizeof(f->sent));
	snprintf(f->sent, sizeof(f->sent), "%.*s", SLICE_ARG(message));
	f->sent_to = way->dst;
	trace(f, "send %s%s\n", addr_text(&way->dst, text), way->sa_id ? " protected" : "");
	hold(f, PENDING_SEND, (void (*)(void))done, ctx);
}

bool exchanges_local(const struct exchanges *e, const struct addr *dst, struct addr *out)
{
	*out = address("10.0.0.1:5060");
	return true;
}

/* cx.h */

/* The state of registration, where the test does not say what the answer is. */
static void settle_uaa(struct fake *f, struct slice impu)
{
	char name[IMPU_MAX + 1];

	if (f->uaa.server_name.len || (f->uaa.result != CX_FIRST_REGISTRATION &&
				       f->uaa.result != CX_SUBSEQUENT_REGISTRATION))
		return;
	snprintf(name, sizeof(name), "%.*s", SLICE_ARG(impu));
	f->uaa.result = !f->hss_forgot && registrations_by_impu(f->c.registrations, name)
				? CX_SUBSEQUENT_REGISTRATION
				: CX_FIRST_REGISTRATION;
}

void cx_uar(struct cx_client *c, const struct cx_uar *r,
	    void (*done)(void *ctx, const struct cx_uaa *a), void *ctx)
{
	static const char *const type[] = {"registration", "de-registration", "capabilities"};

	trace((struct fake *)c, "UAR %.*s %.*s %s visited=%.*s%s\n", SLICE_ARG(r->impi),
	      SLICE_ARG(r->impu), type[r->type], SLICE_ARG(r->visited_network),
	      r->emergency ? " emergency" : "");
	settle_uaa((struct fake *)c, r->impu);
	act((struct fake *)c, PENDING_UAR, (void (*)(void))done, ctx);
}

void cx_lir(struct cx_client *c, const struct cx_lir *r,
	    void (*done)(void *ctx, const struct cx_lia *a), void *ctx)
{
	trace((struct fake *)c, "LIR %.*s\n", SLICE_ARG(r->impu));
	act((struct fake *)c, PENDING_LIR, (void (*)(void))done, ctx);
}

void cx_mar(struct cx_client *c, const struct cx_mar *r,
	    void (*done)(void *ctx, const struct cx_maa *a), void *ctx)
{
	static const char *const scheme[] = {"AKA", "Digest", "Unknown", "GIBA", "other"};
	struct fake *f = (struct fake *)c;

	trace(f, "MAR %.*s %.*s %s%s\n", SLICE_ARG(r->impi), SLICE_ARG(r->impu),
	      scheme[r->scheme], r->auts.len ? " auts" : "");
	f->auts_len = r->auts.len;
	assert_true(r->auts.len <= sizeof(f->auts));
	if (r->auts.len)
		memcpy(f->auts, r->auts.p, r->auts.len);
	act(f, PENDING_MAR, (void (*)(void))done, ctx);
}

void cx_sar(struct cx_client *c, const struct cx_sar *r,
	    void (*done)(void *ctx, const struct cx_saa *a), void *ctx)
{
	static const char *const type[] = {
		"NO_ASSIGNMENT",
		"REGISTRATION",
		"RE_REGISTRATION",
		"UNREGISTERED_USER",
		"TIMEOUT_DEREGISTRATION",
		"USER_DEREGISTRATION",
		"6",
		"7",
		"ADMINISTRATIVE_DEREGISTRATION",
		"AUTHENTICATION_FAILURE",
		"AUTHENTICATION_TIMEOUT",
		"11",
	};

	trace((struct fake *)c, "SAR %s %.*s %.*s", type[r->type], SLICE_ARG(r->impi),
	      SLICE_ARG(r->impu[0]));
	for (uint32_t i = 0; i < r->restoration.n; i++)
		trace((struct fake *)c, " [%.*s] [%.*s]",
		      SLICE_ARG(r->restoration.contact[i].path),
		      SLICE_ARG(r->restoration.contact[i].contact));
	trace((struct fake *)c, "\n");
	act((struct fake *)c, PENDING_SAR, (void (*)(void))done, ctx);
}

const char *cx_result_name(int code)
{
	return "result";
}

/* persist.h, install.h */

void persist_put(struct persist *p, const struct registration_set *set,
		 void (*done)(void *ctx, bool ok), void *ctx)
{
	trace((struct fake *)p, "store %s contacts=%u\n", set->impu[0], set->n_contact);
	act((struct fake *)p, PENDING_STORE, (void (*)(void))done, ctx);
}

void persist_delete(struct persist *p, uint64_t set_id, void (*done)(void *ctx, bool ok),
		    void *ctx)
{
	trace((struct fake *)p, "unstore\n");
	act((struct fake *)p, PENDING_STORE, (void (*)(void))done, ctx);
}

void install_put(struct installer *i, const struct registration_set *set,
		 void (*done)(void *ctx, int status), void *ctx)
{
	char flow[ADDR_TEXT_MAX], hop[ADDR_TEXT_MAX];
	const struct registration_contact *c = &set->contact[0];

	trace((struct fake *)i, "install %s roles=%u impus=%u", set->impu[0], set->roles,
	      set->n_impu);
	for (uint32_t k = 0; k < set->n_contact; k++, c++)
		trace((struct fake *)i, " <%s> %s", c->uri,
		      c->flow.family ? addr_text(&c->flow, flow) : addr_text(&c->hop, hop));
	trace((struct fake *)i, "\n");
	act((struct fake *)i, PENDING_INSTALL, (void (*)(void))done, ctx);
}

void installer_lead(struct installer *i, struct routes *routes)
{
}

void install_route(struct installer *i, const struct abi_route_view *v,
		   void (*done)(void *ctx, int status), void *ctx)
{
	char hop[ADDR_TEXT_MAX];

	trace((struct fake *)i, "route %.*s", SLICE_ARG(v->to));
	for (uint32_t k = 0; k < v->n_addr; k++)
		trace((struct fake *)i, " %s", addr_text(&v->addr[k], hop));
	trace((struct fake *)i, "\n");
	act((struct fake *)i, PENDING_INSTALL, (void (*)(void))done, ctx);
}

void install_prolong(struct installer *i, const struct registration_set *set, uint32_t contact)
{
	trace((struct fake *)i, "prolong <%s> cseq=%u\n", set->contact[contact].uri,
	      set->contact[contact].cseq);
}

void install_delete(struct installer *i, uint64_t set_id, void (*done)(void *ctx, int status),
		    void *ctx)
{
	trace((struct fake *)i, "uninstall\n");
	act((struct fake *)i, PENDING_INSTALL, (void (*)(void))done, ctx);
}

void persist_prolong(struct persist *p, const struct record_prolonged *r)
{
	struct fake *f = (struct fake *)p;

	assert_true(f->n_line < FAKE_LINES);
	f->line[f->n_line++] = *r;
	trace(f, "journal cseq=%u\n", r->cseq);
}

uint64_t persist_prolonged(const struct persist *p)
{
	const struct fake *f = (const struct fake *)p;

	return f->n_line + f->n_line_elsewhere;
}

uint64_t persist_prolonged_oldest(struct persist *p, uint32_t most,
				  void (*each)(void *ctx, const struct record_prolonged *r),
				  void *ctx)
{
	struct fake *f = (struct fake *)p;
	uint32_t n = f->n_line < most ? f->n_line : most;

	for (uint32_t i = 0; i < n; i++)
		each(ctx, &f->line[i]);
	return n;
}

void persist_prolonged_forget(struct persist *p, uint64_t until)
{
	struct fake *f = (struct fake *)p;

	assert_true(until <= f->n_line);
	f->n_line -= (uint32_t)until;
	memmove(f->line, f->line + until, f->n_line * sizeof(f->line[0]));
}

void persist_sa_put(struct persist *p, const struct sa *sa, void (*done)(void *ctx, bool ok),
		    void *ctx)
{
	trace((struct fake *)p, "store sa port_uc=%u set=%s\n", sa->ue.port,
	      sa->set_id ? "yes" : "no");
	if (done)
		act((struct fake *)p, PENDING_STORE, (void (*)(void))done, ctx);
}

void persist_subscription_put(struct persist *p, const struct record_subscription *s)
{
	struct fake *f = (struct fake *)p;

	free(f->subscription);
	f->subscription = record_subscription_encode(s, &f->subscription_len);
}

void persist_subscription_delete(struct persist *p, uint64_t number)
{
	struct fake *f = (struct fake *)p;
	struct record_subscription s;

	if (!f->subscription)
		return;
	assert_true(
		record_subscription_decode(slice_of(f->subscription, f->subscription_len), &s));
	if (s.number != number)
		return;
	free(f->subscription);
	f->subscription = NULL;
}

bool persist_load_subscriptions(struct persist *p,
				void (*each)(void *ctx, const struct record_subscription *s),
				void *ctx, char *error)
{
	struct fake *f = (struct fake *)p;
	struct record_subscription s;

	if (!f->subscription)
		return true;
	assert_true(
		record_subscription_decode(slice_of(f->subscription, f->subscription_len), &s));
	each(ctx, &s);
	return true;
}

static struct fake_owed *owed_find(struct fake *f, uint64_t key)
{
	for (uint32_t i = 0; i < FAKE_OWED; i++)
		if (f->owed[i].record && f->owed[i].key == key)
			return &f->owed[i];
	return NULL;
}

void persist_owed_put(struct persist *p, uint64_t key, struct slice record)
{
	struct fake *f = (struct fake *)p;
	struct fake_owed *o = owed_find(f, key);

	trace(f, "owed put\n");
	for (uint32_t i = 0; !o && i < FAKE_OWED; i++)
		if (!f->owed[i].record)
			o = &f->owed[i];
	assert_non_null(o);
	o->key = key;
	o->len = record.len;
	/* Not by malloc, which a test may let fail. */
	o->record = realloc(o->record, record.len);
	memcpy(o->record, record.p, record.len);
}

void persist_owed_delete(struct persist *p, uint64_t key)
{
	struct fake *f = (struct fake *)p;
	struct fake_owed *o = owed_find(f, key);

	trace(f, "owed delete\n");
	if (!o)
		return;
	free(o->record);
	o->record = NULL;
}

uint8_t *persist_owed_get(struct persist *p, uint64_t key, uint32_t *len)
{
	struct fake_owed *o = owed_find((struct fake *)p, key);
	uint8_t *copy;

	if (!o)
		return NULL;
	copy = malloc(o->len);
	memcpy(copy, o->record, o->len);
	*len = o->len;
	return copy;
}

bool persist_load_owed(struct persist *p,
		       void (*each)(void *ctx, const struct record_owed *o,
				    struct slice record),
		       void *ctx, char *error)
{
	struct fake *f = (struct fake *)p;

	for (uint32_t i = 0; i < FAKE_OWED; i++) {
		struct slice record = slice_of(f->owed[i].record, f->owed[i].len);
		struct record_owed o;

		if (!f->owed[i].record)
			continue;
		assert_true(record_owed_decode(record, &o));
		each(ctx, &o, record);
	}
	return true;
}

uint32_t fake_owed(const struct fake *f)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < FAKE_OWED; i++)
		n += f->owed[i].record != NULL;
	return n;
}

void persist_sa_delete(struct persist *p, uint64_t sa_id)
{
	trace((struct fake *)p, "unstore sa\n");
}

void install_sa(struct installer *i, const struct sa *sa, void (*done)(void *ctx, int status),
		void *ctx)
{
	struct fake *f = (struct fake *)i;

	f->installed_sa = sa->id;
	trace(f, "install sa %s port_uc=%u port_pc=%u\n", sa_state_name(sa->state), sa->ue.port,
	      sa->port_pc);
	if (done)
		act(f, PENDING_INSTALL, (void (*)(void))done, ctx);
}

void install_sa_delete(struct installer *i, uint64_t sa_id, void (*done)(void *ctx, int status),
		       void *ctx)
{
	trace((struct fake *)i, "uninstall sa\n");
}

/* charging.h: where a test says that REGISTERs are charged, f is who hears of it. */

void charging_registered(struct charging *ch, const struct charging_register *r)
{
	if (ch)
		trace((struct fake *)ch, "charge %.*s %u%s\n", SLICE_ARG(r->identity),
		      r->status, r->ended ? " ended" : "");
}

__attribute__((weak)) void charging_released(struct charging *ch, struct slice call_id)
{
}

/* link.h, resolve.h */

bool link_token_key(const struct link *l, struct hash_key *out)
{
	*out = (struct hash_key){1, 2};
	return true;
}

bool link_resume(struct link *l, const struct abi_punt *held, const struct link_verdict *v)
{
	static const char *const verdict[] = {"",     "local",  "scscf",  "reject",
					      "pass", "onward", "granted"};
	struct fake *f = (struct fake *)l;
	char text[ADDR_TEXT_MAX];

	if (f->link_full)
		return false;
	trace(f, "resume %s", verdict[v->locate]);
	if (v->locate == LOCATE_REJECT)
		trace(f, " %u", v->status);
	if (v->locate == LOCATE_SCSCF || v->locate == LOCATE_ONWARD)
		trace(f, " %s %.*s", addr_text(&v->hop, text), SLICE_ARG(v->route));
	if (v->locate == LOCATE_LOCAL && v->route.len)
		trace(f, " %.*s", SLICE_ARG(v->route));
	trace(f, "\n");
	if (v->locate == LOCATE_REJECT) {
		f->status = v->status;
		snprintf(f->headers, sizeof(f->headers), "%.*s", SLICE_ARG(v->route));
	}
	return true;
}

enum resolve_result resolve_uri(const struct conf *conf, struct slice uri, struct addr *out)
{
	struct sip_uri u;

	if (sip_uri_decode(uri, &u) != SIP_OK)
		return RESOLVE_UNKNOWN;
	if (slice_eq(u.host, SLICE("scscf.ims.example")) ||
	    slice_eq(u.host, SLICE("icscf.ims.example")) ||
	    slice_eq(u.host, SLICE("pcscf.ims.example")))
		return RESOLVE_SELF;
	for (uint32_t i = 0; i < conf->icscf.n_scscf; i++)
		if (slice_eq(uri, slice_str(conf->icscf.scscf[i].name))) {
			*out = conf->icscf.scscf[i].address;
			return RESOLVE_OK;
		}
	if (slice_eq(u.host, SLICE("other.ims.example"))) {
		*out = address("10.0.0.9:5060");
		return RESOLVE_OK;
	}
	if (!sip_uri_addr(&u, 5060, out))
		return RESOLVE_UNKNOWN;
	for (uint32_t i = 0; i < conf->dataplane.n_port; i++)
		if (addr_same_ip(&conf->dataplane.port[i].address[0].ip, out))
			return RESOLVE_SELF;
	return RESOLVE_OK;
}

/* ---- the policy function: nobody is asked, but in tests that define these themselves ---- */

#define WEAK __attribute__((weak))

WEAK struct policy_session *policy_begin(struct policy *p, const struct policy_ask *a,
					 policy_done *done, void *ctx, void *owner)
{
	fail_msg("policy_begin");
	return NULL;
}

WEAK void policy_change(struct policy_session *s, const struct policy_ask *a, policy_done *done,
			void *ctx)
{
	fail_msg("policy_change");
}

WEAK void policy_end(struct policy_session *s)
{
	fail_msg("policy_end");
}

WEAK void policy_end_named(struct policy *p, struct slice name)
{
}

WEAK void policy_adopt(struct policy *p, enum policy_kind kind,
		       void *(*owner_of)(void *ctx, struct policy_session *s,
					 struct slice name),
		       void *ctx)
{
}

WEAK void policy_stats(const struct policy *p, struct policy_stats *out)
{
	*out = (struct policy_stats){0};
}
