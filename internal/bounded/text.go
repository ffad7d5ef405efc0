package bounded

import (
	"bytes"
	"errors"
	"fmt"
)

// mark is the byte order mark that some editors put in front of UTF-8 (RFC 3629 section 6).
var mark = []byte("\xef\xbb\xbf")

// Text returns data without its byte order mark. It refuses what is no UTF-8 text at first sight: UTF-16,
// UTF-32, and texts with NUL bytes, which a machine that lost its power leaves at the end of files.
func Text(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(data, []byte{0, 0, 0xfe, 0xff}):
		return nil, errors.New("is UTF-32 text: save it as UTF-8")
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return nil, errors.New("is UTF-16 text: save it as UTF-8")
	}
	data = bytes.TrimPrefix(data, mark)
	if at := bytes.IndexByte(data, 0); at >= 0 {
		return nil, fmt.Errorf("has a NUL byte in line %d: it is damaged, or not UTF-8 text", 1+bytes.Count(data[:at], []byte{'\n'}))
	}
	return data, nil
}
