// Command benchdetect measures the detector by the acceptance table, beside four simple ways of finding a spike that see the
// same series. The simple ways get, each, the most sensitive setting at which they raise no more false alarms after the first
// day than -rivals says; it may say several numbers, each of which gives a table.
//
//	go run ./tools/benchdetect                       the figures of docs/alerts.md; some minutes on two cores
//	go run ./tools/benchdetect -fleets 4 -storms 3   less
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"

	"imerr-scan/internal/detect"
	"imerr-scan/tools/benchdetect/storms"
)

func main() {
	seed := flag.Uint64("seed", 1, "first seed; two follow from it")
	fleets := flag.Int("fleets", 24, "quiet fleets of 70 codes")
	weeks := flag.Int64("weeks", 3, "of each")
	perSeries := flag.Int("storms", 10, "in each series of a row")
	kicks := flag.Int("kicks", 100, "labelled storms of each kind")
	budget := flag.Float64("budget", 1, "false alarms a week that the detector may raise")
	allowed := flag.String("rivals", "1,50", "false alarms a week that the others may raise")
	flag.Parse()

	b := bench{opt: detect.Options{FalseAlarmsPerWeek: *budget}, seed: *seed}
	for a := range strings.SplitSeq(*allowed, ",") {
		n, err := strconv.ParseFloat(a, 64)
		if err != nil {
			fmt.Fprintln(os.Stderr, "-rivals:", err)
			os.Exit(2)
		}
		b.allowed = append(b.allowed, n)
	}
	ours, rivals := b.quiet(*fleets, *weeks)
	printQuiet(ours, rivals, *fleets, *weeks)
	b.rows(rivals, *perSeries)
	b.kinds(*kicks)
}

// bench is one run.
type bench struct {
	opt     detect.Options
	seed    uint64
	allowed []float64
}

// rival is a simple method.
type rival struct {
	name  string
	knobs []float64 // from sensitive to calm
	make  func(knob float64) storms.Method
}

// setting is a rival with a knob that was chosen.
type setting struct {
	*rival
	allowed float64
	knob    float64
	null    storms.Null
}

func (r *setting) title() string { return fmt.Sprintf("%s %.3g", r.name, r.knob) }

func newRivals() []*rival {
	return []*rival{
		{name: "ElastAlert ×3 and ≥", knobs: steps(10, 1e6, 26), make: func(k float64) storms.Method { return &storms.ElastAlert{Least: k} }},
		{name: "z-score >", knobs: steps(3, 3000, 26), make: func(k float64) storms.Method { return &storms.ZScore{Z: k} }},
		{name: "EWMA L", knobs: steps(3, 3000, 26), make: func(k float64) storms.Method { return &storms.EWMA{L: k} }},
		{name: "in 5 min >", knobs: steps(50, 1e6, 26), make: func(k float64) storms.Method { return &storms.Threshold{Limit: k} }},
	}
}

// steps returns n numbers from a to b, evenly on a logarithmic scale.
func steps(a, b float64, n int) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = a * math.Pow(b/a, float64(i)/float64(n-1))
	}
	return all
}

// tuned is on how many fleets the rivals get their settings: there are a hundred of them.
const tuned = 8

// quiet runs everybody over the quiet fleets and sets the knobs of the rivals.
func (b *bench) quiet(fleets int, weeks int64) (storms.Null, []*setting) {
	rivals := newRivals()
	var ours storms.Null
	all := make([][]storms.Null, min(fleets, tuned))
	var mu sync.Mutex
	each(fleets, func(i int) {
		seed := b.seed*1000 + uint64(i)
		n := storms.RunNull(seed, weeks, b.opt)
		mu.Lock()
		ours.Add(n)
		mu.Unlock()
		if i >= len(all) {
			return
		}
		all[i] = storms.RunNullMethods(seed, weeks, func() (ms []storms.Method) {
			for _, r := range rivals {
				for _, k := range r.knobs {
					ms = append(ms, r.make(k))
				}
			}
			return ms
		})
	})
	var chosen []*setting
	for _, allowed := range b.allowed {
		at := 0
		for _, r := range rivals {
			s := &setting{rival: r, allowed: allowed}
			for _, k := range r.knobs {
				var n storms.Null
				for i := range all {
					n.Add(all[i][at])
				}
				at++
				if s.knob == 0 && (float64(n.Later) <= allowed*n.Weeks || k == r.knobs[len(r.knobs)-1]) {
					s.knob, s.null = k, n
				}
			}
			chosen = append(chosen, s)
		}
	}
	return ours, chosen
}

