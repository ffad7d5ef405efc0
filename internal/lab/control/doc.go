// Package control measures devices beside a control, plain forwarding unless the user names another
// one, so that what is said of a device does not depend on the machine's hour.
//
//	bring-up: control, A, B up at once ──► turns of 20 ms in a closed loop ──► rates in blocks
//	   │  repeated                                                               │
//	   └────────────────────────────────────────────────────────────────────────►┴─► Reading
//
// The speed of a machine moves within tenths of a second, and devices follow it to a different
// degree. A block pairs a device's rate with the control's of the same moment. The line through the
// logarithms of all blocks gives the device's rate at the control's nominal speed: the speed that the
// machine's self-test found, or without one the speed in the best tenth of the run.
package control
