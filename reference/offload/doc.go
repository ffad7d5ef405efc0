// Package offload makes many IP packets of one large one, and one of many, as a
// network card with segmentation offload does it (TSO, USO, GRO):
//
//	| virtio_net_hdr | super-packet |  --Splitter-->  packet packet packet
//	packet packet packet  --Merger-->  | virtio_net_hdr | super-packet |
//
// What a Merger joined, a Splitter cuts up into the same packets, byte by byte.
// Nothing here allocates, keeps a packet, or trusts a length in one: everything
// comes from whoever sends through the tunnel.
package offload
