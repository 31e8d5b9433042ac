/* steady.c - in the steady state a worker writes nothing that others read
 *
 * The tables' memory is made read-only, and calls, messages and refreshes go through: a write
 * would end the program. Node, routes and tables are const to a worker anyway; its counters and
 * rings are its own, on cache lines of their own, as the layout says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "scene/scene.h"
#include "scene/talk.h"
#include "sip/parse.h"
#include "table/huge.h"
#include "table/tables.h"

enum { USERS = 256, OUT_MAX = 64 };

_Static_assert(sizeof(struct abi_worker) % 64 == 0 && _Alignof(struct abi_worker) == 64,
	       "what one worker counts lies on no line of another's");

static struct scene *scene;
static struct rte_mbuf *out[OUT_MAX];

static void protect(const void *at, uint64_t size, int how)
{
	assert_int_equal(mprotect((void *)(uintptr_t)at, huge_round(size), how), 0);
}

static void protect_tables(int how)
{
	const struct tables *t = scene->tables;

	protect(t->pool.arena, t->pool.size, how);
	protect(t->impu.line, index_memory(&t->impu), how);
	protect(t->flow.line, index_memory(&t->flow), how);
	protect(t->set.line, index_memory(&t->set), how);
}

/* Sends; the message that came out last, parsed. */
static const struct sip_msg *pass(uint32_t user, const struct text *t, uint32_t expected)
{
	static struct sip_msg m;
	static uint8_t room[SCENE_FRAME_MAX], kept[SCENE_FRAME_MAX];
	struct scene_cost cost = {0};
	struct slice s;
	uint32_t n;

	scene_feed(scene, user, text_slice(t));
	n = scene_run(scene, &cost, out, OUT_MAX);
	assert_int_equal(n, expected);
	s = scene_message(out[n - 1], room);
	memcpy(kept, s.p, s.len);
	scene_drop(out, n);
	assert_int_equal(sip_parse(slice_of(kept, s.len), &m), SIP_OK);
	return &m;
}

static void one_call(const struct talk *c)
{
	uint8_t memory[SCENE_FRAME_MAX], answer[SCENE_FRAME_MAX];
	struct text t = text_in(memory, sizeof(memory)), a = text_in(answer, sizeof(answer));
	const struct sip_msg *m;

	talk_invite(&t, c);
	m = pass(c->caller, &t, 2); /* with the 100 */
	talk_answer(&a, c, m, "SIP/2.0 200 OK", TALK_SIZE);
	m = pass(c->callee, &a, 1);
	t = text_in(memory, sizeof(memory));
	talk_in_dialog(&t, c, m, "UPDATE", 2, TALK_SIZE);
	m = pass(c->caller, &t, 1);
	a = text_in(answer, sizeof(answer));
	talk_answer(&a, c, m, "SIP/2.0 200 OK", 0);
	assert_int_equal(pass(c->callee, &a, 1)->status, 200);
}

static void test_read_only(void **state)
{
	uint8_t memory[SCENE_FRAME_MAX];

	protect_tables(PROT_READ);
	for (uint32_t i = 0; i < USERS - 1; i++) {
		struct talk c = {i, i + 1, i + 1};
		struct text t = text_in(memory, sizeof(memory));

		one_call(&c);
		talk_message(&t, &c);
		assert_int_equal(pass(i, &t, 1)->method, SIP_M_MESSAGE);
		t = text_in(memory, sizeof(memory));
		talk_refresh(&t, &c);
		assert_int_equal(pass(i, &t, 1)->status, 200);
	}
	protect_tables(PROT_READ | PROT_WRITE);
	assert_int_equal(role_transactions(scene->worker->role), 0);
}

static int open_scene(void **state)
{
	scene = scene_open(USERS, false);
	return 0;
}

static int close_scene(void **state)
{
	scene_close(scene);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_read_only)};

	return cmocka_run_group_tests(tests, open_scene, close_scene);
}
