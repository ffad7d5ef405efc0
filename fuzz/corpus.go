package fuzz

import (
	"bytes"
	"context"
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
	"github.com/tunnelbench/tunnelbench/internal/bounded"
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

// Size limits of an input and of a folder of them, in bytes.
const (
	largestInput  = 1 << 20
	largestCorpus = 128 << 20
)

// ReadInput reads one corpus file. The error names it.
func ReadInput(ctx context.Context, path string) ([]byte, error) {
	file, err := bounded.File(ctx, path, 5*largestInput) // a byte takes up to four characters in Go's notation
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
	total := 0
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if !e.Type().IsRegular() && e.Type()&fs.ModeSymlink == 0 {
			skipped = append(skipped, fmt.Errorf("%s: is no file", path))
			continue
		}
		data, err := ReadInput(context.Background(), path)
		if total += len(data); err == nil && total > largestCorpus {
			return inputs, append(skipped, fmt.Errorf("%s: the files before it have %s: no more is read", path, bounded.Size(largestCorpus)))
		}
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
