// Package calls counts the instructions of single functions of this build, mostly decoders, in an
// emulated machine. Its role prints one line of JSON for each.
package calls

// Word is the first argument of this program when it counts its own calls.
const Word = "__calls"
