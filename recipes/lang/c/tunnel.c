// The program: opens the TUN device and the socket and runs a thread for each way.
//
//   lang-c            one packet for each system call
//   lang-c --batched  as many as wait, in one sendmmsg and one recvmmsg (batched.c)
//   lang-c --vectors  answers the questions on stdin (vectors.c)
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "tunnel.h"

_Noreturn void die(const char *what)
{
	fprintf(stderr, "lang-c: %s: %s\n", what, strerror(errno));
	exit(1);
}

// A sender begins with the time, so that its numbers are above those of an earlier start.
uint64_t first_sequence(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static const char *setting(const char *name)
{
	const char *value = getenv(name);
	if (!value) {
		fprintf(stderr, "lang-c: %s is not set: see docs/exec.md\n", name);
		exit(2);
	}
	return value;
}

static int open_tun(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (tun < 0)
		die("/dev/net/tun");
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(tun, TUNSETIFF, &request) < 0)
		die(name);
	return tun;
}

static struct sockaddr_in address(const char *text)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	if (inet_pton(AF_INET, text, &a.sin_addr) != 1) {
		errno = EINVAL;
		die(text);
	}
	return a;
}

static int open_udp(const char *local, const char *peer)
{
	struct sockaddr_in here = address(local), there = address(peer);
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = SOCKET_BUFFER;

	if (udp < 0)
		die("socket");
	if (setsockopt(udp, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) < 0 ||
	    setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) < 0)
		die("socket buffer");
	if (bind(udp, (struct sockaddr *)&here, sizeof here) < 0)
		die(local);
	if (connect(udp, (struct sockaddr *)&there, sizeof there) < 0)
		die(peer);
	return udp;
}

void *outward(void *end)
{
	const struct end *e = end;
	uint8_t *datagram = malloc(HEADER_LEN + e->mtu + 1); // one byte more than fits shows what is too long

	if (!datagram)
		die("memory");
	for (uint64_t sequence = first_sequence();;) {
		ssize_t n = read(e->tun, datagram + HEADER_LEN, e->mtu + 1);
		if (n < 0 && errno != EINTR)
			die("read from the TUN device");
		if (n <= 0 || (size_t)n > e->mtu)
			continue;
		seal(datagram, HEADER_LEN + (size_t)n, sequence++);
		(void)send(e->udp, datagram, HEADER_LEN + (size_t)n, 0); // a packet that is refused is dropped
	}
}

void *inward(void *end)
{
	const struct end *e = end;
	struct window window = {0};
	uint8_t *datagram = malloc(HEADER_LEN + e->mtu + 1);

	if (!datagram)
		die("memory");
	for (;;) {
		ssize_t n = recv(e->udp, datagram, HEADER_LEN + e->mtu + 1, 0);
		if (n < 0 && errno != EINTR && errno != ECONNREFUSED) // an ICMP error: the peer has not started yet
			die("receive");
		if (n < 0 || unseal(&window, datagram, (size_t)n, e->mtu) != ACCEPTED)
			continue;
		(void)!write(e->tun, datagram + HEADER_LEN, (size_t)n - HEADER_LEN);
	}
}

int main(int argc, char **argv)
{
	int batched = argc == 2 && !strcmp(argv[1], "--batched");
	pthread_t thread;

	crc32c_begin();
	if (argc == 2 && !strcmp(argv[1], "--vectors"))
		return answer_vectors();
	if (argc > 1 && !batched) {
		fprintf(stderr, "usage: lang-c [--batched | --vectors]\n");
		return 2;
	}
	struct end e = {
	    .tun = open_tun(setting("TB_DEV")),
	    .udp = open_udp(setting("TB_LOCAL"), setting("TB_PEER")),
	    .mtu = strtoul(setting("TB_MTU"), NULL, 10),
	};
	if ((errno = pthread_create(&thread, NULL, batched ? inward_batched : inward, &e)))
		die("thread");
	batched ? outward_batched(&e) : outward(&e);
}
