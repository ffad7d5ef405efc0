package result_test

import (
	"bytes"
	"testing"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

// TestSchemaNeedsEveryKey checks that the schema requires every key.
func TestSchemaNeedsEveryKey(t *testing.T) {
	if objects := resulttest.CheckSchema(t, result.SchemaJSON(), "shared_cores", "directions", "kinds", "seals", "left_out", "rounds", "certificate", "counts", "comparison", "trouble", "speeds", "drop_reasons", "invalid", "clean", "disturbed", "user_cpu_ns_per_frame",
		"congestion_control", "carries", "gaps", "last_lost_ns", "silence", "tags_ns", "ipdv_ns"); objects < 8 {
		t.Errorf("only %d objects seen", objects)
	}
	if !bytes.Contains(result.SchemaJSON(), []byte(result.Schema)) {
		t.Error("the schema is of another version")
	}
}
