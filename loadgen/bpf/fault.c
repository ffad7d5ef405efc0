//go:build ignore

// SPDX-License-Identifier: MIT OR GPL-2.0
/* A stall made on purpose: run in the timer interrupt of one core, it holds
 * that core, interrupts and all, for as long as asked. To the core's tasks this
 * is the same as a host that takes the virtual core away. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define ROUNDS (1 << 23) /* the most that bpf_loop allows */

struct hold_request {
	__u64 hold;	      /* ns; set by user space, cleared when done */
	__u64 started, ended; /* CLOCK_MONOTONIC, of the last stall */
};

struct hold_request request;

static long spin(__u64 i, void *end)
{
	return bpf_ktime_get_ns() >= *(__u64 *)end;
}

SEC("perf_event")
int hold_core(void *ctx)
{
	__u64 end;

	if (!request.hold)
		return 0;
	request.started = bpf_ktime_get_ns();
	end = request.started + request.hold;
	bpf_loop(ROUNDS, spin, &end, 0);
	request.ended = bpf_ktime_get_ns();
	request.hold = 0;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
