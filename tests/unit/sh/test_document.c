/* test_document.c - Sh-Data written and read (TS 29.328 Annex D); and what must be refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "sh/reader.h"

static struct sh_document document;
static uint8_t memory[2 * SH_USER_DATA_MAX];

/* The last octet of the text is the last before memory that may not be touched. */
static enum sh_read read_guarded(struct slice xml, size_t room)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (xml.len + page - 1) / page * page + page;
	uint8_t *p =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct text t = text_in(memory, room);
	enum sh_read result;
	uint8_t *at;

	assert_ptr_not_equal(p, MAP_FAILED);
	at = p + size - page - xml.len;
	if (xml.len)
		memcpy(at, xml.p, xml.len);
	assert_int_equal(mprotect(p + size - page, page, PROT_NONE), 0);
	result = sh_document_read(slice_of(at, xml.len), &document, &t);
	munmap(p, size);
	return result;
}

static enum sh_read read_text(const char *xml)
{
	return read_guarded(slice_str(xml), sizeof(memory));
}

static void assert_slice(struct slice s, const char *wanted)
{
	assert_int_equal(s.len, strlen(wanted));
	assert_memory_equal(s.p, wanted, s.len);
}

#define REPOSITORY(service, number, data)                                                      \
	"<Sh-Data><RepositoryData><ServiceIndication>" service "</ServiceIndication>"          \
	"<SequenceNumber>" number "</SequenceNumber>" data "</RepositoryData></Sh-Data>"

static void test_golden(void **state)
{
	static struct sh_document d;
	char out[2048];
	struct text t = text_in(out, sizeof(out));

	d.n_impus = 2;
	d.impu[0] = SLICE("sip:a<b>&c@home.example");
	d.impu[1] = SLICE("bad \xff octet");
	d.n_msisdns = 1;
	d.msisdn[0] = SLICE("15551234");
	d.n_repositories = 2;
	d.repository[0] = (struct sh_repository){SLICE("s1"), 7, true, SLICE("<x/>")};
	d.repository[1] = (struct sh_repository){SLICE("s2"), 65535, false, SLICE_EMPTY};
	d.has_scscf = d.has_ifcs = d.has_state = d.has_charging = true;
	d.scscf = SLICE("sip:s1");
	d.ifcs = SLICE("<InitialFilterCriteria/>");
	d.state = SH_STATE_AUTHENTICATION_PENDING;
	d.charging.primary_ccf = SLICE("aaa://ccf");
	d.psi_active = SH_FLAG_ACTIVE;
	d.n_dsais = 1;
	d.dsai[0] = (struct sh_dsai){SLICE("t"), false};
	assert_false(sh_document_empty(&d));
	assert_true(sh_document_write(&d, &t));
	assert_slice(
		text_slice(&t),
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Sh-Data><PublicIdentifiers>"
		"<IMSPublicIdentity>sip:a&lt;b&gt;&amp;c@home.example</IMSPublicIdentity>"
		"<IMSPublicIdentity>bad   octet</IMSPublicIdentity><MSISDN>15551234</MSISDN>"
		"</PublicIdentifiers><RepositoryData><ServiceIndication>s1"
		"</ServiceIndication><SequenceNumber>7</SequenceNumber><ServiceData><x/>"
		"</ServiceData></RepositoryData><RepositoryData><ServiceIndication>s2"
		"</ServiceIndication><SequenceNumber>65535</SequenceNumber>"
		"</RepositoryData><Sh-IMS-Data><SCSCFName>sip:s1</SCSCFName><IFCs>"
		"<InitialFilterCriteria/></IFCs><IMSUserState>3</IMSUserState>"
		"<ChargingInformation><PrimaryChargingCollectionFunctionName>aaa://ccf"
		"</PrimaryChargingCollectionFunctionName></ChargingInformation><Extension>"
		"<PSIActivation>1</PSIActivation><Extension><DSAI><DSAI-Tag>t</DSAI-Tag>"
		"<DSAI-Value>1</DSAI-Value></DSAI></Extension></Extension></Sh-IMS-Data>"
		"</Sh-Data>");
	/* Every capacity that is too small is said. */
	for (uint32_t room = 0; room < t.len; room += 13) {
		struct text small = text_in(out, room);

		assert_false(sh_document_write(&d, &small));
	}
}

