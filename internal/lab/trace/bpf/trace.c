//go:build ignore

// SPDX-License-Identifier: MIT OR GPL-2.0
/* When a frame of the tester passes an interface, is read by a process, or is
 * dropped. The programs at interfaces (tcx, Linux 6.6) know a frame by the
 * tester's signature, which they find by its magic at any offset, also inside
 * an encapsulation. The programs at tracepoints know it by the address of its
 * sk_buff, which the last interface has noted.
 *
 *   interface --> read by a process (skb:skb_copy_datagram_iovec; sock:sk_data_ready and sock_recv_length)
 *             \-> dropped           (skb:kfree_skb, with the kernel's reason)
 *
 *   the tester's XDP program --> chained behind it, when the tester has counted the frame
 *
 * A packet that hides its frame, because it is sealed, is noted with its length
 * and WireGuard's counter.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define MAGIC 0x7462   /* "tb" */
#define SIGNATURE 18   /* octets; loadgen/signature has the layout */
#define SEARCHED 256   /* octets of a packet in which the signature is looked for */
#define SEARCHES 64    /* packets without one make an interface a sealed one */
#define SEGMENTS 128   /* frames in a super-packet (UDP_MAX_SEGMENTS) */
#define SNAP 256       /* octets of a packet that a capture has; of a segment at least half of it */
#define HEAD 64        /* octets of Ethernet, IP and UDP headers, at most */
#define SLOTS 65536    /* a power of two */
#define TCX_NEXT -1

/* Bounds a value by a power of two where the verifier sees it, although the compiler knows that it is bounded. */
#define BOUND(v, n) asm volatile("%0 &= %1" : "+r"(v) : "i"((n) - 1))

/* What is read of the kernel's own types; their offsets are found by BTF. */
struct sk_buff;

struct sk_buff_head {
	struct sk_buff *next, *prev;
	__u32 qlen;
} __attribute__((preserve_access_index));

struct sock {
	struct sk_buff_head sk_receive_queue;
	__u16 sk_protocol;
} __attribute__((preserve_access_index));

struct udp_sock {
	struct sk_buff_head reader_queue;
} __attribute__((preserve_access_index));

struct task_struct {
	int pid, tgid;
} __attribute__((preserve_access_index));

extern void *bpf_cast_to_kern_ctx(void *obj) __ksym;

enum kind { SEEN = 1, SEALED, READ, DROPPED };

struct event {
	__u64 time;   /* CLOCK_MONOTONIC, ns */
	__u64 skb;    /* its address */
	__u32 seq;    /* SEALED: WireGuard's counter, or 0 */
	__u32 age;    /* ns since the tester sent it; all ones: longer, or not known */
	__u32 detail; /* SEEN and SEALED: octets of the packet; READ: thread; DROPPED: reason */
	__u16 trial;
	__u16 point;  /* of SEEN and SEALED */
	__u8 stream;
	__u8 kind;
	__u16 segment; /* its place in a super-packet, from 1; 0: it is none */
	__u32 receiver; /* SEALED: WireGuard's receiver index, or 0 */
};

/* An interface in one direction. */
struct place {
	__u32 offset; /* of the signature; 0: not known yet */
	__u32 failed; /* packets without a signature since the last one with it */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event);
} events SEC(".maps");

/* What a capture has of the packet of each event. */
struct snap {
	__u8 octets[SNAP];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct snap);
} snaps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct place);
} places SEC(".maps");

/* The packets that are followed, by a hash of their address. One that shares its
 * slot with a later one is lost sight of. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} followed SEC(".maps");

struct scratch {
	__u64 address;
	__u8 octets[SEARCHED + SIGNATURE + 6];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 5); /* one for each program that others may interrupt */
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* Set for each program. */
const volatile __u16 point;
const volatile __u32 link_header; /* octets before the IP header */
/* Set for all of them. */
const volatile __u32 room;  /* of events */
const volatile __u32 snap;  /* 1: note what a capture has */
const volatile __u32 tester_ports[2], tester_offset;
const volatile __u16 tester_points[2];

