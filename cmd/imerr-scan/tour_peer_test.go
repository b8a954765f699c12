//go:build peers

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The pictures of the tour. What a browser draws differs from build to build, so that they are not compared: it is tried that they
// can be made, are of the size given, hold something and weigh little.
const (
	pictureWidth  = 1000
	pictureHeight = 740
	pictureWeight = 100 << 10 // bytes, at most
)

// TestARealBrowserDrawsTheTour makes the pictures with Debian's Chromium. -update puts them into docs/tour.
func TestARealBrowserDrawsTheTour(t *testing.T) {
	dir := t.TempDir()
	bin, log := binary(t, dir), dayLog(t, dir)
	env := append(os.Environ(), "IMERR_CONFIG=none", "IMERR_TZ=Asia/Shanghai", "LC_ALL=C.UTF-8")
	html := exec.Command(bin, filepath.Base(log), "-o", "html")
	html.Dir, html.Env = dir, env
	out, err := html.Output()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "report.html")
	if err := os.WriteFile(file, out, 0o600); err != nil {
		t.Fatal(err)
	}
	c := openChromium(t)
	c.draw("report", "file://"+file, "true")

	t.Setenv("IMERR_TZ", "Asia/Shanghai")
	t.Setenv("LC_ALL", "C.UTF-8")
	_, address, log, _ := startFollowing(t)
	// The sample day as if it were today, with its last event now.
	data, err := os.ReadFile("../../testdata/logs/day/app.log")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	last := time.Date(2026, 11, 23, 10, 41, 0, 0, time.FixedZone("", 8*3600)) // in the storm
	shift := time.Since(last)
	for line := range bytes.Lines(data) {
		const prefix = `{"time":"`
		at, err := time.Parse(time.RFC3339, string(line[len(prefix):bytes.IndexByte(line, ',')-1]))
		if err != nil {
			t.Fatal(err)
		}
		if at.Before(last) {
			fmt.Fprintf(f, "%s%s%s", prefix, at.Add(shift).Format(time.RFC3339), line[bytes.IndexByte(line, ',')-1:])
		}
	}
	waitUntil(t, "the storm on the page", func() bool {
		_, body := fetch(t, address)
		return bytes.Contains([]byte(body), []byte("kick storm"))
	})
	c.draw("live", address, "document.body.innerText.includes('kick storm') && document.getElementById('connection').className == 'state is-on'")
}

// chromium is a headless browser, spoken to in its DevTools protocol over a pipe: one JSON message, then a zero byte.
type chromium struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	session string
	last    int
}

// call sends a command and reads its answer.
func (c *chromium) call(method string, params map[string]any, result any) {
	c.t.Helper()
	c.last++
	raw, err := json.Marshal(map[string]any{"id": c.last, "method": method, "params": params, "sessionId": c.session})
	if c.session == "" {
		raw, err = json.Marshal(map[string]any{"id": c.last, "method": method, "params": params})
	}
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.in.Write(append(raw, 0)); err != nil {
		c.t.Fatalf("%s: %v", method, err)
	}
	for {
		raw, err := c.out.ReadBytes(0)
		if err != nil {
			c.t.Fatalf("%s: the browser is gone: %v", method, err)
		}
		var m struct {
			ID     int
			Result json.RawMessage
			Error  json.RawMessage
		}
		if err := json.Unmarshal(raw[:len(raw)-1], &m); err != nil {
			c.t.Fatal(err)
		}
		switch {
		case m.ID != c.last:
		case m.Error != nil:
			c.t.Fatalf("%s: %s", method, m.Error)
		case result == nil:
			return
		default:
			if err := json.Unmarshal(m.Result, result); err != nil {
				c.t.Fatal(err)
			}
			return
		}
	}
}

// openChromium starts Debian's package of that name with an empty page of the pictures' size.
func openChromium(t *testing.T) *chromium {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed: apt-get install chromium")
	}
	toChild, in, err1 := os.Pipe()
	out, fromChild, err2 := os.Pipe()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	args := []string{"--headless", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe", "--user-data-dir=" + t.TempDir(), "about:blank"}
	if os.Getuid() == 0 {
		args = append(args, "--no-sandbox") // it refuses to run as root with one
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.ExtraFiles, cmd.WaitDelay = []*os.File{toChild, fromChild}, 5*time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	toChild.Close()
	fromChild.Close()
	c := &chromium{t: t, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		c.session = ""
		c.call("Browser.close", nil, nil)
		_ = cmd.Wait() // it ends as it likes, or is killed
		cancel()
		in.Close()
		out.Close()
	})
	var target struct{ TargetID string }
	c.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	c.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	c.session = attached.SessionID
	c.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": pictureWidth, "height": pictureHeight, "deviceScaleFactor": 1, "mobile": false}, nil)
	return c
}

// draw draws a page once a piece of JavaScript is true of it.
func (c *chromium) draw(name, url, ready string) {
	t := c.t
	t.Helper()
	c.call("Page.navigate", map[string]any{"url": url}, nil)
	waitUntil(t, ready, func() bool {
		var got struct{ Result struct{ Value bool } }
		c.call("Runtime.evaluate", map[string]any{"expression": "document.readyState == 'complete' && (" + ready + ")", "returnByValue": true}, &got)
		return got.Result.Value
	})
	var got struct{ Data []byte }
	c.call("Page.captureScreenshot", nil, &got)
	img, err := png.Decode(bytes.NewReader(got.Data))
	if err != nil {
		t.Fatal(err)
	}
	var small bytes.Buffer // the browser is in a hurry
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, img); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(filepath.Join("..", "..", "docs", "tour", name+".png"), small.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	colours := map[[3]uint32]bool{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			colours[[3]uint32{r, g, b}] = true
		}
	}
	if size := img.Bounds().Size(); size.X != pictureWidth || size.Y != pictureHeight || small.Len() > pictureWeight || len(colours) < 50 {
		t.Errorf("%s.png: %v, %d bytes, %d colours", name, size, small.Len(), len(colours))
	}
}
