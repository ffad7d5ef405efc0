// Package planted chooses at run time which of the planted bugs is alive. It
// does that only in builds with the tag planted, which `make fuzz-proof` makes of
// an overlay of the decoders (fuzz/proof); in all others nobody imports it.
package planted