/* Set while it runs. */
__u32 armed;
__u32 mask;  /* frames whose sequence number has none of these bits are followed */
__u64 taken; /* events; those over room were lost */
__u64 since; /* CLOCK_MONOTONIC, ns */

struct signature {
	__u16 magic, trial;
	__u8 stream, check;
	__u16 seq[2], sent[4]; /* big-endian, not aligned */
} __attribute__((packed));

static __always_inline __u32 sequence(const struct signature *s)
{
	return (__u32)bpf_ntohs(s->seq[0]) << 16 | bpf_ntohs(s->seq[1]);
}

static __always_inline __u64 sent_at(const struct signature *s)
{
	return (__u64)bpf_ntohs(s->sent[0]) << 48 | (__u64)bpf_ntohs(s->sent[1]) << 32 |
	       (__u64)bpf_ntohs(s->sent[2]) << 16 | bpf_ntohs(s->sent[3]);
}

/* The exclusive or of all octets of a signature, check included, is zero. */
static __always_inline int valid(const struct signature *s)
{
	__u16 x = s->magic ^ s->trial ^ s->seq[0] ^ s->seq[1] ^ s->sent[0] ^ s->sent[1] ^ s->sent[2] ^ s->sent[3];

	return s->magic == bpf_htons(MAGIC) && ((__u8)x ^ (__u8)(x >> 8) ^ s->stream ^ s->check) == 0;
}

/* The address as a number: the verifier lets nobody count with a pointer. */
static __always_inline __u64 address(void *skb, struct scratch *s)
{
	volatile __u64 *a = &s->address;

	*a = (__u64)skb;
	return *a;
}

static __always_inline __u64 *slot(__u64 skb)
{
	__u32 key = ((skb >> 6) ^ (skb >> 22)) & (SLOTS - 1);

	return bpf_map_lookup_elem(&followed, &key);
}

static __always_inline void follow(__u64 skb)
{
	__u64 *s = slot(skb);

	if (s)
		*s = skb;
}

/* Whether a packet was followed; it is not any longer. */
static __always_inline int unfollow(__u64 skb)
{
	__u64 *s = slot(skb);

	if (!s || *s != skb)
		return 0;
	*s = 0;
	return 1;
}

static __always_inline struct event *note(__u8 kind, __u64 skb, __u32 *at)
{
	__u64 n = __sync_fetch_and_add(&taken, 1);
	struct event *e;

	if (n >= room)
		return 0;
	*at = n;
	e = bpf_map_lookup_elem(&events, at);
	if (!e)
		return 0;
	e->time = bpf_ktime_get_ns();
	e->skb = skb;
	e->kind = kind;
	e->age = ~0;
	return e;
}

static __always_inline void sign(struct event *e, const struct signature *s)
{
	__u64 age = e->time - sent_at(s);

	e->seq = sequence(s);
	e->trial = bpf_ntohs(s->trial);
	e->stream = s->stream;
	if (age < ~0U)
		e->age = age;
}

static __always_inline struct scratch *own_scratch(__u32 which)
{
	return bpf_map_lookup_elem(&scratches, &which);
}

/* The search for a signature in the octets of scratch. */
struct search {
	struct scratch *in;
	__u32 length, found;
};

static long look(__u64 i, struct search *s)
{
	__u32 at = i + 1;
	const struct signature *here;

	if (at + SIGNATURE > s->length)
		return 1;
	BOUND(at, SEARCHED);
	here = (void *)&s->in->octets[at];
	if (!valid(here))
		return 0;
	s->found = at;
	return 1;
}

/* Looks for the signature; 0: there is none. */
static __always_inline __u32 search(struct __sk_buff *skb, struct scratch *in)
{
	struct search s = {.in = in, .length = skb->len};

	if (s.length > SEARCHED)
		s.length = SEARCHED;
	if (s.length < SIGNATURE + 1 || bpf_skb_load_bytes(skb, 0, in->octets, s.length))
		return 0;
	bpf_loop(SEARCHED - SIGNATURE, look, &s, 0);
	return s.found;
}