static void test_empty(void **state)
{
	static struct sh_document d;

	assert_true(sh_document_empty(&d));
	assert_int_equal(read_text("<Sh-Data/>"), SH_READ_GOOD);
	assert_true(sh_document_empty(&document));
}

static void test_read(void **state)
{
	assert_int_equal(
		read_text("<?xml version='1.0'?>\n<Sh-Data>\n <RepositoryData>"
			  "<SequenceNumber> 12 </SequenceNumber>"
			  "<ServiceIndication>call &amp; more</ServiceIndication><ServiceData>"
			  " <!-- gone --><a xmlns='urn:x' b='&lt;'>t&gt;<c/></a> </ServiceData>"
			  "</RepositoryData>\n<Sh-IMS-Data><Extension><PSIActivation>0"
			  "</PSIActivation><Extension><DSAI><DSAI-Tag>one</DSAI-Tag>"
			  "<DSAI-Value>0</DSAI-Value></DSAI><DSAI><DSAI-Tag>two</DSAI-Tag>"
			  "<DSAI-Value>1</DSAI-Value></DSAI></Extension></Extension>"
			  "</Sh-IMS-Data></Sh-Data>\n"),
		SH_READ_GOOD);
	assert_int_equal(document.n_repositories, 1);
	assert_slice(document.repository[0].service, "call & more");
	assert_int_equal(document.repository[0].sequence, 12);
	assert_true(document.repository[0].has_data);
	assert_slice(document.repository[0].data,
		     "<a xmlns=\"urn:x\" b=\"&lt;\">t&gt;<c/></a>");
	assert_int_equal(document.psi_active, SH_FLAG_INACTIVE);
	assert_int_equal(document.n_dsais, 2);
	assert_slice(document.dsai[0].tag, "one");
	assert_true(document.dsai[0].active);
	assert_false(document.dsai[1].active);
}

/* A prefix that was declared around it goes along. */
static void test_namespace(void **state)
{
	assert_int_equal(read_text("<Sh-Data xmlns:p='urn:p'><RepositoryData>"
				   "<ServiceIndication>s</ServiceIndication><SequenceNumber>0"
				   "</SequenceNumber><ServiceData><p:x/></ServiceData>"
				   "</RepositoryData></Sh-Data>"),
			 SH_READ_GOOD);
	assert_slice(document.repository[0].data, "<p:x xmlns:p=\"urn:p\"/>");
}

static void test_no_data(void **state)
{
	assert_int_equal(read_text(REPOSITORY("s", "5", "")), SH_READ_GOOD);
	assert_false(document.repository[0].has_data);
	assert_int_equal(read_text(REPOSITORY("s", "5", "<ServiceData/>")), SH_READ_GOOD);
	assert_true(document.repository[0].has_data);
	assert_int_equal(document.repository[0].data.len, 0);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"<Sh-Data>",
		"<Other/>",
		"<Sh-Data>text</Sh-Data>",
		"<Sh-Data><Unknown/></Sh-Data>",
		"<Sh-Data><RepositoryData/></Sh-Data>",
		"<!DOCTYPE a [<!ENTITY e 'x'>]><Sh-Data/>",
		"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><Sh-Data/>",
		"<?xml version='1.0' encoding='UTF-16'?><Sh-Data>\xff\xfe</Sh-Data>",
		REPOSITORY("", "1", ""),
		REPOSITORY("s", "", ""),
		REPOSITORY("s", "-1", ""),
		REPOSITORY("s", "65536", ""),
		REPOSITORY("s", "1x", ""),
		REPOSITORY("s", "1", "<SequenceNumber>2</SequenceNumber>"),
		REPOSITORY("s", "1", "<ServiceData/><ServiceData/>"),
		REPOSITORY("s", "1", "<ServiceData>&e;</ServiceData>"),
		REPOSITORY("s", "1", "<ServiceData><a></ServiceData>"),
		REPOSITORY("<b/>", "1", ""),
		"<Sh-Data><Sh-IMS-Data><SCSCFName>sip:mine</SCSCFName></Sh-IMS-Data></Sh-Data>",
		"<Sh-Data><Sh-IMS-Data><Extension><PSIActivation>2</PSIActivation></Extension>"
		"</Sh-IMS-Data></Sh-Data>",
		"<Sh-Data><Sh-IMS-Data><Extension><Extension><DSAI><DSAI-Tag>t</DSAI-Tag></"
		"DSAI>"
		"</Extension></Extension></Sh-IMS-Data></Sh-Data>",
		"<Sh-Data><Sh-IMS-Data><Extension><Extension><DSAI><DSAI-Value>0</DSAI-Value>"
		"</DSAI></Extension></Extension></Sh-IMS-Data></Sh-Data>",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (read_text(bad[i]) != SH_READ_BAD)
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(read_guarded(SLICE("<Sh-Data/>\0"), sizeof(memory)), SH_READ_BAD);
}

