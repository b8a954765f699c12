package aggregate

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// rows shows groups, one a line.
func rows(groups []Group) string {
	var b strings.Builder
	for _, g := range groups {
		fmt.Fprintf(&b, "%s: %d", strings.Join(g.Keys, " | "), g.Count)
		if g.Users != nil {
			fmt.Fprintf(&b, " of %d", g.Users.Distinct)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestGroups(t *testing.T) {
	const hour = 3600_000
	events := []event{
		{code: 206, user: "u_10233", version: "5.3.0", platform: "web", reason: "kicked", millis: start},
		{code: 206, user: "u_10233", version: "5.3.0", platform: "web", millis: start + hour},
		{code: 206, user: "u_77120", version: "5.2.0", platform: "ios", millis: start + hour + 1},
		{code: 39, version: "5.3.0", platform: "web", millis: start + 5},
		{value: "1305"},
	}
	for _, tc := range []struct{ by, want string }{
		{"code", "206: 3 of 2\n39: 1 of 0\nunknown: 1 of 0\n"},
		{"category", "auth: 4 of 2\nunknown: 1 of 0\n"},
		{"user", ": 2 of 0\nu_***3: 2 of 1\nu_***0: 1 of 1\n"},
		{"version", "5.3.0: 3 of 1\n: 1 of 0\n5.2.0: 1 of 1\n"},
		{"platform", "web: 3 of 1\n: 1 of 0\nios: 1 of 1\n"},
		{"reason", ": 4 of 2\nkicked: 1 of 1\n"},
		{"hour", ": 1 of 0\n2026-11-23T14:00+08:00: 2 of 1\n2026-11-23T15:00+08:00: 2 of 2\n"},
		{"version,code", "5.3.0 | 206: 2 of 1\n5.3.0 | 39: 1 of 0\n | unknown: 1 of 0\n5.2.0 | 206: 1 of 1\n"},
		{"code,hour", "206 | 2026-11-23T14:00+08:00: 1 of 1\n206 | 2026-11-23T15:00+08:00: 2 of 2\n39 | 2026-11-23T14:00+08:00: 1 of 0\nunknown | : 1 of 0\n"},
	} {
		t.Run(tc.by, func(t *testing.T) {
			g, err := NewGroups(strings.Split(tc.by, ","), time.FixedZone("", 8*3600))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				g.Add(e.classified())
			}
			if got := rows(g.Rows("mask")); got != tc.want {
				t.Errorf("got\n%swant\n%s", got, tc.want)
			}
		})
	}
}

func TestMoreGroupsThanAreToldApart(t *testing.T) {
	g, err := NewGroups([]string{"user"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxGroups + 10 {
		g.Add(event{code: 206, user: fmt.Sprint("u", i)}.classified())
	}
	got := g.Rows("plain")
	last := got[len(got)-1]
	if len(got) != maxGroups+1 || !last.Other || last.Count != 10 || last.Users.Distinct != 10 {
		t.Errorf("%d groups, last %+v", len(got), last)
	}
}

func TestGroupsByWhatIsNone(t *testing.T) {
	for by, want := range map[string]string{
		"":                 `group by "": want one of code, category`,
		"codes":            `group by "codes": want one of code`,
		"code,code":        "the same key twice",
		"code,user,reason": "want one or two keys",
	} {
		if _, err := NewGroups(strings.Split(by, ","), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewGroups(%q): %v, want %q", by, err, want)
		}
	}
}
