// Package planted chooses at run time which planted bug is active. It does so only in builds with the tag
// planted, which `make fuzz-proof` makes from an overlay of the decoders (fuzz/proof). Other builds do
// not import it.
package planted
