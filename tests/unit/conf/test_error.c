/* test_error.c - everything that can be wrong with a configuration, and what is said about it
 */
#include "file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#define PORT "dataplane:\n  ports:\n    - name: a\n      device: d\n"

/* A list of n entries, for those that are too long. */
#define E8(x)  x x x x x x x x
#define E64(x) E8(E8(x))

static const struct {
	const char *yaml, *error; /* the error behind "saker.yaml:" */
} row[] = {
	/* No YAML, or none of ours. */
	{"", "1: the file is empty; 'sakerctl config example' prints one"},
	{"# nothing\n", "1: the file is empty; 'sakerctl config example' prints one"},
	{"realm: [a\n", "2: no YAML: did not find expected ',' or ']'"},
	{"realm: a\n\thss: b\n", "2: no YAML: found a tab character that violates indentation"},
	{"realm: *nobody\n", "1: no YAML: found undefined alias"},
	{"- realm\n", "1: the file takes keys and values, not a list"},
	{"\nrealm\n", "2: the file takes keys and values, not a single value"},
	{"realm: a.b\n---\nrealm: a.b\n", "3: a second YAML document; one is allowed"},
	{"realm: a.b\n? [x]\n: y\n", "2: a key is a word, not a list"},

	/* Unknown, missing, twice. */
	{"realm: a.b\nhss:\n  store: mysql://user:geheim@host/db\n",
	 "3: 'hss.store' takes a path that begins with /, or postgresql:// of at most "
	 "511 octets"},
	{"realm: a.b\ndataplan:\n  workers: 2\n",
	 "2: unknown key 'dataplan' — did you mean 'dataplane'?"},
	{"realm: a.b\ndataplane:\n  wokers: 2\n",
	 "3: unknown key 'dataplane.wokers' — did you mean 'dataplane.workers'?"},
	{"realm: a.b\nworkers: 2\n",
	 "2: unknown key 'workers' — did you mean 'dataplane.workers'?"},
	{"realm: a.b\ndataplane.workers: 2\n",
	 "2: unknown key 'dataplane.workers' — write 'workers:' below 'dataplane:'"},
	{"realm: a.b\ncontrol:\n  wokers: 2\n",
	 "3: unknown key 'control.wokers' — did you mean 'dataplane.workers'?"},
	{"relam: a.b\n", "1: unknown key 'relam' — did you mean 'realm'?"},
	{"realm: a.b\nsomething-else-entirely: 1\n",
	 "2: unknown key 'something-else-entirely'"},
	{"realm: a.b\n<<: {}\n", "2: unknown key '<<'"},
	{"realm: a.b\n\"x\\e[2J\\n\": 1\n", "2: unknown key 'x?[2J?'"},
	{"realm: a.b\n" PORT "      adresses: []\n",
	 "6: unknown key 'dataplane.ports[0].adresses' — did you mean "
	 "'dataplane.ports[0].addresses'?"},
	{"log-level: info\n", "1: 'realm' is missing, such as realm: ims.example"},
	{"\n\n# x\nhss: {}\n", "4: 'realm' is missing, such as realm: ims.example"},
	{"realm: a.b\n" PORT,
	 "4: 'dataplane.ports[0].addresses' is missing, such as addresses: 10.0.0.1/24"},
	{"realm: a.b\ndataplane:\n  ports:\n    - device: d\n",
	 "4: 'dataplane.ports[0].name' is missing, such as name: access0"},
	{"realm: a.b\ndataplane:\n  peers:\n    - net: 10.0.0.1\n    - name: x\n",
	 "5: 'dataplane.peers[1].net' is missing, such as net: 10.0.0.20"},
	{"realm: a.b\ndataplane:\n  routes: [{user: x}]\n",
	 "3: 'dataplane.routes[0].to' is missing, such as to: 10.0.0.30:5060"},
	{"realm: a.b\nrealm: a.b\n", "2: 'realm' is given twice, first in line 1"},
	{"realm: a.b\nhss: {}\nhss: {}\n", "3: 'hss' is given twice, first in line 2"},
	{"realm: a.b\nhss:\n  av-max: 1\n  av-max: 1\n",
	 "4: 'hss.av-max' is given twice, first in line 3"},
	{"realm: a.b\n" PORT "      name: b\n",
	 "6: 'dataplane.ports[0].name' is given twice, first in line 4"},

	/* Sections in sections. */
	{"realm: a.b\npcscf:\n  security:\n    requird: true\n",
	 "4: unknown key 'pcscf.security.requird' — did you mean 'pcscf.security.required'?"},
	{"realm: a.b\npcscf:\n  protected-port: {}\n",
	 "3: unknown key 'pcscf.protected-port' — did you mean 'pcscf.protected-ports'?"},
	{"realm: a.b\npcscf:\n  security.required: true\n",
	 "3: unknown key 'security.required' — write 'required:' below 'pcscf.security:'"},
	{"realm: a.b\npcscf:\n  security: [x]\n",
	 "3: 'pcscf.security' takes a mapping, not a list"},
	{"realm: a.b\nsecurity: {required: true}\n",
	 "2: unknown key 'security' — did you mean 'pcscf.security'?"},

	/* Protected ports and algorithms. */
	{"realm: a.b\npcscf:\n  protected-ports: {server: 5101}\n",
	 "3: 'pcscf.protected-ports' takes a 'server' port and two 'client' ports"},
	{"realm: a.b\npcscf:\n  protected-ports: {client: [5102, 5103]}\n",
	 "3: 'pcscf.protected-ports' takes a 'server' port and two 'client' ports"},
	{"realm: a.b\npcscf:\n  protected-ports: {server: 5101, client: [5102]}\n",
	 "3: 'pcscf.protected-ports' takes a 'server' port and two 'client' ports"},
	{"realm: a.b\npcscf:\n  protected-ports: {server: 5101, client: [5102, 5102]}\n",
	 "3: 'pcscf.protected-ports' has 5102 twice"},
	{"realm: a.b\npcscf:\n  protected-ports: {server: 5101, client: [5101, 5102]}\n",
	 "3: 'pcscf.protected-ports' has 5101 twice"},
	{"realm: a.b\npcscf:\n  protected-ports: {server: 5060, client: [5102, 5103]}\n",
	 "3: 'pcscf.protected-ports' has 5060, which is a port for SIP in clear"},
	{"realm: a.b\npcscf:\n  protected-ports: {server: 5101, client: [5102, 5080]}\n",
	 "3: 'pcscf.protected-ports' has 5080, which is a port for SIP in clear"},
	{"realm: a.b\npcscf:\n  security: {required: true}\n",
	 "3: 'pcscf.security.required' needs 'pcscf.protected-ports'"},
	{"realm: a.b\npcscf:\n  security: {integrity: [hmac-sha-1-96, hmac-sha-1-96]}\n",
	 "3: 'pcscf.security.integrity' names one twice"},
	{"realm: a.b\npcscf:\n  security: {encryption: [aes-cbc, aes-cbc]}\n",
	 "3: 'pcscf.security.encryption' names one twice"},
	{"realm: a.b\npcscf:\n  security: {encryption: []}\n",
	 "3: 'pcscf.security.encryption' is empty; null is for none"},
	{"realm: a.b\npcscf:\n  security: {integrity: [], encryption: [aes-cbc]}\n",
	 "3: 'pcscf.security.integrity' is empty, and only aes-gcm can do without"},
	{"realm: a.b\npcscf:\n  security: {integrity: [aes-gmac]}\n",
	 "3: 'pcscf.security.integrity' has nothing that goes with aes-cbc"},
	{"realm: a.b\npcscf:\n  security: {integrity: [rot13]}\n",
	 "3: 'pcscf.security.integrity' takes hmac-md5-96, hmac-sha-1-96, hmac-sha-256-128 or "
	 "aes-gmac, not 'rot13'"},

	/* The wrong kind of node. */
	{"realm: [a.b]\n", "1: 'realm' takes a domain name of at most 255 octets, not a list"},
	{"realm: {a: b}\n",
	 "1: 'realm' takes a domain name of at most 255 octets, not a mapping"},
	{"realm:\n", "1: 'realm' takes a domain name of at most 255 octets, but has no value"},
	{"realm: \"\"\n",
	 "1: 'realm' takes a domain name of at most 255 octets, but has no value"},
	{"realm: a.b\ndataplane: 1\n", "2: 'dataplane' takes a mapping, not a single value"},
	{"realm: a.b\nhss: []\n", "2: 'hss' takes a mapping, not a list"},
	{"realm: a.b\ndomains: c.d\n",
	 "2: 'domains' takes a list, such as [ims2.example], not a single value"},
	{"realm: a.b\ndomains: {c: d}\n",
	 "2: 'domains' takes a list, such as [ims2.example], not a mapping"},
	{"realm: a.b\ndomains: [[c.d]]\n",
	 "2: 'domains' takes a domain name of at most 255 octets, not a list"},
	{"realm: a.b\ndataplane:\n  roles: pcscf\n",
	 "3: 'dataplane.roles' takes a list, such as [pcscf, icscf, scscf], not a single "
	 "value"},
	{"realm: a.b\ndataplane:\n  ports: 1\n",
	 "3: 'dataplane.ports' takes a list of mappings, not '1'"},
	{"realm: a.b\ndataplane:\n  ports: {name: x}\n",
	 "3: 'dataplane.ports' takes a list of mappings, not a mapping"},
	{"realm: a.b\ndataplane:\n  ports:\n    - x\n",
	 "4: 'dataplane.ports[0]' takes a mapping, not a single value"},
	{"realm: &a [*a]\n",
	 "1: 'realm' takes a domain name of at most 255 octets, not a list"},
	{"realm: a.b\ndataplane:\n  ports: &p [*p]\n",
	 "3: 'dataplane.ports[0]' takes a mapping, not a list"},
	{"realm: a.b\ndomains: [a.b, a.b, a.b, a.b, a.b, a.b, a.b, a.b, a.b]\n",
	 "2: 'domains' takes at most 8 entries, not 9"},
	{"realm: a.b\ndataplane:\n  peers: [" E64("{net: 10.0.0.1},") " {net: 10.0.0.1}]\n",
	 "3: 'dataplane.peers' takes at most 64 entries, not 65"},

	/* Values. */
	{"realm: a b\n", "1: 'realm' takes a domain name of at most 255 octets, not 'a b'"},
	{"realm: a..b\n", "1: 'realm' takes a domain name of at most 255 octets, not 'a..b'"},
	{"realm: -a.b\n", "1: 'realm' takes a domain name of at most 255 octets, not '-a.b'"},
	{"realm: \"a.b\\nlevel=error\"\n",
	 "1: 'realm' takes a domain name of at most 255 octets, not 'a.b?level=error'"},
	{"realm: \"a\\0.b\"\n",
	 "1: 'realm' takes a domain name of at most 255 octets, not 'a?.b'"},
	{"realm: " E64("abc.") "d\n",
	 "1: 'realm' takes a domain name of at most 255 octets, not "
	 "'abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc.abc....'"},
	{"realm: a.b\nvisited-network: \"a\\tb\"\n",
	 "2: 'visited-network' takes a text of at most 255 octets, not 'a?b'"},
	{"realm: a.b\npcscf-uri: http://x.y\n",
	 "2: 'pcscf-uri' takes a SIP URI of at most 255 octets, not 'http://x.y'"},
	{"realm: a.b\nruntime-dir: run\n",
	 "2: 'runtime-dir' takes a path that begins with / of at most 80 octets, not 'run'"},
	{"realm: a.b\nlog-level: loud\n",
	 "2: 'log-level' takes debug, info, warn or error of at most 15 octets, not 'loud'"},
	{"realm: a.b\ndataplane:\n  workers: two\n",
	 "3: 'dataplane.workers' takes a whole number from 1 to 16, not 'two'"},
	{"realm: a.b\ndataplane:\n  workers: 0\n",
	 "3: 'dataplane.workers' takes a whole number from 1 to 16, not '0'"},
	{"realm: a.b\ndataplane:\n  workers: 17\n",
	 "3: 'dataplane.workers' takes a whole number from 1 to 16, not '17'"},
	{"realm: a.b\ndataplane:\n  workers: 1.5\n",
	 "3: 'dataplane.workers' takes a whole number from 1 to 16, not '1.5'"},
	{"realm: a.b\ndataplane:\n  workers: -1\n",
	 "3: 'dataplane.workers' takes a whole number from 1 to 16, not '-1'"},
	{"realm: a.b\ndataplane:\n  workers: 18446744073709551617\n",
	 "3: 'dataplane.workers' takes a whole number from 1 to 16, not "
	 "'18446744073709551617'"},
	{"realm: a.b\ndataplane:\n  sip-port: 65536\n",
	 "3: 'dataplane.sip-port' takes a whole number from 1 to 65535, not '65536'"},
	{"realm: a.b\ndataplane:\n  memory: 268435456\n",
	 "3: 'dataplane.memory' takes a size from 64MiB to 1024GiB, with its unit, such as "
	 "256MiB, not "
	 "'268435456'"},
	{"realm: a.b\ndataplane:\n  memory: 256MB\n",
	 "3: 'dataplane.memory' takes a size from 64MiB to 1024GiB, with its unit, such as "
	 "256MiB, not "
	 "'256MB'"},
	{"realm: a.b\ndataplane:\n  memory: 17179869184GiB\n", /* 2 to the 64th */
	 "3: 'dataplane.memory' takes a size from 64MiB to 1024GiB, with its unit, such as "
	 "256MiB, not "
	 "'17179869184GiB'"},
	{"realm: a.b\ndataplane:\n  memory: MiB\n",
	 "3: 'dataplane.memory' takes a size from 64MiB to 1024GiB, with its unit, such as "
	 "256MiB, not "
	 "'MiB'"},
	{"realm: a.b\ndataplane:\n  t1: 500\n", "3: 'dataplane.t1' takes a time from 50ms to "
						"10s, with its unit, such as 500ms, not '500'"},
	{"realm: a.b\ndataplane:\n  t1: 500 ms\n",
	 "3: 'dataplane.t1' takes a time from 50ms to 10s, with its unit, such as 500ms, not "
	 "'500 ms'"},
	{"realm: a.b\ndataplane:\n  t1: 11s\n", "3: 'dataplane.t1' takes a time from 50ms to "
						"10s, with its unit, such as 500ms, not '11s'"},
	{"realm: a.b\ndataplane:\n  timer-c: 3m\n",
	 "3: 'dataplane.timer-c' takes a time from 181s to 60m, with its unit, such as 185s, "
	 "not '3m'"},
	{"realm: a.b\ncontrol:\n  nonce-ttl: 500ms\n",
	 "3: 'control.nonce-ttl' takes a time from 5s to 60m, with its unit, such as 60s, not "
	 "'500ms'"},
	{"realm: a.b\ncontrol:\n  aka: maybe\n",
	 "3: 'control.aka' takes true or false, not 'maybe'"},
	{"realm: a.b\ndataplane:\n  idle: sleep\n",
	 "3: 'dataplane.idle' takes poll or adaptive, not 'sleep'"},
	{"realm: a.b\ndataplane:\n  huge-pages: yes\n",
	 "3: 'dataplane.huge-pages' takes never, auto or require, not 'yes'"},
	{"realm: a.b\ndataplane:\n  steering: rss\n",
	 "3: 'dataplane.steering' takes auto, software or flow, not 'rss'"},
	{"realm: a.b\ndataplane:\n  roles: [pcscf, hss]\n",
	 "3: 'dataplane.roles' takes pcscf, icscf, scscf or ecscf, not 'hss'"},
	{"realm: a.b\ndataplane:\n  cores: 5-2\n",
	 "3: 'dataplane.cores' takes CPU numbers such as 2,3 or 2-5 of at most 63 octets, not "
	 "'5-2'"},
	{"realm: a.b\ndataplane:\n  cores: 2,\n",
	 "3: 'dataplane.cores' takes CPU numbers such as 2,3 or 2-5 of at most 63 octets, not "
	 "'2,'"},
	{"realm: a.b\nhss:\n  amf: 80\n", "3: 'hss.amf' takes 4 hexadecimal digits, not '80'"},
	{"realm: a.b\ncontrol:\n  hss: localhost\n",
	 "3: 'control.hss' takes an IP address and port, such as 127.0.0.1:3868, not "
	 "'localhost'"},
	{"realm: a.b\ncontrol:\n  hss: 127.0.0.1:0\n",
	 "3: 'control.hss' takes an IP address and port, such as 127.0.0.1:3868, not "
	 "'127.0.0.1:0'"},
	{"realm: a.b\ncontrol:\n  diameter-listen: 127.0.0.1:1\n",
	 "3: 'control.diameter-listen' takes an IP address, not '127.0.0.1:1'"},
	{"realm: a.b\n" PORT "      addresses: [10.0.0.1]\n",
	 "6: 'dataplane.ports[0].addresses' takes an IP address with its prefix length, such "
	 "as "
	 "10.0.0.1/24, not '10.0.0.1'"},
	{"realm: a.b\n" PORT "      addresses: [10.0.0.1/33]\n",
	 "6: 'dataplane.ports[0].addresses' takes an IP address with its prefix length, such "
	 "as "
	 "10.0.0.1/24, not '10.0.0.1/33'"},
	{"realm: a.b\n" PORT "      addresses: [10.0.0.1/0]\n",
	 "6: 'dataplane.ports[0].addresses' takes an IP address with its prefix length, such "
	 "as "
	 "10.0.0.1/24, not '10.0.0.1/0'"},
	{"realm: a.b\ndataplane:\n  peers:\n    - net: 10.0.0.0/-1\n",
	 "4: 'dataplane.peers[0].net' takes an IP address or prefix, such as 10.0.0.0/24, not "
	 "'10.0.0.0/-1'"},
	{"realm: a.b\n" PORT "      zone: inside\n",
	 "6: 'dataplane.ports[0].zone' takes access or core, not 'inside'"},
	{"realm: a.b\n" PORT "      name2: x\n",
	 "6: unknown key 'dataplane.ports[0].name2' — did you mean 'dataplane.ports[0].name'?"},
	{"realm: a.b\ndataplane:\n  ports:\n    - name: a b\n",
	 "4: 'dataplane.ports[0].name' takes letters, digits, - and _ of at most 31 octets, "
	 "not 'a b'"},
	{"realm: a.b\n" PORT "      mtu: 9217\n",
	 "6: 'dataplane.ports[0].mtu' takes a whole number from 576 to 9216, not '9217'"},
	{"realm: a.b\n" PORT "      vlan: 4095\n",
	 "6: 'dataplane.ports[0].vlan' takes a whole number from 0 to 4094, not '4095'"},
	{"realm: a.b\n" PORT "      gateway: [10.0.0.2, 10.0.0.3]\n",
	 "6: 'dataplane.ports[0].gateway' takes an IP address, at most one of each family, not "
	 "'10.0.0.3'"},

	/* Keys that contradict each other. */
	{"realm: a.b\nemergency:\n  numbers:\n    - {number: \"+112\"}\n",
	 "4: 'emergency.numbers[0].number' has more than digits, * and #"},
	{"realm: a.b\nemergency:\n  numbers:\n    - {number: \"112\", service: "
	 "\"urn:service:other\"}\n",
	 "4: 'emergency.numbers[0].service' is not urn:service:sos nor below it"},
	{"realm: a.b\nemergency:\n  psap:\n    - {to: \"sip:p.b\", address: 10.0.0.9}\n",
	 "4: 'emergency.psap[0].address' is none of 'dataplane.peers'"},
	{"realm: a.b\nemergency:\n  ecscf: [10.0.0.9]\n",
	 "3: 'emergency.ecscf' has one that is none of 'dataplane.peers'"},
	{"realm: a.b\ndataplane:\n  roles: []\n", "3: 'dataplane.roles' is empty"},
	{"realm: a.b\ndataplane:\n  workers: 3\n  cores: 2-3\n",
	 "4: 'dataplane.cores' has 2 CPUs for 3 workers"},
	{"realm: a.b\ndataplane:\n  workers: 3\n  worker-port-base: 65534\n",
	 "4: 'dataplane.worker-port-base' leaves no port for 3 workers"},
	{"realm: a.b\ndataplane:\n  workers: 3\n  worker-port-base: 5058\n",
	 "4: 'dataplane.sip-port' 5060 is also the port of worker 2 "
	 "('dataplane.worker-port-base')"},
	{"realm: a.b\ndataplane:\n  punt-ring: 3MiB\n",
	 "3: 'dataplane.punt-ring' is no power of two"},
	{"realm: a.b\ndataplane:\n  t1: 5s\n",
	 "1: 'dataplane.t2' is shorter than 'dataplane.t1'"},
	{"realm: a.b\ndataplane:\n  session-expires: 89s\n",
	 "3: 'dataplane.session-expires' is shorter than 'dataplane.min-se'"},
	{"realm: a.b\ndataplane:\n  t2: 400ms\n",
	 "3: 'dataplane.t2' is shorter than 'dataplane.t1'"},
	{"realm: a.b\n" PORT "      addresses: []\n",
	 "6: 'dataplane.ports[0].addresses' is empty"},
	{"realm: a.b\n" PORT "      addresses: [224.0.0.1/24]\n",
	 "6: 'dataplane.ports[0].addresses' has one that no host may have"},
	{"realm: a.b\n" PORT "      addresses: [\"ff02::1/64\"]\n",
	 "6: 'dataplane.ports[0].addresses' has one that no host may have"},
	{"realm: a.b\n" PORT "      addresses: [10.0.0.1/24, 10.0.0.1/25]\n",
	 "6: 'dataplane.ports[0].addresses' has one that 'dataplane.ports[0]' has already"},
	{"realm: a.b\n" PORT "      addresses: [10.0.0.1/24]\n    - {name: b, device: e,\n"
	 "       addresses: [10.0.0.1/24]}\n",
	 "8: 'dataplane.ports[1].addresses' has one that 'dataplane.ports[0]' has already"},
	{"realm: a.b\n" PORT "      addresses: [10.0.0.1/24]\n    - {name: a, device: e,\n"
	 "       addresses: [10.0.1.1/24]}\n",
	 "7: two ports have the name 'a'"},
	{"realm: a.b\n" PORT "      addresses: [10.0.0.1/24]\n    - {name: b, device: d,\n"
	 "       addresses: [10.0.1.1/24]}\n",
	 "7: two ports have the same device"},
	{"realm: a.b\n" PORT "      addresses: [10.0.0.1/24]\n      gateway: 10.0.1.2\n",
	 "7: 'dataplane.ports[0].gateway' 10.0.1.2 is in no prefix of the port's addresses"},
	{"realm: a.b\n" PORT "      addresses: [10.0.0.1/24]\n      gateway: 10.0.0.1\n",
	 "7: 'dataplane.ports[0].gateway' 10.0.0.1 is the port's own address"},
	{"realm: a.b\n" PORT
	 "      addresses: [10.0.0.1/24]\n      gateway: [10.0.0.2, \"fd00::2\"]\n",
	 "7: 'dataplane.ports[0].gateway' [fd00::2] is in no prefix of the port's addresses"},
	{"realm: a.b\n" PORT "      addresses: [10.0.0.1/24]\n      routes: [10.9.0.0/16]\n",
	 "7: 'dataplane.ports[0].routes' has IPv4, but 'gateway' has not"},
	{"realm: a.b\n" PORT "      addresses: [10.0.0.1/24]\n      gateway: 10.0.0.2\n"
	 "      routes: [10.9.0.0/16, \"fd00::/8\"]\n",
	 "8: 'dataplane.ports[0].routes' has IPv6, but 'gateway' has not"},
	{"realm: a.b\n" PORT "      addresses: [\"fd00::1/64\"]\n      mtu: 1279\n",
	 "7: 'dataplane.ports[0].mtu' is below the 1280 that IPv6 needs"},
	{"realm: a.b\ncontrol:\n  expires-min: 2h\n  expires-max: 1h\n",
	 "3: 'control.expires-min' is longer than 'control.expires-max'"},
	{"realm: a.b\ncontrol:\n  contacts-max: 9\n",
	 "3: 'control.contacts-max' takes a whole number from 1 to 8, not '9'"},
	{"realm: a.b\ncontrol:\n  expires-max: 1h\n",
	 "1: 'control.expires-default' is not between 'control.expires-min' and "
	 "'control.expires-max'"},
	{"realm: a.b\ncontrol:\n  aka: false\n  digest-md5: false\n  digest-sha256: false\n",
	 "3: 'control.aka', 'control.digest-md5' and 'control.digest-sha256' are all false: "
	 "nobody could "
	 "register"},
	{"realm: a.b\ncontrol:\n  diameter-identity: hss.a.b\n",
	 "3: 'control.diameter-identity' and 'control.hss-identity' are the same"},
	{"realm: a.b\nhss:\n  metrics-listen: 127.0.0.1:9390\n",
	 "3: 'hss.metrics-listen' and 'control.metrics-listen' are the same"},
	{"realm: " E8("abcdefghijklmnopqrstuvwxyzabcd.") "ab\n",
	 "1: 'pcscf-uri' has to be given: its default sip:pcscf.{realm}:{dataplane.sip-port} "
	 "becomes too "
	 "long"},
};

