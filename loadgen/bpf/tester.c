//go:build ignore

// SPDX-License-Identifier: MIT OR GPL-2.0
/* The in-kernel tester.
 *
 *	send      run by BPF_PROG_TEST_RUN in live-frames mode, over and over, on
 *		  the tester's core: not yet due -> drop; due -> write the whole
 *		  frame, stamp it, redirect it to its port
 *	receive0  XDP on port 1, where stream 0 comes out: check, ledger, histogram
 *	receive1  XDP on port 0, where stream 1 comes out
 *	tick      a 1 kHz cpu-clock perf event on every core: a tick that comes
 *		  late means that the machine took the core away
 *	switched  on every context switch: how long programs run that are neither
 *		  the lab's nor the device's
 *
 * One core sends; one NAPI context receives a stream (ports have one queue), so
 * nothing here is written by two cores at a time but the list of stalls.
 *
 * A lane is one set-up with its two ports. Several lanes take turns of some
 * slices: A B B A A B B A..., so that neither gains by a machine that becomes
 * slower or faster. A lane's schedule stands still while others have their turn.
 */
#include "tester.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define LINE __attribute__((aligned(64))) /* cores do not share what one of them writes */

/* Keeps the compiler from proving a bound that the verifier then misses. */
#define OPAQUE(v) asm volatile("" : "+r"(v))

struct trial_plan plan LINE;
struct send_state sender LINE;
struct stream_sent sent[STREAMS] LINE;
struct attack_state attack LINE;
struct stream_received received[STREAMS] LINE;
struct lane_state lanes[LANES] LINE;
struct core_state cores[CORES] LINE;
__u8 core_index[CPUS_MAX] LINE; /* of watched cores, from 1 */
__u32 own_pids; /* the lab's PID namespace */
__u64 quiet_since LINE; /* frames stamped before it met a stall */
__u64 started; /* when slice 0 began */

struct histogram lateness[2] LINE; /* everything, and what no stall touched */
__u8 template[STREAMS][FRAME_MAX] LINE;

struct stall stalls[STALLS_MAX] LINE;
__u64 stall_count LINE;
struct canary canaries[CPUS_MAX] LINE;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2); /* set by user space to what the trial needs */
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2); /* set by user space: flow_room for each stream */
	__type(key, __u32);
	__type(value, struct flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SLICES);
	__type(key, __u32);
	__type(value, struct slice_sent);
} slices_sent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * SLICES); /* set by user space: SLICES for each stream */
	__type(key, __u32);
	__type(value, struct slice_received);
} slices_received SEC(".maps");

/* By stream. A map, so that a trial empties and reads those of its own streams only. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2); /* set by user space: one for each stream */
	__type(key, __u32);
	__type(value, struct stream_delays);
} delays SEC(".maps");

/* By core and slice: ns that other programs had. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SLICES); /* set by user space: SLICES for each core */
	__type(key, __u32);
	__type(value, __u64);
} slices_foreign SEC(".maps");

/* The lab's own processes, by their numbers in own_pids, and the network namespaces of
 * its set-ups. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u32);
} own_processes SEC(".maps"), own_networks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set by user space to what the attack needs */
	__type(key, __u32);
	__type(value, __u8[PACK]);
} mutants SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, STREAMS + 1);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");

/* The slice of a time after the start. */
static __always_inline __u32 slice_of(__u64 elapsed)
{
	if (elapsed >= SLICE * (SLICES - 1))
		return SLICES - 1;
	return ((elapsed >> SLICE_SHIFT) & 0xffffffff) * SLICE_MUL >> 49;
}

/* The bucket of v: exact below SUB, then SUB buckets per octave. */
static __always_inline __u32 bucket(__u64 v)
{
	__u32 bit = 0;
	__u64 x = v;

	if (v < SUB)
		return v;
	if (v >> (TOP_BIT + 1))
		return BUCKETS - 1;
	if (x >> 32)
		x >>= 32, bit += 32;
	if (x >> 16)
		x >>= 16, bit += 16;
	if (x >> 8)
		x >>= 8, bit += 8;
	if (x >> 4)
		x >>= 4, bit += 4;
	if (x >> 2)
		x >>= 2, bit += 2;
	bit += x >> 1;
	return ((bit - SUB_BITS) << SUB_BITS) + (v >> (bit - SUB_BITS));
}

