package relay

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for list, want := range map[string]Config{
		"rate=10kpps":                       {Rate: Rate{PerSecond: 10000}, Queue: DefaultQueue},
		"rate=1.5Mbps,queue=7":              {Rate: Rate{PerSecond: 1500000, Bits: true}, Queue: 7},
		"delay=20ms,jitter=1ms,loss=0.5%":   {Delay: 20 * time.Millisecond, Jitter: time.Millisecond, Loss: 0.005},
		"drop=1/1000,dup=1/700,reorder=1/2": {Drop: 1000, Dup: 700, Reorder: 2},
		"corrupt=1/300,seed=9,spin=off":     {Corrupt: 300, Seed: 9, Sleep: true},
		"outage=1s+2.5s,cost=20us,spin=on":  {Outage: Outage{time.Second, 2500 * time.Millisecond}, Cost: 20 * time.Microsecond},
	} {
		values, err := Split(list)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Parse(values); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, want %+v", list, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for list, want := range map[string]string{
		"": "write key=value", "delay": "write key=value", "loss=1%,loss=2%": "each key once",
		"speed=1":    `unknown key "speed", did you mean seed: use corrupt, cost, delay, drop`,
		"delay=-1ms": "from 0s", "delay=1": "from 0s", "delay=11s": "to 10s", "jitter=x": "such as",
		"drop=1/0": "write 1/N", "drop=1/1": "write 1/N", "drop=2/3": "write 1/N", "drop=3/2": "write 1/N", "drop=1000": "write 1/N",
		"drop=1/-5": "write 1/N", "drop=1/5/6": "write 1/N", "corrupt=": "write key=value", "dup=1/x": "write 1/N", "reorder=1/99999999999": "write 1/N",
		"queue=5": "give rate too", "rate=1kpps,queue=0": "from 1 to", "rate=1kpps,queue=-1": "from 1 to", "rate=1kpps,queue=1e9": "from 1 to",
		"rate=0kpps": "whole number", "rate=10": "whole number", "rate=-1kpps": "whole number", "rate=NaNkpps": "whole number", "rate=0.5pps": "whole number",
		"loss=1": "percentage", "loss=-1%": "percentage", "loss=101%": "percentage", "loss=NaN%": "percentage",
		"outage=1s": "START+LENGTH", "outage=+1s": "START+LENGTH", "outage=1s+0s": "START+LENGTH", "outage=0s+1s": "START from 100ms", "outage=1s+-2s": "START+LENGTH",
		"seed=-1": "whole number", "cost=20ms": "to 10ms", "spin=maybe": "on or off",
	} {
		values, err := Split(list)
		if err == nil {
			_, err = Parse(values)
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want one line with %q", list, err, want)
		}
	}
}
