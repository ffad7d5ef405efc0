// Package header is the tunnel's header decoder as a target for go-fuzz, which
// wants a function of that shape in a package that is not a test. The corpus
// is the native target's, too.
package header
