// Package reports renders the results of a run: as a table on the terminal, as the page
// report.html, as charts and in formats for other programs. It opens no sockets and reads no clock,
// so the same results give the same bytes on every machine. It needs no root privileges.
//
//	lab ──► Results ──► Write ──► results.json ──► Read ──► Results
//	           │                                              │
//	           ├──► Table, WriteText   (terminal)  ◄──────────┤
//	           ├──► WriteHTML          (one file)  ◄──────────┤
//	           └──► WritePNGs          (1200x630)  ◄──────────┘
//
// A fuzz campaign has its own model and schema, in package fuzz/report.
//
// Files are untrusted input: the readers check everything, and every name is escaped before it is
// shown (markup and terminal control sequences).
package reports
