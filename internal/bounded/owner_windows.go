package bounded

import "io/fs"

// owner knows nobody: a file has an access control list instead.
func owner(fs.FileInfo) (uid int, known bool) { return 0, false }
