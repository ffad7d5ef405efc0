package installation

// owned reports whether a folder is this user's: Windows has no root that works in another's.
func owned(string) bool { return true }
