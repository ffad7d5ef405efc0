package selftest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestReferencesOnThisMachine(t *testing.T) {
	testenv.NetAdmin(t)
	l := labtest.Open(t, lab.Settings{})
	c := &result.Certificate{}
	list := slices.Concat(patternReferences(lab.EngineXDP, rfc2544.Forward), []reference{constantDelay(time.Millisecond)})
	quick := test{On(l.Lab), Plan{Quick: true}, c}
	if err := quick.measure(context.Background(), l.Settings, list); err != nil || len(c.Standards) != 2 {
		t.Fatalf("%+v, %v", c, err)
	}
	if s := c.Standards[0]; !s.Within() {
		t.Errorf("%+v", s)
	}
}
