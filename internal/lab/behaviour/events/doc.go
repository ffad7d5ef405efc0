// Package events finds out what a tunnel does when something happens to it: nothing is sent for a while, one of its ends
// starts again, its keys are renewed, its address changes, its wan link fails, loses or fills up.
//
//	client ─ left ═══ wan ═══ right ─ server
//	   └───── light stream ─────┘
//
// A light stream runs both ways (probe) while it happens. What came of it is judged by pure functions (series), so that
// the judging can be tested without waiting.
package events
