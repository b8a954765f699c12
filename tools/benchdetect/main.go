// Command benchdetect measures.
package main

import (
	"fmt"

	"imerr-scan/internal/detect"
	"imerr-scan/tools/benchdetect/storms"
)

func main() {
	for _, r := range storms.Rows() {
		sc := r.Run(1, 10, func() []storms.Method { return []storms.Method{storms.NewOurs(detect.Options{}, 1)} })
		s := sc[0]
		fmt.Printf("%-45s %4d storms  found %5.1f%% fast %5.1f%%  delay med %.1f  resolve med %.2f  onset p90 %.2f eps %.3f\n", r.Name, s.Storms,
			100*float64(s.Found)/float64(s.Storms), 100*float64(s.Fast)/float64(s.Storms), storms.Quantile(s.Delay, .5), storms.Quantile(s.Resolve, .5), storms.Quantile(s.Onset, .9), float64(s.Episodes)/float64(s.Storms))
	}
}
