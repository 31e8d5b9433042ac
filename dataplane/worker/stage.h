/* stage.h - the stages of a worker's turn; each is explained where worker_poll names it. Owning
 * worker only. */
#pragma once

#include "worker/worker.h"

void stage_begin(struct worker *w);
void stage_receive(struct worker *w);
void stage_input(struct worker *w);
void stage_open(struct worker *w);
void stage_capture(struct worker *w);
void stage_keepalive(struct worker *w);
void stage_overload(struct worker *w);
void stage_roles(struct worker *w);
void stage_punt(struct worker *w);
void stage_inject(struct worker *w);
void stage_timers(struct worker *w);
void stage_output(struct worker *w);
void stage_transmit(struct worker *w);
