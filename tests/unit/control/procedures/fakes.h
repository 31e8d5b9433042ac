/* fakes.h - the world around the procedures, as a test wants it
 *
 * One struct stands for the network, the disk, the data plane and the HSS. What the procedures
 * do to it is written into `trace`, a line an act, in order: tests compare it as text.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "conf/conf.h"
#include "control/control.h"
#include "control/cx.h"
#include "control/exchange.h"
#include "control/held.h"
#include "control/proxy_auth.h"
#include "control/record.h"
#include "control/reg_event.h"
#include "control/registrar.h"
#include "control/registration.h"
#include "control/sa.h"
#include "control/session.h"
#include "control/watcher.h"

enum { FAKE_PENDING = 128, FAKE_TEXT = 65536, FAKE_LINES = 64, FAKE_OWED = 256 };

/* A third-party REGISTER on disk. */
struct fake_owed {
	uint64_t key;
	uint8_t *record; /* heap; NULL: free */
	uint32_t len;
};

struct fake_pending {
	enum {
		PENDING_NONE,
		PENDING_UAR,
		PENDING_LIR,
		PENDING_MAR,
		PENDING_SAR,
		PENDING_STORE,
		PENDING_INSTALL,
		PENDING_SEND
	} kind;
	void (*fn)(void);
	void *ctx;
};

struct fake {
	struct conf conf;
	struct control c;

	/* What the HSS answers. */
	struct cx_uaa uaa;
	struct cx_maa maa;
	struct cx_saa saa;
	struct cx_lia lia;
	bool hss_forgot; /* it takes nobody for registered, whatever control told it */
	/* What disk and data plane do. */
	bool disk_full;
	int install_status;
	bool link_full;
	/* Hold: answers wait until fake_run. */
	bool hold;
	struct fake_pending pending[FAKE_PENDING];
	uint32_t n_pending;

	char trace[FAKE_TEXT];
	/* The last answer, and the last request sent. */
	uint16_t status;
	char reason[64];
	char headers[FAKE_TEXT];
	uint32_t n_replies;
	uint32_t tags;
	char sent[FAKE_TEXT], sent_before[FAKE_TEXT]; /* the last two requests */
	struct addr sent_to;
	uint64_t installed_sa; /* id of the last one */
	uint8_t *subscription; /* as stored last, heap; NULL: none */
	uint32_t subscription_len;
	struct record_prolonged line[FAKE_LINES]; /* the journal */
	uint32_t n_line;
	uint64_t n_line_elsewhere; /* that are only counted */
	struct fake_owed owed[FAKE_OWED];
	/* Security association that requests come under, and our port then; 0: in clear. */
	uint64_t under;
	uint16_t under_port;
	uint16_t dst_port; /* our port in clear; 0: 5060 */
	uint8_t auts[64];
	uint32_t auts_len;

	struct exchange *x[256];
	uint32_t n_x;
};

/* All three roles, realm ims.example, a peer 10.0.0.0/24 in the core, one port of each zone. */
struct fake *fake_new(uint32_t roles);
void fake_free(struct fake *f);
/* Forgets the trace and the last answer. */
void fake_clear(struct fake *f);
/* A request from `src` ("192.0.2.1:5060") on port 0 (access) or 1 (core). */
void fake_register(struct fake *f, const char *src, const char *message);
/* Lets what is held go on, in order, and what follows from it, until nothing is held. */
void fake_run(struct fake *f);
/* A response to the request sent last; NULL: none came. */
void fake_respond(struct fake *f, const char *response);
/* Third-party REGISTERs on disk. */
uint32_t fake_owed(const struct fake *f);
/* Value of `name="..."` in the headers of the last answer; "" none. Static memory. */
const char *fake_param(struct fake *f, const char *name);
/* An AKA or digest vector for the next MAA. */
void fake_aka(struct fake *f);
void fake_digest(struct fake *f, const char *impi, const char *password);

#define FAKE_PROFILE(identities)                                                               \
	"<?xml version=\"1.0\" "                                                               \
	"encoding=\"UTF-8\"?><IMSSubscription><PrivateID>alice@ims.example</PrivateID>"        \
	"<ServiceProfile>" identities "</ServiceProfile></IMSSubscription>"
#define FAKE_IDENTITY(uri) "<PublicIdentity><Identity>" uri "</Identity></PublicIdentity>"
#define FAKE_BARRED(uri)                                                                       \
	"<PublicIdentity><BarringIndication>1</BarringIndication><Identity>" uri               \
	"</Identity></PublicIdentity>"
#define FAKE_ALICE                                                                             \
	FAKE_PROFILE(FAKE_IDENTITY("sip:alice@ims.example") FAKE_IDENTITY("tel:+15551234"))
