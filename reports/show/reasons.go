package show

// reasonTexts explains the kernel's most frequent drop reasons, enum skb_drop_reason in Linux's
// include/net/dropreason-core.h.
var reasonTexts = map[string]string{
	"NOT_SPECIFIED":          "the kernel gives none",
	"NO_SOCKET":              "no program listens on this port",
	"SOCKET_RCVBUFF":         "the receive buffer of the socket was full",
	"SOCKET_FILTER":          "the filter of the socket refused it",
	"PKT_TOO_SMALL":          "the packet is shorter than its headers",
	"PKT_TOO_BIG":            "the packet is longer than the MTU",
	"UDP_CSUM":               "wrong UDP checksum",
	"TCP_CSUM":               "wrong TCP checksum",
	"IP_CSUM":                "wrong checksum of the IP header",
	"IP_INHDR":               "faulty IP header",
	"IP_RPFILTER":            "its source is not reached that way (rp_filter)",
	"IP_NOPROTO":             "no handler for its IP protocol",
	"IP_INADDRERRORS":        "faulty address",
	"IP_INNOROUTES":          "no route to where it came from or goes to",
	"IP_OUTNOROUTES":         "no route",
	"UNHANDLED_PROTO":        "no handler for its Ethernet type",
	"OTHERHOST":              "it is addressed to another host",
	"NETFILTER_DROP":         "a firewall rule",
	"XDP":                    "an XDP program",
	"CPU_BACKLOG":            "the backlog of the core was full (netdev_max_backlog)",
	"QDISC_DROP":             "the queue of the interface was full",
	"FULL_RING":              "the ring of the interface was full",
	"NOMEM":                  "no memory",
	"DEV_READY":              "the interface was not up",
	"TAP_FILTER":             "the filter of the TUN or TAP device",
	"NEIGH_FAILED":           "no answer from the next hop",
	"NEIGH_QUEUEFULL":        "too many packets waited for the next hop's address",
	"NEIGH_DEAD":             "the entry of the next hop was deleted",
	"DUP_FRAG":               "a fragment came twice",
	"FRAG_REASM_TIMEOUT":     "fragments were missing",
	"VXLAN_INVALID_HDR":      "faulty VXLAN header",
	"VXLAN_VNI_NOT_FOUND":    "no VXLAN of this number",
	"TUNNEL_TXINFO":          "no tunnel parameters for it",
	"LOCAL_MAC":              "it carries the own MAC address as its source",
	"IP_TUNNEL_ECN":          "its ECN bits contradict each other",
	"IPV6DISABLED":           "IPv6 is off",
	"IPV6_NDISC_BAD_OPTIONS": "faulty neighbour discovery",
	"SKB_CSUM":               "wrong checksum",
	"SKB_UCOPY_FAULT":        "the program gave no memory for it",
	"SKB_GSO_SEG":            "a super-packet could not be cut",
	"HDR_TRUNC":              "the headers are cut off",
	"TC_INGRESS":             "a traffic control rule",
	"TC_EGRESS":              "a traffic control rule",
	"INVALID_PROTO":          "faulty protocol number",
	"MULTICAST_NO_LISTENERS": "nobody listens to this multicast group",
}

// reasonText explains a drop reason in words.
func reasonText(reason string) string {
	if text, ok := reasonTexts[reason]; ok {
		return text
	}
	return "see include/net/dropreason-core.h of Linux"
}
