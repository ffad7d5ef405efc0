// Package relay passes frames from one interface to another and does to them
// exactly what its Config says: the calibrated device that the lab is measured
// with, and the impaired link between the two ends of a tunnel.
//
//	port A ─► lane 0 ─► line 0 ─► port B      lane: what becomes of a frame, and when
//	port A ◄─ line 1 ◄─ lane 1 ◄─ port B      line: the frames on their way, in order
//
// A lane decides by values alone: when the kernel received the frame, its length,
// and its number. That is the tester's own sequence number plus one where a frame
// bears the tester's signature, else the count of the direction's other frames. So
// every effect is known in advance, frame by frame, and repeats with every trial:
// even chance is a function of seed, direction and number. Being late changes no
// decision, since none rests on when the relay looked.
//
// In order, a frame
//
//   - is dropped in an outage,
//   - else dropped when drop's pattern hits its number,
//   - else dropped by chance (loss),
//   - else waits for the rate, or is dropped when queue frames wait already,
//   - then is delayed by delay and jitter, order kept.
//
// Of corrupt, dup and reorder, in this order, only the first to hit a frame
// happens to it: a corrupted frame is counted as corrupted once, not twice. What
// is corrupted is the frame's last octet: payload behind the signature, or in
// frames that have none the last of the send time. A doubled frame leaves
// twice in a row and counts once for the rate. A reordered frame is held and leaves right behind the next
// whole frame of its direction, which is never held itself; without one it
// goes on after 20 ms.
package relay
