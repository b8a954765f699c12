// Package report writes what a run knows for people and programs. It is the last stop of a log line.
//
// A result (internal/aggregate) becomes a summary on a screen or a table in a pipe (Text), a document (JSON), rows (CSV),
// an issue (Markdown) or metrics (Prom); an event becomes a line (AppendEvent); a grouping (Group) and a comparison
// (Compare) have the same forms. Explain and CatalogList write entries of the catalog.
//
//	err := report.Text(os.Stdout, result, catalog.Web(), report.TextOptions{Width: 104, Top: 10, Input: "app.log"})
//
// Words: the screen is text for a terminal of some width; plain is text for a pipe; a mark (▲) is a peak that means
// something; a hint is a path that held something near a code; advice is what to do about a code.
//
// Nothing from a log reaches an output unescaped: texts are one line, bounded, valid UTF-8, and hold nothing invisible
// (Clean); on top of that each format has its own rule, written where it is made. The functions are pure: no clock, no
// environment, no terminal; width, language and colour are arguments. User ids are masked before, in the result.
package report