static void test_deep(void **state)
{
	static uint8_t xml[SH_USER_DATA_MAX];

	for (int depth = 1; depth < 4000; depth = depth * 3 + 1) {
		struct text t = text_in(xml, sizeof(xml));

		text_lit(&t, "<Sh-Data><RepositoryData><ServiceIndication>s</ServiceIndication>"
			     "<SequenceNumber>0</SequenceNumber><ServiceData>");
		for (int i = 0; i < depth; i++)
			text_lit(&t, "<a>");
		for (int i = 0; i < depth; i++)
			text_lit(&t, "</a>");
		text_lit(&t, "</ServiceData></RepositoryData></Sh-Data>");
		assert_false(t.overflow);
		assert_int_equal(read_guarded(text_slice(&t), sizeof(memory)),
				 depth + 3 <= SH_DEPTH_MAX ? SH_READ_GOOD : SH_READ_BAD);
	}
}

static enum sh_read read_filled(uint32_t octets, uint32_t parts)
{
	static uint8_t xml[SH_USER_DATA_MAX + 100];
	struct text t = text_in(xml, sizeof(xml));

	text_lit(&t, "<Sh-Data>");
	for (uint32_t i = 0; i < parts; i++) {
		text_lit(&t, "<RepositoryData><ServiceIndication>s</ServiceIndication>"
			     "<SequenceNumber>0</SequenceNumber><ServiceData>");
		for (uint32_t k = 0; k < octets; k++)
			text_char(&t, 'x');
		text_lit(&t, "</ServiceData></RepositoryData>");
	}
	text_lit(&t, "</Sh-Data>");
	return read_guarded(text_slice(&t), sizeof(memory));
}

static void test_too_much(void **state)
{
	assert_int_equal(read_filled(SH_DATA_MAX, 1), SH_READ_GOOD);
	assert_int_equal(read_filled(SH_DATA_MAX + 1, 1), SH_READ_TOO_MUCH);
	assert_int_equal(read_filled(1, SH_LIST_MAX), SH_READ_GOOD);
	assert_int_equal(read_filled(1, SH_LIST_MAX + 1), SH_READ_TOO_MUCH);
	assert_int_equal(read_filled(SH_USER_DATA_MAX + 50, 1), SH_READ_TOO_MUCH);
	/* The memory for what is kept is a limit too. */
	assert_int_equal(read_guarded(SLICE(REPOSITORY("s", "1",
						       "<ServiceData>0123456789"
						       "</ServiceData>")),
				      8),
			 SH_READ_TOO_MUCH);
}

/* Every beginning of a good document, and every octet of it changed. */
static void test_broken(void **state)
{
	static const char good[] =
		REPOSITORY("s", "1", "<ServiceData><a b='c'/></ServiceData>");
	char xml[sizeof(good)];

	for (uint32_t len = 0; len + 1 < sizeof(good) - 1; len++)
		assert_int_equal(read_guarded(slice_of(good, len), sizeof(memory)),
				 SH_READ_BAD);
	for (uint32_t i = 0; i < sizeof(good) - 1; i++) {
		memcpy(xml, good, sizeof(good));
		for (int octet = 0; octet < 256; octet += 15) {
			xml[i] = (char)octet;
			read_guarded(slice_of(xml, sizeof(good) - 1), sizeof(memory));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),  cmocka_unit_test(test_empty),
		cmocka_unit_test(test_read),    cmocka_unit_test(test_namespace),
		cmocka_unit_test(test_no_data), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_deep),    cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
