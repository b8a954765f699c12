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
	kinds := append(deploy.Kinds(), "man")
	cmd := &cobra.Command{
		Use:   "kit KIND",
		Short: "Print ready files that fit this build: Prometheus rules, Grafana dashboard, Kubernetes, systemd, Docker",
		Long: `kit prints one file that surrounds the service, as it fits this build:
  prometheus  rules, also for vmalert; prometheus-tests are their tests for promtool
  grafana     dashboard, for import or provisioning
  k8s         manifests for kubectl apply
  kafka       commands that make the topic and give the rights
  systemd     unit for files on one machine
  docker      Dockerfile, for the top of the sources
  compose     all of it on one machine, to try it
  man         the manual page of this build`,
		Example: `  imerr-scan kit prometheus --runbooks https://wiki.example.com/imerr > imerr-rules.yaml
  imerr-scan kit k8s | kubectl apply -f -
  imerr-scan kit systemd > /etc/systemd/system/imerr-scan.service`,
		Args:                  cobra.ExactArgs(1),
		ValidArgs:             kinds,
		DisableFlagsInUseLine: true,
		Annotations:           map[string]string{ownConfig: "yes"},
		RunE: func(cmd *cobra.Command, args []string) error {
			text := deploy.Print(args[0], deploy.Options{Version: readBuild().Version, Runbooks: runbooks})
			switch {
			case args[0] == "man":
				text = manPage(cmd.Root())
			case text == "":
				return usage("one of "+strings.Join(kinds, ", "), "kit %q: no such kit", args[0])
			}
			_, err := io.WriteString(env.stdout, text)
			return err
		},
	}
	cmd.Flags().StringVar(&runbooks, "runbooks", deploy.Runbooks, "where docs/runbooks.md is published: the links of the rules")
	return cmd
}
