package netns

import "testing"

func TestResidentOf(t *testing.T) {
	status := "Name:\tsh\nVmRSS:\t    3000 kB\nRssAnon:\t    1000 kB\nRssFile:\t    1990 kB\nRssShmem:\t      10 kB\nThreads:\t1\n"
	if got := residentOf(status); got != 1010<<10 {
		t.Errorf("%d bytes", got)
	}
	if got := residentOf("Name:\tkthreadd\n"); got != 0 {
		t.Errorf("%d bytes of a process without memory", got)
	}
}
