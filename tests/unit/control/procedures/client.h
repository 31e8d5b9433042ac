/* client.h - a terminal that registers, for the tests of the registrar */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "control/auth.h"
#include "fakes.h"

#define UE "192.0.2.7:5062"

struct client {
	const char *src;      /* default UE */
	const char *user;     /* of the public identity, default "alice" */
	const char *contact;  /* Contact lines; NULL: one, sip:alice@192.0.2.7:5062 */
	const char *extra;    /* further lines */
	const char *call_id;  /* default "c1" */
	const char *username; /* default alice@ims.example */
	const char *auts;
	uint32_t cseq;
	uint32_t nc; /* 0: no qop */
};

/* authorization: a whole line, or "". */
static inline void client_send(struct fake *f, struct client *cl, const char *authorization)
{
	static char message[65536];
	const char *user = cl->user ? cl->user : "alice";

	cl->cseq++;
	snprintf(message, sizeof(message),
		 "REGISTER sip:ims.example SIP/2.0\r\nVia: SIP/2.0/UDP "
		 "192.0.2.7:5062;branch=z9hG4bK%u\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:%s@ims.example>;tag=f\r\nTo: "
		 "<sip:%s@ims.example>\r\n"
		 "Call-ID: %s\r\nCSeq: %u REGISTER\r\n%s%s%s\r\n",
		 cl->cseq, user, user, cl->call_id ? cl->call_id : "c1", cl->cseq,
		 cl->contact ? cl->contact : "Contact: <sip:alice@192.0.2.7:5062>\r\n",
		 authorization, cl->extra ? cl->extra : "");
	fake_register(f, cl->src ? cl->src : UE, message);
}

/* A response to the challenge answered last, by its first algorithm or the one named. */
static inline const char *client_authorization(struct fake *f, struct client *cl,
					       enum auth_algorithm algorithm,
					       struct slice secret)
{
	static const char *const name[] = {"MD5", "SHA-256", "AKAv1-MD5"};
	static char line[2048], nonce[128], nc[9];
	char ha1[AUTH_DIGEST_MAX + 1], response[AUTH_DIGEST_MAX + 1];
	const char *username = cl->username ? cl->username : "alice@ims.example";
	struct auth_credentials c = {
		.algorithm = algorithm, .uri = SLICE("sip:ims.example"), .cnonce = SLICE("cn")};

	if (f->headers[0] && f->status == 401)
		snprintf(nonce, sizeof(nonce), "%s", fake_param(f, "nonce"));
	snprintf(nc, sizeof(nc), "%08x", cl->nc);
	c.nonce = slice_str(nonce);
	if (cl->nc) {
		c.qop = SLICE("auth");
		c.nc = slice_str(nc);
	}
	auth_ha1(algorithm, slice_str(username), SLICE("ims.example"), secret, ha1);
	auth_expected(&c, ha1, SLICE("REGISTER"), response);
	snprintf(line, sizeof(line),
		 "Authorization: Digest "
		 "username=\"%s\",realm=\"ims.example\",uri=\"sip:ims.example\",nonce=\"%s\","
		 "response=\"%s\",algorithm=%s%s%s%s%s%s\r\n",
		 username, nonce, response, name[algorithm],
		 cl->nc ? ",cnonce=\"cn\",qop=auth,nc=" : "", cl->nc ? nc : "",
		 cl->auts ? ",auts=\"" : "", cl->auts ? cl->auts : "", cl->auts ? "\"" : "");
	return line;
}

#define RES ((struct slice){(const uint8_t *)"\x01\x00\x03\x04\x05\x06\x07\xff", 8})

/* Challenge and right response by AKA. */
static inline void client_register(struct fake *f, struct client *cl)
{
	fake_aka(f);
	client_send(f, cl, "");
	if (f->status != 401 || f->hold)
		return;
	cl->nc = 1;
	client_send(f, cl, client_authorization(f, cl, AUTH_AKAV1_MD5, RES));
}
