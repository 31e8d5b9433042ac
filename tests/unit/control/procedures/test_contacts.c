/* test_contacts.c - several contacts of one user at the registrar: limits, flows, names, owners
 */
#include "client.h"

#include "abi/gruu.h"
#include "abi/token.h"
#include "control/link.h"

static struct fake *f;

static int setup(void **state)
{
	f = fake_new(CONF_PCSCF | CONF_ICSCF | CONF_SCSCF);
	return 0;
}

static int teardown(void **state)
{
	fake_free(f);
	return 0;
}

static struct registration_set *alice(void)
{
	return registrations_by_impu(f->c.registrations, "sip:alice@ims.example");
}

/* One REGISTER with this Contact line from this port; its status. */
static uint16_t put(const char *call_id, const char *contact, const char *src)
{
	char line[1024];
	struct client cl = {.call_id = call_id, .contact = line, .src = src};

	snprintf(line, sizeof(line), "Contact: %s\r\n", contact);
	fake_clear(f);
	client_register(f, &cl);
	return f->status;
}

/* The contacts' URIs in order, without what stands in front of the port: "6001 6002 ". */
static const char *ports(void)
{
	static char all[256];

	all[0] = 0;
	for (uint32_t i = 0; alice() && i < alice()->n_contact; i++) {
		strcat(all, strrchr(alice()->contact[i].uri, ':') + 1);
		strcat(all, " ");
	}
	return all;
}

static void limit_refuses(void **state)
{
	f->conf.control.contacts_max = 2;
	assert_int_equal(put("1", "<sip:a@192.0.2.7:6001>", UE), 200);
	assert_int_equal(put("2", "<sip:a@192.0.2.7:6002>", UE), 200);
	assert_int_equal(put("3", "<sip:a@192.0.2.7:6003>", UE), 403);
	assert_string_equal(ports(), "6001 6002 ");
	/* A refresh is no contact more. */
	assert_int_equal(put("4", "<sip:a@192.0.2.7:6001>", UE), 200);
	assert_string_equal(ports(), "6002 6001 ");
}

static void limit_replaces(void **state)
{
	f->conf.control.contacts_max = 2;
	f->conf.control.contacts_replace = true;
	put("1", "<sip:a@192.0.2.7:6001>", UE);
	put("2", "<sip:a@192.0.2.7:6002>", UE);
	alice()->contact[1].registered_wall_ms -= 5000;
	assert_int_equal(put("3", "<sip:a@192.0.2.7:6003>", UE), 200);
	assert_string_equal(ports(), "6001 6003 ");
	/* One request's own do not push each other out. */
	assert_int_equal(put("4",
			     "<sip:a@192.0.2.7:6004>,<sip:a@192.0.2.7:6005>,"
			     "<sip:a@192.0.2.7:6006>",
			     UE),
			 403);
	assert_string_equal(ports(), "6001 6003 ");
}

static void one_per_flow(void **state)
{
	put("1", "<sip:a@192.0.2.7:6001>", UE);
	put("2", "<sip:a@192.0.2.7:6002>", UE);
	assert_string_equal(ports(), "6001 6002 ");
	f->conf.control.contacts_one_per_flow = true;
	put("3", "<sip:a@192.0.2.7:6003>", UE);
	assert_string_equal(ports(), "6003 ");
	put("4", "<sip:a@192.0.2.7:6004>", "192.0.2.9:5060");
	put("5", "<sip:a@192.0.2.7:6005>;+sip.instance=\"<urn:uuid:1>\"", UE);
	assert_string_equal(ports(), "6003 6004 6005 ");
	put("6", "<sip:a@192.0.2.7:6006>,<sip:a@192.0.2.7:6007>", UE);
	assert_string_equal(ports(), "6004 6005 6006 6007 ");
}

#define FLOW1 ";+sip.instance=\"<urn:uuid:1>\";reg-id=1"
#define FLOW2 ";+sip.instance=\"<urn:uuid:2>\";reg-id=1"

