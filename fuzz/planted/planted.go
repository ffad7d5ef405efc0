//go:build planted

package planted

import "os"

// Variable is the environment variable that names the active bug.
const Variable = "TB_PLANTED"

var alive = os.Getenv(Variable)

// Is reports whether bug is the active bug.
func Is(bug string) bool { return bug == alive }
