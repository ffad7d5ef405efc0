// The same with batches: what waits at the device goes out in one sendmmsg, in which datagrams of one size are
// one message that the kernel cuts (UDP_SEGMENT); and what waits at the socket comes in by one recvmmsg, in
// which datagrams of one size are one message that the kernel has joined (UDP_GRO). A batch ends when nothing
// more waits, so nothing is delayed. The device still takes and gives one packet for each system call.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tunnel.h"

enum {
	BATCH = 64,           // packets; the kernel cuts a message into at most 64 on older systems
	LARGEST = 65507,      // bytes in a UDP message
	MESSAGES = 16,        // of one recvmmsg
	MESSAGE_LEN = 1 << 16,
};

union control { // room for one control message
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

struct batch {
	size_t count, stride;
	uint8_t *slab; // datagram i begins at i * stride
	struct iovec datagrams[BATCH];
	struct mmsghdr messages[BATCH];
	union control control[BATCH];
};

// fill reads packets until the batch is full or nothing waits. It sleeps only while the batch is empty.
static void fill(struct batch *b, const struct end *e)
{
	for (b->count = 0; b->count < BATCH;) {
		uint8_t *datagram = b->slab + b->count * b->stride;
		ssize_t n = read(e->tun, datagram + HEADER_LEN, e->mtu + 1);
		if (n > 0 && (size_t)n <= e->mtu) {
			b->datagrams[b->count++] = (struct iovec){datagram, HEADER_LEN + (size_t)n};
		} else if (n < 0 && errno == EAGAIN) {
			if (b->count > 0)
				return;
			poll(&(struct pollfd){.fd = e->tun, .events = POLLIN}, 1, -1);
		} else if (n < 0 && errno != EINTR) {
			die("read from the TUN device");
		}
	}
}

// run_from returns how many datagrams from the first one on can be one message: all have its size, only the
// last may be shorter.
static size_t run_from(const struct batch *b, size_t first)
{
	size_t size = b->datagrams[first].iov_len, n = 1;

	while (first + n < b->count && (n + 1) * size <= LARGEST && b->datagrams[first + n].iov_len <= size)
		if (b->datagrams[first + n++].iov_len < size)
			break;
	return n;
}

static void segment(struct msghdr *m, union control *room, uint16_t size)
{
	m->msg_control = room;
	m->msg_controllen = CMSG_SPACE(sizeof size);
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_UDP, c->cmsg_type = UDP_SEGMENT, c->cmsg_len = CMSG_LEN(sizeof size);
	memcpy(CMSG_DATA(c), &size, sizeof size);
}

// send_singly sends the datagrams of a message that the kernel refused to cut up, as on a link without checksums (EIO) and
// where they are larger than the route's MTU (EINVAL).
static void send_singly(const struct msghdr *m, int udp)
{
	for (size_t i = 0; m->msg_iovlen > 1 && i < m->msg_iovlen; i++)
		while (send(udp, m->msg_iov[i].iov_base, m->msg_iov[i].iov_len, 0) < 0 && errno == EINTR)
			;
}

static void send_batch(struct batch *b, int udp)
{
	unsigned count = 0;

	for (size_t at = 0; at < b->count; count++) {
		size_t n = run_from(b, at);
		struct msghdr *m = &b->messages[count].msg_hdr;
		*m = (struct msghdr){.msg_iov = &b->datagrams[at], .msg_iovlen = n};
		if (n > 1)
			segment(m, &b->control[count], (uint16_t)b->datagrams[at].iov_len);
		at += n;
	}
	for (unsigned at = 0; at < count;) {
		int n = sendmmsg(udp, b->messages + at, count - at, 0);
		if (n > 0)
			at += (unsigned)n;
		else if (errno != EINTR)
			send_singly(&b->messages[at++].msg_hdr, udp);
	}
}

void *outward_batched(void *end)
{
	const struct end *e = end;
	struct batch b = {.stride = HEADER_LEN + e->mtu + 1};
	int off = 0;

	if (setsockopt(e->udp, SOL_UDP, UDP_SEGMENT, &off, sizeof off) < 0)
		die("UDP_SEGMENT");
	if (fcntl(e->tun, F_SETFL, O_NONBLOCK) < 0)
		die("O_NONBLOCK");
	if (!(b.slab = malloc(BATCH * b.stride)))
		die("memory");
	for (uint64_t sequence = first_sequence();;) {
		fill(&b, e);
		for (size_t i = 0; i < b.count; i++)
			seal(b.datagrams[i].iov_base, b.datagrams[i].iov_len, sequence++);
		send_batch(&b, e->udp);
	}
}

// size_of returns the size of a message's datagrams, of which the last may be shorter.
static size_t size_of(struct msghdr *m, size_t len)
{
	int size = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
			memcpy(&size, CMSG_DATA(c), sizeof size);
	return size > 0 ? (size_t)size : len;
}

static void take(const struct end *e, struct window *w, uint8_t *message, size_t len, size_t size)
{
	do {
		size_t n = len < size ? len : size;
		if (unseal(w, message, n, e->mtu) == ACCEPTED)
			(void)!write(e->tun, message + HEADER_LEN, n - HEADER_LEN);
		message += n, len -= n;
	} while (len > 0);
}

void *inward_batched(void *end)
{
	const struct end *e = end;
	static struct window window;
	static struct mmsghdr messages[MESSAGES];
	static struct iovec slots[MESSAGES];
	static union control control[MESSAGES];
	static uint8_t memory[MESSAGES][MESSAGE_LEN];
	int on = 1;

	if (setsockopt(e->udp, SOL_UDP, UDP_GRO, &on, sizeof on) < 0)
		die("UDP_GRO");
	for (;;) {
		for (int i = 0; i < MESSAGES; i++) {
			slots[i] = (struct iovec){memory[i], MESSAGE_LEN};
			messages[i].msg_hdr = (struct msghdr){
			    .msg_iov = &slots[i], .msg_iovlen = 1, .msg_control = &control[i], .msg_controllen = sizeof control[i]};
		}
		int n = recvmmsg(e->udp, messages, MESSAGES, MSG_WAITFORONE, NULL);
		if (n < 0 && errno != EINTR && errno != ECONNREFUSED)
			die("receive");
		for (int i = 0; i < n; i++) {
			size_t len = messages[i].msg_len;
			take(e, &window, memory[i], len, size_of(&messages[i].msg_hdr, len));
		}
	}
}
