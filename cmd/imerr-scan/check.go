package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imerr-scan/internal/config"
	"imerr-scan/internal/notify"
)

// newCheck is the verb that judges a configuration.
func newCheck(env *environ) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [CONFIG]",
		Short: "Check a configuration and print what holds, and who says so; nothing is started",
		Long: `check reads a configuration as every other verb would (file, environment variables, flags), says all that is wrong
with it, each mistake with its place and what to write, or prints the settings that hold with their origin. Secrets are
shown as ***.`,
		Example:               `  imerr-scan check imerr-scan.yaml`,
		Args:                  cobra.MaximumNArgs(1),
		DisableFlagsInUseLine: true,
		Annotations:           map[string]string{ownConfig: "yes"},
		RunE: func(_ *cobra.Command, args []string) error {
			return check(env, args)
		},
	}
	detectorFlags(cmd)
	return cmd
}

func check(env *environ, args []string) error {
	named := env.configFlag
	if len(args) > 0 {
		named = args[0]
	}
	file, data, err := config.Find(named, env.input.Env, env.input.ReadFile)
	if err != nil {
		return usage("", "%v", err)
	}
	env.input.File, env.input.Data = file, data
	conf, err := config.Load(env.input)
	if err != nil {
		env.tell(err)
		return usage("", "%s: refused", orDefaults(file))
	}
	if _, err := env.stdout.Write(conf.YAML()); err != nil {
		return err
	}
	fmt.Fprintf(env.stderr, "imerr-scan: %s: no mistakes; %d sinks, %d limits\n", orDefaults(file), len(conf.Notify.Sinks), len(conf.Detector.Limits))
	return nil
}

func orDefaults(file string) string {
	if file == "" {
		return "no configuration file"
	}
	return file
}

// newNotify is the verb that sends a sample.
func newNotify(env *environ) *cobra.Command {
	return &cobra.Command{
		Use:                   "notify SINK...",
		Short:                 "Send a sample alert to sinks of the configuration, to see whether they are set up",
		Example:               `  imerr-scan notify --config imerr-scan.yaml dingtalk`,
		Args:                  cobra.ArbitraryArgs,
		DisableFlagsInUseLine: true,
		RunE: func(_ *cobra.Command, args []string) error {
			return sendSample(env, args)
		},
	}
}

func sendSample(env *environ, names []string) error {
	opt := env.conf.Notify
	var known []string
	for i := range opt.Sinks {
		s := &opt.Sinks[i]
		if s.Name == "" {
			s.Name = s.Kind
		}
		if s.Kind == "ndjson" && s.Path == "-" {
			s.Writer = env.stdout
		}
		known = append(known, s.Name)
	}
	if len(known) == 0 {
		return usage("write one under sinks:", "%s: no sink", orDefaults(env.input.File))
	}
	if len(names) == 0 {
		return usage("", "which sink? there are: %s", strings.Join(known, ", "))
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return usage("", "no sink %q; there are: %s", name, strings.Join(known, ", "))
		}
	}
	n, err := notify.New(opt)
	if err != nil {
		env.tell(err)
		return &exitError{status: exitUsage}
	}
	ctx, stop := interrupts(context.Background(), false)
	defer stop()
	sample := notify.Sample(time.Now())
	var failed bool
	for _, name := range names {
		if err := n.SendNow(ctx, name, sample); err != nil {
			failed = true
			env.tell(err)
			continue
		}
		fmt.Fprintf(env.stderr, "imerr-scan: %s took the sample\n", name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	if err := n.Close(ctx); err != nil && !errors.Is(err, context.Canceled) {
		env.tell(err)
	}
	if failed {
		return &exitError{status: exitNo}
	}
	return nil
}
