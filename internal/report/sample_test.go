package report

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imerr-scan/internal/aggregate"
	"imerr-scan/pkg/catalog"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with testdata/name.golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs (-want +got); go test ./internal/report -update rewrites it\n%s", file, diff)
	}
}

var china = time.FixedZone("", 8*3600)

func at(clock string) *time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-11-23 "+clock, china)
	if err != nil {
		panic(err)
	}
	return &t
}

// storm is a morning of six hours in one-minute slots: per minute usually usual events, and from minute from to minute
// to so many that they make up total.
func storm(seed uint64, total int64, usual float64, from, to int) []int64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	slots := make([]int64, 360)
	var sum int64
	for i := range slots {
		n := int64(usual)
		if rng.Float64() < usual-float64(n) {
			n++
		}
		slots[i] = n
		sum += n
	}
	for i := 0; sum < total; i++ {
		slots[from+i%(to-from)]++
		sum++
	}
	for i := 0; sum > total; i++ {
		if slots[i%360] > 0 {
			slots[i%360]--
			sum--
		}
	}
	return slots
}

// morning is the result of product.md 5.2: a kick storm after a release, a new quota limit, and the usual rest.
func morning() *aggregate.Result {
	cat := catalog.Web()
	res := &aggregate.Result{
		Schema: aggregate.Schema, Version: "1.0.0",
		Catalog: aggregate.CatalogInfo{Platform: "web", Version: "4.21", Entries: 147},
		Span:    aggregate.Span{First: at("06:00:04"), Last: at("11:59:58")},
		Lines:   aggregate.Lines{Read: 1284310, WithError: 17981, WithoutError: 1265642, Broken: 212, TooLong: 2, Foreign: 61, Empty: 412},
		Bytes:   537290342, Events: 17993, Success: 88, Undated: 14,
		Users:      aggregate.Distinct{Distinct: 3911, Error: 0.008},
		Categories: map[string]int64{"auth": 0, "messaging": 0, "group": 0, "chatroom": 0, "quota": 0, "general": 0, "unknown": 37},
		Unknown: aggregate.Unknown{Count: 37, Values: []aggregate.UnknownValue{
			{Value: "1305", Count: 31, First: at("10:02:11")}, {Value: "777", Count: 6, First: at("10:30:00")}}},
		TopUsers: []aggregate.UserResult{
			{User: "u_102**", Count: 841, Codes: map[string]int64{"206": 838, "39": 3}, Devices: 2, Pattern: "ping_pong", GapSeconds: 8.1},
			{User: "vip_张*", Count: 655, Codes: map[string]int64{"206": 655}, Devices: 2, Pattern: "ping_pong", GapSeconds: 11},
			{User: "u_771**", Count: 214, Codes: map[string]int64{"206": 120, "217": 94}, Devices: 5, Pattern: "shared_account", GapSeconds: 95},
			{User: "u_409**", Count: 38, Codes: map[string]int64{"509": 38}, Devices: 1},
			{User: "u_555**", Count: 21, Error: 4, Codes: map[string]int64{"28": 12, "700": 6, "512": 3}, Devices: 1},
			{User: "u_600**", Count: 9, Codes: map[string]int64{"206": 9}, Devices: 1},
		},
		Shapes:   map[string]int64{"flat": 16879, "docker": 804, "text_json": 281, "cut_off": 29},
		Hints:    []aggregate.Hint{{Path: "ctx.error.type", Count: 412}},
		Timeline: aggregate.Timeline{Start: at("06:00:00"), SlotSeconds: 60, Slots: 360},
		Alerts:   nil,
		Errors:   []aggregate.InputError{{Source: "old/app.log.3.gz", Error: "unexpected end of the gzip stream after 1.2 MiB"}},
	}
	for i, c := range []struct {
		code         int32
		count, users int64
		usual        float64
		from, to     int
		peak         int64
	}{
		{206, 7666, 2412, 2.4, 270, 311, 208}, {39, 2982, 901, 6, 270, 300, 26}, {217, 1346, 1196, 0.1, 270, 300, 42},
		{509, 1220, 57, 3, 0, 360, 4}, {507, 1056, 133, 2.7, 0, 360, 3}, {512, 734, 204, 1.6, 285, 300, 8},
		{28, 670, 388, 1.7, 0, 360, 2}, {704, 435, 77, 0.9, 120, 149, 6}, {606, 408, 41, 1, 0, 360, 1},
		{50, 252, 198, 0, 338, 360, 14},
		{503, 251, 90, 0.6, 0, 360, 2}, {700, 190, 61, 0.5, 0, 360, 2}, {605, 170, 33, 0.4, 0, 360, 2}, {101, 140, 44, 0.3, 0, 360, 2},
		{17, 120, 80, 0.3, 0, 360, 1}, {2, 100, 70, 0.2, 0, 360, 1}, {56, 80, 66, 0.2, 0, 360, 1}, {1301, 66, 20, 0.1, 0, 360, 1},
		{604, 40, 12, 0.1, 0, 360, 1}, {-1, 20, 19, 0, 0, 360, 1}, {1101, 10, 9, 0, 0, 360, 1},
	} {
		e := cat.Lookup(c.code)
		r := aggregate.CodeResult{
			Code: c.code, Name: e.Name, Category: e.Category, Topic: e.Topic, Tier: e.Tier, Severity: e.Severity,
			Count: c.count, Users: aggregate.Distinct{Distinct: c.users, Exact: true},
			First: at("06:00:04"), Last: at("11:59:58"), PeakPerMinute: c.peak,
			Reasons: map[string]int64{}, Versions: map[string]int64{"5.2.1": c.count * 7 / 10, "5.3.0": c.count - c.count*7/10},
			Platforms: map[string]int64{"web": c.count}, Inner: map[string]int64{},
			Timeline: storm(uint64(i), c.count, c.usual, c.from, c.to),
		}
		switch c.code {
		case 206:
			r.Versions = map[string]int64{"5.3.0": 7460, "5.2.1": 206}
		case 50:
			r.First = at("11:38:50")
			r.Reasons = map[string]int64{"mau": 240, "other": 12}
		case 503:
			r.Inner = map[string]int64{"700": 31}
		}
		res.Categories[e.Category] += c.count
		res.Codes = append(res.Codes, r)
	}
	return res
}
