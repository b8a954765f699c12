package frame

import "bytes"

// The streams whose lines a container runtime splits.
const (
	criStdout = iota
	criStderr
	dockerStdout
	dockerStderr
	streams

	none = -1 // no format, to endParts
)

// dockerPart is the least length of a line of docker's json-file whose text was split: the daemon splits at 16 KiB
// (moby, daemon/logger/copier.go, defaultBufSize), before escaping. CRI runtimes mark what they split.
const dockerPart = 16 << 10

// joined is a split line of one stream, as far as it was seen.
type joined struct {
	from  place // begin of the first part
	to    int64 // end of the last part
	lines int64 // how many parts; 0 means that nothing is open
	skip  bool  // it was too long: what is left of it is passed over
}

// part is one line of a stream.
type part struct {
	stream     int
	tag        int // CRI: index of the tag
	text, stop int // the text is line[text:stop]
	partial    bool
}

// part takes the line buf[s:e] if it is part of a split line, and reports whether it was.
func (c *Cutter) part(s, e int) bool {
	line := c.buf[s:e]
	p, ok := parsePart(line, c.docker, c.open > 0)
	if !ok {
		c.endParts(none)
		return false
	}
	c.endParts(p.stream / 2)
	j := &c.parts[p.stream]
	if j.lines == 0 && !p.partial && !j.skip {
		c.joinSilent(e)
		return false
	}
	from, end := place{c.base + int64(s), c.line, c.blank}, c.base+int64(e)
	c.closeAll()
	c.nest.last = place{end, c.line + 1, c.blank}
	if !j.skip {
		if j.lines == 0 {
			j.from = from
			c.open++
		}
		j.lines++
		j.to = end
	}
	switch {
	case j.skip:
		c.emitTooLong(from, 1, end)
		c.setSkip(j, p.partial)
	case end-j.from.off > int64(c.max):
		c.emitTooLong(j.from, j.lines, end)
		c.drop(j)
		c.setSkip(j, p.partial)
	case !p.partial:
		c.join(p.stream)
	}
	c.joinSilent(e)
	return true
}

// setSkip notes whether the stream's next part is to be passed over. A stream that is counts as open.
func (c *Cutter) setSkip(j *joined, skip bool) {
	if j.skip == skip {
		return
	}
	if j.skip = skip; skip {
		c.open++
	} else {
		c.open--
	}
}

func (c *Cutter) drop(j *joined) {
	j.lines = 0
	c.open--
}

// joinSilent ends split lines that began so long before e that the buffer cannot hold them any longer: their stream is
// silent while the other goes on.
func (c *Cutter) joinSilent(e int) {
	if c.open == 0 {
		return
	}
	for i := range c.parts {
		if j := &c.parts[i]; j.lines > 0 && c.base+int64(e)-j.from.off > int64(c.max) {
			c.join(i)
		}
	}
}

// endParts ends the split lines that are open, but those of the format given (stream/2).
func (c *Cutter) endParts(format int) {
	if c.open == 0 {
		return
	}
	for i := range c.parts {
		j := &c.parts[i]
		if i/2 == format {
			continue
		}
		if j.lines > 0 {
			c.join(i)
		}
		c.setSkip(j, false)
	}
}

// join emits the parts of a stream as one line, with the first one's head and tail.
func (c *Cutter) join(stream int) {
	j := &c.parts[stream]
	lines := c.buf[j.from.off-c.base : j.to-c.base]
	var tail []byte
	c.text = c.text[:0]
	for len(lines) > 0 {
		line := lines
		if n := bytes.IndexByte(lines, '\n'); n >= 0 {
			line, lines = lines[:n], lines[n+1:]
		} else {
			lines = nil
		}
		p, ok := parsePart(line, c.docker, true)
		if !ok || p.stream != stream {
			continue
		}
		if len(c.text) == 0 {
			c.text = append(c.text, line[:p.text]...)
			tail = line[p.stop:]
			if stream < dockerStdout {
				c.text[p.tag] = 'F'
			}
		}
		c.text = append(c.text, line[p.text:p.stop]...)
	}
	c.text = append(c.text, tail...)
	from, n, to := j.from, j.lines, j.to
	c.drop(j)
	if c.hits(c.text) {
		data, _ := tidy(c.text)
		c.give(Document{Data: data, Offset: from.off, Line: from.line, Lines: n}, to)
	}
}

// parsePart reads a line of a container runtime. Docker's lines that are too short to be a part are only read if a part is open.
func parsePart(line []byte, docker int, open bool) (part, bool) {
	switch {
	case len(line) < 8:
	case line[0] == '{':
		if (open || len(line) >= docker) && string(line[:8]) == `{"log":"` {
			return parseDocker(line, docker)
		}
	case '0' <= line[0] && line[0] <= '9':
		return parseCRI(line)
	}
	return part{}, false
}

// criPartial reports whether line begins or continues a split line of CRI.
func criPartial(line []byte) bool {
	if len(line) < 29 || line[10] != 'T' || line[0] > '9' {
		return false
	}
	p, ok := parseCRI(line)
	return ok && p.partial
}

// parseCRI reads "2026-11-23T06:00:04.123456789Z stdout P text"; tags may follow the P or F after a colon.
func parseCRI(line []byte) (p part, ok bool) {
	if len(line) < 29 || line[10] != 'T' {
		return p, false
	}
	at := 20 + bytes.IndexByte(line[19:min(len(line), 40)], ' ')
	if at < 20 {
		return p, false
	}
	if len(line) < at+8 {
		return p, false
	}
	switch string(line[at : at+7]) {
	case "stdout ":
		p.stream = criStdout
	case "stderr ":
		p.stream = criStderr
	default:
		return p, false
	}
	p.tag = at + 7
	if c := line[p.tag]; c != 'P' && c != 'F' {
		return p, false
	}
	p.partial = line[p.tag] == 'P'
	p.text, p.stop = len(line), len(line)
	n := bytes.IndexByte(line[p.tag:], ' ')
	if n < 0 {
		return p, len(line) == p.tag+1
	}
	p.text = p.tag + n + 1
	return p, n == 1 || line[p.tag+1] == ':'
}

// parseDocker reads {"log":"text","stream":"stdout",…}.
func parseDocker(line []byte, docker int) (p part, ok bool) {
	p.text = len(`{"log":"`)
	for p.stop = p.text; ; p.stop++ {
		n := bytes.IndexByte(line[p.stop:], '"')
		if n < 0 {
			return p, false
		}
		p.stop += n
		if slashes(line[p.text:p.stop])%2 == 0 {
			break
		}
	}
	rest := line[p.stop:]
	switch {
	case bytes.Contains(rest, []byte(`"stream":"stdout"`)):
		p.stream = dockerStdout
	case bytes.Contains(rest, []byte(`"stream":"stderr"`)):
		p.stream = dockerStderr
	default:
		return p, false
	}
	text := line[p.text:p.stop]
	ended := bytes.HasSuffix(text, []byte(`\n`)) && slashes(text[:len(text)-1])%2 == 1
	p.partial = len(line) >= docker && !ended
	return p, true
}

// slashes returns how many backslashes b ends with.
func slashes(b []byte) int {
	n := 0
	for n < len(b) && b[len(b)-1-n] == '\\' {
		n++
	}
	return n
}
