package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manPage is the help of all verbs as one page for man(1), in the macros of man(7). cobra's own generator makes a page of each
// verb and brings a Markdown parser along.
func manPage(root *cobra.Command) string {
	b := readBuild()
	var p manual
	p.line(".TH IMERR-SCAN 1 %q %q %q", b.Date, "imerr-scan "+b.Version, "User Commands")
	p.line(".ad l\n.nh") // neither stretched nor hyphenated: names of flags stay whole
	p.section("NAME")
	p.line(`imerr\-scan \- %s`, roff(lowerFirst(root.Short)))
	p.section("SYNOPSIS")
	p.line(".B %s", roff(root.Use))
	for _, verb := range verbs(root) {
		p.line(".br\n.B %s", roff("imerr-scan "+verb.Use))
	}
	p.section("DESCRIPTION")
	p.text(root.Long)
	p.text("Data goes to stdout, everything else to stderr.")
	p.section("OPTIONS")
	p.flags(root.Flags())
	p.section("EXAMPLES")
	p.verbatim(root.Example)
	p.section("COMMANDS")
	for _, verb := range verbs(root) {
		p.line(`.SS "%s"`, roff(verb.Use))
		p.text(verb.Short + ".")
		p.verbatim(verb.Long)
		p.flags(verb.LocalNonPersistentFlags())
		p.verbatim(verb.Example)
	}
	p.section("EXIT STATUS")
	p.term("0", "done, whatever was found")
	p.term("1", "a condition of --fail-on was true, or a comparison said no")
	p.term("2", "a mistake in arguments or configuration, or an input that could not be read; the rest is still reported")
	p.term("130", "ended by a second interrupt before the summary")
	p.section("ENVIRONMENT")
	p.term("IMERR_*", "every fixed key of the configuration: IMERR_LANG, IMERR_TZ, IMERR_DETECTOR_MIN_COUNT; flags win")
	p.term("NO_COLOR, CLICOLOR_FORCE, COLUMNS", "as usual")
	p.section("FILES")
	p.term("$XDG_CONFIG_HOME/imerr-scan/config.yaml, /etc/imerr-scan/config.yaml", "the configuration, the first of them that is there")
	return p.String()
}

// verbs are those that the help lists, without cobra's own.
func verbs(root *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, verb := range root.Commands() {
		if verb.IsAvailableCommand() && verb.Name() != "completion" && verb.Name() != "help" {
			all = append(all, verb)
		}
	}
	return all
}

// manual is a text in roff that grows.
type manual struct{ strings.Builder }

func (p *manual) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *manual) section(name string) { p.line(".SH %s", name) }

// text is a paragraph that man fills.
func (p *manual) text(text string) {
	p.line(".PP\n%s", roff(text))
}

// verbatim is text whose lines stay as they are.
func (p *manual) verbatim(text string) {
	if text = strings.Trim(text, "\n"); text != "" {
		p.line(".PP\n.nf\n%s\n.fi", roff(text))
	}
}

func (p *manual) term(name, text string) {
	p.line(".TP\n.B %s\n%s", roff(name), roff(text))
}

func (p *manual) flags(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" || f.Name == "version" {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if kind != "" {
			name += " " + kind
		}
		p.term(name, usage)
	})
}

// roff hides from roff what it would take for its own: backslashes, dashes that would become hyphens, dots that begin a line.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n.", "\n\\&.", "\n'", "\n\\&'").Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

func lowerFirst(text string) string { return strings.ToLower(text[:1]) + text[1:] }
