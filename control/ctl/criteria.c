/* criteria.c - the commands about filter criteria */
#include "ctl/criteria.h"

#include <stdlib.h>
#include <string.h>

#include "criteria/explain.h"
#include "criteria/shared.h"
#include "ctl/file.h"
#include "ctl/show.h"
#include "sip/parse.h"

/* What is wrong with a file: as lines, or as rows of an answer. */
struct lint {
	struct ctl *c;
	const char *file;
	struct json *rows; /* NULL: lines */
	uint32_t wrong;
};

static void tell(void *ctx, long line, const char *sentence)
{
	struct lint *l = ctx;

	l->wrong++;
	if (!l->rows) {
		fprintf(l->c->err, "%s:%ld: %s\n", l->file, line, sentence);
		return;
	}
	json_object(l->rows, NULL);
	json_str(l->rows, "file", l->file);
	json_i64(l->rows, "line", line);
	json_str(l->rows, "message", sentence);
	json_end_object(l->rows);
}

/* Shared sets have priorities that fit the profiles that name them, so each is compiled by
 * itself. Criteria and octets of all. */
static void compile_all(const struct criteria_document *d, const struct criteria_report *report,
			struct criteria_compiled *compiled, uint32_t *criteria,
			uint32_t *octets)
{
	for (uint32_t i = 0; i < d->n_profile; i++) {
		if (!criteria_compile(d->profile[i], report, compiled)) {
			report->tell(report->ctx, 0, "no memory");
			return;
		}
		*criteria += ((const struct ifc *)compiled->memory)->n_criteria;
		*octets += compiled->len;
	}
}

static void lint_text(struct lint *l, struct slice text, struct json *out)
{
	struct criteria_report report = {tell, l};
	struct criteria_compiled *compiled = malloc(sizeof(*compiled));
	struct criteria_document d;
	uint32_t criteria = 0, octets = 0;

	if (compiled && criteria_read(text, &report, &d)) {
		compile_all(&d, &report, compiled, &criteria, &octets);
		criteria_free(&d);
	}
	free(compiled);
	if (l->rows) {
		json_end_array(out);
		json_u64(out, "criteria", criteria);
		json_u64(out, "octets", octets);
	} else if (!l->wrong) {
		fprintf(l->c->out, "%s: ok, %u criteria in %u octets\n", l->file, criteria,
			octets);
	}
}

enum ctl_exit criteria_lint(struct ctl *c, const struct ctl_command *command, int n,
			    const char *const *word)
{
	struct lint l = {.c = c, .file = word[0]};
	struct json out;
	size_t len;
	char *text = file_read(c, word[0], &len);

	if (!text)
		return CTL_FAILED;
	json_init(&out);
	if (c->json) {
		l.rows = &out;
		json_object(&out, NULL);
		json_array(&out, "rows");
	}
	lint_text(&l, slice_of(text, len), &out);
	if (c->json) {
		json_end_object(&out);
		show(c, slice_of(out.p, out.len));
	}
	json_free(&out);
	free(text);
	return l.wrong ? CTL_FAILED : CTL_OK;
}

/* The options of `ifc test`; those not given are NULL. */
struct question {
	const char *impu, *session_case, *message, *profile, *shared, *registration;
};

static bool take_option(struct question *q, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **value;
	} options[] = {
		{"--impu", &q->impu},       {"--case", &q->session_case},
		{"--message", &q->message}, {"--profile", &q->profile},
		{"--shared", &q->shared},   {"--registration", &q->registration},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(options[i].name, name) == 0) {
			*options[i].value = value;
			return true;
		}
	return false;
}

static bool take_options(struct question *q, int n, const char *const *word)
{
	for (int i = 0; i < n; i += 2)
		if (i + 1 == n || !take_option(q, word[i], word[i + 1]))
			return false;
	return q->message && q->session_case && (q->impu || q->profile);
}

static enum ctl_exit explain_all(struct ctl *c, const struct criteria_document *d,
				 const struct criteria_document *shared,
				 const struct sip_msg *m, const struct ifc_ask *ask)
{
	struct criteria_compiled *compiled = malloc(sizeof(*compiled));
	struct json out;
	bool good = compiled != NULL;

	json_init(&out);
	json_object(&out, NULL);
	json_array(&out, "rows");
	for (uint32_t i = 0; good && i < d->n_profile; i++) {
		criteria_share(d->profile[i], shared, NULL);
		good = criteria_compile(d->profile[i], NULL, compiled);
		if (good)
			explain_criteria(d->profile[i], compiled, m, ask, &out);
	}
	json_end_array(&out);
	json_end_object(&out);
	if (good)
		show(c, slice_of(out.p, out.len));
	json_free(&out);
	free(compiled);
	return good ? CTL_OK : ctl_complain(c, CTL_FAILED, "no_memory", "out of memory", NULL);
}

static enum ctl_exit with_profile(struct ctl *c, const struct question *q,
				  const struct sip_msg *m, const struct ifc_ask *ask)
{
	struct lint l = {.c = c, .file = q->profile}, shared_lint = {.c = c, .file = q->shared};
	struct criteria_document d, shared = {0};
	enum ctl_exit exit = CTL_FAILED;
	size_t len;
	char *text = file_read(c, q->profile, &len);

	if (!text)
		return CTL_FAILED;
	if ((!q->shared ||
	     criteria_read_file(q->shared, &(struct criteria_report){tell, &shared_lint},
				&shared)) &&
	    criteria_read(slice_of(text, len), &(struct criteria_report){tell, &l}, &d)) {
		exit = explain_all(c, &d, &shared, m, ask);
		criteria_free(&d);
	}
	criteria_free(&shared);
	free(text);
	return exit;
}

static enum ctl_exit test_text(struct ctl *c, const struct ctl_command *command, int n,
			       const char *const *word, const struct question *q,
			       struct slice text)
{
	struct sip_msg *m = malloc(sizeof(*m));
	enum sip_error e = m ? sip_parse(text, m) : SIP_OK;
	enum ctl_exit exit = CTL_FAILED;
	const char *wrong = NULL;
	struct ifc_ask ask;

	if (!m)
		return ctl_complain(c, CTL_FAILED, "no_memory", "out of memory", NULL);
	if (e != SIP_OK || !sip_is_request(m))
		wrong = e == SIP_OK ? "the message is no request" : sip_error_info(e)->warning;
	else
		wrong = explain_ask(q->session_case, q->registration, m, &ask);
	if (wrong)
		ctl_complain(c, CTL_FAILED, "message", wrong, NULL);
	else if (q->profile)
		exit = with_profile(c, q, m, &ask);
	else
		exit = show_answer(c, command, n, word, text);
	free(m);
	return exit;
}

enum ctl_exit criteria_test(struct ctl *c, const struct ctl_command *command, int n,
			    const char *const *word)
{
	struct question q = {0};
	enum ctl_exit exit;
	size_t len;
	char *text;

	if (!take_options(&q, n, word))
		return ctl_complain(c, CTL_USAGE, "usage",
				    "--message and --case are wanted, and --impu or --profile",
				    "sakerctl help ifc");
	text = file_read(c, q.message, &len);
	if (!text)
		return CTL_FAILED;
	exit = test_text(c, command, n, word, &q, slice_of(text, len));
	free(text);
	return exit;
}
