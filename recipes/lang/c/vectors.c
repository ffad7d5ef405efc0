// Answers the questions of vectors.txt: copies each line to stdout, with an own answer behind " = ".
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tunnel.h"

static const char *const names[] = {"accepted", "oversize", "short", "length", "tunnel", "checksum", "inner", "replay", "old"};

// from_hex reads hexadecimal digits into memory of its own, behind head bytes of room.
static uint8_t *from_hex(const char *text, size_t head, size_t *len)
{
	size_t digits = text ? strspn(text, "0123456789abcdef") : 0;
	uint8_t *bytes = calloc(1, head + digits / 2 + 1);

	if (!bytes)
		die("memory");
	for (size_t i = 0; i + 1 < digits; i += 2) {
		char pair[3] = {text[i], text[i + 1]};
		bytes[head + i / 2] = (uint8_t)strtoul(pair, NULL, 16);
	}
	*len = head + digits / 2;
	return bytes;
}

static void print_hex(const uint8_t *bytes, size_t len)
{
	while (len--)
		printf("%02x", *bytes++);
}

static void answer_seal(char *rest)
{
	size_t len;
	uint64_t sequence = strtoull(rest, &rest, 10);
	uint8_t *datagram = from_hex(rest + 1, HEADER_LEN, &len);

	seal(datagram, len, sequence);
	print_hex(datagram, len);
	free(datagram);
}

static void answer_open(struct window *w, size_t mtu, char *rest)
{
	size_t len;
	uint8_t *datagram = from_hex(rest, 0, &len);
	enum verdict v = unseal(w, datagram, len, mtu);

	printf("%s", names[v]);
	if (v == ACCEPTED) {
		putchar(' ');
		print_hex(datagram + HEADER_LEN, len - HEADER_LEN);
	}
	free(datagram);
}

// answer copies a question and answers it.
static void answer(struct window *w, size_t mtu, char *question, int len)
{
	printf("%.*s = ", len, question);
	if (!strncmp(question, "seal ", 5))
		answer_seal(question + 5);
	else
		answer_open(w, mtu, question + 5);
	putchar('\n');
}

int answer_vectors(void)
{
	struct window window = {0};
	size_t mtu = 0, room = 0;
	char *line = NULL;

	while (getline(&line, &room, stdin) > 0) {
		char *is = line[0] == '#' ? NULL : strstr(line, " = ");
		if (is) {
			answer(&window, mtu, line, (int)(is - line));
			continue;
		}
		if (!strncmp(line, "end ", 4)) {
			mtu = strtoul(line + 4, NULL, 10);
			memset(&window, 0, sizeof window);
		}
		fputs(line, stdout);
	}
	free(line);
	return ferror(stdin) || fflush(stdout) ? 1 : 0;
}
