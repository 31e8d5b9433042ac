/* icmp.c - ICMP and ICMPv6: echo is answered, neighbour discovery passed on, all else ignored
 */
#include "net/icmp.h"

#include "net/checksum.h"
#include "net/ip_out.h"
#include "net/nd.h"

enum { ICMP_HEADER = 8, ICMP4_ECHO_REPLY = 0, ICMP4_ECHO_REQUEST = 8, CHECKSUM_AT = 2 };

static void put_sum(uint8_t *message, uint64_t sum)
{
	uint16_t folded = (uint16_t)~checksum_fold(sum);

	memcpy(message + CHECKSUM_AT, &folded, sizeof(folded));
}

void icmp6_checksum(uint8_t *message, uint32_t len, const struct addr *src,
		    const struct addr *dst)
{
	memset(message + CHECKSUM_AT, 0, 2);
	put_sum(message,
		checksum_add(ip_out_pseudo(src, dst, IPPROTO_ICMPV6, len), message, len));
}

/* The message goes back whence it came, without the headers it came with. */
static enum verdict echo(struct net_worker *w, struct packet *p, uint8_t type, uint8_t proto)
{
	struct rte_mbuf *m = p->m;
	uint8_t *d = p->at;

	count(w->counters, COUNT_ICMP_ECHO);
	mbufs_restore(mbufs_place(m, d, p->left), 0);
	d[0] = type;
	if (proto == IPPROTO_ICMP) {
		memset(d + CHECKSUM_AT, 0, 2);
		put_sum(d, checksum_add(0, d, p->left));
	} else {
		icmp6_checksum(d, p->left, &p->dst, &p->src);
	}
	ip_out(w, p->port, m, &p->from,
	       &(struct ip_out_header){&p->dst, &p->src, proto, IP_OUT_HOPS});
	return VERDICT_SEND;
}

enum verdict icmp4_input(struct net_worker *w, struct packet *p)
{
	if (p->left < ICMP_HEADER)
		return packet_drop(w, COUNT_DROP_IP);
	if (checksum_fold(checksum_add(0, p->at, p->left)) != 0xffff)
		return packet_drop(w, COUNT_DROP_CHECKSUM);
	if (p->at[0] != ICMP4_ECHO_REQUEST || p->at[1] != 0)
		return packet_drop(w, COUNT_DROP_L2);
	return echo(w, p, ICMP4_ECHO_REPLY, IPPROTO_ICMP);
}

enum verdict icmp6_input(struct net_worker *w, struct packet *p)
{
	uint64_t sum;

	if (p->left < ICMP_HEADER)
		return packet_drop(w, COUNT_DROP_IP);
	sum = ip_out_pseudo(&p->src, &p->dst, IPPROTO_ICMPV6, p->left);
	if (checksum_fold(checksum_add(sum, p->at, p->left)) != 0xffff)
		return packet_drop(w, COUNT_DROP_CHECKSUM);
	if (p->at[0] == ICMP6_SOLICIT || p->at[0] == ICMP6_ADVERTISE)
		return nd_input(w, p);
	/* Solicitations may go to a multicast group; nobody is pinged through one. */
	if (p->at[0] != ICMP6_ECHO_REQUEST || p->at[1] != 0 || p->dst.ip[0] == 0xff)
		return packet_drop(w, COUNT_DROP_L2);
	return echo(w, p, ICMP6_ECHO_REPLY, IPPROTO_ICMPV6);
}
