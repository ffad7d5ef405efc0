// Package simulated is a device under test on a virtual clock. It has a rate, a queue and
// faults that are known exactly, so the tests of package rfc2544 can be tested
// against what they have to find, and the time of a run can be estimated without measuring.
package simulated
