package main

import (
	"fmt"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/internal/report"
)

// newDetector returns a detector with the settings of the configuration. Users are named as total knows them.
func (sc *scan) newDetector(total *aggregate.Tally) *detect.Detector {
	opt := sc.env.conf.Detector
	opt.UserName = total.UserName
	return detect.New(opt)
}

// alerts returns the alerts that the whole of total gives, each as it was last known; none with --no-alerts.
func (sc *scan) alerts(total *aggregate.Tally) []detect.Alert {
	switch {
	case sc.noAlerts:
		return nil
	case sc.history != nil:
		return sc.history.Alerts
	}
	if w := total.CellWidth(); w > detect.MaxCellWidth && !sc.quiet {
		fmt.Fprintf(sc.env.stderr, "imerr-scan: no alerts were looked for: so many events over so long are kept in steps of %v; narrow it with --since and --until\n", w)
	}
	var h detect.History
	h.Add(sc.newDetector(total).Feed(total, detect.All)...)
	return h.Alerts
}

// alertLine says an alert in one line on stderr.
func (sc *scan) alertLine(a *detect.Alert) string {
	b := *a
	b.In(sc.env.zone)
	return report.AlertLine(&b, sc.cat, sc.env.lang)
}
