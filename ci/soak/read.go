//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// unreadable returns what is wrong with the files that a step has written.
func unreadable(out string) (all []string) {
	err := filepath.WalkDir(out, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil {
			err = readable(filepath.Base(path), data)
		}
		if err != nil {
			all = append(all, fmt.Sprintf("%s: %v", path, err))
		}
		return nil
	})
	if err != nil {
		all = append(all, err.Error())
	}
	return all
}

// readable returns an error unless a file is whole, as far as its kind lets one see that.
func readable(name string, data []byte) error {
	switch {
	case strings.HasPrefix(name, ".") || strings.Contains(name, ".tmp"):
		return fmt.Errorf("is half-written")
	case name == "results.json" || name == cli.PartialFile:
		_, err := result.Read(bytes.NewReader(data), name)
		return err
	case strings.HasSuffix(name, ".json"):
		var v any
		return json.Unmarshal(data, &v)
	case strings.HasSuffix(name, ".jsonl"):
		return lines(data)
	case strings.HasSuffix(name, ".png"):
		_, err := png.Decode(bytes.NewReader(data))
		return err
	case strings.HasSuffix(name, ".html") && !bytes.HasSuffix(bytes.TrimSpace(data), []byte("</html>")):
		return fmt.Errorf("is cut off")
	}
	return nil
}

// lines returns an error unless every line is JSON. The last one may be torn: it has no newline.
func lines(data []byte) error {
	for number, line := range bytes.SplitAfter(data, []byte("\n")) {
		if bytes.HasSuffix(line, []byte("\n")) && !json.Valid(line) {
			return fmt.Errorf("line %d is no JSON: %.80q", number+1, line)
		}
	}
	return nil
}
