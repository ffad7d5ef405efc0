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
 *
 * One core sends; one NAPI context receives a stream (ports have one queue), so
 * nothing here is written by two cores at a time but the list of stalls.
 */
#include "tester.h"
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
__u64 quiet_since LINE; /* frames stamped before it met a stall */

/* Everything, and what no stall touched. */
struct histogram latency[STREAMS][2] LINE;
struct histogram lateness[2] LINE;

/* Of trials with tags: the delays of tagged frames plus one, 0 where none
 * came; how much longer a frame took than the one before it, and how much less long. */
__u64 tags[STREAMS][TAGS_MAX] LINE;
struct histogram longer[STREAMS] LINE;
struct histogram shorter[STREAMS] LINE;

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
	__uint(max_entries, STREAMS *FLOWS_MAX);
	__type(key, __u32);
	__type(value, struct flow);
} flows SEC(".maps");

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

static __always_inline void record_stall(__u64 at, __u64 length, __u32 tester)
{
	__u64 i = __sync_fetch_and_add(&stall_count, 1);
	__u64 end = at + length;
	__u64 quiet = end + plan.slice;

	if (plan.slice)
		quiet -= (end - sender.start) % plan.slice;
	if (quiet > quiet_since)
		quiet_since = quiet;
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
	if (plan.interval_q)
		sender.paused += gap;
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
	__u32 sequence = sent[s].n, index = s * FLOWS_MAX + sent[s].flow;
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

/* Send stream s's next frame if it is due. */
static __always_inline int send_due(struct xdp_md *ctx, __u32 s, __u64 now, __u64 elapsed)
{
	__u64 due = sent[s].due_q >> 20;
	int failed;

	if (sent[s].n >= plan.frames || elapsed < due)
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
	sender.turn = s ^ 1;
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

static __always_inline int finished(__u64 elapsed)
{
	if (elapsed >= plan.deadline)
		return 1;
	if (sent[0].n + sent[1].n < plan.frames * plan.streams)
		return 0;
	return elapsed >= sent[plan.first & 1].due_q >> 20; /* the last frame's interval is part of the trial */
}

SEC("xdp")
int send(struct xdp_md *ctx)
{
	__u64 now = bpf_ktime_get_ns(), gap, elapsed;
	__u32 turn;
	int verdict;

	if (sender.done)
		return XDP_DROP;
	if (!sender.start) {
		sender.start = now;
		sender.last_poll = now;
		if (plan.tester_cpu < CPUS_MAX)
			sender.canary_seen = canaries[plan.tester_cpu].stalls;
	}
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
	elapsed = now - sender.start - sender.paused;
	if (finished(elapsed)) {
		sender.done = now;
		return XDP_DROP;
	}
	turn = (plan.streams < 2 ? plan.first : sender.turn) & 1;
	/* A constant stream number lets the verifier see every bound. */
	verdict = turn ? send_due(ctx, 1, now, elapsed) : send_due(ctx, 0, now, elapsed);
	if (verdict == XDP_DROP && plan.streams == 2)
		verdict = turn ? send_due(ctx, 0, now, elapsed) : send_due(ctx, 1, now, elapsed);
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
static __always_inline void book_delay(struct stream_received *r, __u32 s, __u32 sequence, __u64 took)
{
	__u32 after = sequence - (__u32)plan.tag_first, tag = after >> (plan.tag_shift & 31);

	if (sequence >= plan.tag_first && tag << (plan.tag_shift & 31) == after) {
		OPAQUE(tag);
		if (tag < TAGS_MAX)
			tags[s][tag] = took + 1;
	}
	if (sequence && sequence == r->next && r->took) {
		if (took + 1 >= r->took)
			count(&longer[s], took + 1 - r->took);
		else
			count(&shorter[s], r->took - took - 1);
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

	if (!word) {
		r->corrupted++;
		return;
	}
	if (*word & bit) {
		r->duplicated++;
		return;
	}
	*word |= bit;
	if (~plan.tag_first)
		book_delay(r, s, sequence, took);
	if (sequence < r->next) {
		r->reordered++;
	} else {
		r->gaps += sequence > r->next;
		r->next = sequence + 1ULL;
	}
	if (took > plan.late_limit)
		r->late++;
	else
		r->received++;
	if (!r->first)
		r->first = now;
	else if (now - r->last > r->silence) {
		r->silence = now - r->last;
		r->silent_from = r->last;
	}
	r->last = now;
	count(&latency[s][0], took);
	if (stamp >= quiet_since)
		count(&latency[s][1], took);
}

static __always_inline int receive(struct xdp_md *ctx, __u32 s)
{
	__u32 payload = plan.ipv6 ? PAYLOAD6 : PAYLOAD4, length = ctx->data_end - ctx->data, sequence;
	struct signature *signature = (void *)(long)ctx->data + payload;
	__u64 now = bpf_ktime_get_ns(), stamp;
	struct stream_received *r = &received[s];

	if ((void *)(signature + 1) > (void *)(long)ctx->data_end || signature->magic != bpf_htons(MAGIC)) {
		r->foreign++;
		return XDP_DROP;
	}
	sequence = bpf_ntohl(*(__be32 *)signature->sequence);
	stamp = bpf_be64_to_cpu(*(__be64 *)signature->time);
	if (signature->check != check_octet(bpf_ntohs(signature->trial), signature->stream, sequence, stamp))
		r->corrupted++;
	else if (signature->stream != s)
		r->foreign++;
	else if (signature->trial != bpf_htons(plan.trial))
		r->stale++;
	else if (length != plan.length || sequence >= plan.frames || stamp > now || (sequence >> 6) >= plan.words ||
		 (length > payload + sizeof(*signature) && payload_differs(ctx, s)))
		r->corrupted++;
	else
		book(r, s, sequence, stamp, now);
	return XDP_DROP;
}

SEC("xdp")
int receive0(struct xdp_md *ctx)
{
	return receive(ctx, 0);
}

SEC("xdp")
int receive1(struct xdp_md *ctx)
{
	return receive(ctx, 1);
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
	probe_speed(c, now);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
