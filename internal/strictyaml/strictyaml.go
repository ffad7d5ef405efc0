// Package strictyaml reads YAML files that people write: mappings, lists and scalars.
// Tags, anchors and aliases are refused: a few aliases can expand to gigabytes, and
// tags have crashed the decoder.
//
// A file is read three times, since no single pass of the library does all checks:
//
//  1. The lexer, with limits of depth and width. The parser's time grows with the square
//     of both, so hostile input has to be refused before it.
//  2. The parser. Its tree keeps the line of every field, for errors that a caller finds
//     in a value (File.Line); decoding drops the lines.
//  3. The decoder, into the caller's type. It takes bytes only: decoding from the tree
//     skips its check for unknown fields.
package strictyaml

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
)

// File is a parsed file.
type File struct {
	name string
	data []byte
	tree *ast.File
}

// MaxSize is the size limit of a file, in bytes.
const MaxSize = 256 << 10

// Limits of a file. The parser's time grows with the square of the depth and of the number of empty
// entries.
const (
	deepest = 16
	widest  = 64 // columns of indentation
)

// Parse parses a file. Errors of Parse and Decode are one line, "name:line: text", without control
// characters.
func Parse(name string, data []byte) (*File, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%s: is larger than %d KiB", name, MaxSize>>10)
	}
	data, err := bounded.Text(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	depth := 0             // in brackets
	var entry *token.Token // an entry without a value so far
	tokens := lexer.Tokenize(string(data))
	for _, t := range tokens {
		switch t.Type {
		case token.TagType, token.AnchorType, token.AliasType, token.MergeKeyType:
			return nil, fmt.Errorf("%s:%d: tags, anchors and aliases have no place here", name, t.Position.Line)
		case token.DirectiveType:
			return nil, fmt.Errorf("%s:%d: directives have no place here: leave out the line that begins with %%", name, t.Position.Line)
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
		if t.Type == token.SequenceEntryType && entry != nil && t.Position.Column <= entry.Position.Column {
			return nil, fmt.Errorf("%s:%d: an entry of a list is empty", name, entry.Position.Line)
		}
		if entry = nil; t.Type == token.SequenceEntryType {
			entry = t
		}
		indented := depth == 0 && (t.Position.IndentNum > widest || t.Type == token.SequenceEntryType && t.Position.Column > widest)
		if depth > deepest || indented {
			return nil, fmt.Errorf("%s:%d: is nested too deep", name, t.Position.Line)
		}
	}
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, atToken(name, err)
	}
	if t := secondDocument(tokens); t != nil {
		return nil, fmt.Errorf("%s:%d: a second document has no place here: write one", name, t.Position.Line)
	}
	return &File{name: name, data: data, tree: tree}, nil
}

// secondDocument returns the first token of a second document, or nil. The parser drops documents
// behind an empty one.
func secondDocument(tokens token.Tokens) *token.Token {
	begun, over := false, false // the first document
	for _, t := range tokens {
		switch t.Type {
		case token.DocumentHeaderType, token.DocumentEndType:
			over = over || begun
			begun = true
		case token.CommentType:
		default:
			if over {
				return t
			}
			begun = true
		}
	}
	return nil
}

// Decode decodes the file into a value; if strictly, it rejects unknown fields.
func (f *File) Decode(into any, strictly bool) error {
	var options []yaml.DecodeOption
	if strictly {
		options = append(options, yaml.Strict())
	}
	if err := yaml.UnmarshalWithOptions(f.data, into, options...); err != nil {
		return atToken(f.name, err)
	}
	return nil
}

// atToken returns the position and message of a YAML error. It removes the source excerpt that
// follows the message.
func atToken(name string, err error) error {
	var at interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &at) || at.GetToken() == nil {
		return fmt.Errorf("%s: %s", name, strings.Map(printable, err.Error()))
	}
	return fmt.Errorf("%s:%d: %s", name, at.GetToken().Position.Line, strings.Map(printable, at.GetMessage()))
}

// printable replaces control characters by spaces: messages quote the file.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

// Line returns the line of a field, such as peers[1].id, or of the mapping that lacks it.
func (f *File) Line(field string) int {
	for {
		path, err := yaml.PathString("$." + field)
		if err == nil {
			if node, err := path.FilterFile(f.tree); err == nil && node != nil {
				return node.GetToken().Position.Line
			}
		}
		at := strings.LastIndexByte(field, '.')
		if at < 0 {
			return 1
		}
		field = field[:at]
	}
}

// Text is a scalar as the file has it, quoted or not: 0012345 is no number of base 8, and 1234e56 is
// no number at all.
type Text string

// UnmarshalYAML implements yaml.NodeUnmarshaler.
func (t *Text) UnmarshalYAML(node ast.Node) error {
	if _, ok := node.(ast.ScalarNode); !ok {
		return fmt.Errorf("%.40q is no text", node.String())
	}
	*t = Text(node.GetToken().Value)
	return nil
}