/* RFC 5626 §6: behind translators two terminals can have one address. */
static void same_address_other_terminal(void **state)
{
	put("1", "<sip:a@192.168.0.2:6001>" FLOW1, UE);
	put("2", "<sip:a@192.168.0.2:6001>" FLOW2, "192.0.2.9:5060");
	assert_string_equal(ports(), "6001 6001 ");
	put("3", "<sip:a@192.168.0.2:6002>" FLOW1, UE);
	assert_string_equal(ports(), "6001 6002 ");
}

static void outbound(void **state)
{
	struct client cl = {.contact = "Contact: <sip:a@192.0.2.7:6001>" FLOW1 "\r\n",
			    .extra = "Supported: path, outbound\r\n"};

	f->conf.control.flow_timer_s = 90;
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	assert_non_null(strstr(f->headers, "Require: outbound\r\nFlow-Timer: 90\r\n"));
	/* Not asked for: not said. */
	cl.extra = "";
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	assert_null(strstr(f->headers, "outbound"));
	cl.contact =
		"Contact: <sip:a@192.0.2.7:6001>" FLOW1 ",<sip:a@192.0.2.7:6002>" FLOW2 "\r\n";
	client_register(f, &cl);
	assert_int_equal(f->status, 400);
}

/* The first hop is the last Path: what others support is nothing to it. */
static void outbound_of_another_node(void **state)
{
	static const struct {
		const char *path;
		uint16_t status;
	} table[] = {
		{"Path: <sip:tok@10.0.0.7:5060;lr>\r\n", 439},
		{"Path: <sip:tok@10.0.0.7:5060;lr;ob>\r\n", 200},
		{"Path: <sip:tok@10.0.0.7:5060;lr;ob>\r\nPath: <sip:x@10.9.0.1;lr>\r\n", 439},
		{"Path: <sip:tok@10.0.0.7:5060;lr>,<sip:x@10.9.0.1;lr;ob>\r\n", 200},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct fake *s = fake_new(CONF_SCSCF);
		char extra[256];
		struct client cl = {.src = "10.0.0.2:5060",
				    .contact = "Contact: <sip:a@192.0.2.7:6001>" FLOW1 "\r\n",
				    .extra = extra};

		snprintf(extra, sizeof(extra), "Supported: outbound\r\n%s", table[i].path);
		client_register(s, &cl);
		assert_int_equal(s->status, table[i].status);
		fake_free(s);
	}
}

/* The value of a parameter of the first Contact; "": it has none. */
static const char *contact_param(const char *name)
{
	static char value[512];
	const char *at = strstr(f->headers, name);

	value[0] = 0;
	if (at)
		sscanf(at + strlen(name), "=\"%511[^\"]", value);
	return value;
}

static void gruus(void **state)
{
	struct client cl = {.contact = "Contact: <sip:a@192.0.2.7:6001>;+sip.instance="
				       "\"<urn:uuid:F8>\";pub-gruu=\"sip:evil@x\"\r\n",
			    .extra = "Supported: gruu\r\n",
			    .call_id = "regs"};
	struct hash_key key;
	struct gruu one, two;

	assert_true(link_token_key(f->c.link, &key));
	client_register(f, &cl);
	assert_int_equal(f->status, 200);
	assert_string_equal(contact_param("pub-gruu"), "sip:alice@ims.example;gr=urn:uuid:F8");
	assert_null(strstr(f->headers, "evil"));
	assert_true(gruu_temporary_get(
		slice_sub(slice_str(contact_param("temp-gruu")), 4, GRUU_OPAQUE_LEN), &key,
		&one));
	assert_int_equal(one.user, token_user(&key, SLICE("sip:alice@ims.example")));
	assert_int_equal(one.instance, gruu_instance(&key, SLICE("urn:uuid:f8")));
	assert_int_equal(one.call, (uint32_t)hash_table(&key, "regs", 4));
	/* Another each time, and the same inside. */
	client_register(f, &cl);
	assert_true(gruu_temporary_get(
		slice_sub(slice_str(contact_param("temp-gruu")), 4, GRUU_OPAQUE_LEN), &key,
		&two));
	assert_int_not_equal(one.serial, two.serial);
	assert_int_equal(one.call, two.call);
	/* Who does not know them is not told. */
	cl.extra = "";
	client_register(f, &cl);
	assert_null(strstr(f->headers, "gruu"));
	cl.extra = "Supported: gruu\r\n";
	cl.contact = "Contact: <sip:a@192.0.2.7:6001>\r\n";
	client_register(f, &cl);
	assert_null(strstr(f->headers, "gruu"));
}

