package corpus

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/logs/day")

var start = time.Date(2026, 11, 23, 0, 0, 0, 0, time.FixedZone("", 8*3600))

// sample is the day that testdata/logs/day shows. By hand:
//
//	corpusgen -kind day -seed 5 -size 280KiB -errors 250 -storms mass,ping_pong,quota_burst -storm-size 5 -out app.log
var sample = Options{
	Kind: "day", Size: 280 << 10, Seed: 5, Start: start,
	ErrorsPerMille: 250, Storms: []string{"mass", "ping_pong", "quota_burst"}, StormPercent: 5,
}

func generate(t *testing.T, opt Options) ([]byte, Truth) {
	t.Helper()
	var b bytes.Buffer
	truth, err := Write(&b, opt)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), truth
}

func TestSampleOfADay(t *testing.T) {
	log, truth := generate(t, sample)
	text, err := json.MarshalIndent(truth, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	path := filepath.Join("..", "..", "..", "testdata", "logs", "day", "app.log")
	for path, got := range map[string][]byte{path: log, TruthPath(path): text} {
		if *update {
			if err := os.WriteFile(path, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator writes; if the change is meant, run make golden and read the diff", path)
		}
	}
	if len(log) > 400<<10 {
		t.Errorf("the sample has %d bytes, want at most 400 KiB", len(log))
	}
	for what, found := range map[string]bool{
		"a Chinese name":  bytes.Contains(log, []byte("vip_张敏")),
		"unknown codes":   len(truth.Unknown) == 2,
		"a used-up quota": truth.Reasons["50"]["mau"] >= 40,
		"three storms":    len(truth.Storms) == 3,
	} {
		if !found {
			t.Errorf("the sample lacks %s", what)
		}
	}
}

// The bytes are promised to be the same everywhere and with every Go version. Whoever changes them on purpose raises
// Version, so that cached corpora are made anew.
func TestSameBytesEverywhere(t *testing.T) {
	want := map[string]uint32{
		"sparse": 0x5ec1c42b, "dense": 0xddc04de5, "long": 0x2a6c2f03, "noise": 0xebce63f3, "spaced": 0x0ace21b5,
		"odd": 0x7a30888a, "day": 0x109866fc,
	}
	for _, kind := range Kinds() {
		log, _ := generate(t, Options{Kind: kind, Size: 256 << 10, Seed: 1, Start: start, Storms: StormKinds(), StormPercent: 5})
		if got := crc32.ChecksumIEEE(log); got != want[kind] {
			t.Errorf("%s (version %d): checksum %#08x, want %#08x", kind, Version, got, want[kind])
		}
	}
}

func TestAnotherSeedGivesAnotherLog(t *testing.T) {
	a, _ := generate(t, Options{Kind: "sparse", Size: 4 << 10, Seed: 1, Start: start})
	b, _ := generate(t, Options{Kind: "sparse", Size: 4 << 10, Seed: 2, Start: start})
	if bytes.Equal(a, b) {
		t.Error("seeds 1 and 2 give the same log")
	}
}

// The kinds with one shape are counted again here, by decoding each line. Those of odd are counted in tools/bench/reader.
func TestTruthIsWhatTheLogHolds(t *testing.T) {
	for _, kind := range []string{"sparse", "dense", "long", "noise", "spaced", "day"} {
		t.Run(kind, func(t *testing.T) {
			log, truth := generate(t, Options{Kind: kind, Size: 512 << 10, Seed: 3, Start: start, Storms: StormKinds(), StormPercent: 2})
			got := Truth{Kind: truth.Kind, Seed: truth.Seed, Storms: truth.Storms, Reasons: truth.Reasons, Codes: map[string]int64{}, Unknown: map[string]int64{}}
			users := map[string]bool{}
			last := ""
			for line := range bytes.Lines(log) {
				var record struct {
					Time, User string
					Error      any
				}
				if err := json.Unmarshal(line, &record); err != nil {
					t.Fatalf("%v in %s", err, line)
				}
				if record.Time < last {
					t.Fatalf("time goes back from %s to %s", last, record.Time)
				}
				last = record.Time
				got.Lines++
				got.Bytes += int64(len(line))
				object, ok := record.Error.(map[string]any)
				if !ok {
					continue
				}
				got.WithError++
				got.Events++
				users[record.User] = true
				code := strconv.Itoa(int(object["type"].(float64)))
				if code == "1305" || code == "777" {
					got.Unknown[code]++
				} else {
					got.Codes[code]++
				}
			}
			got.Users = int64(len(users))
			if diff := cmp.Diff(got, truth); diff != "" {
				t.Errorf("decoded (-), truth (+):\n%s", diff)
			}
			if truth.Events == 0 || len(truth.Codes) < 2 && kind != "long" {
				t.Errorf("only %d events of %d codes", truth.Events, len(truth.Codes))
			}
		})
	}
}

func TestShareOfErrorsAndLengthOfLines(t *testing.T) {
	tests := []struct {
		kind             string
		perMille, length int64
	}{
		{"sparse", 10, 420}, {"noise", 10, 480}, {"spaced", 10, 480}, {"dense", 500, 450}, {"long", 10, 4500},
	}
	for _, tc := range tests {
		t.Run(tc.kind, func(t *testing.T) {
			_, truth := generate(t, Options{Kind: tc.kind, Size: 16 << 20, Seed: 1, Start: start})
			if got := truth.WithError * 1000 / truth.Lines; got < tc.perMille*7/10 || got > tc.perMille*13/10 {
				t.Errorf("%d of 1,000 lines have an error, want about %d", got, tc.perMille)
			}
			if got := truth.Bytes / truth.Lines; got < tc.length*9/10 || got > tc.length*11/10 {
				t.Errorf("lines have %d bytes, want about %d", got, tc.length)
			}
		})
	}
}

func TestOddLogHasEveryShapeAndDecoy(t *testing.T) {
	log, truth := generate(t, Options{Kind: "odd", Size: 256 << 10, Seed: 1, Start: start})
	for _, part := range []string{
		`"\u0065rror":{"type":`, `"ty\u0070e":`, `"error" : { "type" : `, "\"type\":\t", `"error.type":`, `.0,`, `e0,`,
		`"WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE"`, `"log":"{\"time\"`, `"call":{"type":`, `"chatType"`, `NullPointer`, `"stack_trace"`,
	} {
		if !bytes.Contains(log, []byte(part)) {
			t.Errorf("no line has %s", part)
		}
	}
	if truth.Foreign == 0 || truth.Success == 0 || truth.Decoys*1000/truth.Lines < 150 {
		t.Errorf("%d decoys, %d foreign, %d successes in %d lines", truth.Decoys, truth.Foreign, truth.Success, truth.Lines)
	}
}

// Labels are only worth something if what they say can be found in the lines.
func TestStormsAreWhereTheirLabelsSay(t *testing.T) {
	log, truth := generate(t, Options{Kind: "day", Size: 1 << 20, Seed: 4, Start: start, Storms: StormKinds(), StormPercent: 10})
	if len(truth.Storms) != len(StormKinds()) {
		t.Fatalf("%d storms, want %d", len(truth.Storms), len(StormKinds()))
	}
	for _, s := range truth.Storms {
		events, newest, users := 0, 0, map[string]bool{}
		for line := range bytes.Lines(log) {
			var record struct {
				Time          time.Time
				User, Version string
				Error         struct{ Type *int }
			}
			if err := json.Unmarshal(line, &record); err != nil {
				t.Fatal(err)
			}
			code := record.Error.Type
			if code == nil || !strings.Contains(fmt.Sprint(s.Codes), strconv.Itoa(*code)) || record.Time.Before(s.StartsAt) || record.Time.After(s.EndsAt) {
				continue
			}
			events++
			users[record.User] = true
			if record.Version == s.Version {
				newest++
			}
		}
		if events < s.Events || events > s.Events*13/10 {
			t.Errorf("%s: %d events of its codes in its time, labelled %d", s.Kind, events, s.Events)
		}
		if s.Version != "" && newest < events*9/10 {
			t.Errorf("%s: %d of %d events have version %s", s.Kind, newest, events, s.Version)
		}
		if got := len(users); got < s.Users || got > s.Users*13/10 {
			t.Errorf("%s: %d users, labelled %d", s.Kind, got, s.Users)
		}
	}
}

func TestRefusedOptions(t *testing.T) {
	for _, opt := range []Options{{Kind: "wet"}, {Kind: "day", Storms: []string{"tea"}}} {
		if _, err := Write(&bytes.Buffer{}, opt); err == nil {
			t.Errorf("Write accepts %+v", opt)
		}
	}
}

type fullDisk struct{}

var errFull = errors.New("no space left")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestFullDiskEndsIt(t *testing.T) {
	for _, kind := range Kinds() {
		if _, err := Write(fullDisk{}, Options{Kind: kind, Size: 1 << 20, Start: start}); !errors.Is(err, errFull) {
			t.Errorf("%s: error %v, want %v", kind, err, errFull)
		}
	}
}
