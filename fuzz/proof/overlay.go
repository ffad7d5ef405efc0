package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// plantedImport is added to each edited file, for the calls of planted.Is.
const plantedImport = "\n\nimport \"github.com/tunnelbench/tunnelbench/fuzz/planted\"\n"

// writeOverlay writes edited copies of the decoders below dir, and the file for the option -overlay of go
// build. It returns the path of that file.
func writeOverlay(root, dir string, all []bug) (string, error) {
	edited, err := plant(func(name string) (string, error) {
		data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		return string(data), err
	}, all)
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for name, text := range edited {
		path := filepath.Join(dir, strings.ReplaceAll(name, "/", "-"))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(root, filepath.FromSlash(name))] = path
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, data, 0o644)
}

// plant applies all edits. Each must find its text exactly once in the result of the edits before it.
// After a change of a decoder, adapt its bugs.
func plant(read func(name string) (string, error), all []bug) (map[string]string, error) {
	files := map[string]string{}
	for _, b := range all {
		for _, e := range b.edits {
			text, known := files[e.file]
			if !known {
				original, err := read(e.file)
				if err != nil {
					return nil, err
				}
				text = importing(original)
			}
			if n := strings.Count(text, e.old); n != 1 {
				return nil, fmt.Errorf("bug %s: %s contains the text to replace %d times, want 1: %q", b.name, e.file, n, e.old)
			}
			files[e.file] = strings.Replace(text, e.old, e.new, 1)
		}
	}
	return files, nil
}

// importing adds the import after the package clause.
func importing(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "package ") {
			lines[i] = strings.TrimSuffix(line, "\n") + plantedImport
			break
		}
	}
	return strings.Join(lines, "")
}
