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

// Policy returns a page's content security policy. It allows only the style sheet, by its hash: no
// scripts, images, fonts or requests.
func Policy() string {
	sum := sha256.Sum256([]byte(CSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}
