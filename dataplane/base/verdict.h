/* verdict.h - what a stage of the pipeline decided about one message */
#pragma once

enum verdict {
	VERDICT_NEXT,    /* not decided: the next stage looks at it */
	VERDICT_SEND,    /* its outputs are in the outbox; the input is consumed */
	VERDICT_PUNT,    /* for control */
	VERDICT_HANDOFF, /* another worker owns it */
	VERDICT_DROP,    /* with a counted reason, see count.h */
};
