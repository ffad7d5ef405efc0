//go:build ignore

// SPDX-License-Identifier: MIT OR GPL-2.0
/* Where and why the kernel drops packets: counts of the tracepoint
 * skb:kfree_skb, by network namespace, interface and reason, while armed.
 *
 * The tracepoint's arguments are (skb, location, reason) from Linux 5.17 on, and
 * the receiving socket behind them from 6.11 on; a kernel refuses to attach
 * a program that asks for more than it has.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* What is read of the kernel's own types; their offsets are found by BTF. */
struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct net {
	struct ns_common ns;
} __attribute__((preserve_access_index));

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
} __attribute__((preserve_access_index));

struct sock_common {
	possible_net_t skc_net;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	int skb_iif;
} __attribute__((preserve_access_index));

struct place {
	__u32 netns, ifindex, reason, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct place);
	__type(value, __u64);
} places SEC(".maps");

/* The namespaces that count. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} watched SEC(".maps");

__u32 armed;

/* The namespace of an interface; 0 when the pointer leads nowhere: a packet in a
 * socket's queue keeps something else in its place. */
static __always_inline __u32 netns_of(struct net_device *dev)
{
	return dev ? BPF_CORE_READ(dev, nd_net.net, ns.inum) : 0;
}

static __always_inline int count(struct sk_buff *skb, __u32 reason, struct sock *receiver)
{
	struct place key = {.reason = reason};
	struct net_device *dev;
	__u64 one = 1, *n;

	if (!armed || !skb)
		return 0;
	dev = BPF_CORE_READ(skb, dev);
	key.netns = netns_of(dev);
	if (bpf_map_lookup_elem(&watched, &key.netns)) {
		key.ifindex = BPF_CORE_READ(dev, ifindex);
	} else {
		if (!receiver)
			receiver = BPF_CORE_READ(skb, sk);
		if (!receiver)
			return 0;
		key.netns = BPF_CORE_READ(receiver, __sk_common.skc_net.net, ns.inum);
		key.ifindex = BPF_CORE_READ(skb, skb_iif);
		if (!bpf_map_lookup_elem(&watched, &key.netns))
			return 0;
	}
	n = bpf_map_lookup_elem(&places, &key);
	/* Another core may be as new here: then there is a place after all. */
	if (!n && bpf_map_update_elem(&places, &key, &one, BPF_NOEXIST))
		n = bpf_map_lookup_elem(&places, &key);
	if (n)
		(*n)++;
	return 0;
}

SEC("raw_tp/kfree_skb")
int drop(struct bpf_raw_tracepoint_args *ctx)
{
	return count((void *)ctx->args[0], ctx->args[2], (void *)ctx->args[3]);
}

SEC("raw_tp/kfree_skb")
int drop_older(struct bpf_raw_tracepoint_args *ctx)
{
	return count((void *)ctx->args[0], ctx->args[2], 0);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
