// Package config turns a file, environment variables and flags into the Options of the other packages, and knows where
// each value came from. It stands beside the way of a log line: cmd asks it once, before the first line is read, and again
// when the service is told to reload.
//
// Words: a key is the place of a value, written as a path, detector.min_count or limits[0].window; a fixed key stands in no
// list, so that a flag (--detector-min-count) and a variable (IMERR_DETECTOR_MIN_COUNT) can set it; an origin says who set
// a value: a line of the file, a variable, a flag, or nobody ("default"); a mistake is one thing wrong, with its place.
//
//	file, data, err := config.Find(flag, os.LookupEnv, config.ReadFile)
//	conf, err := config.Load(config.Input{File: file, Data: data, Env: os.LookupEnv, ReadFile: config.ReadFile})
//	d := detect.New(conf.Detector)
//
// A file with any mistake is refused whole, and every mistake is told. schema.go is the list of keys; docs/configuration.md
// describes them. It starts nothing, keeps no old configuration and watches no file: that is the caller's.
package config

import (
	"bytes"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"imerr-scan/internal/detect"
	"imerr-scan/internal/notify"
	"imerr-scan/pkg/catalog"
)

// Config is all that can be configured, checked, in the form in which the packages want it.
type Config struct {
	Lang    string            // of texts: zh, en, or auto: by the locale
	PII     string            // how user ids are shown: mask, hash, plain or drop
	Zone    *time.Location    // of times without one, and of the times shown
	Fields  map[string]string // for extract.Options; nil if none is set
	Catalog *catalog.Catalog  // of the platform, with the file that catalog: names laid over it

	Detector detect.Options // with Limits and Catalog
	Notify   notify.Options // with Sinks, Labels, links, Catalog and Zone

	Listen      string // of serve: the address for HTTP, or none
	State       string // the file of its delta log; "" if none was named
	ReloadToken notify.Secret
	LogFormat   string // of its own log: text or json
	LogLevel    slog.Level
	Kafka       *Kafka // nil unless brokers and topics are set

	shown *yaml.Node
}

// Input is what a Config is made of. The zero value gives the defaults.
type Input struct {
	File  string // name of the file, for messages; the paths in it begin at its folder
	Data  []byte // what it holds
	Flags []Flag // win over all else; of two with one key the last
	Env   func(name string) (value string, ok bool)
	// ReadFile returns a file that the configuration names, a secret or a catalog. One of more than limit bytes is an
	// error. Errors need not name the file.
	ReadFile func(name string, limit int) ([]byte, error)
}

// Flag is a value from the command line.
type Flag struct {
	Key   string // lang, detector.min_count; FixedKeys lists them
	Name  string // as the user writes it: --lang
	Value string
}

// Load reads in. The error joins a *Mistake for each thing that is wrong, in the order of the file, and what catalog.Overlay
// says of a catalog file; there is no Config then. No error holds a secret.
func Load(in Input) (*Config, error) {
	l := newLoader(in)
	l.readYAML(in.Data)
	l.readEnv()
	l.readFlags()
	l.loadCatalog()
	l.validate()
	if len(l.mistakes)+len(l.foreign) > 0 {
		return nil, l.err()
	}
	l.conf.shown = l.root.show(l, "")
	return l.conf, nil
}

// FixedKeys returns the keys that a flag or a variable can set, in the order of the documentation.
func FixedKeys() []string {
	var keys []string
	newLoader(Input{}).root.fixed("", func(path string, _ fixed) { keys = append(keys, path) })
	return keys
}

// Defaults returns how the default of each fixed key is shown, "" if it has none.
func Defaults() map[string]string {
	shown := map[string]string{}
	newLoader(Input{}).root.fixed("", func(path string, v fixed) { shown[path] = v.standard() })
	return shown
}

