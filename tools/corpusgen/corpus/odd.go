package corpus

import "strings"

// odd writes rare shapes of errors, decoys, and plain lines between them.
func (g *gen) odd() {
	for !g.done() {
		g.now += int64(g.rand.n(21))
		switch n := g.rand.n(1000); {
		case n < g.prof.errorsPerMille:
			g.oddError()
		case n < g.prof.errorsPerMille+200:
			g.decoy()
		default:
			g.ordinary()
		}
	}
}

func (g *gen) ordinary() {
	user := g.someUser(usersOfApp)
	g.head(false, user)
	g.otherTypes()
	g.tail()
	g.end()
}

// oddShapes are ways to write an error; the last is a place. In a pattern, TIME and USER stand for the members of those names, CODE for
// the code, NAME for its constant, BODY for the members after type, QBODY for the same inside a string.
var oddShapes = []string{
	`{TIME,"level":"error",USER,"\u0065rror":{"type":CODEBODY}}`,
	`{TIME,"level":"error",USER,"err\u006fr":{"type":CODEBODY}}`,
	`{TIME,"level":"error",USER,"error":{"\u0074ype":CODEBODY}}`,
	`{TIME,"level":"error",USER,"error":{"t\u0079pe":CODEBODY}}`,
	`{TIME,"level":"error",USER,"error":{"ty\u0070e":CODEBODY}}`,
	`{TIME,"level":"error",USER,"error":{"typ\u0065":CODEBODY}}`,
	`{ TIME, "level": "error", USER, "error" : { "type" : CODEBODY } }`,
	"{TIME,\"level\":\"error\",USER,\"error\":{\"type\":\tCODEBODY}}",
	`{TIME,"level":"error",USER,"error":{"type":"CODE"BODY}}`,
	`{TIME,"level":"error",USER,"error":{"type":CODE.0BODY}}`,
	`{TIME,"level":"error",USER,"error":{"type":CODEe0BODY}}`,
	`{TIME,"level":"error",USER,"error":{"type":"NAME"BODY}}`,
	`{TIME,"level":"error",USER,"error":{"message":"x","type":CODE}}`,
	`{TIME,"level":"error",USER,"error.type":CODE}`,
	`{TIME,"level":"error",USER,"error.type" : "CODE"}`,
	`{TIME,"level":"error",USER,"error":{"type":CODEBODY},"error":{"type":599}}`,
	`{TIME,"level":"error",USER,"error":{"type":CODE,"type":599}}`,
	`{TIME,"level":"error",USER,"payload":{"call":{"type":CODEBODY}}}`,
	`{TIME,"level":"error",USER,"events":[{"name":"open"},{"detail":{"type":CODEBODY}}]}`,
	`{TIME,"level":"error","message":"{USERQ,\"error\":{\"type\":CODEQBODY}}"}`,
	`{"log":"{TIMEQ,\"level\":\"error\",USERQ,\"error\":{\"type\":CODEQBODY}}\n","stream":"stdout",TIME}`,
	`2026-11-23 06:00:04.123 ERROR im.client - {TIME,USER,"error":{"type":CODEBODY}}`,
	`  {TIME,"level":"error",USER,"error":{"type":CODEBODY}}  `,
}

func (g *gen) oddError() {
	e := g.pick()
	shape := oddShapes[g.rand.n(len(oddShapes))]
	if e.name == "" {
		shape = oddShapes[len(oddShapes)-1] // outside a place a number of no catalog is nobody's error
	}
	user := g.someUser(usersOfApp)
	g.fill(shape, e, user)
	g.count(e, user)
	g.end()
}

// Decoys look like errors of the SDK and are none. The foreign ones would count but for what stands beside them.
var (
	decoys = []string{
		`{TIME,"level":"info",USER,"from":"u_1","chatType":"singleChat","msg":"{\"error\":{\"type\":CODEQBODY}}"}`,
		`{TIME,"level":"info",USER,"text":"he wrote {\"error\":{\"type\":CODE}} to me","body":{"type":"txt"}}`,
		`{TIME,"level":"error",USER,"error":{"type":"java.lang.NullPointerException","message":"null"}}`,
		`{TIME,"level":"error",USER,"error":{"type":null}}`,
		`{TIME,"level":"error",USER,"error":"type"}`,
		`{TIME,"level":"error",USER,"type":CODE}`,
		`{TIME,"level":"warn",USER,"item":{"type":CODE,"message":"sold","price":12}}`,
		`{TIME,"level":"info",USER,"item":{"type":CODE,"message":"sold"}}`,
		`{TIME,"level":"info",USER,"errors":[{"types":CODE}],"error":{"kind":CODE}}`,
	}
	foreignDecoys = []string{
		`{TIME,"level":"error",USER,"error":{"type":"500"},"http":{"method":"GET"}}`,
		`{TIME,"level":"error",USER,"error":{"type":CODE,"stack_trace":"at main"}}`,
		`{TIME,"level":"error",USER,"status_code":502,"error.type":"502"}`,
	}
	successful = `{TIME,"level":"info",USER,"error":{"type":0,"data":{}}}`
)

func (g *gen) decoy() {
	e := g.pick()
	for e.code < 0 { // the texts of these would be known to the catalog
		e = g.pick()
	}
	e.body = `,"message":"nothing of ours"`
	user := g.someUser(usersOfApp)
	switch n := g.rand.n(len(decoys) + len(foreignDecoys) + 1); {
	case n < len(decoys):
		g.fill(decoys[n], e, user)
	case n < len(decoys)+len(foreignDecoys):
		g.fill(foreignDecoys[n-len(decoys)], e, user)
		g.lineIsForeign = true
	default:
		g.fill(successful, e, user)
		g.truth.Success++
	}
	g.lineIsDecoy = true
	g.end()
}

// fill writes a pattern with the values put in.
func (g *gen) fill(pattern string, e sdkError, user string) {
	when := `"time":"` + string(g.stamp.append(nil, g.now)) + `"`
	who := string(appendUser(nil, user)[1:])
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	g.buf = append(g.buf, strings.NewReplacer(
		"TIMEQ", quote.Replace(when), "TIME", when,
		"USERQ", quote.Replace(who), "USER", who,
		"QBODY", quote.Replace(e.body), "BODY", e.body,
		"CODE", e.codeString(), "NAME", e.name,
	).Replace(pattern)...)
}
