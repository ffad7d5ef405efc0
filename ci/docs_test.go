package ci

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// command is a command in a document.
type command struct {
	file string
	line int
	text string
}

// documents lists the documents with commands for users.
func documents(t *testing.T) []string {
	t.Helper()
	docs, err := filepath.Glob("../docs/*.md")
	if err != nil || len(docs) == 0 {
		t.Fatalf("found %q in docs, %v", docs, err)
	}
	return append(docs, "../README.md")
}

// prompt matches the text before a command: "$ ", sudo with its PATH option, and the Makefile's
// build folder.
var prompt = regexp.MustCompile(`^(\$ )?(sudo (env "PATH=\$PATH" )?)?(bin/)?`)

// commands returns the lines of a document's sh blocks that call make or tunnelbench. A line that
// ends in a backslash continues on the next one.
func commands(file, text string) (found []command) {
	inside, begun := false, ""
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			inside = line == "```sh"
			continue
		}
		if !inside {
			continue
		}
		if before, more := strings.CutSuffix(line, "\\"); more {
			begun += before
			continue
		}
		line, begun = begun+line, ""
		line = strings.TrimPrefix(line, prompt.FindString(line))
		if name, _, _ := strings.Cut(line, " "); name == "make" || name == "tunnelbench" {
			found = append(found, command{file, i + 1, line})
		}
	}
	return found
}

// allCommands returns the commands of all documents.
func allCommands(t *testing.T) (all []command) {
	t.Helper()
	for _, file := range documents(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, commands(file, string(text))...)
	}
	return all
}

// argv splits a command into words. It does not support quotes or variables, and it drops
// everything after a pipe.
func (c command) argv() []string {
	words := strings.Fields(c.text)
	if i := slices.IndexFunc(words, func(w string) bool { return w == "|" || w == ">" || w == "#" }); i >= 0 {
		words = words[:i]
	}
	return words
}

func TestCommandsAreFound(t *testing.T) {
	const text = "Say `make x`.\n```sh\n$ sudo bin/tunnelbench run --dut a \\\n  --sizes 64 # minutes\nmake bench\nls\n```\n```\nmake nothing\n```\n"
	got := commands("f", text)
	if len(got) != 2 || got[0].line != 4 || got[1].text != "make bench" {
		t.Fatalf("found %+v", got)
	}
	if want := []string{"tunnelbench", "run", "--dut", "a", "--sizes", "64"}; !slices.Equal(got[0].argv(), want) {
		t.Errorf("words %q, want %q", got[0].argv(), want)
	}
}

// TestEveryDocumentHasCommands checks that each document has commands: without them it cannot be
// tested against the program and soon becomes outdated.
func TestEveryDocumentHasCommands(t *testing.T) {
	all := allCommands(t)
	for _, file := range documents(t) {
		if !slices.ContainsFunc(all, func(c command) bool { return c.file == file }) {
			t.Errorf("%s: shows no command in a sh block", file)
		}
	}
}

var makeTarget = regexp.MustCompile(`(?m)^([a-z-]+):([^=]|$)`)

func TestMakeTargetsExist(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, m := range makeTarget.FindAllStringSubmatch(string(makefile), -1) {
		targets[m[1]] = true
	}
	for _, c := range allCommands(t) {
		for i, word := range c.argv() {
			if c.argv()[0] == "make" && i > 0 && !strings.Contains(word, "=") && !targets[word] {
				t.Errorf("%s:%d: make %s: no such target", c.file, c.line, word)
			}
		}
	}
}

// link matches a Markdown link to a file of the repository.
var link = regexp.MustCompile(`\]\(([^):#]+)[^)]*\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	for _, file := range append(documents(t), "../SECURITY.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s: link to %s: %v", file, m[1], err)
			}
		}
	}
}
