// Package reports holds the result model of a run and everything that shows it:
// results.json and its schema, the table on the terminal, the page report.html
// and the charts. It never measures, opens no socket and reads no clock: the
// same results give the same bytes, on any machine, without root.
//
//	lab ──► Results ──► Write ──► results.json ──► Read ──► Results
//	           │                                              │
//	           ├──► Table, WriteText   (terminal)  ◄──────────┤
//	           ├──► WriteHTML          (one file)  ◄──────────┤
//	           └──► WritePNGs          (1200x630)  ◄──────────┘
//
// A fuzz campaign has a model, a schema and forms of its own: Fuzz, WriteFuzz
// and ReadFuzz, FuzzTable and FuzzLine, FuzzHTML, FuzzJUnit, FuzzSARIF.
//
// A file may come from anybody, so the readers trust nothing in it, and every
// name is cleaned before it is shown: no markup, no terminal escapes.
package reports
