package page

import (
	"fmt"

	"imerr-scan/internal/detect"
	"imerr-scan/internal/report"
	"imerr-scan/pkg/catalog"
)

// alertView is one alert: what happened, what changed, what to do.
type alertView struct {
	N        int // from 1, as on the timeline
	Name     text
	Level    string
	Severity text
	Numbers  text
	Kind     text
	Per      string // kicks of a user
	Start    stamp
	End      stamp
	Open     bool
	Again    bool
	Changes  []changeView
	Users    []detect.TopUser
	Advice   text
	Codes    []codeLink
}

type changeView struct {
	Field         text
	Value         string
	Share, Before string
	Now, Was      int // 0 to 100
}

// codeLink names a code, and what the catalog says to do next.
type codeLink struct {
	Code  int32
	Link  string
	Name  string
	Known bool // the link leads somewhere
	Next  text
}

func (v *view) alerts() {
	rows := map[int32]bool{}
	for _, c := range v.Codes {
		rows[c.Code] = true
	}
	for i := range v.records {
		v.Alerts = append(v.Alerts, v.alertView(i+1, &v.records[i], rows))
	}
}

// boundAlert makes the texts of an alert fit to be shown, and its lists short.
func boundAlert(a *detect.Alert) {
	for _, s := range []*string{&a.Alert, &a.State, &a.Severity, &a.Category, &a.Reason, &a.Clock, &a.Window, &a.Kind} {
		*s = clean(*s, maxName)
	}
	a.Codes = a.Codes[:min(len(a.Codes), maxSplit)]
	a.Why = each(a.Why, maxSplit, func(c *detect.Change) { c.Field, c.Value = clean(c.Field, maxName), clean(c.Value, maxName) })
	a.TopUsers = each(a.TopUsers, 5, func(u *detect.TopUser) { u.User = clean(u.User, maxName) })
	a.Advice = detect.Text{ZH: clean(a.Advice.ZH, 1000), EN: clean(a.Advice.EN, 1000)}
}

func (v *view) alertView(n int, a *detect.Alert, rows map[int32]bool) *alertView {
	words := map[catalog.Lang]report.AlertWords{}
	for _, l := range []catalog.Lang{catalog.EN, catalog.ZH} {
		words[l] = report.DescribeAlert(a, v.opt.Catalog, l)
	}
	out := &alertView{
		N: n, Level: level(a.Severity), Severity: word(severityWords, a.Severity),
		Name:    both(func(l catalog.Lang) string { return words[l].Name }),
		Numbers: both(func(l catalog.Lang) string { return words[l].Numbers }),
		Kind:    fromAlert(detect.KindMeaning(a.Kind)),
		Start:   v.at(&a.StartsAt), End: v.at(a.EndsAt), Open: a.EndsAt == nil, Users: a.TopUsers, Again: a.Recurring, Advice: fromAlert(a.Advice),
	}
	if a.Storm != nil && a.Storm.KicksPerUser > 0 {
		out.Per = fmt.Sprintf("%.1f", a.Storm.KicksPerUser)
	}
	for _, w := range a.Why {
		out.Changes = append(out.Changes, changeView{
			Field: word(fieldWords, w.Field), Value: w.Value, Share: ratio(w.Share), Before: ratio(w.Before),
			Now: bar(w.Share), Was: bar(w.Before),
		})
	}
	for _, code := range a.Codes {
		link := codeLink{Code: code, Link: v.link(code), Known: rows[code] || v.Live != nil && v.entry(code) != nil}
		if e := v.entry(code); e != nil {
			link.Name, link.Next = shortName(e.Name), e.Next
		}
		out.Codes = append(out.Codes, link)
	}
	return out
}

func bar(share float64) int { return int(100 * min(max(share, 0), 1)) }

func fromAlert(t detect.Text) text { return text{EN: t.EN, ZH: t.ZH} }