static void test_rows(void **state)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char error[CONF_ERROR_MAX];
		struct conf *c = load_text(row[i].yaml, strlen(row[i].yaml), error);

		if (!c && strncmp(error, "saker.yaml:", 11) == 0 &&
		    strcmp(error + 11, row[i].error) == 0)
			continue;
		print_error("row %zu:\n  said     %s\n  expected saker.yaml:%s\n", i,
			    c ? "nothing" : error, row[i].error);
		failed++;
		conf_free(c);
	}
	assert_int_equal(failed, 0);
}

static void test_file(void **state)
{
	char error[CONF_ERROR_MAX], name[CONF_PATH_MAX + 10];

	assert_null(conf_load("none.yaml", error));
	assert_string_equal(error, "none.yaml: No such file or directory");
	assert_null(conf_load("/", error));
	assert_string_equal(error, "/: Is a directory");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	assert_null(conf_load(name, error));
	assert_non_null(strstr(error, "the path is too long"));
}

static void test_large_file(void **state)
{
	size_t len = (256 << 10) + 1;
	char *text = malloc(len), error[CONF_ERROR_MAX];

	memset(text, '#', len);
	assert_null(load_text(text, len, error));
	assert_string_equal(error, "saker.yaml: larger than 256 KiB");
	free(text);
}

/* Deep nesting and wild octets end in an error, not in a crash. */
static void test_hostile(void **state)
{
	static char deep[200000];
	char error[CONF_ERROR_MAX];

	memset(deep, '[', sizeof(deep));
	assert_null(load_text(deep, sizeof(deep), error));
	assert_string_equal(error, "saker.yaml:1: more than 100 brackets are open");
	for (size_t i = 0; i < sizeof(deep); i += 2)
		memcpy(deep + i, "- ", 2);
	assert_null(load_text(deep, sizeof(deep), error));
	assert_null(load_text("realm: \xff\xfe\n", 10, error));
	assert_non_null(strstr(error, "saker.yaml:"));
	assert_null(load_text("realm: a\0b\n", 11, error));
	assert_non_null(strstr(error, "saker.yaml:"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_large_file),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, file_setup, file_teardown);
}
