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
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* The address, in network order; of an IPv4 address only the first word counts. */
const volatile __u32 address[4];
const volatile __u32 is_ipv6;

struct count {
	__u64 frames, bytes;
};

/* What was counted: ICMP in entry 1, everything else in entry 0. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct count);
} counts SEC(".maps");

/* Reports whether the packet is IPv4 to the address, and finds its protocol. */
static __always_inline int to_address4(struct __sk_buff *skb, __u8 *protocol)
{
	struct iphdr ip;

	if (skb->protocol != bpf_htons(ETH_P_IP) || bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return 0;
	*protocol = ip.protocol;
	return ip.daddr == address[0];
}

/* The same for IPv6. */
static __always_inline int to_address6(struct __sk_buff *skb, __u8 *protocol)
{
	struct ipv6hdr ip;

	if (skb->protocol != bpf_htons(ETH_P_IPV6) || bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return 0;
	*protocol = ip.nexthdr;
	for (int i = 0; i < 4; i++)
		if (ip.daddr.in6_u.u6_addr32[i] != address[i])
			return 0;
	return 1;
}

SEC("tc")
int answers(struct __sk_buff *skb)
{
	__u8 protocol = 0;
	__u32 key;
	struct count *c;

	if (!(is_ipv6 ? to_address6(skb, &protocol) : to_address4(skb, &protocol)))
		return TC_ACT_UNSPEC;
	key = protocol == (is_ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	c = bpf_map_lookup_elem(&counts, &key);
	if (!c)
		return TC_ACT_UNSPEC;
	/* A super-packet counts as the frames that it stands for. */
	__sync_fetch_and_add(&c->frames, skb->gso_segs ? skb->gso_segs : 1);
	__sync_fetch_and_add(&c->bytes, skb->len);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
