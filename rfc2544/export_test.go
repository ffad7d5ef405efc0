package rfc2544

// Internals that the tests of the RFCs' worked examples need.
const GapOctets = gapOctets

var Bisect = bisect[Rate]
