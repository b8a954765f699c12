package corpus

import (
	"strconv"
	"time"
)

const usersOfApp = 50_000 // of the kinds for measuring

// plain writes the kinds for measuring: one app, one logger, one shape.
func (g *gen) plain() {
	for !g.done() {
		g.now += int64(g.rand.n(21))
		g.plainLine()
	}
}

func (g *gen) plainLine() {
	user := g.someUser(usersOfApp)
	isError := g.rand.perMille(g.prof.errorsPerMille)
	g.head(isError, user)
	b := g.buf
	b = append(b, `,"session":"s_`...)
	b = appendHex(b, g.rand.next(), 16)
	b = append(b, `","conversation":"g_`...)
	b = strconv.AppendInt(b, int64(g.rand.between(10_000_000, 99_999_999)), 10)
	b = append(b, '"')
	g.buf = b
	if g.prof.noise {
		g.otherTypes()
	}
	if isError {
		e := g.pick()
		g.buf = append(g.buf, `,"error":`...)
		g.buf = e.appendObject(g.buf, g.afterColon())
		g.count(e, user)
	} else {
		g.otherErrors()
	}
	g.tail()
	g.end()
}

// head begins a line with what every line of the app has.
func (g *gen) head(isError bool, user string) {
	b := append(g.buf, `{"time":"`...)
	b = g.stamp.append(b, g.now)
	b = append(b, `","level":"`...)
	switch {
	case isError, g.rand.perMille(6):
		b = append(b, `error","logger":"im.client","msg":"request failed"`...)
	default:
		b = append(b, `info","logger":"im.conversation","msg":"`...)
		b = append(b, messages[g.rand.n(len(messages))]...)
		b = append(b, '"')
	}
	g.buf = appendUser(b, user)
}

var messages = []string{"message delivered", "message sent", "conversation opened", "history loaded", "presence updated", "read receipt sent"}

// otherErrors writes what errors look like that are not the SDK's: a logger with fixed fields writes the key always, and
// and now and then it is an error of something else. A search for "error" has to go through these.
func (g *gen) otherErrors() {
	switch n := g.rand.n(1000); {
	case n < 400:
		g.buf = append(g.buf, `,"error":null`...)
	case n < 406:
		g.buf = append(g.buf, `,"error":"fetch /api/feed: timeout after 8000 ms"`...)
	}
}

// otherTypes writes keys that are called type and mean something else.
func (g *gen) otherTypes() {
	space := g.afterColon()
	g.buf = append(g.buf, `,"body":{"type":`+space+`"txt","bytes":12}`...)
	if g.rand.n(2) == 0 {
		g.buf = append(g.buf, `,"chatType":`+space+`"groupChat","net":{"type":`+space+`"4g","rtt":80}`...)
	}
}

func (g *gen) afterColon() string {
	if g.prof.spaced {
		return " "
	}
	return ""
}

// tail ends a line, with a payload for the kind that has one.
func (g *gen) tail() {
	b := append(g.buf, `,"latency_ms":`...)
	b = strconv.AppendInt(b, int64(g.rand.between(4, 900)), 10)
	b = append(b, `,"attempt":1,"online":true,"region":"cn-north-1","build":"2026.11.23-1f3a9c","host":"chat-web-7d9f8b6c54-x2kqp","trace":"`...)
	b = appendHex(b, g.rand.next(), 16)
	b = appendHex(b, g.rand.next(), 16)
	b = append(b, '"')
	if g.prof.payload > 0 {
		b = append(b, `,"payload":"`...)
		for end := len(b) + g.prof.payload; len(b) < end; {
			b = append(b, fragments[g.rand.n(len(fragments))]...)
		}
		b = append(b, '"')
	}
	g.buf = append(b, '}')
}

// fragments of a payload: JSON in a string, as a message body is logged.
var fragments = []string{
	`{\"id\":\"14f8a2b39c0d11ee\",`, `\"text\":\"see you at the station\",`, `\"to\":\"g_48211932\",`, `\n\t`, `\"ext\":{\"lang\":\"zh\"},`,
	`\u4f60\u597d`, "你好", `\"path\":\"C:\\\\photos\\\\a.jpg\",`, `\"size\":18344}`, ` and then, as everybody knows, `, `\/api\/v1\/messages`,
}

// someUser picks one of n users; low numbers are the busy ones.
func (g *gen) someUser(n int) string { return userName(g.rand.n(1 + g.rand.n(n))) }

// userName names user i. Some names are Chinese, as some are.
func userName(i int) string {
	switch i {
	case 7:
		return "vip_张敏"
	case 41:
		return "李雷_02"
	}
	return "u_" + strconv.Itoa(10_000+i)
}

// The releases and clients in use, with their shares in percent.
var (
	versions  = []choice{{"5.1.4", 12}, {"5.2.0", 22}, {"5.2.1", 35}, {newRelease, 31}}
	platforms = []choice{{"web", 68}, {"h5", 20}, {"miniprogram", 12}}
)

const newRelease = "5.3.0" // of the day

type choice struct {
	text  string
	share int
}

// of returns the choice that belongs to h.
func of(choices []choice, h uint64) string {
	n := int(h % 100)
	for _, c := range choices {
		if n -= c.share; n < 0 {
			return c.text
		}
	}
	panic("corpus: shares do not add up to 100")
}

// appendUser writes a user with their first device and their usual version.
func appendUser(b []byte, user string) []byte { return appendClient(b, user, 0, "") }

// appendClient writes a user, one of their devices, and a version; "" is their usual one.
func appendClient(b []byte, user string, device int, version string) []byte {
	h := hash(user)
	if version == "" {
		version = of(versions, h>>8)
	}
	platform := of(platforms, h>>16)
	b = append(b, `,"user":"`...)
	b = append(b, user...)
	b = append(b, `","device":"`...)
	b = append(b, platform...)
	b = append(b, '_')
	b = appendHex(b, mix(h+uint64(device)), 8)
	b = append(b, `","platform":"`...)
	b = append(b, platform...)
	b = append(b, `","version":"`...)
	b = append(b, version...)
	return append(b, '"')
}

func hash(s string) uint64 {
	var h uint64
	for _, c := range []byte(s) {
		h = mix(h ^ uint64(c))
	}
	return h
}

func appendHex(b []byte, x uint64, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		b = append(b, "0123456789abcdef"[x>>(4*i)&15])
	}
	return b
}

// stamp formats times and keeps the second it formatted last.
type stamp struct {
	zone   *time.Location
	second int64
	text   []byte
}

// append writes ms, Unix milliseconds, as RFC 3339.
func (s *stamp) append(b []byte, ms int64) []byte {
	if s.text == nil || s.second != ms/1000 {
		s.second = ms / 1000
		s.text = time.Unix(s.second, 0).In(s.zone).AppendFormat(s.text[:0], "2006-01-02T15:04:05.000Z07:00")
	}
	n := len(b)
	b = append(b, s.text...)
	const dot = len("2006-01-02T15:04:05.")
	rest := ms % 1000
	b[n+dot], b[n+dot+1], b[n+dot+2] = byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10)
	return b
}