static void short_wishes_are_lengthened(void **state)
{
	f->conf.control.expires_lengthen = true;
	assert_int_equal(put("1", "<sip:a@192.0.2.7:6001>;expires=5", UE), 200);
	assert_non_null(strstr(f->headers, ";expires=60\r\n"));
}

static void emergency(void **state)
{
	f->conf.control.contacts_max = 1;
	put("1", "<sip:a@192.0.2.7:6001>;+sip.instance=\"<urn:uuid:1>\"", UE);
	/* Beside the other one of the same terminal and address, over the limit, and for the
	 * least time there is. */
	assert_int_equal(put("2",
			     "<sip:a@192.0.2.7:6001;sos>;+sip.instance=\"<urn:uuid:1>\""
			     ";expires=5",
			     UE),
			 200);
	assert_int_equal(alice()->n_contact, 2);
	assert_false(alice()->contact[0].emergency);
	assert_true(alice()->contact[1].emergency);
	assert_non_null(strstr(f->headers, ";expires=600\r\n"));
	assert_non_null(strstr(f->trace, "install"));
	/* The other one again: it stays. */
	put("3", "<sip:a@192.0.2.7:6001>;+sip.instance=\"<urn:uuid:1>\"", UE);
	assert_int_equal(alice()->n_contact, 2);
	/* The end of all that is normal is not its end. */
	fake_clear(f);
	put("4", "*\r\nExpires: 0", UE);
	assert_int_equal(f->status, 200);
	assert_int_equal(alice()->n_contact, 1);
	assert_true(alice()->contact[0].emergency);
	assert_null(strstr(f->trace, "SAR"));
}

/* A request that says who asks, and has nothing to respond to yet (TS 24.229 §5.1.1.2). */
static void ask(struct client *cl)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "Authorization: Digest username=\"%s\",realm=\"ims.example\",nonce=\"\","
		 "uri=\"sip:ims.example\",response=\"\"\r\n",
		 cl->username);
	fake_digest(f, cl->username, "secret");
	client_send(f, cl, line);
	assert_int_equal(f->status, 401);
}

/* Two private identities, one public one (TS 23.228 §4.3.3.4). */
static uint16_t by(const char *impi, const char *contact)
{
	static uint32_t cseq;
	char line[256], call_id[64];
	struct client cl = {
		.username = impi, .contact = line, .call_id = call_id, .cseq = cseq, .nc = 1};

	snprintf(line, sizeof(line), "Contact: %s\r\n", contact);
	snprintf(call_id, sizeof(call_id), "of-%s", impi);
	fake_clear(f);
	cseq += 2;
	ask(&cl);
	client_send(f, &cl, client_authorization(f, &cl, AUTH_MD5, SLICE("secret")));
	return f->status;
}

#define PHONE  "alice@ims.example"
#define TABLET "alice-tablet@ims.example"

