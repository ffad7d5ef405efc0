//go:build ignore

// SPDX-License-Identifier: MIT OR GPL-2.0
/* Counts what a link carries to one address: what the attacked end of a tunnel answers to
 * a source that it does not know. It runs on the ingress of an interface (tc-bpf(8)) and
 * lets all packets pass.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* The address, in network order; of an IPv4 address only the first word counts. */
const volatile __u32 address[4];
const volatile __u32 is_ipv6;

struct count {
	__u64 frames, bytes;
};

/* What was counted, by entry. */
enum { OTHER, ICMP, COOKIE_REPLY, KINDS };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KINDS);
	__type(key, __u32);
	__type(value, struct count);
} counts SEC(".maps");

/* Where a packet's payload begins, and what it is. */
struct payload {
	__u32 at;
	__u8 protocol;
};

/* Reports whether the packet is IPv4 to the address, and finds its payload. */
static __always_inline int to_address4(struct __sk_buff *skb, struct payload *p)
{
	struct iphdr ip;

	if (skb->protocol != bpf_htons(ETH_P_IP) || bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return 0;
	p->protocol = ip.protocol;
	p->at = ETH_HLEN + ip.ihl * 4;
	return ip.daddr == address[0];
}

/* The same for IPv6. */
static __always_inline int to_address6(struct __sk_buff *skb, struct payload *p)
{
	struct ipv6hdr ip;

	if (skb->protocol != bpf_htons(ETH_P_IPV6) || bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return 0;
	p->protocol = ip.nexthdr;
	p->at = ETH_HLEN + sizeof(ip);
	for (int i = 0; i < 4; i++)
		if (ip.daddr.in6_u.u6_addr32[i] != address[i])
			return 0;
	return 1;
}

/* Reports whether the packet is a cookie reply of WireGuard: type 3, little-endian, 64 bytes.
 * A super-packet is none.
 */
static __always_inline int is_cookie_reply(struct __sk_buff *skb, const struct payload *p)
{
	struct {
		struct udphdr udp;
		__u8 type[4];
	} message;

	if (p->protocol != IPPROTO_UDP || skb->gso_segs > 1 || bpf_skb_load_bytes(skb, p->at, &message, sizeof(message)))
		return 0;
	return message.udp.len == bpf_htons(sizeof(struct udphdr) + 64) && message.type[0] == 3 &&
	       !message.type[1] && !message.type[2] && !message.type[3];
}

SEC("tc")
int answers(struct __sk_buff *skb)
{
	struct payload p = {};
	__u32 key = OTHER;
	struct count *c;

	if (!(is_ipv6 ? to_address6(skb, &p) : to_address4(skb, &p)))
		return TC_ACT_UNSPEC;
	if (p.protocol == (is_ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		key = ICMP;
	else if (is_cookie_reply(skb, &p))
		key = COOKIE_REPLY;
	c = bpf_map_lookup_elem(&counts, &key);
	if (!c)
		return TC_ACT_UNSPEC;
	/* A super-packet counts as the frames that it stands for. */
	__sync_fetch_and_add(&c->frames, skb->gso_segs ? skb->gso_segs : 1);
	__sync_fetch_and_add(&c->bytes, skb->len);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
