// Package junit writes JUnit files. The format has no standard; these are the elements and attributes
// that its readers agree on. Times are in seconds.
package junit

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"time"
)

// Suites is a whole file.
type Suites struct {
	XMLName xml.Name `xml:"testsuites"`
	Suite   Suite    `xml:"testsuite"`
}

// Suite is a list of test cases with totals.
type Suite struct {
	Name      string `xml:"name,attr"`
	Tests     int    `xml:"tests,attr"`
	Failures  int    `xml:"failures,attr"` // cases that have any
	Errors    int    `xml:"errors,attr"`
	Skipped   int    `xml:"skipped,attr,omitempty"`
	Time      string `xml:"time,attr"`
	Timestamp string `xml:"timestamp,attr,omitempty"` // UTC
	Cases     []Case `xml:"testcase"`
}

// Case is one test case.
type Case struct {
	Classname string  `xml:"classname,attr"`
	Name      string  `xml:"name,attr"`
	Time      string  `xml:"time,attr"`
	Failures  []Fault `xml:"failure"`
	Error     *Fault  `xml:"error"`
	Skipped   *Fault  `xml:"skipped"`
}

// Fault is why a case failed, could not run or was skipped.
type Fault struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// Marshal returns a file with one suite.
func Marshal(s Suite) ([]byte, error) {
	data, err := xml.MarshalIndent(Suites{Suite: s}, "", " ")
	if err != nil {
		return nil, fmt.Errorf("junit: %w", err)
	}
	return append([]byte(xml.Header), append(data, '\n')...), nil
}

// Seconds formats a duration for JUnit.
func Seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }
