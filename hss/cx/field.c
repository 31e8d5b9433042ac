/* field.c - AVPs from and to the members of a structure, by a table */
#include "field.h"
#include "cx/cx.h"

#include <errno.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include <stdlib.h>

enum { EXPERIMENTAL = 100000 };

struct experimental {
	uint32_t vendor, code;
};

static const struct field experimental_field[] = {
	{.avp = AVP_VENDOR_ID,
	 .kind = FIELD_U32,
	 .must = true,
	 .at = offsetof(struct experimental, vendor),
	 .max = UINT32_MAX},
	{.avp = AVP_EXPERIMENTAL_RESULT_CODE,
	 .kind = FIELD_U32,
	 .must = true,
	 .at = offsetof(struct experimental, code),
	 .max = EXPERIMENTAL - 1},
};
static const struct shape experimental_shape = SHAPE(experimental_field, struct experimental);

/* TS 29.229 §7.1: which features the sender requires, when the M flag is set. */
static const struct field features_field[] = {
	{.avp = AVP_FEATURE_LIST, .kind = FIELD_U32, .must = true, .at = 0, .max = UINT32_MAX},
};
static const struct shape features_shape = SHAPE(features_field, uint32_t);

static int fault_at(struct fault *f, int result, struct avp *avp)
{
	*f = (struct fault){.result = result, .avp = avp};
	return result;
}

/* Which AVPs were there. */
struct seen {
	uint64_t word[(AVPS + 63) / 64];
};

static bool seen_has(const struct seen *s, enum avp_id id)
{
	return s->word[id / 64] >> id % 64 & 1;
}

static void seen_add(struct seen *s, enum avp_id id)
{
	s->word[id / 64] |= UINT64_C(1) << id % 64;
}

static const struct field *field_of(const struct shape *s, const struct avp_hdr *h)
{
	uint32_t vendor = h->avp_flags & AVP_FLAG_VENDOR ? h->avp_vendor : 0;

	for (uint32_t i = 0; i < s->n; i++) {
		const struct avp_entry *e = &avp_table[s->field[i].avp];

		if (e->code == h->avp_code && e->vendor == vendor)
			return &s->field[i];
	}
	return NULL;
}

static bool slice_sound(const struct field *field, struct slice s)
{
	bool text = avp_table[field->avp].type == AVP_TYPE_TEXT;

	return s.len > 0 && s.len <= field->octets && (!text || !memchr(s.p, 0, s.len));
}

/* Room for one more element of an array: its index, or -1. */
static int64_t next_element(const struct field *field, uint8_t *out)
{
	uint32_t *count = (uint32_t *)(out + field->count);

	return *count < field->max ? (int64_t)(*count)++ : -1;
}

static int decode_slice(const struct field *field, struct avp *avp, const union avp_value *v,
			uint8_t *out, struct fault *f)
{
	struct slice s = {v->os.data, (uint32_t)v->os.len};
	int64_t i = 0;

	if (!slice_sound(field, s))
		return fault_at(f, CX_INVALID_AVP_VALUE, avp);
	if (field->kind == FIELD_SLICES && (i = next_element(field, out)) < 0)
		return fault_at(f, CX_TOO_MANY_AVPS, avp);
	((struct slice *)(out + field->at))[i] = s;
	return 0;
}

static int decode_u32(const struct field *field, struct avp *avp, const union avp_value *v,
		      uint8_t *out, struct fault *f)
{
	int64_t i = 0;

	/* A negative enumeration is a large number here. */
	if (field->kind == FIELD_U32 && v->u32 > field->max)
		return fault_at(f, CX_INVALID_AVP_VALUE, avp);
	if (field->kind == FIELD_U32S && (i = next_element(field, out)) < 0)
		return fault_at(f, CX_TOO_MANY_AVPS, avp);
	((uint32_t *)(out + field->at))[i] = v->u32;
	return 0;
}

