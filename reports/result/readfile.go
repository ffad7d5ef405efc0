package result

import (
	"bytes"
	"context"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

// ReadFile reads an untrusted results file, as Read does.
func ReadFile(ctx context.Context, path string) (*Results, error) {
	data, err := bounded.File(ctx, path, strictjson.MaxFile)
	if err != nil {
		return nil, err
	}
	return Read(bytes.NewReader(data), path)
}
