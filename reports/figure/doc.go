// Package figure provides the building blocks of all charts: axes, marks, bars, colours and
// legends, drawn as SVG for the page and as PNG. It does not import the result model.
package figure
