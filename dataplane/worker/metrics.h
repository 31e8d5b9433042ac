/* metrics.h - the data plane's part of the Prometheus page */
#pragma once

#include "worker/manage.h"

/* {"data": TEXT}: TEXT in Prometheus' exposition format. Management thread. */
void metrics_answer(struct manage *m, struct json *out);
