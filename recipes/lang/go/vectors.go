//go:build ignore

package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// answerVectors answers the questions of vectors.txt: it copies each line, with an own answer behind " = ".
func answerVectors(in io.Reader, out io.Writer) error {
	lines, answers := bufio.NewScanner(in), bufio.NewWriter(out)
	lines.Buffer(nil, 1<<20)
	var e end
	for lines.Scan() {
		question, _, answered := strings.Cut(lines.Text(), " = ")
		answer, err := e.answer(strings.Fields(question))
		if err != nil {
			return fmt.Errorf("%s: %w", question, err)
		}
		if answer == "" || !answered {
			fmt.Fprintln(answers, lines.Text())
			continue
		}
		fmt.Fprintln(answers, question, "=", answer)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return answers.Flush()
}

// end is the receiver that the questions are put to.
type end struct {
	window window
	mtu    int
}

// answer returns the answer to a question, or "" for a line that is none.
func (e *end) answer(words []string) (answer string, err error) {
	if len(words) < 2 {
		return "", nil
	}
	switch words[0] {
	case "end":
		e.window = window{}
		e.mtu, err = strconv.Atoi(words[1])
	case "seal":
		return answerSeal(words[1:])
	case "open":
		datagram, err := hex.DecodeString(strings.Join(words[1:], ""))
		return e.open(datagram), err
	}
	return "", err
}

func answerSeal(words []string) (string, error) {
	sequence, err := strconv.ParseUint(words[0], 10, 64)
	if err != nil {
		return "", err
	}
	packet, err := hex.DecodeString(strings.Join(words[1:], ""))
	datagram := append(make([]byte, headerLen), packet...)
	seal(datagram, sequence)
	return hex.EncodeToString(datagram), err
}

func (e *end) open(datagram []byte) string {
	v := open(&e.window, datagram, e.mtu)
	if v != accepted {
		return v.String()
	}
	return fmt.Sprintf("%v %x", v, datagram[headerLen:])
}
