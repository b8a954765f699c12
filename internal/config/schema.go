package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"imerr-scan/internal/detect"
	"imerr-scan/internal/notify"
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/extract"
)

// schema is the list of all keys, in the order in which they are documented and shown.
func (l *loader) schema() section {
	c := l.conf
	s := section{
		{name: "lang", value: oneOf(&c.Lang, "auto", "zh", "en")},
		{name: "tz", value: l.timeZone()},
		{name: "pii", value: oneOf(&c.PII, "mask", "hash", "plain", "drop")},
		{name: "platform", value: oneOf(&l.platform, catalog.Platforms()...)},
		{name: "catalog", value: opt(text(&l.catalogFile, "the path of a catalog file"))},
		{name: "fields", value: l.fields()},
		{name: "detector", value: l.detector(&c.Detector)},
		{name: "limits", value: &sections[detect.Limit]{
			dst: &c.Detector.Limits, keys: l.limit, fresh: detect.Limit{Severity: "warning"}, most: 256,
		}},
		{name: "sinks", value: &sections[notify.Sink]{dst: &c.Notify.Sinks, keys: l.sink, most: 64}},
		{name: "labels", value: texts{&c.Notify.Labels}},
		{name: "links", value: section{
			{name: "page", value: opt(text(&c.Notify.Page, "an address"))},
			{name: "dashboard", value: opt(text(&c.Notify.Dashboard, "an address"))},
			{name: "runbook", value: opt(text(&c.Notify.Runbook, "an address"))},
		}},
		{name: "listen", value: l.listen()},
		{name: "state", value: l.state()},
	}
	s = append(s, l.secret("", "reload_token", &c.ReloadToken, "a token", nil)...)
	return append(s, section{
		{name: "log", value: l.log()},
		{name: "kafka", value: l.kafka(&l.kafkaKeys), quiet: true},
	}...)
}

func (l *loader) timeZone() *leaf {
	check := func(name string) error {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return fmt.Errorf("unknown time zone: want Local, UTC or a name such as Asia/Shanghai")
		}
		l.conf.Zone = zone
		return nil
	}
	return checked(&l.zone, "a time zone such as Asia/Shanghai", check)
}

// fields says where in a record something stands.
func (l *loader) fields() section {
	var s section
	for _, name := range []string{"code", "time", "user", "device", "version", "platform"} {
		var path string
		check := func(p string) error {
			if extract.ParsePath(p) != nil {
				return fmt.Errorf("want keys joined by dots, such as ctx.error.type, with \\. for a dot inside a key")
			}
			if l.conf.Fields == nil {
				l.conf.Fields = map[string]string{}
			}
			l.conf.Fields[name] = p
			return nil
		}
		s = append(s, entry{name: name, value: opt(checked(&path, "a path such as ctx.error.type", check))})
	}
	return s
}

func (l *loader) detector(o *detect.Options) section {
	return section{
		{name: "false_alarms_per_week", value: number(&o.FalseAlarmsPerWeek)},
		{name: "min_count", value: whole(&o.MinCount)},
		{name: "min_users", value: whole(&o.MinUsers)},
		{name: "resolve_after", value: duration(&o.ResolveAfter)},
		{name: "adopt_after", value: duration(&o.AdoptAfter)},
		{name: "allowed_lateness", value: duration(&o.AllowedLateness)},
		{name: "overrides", value: &sections[detect.Override]{dst: &o.Overrides, keys: l.override, most: 256}},
	}
}

func (l *loader) override(_ string, o *detect.Override) section {
	return section{
		{name: "codes", value: l.codes(&o.Codes)},
		{name: "family", value: opt(oneOf(&o.Family, detect.KickStorm))},
		{name: "off", value: opt(toggle(&o.Off))},
		{name: "severity", value: opt(oneOf(&o.Severity, catalog.Severities()...))},
		{name: "false_alarms_per_week", value: opt(number(&o.FalseAlarmsPerWeek))},
		{name: "min_count", value: opt(whole(&o.MinCount))},
		{name: "min_users", value: opt(whole(&o.MinUsers))},
		{name: "resolve_after", value: opt(duration(&o.ResolveAfter))},
		{name: "adopt_after", value: opt(duration(&o.AdoptAfter))},
	}
}

func (l *loader) limit(_ string, t *detect.Limit) section {
	return section{
		{name: "name", value: text(&t.Name, "a name such as login-failures"), need: "name: login-failures"},
		{name: "codes", value: l.codes(&t.Codes)},
		{name: "window", value: duration(&t.Window), need: "window: 5m"},
		{name: "events", value: opt(whole(&t.Events))},
		{name: "users", value: opt(whole(&t.Users))},
		{name: "severity", value: oneOf(&t.Severity, catalog.Severities()...)},
	}
}

