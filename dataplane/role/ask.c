/* ask.c - a request that waits for what control finds out */
#include "role/ask.h"
#include "role/answer.h"
#include "role/transaction.h"

enum verdict ask(struct pass *p, enum abi_punt_reason reason)
{
	if (pass_only_goes_on(p))
		return VERDICT_DROP;
	if (p->msg.method == SIP_M_INVITE && !p->txn && !transaction_start(p))
		return answer_with(p, 503, "no transaction free", SLICE("Retry-After: 5\r\n"));
	if (p->txn)
		transaction_hold(p);
	p->punt = reason;
	return VERDICT_PUNT;
}
