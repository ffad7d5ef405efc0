package stream

import (
	"net"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns"
)

// A listener is seen in its namespace, from its first to its last moment, and in no other one.
func TestAccepts(t *testing.T) {
	testenv.NetAdmin(t)
	var spaces []*netns.NS
	for _, name := range []string{"with", "without"} {
		ns, err := netns.New(name)
		if err != nil {
			t.Fatal(err)
		}
		defer ns.Close()
		spaces = append(spaces, ns)
	}
	look := func(want bool) {
		t.Helper()
		for i, ns := range spaces {
			if got, err := Accepts(ns); err != nil || got != (want && i == 0) {
				t.Errorf("%s: %v, %v", ns.Name(), got, err)
			}
		}
	}
	look(false)
	var l net.Listener
	err := spaces[0].Do(func() (err error) {
		l, err = net.Listen("tcp", ":5001")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	look(true)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	look(false)
}
