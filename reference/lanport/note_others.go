//go:build !linux

package lanport

// Note returns nothing: there is no port on this system.
func Note(int) string { return "" }