func printQuiet(ours storms.Null, rivals []*setting, fleets int, weeks int64) {
	fmt.Printf("## Quiet fleets: %d fleets of 70 codes, %d weeks each (the others: %d fleets)\n\n", fleets, weeks, min(fleets, tuned))
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "method\tfalse alarms a week after day 1\ton day 1, without the jobs\tof two jobs on day 1")
	row := func(name string, n storms.Null, fleets int) {
		fmt.Fprintf(w, "%s\t%.2f\t%.1f\t%.1f\n", name, float64(n.Later)/n.Weeks, float64(n.First)/float64(fleets), float64(n.FirstJobs)/float64(fleets))
	}
	row("ours", ours, fleets)
	for _, r := range rivals {
		row(r.title(), r.null, min(fleets, tuned))
	}
	w.Flush()
	fmt.Printf("\nours, after day 1, by kind of code: %v\n\n", ours.ByName)
}

// rows runs everybody over the storms of the table, of two seeds.
func (b *bench) rows(rivals []*setting, perSeries int) {
	rows := storms.Rows()
	scores := make([][]storms.Score, len(rows))
	each(len(rows), func(i int) {
		for s := range uint64(2) {
			got := rows[i].Run(b.seed+s, perSeries, func() []storms.Method {
				ms := []storms.Method{storms.NewOurs(b.opt, 1)}
				for _, r := range rivals {
					ms = append(ms, r.make(r.knob))
				}
				return ms
			})
			if scores[i] == nil {
				scores[i] = got
				continue
			}
			for k := range got {
				scores[i][k].Add(got[k])
			}
		}
	})
	fmt.Printf("## Storms: seeds %d and %d; found, found in time\n\n", b.seed, b.seed+1)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "storm\tstorms\tmust\treference\tours\tmedian")
	var all storms.Score
	for i, row := range rows {
		ours := scores[i][0]
		all.Add(ours)
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%.1f min\n", row.Name, ours.Storms, must(row), row.Reference, found(ours), storms.Quantile(ours.Delay, 0.5))
	}
	w.Flush()
	fmt.Printf("\nin time is 60 s, in the rows of ×10 at 1/min, ramps and waves 5 min\n")
	fmt.Printf("all rows: resolved after the end, median %.1f min, p90 %.1f; alerts a storm %.3f; onset error, p90 %.1f min\n\n",
		storms.Quantile(all.Resolve, 0.5), storms.Quantile(all.Resolve, 0.9), all.EpisodesPer(), storms.Quantile(all.Onset, 0.9))
	for _, allowed := range b.allowed {
		fmt.Printf("## The same storms by others, at up to %g false alarms a week\n\n", allowed)
		fmt.Fprint(w, "storm\tours")
		for _, r := range rivals {
			if r.allowed == allowed {
				fmt.Fprint(w, "\t", r.title())
			}
		}
		fmt.Fprintln(w)
		for i, row := range rows {
			fmt.Fprint(w, row.Name, "\t", found(scores[i][0]))
			for k, r := range rivals {
				if r.allowed == allowed {
					fmt.Fprint(w, "\t", found(scores[i][k+1]))
				}
			}
			fmt.Fprintln(w)
		}
		w.Flush()
		fmt.Println()
	}
}

func found(s storms.Score) string {
	return fmt.Sprintf("%.1f %%, %.1f %%", 100*s.FoundShare(), 100*s.FastShare())
}

func must(r storms.Row) string {
	part := func(x float64) string {
		if x == 0 {
			return "–"
		}
		return fmt.Sprintf("%.0f %%", 100*x)
	}
	return part(r.MustFind) + ", " + part(r.MustBeFast)
}

// kinds tells the kinds of labelled storms.
func (b *bench) kinds(n int) {
	labels := storms.Kinds()
	told := make([]map[string]int, len(labels))
	each(len(labels), func(i int) { told[i] = storms.RunKinds(labels[i], b.seed, n) })
	fmt.Printf("## Kinds: %d storms of each, seed %d\n\n", n, b.seed)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "label\talerts\tright\tmixed\twrong")
	for i, label := range labels {
		alerts := n - told[i][""]
		right, mixed := told[i][label], told[i][detect.KindMixed]
		if label == detect.KindMixed {
			mixed = 0
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\n", label, alerts, right, mixed, alerts-right-mixed)
	}
	w.Flush()
}

// each calls f for 0 … n−1 on all cores.
func each(n int, f func(i int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