/* Where the payload of a datagram begins, which a super-packet has many of; 0: it is none. */
static __always_inline __u32 payload(struct __sk_buff *skb)
{
	__u8 version = 0;

	bpf_skb_load_bytes(skb, link_header, &version, 1);
	switch (version >> 4) {
	case 4:
		return link_header + 28;
	case 6:
		return link_header + 48;
	}
	return 0;
}

/* A segment's own payload comes behind the headers of its super-packet. */
static __always_inline void capture(struct __sk_buff *skb, __u32 at, __u32 skipped)
{
	__u64 head, last = skb->len - 1;
	struct snap *s;

	if (!snap)
		return;
	s = bpf_map_lookup_elem(&snaps, &at);
	if (!s)
		return;
	if (last > SNAP - 1)
		last = SNAP - 1;
	BOUND(last, SNAP);
	bpf_skb_load_bytes(skb, 0, s->octets, last + 1);
	head = payload(skb);
	if (!skipped || !head || head >= HEAD || head + skipped >= skb->len)
		return;
	last = skb->len - head - skipped - 1;
	if (last > SNAP / 2 - 1)
		last = SNAP / 2 - 1;
	BOUND(last, SNAP / 2);
	BOUND(head, HEAD);
	bpf_skb_load_bytes(skb, head + skipped, s->octets + head, last + 1);
}

/* A packet at an interface: one frame, or the segments of a super-packet. */
struct packet {
	struct __sk_buff *skb;
	__u64 addr;
	__u32 offset, head, step, any, one;
};

/* Notes a frame if it is to be followed. */
static long frame(__u64 i, struct packet *p)
{
	struct signature s;
	struct event *e;
	__u32 at;

	if (bpf_skb_load_bytes(p->skb, p->offset + i * p->step, &s, sizeof(s)) || !valid(&s))
		return 0;
	p->any = 1;
	if (sequence(&s) & mask)
		return 0;
	if (!p->one)
		follow(p->addr);
	p->one = 1;
	e = note(SEEN, p->addr, &at);
	if (!e)
		return 1;
	sign(e, &s);
	e->point = point;
	e->detail = p->step ? p->head + p->step : p->skb->len;
	e->segment = p->step ? i + 1 : 0;
	capture(p->skb, at, i * p->step);
	return 0;
}

/* Notes a packet that hides its frame. */
static long hide(__u64 i, struct packet *p)
{
	struct {
		__u32 type, index, counter[2];
	} wg;
	struct event *e;
	__u32 at;

	e = note(SEALED, p->addr, &at);
	if (!e)
		return 1;
	e->point = point;
	e->segment = p->step ? i + 1 : 0;
	e->detail = p->skb->len - i * p->step;
	if (p->step && e->detail > p->head + p->step)
		e->detail = p->head + p->step;
	e->seq = 0;
	e->receiver = 0;
	if (!bpf_skb_load_bytes(p->skb, p->head + i * p->step, &wg, sizeof(wg)) && wg.type == bpf_htonl(0x04000000)) {
		e->seq = wg.counter[0]; /* little-endian */
		e->receiver = wg.index;
	}
	capture(p->skb, at, i * p->step);
	return 0;
}

static __always_inline __u32 segments(struct packet *p)
{
	__u32 n = 1;

	if (p->step && p->head && p->head < p->skb->len) /* gso_segs may be 0: TUN leaves it to others to count */
		n = (p->skb->len - p->head + p->step - 1) / p->step;
	return n < SEGMENTS ? n : SEGMENTS;
}

/* Returns whether there was a signature at all. */
static __always_inline int frames(struct packet *p, __u32 offset)
{
	p->offset = offset;
	bpf_loop(segments(p), frame, p, 0);
	return p->any;
}