static __always_inline void count(struct histogram *h, __u64 v)
{
	__u32 b = bucket(v);

	OPAQUE(b);
	if (b < BUCKETS)
		h->counts[b]++;
	if (v < h->min)
		h->min = v;
	if (v > h->max)
		h->max = v;
}

/* Frames stamped before the end of this slice are not quiet. */
static __always_inline void disturb_slice(__u64 now)
{
	__u64 quiet = now + SLICE - now % SLICE;

	if (quiet > quiet_since)
		quiet_since = quiet;
}

static __always_inline void record_stall(__u64 at, __u64 length, __u32 tester)
{
	__u64 i = __sync_fetch_and_add(&stall_count, 1);

	disturb_slice(at + length);
	if (i >= STALLS_MAX)
		return;
	stalls[i].at = at;
	stalls[i].length = length;
	stalls[i].cpu = bpf_get_smp_processor_id();
	stalls[i].tester = tester;
}

/* A long gap between two polls is the machine's doing when nothing was on its way
 * out in it, or when the core's own timer was late too; else it is the path's. The
 * machine's time pauses the schedule, the path's does not. */
static __always_inline void judge_gap(__u64 now, __u64 gap)
{
	__u32 cpu = plan.tester_cpu;
	__u64 ticks_late = cpu < CPUS_MAX ? canaries[cpu].stalls : 0;

	if ((sender.sent || sender.batch_left) && ticks_late == sender.canary_seen)
		return;
	sender.canary_seen = ticks_late;
	sender.stalled += gap;
	if (plan.interval_q) {
		sender.paused += gap;
		sender.base += gap;
	}
	record_stall(now - gap, gap, 1);
}

static __always_inline __u32 add_words(__u32 sum, __u64 v)
{
	return sum + (v >> 48) + ((v >> 32) & 0xffff) + ((v >> 16) & 0xffff) + (v & 0xffff);
}

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* The exclusive or of all octets of the signature but the check itself. */
static __always_inline __u8 check_octet(__u32 trial, __u32 stream, __u32 sequence, __u64 time)
{
	__u64 x = time ^ sequence ^ trial ^ stream ^ MAGIC;

	x ^= x >> 32;
	x ^= x >> 16;
	return x ^ (x >> 8);
}

struct signature {
	__be16 magic, trial;
	__u8 stream, check;
	__u8 sequence[4], time[8]; /* big-endian, not aligned */
};

/* Copies n octets, a constant, by words: nothing in a frame is aligned, and
 * what the compiler has for that goes octet by octet. */
static __always_inline void copy(void *to, const void *from, const int n)
{
#pragma unroll
	for (int i = 0; i < n / 8; i++)
		((__u64 *)to)[i] = ((const __u64 *)from)[i];
	if (n & 4)
		*(__u32 *)(to + n / 8 * 8) = *(const __u32 *)(from + n / 8 * 8);
	if (n & 2)
		*(__u16 *)(to + n / 4 * 4) = *(const __u16 *)(from + n / 4 * 4);
}

