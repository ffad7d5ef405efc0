// Package control is a positive control: it runs the fuzz harnesses against gopacket v1.1.19, which has
// known faults in GRE and GTPv1-U, starting from no corpus. If the fuzz lab does not find these faults,
// its clean results mean nothing. Run it with run.sh.
//
// It is a module of its own, so that nothing else is built with that version.
package control
