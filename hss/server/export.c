/* export.c - all subscribers as CSV or JSON, in the form that import.h takes */
#include "hss/export.h"

#include <openssl/crypto.h>
#include <stdio.h>

#include "base/text.h"
#include "hss/entry.h"
#include "hss/service.h"

enum { VALUE_MAX = SET_IMPUS_MAX * (IMPU_MAX + STORE_NAME_MAX + 2) };

struct exporting {
	struct json *out;
	bool secrets;
	uint8_t value[VALUE_MAX];
};

static bool is_secret(enum entry_key key)
{
	return key == ENTRY_K || key == ENTRY_OPC || key == ENTRY_TOPC || key == ENTRY_HA1 ||
	       key == ENTRY_HA1_SHA256;
}

static bool is_wanted(const struct exporting *x, enum entry_key key)
{
	return key != ENTRY_OP && key != ENTRY_TOP && key != ENTRY_PASSWORD &&
	       (x->secrets || !is_secret(key));
}

static bool is_list(enum entry_key key)
{
	return key == ENTRY_IMPU || key == ENTRY_VISITED || key == ENTRY_BARRED ||
	       key == ENTRY_IMPU_PROFILE || service_has(key);
}

/* How many places a list has; not each has an item. */
static uint32_t list_places(const struct store_subscriber *s, enum entry_key key)
{
	if (service_has(key))
		return service_count(&s->service, key);
	return key == ENTRY_VISITED ? s->n_visited : s->n_impus;
}

static void put_item(const struct store_subscriber *s, enum entry_key key, uint32_t i,
		     struct text *t)
{
	if (service_has(key)) {
		service_put_item(&s->service, key, i, t);
		return;
	}
	switch (key) {
	case ENTRY_IMPU:
		text_str(t, s->impu[i]);
		break;
	case ENTRY_VISITED:
		text_str(t, s->visited[i]);
		break;
	case ENTRY_BARRED:
		if (s->barred[i])
			text_str(t, s->impu[i]);
		break;
	default:
		if (*s->impu_profile[i]) {
			text_str(t, s->impu[i]);
			text_char(t, ' ');
			text_str(t, s->impu_profile[i]);
		}
		break;
	}
}

static void put_aka(const struct store_subscriber *s, enum entry_key key, struct text *t)
{
	if (!(s->auth & STORE_AUTH_AKA))
		return;
	switch (key) {
	case ENTRY_K:
		text_hex_bytes(t, slice_of(s->k, s->k256 ? 32 : 16));
		break;
	case ENTRY_OPC:
		if (!s->tuak)
			text_hex_bytes(t, slice_of(s->opc, 16));
		break;
	case ENTRY_TOPC:
		if (s->tuak)
			text_hex_bytes(t, slice_of(s->opc, sizeof(s->opc)));
		break;
	case ENTRY_AMF:
		text_hex_bytes(t, slice_of(s->amf, sizeof(s->amf)));
		break;
	default:
		text_hex(t, s->sqn, 12);
		break;
	}
}

static void put_value(const struct store_subscriber *s, enum entry_key key, struct text *t)
{
	switch (key) {
	case ENTRY_IMPI:
		text_str(t, s->impi);
		break;
	case ENTRY_K:
	case ENTRY_OPC:
	case ENTRY_TOPC:
	case ENTRY_AMF:
	case ENTRY_SQN:
		put_aka(s, key, t);
		break;
	case ENTRY_HA1:
		text_str(t, s->ha1);
		break;
	case ENTRY_HA1_SHA256:
		text_str(t, s->ha1_sha256);
		break;
	case ENTRY_REALM:
		text_str(t, s->digest_realm);
		break;
	case ENTRY_GIBA:
		text_str(t, s->giba);
		break;
	case ENTRY_SUBSCRIPTION:
		text_str(t, s->subscription);
		break;
	case ENTRY_PROFILE:
		text_str(t, s->profile);
		break;
	default:
		text_str(t, s->display_name);
		break;
	}
}

