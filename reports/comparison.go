package reports

// Comparison is what `ab` found: devices measured in turn, in rounds.
type Comparison struct {
	Devices    []string `json:"devices"` // the first is what the others are compared with
	Rounds     int      `json:"rounds"`
	Confidence float64  `json:"confidence"` // of all intervals together
	Order      [][]int  `json:"order"`      // per round, in which the devices came
	Metrics    []Metric `json:"metrics"`
	Warnings   []string `json:"warnings"`
}

// Metric is one number, of every device in every round.
type Metric struct {
	Name    string       `json:"name"`
	Unit    string       `json:"unit"`
	Better  int          `json:"better"`  // as Value.Better
	Samples [][]*float64 `json:"samples"` // per device and round; null was not valid
	Ratios  []Ratio      `json:"ratios"`  // of each other device to the first
}

// Ratio is how a device compares with the first one.
type Ratio struct {
	Device  string  `json:"device"`
	Value   float64 `json:"value"` // of the device by the first's
	Lower   float64 `json:"lower"`
	Upper   float64 `json:"upper"`
	Pairs   int     `json:"pairs"`
	Verdict string  `json:"verdict"` // "better", "worse" or "none": no difference shown
}
