package extract

// levelWords are the names of levels, as loggers write them.
var levelWords = map[string]Level{
	"silly": BelowWarn, "trace": BelowWarn, "verbose": BelowWarn, "debug": BelowWarn, "fine": BelowWarn, "config": BelowWarn,
	"info": BelowWarn, "information": BelowWarn, "informational": BelowWarn, "notice": BelowWarn, "log": BelowWarn,
	"http": BelowWarn, "dbg": BelowWarn, "inf": BelowWarn, "success": BelowWarn, "default": NoLevel,
	"warn": WarnUp, "warning": WarnUp, "wrn": WarnUp, "error": WarnUp, "err": WarnUp, "fatal": WarnUp, "critical": WarnUp,
	"crit": WarnUp, "severe": WarnUp, "alert": WarnUp, "emerg": WarnUp, "emergency": WarnUp, "panic": WarnUp, "dpanic": WarnUp,
}

// levelWord returns the level that a word names, in any case.
func levelWord(w []byte) Level {
	var lower [13]byte
	if len(w) < 3 || len(w) > len(lower) {
		return NoLevel
	}
	for i, c := range w {
		lower[i] = c | 0x20
	}
	return levelWords[string(lower[:len(w)])]
}

// levelNumber returns the level of a number as syslog (0 to 7, 3 is error), pino and bunyan (10 to 60, 40 is warn),
// or monolog and java.util.logging (from 100, 300 is warning) write it.
func levelNumber(v int32) Level {
	switch {
	case v < 0:
		return NoLevel
	case v <= 4, v >= 40 && v < 100, v >= 300 && v < 700, v >= 900:
		return WarnUp
	case v == 8 || v == 9:
		return NoLevel
	}
	return BelowWarn
}

// levelBits returns the level of a mini program's realtime log, the sum of those of its messages: 2 info, 4 warn, 8 error.
func levelBits(v int32) Level {
	switch {
	case v&12 != 0:
		return WarnUp
	case v != 0:
		return BelowWarn
	}
	return NoLevel
}

// priorityLevel returns the level of a syslog or journal priority. Notice and info are what a system gives to every line
// of standard output, so they say nothing.
func priorityLevel(v int32) Level {
	switch {
	case v < 0 || v > 7 || v == 5 || v == 6:
		return NoLevel
	case v <= 4:
		return WarnUp
	}
	return BelowWarn
}

// levelIn returns the first level that a word in b claims. In capitals it counts anywhere, otherwise only where a logger
// would put it: in brackets, behind "=", or with a colon at the beginning.
func levelIn(b []byte) Level {
	if len(b) > 6 && b[1]-'0' <= 9 && b[2]-'0' <= 9 && b[3]-'0' <= 9 && b[4]-'0' <= 9 && b[5] == ' ' { // klog: E1123 09:00:00
		switch b[0] {
		case 'I':
			return BelowWarn
		case 'W', 'E', 'F':
			return WarnUp
		}
	}
	words, coloured := 0, false
	for i := 0; i < len(b); {
		if b[i] == '\x1b' { // ESC [ 31 m: who colours a word means it
			for i++; i < len(b) && !letter(b[i]); i++ {
			}
			i, coloured = i+1, true
			continue
		}
		if !letter(b[i]) {
			i++
			continue
		}
		start, capitals, digits := i, true, false
		for ; i < len(b) && (letter(b[i]) || b[i]-'0' <= 9 || b[i] == '_'); i++ {
			capitals = capitals && b[i] < 'a'
			digits = digits || b[i]-'0' <= 9
		}
		if level := levelWord(b[start:i]); level != NoLevel && (coloured || levelPlace(b, start, i, capitals, words == 0)) {
			return level
		}
		if i-start > 1 && !digits {
			words++
		}
		coloured = false
	}
	return NoLevel
}

// levelPlace says whether the word from start to end stands where a logger would put a level.
func levelPlace(b []byte, start, end int, capitals, first bool) bool {
	before, before2, after := byte(' '), byte(' '), byte(' ')
	if start > 0 {
		before = b[start-1]
	}
	if start > 1 {
		before2 = b[start-2]
	}
	if end < len(b) {
		after = b[end]
	}
	switch before {
	case '[', '<', '(', '|', '=':
		return true
	case '"':
		return before2 == '=' || before2 == ':'
	case '-', '.', '/':
		return false
	case ' ':
		if before2 == '|' {
			return true
		}
	}
	return capitals || first && before == ' ' && (after == ':' || after == '|')
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
