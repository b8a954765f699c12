// Package report writes a result for people and programs: text, json, csv, markdown, prom. Nothing from a log reaches an
// output unescaped.
package report