static void put_list(const struct store_subscriber *s, enum entry_key key, struct text *t)
{
	for (uint32_t i = 0; i < list_places(s, key); i++) {
		uint32_t before = t->len;

		if (before)
			text_char(t, ';');
		put_item(s, key, i, t);
		if (before && t->len == before + 1)
			t->len = before;
	}
}

static void put_csv(struct json *out, struct slice value)
{
	bool quote = false;

	for (uint32_t i = 0; i < value.len; i++)
		quote |= strchr(",;\" \r\n", value.p[i]) != NULL;
	if (!quote) {
		json_raw(out, (const char *)value.p, value.len);
		return;
	}
	json_raw(out, "\"", 1);
	for (uint32_t i = 0; i < value.len; i++) {
		if (value.p[i] == '"')
			json_raw(out, "\"", 1);
		json_raw(out, (const char *)value.p + i, 1);
	}
	json_raw(out, "\"", 1);
}

static bool csv_row(void *ctx, const struct store_subscriber *s)
{
	struct exporting *x = ctx;

	for (int key = 0; key < ENTRY_KEYS_MAX; key++) {
		struct text t = text_in(x->value, sizeof(x->value));

		if (!is_wanted(x, (enum entry_key)key))
			continue;
		if (key)
			json_raw(x->out, ",", 1);
		if (is_list((enum entry_key)key))
			put_list(s, (enum entry_key)key, &t);
		else
			put_value(s, (enum entry_key)key, &t);
		put_csv(x->out, text_slice(&t));
	}
	json_raw(x->out, "\n", 1);
	return !x->out->failed;
}

static void csv_header(struct exporting *x)
{
	for (int key = 0; key < ENTRY_KEYS_MAX; key++) {
		const char *name = entry_key_name((enum entry_key)key);

		if (!is_wanted(x, (enum entry_key)key))
			continue;
		if (key)
			json_raw(x->out, ",", 1);
		json_raw(x->out, name, strlen(name));
	}
	json_raw(x->out, "\n", 1);
}

static void json_list(struct exporting *x, const struct store_subscriber *s, enum entry_key key)
{
	json_array(x->out, entry_key_name(key));
	for (uint32_t i = 0; i < list_places(s, key); i++) {
		struct text t = text_in(x->value, sizeof(x->value));

		put_item(s, key, i, &t);
		if (t.len)
			json_slice(x->out, NULL, text_slice(&t));
	}
	json_end_array(x->out);
}

static bool json_row(void *ctx, const struct store_subscriber *s)
{
	struct exporting *x = ctx;

	json_object(x->out, NULL);
	for (int key = 0; key < ENTRY_KEYS_MAX; key++) {
		struct text t = text_in(x->value, sizeof(x->value));

		if (!is_wanted(x, (enum entry_key)key))
			continue;
		if (is_list((enum entry_key)key)) {
			json_list(x, s, (enum entry_key)key);
			continue;
		}
		put_value(s, (enum entry_key)key, &t);
		if (t.len)
			json_slice(x->out, entry_key_name((enum entry_key)key), text_slice(&t));
	}
	json_end_object(x->out);
	json_raw(x->out, "\n", 1);
	return !x->out->failed;
}

enum store_result export_run(struct store *s, enum export_format format, bool secrets,
			     struct json *out)
{
	struct exporting x = {.out = out, .secrets = secrets};
	enum store_result r = store_begin(s, STORE_READ);

	if (r != STORE_OK)
		return r;
	if (format == EXPORT_CSV) {
		csv_header(&x);
		r = store_subscriber_each(s, SLICE_EMPTY, csv_row, &x);
	} else {
		json_array(out, NULL);
		r = store_subscriber_each(s, SLICE_EMPTY, json_row, &x);
		json_end_array(out);
		json_raw(out, "\n", 1);
	}
	store_rollback(s);
	OPENSSL_cleanse(x.value, sizeof(x.value));
	return r == STORE_OK && out->failed ? STORE_FAIL : r;
}
