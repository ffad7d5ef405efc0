package rfc2544_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func valueNames(o rfc2544.Outcome) (names []string) {
	for _, v := range o.Values {
		names = append(names, v.Name)
	}
	return names
}

func TestRunRate(t *testing.T) {
	t.Parallel()
	goals := config(t, "ndr", "pdr").Goals
	out, err := rfc2544.RunRate(context.Background(), device(t, "capacity=600000fps"), rfc2544.SearchConfig{Goals: goals, Size: 64, Min: 9001, Max: 1e6})
	if err != nil || !out.Valid || len(out.Warnings) != 0 || len(out.Trials) != 35 {
		t.Fatalf("%v, %+v", err, out)
	}
	if got := fmt.Sprint(valueNames(out)); got != "[ndr conditional_throughput_ndr pdr conditional_throughput_pdr]" {
		t.Errorf("values %s", got)
	}
	pdr := out.Values[2]
	lower, upper := *pdr.Lower, *pdr.Upper
	if !within(&lower, 602830.30) || !within(&upper, 605858.71) || pdr.Value != *pdr.Lower || pdr.N != 35 || pdr.Better != 1 || pdr.Unit != "fps" {
		t.Errorf("%+v", pdr)
	}
	b, err := json.Marshal(out.Values[3])
	if want := `{"name":"conditional_throughput_pdr","unit":"fps","value":6000`; err != nil || !strings.HasPrefix(string(b), want) ||
		!strings.HasSuffix(string(b), `,"lower":null,"upper":null,"n":35,"better":1}`) {
		t.Errorf("%s, %v", b, err)
	}
}

func TestRunRateWithoutBounds(t *testing.T) {
	t.Parallel()
	goals := config(t, "ndr").Goals
	out, err := rfc2544.RunRate(context.Background(), device(t, "capacity=max"), rfc2544.SearchConfig{Goals: goals, Size: 64, Min: 9001, Max: 1e6})
	if err != nil || !out.Valid || len(out.Values) != 2 || out.Values[0].Value != 1e6 || out.Values[0].Upper != nil {
		t.Errorf("%v, %+v", err, out)
	}
	if got := fmt.Sprint(out.Warnings); got != "[ndr >= 1Mpps: never lossy up to the largest load offered]" {
		t.Errorf("warnings %s", got)
	}
	out, err = rfc2544.RunRate(context.Background(), device(t, "capacity=10fps"), rfc2544.SearchConfig{Goals: goals, Size: 64, Min: 9001, Max: 1e6})
	if err != nil || out.Valid || len(out.Values) != 0 || len(out.Warnings) != 1 {
		t.Errorf("%v, %+v", err, out)
	}
}

// A search that invalid trials kept from looking higher has a lower bound only, and is not valid.
func TestRunRateHeld(t *testing.T) {
	t.Parallel()
	m := &altered{Device: device(t, "capacity=600000fps"), alter: func(_ int, o *rfc2544.Observation) error {
		if o.IntendedLoad > 300e3 {
			o.Reject(rfc2544.Because(rfc2544.ReceiverOverflow, "overflow"))
		}
		return nil
	}}
	out, err := rfc2544.RunRate(context.Background(), m, rfc2544.SearchConfig{Goals: config(t, "quick").Goals, Size: 64, Min: 9001, Max: 1e6})
	if err != nil || out.Valid || !out.Held || len(out.Values) != 2 || out.Values[0].Lower == nil || out.Values[0].Upper != nil {
		t.Errorf("%v, %+v", err, out)
	}
}

func TestRunRateErrors(t *testing.T) {
	t.Parallel()
	died := errors.New("the device died")
	m := &altered{Device: device(t, "capacity=600000fps"), alter: func(n int, _ *rfc2544.Observation) error {
		if n > 30 {
			return died
		}
		return nil
	}}
	out, err := rfc2544.RunRate(context.Background(), m, rfc2544.SearchConfig{Goals: config(t, "ndr", "pdr").Goals, Size: 64, Min: 9001, Max: 1e6})
	if !errors.Is(err, died) || out.Valid || len(out.Trials) != 30 || len(out.Values) == 0 {
		t.Errorf("%v, %+v", err, out)
	}
	if _, err := rfc2544.RunRate(context.Background(), m, rfc2544.SearchConfig{Goals: config(t, "pdr", "quick").Goals, Size: 64, Min: 9001, Max: 1e6}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("two goals named pdr: error %v", err)
	}
}
