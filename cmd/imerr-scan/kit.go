package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"imerr-scan/deploy"
)

// newKit is the verb that prints what surrounds the service.
func newKit(env *environ) *cobra.Command {
	var runbooks string
	cmd := &cobra.Command{
		Use:   "kit " + strings.Join(deploy.Kinds(), "|"),
		Short: "Print ready files that fit this build: Prometheus rules and their tests, a systemd unit",
		Example: `  imerr-scan kit prometheus --runbooks https://wiki.example.com/imerr > imerr-rules.yaml
  imerr-scan kit systemd > /etc/systemd/system/imerr-scan.service`,
		Args:                  cobra.ExactArgs(1),
		ValidArgs:             deploy.Kinds(),
		DisableFlagsInUseLine: true,
		Annotations:           map[string]string{ownConfig: "yes"},
		RunE: func(_ *cobra.Command, args []string) error {
			text := deploy.Print(args[0], runbooks)
			if text == "" {
				return usage("one of "+strings.Join(deploy.Kinds(), ", "), "kit %q: no such kit", args[0])
			}
			_, err := io.WriteString(env.stdout, text)
			return quiet(err)
		},
	}
	cmd.Flags().StringVar(&runbooks, "runbooks", deploy.Runbooks, "where docs/runbooks.md is published: the links of the rules")
	return cmd
}