/* Writes stream s's next frame; where its parts lie are constants. */
static __always_inline int write_frame(struct xdp_md *ctx, __u32 s, __u64 now, const int own, const int own_len,
				       const int payload)
{
	const int signed_len = payload + sizeof(struct signature);
	__u32 sequence = sent[s].n, index = s * plan.flow_room + sent[s].flow;
	__u64 rest = (__u64)plan.length - signed_len;
	__u8 *frame = (void *)(long)ctx->data;
	struct signature *signature = (void *)frame + payload;
	struct flow *f;
	__u32 sum;
	__u8 check;

	f = bpf_map_lookup_elem(&flows, &index);
	if (!f || (void *)(signature + 1) > (void *)(long)ctx->data_end)
		return -1;
	check = check_octet(plan.trial, s, sequence, now);
	copy(frame, template[s], signed_len); /* magic, trial and stream too */
	copy(frame + own, f->own, own_len);
	sum = add_words(add_words(f->udp_sum + check, sequence), now);
	sum = (__u16)~fold(sum);
	*(__be16 *)(frame + payload - 2) = bpf_htons(sum ? sum : 0xffff); /* RFC 768: 0 means none */
	signature->check = check;
	*(__be32 *)signature->sequence = bpf_htonl(sequence);
	*(__be64 *)signature->time = bpf_cpu_to_be64(now);
	/* Pages come back with whatever the device wrote into them. */
	OPAQUE(rest);
	if (!rest)
		return 0;
	OPAQUE(rest);
	if (rest > FRAME_MAX - signed_len)
		return -1;
	return bpf_xdp_store_bytes(ctx, signed_len, &template[s][signed_len], rest);
}

/* From the frame that was just sent to the next. */
static __always_inline __u64 next_interval(__u32 s)
{
	if (sent[s].n >= plan.step_at)
		return plan.step_q;
	if (plan.burst > 1) {
		if (++sent[s].in_burst < plan.burst)
			return plan.gap_q;
		sent[s].in_burst = 0;
	}
	return plan.interval_q;
}

/* Whether so many frames of stream s are on their way that the next has to wait.
 * Frames below the highest number that came are not: a path keeps the order, or
 * has lost them. If nothing comes for late_limit, all are given up. */
static __always_inline int window_full(__u32 s, __u64 now)
{
	if (sent[s].n < sent[s].known + plan.window)
		return 0;
	if (received[s].next > sent[s].known) {
		sent[s].known = received[s].next;
		sent[s].moved = now;
	} else if (now - sent[s].moved > plan.late_limit && now - sent[s].last > plan.late_limit) {
		sent[s].known = sent[s].n;
		sent[s].moved = now;
	}
	return sent[s].n >= sent[s].known + plan.window;
}

/* Send stream s's next frame if it is due. */
static __always_inline int send_due(struct xdp_md *ctx, __u32 s, __u64 now, __u64 elapsed)
{
	__u64 due;
	int failed;

	s &= STREAMS - 1;
	OPAQUE(s);
	due = sent[s].due_q >> 20;
	if (sent[s].n >= plan.frames || elapsed < due)
		return XDP_DROP;
	if (plan.window && window_full(s, now))
		return XDP_DROP;
	if (plan.ipv6)
		failed = write_frame(ctx, s, now, OWN6, OWN6_LEN, PAYLOAD6);
	else
		failed = write_frame(ctx, s, now, OWN4, OWN4_LEN, PAYLOAD4);
	if (failed)
		return XDP_ABORTED;
	if (plan.interval_q) {
		count(&lateness[0], elapsed - due);
		if (now >= quiet_since)
			count(&lateness[1], elapsed - due);
	}
	sent[s].n++;
	sent[s].due_q += next_interval(s);
	sent[s].last = now;
	if (++sent[s].flow >= plan.flows)
		sent[s].flow = 0;
	sender.sent = 1;
	sender.batch_left = plan.batch;
	sender.turn = ~s & 1;
	return bpf_redirect_map(&ports, s, XDP_ABORTED);
}

/* Mutants begin again with the first when there are no more. */
static __always_inline int next_pack(__u32 pack)
{
	attack.at = 0;
	attack.pack = pack;
	attack.repeats += !pack;
	return XDP_DROP;
}