static int decode_result(const struct field *field, struct avp *avp, const union avp_value *v,
			 uint8_t *out, struct fault *f)
{
	struct experimental x = {CX_VENDOR, 0};
	int *result = (int *)(out + field->at);
	int error;

	if (field->kind == FIELD_EXPERIMENTAL) {
		error = field_decode(avp, &experimental_shape, &x, f);
		if (error)
			return error;
		x.code += EXPERIMENTAL;
	} else if (v->u32 < EXPERIMENTAL) {
		x.code = v->u32;
	}
	/* Of another vendor, a second one, or a number without a meaning. */
	if (x.vendor != CX_VENDOR || *result || x.code == 0)
		return fault_at(f, CX_INVALID_AVP_VALUE, avp);
	*result = (int)x.code;
	return 0;
}

static int decode_features(struct avp *avp, const struct avp_hdr *h, struct fault *f)
{
	uint32_t features;

	if (!(h->avp_flags & AVP_FLAG_MANDATORY))
		return 0;
	int error = field_decode(avp, &features_shape, &features, f);

	if (!error && features)
		error = fault_at(f, CX_ERROR_FEATURE_UNSUPPORTED, avp);
	return error;
}

static int decode_groups(const struct field *field, struct avp *avp, uint8_t *out,
			 struct fault *f)
{
	int64_t i = next_element(field, out);

	if (i < 0)
		return fault_at(f, CX_TOO_MANY_AVPS, avp);
	return field_decode(avp, field->shape, out + field->at + (size_t)i * field->shape->size,
			    f);
}

static int decode_one(const struct field *field, struct avp *avp, const struct avp_hdr *h,
		      uint8_t *out, struct fault *f)
{
	switch (field->kind) {
	case FIELD_GROUP: {
		/* Not zeroed again: it may be a part of the structure around it. */
		struct shape part = {field->shape->field, field->shape->n, 0};

		return field_decode(avp, &part, out + field->at, f);
	}
	case FIELD_GROUPS:
		return decode_groups(field, avp, out, f);
	case FIELD_CUSTOM:
		return field->decode(avp, out, f);
	case FIELD_FEATURES:
		return decode_features(avp, h, f);
	case FIELD_EXPERIMENTAL:
		return decode_result(field, avp, NULL, out, f);
	default:
		break;
	}
	if (!h->avp_value)
		return fault_at(f, CX_INVALID_AVP_VALUE, avp);
	switch (field->kind) {
	case FIELD_SLICE:
	case FIELD_SLICES:
		return decode_slice(field, avp, h->avp_value, out, f);
	case FIELD_U32:
	case FIELD_MAYBE:
	case FIELD_U32S:
		return decode_u32(field, avp, h->avp_value, out, f);
	case FIELD_FLAG:
		if (h->avp_value->u32 > 1)
			return fault_at(f, CX_INVALID_AVP_VALUE, avp);
		*(bool *)(out + field->at) = h->avp_value->u32;
		return 0;
	case FIELD_GIVEN:
		if (h->avp_value->u32 != 0)
			return fault_at(f, CX_INVALID_AVP_VALUE, avp);
		*(bool *)(out + field->at) = true;
		return 0;
	case FIELD_BIT:
		*(bool *)(out + field->at) = h->avp_value->u32 & 1;
		return 0;
	case FIELD_RESULT:
		return decode_result(field, avp, h->avp_value, out, f);
	default:
		return 0;
	}
}

static bool repeats(enum field_kind kind)
{
	return kind == FIELD_SLICES || kind == FIELD_U32S || kind == FIELD_GROUPS ||
	       kind == FIELD_CUSTOM || kind == FIELD_FEATURES;
}

static int check_missing(const struct shape *s, const struct seen *seen, struct fault *f)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (!s->field[i].must || seen_has(seen, s->field[i].avp))
			continue;
		*f = (struct fault){.result = CX_MISSING_AVP, .missing = s->field[i].avp};
		return f->result;
	}
	return 0;
}