// sink has the keys of all kinds; which of them a kind takes is checked by its package.
func (l *loader) sink(at string, s *notify.Sink) section {
	keys := section{
		{name: "kind", value: oneOf(&s.Kind, notify.Kinds()...), need: "kind: with one of " + list(notify.Kinds())},
		{name: "name", value: l.sinkName(s)},
	}
	keys = append(keys, l.secret(at, "url", &s.URL, "an address such as https://host/path", host)...)
	keys = append(keys, entry{name: "urls", value: l.addresses(at, s)})
	keys = append(keys, l.secret(at, "secret", &s.Secret, "the secret that the robot's settings show", nil)...)
	keys = append(keys, section{
		{name: "keyword", value: opt(text(&s.Keyword, "the word that the robot's settings ask for"))},
		{name: "lang", value: opt(oneOf(&s.Lang, "zh", "en"))},
		{name: "min_severity", value: opt(oneOf(&s.MinSeverity, catalog.Severities()...))},
		{name: "username", value: opt(text(&s.Username, "a user's name"))},
	}...)
	keys = append(keys, l.secret(at, "password", &s.Password, "a password", nil)...)
	keys = append(keys, l.secret(at, "bearer", &s.Bearer, "a token", nil)...)
	return append(keys, section{
		{name: "ca_file", value: l.certificates(at+".ca_file", func(path, _ string) { s.CAFile = path })},
		{name: "path", value: l.output(at, s)},
	}...)
}

func (l *loader) sinkName(s *notify.Sink) *leaf {
	v := text(&s.Name, "a name such as on-call")
	v.value = func() any { return cmp.Or(s.Name, s.Kind) }
	return v
}

// addresses is a list of the instances of one cluster.
func (l *loader) addresses(at string, s *notify.Sink) *leaves {
	return &leaves{
		want:   "a list such as [http://am-1:9093, http://am-2:9093]",
		secret: true,
		begin:  func(n int) { s.URLs = make([]notify.Secret, n) },
		parse: func(i int, text string) string {
			switch {
			case strings.Contains(text, hidden):
				return notWritten
			case slices.Contains(s.URLs, notify.Secret(text)):
				return "stands there twice"
			}
			s.URLs[i] = notify.Secret(text)
			return ""
		},
		value: func() []any {
			var all []any
			for _, u := range append([]notify.Secret{s.URL}, s.URLs...) {
				all = append(all, host(string(u)))
			}
			return all
		},
	}
}

// joinURLs makes the first of several addresses the one that every sink has.
func (l *loader) joinURLs() {
	for i := range l.conf.Notify.Sinks {
		s := &l.conf.Notify.Sinks[i]
		at := element("sinks", i)
		if len(s.URLs) == 0 {
			continue
		}
		if l.has(at+".url") || l.has(at+".url_file") {
			l.complain(at+".urls", "url and urls: want one of them")
			continue
		}
		s.URL, s.URLs = s.URLs[0], s.URLs[1:]
		l.alias[at+".url"] = at + ".urls[0]"
		for j := range s.URLs {
			l.alias[element(at+".urls", j)] = element(at+".urls", j+1)
		}
	}
}

// output is a file to append to.
func (l *loader) output(at string, s *notify.Sink) *leaf {
	v := opt(text(nil, "the path of a file, or '-' for stdout"))
	v.parse = func(name string) string {
		if s.Path = name; name != "-" {
			s.Path = l.pathOf(at+".path", name)
		}
		return ""
	}
	v.value = nil
	return v
}

// codes is a list of codes, by number or name, all in the catalog.
func (l *loader) codes(dst *[]int32) *leaves {
	return &leaves{
		want: "a list such as [206, 217]",
		late: true,
		parse: func(_ int, text string) string {
			code, problem := l.code(text)
			switch {
			case problem != "":
				return problem
			case slices.Contains(*dst, code):
				return "stands there twice"
			}
			*dst = append(*dst, code)
			return ""
		},
		value: func() []any {
			var all []any
			for _, code := range *dst {
				all = append(all, code)
			}
			return all
		},
	}
}

// code reads a number or a name of the catalog.
func (l *loader) code(text string) (code int32, problem string) {
	cat := l.conf.Catalog
	if e := cat.ByName(text); e != nil {
		return e.Code, ""
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err == nil {
		if e := cat.Lookup(int32(n)); e != nil {
			return e.Code, ""
		}
		return 0, "is not in the " + cat.Platform() + " catalog" + l.elsewhere(int32(n))
	}
	if strings.Contains(text, "，") {
		return 0, `is no code; write an ASCII "," between codes, not "，"`
	}
	const neither = "is neither a number nor a name of the catalog; "
	if e := cat.Find(text); e != nil {
		return 0, fmt.Sprintf(neither+"did you mean %s (%d)?", e.Name, e.Code)
	}
	var names []string
	for _, e := range cat.Entries() {
		names = append(names, e.Name)
	}
	if e := cat.ByName(closest(text, names)); e != nil {
		return 0, fmt.Sprintf(neither+"did you mean %s (%d)?", e.Name, e.Code)
	}
	return 0, neither + "imerr-scan catalog lists them"
}

// elsewhere says what a number is on other platforms.
func (l *loader) elsewhere(code int32) string {
	var found []string
	for _, platform := range catalog.Platforms() {
		if cat, err := catalog.Load(platform); err == nil && cat.Lookup(code) != nil {
			found = append(found, platform+": "+cat.Lookup(code).Name)
		}
	}
	if len(found) == 0 {
		return "; catalog: names a file that adds codes"
	}
	return " (" + strings.Join(found, ", ") + ")"
}
