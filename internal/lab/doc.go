// Package lab composes the laboratory: network, device under test, tester and
// meters become one rfc2544.Measurer, and a plan becomes results.
//
//	Config ─► Open ─► Lab ─► Calibrate (the bare wire)
//	                   │
//	                   └──► Setup(device) ─► network, tunnel, engine
//	                             │
//	                             └─ Measure(trial): counters, soakers before
//	                                                engine.Run
//	                                                counters, soakers after
//	                                                ─► Observation, valid or not
//
// CPU is charged by cycle soakers: a spinner of the lowest priority on every
// core of the device keeps the core awake and counts its own loops; what it
// lost, all others took, soft interrupts included. The kernel's own accounting
// bills those to whatever they interrupt. The tester's core has a soaker too:
// its polls between frames.
package lab
