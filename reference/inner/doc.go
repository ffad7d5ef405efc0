// Package inner looks at the IP packets that a tunnel carries: what they are and
// where they go, and how one large packet becomes many of a size, and many one, as
// a network card with segmentation offload does it (TSO, USO, GRO).
//
//	| virtio_net_hdr | super-packet |  --Splitter-->  packet packet packet
//	packet packet packet  --Merger-->  | virtio_net_hdr | super-packet |
//
// What a Merger joined, a Splitter cuts up into the same packets, octet by
// octet. Nothing here allocates, keeps a packet, or trusts a length in one:
// everything comes from whoever sends through the tunnel.
package inner
