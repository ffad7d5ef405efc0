// Package offload splits one large IP packet into many, and joins many into one, as a network card with
// segmentation offload does (TSO, USO, GRO):
//
//	| virtio_net_hdr | super-packet |  --Splitter-->  packet packet packet
//	packet packet packet  --Merger-->  | virtio_net_hdr | super-packet |
//
// A Splitter splits what a Merger joined into the same packets, byte for byte. The package allocates
// nothing, keeps no packet, and trusts no length field: packets come from the network.
package offload
