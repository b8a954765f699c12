package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"imerr-scan/internal/report"
	"imerr-scan/pkg/catalog"
)

func newCatalog(env *environ) *cobra.Command {
	var output string
	var cats, tiers, topics []string
	cmd := &cobra.Command{
		Use:   "catalog",
		Short: "List the codes, for reading or for joins elsewhere (csv, json)",
		Example: `  imerr-scan catalog --category auth
  imerr-scan catalog -o csv > codes.csv`,
		Args:                  cobra.NoArgs,
		DisableFlagsInUseLine: true,
		RunE: func(*cobra.Command, []string) error {
			cat := env.conf.Catalog
			if !slices.Contains([]string{"text", "csv", "json"}, output) {
				return usage("", "-o %q: want text, csv or json", output)
			}
			for _, c := range cats {
				if !slices.Contains(categories, c) {
					return usage("one of "+strings.Join(categories, ", "), "--category %q: no such category", c)
				}
			}
			for _, t := range tiers {
				if !slices.Contains(catalog.Tiers(), t) {
					return usage("one of "+strings.Join(catalog.Tiers(), ", "), "--tier %q: no such tier", t)
				}
			}
			entries := slices.DeleteFunc(cat.Entries(), func(e *catalog.Entry) bool {
				return len(cats) > 0 && !slices.Contains(cats, e.Category) ||
					len(tiers) > 0 && !slices.Contains(tiers, e.Tier) ||
					len(topics) > 0 && !slices.Contains(topics, e.Topic)
			})
			width := 0
			if isTTY(env.stdout) {
				width = env.columns()
			}
			return report.CatalogList(env.stdout, entries, output, env.lang, width)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&output, "output", "o", "text", "text, csv or json")
	f.StringSliceVar(&cats, "category", nil, "only these categories")
	f.StringSliceVar(&tiers, "tier", nil, "only these tiers: "+strings.Join(catalog.Tiers(), ", "))
	f.StringSliceVar(&topics, "topic", nil, "only these topics: kick, login, token …")
	complete(cmd, "output", "text", "csv", "json")
	complete(cmd, "category", categories...)
	complete(cmd, "tier", catalog.Tiers()...)
	return cmd
}
