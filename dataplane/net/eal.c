/* eal.c - start DPDK's environment from the configuration */
#define _GNU_SOURCE /* CPU sets, fopencookie */
#include "net/eal.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "base/log.h"
#include "net/net.h"

enum { ARGS_MAX = 24, ARG_TEXT_MAX = 4096, CPUS_MAX = CPU_SETSIZE };

struct args {
	int n;
	char *v[ARGS_MAX + 1];
	struct text text;
	char memory[ARG_TEXT_MAX];
};

static void arg(struct args *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void arg(struct args *a, const char *format, ...)
{
	uint32_t room = a->text.cap - a->text.len;
	char *at = (char *)a->text.p + a->text.len;
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(at, room, format, ap);
	va_end(ap);
	if (n < 0 || (uint32_t)n >= room || a->n == ARGS_MAX) {
		a->text.overflow = true;
		return;
	}
	a->text.len += (uint32_t)n + 1;
	a->v[a->n++] = at;
	a->v[a->n] = NULL;
}

int eal_cores_parse(const char *text, uint16_t *cpu, uint32_t most)
{
	struct slice rest = slice_str(text);
	uint32_t n = 0;

	while (rest.len) {
		struct slice item = slice_sub(rest, 0, slice_find(rest, ','));
		uint32_t dash = slice_find(item, '-');
		uint64_t from, to;

		if (!slice_u64(slice_trim(slice_sub(item, 0, dash)), CPUS_MAX - 1, &from))
			return -1;
		to = from;
		if (dash < item.len &&
		    !slice_u64(slice_trim(slice_from(item, dash + 1)), CPUS_MAX - 1, &to))
			return -1;
		for (uint64_t c = from; c <= to; c++) {
			if (n == most)
				return -1;
			cpu[n++] = (uint16_t)c;
		}
		if (to < from || item.len + 1 == rest.len)
			return -1;
		rest = slice_from(rest, item.len + 1);
	}
	return (int)n;
}

static uint64_t read_u64(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned long long v = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%llu", &v) != 1)
		v = 0;
	fclose(f);
	return v;
}

bool eal_huge_pages_free(uint64_t octets)
{
	static const char dir[] = "/sys/kernel/mm/hugepages";
	DIR *d = opendir(dir);
	struct dirent *e;
	bool enough = false;

	while (d && (e = readdir(d))) {
		unsigned long long kib;
		char path[512];

		if (sscanf(e->d_name, "hugepages-%llukB", &kib) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/%s/free_hugepages", dir, e->d_name);
		if (read_u64(path) * kib * 1024 >= octets)
			enough = true;
	}
	if (d)
		closedir(d);
	return enough;
}

/* "(0,1,3)": the CPUs allowed to this process, without those in `except`; all of them if that
 * leaves none. */
static void put_cpus(struct text *t, const cpu_set_t *allowed, const uint16_t *except,
		     int n_except)
{
	cpu_set_t set = *allowed;
	const char *separator = "(";

	for (int i = 0; i < n_except; i++)
		CPU_CLR(except[i], &set);
	if (CPU_COUNT(&set) == 0)
		set = *allowed;
	for (int c = 0; c < CPUS_MAX; c++) {
		if (!CPU_ISSET(c, &set))
			continue;
		text_printf(t, "%s%d", separator, c);
		separator = ",";
	}
	text_char(t, ')');
}

static bool put_lcores(struct text *t, const struct conf_dataplane *c, char *error)
{
	uint16_t core[CPUS_MAX];
	int n_core = eal_cores_parse(c->cores, core, CPUS_MAX);
	cpu_set_t allowed;

	if (n_core < 0) {
		snprintf(error, EAL_ERROR_MAX, "dataplane.cores: \"%s\" is no list of CPUs",
			 c->cores);
		return false;
	}
	sched_getaffinity(0, sizeof(allowed), &allowed);
	text_lit(t, "0@");
	put_cpus(t, &allowed, core, n_core);
	for (uint32_t i = 0; i < c->workers; i++) {
		text_printf(t, ",%u@", i + 1);
		if (n_core == 0) {
			put_cpus(t, &allowed, NULL, 0);
			continue;
		}
		uint16_t cpu = core[i % (uint32_t)n_core];
		if (!CPU_ISSET(cpu, &allowed)) {
			snprintf(error, EAL_ERROR_MAX,
				 "dataplane.cores: CPU %u does not exist or is not allowed to "
				 "this process",
				 cpu);
			return false;
		}
		text_printf(t, "(%u)", cpu);
	}
	return true;
}

static bool put_memory(struct args *a, const struct conf_dataplane *c, char *error)
{
	const uint64_t rings_and_tables = 64u << 20;
	uint32_t small, jumbo;

	net_buffers(c, &small, &jumbo);
	/* Pools take a quarter more than their buffers where memory is in small pages. */
	uint64_t need = mbufs_bytes(small, jumbo) / 4 * 5 + rings_and_tables;
	bool huge = c->huge_pages != CONF_NEVER && eal_huge_pages_free(need);

	if (c->huge_pages == CONF_REQUIRE && !huge) {
		snprintf(error, EAL_ERROR_MAX,
			 "dataplane.huge-pages is required, but fewer than %llu MiB are free; "
			 "reserve some "
			 "(sysctl vm.nr_hugepages=%llu) or set it to auto",
			 (unsigned long long)(need >> 20),
			 (unsigned long long)(need >> 21) + 1);
		return false;
	}
	/* Nothing is left behind after a crash either way, and no mount of hugetlbfs is needed.
	 */
	if (huge) {
		arg(a, "--in-memory");
	} else {
		arg(a, "--no-huge");
		arg(a, "--no-shconf");
		arg(a, "-m");
		arg(a, "%llu",
		    (unsigned long long)((need > c->memory ? need : c->memory) >> 20));
	}
	return true;
}

static void put_devices(struct args *a, const struct conf_dataplane *c)
{
	bool pci = false;

	for (uint32_t i = 0; i < c->n_port; i++) {
		if (port_is_vdev(&c->port[i]))
			continue;
		arg(a, "--allow=%s", c->port[i].device);
		pci = true;
	}
	if (!pci)
		arg(a, "--no-pci");
}

/* DPDK's files are told apart by this prefix when several nodes run on one machine. */
static void put_prefix(struct args *a, const char *runtime_dir)
{
	char name[64] = "saker";
	size_t n = strlen(name);

	for (const char *p = runtime_dir; *p && n < sizeof(name) - 1; p++)
		name[n++] =
			ascii_is_alpha((uint8_t)*p) || ascii_is_digit((uint8_t)*p) ? *p : '_';
	name[n] = 0;
	arg(a, "--file-prefix=%s", name);
}

static ssize_t log_line(void *cookie, const char *text, size_t len)
{
	struct slice line = slice_trim(slice_of(text, len));

	if (line.len)
		log_event(LOG_WARN, "dpdk", "message", LOG_S("text", line));
	return (ssize_t)len;
}

static void redirect_log(void)
{
	FILE *f = fopencookie(NULL, "w", (cookie_io_functions_t){.write = log_line});

	if (!f)
		return;
	setvbuf(f, NULL, _IOLBF, 0);
	rte_openlog_stream(f);
}

bool eal_start(const struct conf *c, char error[EAL_ERROR_MAX])
{
	struct args a = {.n = 0};
	char lcores[2048];
	struct text t = text_in(lcores, sizeof(lcores));

	a.text = text_in(a.memory, sizeof(a.memory));
	arg(&a, "saker-dataplane");
	if (!put_lcores(&t, &c->dataplane, error) || !put_memory(&a, &c->dataplane, error))
		return false;
	arg(&a, "--lcores=%s", text_cstr(&t));
	arg(&a, "--main-lcore=0");
	arg(&a, "--log-level=warning");
	arg(&a, "--no-telemetry");
	put_prefix(&a, c->runtime_dir);
	put_devices(&a, &c->dataplane);
	if (a.text.overflow || t.overflow) {
		snprintf(error, EAL_ERROR_MAX, "the arguments for DPDK exceed their room");
		return false;
	}
	redirect_log();
	if (rte_eal_init(a.n, a.v) < 0) {
		snprintf(error, EAL_ERROR_MAX,
			 "DPDK does not start: %s; the lines of mod=dpdk above say more",
			 rte_strerror(rte_errno));
		return false;
	}
	return true;
}

void eal_stop(void)
{
	rte_eal_cleanup();
}