/* Send the next mutant if it is due. */
static __always_inline int attack_due(struct xdp_md *ctx, __u64 elapsed)
{
	__u32 index = attack.pack, at = attack.at & ~7;
	__u64 length;
	__u8 *pack;
	int octets;

	if (!plan.attack_q || elapsed < attack.due_q >> 20)
		return XDP_DROP;
	octets = ctx->data_end - ctx->data;
	OPAQUE(octets); /* the verifier takes no other order of the sum */
	pack = bpf_map_lookup_elem(&mutants, &index);
	if (!pack)
		return next_pack(0);
	if (at > PACK - 8 - MUTANT_MAX)
		return next_pack(index + 1);
	length = *(__u64 *)(pack + at);
	if (!length || length > MUTANT_MAX)
		return next_pack(at ? index + 1 : 0);
	attack.at = at + 8 + ((length + 7) & ~7);
	attack.due_q += plan.attack_q;
	if (bpf_xdp_adjust_tail(ctx, (int)length - octets) ||
	    bpf_xdp_store_bytes(ctx, 0, pack + at + 8, length)) {
		attack.refused++;
		return XDP_DROP;
	}
	attack.n++;
	attack.octets += length;
	sender.sent = 1;
	sender.batch_left = plan.batch;
	return bpf_redirect_map(&ports, UNDERLAY, XDP_ABORTED);
}

static __always_inline int finished(__u64 now, __u64 elapsed)
{
	__u32 s = 2 * sender.lane & (STREAMS - 1);

	if (plan.turn)
		return now - sender.start >= plan.deadline;
	if (elapsed >= plan.deadline)
		return 1;
	OPAQUE(s);
	if (sent[s].n + sent[s | 1].n < plan.frames * plan.streams)
		return 0;
	s |= plan.first & 1;
	OPAQUE(s);
	return elapsed >= sent[s & (STREAMS - 1)].due_q >> 20; /* the last frame's interval is part of the trial */
}

/* Enter what was sent in the slice that ends. */
static __always_inline void end_slice(__u64 now)
{
	__u32 s = 2 * sender.lane & (STREAMS - 1), i = sender.slice, next = slice_of(now - sender.start);
	struct slice_sent *slice = bpf_map_lookup_elem(&slices_sent, &i);

	OPAQUE(s);
	if (slice) {
		slice->lane = sender.lane;
		slice->turn = sender.turns + 1;
		slice->n[0] += sent[s].n - sent[s].before;
		slice->n[1] += sent[s | 1].n - sent[s | 1].before;
		slice->work += sender.work - sender.work_before;
	}
	sent[s].before = sent[s].n;
	sent[s | 1].before = sent[s | 1].n;
	sender.work_before = sender.work;
	sender.slice = next;
}

/* Whether all that this lane sent has come, or nothing more comes. */
static __always_inline int drained(__u64 now)
{
	const __s64 idle = 3000000;
	__u32 s = 2 * sender.lane & (STREAMS - 1);
	__u64 last;

	OPAQUE(s);
	last = received[s].last;
	if (received[s | 1].last > last)
		last = received[s | 1].last;
	if (received[s].next >= sent[s].n && received[s | 1].next >= sent[s | 1].n)
		return 1;
	/* signed: the receiving core may have written a later time than now */
	return (__s64)(now - last) > idle && (__s64)(now - sent[s].last) > idle && (__s64)(now - sent[s | 1].last) > idle;
}

/* The lane whose turn follows: forwards, then backwards. */
static __always_inline __u32 next_lane(__u32 turn)
{
	__u32 at = turn % (2 * plan.lanes);

	return (plan.lane + (at < plan.lanes ? at : 2 * plan.lanes - 1 - at)) & (LANES - 1);
}

static __always_inline void begin_turn(__u64 now)
{
	__u32 lane = next_lane(sender.turns);

	OPAQUE(lane);
	lane &= LANES - 1;
	sender.lane = lane;
	sender.turn = plan.first & 1;
	if (sender.turn_end < now - now % SLICE) /* after a stall: a whole turn all the same */
		sender.turn_end = now - now % SLICE;
	sender.turn_end += plan.turn;
	sender.turn_limit = sender.turn_end + plan.drain_limit;
	sender.base = now - lanes[lane].ran;
	sender.resting = 0;
}

/* What has not come by the end of a turn is no longer on its way. */
static __always_inline void give_up(__u32 s, __u64 now)
{
	s &= STREAMS - 1;
	OPAQUE(s);
	sent[s & (STREAMS - 1)].known = sent[s & (STREAMS - 1)].n;
	sent[s & (STREAMS - 1)].moved = now;
}

/* Returns whether nothing may be sent, since a turn comes to its end. A turn that is
 * over ends the trial or is followed by the next lane's. */
static __always_inline int between_turns(__u64 now)
{
	__u32 lane = sender.lane & (LANES - 1);

	if (!sender.resting) {
		if (now < sender.turn_end - plan.quiet)
			return 0;
		OPAQUE(lane);
		lanes[lane & (LANES - 1)].ran = now - sender.base;
		sender.resting = 1;
	}
	if (now < sender.turn_end)
		return 1;
	if (now < sender.turn_limit && !drained(now)) {
		sender.turn_end += SLICE;
		return 1;
	}
	give_up(2 * lane, now);
	give_up(2 * lane + 1, now);
	if (++sender.turns >= plan.turns)
		sender.done = now;
	else
		begin_turn(now);
	return sender.done != 0;
}

/* The trial begins with the next slice. */
static __always_inline void begin(__u64 now)
{
	sender.start = now - now % SLICE + SLICE;
	sender.base = sender.start;
	sender.last_poll = sender.start; /* a stall before it is none of the trial's */
	sender.lane = plan.lane & (LANES - 1);
	sender.turn_end = sender.start + plan.turn;
	sender.turn_limit = sender.turn_end + plan.drain_limit;
	started = sender.start;
	if (plan.tester_cpu < CPUS_MAX)
		sender.canary_seen = canaries[plan.tester_cpu].stalls;
}

SEC("xdp")
int send(struct xdp_md *ctx)
{
	__u64 now = bpf_ktime_get_ns(), gap, elapsed;
	__u32 turn, s;
	int verdict;

	if (sender.done)
		return XDP_DROP;
	if (!sender.start)
		begin(now);
	if (now < sender.start)
		return XDP_DROP;
	gap = now - sender.last_poll;
	if (gap > plan.stall_limit)
		judge_gap(now, gap);
	else if (sender.batch_left) {
		/* Sending, the flush, and the receive path that runs in its wake. */
		sender.work += gap;
		sender.batch_left--;
	}
	sender.last_poll = now;
	sender.polls++;
	sender.sent = 0;
	elapsed = now - sender.base;
	if (finished(now, elapsed)) {
		end_slice(now);
		sender.done = now;
		return XDP_DROP;
	}
	if (now - sender.start >= (sender.slice + 1) * SLICE && sender.slice < SLICES - 1)
		end_slice(now);
	if (plan.turn && between_turns(now))
		return XDP_DROP;
	elapsed = now - sender.base; /* another lane may have begun */
	turn = (plan.streams < 2 ? plan.first : sender.turn) & 1;
	s = 2 * sender.lane + turn;
	verdict = send_due(ctx, s, now, elapsed);
	if (verdict == XDP_DROP && plan.streams == 2)
		verdict = send_due(ctx, s ^ 1, now, elapsed);
	if (verdict == XDP_DROP)
		verdict = attack_due(ctx, elapsed);
	return verdict;
}

#define CHUNK 64

/* The octets behind the signature against the template: by chunks, words,
 * octets. A global function, so that the verifier looks at it once. */
__noinline int payload_differs(struct xdp_md *ctx, __u32 s)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u8 *expected = template[s & 1];
	__u64 diff = 0;
	__u32 at = (plan.ipv6 ? PAYLOAD6 : PAYLOAD4) + sizeof(struct signature);

	for (;; at += CHUNK) {
		__u64 *p = (__u64 *)(data + at), *t = (__u64 *)&expected[at];

		OPAQUE(at);
		if (at > FRAME_MAX - CHUNK || (void *)(p + CHUNK / 8) > (void *)end)
			break;
#pragma unroll
		for (int i = 0; i < CHUNK / 8; i++)
			diff |= p[i] ^ t[i];
	}
	for (int i = 0; i < CHUNK / 8; i++, at += 8) {
		__u64 *p = (__u64 *)(data + at), *t = (__u64 *)&expected[at];

		OPAQUE(at);
		if (at > FRAME_MAX - 8 || (void *)(p + 1) > (void *)end)
			break;
		diff |= *p ^ *t;
	}
	for (int i = 0; i < 8; i++, at++) {
		OPAQUE(at);
		if (at >= FRAME_MAX || data + at + 1 > end)
			break;
		diff |= data[at] ^ expected[at];
	}
	return diff != 0;
}

/* What a trial with tags keeps of a frame; the one before it took r->took. */
static __always_inline void book_delay(struct stream_received *r, struct stream_delays *d, __u32 sequence, __u64 took)
{
	__u32 after = sequence - (__u32)plan.tag_first, tag = after >> (plan.tag_shift & 31);

	if (sequence >= plan.tag_first && tag << (plan.tag_shift & 31) == after) {
		OPAQUE(tag);
		if (tag < TAGS_MAX)
			d->tags[tag] = took + 1;
	}
	if (sequence && sequence == r->next && r->took) {
		if (took + 1 >= r->took)
			count(&d->longer, took + 1 - r->took);
		else
			count(&d->shorter, r->took - took - 1);
	}
	if (sequence >= r->next)
		r->took = took + 1;
}

/* Book an intact frame of this trial. */
static __always_inline void book(struct stream_received *r, __u32 s, __u32 sequence, __u64 stamp, __u64 now)
{
	__u32 index = s * plan.words + (sequence >> 6);
	__u64 bit = 1ULL << (sequence & 63), took = now - stamp;
	__u64 *word = bpf_map_lookup_elem(&seen, &index);
	struct stream_delays *d = bpf_map_lookup_elem(&delays, &s);
	struct slice_received *slice;

	if (!word || !d) {
		r->corrupted++;
		return;
	}
	if (*word & bit) {
		r->duplicated++;
		return;
	}
	*word |= bit;
	if (~plan.tag_first)
		book_delay(r, d, sequence, took);
	if (sequence < r->next) {
		r->reordered++;
	} else {
		r->gaps += sequence > r->next;
		r->next = sequence + 1ULL;
	}
	index = s * SLICES + slice_of(stamp - started);
	slice = bpf_map_lookup_elem(&slices_received, &index);
	if (took > plan.late_limit)
		r->late++;
	else
		r->received++;
	if (slice) {
		slice->received += took <= plan.late_limit;
		slice->late += took > plan.late_limit;
		slice->latency += took;
	}
	if (!r->first)
		r->first = now;
	else if (now - r->last > r->silence) {
		r->silence = now - r->last;
		r->silent_from = r->last;
	}
	r->last = now;
	count(&d->all, took);
	if (stamp >= quiet_since)
		count(&d->quiet, took);
}

/* The port of a direction takes the streams of that direction, of any lane: the lanes'
 * networks are apart. */
static __always_inline int receive(struct xdp_md *ctx, __u32 direction)
{
	__u32 payload = plan.ipv6 ? PAYLOAD6 : PAYLOAD4, length = ctx->data_end - ctx->data, sequence, s;
	struct signature *signature = (void *)(long)ctx->data + payload;
	__u64 now = bpf_ktime_get_ns(), stamp;
	struct stream_received *r = &received[(2 * plan.lane + direction) & (STREAMS - 1)];

	if ((void *)(signature + 1) > (void *)(long)ctx->data_end || signature->magic != bpf_htons(MAGIC)) {
		r->foreign++;
		return XDP_DROP;
	}
	s = signature->stream;
	if ((s & 1) == direction && (s >> 1) - plan.lane < plan.lanes) {
		s &= STREAMS - 1;
		OPAQUE(s);
		r = &received[s & (STREAMS - 1)];
	}
	sequence = bpf_ntohl(*(__be32 *)signature->sequence);
	stamp = bpf_be64_to_cpu(*(__be64 *)signature->time);
	if (signature->check != check_octet(bpf_ntohs(signature->trial), signature->stream, sequence, stamp))
		r->corrupted++;
	else if ((s & 1) != direction || (s >> 1) - plan.lane >= plan.lanes)
		r->foreign++;
	else if (signature->trial != bpf_htons(plan.trial))
		r->stale++;
	else if (length != plan.length || sequence >= plan.frames || stamp > now || (sequence >> 6) >= plan.words ||
		 (length > payload + sizeof(*signature) && payload_differs(ctx, s)))
		r->corrupted++;
	else
		book(r, s & (STREAMS - 1), sequence, stamp, now);
	return XDP_DROP;
}

