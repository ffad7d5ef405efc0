package sys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

func inside(t *testing.T, fn func() error) error {
	t.Helper()
	ns, err := NewNetNS()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	return InNetNS(ns, fn)
}

func TestInNetNS(t *testing.T) {
	testenv.NetAdmin(t)
	home, err := os.Readlink(threadNetNS)
	if err != nil {
		t.Fatal(err)
	}
	fault := errors.New("fault")
	var there string
	err = inside(t, func() error {
		there, _ = os.Readlink(threadNetNS)
		return fault
	})
	if !errors.Is(err, fault) || there == home || there == "" {
		t.Errorf("inside %q, at home %q, error %v", there, home, err)
	}
	if err := inside(t, func() error { runtime.Goexit(); return nil }); err == nil {
		t.Error("a function that never returned counts as done")
	}
	tasks, err := filepath.Glob("/proc/self/task/*/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if ns, err := os.Readlink(task); err == nil && ns != home {
			t.Errorf("%s stayed in %s", task, ns)
		}
	}
}

func TestSysfsIsTheNamespaces(t *testing.T) {
	testenv.NetAdmin(t)
	err := inside(t, func() error {
		index, err := ReadSysfs("class/net/lo/ifindex")
		if err != nil || strings.TrimSpace(index) != "1" {
			t.Errorf("lo: ifindex %q, %v", index, err)
		}
		if err := WriteSysfs("class/net/lo/ifalias", "tb"); err != nil {
			t.Error(err)
		}
		alias, err := ReadSysfs("class/net/lo/ifalias")
		if alias != "tb\n" {
			t.Errorf("lo: alias %q, %v", alias, err)
		}
		if _, err := ReadSysfs("class/net/nosuch/ifindex"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("interface that is not there: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if alias, err := os.ReadFile("/sys/class/net/lo/ifalias"); err == nil && string(alias) == "tb\n" {
		t.Error("the host's lo was changed")
	}
}

func TestEthtool(t *testing.T) {
	testenv.NetAdmin(t)
	err := inside(t, func() error {
		const gso = "tx-generic-segmentation"
		for _, on := range []bool{false, true} {
			if err := SetEthFeatures("lo", map[string]bool{gso: on}); err != nil {
				return err
			}
			features, err := EthFeatures("lo")
			if err != nil {
				return err
			}
			i := slices.IndexFunc(features, func(f EthFeature) bool { return f.Name == gso })
			if i < 0 || features[i].Active != on || !features[i].Changeable {
				t.Errorf("lo: %s not %t in %+v", gso, on, features)
			}
		}
		if stats, err := EthStats("lo"); err != nil || len(stats) != 0 {
			t.Errorf("lo keeps no statistics of its own: %v, %v", stats, err)
		}
		for _, dev := range []string{"nosuch", "a-name-of-sixteen"} {
			if _, err := EthFeatures(dev); err == nil || !strings.Contains(err.Error(), dev) {
				t.Errorf("%s: %v", dev, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAffinity(t *testing.T) {
	all, err := Affinity()
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	done := make(chan error)
	go func() { // the thread is bound, so it ends with this goroutine
		runtime.LockOSThread()
		err := SetAffinity(0, all[:1])
		if got, _ := affinity(Thread()); err == nil && !slices.Equal(got, all[:1]) {
			err = errors.New("not bound")
		}
		if got, _ := Affinity(); err == nil && Thread() != os.Getpid() && !slices.Equal(got, all) {
			err = fmt.Errorf("the process is bound as this thread is: %v", got)
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, cpus := range [][]int{{-1}, {maxCPUs}, nil} {
		if err := SetAffinity(0, cpus); err == nil {
			t.Errorf("bound to %v", cpus)
		}
	}
}

func TestProcessCPUAdvances(t *testing.T) {
	before, err := ProcessCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; {
		after, err := ProcessCPU(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if after-before > time.Millisecond {
			break
		}
		if time.Since(began) > 10*time.Second {
			t.Fatal("the clock of a busy process stands still")
		}
	}
	if _, err := ProcessCPU(1 << 22); err == nil {
		t.Error("a process above the highest number has a clock")
	}
}

func TestKillRestIsForTheFirstProcessOnly(t *testing.T) {
	if os.Getpid() == 1 {
		t.Fatal("this test must not be the first process")
	}
	if err := KillRest(); err == nil {
		t.Error("an ordinary process may kill the rest")
	}
}
