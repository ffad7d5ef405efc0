// Package field measures all tunnels that are installed, for `tunnelbench field`.
//
//	each device alone ──► does it work? light load, closed loop, half of its rate, memory
//	   │
//	   └─► in rounds: the control and up to seven devices at once, in turns of 20 ms, in a new
//	       order and freshly brought up in each round
//
//	after every step ──► OUT/devices/DEVICE.json ──► reports/field.Field
//
// A run that was cut short goes on where it stopped: each device has a file with all that was measured of it.
package field