/* Another program may look at each frame when its time is taken. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} behind SEC(".maps");

const volatile __u32 chained; /* 0: there is none, and nothing is spent on it */

SEC("xdp")
int receive0(struct xdp_md *ctx)
{
	int verdict = receive(ctx, 0);

	if (chained)
		bpf_tail_call(ctx, &behind, 0);
	return verdict;
}

SEC("xdp")
int receive1(struct xdp_md *ctx)
{
	int verdict = receive(ctx, 1);

	if (chained)
		bpf_tail_call(ctx, &behind, 0);
	return verdict;
}

#define PROBE 1000
#define PROBE_WORST 4
#define PROBE_WINDOW 16

/* What a core can do is the average of its quickest window: a single probe can be
 * a fifth quicker than any average. Only while a trial runs, since a core is
 * quicker while the tester's core rests. */
static __always_inline void note_fastest(struct canary *c, __u64 took)
{
	if (!sender.start || sender.done) {
		c->window = c->window_time = 0;
		return;
	}
	c->window_time += took;
	if (++c->window < PROBE_WINDOW)
		return;
	took = c->window_time / PROBE_WINDOW;
	if (!c->fastest || took < c->fastest)
		c->fastest = took;
	c->window = c->window_time = 0;
}

/* A piece of work that is always the same: it takes longer while somebody else
 * has the other half of an SMT core, or the clock of the core is down. Four
 * sums, since only work that could go faster is slowed down by a neighbour. */
static __always_inline void probe_speed(struct canary *c, __u64 start)
{
	__u64 w = start, x = start, y = start, z = start, took;

	for (__u64 i = 0; i < PROBE; i++) {
		w += i, x += i, y += i, z += i;
		OPAQUE(w);
		OPAQUE(x);
		OPAQUE(y);
		OPAQUE(z);
	}
	took = bpf_ktime_get_ns() - start;
	if (c->fastest && took > PROBE_WORST * c->fastest)
		took = PROBE_WORST * c->fastest; /* a stall in the middle of it is counted elsewhere */
	c->probes++;
	c->probe_time += took;
	note_fastest(c, took);
}

static __always_inline struct core_state *core_of(__u32 cpu)
{
	__u32 i = cpu < CPUS_MAX ? core_index[cpu] : 0;

	if (!i)
		return 0;
	i = (i - 1) & (CORES - 1);
	OPAQUE(i);
	return &cores[i & (CORES - 1)];
}

/* Enter the time that another program has had on a core until now. The canary's
 * ticks see to it that this is no more than a period, if the core was not taken away. */
static __always_inline void enter_foreign(__u32 cpu, __u64 now)
{
	struct core_state *core = core_of(cpu);
	__u64 took, *slice;
	__u32 i;

	if (!core || !core->since)
		return;
	took = now - core->since;
	core->since = now;
	core->foreign += took;
	if (!started || now < started || sender.done)
		return;
	i = (core_index[cpu & (CPUS_MAX - 1)] - 1) * SLICES + slice_of(now - started);
	slice = bpf_map_lookup_elem(&slices_foreign, &i);
	if (!slice)
		return;
	*slice += took;
	if (*slice > FOREIGN_LIMIT)
		disturb_slice(now);
}

/* What is read of the kernel's own types; their offsets are found by BTF. */
struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct net {
	struct ns_common ns;
} __attribute__((preserve_access_index));

struct nsproxy {
	struct net *net_ns;
} __attribute__((preserve_access_index));

struct pid_namespace {
	struct ns_common ns;
} __attribute__((preserve_access_index));

/* A process's number in one PID namespace. */
struct upid {
	int nr;
	struct pid_namespace *ns;
} __attribute__((preserve_access_index));

