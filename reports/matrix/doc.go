// Package matrix arranges the results of a run as a table with a row for each device and direction
// and a column for each frame size. The terminal, the page and the charts show the same cells.
package matrix
