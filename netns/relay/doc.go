// Package relay forwards frames between two interfaces and impairs them exactly as its Config
// says. The lab uses a relay as a device under test with known results, to check the tester. It
// also uses a relay as an impaired link between the two ends of a tunnel.
//
//	port A ─► lane 0 ─► line 0 ─► port B      lane: decides whether and when a frame leaves
//	port A ◄─ line 1 ◄─ lane 1 ◄─ port B      line: holds the frames until they leave
//
// The decision of a lane depends only on the frame's receive time in the kernel, its length and
// its number. The number of a frame with the tester's signature is the sequence number plus one.
// Other frames are numbered from 1 in each direction. So every effect is known in advance and
// repeats in every trial. Random effects are a function of the seed, the direction and the number.
// A relay that runs late makes the same decisions.
//
// A lane applies these effects in this order:
//
//   - outage: drop the frame during the outage
//   - drop: drop the frame if its number matches the pattern
//   - loss: drop the frame with this probability
//   - rate and queue: delay the frame by the rate limiter, or drop it if the queue is full
//   - delay, jitter and spike: delay the frame without changing the order
//
// If several of the patterns corrupt, dup and reorder match a frame, the relay applies only the
// first of them in this order. Corrupt inverts the last byte of the frame. This byte is payload,
// or in the smallest frames the last byte of the send time in the signature. Dup sends the frame
// twice in a row. The rate limiter counts the two copies as one frame. Reorder holds the frame and
// sends it directly after the next frame of its direction that is not corrupted. That next frame
// is never held. Without a next frame, the relay sends the held frame after 20 ms.
package relay
