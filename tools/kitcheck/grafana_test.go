package kitcheck

import (
	"encoding/json"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// The dashboard is what Grafana's own types of schema version 42 hold: nothing unknown, nothing missing, no wrong value.
func TestGrafanaKnowsTheDashboard(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(kit(t, "grafana")), &raw); err != nil {
		t.Fatal(err)
	}
	delete(raw, "__requires") // of the import page, no part of the schema
	text, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	d := dashboard.NewDashboard()
	want := d.SchemaVersion
	if err := d.UnmarshalJSONStrict(text); err != nil && err.Error() != "" { // the SDK wraps a list of mistakes that may be empty
		t.Fatal(err)
	}
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
	if d.SchemaVersion != want {
		t.Errorf("schema version %d, checked against %d", d.SchemaVersion, want)
	}
	taken := map[[2]uint32]string{}
	ids := map[uint32]bool{}
	for _, p := range d.Panels {
		if p.Panel == nil {
			continue
		}
		at := p.Panel.GridPos
		if at.X+at.W > 24 {
			t.Errorf("%s: wider than the page", *p.Panel.Title)
		}
		if ids[*p.Panel.Id] {
			t.Errorf("%s: its id is that of another", *p.Panel.Title)
		}
		ids[*p.Panel.Id] = true
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				if other := taken[[2]uint32{x, y}]; other != "" {
					t.Fatalf("%s lies over %s", *p.Panel.Title, other)
				}
				taken[[2]uint32{x, y}] = *p.Panel.Title
			}
		}
	}
}
