package fuzz

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
)

// corpusHeader is the first line of a corpus file of go test.
const corpusHeader = "go test fuzz v1\n"

// encodeInput returns an input in the format of testdata/fuzz.
func encodeInput(data []byte) []byte {
	return fmt.Appendf(nil, "%s[]byte(%q)\n", corpusHeader, data)
}

// decodeInput reads an input, in the format of go test or as raw bytes.
func decodeInput(file []byte) ([]byte, error) {
	text, ok := bytes.CutPrefix(file, []byte(corpusHeader))
	if !ok {
		return file, nil
	}
	expression, err := parser.ParseExpr(string(bytes.TrimSpace(text)))
	if err != nil {
		return nil, errors.New("a corpus file of go test that does not hold one []byte")
	}
	call, ok := expression.(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return nil, errors.New("a corpus file of go test that does not hold one []byte")
	}
	literal, ok := call.Args[0].(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return nil, errors.New("a corpus file of go test that does not hold one []byte")
	}
	s, err := strconv.Unquote(literal.Value)
	return []byte(s), err
}

// inputName returns the file name that go test gives an input.
func inputName(data []byte) string {
	sum := sha256.Sum256(encodeInput(data))
	return hex.EncodeToString(sum[:])[:16]
}

// largestInput is the size limit for corpus inputs, in bytes.
const largestInput = 1 << 20

// ReadInput reads one corpus file. The error names it.
func ReadInput(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > 5*largestInput { // a byte takes up to four characters in Go's notation
		return nil, fmt.Errorf("%s: want a file of at most %d bytes", path, largestInput)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	data, err := decodeInput(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// readCorpus reads every file of a folder. A missing folder holds no inputs. skipped names the files that
// cannot be read.
func readCorpus(dir string) (inputs [][]byte, skipped []error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, []error{err}
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		data, err := ReadInput(filepath.Join(dir, e.Name()))
		if err != nil {
			skipped = append(skipped, err)
			continue
		}
		inputs = append(inputs, data)
	}
	return inputs, skipped
}

// writeAside writes a file atomically and creates its folder.
func writeAside(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.WriteFile(path, data, 0o644)
}

// testdata returns the folder where go test looks for inputs of the target.
func (t Target) testdata(root string) string {
	return filepath.Join(root, filepath.FromSlash(t.Package), "testdata", "fuzz", t.native())
}
