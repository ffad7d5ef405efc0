// Package figure holds what every chart is made of: axes, marks, bars, colours
// and legends, written as SVG for the page and as PNG. It knows nothing of results.
package figure
