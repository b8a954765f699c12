package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"imerr-scan/internal/lazyregexp"
	"imerr-scan/internal/report"
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

func newExplain(env *environ) *cobra.Command {
	var output, reason string
	cmd := &cobra.Command{
		Use:   "explain CODE|NAME|PHRASE|LOG LINE...",
		Short: "Say what a code means and what to do",
		Example: `  imerr-scan explain 206
  imerr-scan explain USER_MUTED_BY_ADMIN
  imerr-scan explain 被踢
  imerr-scan explain '{"error":{"type":50,"message":"Sorry, the monthly active user limit …"}}'`,
		Args:                  cobra.MinimumNArgs(1),
		DisableFlagsInUseLine: true,
		ValidArgsFunction:     env.completeCodes,
		RunE: func(_ *cobra.Command, args []string) error {
			return explain(env, args, reason, output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	cmd.Flags().StringVar(&reason, "reason", "", "a message, to name the cause within the code")
	complete(cmd, "output", "text", "json")
	return cmd
}

func explain(env *environ, args []string, reason, output string) error {
	cat := env.conf.Catalog
	if output != "text" && output != "json" {
		return usage("", "-o %q: want text or json", output)
	}
	found, vague, err := find(env, cat, args, reason)
	if err != nil {
		return err
	}
	opt := report.ExplainOptions{Lang: env.lang, Width: min(env.columns(), 100), Color: env.color(), Catalog: cat}
	switch {
	case output == "json":
		return report.ExplainJSON(env.stdout, found, opt)
	case vague && len(found) > 1:
		return report.Candidates(env.stdout, found, opt)
	}
	return report.Explain(env.stdout, found, opt)
}

// find looks the arguments up: as numbers and names, as a log line, as a phrase. Only what fits a phrase is vague.
func find(env *environ, cat *catalog.Catalog, args []string, reason string) (found []report.Explained, vague bool, err error) {
	for _, a := range args {
		n, nerr := strconv.ParseInt(a, 10, 32)
		e := cat.Find(a)
		if nerr == nil {
			e = cat.Lookup(int32(n))
		}
		switch {
		case e != nil:
			found = append(found, report.Explained{Entry: e, Reason: e.ReasonAfterPrefix(reason)})
			continue
		case nerr == nil:
			return nil, false, usage(elsewhere(env, int32(n)), "%d is not in the %s catalog", n, cat.Platform())
		}
		break
	}
	if len(found) == len(args) {
		return found, false, nil
	}
	found = nil
	line := strings.Join(args, " ")
	doc := extract.New(extract.Options{}).Extract([]byte(line))
	for _, ev := range classify.New(cat).Classify(doc.Candidates).Events {
		if ev.Entry != nil && !slices.ContainsFunc(found, func(x report.Explained) bool { return x.Entry == ev.Entry }) {
			found = append(found, report.Explained{Entry: ev.Entry, Reason: ev.Entry.ReasonByID(ev.Reason)})
		}
	}
	if len(found) > 0 {
		return found, false, nil
	}
	for _, e := range cat.Search(line) {
		found = append(found, report.Explained{Entry: e})
	}
	if len(found) == 0 {
		return nil, false, usage("imerr-scan catalog lists all", "nothing in the catalog fits %q", clip(line, 80))
	}
	return found, true, nil
}

// elsewhere hints at a platform whose catalog has a code.
func elsewhere(env *environ, code int32) string {
	for _, platform := range catalog.Platforms() {
		if other, err := catalog.Load(platform); err == nil && platform != env.conf.Catalog.Platform() && other.Lookup(code) != nil {
			return fmt.Sprintf("imerr-scan explain %d --platform %s", code, platform)
		}
	}
	return "imerr-scan catalog lists all"
}

// clip cuts a text of the user for an error message.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// completeCodes offers codes with their names.
func (e *environ) completeCodes(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	cat, err := catalog.Load("web")
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var out []string
	for _, entry := range cat.Entries() {
		if code := strconv.Itoa(int(entry.Code)); strings.HasPrefix(code, prefix) {
			out = append(out, code+"\t"+entry.Name)
		} else if prefix != "" && strings.HasPrefix(entry.Name, strings.ToUpper(prefix)) {
			out = append(out, entry.Name+"\t"+code)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

var negative = lazyregexp.New(`^-\d+$`)

// negativesLast moves negative numbers behind "--", so that `explain -1` needs no knowledge of flags.
func negativesLast(args []string) []string {
	if len(args) == 0 || args[0] != "explain" || slices.Contains(args, "--") {
		return args
	}
	var kept, moved []string
	for _, a := range args {
		if negative().MatchString(a) {
			moved = append(moved, a)
		} else {
			kept = append(kept, a)
		}
	}
	if len(moved) == 0 {
		return args
	}
	return append(append(kept, "--"), moved...)
}
