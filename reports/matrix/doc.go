// Package matrix arranges the results of a run as a table: a row for each
// device and direction, a cell for each frame size. Text, page and charts show
// the same cells.
package matrix
