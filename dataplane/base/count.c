/* count.c - names and texts of the counters */
#include "base/count.h"

#include <assert.h>

static const struct count_info info[COUNT_MAX] = {
#define COUNT(id, name, trouble, help) [COUNT_##id] = {name, trouble, help},
#include "base/count.def"
#undef COUNT
};

const struct count_info *count_info(enum count_id id)
{
	assert(id < COUNT_MAX);
	return &info[id];
}
