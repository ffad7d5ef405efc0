package result

import (
	"fmt"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// ShortfallText formats a shortfall, such as "trial duration: 1s instead of 1m0s (RFC 2544 section
// 24)".
func ShortfallText(s rfc2544.Shortfall) string {
	return strictjson.Clean(fmt.Sprintf("%s: %s instead of %s (%s)", s.What, s.Got, s.Asked, s.Section))
}