int field_decode(msg_or_avp *m, const struct shape *s, void *out, struct fault *f)
{
	struct avp *avp = NULL;
	struct seen seen = {0};

	memset(out, 0, s->size);
	for (uint32_t i = 0; i < s->n; i++)
		if (s->field[i].kind == FIELD_MAYBE)
			*(uint32_t *)((uint8_t *)out + s->field[i].at) = FIELD_UNSAID;
	fd_msg_browse(m, MSG_BRW_FIRST_CHILD, &avp, NULL);
	for (; avp; fd_msg_browse(avp, MSG_BRW_NEXT, &avp, NULL)) {
		const struct field *field;
		struct avp_hdr *h;
		int error;

		if (fd_msg_avp_hdr(avp, &h))
			return fault_at(f, CX_UNABLE_TO_COMPLY, NULL);
		field = field_of(s, h);
		if (!field)
			continue;
		if (seen_has(&seen, field->avp) && !repeats(field->kind))
			return fault_at(f, CX_TOO_MANY_AVPS, avp);
		seen_add(&seen, field->avp);
		error = decode_one(field, avp, h, out, f);
		if (error)
			return error;
	}
	return check_missing(s, &seen, f);
}

static int put(msg_or_avp *m, enum avp_id id, union avp_value *value, struct avp **out)
{
	struct avp *avp;
	int error = fd_msg_avp_new(dictionary_avp(id), 0, &avp);

	if (error)
		return error;
	if (value)
		error = fd_msg_avp_setvalue(avp, value);
	if (!error)
		error = fd_msg_avp_add(m, MSG_BRW_LAST_CHILD, avp);
	if (error)
		fd_msg_free(avp);
	else if (out)
		*out = avp;
	return error;
}

int field_put_u32(msg_or_avp *m, enum avp_id id, uint32_t value)
{
	union avp_value v = {.u32 = value};

	return put(m, id, &v, NULL);
}

int field_put_slice(msg_or_avp *m, enum avp_id id, struct slice value)
{
	/* The library copies; it does not take NULL for nothing. */
	union avp_value v = {.os = {value.len ? (uint8_t *)value.p : (uint8_t *)"", value.len}};

	return put(m, id, &v, NULL);
}

int field_put_group(msg_or_avp *m, enum avp_id id, struct avp **out)
{
	return put(m, id, NULL, out);
}

static int encode_slice(msg_or_avp *m, const struct field *field, struct slice s)
{
	if (s.len == 0)
		return field->must ? EINVAL : 0;
	return s.len > field->octets ? EMSGSIZE : field_put_slice(m, field->avp, s);
}

static int encode_array(msg_or_avp *m, const struct field *field, const uint8_t *in)
{
	uint32_t n = *(const uint32_t *)(in + field->count);
	int error = n > field->max ? EMSGSIZE : 0;

	for (uint32_t i = 0; i < n && !error; i++)
		error = field->kind == FIELD_SLICES
				? encode_slice(m, field,
					       ((const struct slice *)(in + field->at))[i])
				: field_put_u32(m, field->avp,
						((const uint32_t *)(in + field->at))[i]);
	return error;
}

static int encode_group(msg_or_avp *m, const struct field *field, const uint8_t *in)
{
	struct avp *group, *first = NULL;
	int error = fd_msg_avp_new(dictionary_avp(field->avp), 0, &group);

	if (error)
		return error;
	error = field_encode(group, field->shape, in + field->at);
	if (!error)
		fd_msg_browse(group, MSG_BRW_FIRST_CHILD, &first, NULL);
	if (!error && (first || field->must)) {
		error = fd_msg_avp_add(m, MSG_BRW_LAST_CHILD, group);
		if (!error)
			return 0;
	}
	fd_msg_free(group);
	return error;
}

static int encode_groups(msg_or_avp *m, const struct field *field, const uint8_t *in)
{
	uint32_t n = *(const uint32_t *)(in + field->count);
	int error = n > field->max ? EMSGSIZE : 0;

	for (uint32_t i = 0; i < n && !error; i++) {
		const uint8_t *element = in + field->at + (size_t)i * field->shape->size;
		struct avp *group;

		error = field_put_group(m, field->avp, &group);
		if (!error)
			error = field_encode(group, field->shape, element);
	}
	return error;
}