static __always_inline void sealed(struct packet *p)
{
	if (!p->head)
		return;
	follow(p->addr);
	bpf_loop(segments(p), hide, p, 0);
}

/* Whether a packet is one frame that is not followed: most are, and shall cost little. */
static __always_inline int passes_by(struct __sk_buff *skb, __u32 offset)
{
	void *data = (void *)(long)skb->data;
	const struct signature *s = data + offset;

	if (!offset || offset > SEARCHED || skb->gso_size || (void *)(s + 1) > (void *)(long)skb->data_end)
		return 0;
	return s->magic == bpf_htons(MAGIC) && sequence(s) & mask;
}

SEC("tcx/ingress")
int pass(struct __sk_buff *skb)
{
	struct packet packet = {.skb = skb, .step = skb->gso_size};
	__u32 key = point, offset;
	struct scratch *s;
	struct place *p;

	if (!armed)
		return TCX_NEXT;
	p = bpf_map_lookup_elem(&places, &key);
	if (!p || passes_by(skb, p->offset))
		return TCX_NEXT;
	s = own_scratch(0);
	if (!s)
		return TCX_NEXT;
	packet.addr = address(bpf_cast_to_kern_ctx(skb), s);
	unfollow(packet.addr); /* what had the address before */
	packet.head = payload(skb);
	if (p->offset && frames(&packet, p->offset)) {
		p->failed = 0;
		return TCX_NEXT;
	}
	if (p->failed < SEARCHES) {
		offset = search(skb, s);
		if (offset) {
			p->offset = offset;
			p->failed = 0;
			frames(&packet, offset);
			return TCX_NEXT;
		}
		p->failed += packet.head != 0;
	}
	if (!p->offset)
		sealed(&packet);
	return TCX_NEXT;
}

static __always_inline void note_read(__u64 addr)
{
	struct event *e;
	__u32 at;

	if (!armed || !unfollow(addr))
		return;
	e = note(READ, addr, &at);
	if (e)
		e->detail = bpf_get_current_pid_tgid();
}

SEC("tp_btf/skb_copy_datagram_iovec")
int BPF_PROG(copied, struct sk_buff *skb, int length)
{
	struct scratch *s = own_scratch(1);

	if (s)
		note_read(address(skb, s));
	return 0;
}

/* Of a linear datagram nothing says that it is read. But a socket's queue keeps its order: what is its head after a read is what
 * the next one reads. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u64); /* address of the socket */
	__type(value, __u64); /* of its head; 0: the queue was empty */
} heads SEC(".maps");

/* The head of a datagram socket's queue: a reader takes all of the one that is filled into one of its own. */
static __always_inline struct sk_buff *head_of(struct sock *sk)
{
	struct udp_sock *udp = (void *)sk;

	if (BPF_CORE_READ(udp, reader_queue.qlen))
		return BPF_CORE_READ(udp, reader_queue.next);
	return sk->sk_receive_queue.qlen ? sk->sk_receive_queue.next : 0;
}

SEC("tp_btf/sk_data_ready")
int BPF_PROG(queued, struct sock *sk)
{
	struct scratch *s = own_scratch(2);
	__u64 socket, head, *next;

	if (!s || sk->sk_protocol != IPPROTO_UDP)
		return 0;
	socket = address(sk, s);
	next = bpf_map_lookup_elem(&heads, &socket);
	if (next && *next)
		return 0;
	head = address(head_of(sk), s);
	if (next)
		*next = head;
	else
		bpf_map_update_elem(&heads, &socket, &head, BPF_ANY);
	return 0;
}

#define MSG_PEEK 2

SEC("tp_btf/sock_recv_length")
int BPF_PROG(received, struct sock *sk, int result, int flags)
{
	struct scratch *s = own_scratch(3);
	__u64 socket, *next;

	if (!s || result < 0 || flags & MSG_PEEK)
		return 0;
	socket = address(sk, s);
	next = bpf_map_lookup_elem(&heads, &socket);
	if (!next)
		return 0;
	if (*next)
		note_read(*next);
	*next = address(head_of(sk), s);
	return 0;
}

