// Package texttab formats the program's tables for a terminal, as Markdown and as CSV. It does not
// escape cells: callers clean text from outside.
package texttab

import (
	"encoding/csv"
	"io"
	"strings"
	"unicode/utf8"
)

// Column is one column of a table.
type Column struct {
	Title string
	Right bool // align right, for numbers
	Width int  // minimum width in characters, for rows that are written before all are known
}

// Left returns a left-aligned column, for words.
func Left(title string) Column { return Column{Title: title} }

// Right returns a right-aligned column, for numbers.
func Right(title string) Column { return Column{Title: title, Right: true} }

// Style is the terminal style of a row (ECMA-48, select graphic rendition).
type Style string

// The styles of rows.
const (
	Plain Style = ""
	Bold  Style = "\x1b[1m"
	Dim   Style = "\x1b[2m"
	Warn  Style = "\x1b[33m"
	Bad   Style = "\x1b[31m"
	reset       = "\x1b[0m"
)

// Table is a text table. The caller decides about colour: it needs a terminal and no NO_COLOR.
type Table struct {
	Columns []Column
	Indent  string // written before each line of text
	Colour  bool
	rows    [][]string
}

// New returns an empty table.
func New(columns ...Column) *Table { return &Table{Columns: columns} }

// Add appends a row. Missing cells at its end are empty.
func (t *Table) Add(cells ...string) {
	row := make([]string, len(t.Columns))
	copy(row, cells)
	t.rows = append(t.rows, row)
}

// Len returns the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Text writes the titles and the rows, each column as wide as its widest cell.
func (t *Table) Text(w io.Writer) error {
	for _, row := range t.rows {
		t.widen(row)
	}
	if err := t.Header(w); err != nil {
		return err
	}
	return t.Body(w)
}

// Body writes the rows without the titles.
func (t *Table) Body(w io.Writer) error {
	for _, row := range t.rows {
		t.widen(row)
	}
	for _, row := range t.rows {
		if err := t.Row(w, Plain, row...); err != nil {
			return err
		}
	}
	return nil
}

// Header writes the titles.
func (t *Table) Header(w io.Writer) error {
	titles := t.titles()
	t.widen(titles)
	return t.Row(w, Bold, titles...)
}

// Row writes one row immediately, with the current column widths, and does not keep it.
func (t *Table) Row(w io.Writer, style Style, cells ...string) error {
	var b strings.Builder
	b.WriteString(t.Indent)
	for i, c := range t.Columns {
		if i > 0 {
			b.WriteString("  ")
		}
		text := ""
		if i < len(cells) {
			text = cells[i]
		}
		pad := strings.Repeat(" ", max(0, c.Width-utf8.RuneCountInString(text)))
		if c.Right {
			text = pad + text
		} else {
			text += pad
		}
		b.WriteString(text)
	}
	line := strings.TrimRight(b.String(), " ")
	if t.Colour && style != Plain {
		line = string(style) + line + reset
	}
	_, err := io.WriteString(w, line+"\n")
	return err
}

// Markdown writes a table in GitHub's Markdown. The caller escapes text from outside.
func (t *Table) Markdown(w io.Writer) error {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(t.titles())
	for _, c := range t.Columns {
		if c.Right {
			b.WriteString("|---:")
		} else {
			b.WriteString("|---")
		}
	}
	b.WriteString("|\n")
	for _, row := range t.rows {
		line(row)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// CSV writes the titles and rows as CSV (RFC 4180).
func (t *Table) CSV(w io.Writer) error {
	return csv.NewWriter(w).WriteAll(append([][]string{t.titles()}, t.rows...))
}

func (t *Table) titles() []string {
	titles := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		titles[i] = c.Title
	}
	return titles
}

func (t *Table) widen(row []string) {
	for i, text := range row {
		t.Columns[i].Width = max(t.Columns[i].Width, utf8.RuneCountInString(text))
	}
}
