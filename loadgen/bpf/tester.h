/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What user space and the in-kernel tester share: the plan it is given, the
 * ledger it keeps. All of it lives in mmapped maps. Times are CLOCK_MONOTONIC
 * nanoseconds. */
#ifndef TESTER_H
#define TESTER_H

#include <linux/bpf.h>
#include <linux/types.h>

#define LANES 8		 /* set-ups that one loop feeds in turn: two ports each */
#define STREAMS (2 * LANES) /* stream 2 * lane + direction leaves the port of that number */
#define FRAME_MAX 3072	 /* octets of a live frame's template */
#define FLOWS_MAX 65536
#define TAGS_MAX 1024
#define CPUS_MAX 1024
#define STALLS_MAX 4096

/* A trial is cut into slices of 10 ms, on multiples of it by CLOCK_MONOTONIC. Of
 * longer trials than this many slices the last slice has the rest. 10 ms are
 * SLICE_UNITS of 2^SLICE_SHIFT ns; the division by it is a multiplication. */
#define SLICE 10000000ULL
#define SLICES 16384
#define SLICE_SHIFT 7
#define SLICE_UNITS 78125
#define SLICE_MUL ((1ULL << 49) / SLICE_UNITS + 1)
#define CORES 64 /* whose other programs are watched */
#define FOREIGN_LIMIT 200000 /* ns of a slice: with more of another program it is disturbed */

/* A histogram's bucket is 1/128 of its octave wide: 0.8 % at worst. */
#define SUB_BITS 7
#define SUB (1 << SUB_BITS)
#define TOP_BIT 34 /* values from 2^35 ns (34 s) on share the last bucket */
#define BUCKETS ((TOP_BIT - SUB_BITS + 2) * SUB)

/* Where things lie in a frame, by IP version: what is a flow's own (IPv4's
 * header checksum, addresses, ports) and the UDP payload, which the signature begins. */
#define OWN4 24
#define OWN4_LEN 14
#define PAYLOAD4 42
#define OWN6 22
#define OWN6_LEN 36
#define PAYLOAD6 62
#define MAGIC 0x7462 /* "tb" */

/* Frames that an attacker sends lie in packs, one behind the other: 8 octets of
 * length, then the frame, padded to 8 octets. A length of 0 ends the pack. */
#define UNDERLAY STREAMS /* the port that they leave by */
#define PACK 16384
#define MUTANT_MAX 2040

/* One of a stream's flows: octets as they lie in the frame, and what they and
 * all that does not change add to UDP's checksum: a partial one's complement
 * sum in host order. */
struct flow {
	__u8 own[36];
	__u16 udp_sum, pad;
};

struct trial_plan {
	__u64 frames;	   /* per stream; all ones: until the deadline */
	__u64 interval_q;  /* between frames, in 2^-20 ns; 0: no schedule */
	__u64 deadline;	   /* stop this long after the start, pauses added */
	__u64 stall_limit; /* a longer gap between polls is a stall */
	__u64 late_limit;  /* a frame that took longer counts as late */
	__u64 tick;	   /* the canary's period */
	__u64 turn, quiet; /* of a lane, ns; nothing is sent in the last part of a turn. 0: no turns */
	__u64 drain_limit; /* while frames are on their way a turn is longer, by whole slices up to this */
	__u32 turns, core_count; /* the trial ends after so many turns; cores that are watched */
	__u32 streams, first; /* per lane: how many; the direction there is, if one */
	__u32 lane, lanes; /* the first lane, and how many take turns */
	__u32 window;	   /* frames on their way, per stream; 0: any number */
	__u32 flow_room;   /* flows that the map holds per stream */
	__u32 flows;
	__u32 length;	   /* of a frame on a veth, without FCS */
	__u32 tester_cpu;
	__u32 trial;
	__u32 words;	   /* 64-bit words of the bitmap, per stream */
	__u32 batch;	   /* polls between two flushes to the ports */
	__u32 ipv6, pad;
	__u64 attack_q;	   /* between mutants, in 2^-20 ns; 0: none are sent */
	__u64 step_at, step_q; /* from that frame on, the interval is step_q */
	__u64 gap_q;	   /* between the frames of a burst; interval_q is between bursts */
	__u32 burst;	   /* frames; 0 or 1: evenly spaced */
	__u32 tag_shift;   /* every 2^tag_shift-th frame from tag_first on */
	__u64 tag_first;   /* all ones: none */
};

