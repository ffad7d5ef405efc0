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
// Config describes the machine. Settings describe one set-up and do not change afterwards. A run
// uses one engine: the caller copies the engine that calibrated into its settings.
//
// The packages below this one use set-ups: suite (profiles of runs), selftest (reference devices),
// streams (TCP). Package labtest has a simulated lab for tests.
//
// CPU time is measured with soakers: on every core of the device, a process of the lowest priority
// spins and reads the clock. This keeps the core awake. The time that a soaker loses is the CPU
// time of everything else on the core, soft interrupts included; the kernel's own accounting
// charges soft interrupts to the process that they interrupt. The tester's core needs no soaker:
// the engine polls there between frames.
package lab
