//go:build ignore

// SPDX-License-Identifier: MIT OR GPL-2.0
/* Which frames of a LAN interface are the tunnel's: IP packets sent to the
 * interface's MAC that are not for an address of this host. All others, ARP and neighbour
 * discovery among them, go to the kernel, which so answers for its addresses. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define OWN 65536 /* addresses of the host, of each version */

/* The interface's. Like the host's addresses it can change while the program runs. */
volatile __u8 mac[6];

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, OWN);
	__type(key, __u32);
	__type(value, __u8);
} own4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, OWN);
	__type(key, struct in6_addr);
	__type(value, __u8);
} own6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1); /* queue 0 */
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

static int for_mac(const struct ethhdr *eth)
{
	for (int i = 0; i < 6; i++)
		if (eth->h_dest[i] != mac[i])
			return 0;
	return 1;
}

static int own_ipv4(__u32 addr)
{
	return bpf_map_lookup_elem(&own4, &addr) != 0;
}

static int own_ipv6(const struct in6_addr *in)
{
	struct in6_addr addr = *in;

	if ((addr.s6_addr[0] == 0xfe && (addr.s6_addr[1] & 0xc0) == 0x80) || addr.s6_addr[0] == 0xff)
		return 1; /* the link's own business */
	return bpf_map_lookup_elem(&own6, &addr) != 0;
}

/* is_tunnels: the Ethernet frame from data to end belongs to the tunnel. */
static int is_tunnels(void *data, void *end)
{
	struct ethhdr *eth = data;
	struct iphdr *ip4 = data + sizeof(*eth);
	struct ipv6hdr *ip6 = data + sizeof(*eth);

	if ((void *)(eth + 1) > end || !for_mac(eth))
		return 0;
	switch (bpf_ntohs(eth->h_proto)) {
	case ETH_P_IP:
		return (void *)(ip4 + 1) <= end && !own_ipv4(ip4->daddr);
	case ETH_P_IPV6:
		return (void *)(ip6 + 1) <= end && !own_ipv6(&ip6->daddr);
	}
	return 0;
}

SEC("xdp")
int lan_port(struct xdp_md *ctx)
{
	if (!is_tunnels((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return XDP_PASS;
	return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS);
}

/* The same for a bridge, a bond or a VLAN: there
 * packets come in joined, and with checksums that are not finished. A TUN
 * device gets them, which says so in its header. */
volatile __u32 intake;

SEC("tc")
int lan_intake(struct __sk_buff *skb)
{
	bpf_skb_pull_data(skb, sizeof(struct ethhdr) + sizeof(struct ipv6hdr)); /* fails for a shorter IPv4 packet, which then is in one piece */
	if (skb->vlan_present || !is_tunnels((void *)(long)skb->data, (void *)(long)skb->data_end))
		return TC_ACT_UNSPEC;
	return bpf_redirect(intake, 0);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