struct pid {
	unsigned int level;
	struct upid numbers[1]; /* level + 1 of them */
} __attribute__((preserve_access_index));

struct task_struct {
	struct task_struct *group_leader;
	struct pid *thread_pid;
	void *mm;
	char comm[16];
	struct nsproxy *nsproxy;
} __attribute__((preserve_access_index));

/* Whether this is a process of the lab, by the number that its own PID namespace gives
 * it: all of the lab's are in the lab's. */
static __always_inline int is_own(struct task_struct *task)
{
	struct pid *pid = task->group_leader->thread_pid;
	__u64 offset = bpf_core_field_offset(struct pid, numbers) + (__u64)pid->level * bpf_core_type_size(struct upid);
	struct upid *number = (void *)((long)pid + offset);
	__u32 nr = BPF_CORE_READ(number, nr);

	return bpf_map_lookup_elem(&own_processes, &nr) && BPF_CORE_READ(number, ns, ns.inum) == own_pids;
}

/* Another program is one of user space that is neither of the lab nor in the
 * network of a set-up. The kernel's threads do what the device makes them do. */
static __always_inline int is_foreign(struct task_struct *task)
{
	__u32 network;

	if (!task->mm || is_own(task))
		return 0;
	network = task->nsproxy->net_ns->ns.inum;
	return !bpf_map_lookup_elem(&own_networks, &network);
}

/* The core runs another program from now on. */
static __always_inline void begin_foreign(struct core_state *core, struct task_struct *task, __u64 now)
{
	core->since = now;
	bpf_probe_read_kernel_str(core->comm, sizeof(core->comm), task->comm);
}

/* A program that ran before anybody watched, and gives way to nobody, is seen at a tick. */
static __always_inline void look_at_core(__u32 cpu, __u64 now)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct core_state *core = core_of(cpu);

	enter_foreign(cpu, now);
	if (core && !core->since && !core->softirq && is_foreign(task))
		begin_foreign(core, task, now);
}

/* The gap between two ticks holds the stall and, before it, part of a period
 * that nobody saw: half of one on average. */
SEC("perf_event")
int tick(void *ctx)
{
	__u64 now = bpf_ktime_get_ns(), gap;
	__u32 cpu = bpf_get_smp_processor_id();
	struct canary *c;

	if (cpu >= CPUS_MAX)
		return 0;
	c = &canaries[cpu];
	gap = now - c->last;
	if (c->last && gap > plan.tick + plan.stall_limit) {
		c->stalls++;
		c->stolen += gap - plan.tick / 2;
		if (cpu != plan.tester_cpu && sender.start && !sender.done)
			record_stall(now - (gap - plan.tick / 2), gap - plan.tick / 2, 0);
	}
	c->last = now;
	look_at_core(cpu, now);
	probe_speed(c, now);
	return 0;
}

SEC("tp_btf/sched_switch")
int switched(__u64 *ctx)
{
	struct task_struct *next = (void *)ctx[2];
	__u32 cpu = bpf_get_smp_processor_id();
	struct core_state *core = core_of(cpu);
	__u64 now;

	if (!core)
		return 0;
	now = bpf_ktime_get_ns();
	enter_foreign(cpu, now);
	core->since = 0;
	core->softirq = 0;
	if (is_foreign(next))
		begin_foreign(core, next, now);
	return 0;
}

/* A soft interrupt in another program's time is not that program's. */
SEC("tp_btf/softirq_entry")
int softirq_begins(__u64 *ctx)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct core_state *core = core_of(cpu);

	if (!core || !core->since)
		return 0;
	enter_foreign(cpu, bpf_ktime_get_ns());
	core->since = 0;
	core->softirq = 1;
	return 0;
}

SEC("tp_btf/softirq_exit")
int softirq_ends(__u64 *ctx)
{
	struct core_state *core = core_of(bpf_get_smp_processor_id());

	if (core && core->softirq) {
		core->softirq = 0;
		core->since = bpf_ktime_get_ns();
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
