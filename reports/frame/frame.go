// Package frame has what all pages share: the style sheet, and the policy that allows a page nothing
// else.
package frame

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
)

// CSS is the style sheet of all pages.
//
//go:embed page.css
var CSS string

// Policy returns a page's content security policy. It allows only the style sheet and these scripts, by
// their hashes: no images, fonts or requests.
func Policy(scripts ...string) string {
	policy := "default-src 'none'; style-src " + hash(CSS)
	for i, script := range scripts {
		if i == 0 {
			policy += "; script-src"
		}
		policy += " " + hash(script)
	}
	return policy + "; base-uri 'none'; form-action 'none'"
}

// hash returns the source expression of an inline element (CSP Level 3, section 2.3.1).
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
