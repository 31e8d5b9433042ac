/* op_token.c - keyed hashes, and the tokens made with them */
#include "op.h"

#include <stdlib.h>

#include "abi/token.h"

struct token_case {
	struct hash_key key;
	struct slice impu[OP_INPUTS], call_id[OP_INPUTS], token[OP_INPUTS];
	uint8_t impu_text[OP_INPUTS][64], call_id_text[OP_INPUTS][64];
	uint8_t token_text[OP_INPUTS][TOKEN_TEXT_MAX];
};

static const struct token_dialog dialog = {
	.legs = TOKEN_ORIG_UE | TOKEN_TERM_UE,
	.orig = 0x0123456789abcdef,
	.term = 0xfedcba9876543210,
};

static void *token_open(void)
{
	struct token_case *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->key = (struct hash_key){0x0706050403020100, 0x0f0e0d0c0b0a0908};
	for (uint32_t i = 0; i < OP_INPUTS; i++) {
		struct text t = text_in(c->impu_text[i], sizeof(c->impu_text[i]));

		text_printf(&t, "sip:+4915%0*u@ims.example", 6 + (int)(i % 4), i);
		c->impu[i] = text_slice(&t);
		t = text_in(c->call_id_text[i], sizeof(c->call_id_text[i]));
		text_printf(&t, "%08x-%0*u@10.64.0.%u", i * 0x9e3779b9, 8 + (int)(i % 5), i, i);
		c->call_id[i] = text_slice(&t);
		t = text_in(c->token_text[i], sizeof(c->token_text[i]));
		token_dialog_put(&t, &c->key, &dialog, c->call_id[i]);
		c->token[i] = text_slice(&t);
	}
	return c;
}

static uint64_t hash_table_run(void *ctx, uint32_t n)
{
	struct token_case *c = ctx;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct slice s = c->impu[i % OP_INPUTS];

		sum += hash_table(&c->key, s.p, s.len);
	}
	return sum;
}

static uint64_t hash_mac_run(void *ctx, uint32_t n)
{
	struct token_case *c = ctx;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct hash_mac m;

		hash_mac_start(&m, &c->key);
		hash_mac_part(&m, c->impu[i % OP_INPUTS]);
		hash_mac_part(&m, c->call_id[i % OP_INPUTS]);
		hash_mac_u64(&m, i);
		sum += hash_mac_end(&m);
	}
	return sum;
}

static uint64_t make_run(void *ctx, uint32_t n)
{
	struct token_case *c = ctx;
	uint8_t room[TOKEN_TEXT_MAX];
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct text t = text_in(room, sizeof(room));

		token_dialog_put(&t, &c->key, &dialog, c->call_id[i % OP_INPUTS]);
		sum += room[t.len - 1];
	}
	return sum;
}

static uint64_t check_run(void *ctx, uint32_t n)
{
	struct token_case *c = ctx;
	struct token_dialog d;
	uint64_t right = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = i % OP_INPUTS;

		right += token_dialog_get(c->token[k], &c->key, c->call_id[k], &d);
	}
	return right;
}

const struct op op_hash_table = {"hash.table", token_open, hash_table_run, free};
const struct op op_hash_mac = {"hash.mac", token_open, hash_mac_run, free};
const struct op op_token_make = {"token.make", token_open, make_run, free};
const struct op op_token_check = {"token.check", token_open, check_run, free};
