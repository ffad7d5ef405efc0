package fuzz

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
)

// libFuzzer is the engine of OSS-Fuzz and ClusterFuzzLite. libfuzzer.sh builds targets as they do.
type libFuzzer struct{ places }

func (l *libFuzzer) binary(t Target) string {
	return filepath.Join(l.work, "build", t.Name+".libfuzzer")
}

func (l *libFuzzer) build(ctx context.Context, t Target) error {
	for program, why := range map[string]string{"clang": "it links libFuzzer programs", "go": "it builds targets on this machine"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w: %s is not installed: %s", errors.ErrUnsupported, program, why)
		}
	}
	return l.tool(ctx, filepath.Join(l.root, "fuzz", "libfuzzer.sh"), "./"+t.Package, t.native(), l.binary(t))
}

// dictionary returns the target's dictionary, or else its package's.
func (l *libFuzzer) dictionary(t Target) string {
	dir := filepath.Join(l.root, "fuzz", "oss-fuzz")
	if own := filepath.Join(dir, t.Name+".dict"); exists(own) {
		return own
	}
	return filepath.Join(dir, filepath.Base(t.Package)+".dict")
}

var (
	libFuzzerProgress = regexp.MustCompile(`^#(\d+)\s.*cov: (\d+)`)
	libFuzzerTotal    = regexp.MustCompile(`number_of_executed_units: (\d+)`)
)

func (l *libFuzzer) run(ctx context.Context, t Target, limit time.Duration, sample func(report.Sample)) (turn, error) {
	crashers := filepath.Join(l.work, "libfuzzer", t.Name)
	if err := errors.Join(os.RemoveAll(crashers), os.MkdirAll(crashers, 0o755), os.MkdirAll(l.corpus(t), 0o755)); err != nil {
		return turn{}, err
	}
	cmd := exec.Command(l.binary(t), "-max_total_time="+strconv.Itoa(max(1, int(limit.Seconds()))), "-max_len=4096", "-timeout=10",
		"-rss_limit_mb=2048", "-print_final_stats=1", "-artifact_prefix="+crashers+"/", "-dict="+l.dictionary(t), l.corpus(t))
	start, coverage := time.Now(), uint64(0)
	result, err := attack(ctx, limit+30*time.Second, cmd, func(line string) {
		if m := libFuzzerProgress.FindStringSubmatch(line); m != nil {
			coverage = number(m[2])
			sample(report.Sample{Elapsed: time.Since(start), Executions: number(m[1]), Coverage: coverage})
		}
	})
	if m := libFuzzerTotal.FindStringSubmatch(result.said); m != nil {
		sample(report.Sample{Elapsed: time.Since(start), Executions: number(m[1]), Coverage: coverage})
	}
	result.crashers, _ = readCorpus(crashers)
	if len(result.crashers) > 0 {
		return result, nil
	}
	return result, ended(ctx, err, result.said)
}
