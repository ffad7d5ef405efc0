//go:build planted

package planted

import "os"

// Variable is the environment's name for the bug that is alive.
const Variable = "TB_PLANTED"

var alive = os.Getenv(Variable)

// Is tells whether a bug is the one that is alive.
func Is(bug string) bool { return bug == alive }