/* Runs behind the tester's own program, which drops the frame. */
SEC("xdp")
int arrived(struct xdp_md *ctx)
{
	struct signature *s = (void *)(long)ctx->data + tester_offset;
	struct event *e;
	__u32 at;

	if (!armed || tester_offset > 64 || (void *)(s + 1) > (void *)(long)ctx->data_end || sequence(s) & mask || !valid(s))
		return XDP_DROP;
	e = note(SEEN, 0, &at);
	if (!e)
		return XDP_DROP;
	sign(e, s);
	e->point = tester_points[ctx->ingress_ifindex == tester_ports[1]];
	e->segment = 0;
	return XDP_DROP;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(freed, struct sk_buff *skb, void *location, unsigned int reason)
{
	struct scratch *s = own_scratch(4);
	struct event *e;
	__u64 addr;
	__u32 at;

	if (!armed || !s)
		return 0;
	addr = address(skb, s);
	if (!unfollow(addr))
		return 0;
	e = note(DROPPED, addr, &at);
	if (e)
		e->detail = reason;
	return 0;
}

/* The device's threads, by side: how long they wait for a core, and how long they run. */
#define SUB 16 /* buckets to an octave */
#define BUCKETS 544

struct side {
	__u64 waits[BUCKETS]; /* by time from wake-up to running */
	__u64 wakeups, preempted, ran;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct side);
} sides SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32); /* process */
	__type(value, __u32); /* index of its side */
} processes SEC(".maps");

struct times {
	__u64 woken, started, known;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32); /* thread */
	__type(value, struct times);
} threads SEC(".maps");

static __always_inline struct side *side_of(struct task_struct *t)
{
	__u32 tgid = t->tgid, *index = bpf_map_lookup_elem(&processes, &tgid);

	return index ? bpf_map_lookup_elem(&sides, index) : 0;
}

static __always_inline struct times *times_of(struct task_struct *t)
{
	struct times none = {}, *found;
	__u32 tid = t->pid;

	found = bpf_map_lookup_elem(&threads, &tid);
	if (found)
		return found;
	bpf_map_update_elem(&threads, &tid, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&threads, &tid);
}

/* An octave has SUB buckets; values below 2 * SUB have their own. */
static __always_inline __u32 bucket(__u64 v)
{
	__u32 shift = 0;
	int i;

	for (i = 0; i < 32 && v >= 2 * SUB; i++) {
		v >>= 1;
		shift++;
	}
	v += shift * SUB;
	return v < BUCKETS ? v : BUCKETS - 1;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(woken, struct task_struct *t)
{
	struct side *s = armed ? side_of(t) : 0;
	struct times *at;

	if (!s)
		return 0;
	at = times_of(t);
	if (at)
		at->woken = bpf_ktime_get_ns();
	__sync_fetch_and_add(&s->wakeups, 1);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(switched, _Bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int state)
{
	struct times *at;
	struct side *s;
	__u64 now;

	if (!armed)
		return 0;
	now = bpf_ktime_get_ns();
	s = side_of(prev);
	at = s ? times_of(prev) : 0;
	if (at) {
		if (at->started)
			__sync_fetch_and_add(&s->ran, now - at->started);
		else if (!at->known) /* it has run since before the trial */
			__sync_fetch_and_add(&s->ran, now - since);
		at->known = 1;
		at->started = 0;
		if (preempt || !state) { /* it could have run on */
			at->woken = now;
			__sync_fetch_and_add(&s->preempted, 1);
		}
	}
	s = side_of(next);
	at = s ? times_of(next) : 0;
	if (at) {
		if (at->woken) {
			__u32 b = bucket(now - at->woken);

			if (b < BUCKETS)
				__sync_fetch_and_add(&s->waits[b], 1);
		}
		at->woken = 0;
		at->started = now;
		at->known = 1;
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
