//go:build ignore

// SPDX-License-Identifier: MIT OR GPL-2.0
/* Whose datagrams the underlay socket takes: those of configured endpoints.
 * Others are dropped before they are queued, and nobody is told. */
#include <linux/bpf.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/types.h>
#include <linux/udp.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* An address and a port as they stand in a datagram; of an IPv4 address the
 * other octets are zero. */
struct endpoint {
	__u8 addr[16];
	__u16 port;
	__u16 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* as many as there are endpoints */
	__type(key, struct endpoint);
	__type(value, __u8);
} endpoints SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} unknown_sources SEC(".maps");

/* The message starts with its UDP header. */
SEC("socket")
int from_endpoint(struct __sk_buff *skb)
{
	struct endpoint from = {};
	__u8 version;
	__u32 zero = 0;
	__u64 *count;

	if (bpf_skb_load_bytes(skb, offsetof(struct udphdr, source), &from.port, sizeof(from.port)) ||
	    bpf_skb_load_bytes_relative(skb, 0, &version, sizeof(version), BPF_HDR_START_NET))
		return 0;
	if (version >> 4 == 4) {
		if (bpf_skb_load_bytes_relative(skb, offsetof(struct iphdr, saddr), from.addr, 4, BPF_HDR_START_NET))
			return 0;
	} else if (bpf_skb_load_bytes_relative(skb, offsetof(struct ipv6hdr, saddr), from.addr, 16, BPF_HDR_START_NET)) {
		return 0;
	}
	if (bpf_map_lookup_elem(&endpoints, &from))
		return skb->len;
	count = bpf_map_lookup_elem(&unknown_sources, &zero);
	if (count)
		*count += 1;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
