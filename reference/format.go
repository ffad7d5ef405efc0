package reference

// format is what the datagrams of a tunnel look like. The plain format has a header with a checksum; the
// sealed one is WireGuard's.
//
//	encap:  number (in order) --> seal (anywhere) --> socket
//	decap:  socket --> open (anywhere) --> accept (in order)
type format interface {
	layout() layout
	// number gives the packets of a batch their numbers and destinations, in order. It removes packets that
	// have to wait.
	number(b *batch)
	// seal makes datagrams of the packets, in place.
	seal(b *batch)
	// open checks the messages of a batch, in place.
	open(b *rxBatch)
	// accept leaves in the batch the packets of those that are no replays; others have no payload. Batches come
	// in the order of arrival.
	accept(b *rxBatch)
}
