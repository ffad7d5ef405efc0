// Package control is the positive control: what the fuzz lab's way of asking
// finds in somebody else's code, from nothing. google/gopacket v1.1.19 has
// faults in GRE and in GTPv1-U that are known; a lab that does not find them
// cannot be believed when it finds nothing. run.sh asks.
//
// It is a module of its own, so that nothing else is built with that version.
package control
