package day

import (
	"encoding/json"
	"os"
	"syscall"
	"time"
)

// Report is what a program prints as one line of JSON. Proved counts the inclusion proofs made and verified after
// the clock was stopped.
type Report struct {
	Events   int     `json:"events"`
	Accepted int     `json:"accepted"`
	Proved   int     `json:"proved"`
	WallS    float64 `json:"wall_s"`
	CPUS     float64 `json:"cpu_s"`
	RSSMB    float64 `json:"rss_mb"`
}

// Clock measures wall time and the CPU time of the process, all threads, user and system.
type Clock struct {
	started time.Time
	cpu     time.Duration
}

// Start starts a clock.
func Start() Clock {
	cpu, _ := used()
	return Clock{time.Now(), cpu}
}

// Stop fills in what the clock has measured.
func (clock Clock) Stop(report *Report) {
	cpu, rss := used()
	report.WallS = time.Since(clock.started).Seconds()
	report.CPUS = (cpu - clock.cpu).Seconds()
	report.RSSMB = rss
}

// Print writes the report on standard output.
func (report Report) Print() error {
	return json.NewEncoder(os.Stdout).Encode(report)
}

func used() (time.Duration, float64) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), float64(usage.Maxrss) / 1024
}