struct send_state {
	__u64 start, paused, done; /* done: when the last frame was due and sent */
	__u64 last_poll, polls, stalled;
	__u64 work;	   /* between a send and the end of its batch */
	__u32 sent, turn;  /* sent: whether the last poll sent; turn: whose is the next, of two directions */
	__u32 batch_left;  /* polls until what was sent has left for certain */
	__u32 lane;	   /* whose turn it is */
	__u64 canary_seen;
	__u64 base;	   /* now less this is how far the lane's schedule is */
	__u64 turn_end, turn_limit; /* of this turn; the latest that it may become */
	__u32 turns, slice; /* turns that are over; the slice that is being filled */
	__u64 work_before;  /* work until this slice */
	__u32 resting, pad; /* nothing is sent any more in this turn */
};

struct stream_sent {
	__u64 n, due_q;
	__u64 last; /* when the last frame went out */
	__u32 flow, in_burst;
	__u64 known; /* frames below this number are no longer on their way */
	__u64 moved; /* when known last moved */
	__u64 before; /* n at the beginning of the slice */
	__u64 pad;
};

/* A lane's schedule stands still while it is not its turn. */
struct lane_state {
	__u64 ran; /* how far its schedule is, ns */
	__u64 pad[7];
};

/* What was sent in a slice, by the lane whose turn it was. */
struct slice_sent {
	__u32 lane, turn; /* turn: counted from 1; 0: the sender did not run in this slice */
	__u32 n[2];	  /* by direction */
	__u64 work;
};

/* What came of the frames that were sent in a slice. */
struct slice_received {
	__u32 received, late;
	__u64 latency; /* sum */
};

struct attack_state {
	__u64 n, octets, refused, repeats, due_q;
	__u32 pack, at; /* where the next one lies */
};

struct histogram {
	__u64 min, max;
	__u32 counts[BUCKETS];
};

/* How long a stream's frames took. */
struct stream_delays {
	struct histogram all, quiet; /* quiet: what no stall touched */
	/* Of trials with tags: how much longer a frame took than the one before it, and how
	 * much less long; the delays of tagged frames plus one, 0 where none came. */
	struct histogram longer, shorter;
	__u64 tags[TAGS_MAX];
};

struct stream_received {
	__u64 received, late, duplicated, reordered, corrupted, stale, foreign;
	__u64 next; /* lowest sequence number not yet passed */
	__u64 first, last;
	__u64 gaps;		   /* times that a later frame came in place of one */
	__u64 silence, silent_from; /* the longest time without a frame */
	__u64 took;		   /* by the frame before next, plus one; 0: nothing came */
	__u64 pad[2]; /* whole cache lines per stream: a core each may receive them */
};

struct canary {
	__u64 last, stalls, stolen;
	__u64 probes, probe_time; /* of a piece of work that is always the same */
	__u64 window, window_time, fastest; /* the quickest window's average; a cache line per core in all */
};

/* Other programs' time on a core. */
struct core_state {
	__u64 since;   /* another program runs since then; 0: none does */
	__u64 foreign; /* ns in all */
	__u64 softirq; /* whether a soft interrupt interrupts it */
	__u8 comm[16]; /* of the program that ran last */
	__u64 pad[3];
};

struct stall {
	__u64 at, length;
	__u32 cpu, tester;
};

#endif
