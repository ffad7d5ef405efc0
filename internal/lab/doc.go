// Package lab makes a machine ready and measures devices on it.
//
//	Config ─► Open ─► Lab: lock, sysctls guarded, cores divided, soakers
//	                   │
//	Settings ──────────┼─► Calibrate (the bare wire) ─► Calibration: engine, MOL, prices
//	                   │
//	                   └─► Setup(device) ─► network, tunnel, engine: an rfc2544.Measurer
//	                             │
//	                             └─ Measure(trial): counters, soakers before
//	                                                engine.Run
//	                                                counters, soakers after
//	                                                ─► Observation, valid or not
//
// Config is of the machine, Settings are of one set-up: a value that nothing changes afterwards. A
// run is measured with one engine: whoever runs it takes the engine that calibrated into its settings.
//
// What is done with set-ups has packages of its own below this one: suite (profiles of runs),
// selftest (reference devices), streams (TCP); labtest has a simulated lab for tests.
//
// CPU is charged by cycle soakers: a spinner of the lowest priority on every
// core of the device keeps the core awake and counts its own loops; what it
// lost, all others took, soft interrupts included. The kernel's own accounting
// bills those to whatever they interrupt. The tester's core has a soaker too:
// its polls between frames.
package lab
