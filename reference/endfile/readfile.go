package endfile

import (
	"context"
	"path/filepath"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/strictyaml"
)

// keyFileSize is the size limit of a file with a key, in bytes.
const keyFileSize = 1 << 10

// ReadFile reads the file at a path, as Read does. Files with keys must be readable by their owner only; their
// paths are relative to the file's folder.
func ReadFile(ctx context.Context, path string, resolver Resolver) (*File, error) {
	data, err := bounded.File(ctx, path, strictyaml.MaxSize)
	if err != nil {
		return nil, err
	}
	return Read(ctx, path, data, resolver, func(secret string) ([]byte, error) {
		if !filepath.IsAbs(secret) {
			secret = filepath.Join(filepath.Dir(path), secret)
		}
		return bounded.Secret(ctx, secret, keyFileSize)
	})
}
