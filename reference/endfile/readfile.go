package endfile

import (
	"context"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/strictyaml"
)

// ReadFile reads the file at a path, as Read does.
func ReadFile(ctx context.Context, path string, resolver Resolver) (*File, error) {
	data, err := bounded.File(ctx, path, strictyaml.MaxSize)
	if err != nil {
		return nil, err
	}
	return Read(ctx, path, data, resolver)
}