static int encode_result(msg_or_avp *m, const struct field *field, int result)
{
	struct experimental x = {CX_VENDOR, (uint32_t)(result - EXPERIMENTAL)};
	struct avp *group;

	if (result <= 0)
		return EINVAL;
	if (CX_IS_EXPERIMENTAL(result) != (field->kind == FIELD_EXPERIMENTAL))
		return 0;
	if (field->kind == FIELD_RESULT)
		return field_put_u32(m, field->avp, (uint32_t)result);
	int error = field_put_group(m, field->avp, &group);

	return error ? error : field_encode(group, &experimental_shape, &x);
}

static int encode_one(msg_or_avp *m, const struct field *field, const uint8_t *in)
{
	switch (field->kind) {
	case FIELD_SLICE:
		return encode_slice(m, field, *(const struct slice *)(in + field->at));
	case FIELD_SLICES:
	case FIELD_U32S:
		return encode_array(m, field, in);
	case FIELD_U32: {
		uint32_t v = *(const uint32_t *)(in + field->at);

		return v > field->max ? EINVAL : field_put_u32(m, field->avp, v);
	}
	case FIELD_MAYBE: {
		uint32_t v = *(const uint32_t *)(in + field->at);

		return v == FIELD_UNSAID ? 0 : field_put_u32(m, field->avp, v);
	}
	case FIELD_FLAG:
	case FIELD_GIVEN:
	case FIELD_BIT: {
		bool on = *(const bool *)(in + field->at);

		if (!on && !field->must)
			return 0;
		return field_put_u32(m, field->avp, field->kind == FIELD_GIVEN ? 0 : on);
	}
	case FIELD_GROUPS:
		return encode_groups(m, field, in);
	case FIELD_GROUP:
		return encode_group(m, field, in);
	case FIELD_RESULT:
	case FIELD_EXPERIMENTAL:
		return encode_result(m, field, *(const int *)(in + field->at));
	case FIELD_CUSTOM:
		return field->encode(m, in);
	default:
		return 0;
	}
}

int field_encode(msg_or_avp *m, const struct shape *s, const void *in)
{
	int error = 0;

	for (uint32_t i = 0; i < s->n && !error; i++)
		error = s->field[i].read_only ? 0 : encode_one(m, &s->field[i], in);
	return error;
}

static void each_slice(const struct shape *s, uint8_t *in,
		       void (*each)(struct slice *slice, void *ctx), void *ctx);

static void each_group(const struct field *field, uint8_t *in,
		       void (*each)(struct slice *slice, void *ctx), void *ctx)
{
	uint32_t n = *(uint32_t *)(in + field->count);

	for (uint32_t k = 0; k < n && k < field->max; k++)
		each_slice(field->shape, in + field->at + (size_t)k * field->shape->size, each,
			   ctx);
}

/* Calls `each` for every slice of the structure. */
static void each_slice(const struct shape *s, uint8_t *in,
		       void (*each)(struct slice *slice, void *ctx), void *ctx)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const struct field *field = &s->field[i];
		struct slice *slice = (struct slice *)(in + field->at);
		uint32_t n = field->kind == FIELD_SLICE ? 1 : 0;

		if (field->kind == FIELD_SLICES)
			n = *(uint32_t *)(in + field->count);
		for (uint32_t k = 0; k < n && (k == 0 || k < field->max); k++)
			each(&slice[k], ctx);
		if (field->kind == FIELD_GROUP)
			each_slice(field->shape, in + field->at, each, ctx);
		if (field->kind == FIELD_GROUPS)
			each_group(field, in, each, ctx);
	}
}

static void add_length(struct slice *slice, void *ctx)
{
	*(size_t *)ctx += slice->len;
}

static void move_slice(struct slice *slice, void *ctx)
{
	uint8_t **free_octets = ctx;

	if (slice->len)
		memcpy(*free_octets, slice->p, slice->len);
	slice->p = *free_octets;
	*free_octets += slice->len;
}

void *field_copy(const struct shape *s, const void *in)
{
	size_t octets = 0;

	each_slice(s, (uint8_t *)in, add_length, &octets);
	uint8_t *copy = malloc(s->size + octets);

	if (!copy)
		return NULL;
	uint8_t *free_octets = copy + s->size;

	memcpy(copy, in, s->size);
	each_slice(s, copy, move_slice, &free_octets);
	return copy;
}