// EnvName returns the variable that sets a fixed key: IMERR_DETECTOR_MIN_COUNT.
func EnvName(key string) string {
	return "IMERR_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// loader is one Load under way.
type loader struct {
	in    Input
	lines int // of the file
	conf  *Config
	root  section

	platform, zone, catalogFile, logLevel string

	kafkaKeys kafkaKeys

	where    map[string]origin // of the keys that were set
	alias    map[string]string // how a key that a package complains about stands in the file
	failed   map[string]bool   // keys about which something was said
	later    []func()          // what waits for the catalog
	partial  map[string]bool   // lists of which elements are missing because they were wrong
	mistakes []*Mistake
	foreign  []error // of the catalog file
}

// origin says who set a value.
type origin struct {
	source       string // "environment IMERR_LANG", "--lang", or the name of the file
	line, column int    // in the file
	vars         []string
}

func newLoader(in Input) *loader {
	if in.Env == nil {
		in.Env = func(string) (string, bool) { return "", false }
	}
	if in.ReadFile == nil {
		in.ReadFile = ReadFile
	}
	l := &loader{
		in: in, lines: 1 + bytes.Count(bytes.TrimSuffix(in.Data, []byte("\n")), []byte("\n")), platform: "web", zone: "Local", logLevel: "info",
		conf: &Config{
			Lang: "auto", PII: "mask", Zone: time.Local,
			Detector: detect.Options{}.WithDefaults(),
			Listen:   ":20617", LogFormat: "text",
		},
		kafkaKeys: newKafkaKeys(),
		where:     map[string]origin{}, alias: map[string]string{}, failed: map[string]bool{}, partial: map[string]bool{},
	}
	l.root = l.schema()
	return l
}

// rank says which of two origins wins: the greater one.
func (o origin) rank() int {
	switch {
	case o.line > 0:
		return 0
	case strings.HasPrefix(o.source, environment):
		return 1
	}
	return 2
}

const environment = "environment "

// readEnv takes the variables of the fixed keys. One that is empty is as good as unset.
func (l *loader) readEnv() {
	l.root.fixed("", func(path string, v fixed) {
		name := EnvName(path)
		if text, ok := l.in.Env(name); ok && text != "" {
			v.set(l, path, text, origin{source: environment + name})
		}
	})
}

func (l *loader) readFlags() {
	keys := map[string]fixed{}
	l.root.fixed("", func(path string, v fixed) { keys[path] = v })
	for _, f := range l.in.Flags {
		from := origin{source: f.Name}
		if v := keys[f.Key]; v != nil {
			v.set(l, f.Key, f.Value, from)
		} else {
			l.mistakeAt(from, f.Key, "no such key")
		}
	}
}

// loadCatalog finishes what needs the catalog. Which one is known only after the flags.
func (l *loader) loadCatalog() {
	cat, err := catalog.Load(l.platform)
	if err != nil {
		return // the platform was found to be wrong
	}
	if l.catalogFile != "" {
		cat = l.overlay(cat)
	}
	l.conf.Catalog, l.conf.Detector.Catalog, l.conf.Notify.Catalog = cat, cat, cat
	l.conf.Notify.Zone = l.conf.Zone
	if cat == nil {
		return
	}
	for _, f := range l.later {
		f()
	}
}

const maxCatalog = 4 << 20

func (l *loader) overlay(cat *catalog.Catalog) *catalog.Catalog {
	name := l.pathOf("catalog", l.catalogFile)
	data, err := l.in.ReadFile(name, maxCatalog)
	if err != nil {
		l.mistake("catalog", "%s", fileProblem(name, err))
		return nil
	}
	over, err := cat.Overlay(strings.NewReader(string(data)), name)
	if err != nil {
		l.mistake("catalog", "%s is not used, because of what follows", name)
		l.foreign = append(l.foreign, flatten(err)...)
		return nil
	}
	return over
}

// has says whether somebody set key.
func (l *loader) has(key string) bool { _, ok := l.where[key]; return ok }

// hasBelow says whether somebody set a key below key.
func (l *loader) hasBelow(key string) bool {
	for k := range l.where {
		if strings.HasPrefix(k, key+".") {
			return true
		}
	}
	return false
}

// pathOf returns where the file that key names is: paths in a file begin at its folder, all others where we were started.
func (l *loader) pathOf(key, name string) string {
	if l.where[key].line == 0 || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(l.in.File), name)
}

// validate asks the packages for what they think of their Options.
func (l *loader) validate() {
	l.joinURLs()
	l.conf.ReloadToken = notify.Secret(strings.TrimSpace(string(l.conf.ReloadToken))) // no header could bring what is taken off
	for _, err := range flatten(l.conf.Detector.Validate()) {
		if m, ok := errors.AsType[*detect.Mistake](err); ok {
			key := m.Field
			if !strings.HasPrefix(key, "limits") {
				key = "detector." + key
			}
			l.complain(key, m.Text)
		}
	}
	for _, err := range flatten(l.conf.Notify.Validate()) {
		if m, ok := errors.AsType[*notify.Mistake](err); ok {
			key := m.Field
			if key == "page" || key == "dashboard" || key == "runbook" {
				key = "links." + key
			}
			l.complain(key, m.Text)
		}
	}
	l.finishKafka()
}

// flatten returns the errors that errors.Join joined.
func flatten(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
