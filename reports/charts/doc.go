// Package charts draws the figures of a run, a comparison and a fuzz campaign.
//
//	result.Results ──► matrix ──► Charts ──► []figure.Chart ──► page (SVG)
//	                                  │
//	                                  └────► WritePNGs ──► one PNG each, 1200x630
//
// A new figure is one file with a function that returns a figure.Chart, and one
// entry in the list of Charts.
package charts