static void two_private_identities(void **state)
{
	assert_int_equal(by(PHONE, "<sip:a@192.0.2.7:6001>"), 200);
	assert_non_null(strstr(f->trace, "SAR REGISTRATION " PHONE));
	assert_int_equal(by(TABLET, "<sip:a@192.0.2.7:6002>"), 200);
	assert_non_null(strstr(f->trace, "SAR REGISTRATION " TABLET));
	assert_string_equal(ports(), "6001 6002 ");
	assert_string_equal(alice()->impi, PHONE);
	assert_string_equal(alice()->contact[1].impi, TABLET);
	/* Either refreshes without another transfer of the profile. */
	assert_int_equal(by(PHONE, "<sip:a@192.0.2.7:6001>"), 200);
	assert_null(strstr(f->trace, "SAR"));
	/* The star is for one's own. */
	assert_int_equal(by(PHONE, "*\r\nExpires: 0"), 200);
	assert_non_null(strstr(f->trace, "SAR USER_DEREGISTRATION " PHONE));
	assert_string_equal(ports(), "6002 ");
	assert_string_equal(alice()->impi, TABLET);
	assert_int_equal(by(TABLET, "<sip:a@192.0.2.7:6002>;expires=0"), 200);
	assert_non_null(strstr(f->trace, "SAR USER_DEREGISTRATION " TABLET));
	assert_null(alice());
}

static void expiry_of_one_private_identity(void **state)
{
	by(PHONE, "<sip:a@192.0.2.7:6001>");
	by(TABLET, "<sip:a@192.0.2.7:6002>");
	fake_clear(f);
	alice()->contact[0].expires_wall_ms = 1;
	registrar_expire(f->c.registrar, alice());
	assert_non_null(strstr(f->trace, "SAR TIMEOUT_DEREGISTRATION " PHONE));
	assert_string_equal(ports(), "6002 ");
	fake_clear(f);
	alice()->contact[0].expires_wall_ms = 1;
	registrar_expire(f->c.registrar, alice());
	assert_non_null(strstr(f->trace, "SAR TIMEOUT_DEREGISTRATION " TABLET));
	assert_null(alice());
}

static void network_ends_one_private_identity(void **state)
{
	struct cx_rtr q = {.impi = SLICE(PHONE)};
	struct cx_rta a = {0};

	by(PHONE, "<sip:a@192.0.2.7:6001>");
	by(TABLET, "<sip:a@192.0.2.7:6002>");
	registrar_rtr(&f->c, &q, &a);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_string_equal(ports(), "6002 ");
	q.impi = SLICE(TABLET);
	registrar_rtr(&f->c, &q, &a);
	assert_null(alice());
}

/* The two at once: the later finds another set than it has copied, and is told to come again.
 */
static void both_at_once(void **state)
{
	struct client phone = {.username = PHONE, .nc = 1, .call_id = "p"},
		      tablet = {.username = TABLET,
				.nc = 1,
				.call_id = "t",
				.contact = "Contact: <sip:a@192.0.2.7:6002>\r\n"};
	char lines[2][2048];

	ask(&phone);
	strcpy(lines[0], client_authorization(f, &phone, AUTH_MD5, SLICE("secret")));
	ask(&tablet);
	strcpy(lines[1], client_authorization(f, &tablet, AUTH_MD5, SLICE("secret")));
	f->hold = true;
	fake_clear(f);
	f->n_replies = 0;
	client_send(f, &phone, lines[0]);
	client_send(f, &tablet, lines[1]);
	fake_run(f);
	assert_int_equal(f->n_replies, 2);
	assert_non_null(strstr(f->trace, "200 OK\n"));
	assert_non_null(strstr(f->trace, "503 "));
	assert_int_equal(alice()->n_contact, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(limit_refuses),
		T(limit_replaces),
		T(one_per_flow),
		T(same_address_other_terminal),
		T(outbound),
		T(outbound_of_another_node),
		T(gruus),
		T(short_wishes_are_lengthened),
		T(emergency),
		T(two_private_identities),
		T(expiry_of_one_private_identity),
		T(network_ends_one_private_identity),
		T(both_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
