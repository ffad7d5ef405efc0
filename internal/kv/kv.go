// Package kv parses command-line values: lists such as loss=0.005,final=1s, and rates such as
// 150kpps or 1Gbps. It needs the standard library only.
package kv

import (
	"fmt"
	"slices"
	"strings"
)

// Pair is a key with its value.
type Pair struct{ Key, Value string }

// Pairs is a list of pairs in the order of the text. Keys are unique.
type Pairs []Pair

// Parse reads key=value,key=value; space around a pair is ignored. Keys have to be known, or older
// names of known keys, which errors do not list. An error is one line that says what is wrong and
// what to write instead.
func Parse(list string, known []string, old ...string) (Pairs, error) {
	var pairs Pairs
	for field := range strings.SplitSeq(list, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(field), "=")
		if !ok || key == "" || value == "" {
			return nil, fmt.Errorf("%q: write key=value,key=value%s", field, knownKeys(known))
		}
		if !slices.Contains(known, key) && !slices.Contains(old, key) {
			return nil, unknown(key, known)
		}
		if _, twice := pairs.Get(key); twice {
			return nil, fmt.Errorf("key %q comes twice: write each key once", key)
		}
		pairs = append(pairs, Pair{key, value})
	}
	return pairs, nil
}

// Get returns a key's value, and whether the key is there.
func (p Pairs) Get(key string) (value string, ok bool) {
	i := slices.IndexFunc(p, func(pair Pair) bool { return pair.Key == key })
	if i < 0 {
		return "", false
	}
	return p[i].Value, true
}

// Map returns the pairs without their order.
func (p Pairs) Map() map[string]string {
	values := make(map[string]string, len(p))
	for _, pair := range p {
		values[pair.Key] = pair.Value
	}
	return values
}

func unknown(key string, known []string) error {
	if near, ok := Nearest(key, known); ok {
		return fmt.Errorf("unknown key %q, did you mean %s%s", key, near, knownKeys(known))
	}
	return fmt.Errorf("unknown key %q%s", key, knownKeys(known))
}

func knownKeys(known []string) string { return ": use " + strings.Join(known, ", ") }
