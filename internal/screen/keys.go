package screen

import (
	"slices"
	"strings"
)

// Key is a key that was pressed: a letter, or one of these names.
type Key string

// Keys that are no letters.
const (
	Up        Key = "up"
	Down      Key = "down"
	PageUp    Key = "page up"
	PageDown  Key = "page down"
	Home      Key = "home"
	End       Key = "end"
	Enter     Key = "enter"
	Escape    Key = "escape"
	Interrupt Key = "ctrl-c"
	Suspend   Key = "ctrl-z"
	Redraw    Key = "ctrl-l"
)

// sequences are what terminals send, of xterm's kind (the others have followed it).
var sequences = map[string]Key{
	"\x1b[A": Up, "\x1bOA": Up, "\x1b[B": Down, "\x1bOB": Down, "\x1b[5~": PageUp, "\x1b[6~": PageDown,
	"\x1b[H": Home, "\x1bOH": Home, "\x1b[1~": Home, "\x1b[F": End, "\x1bOF": End, "\x1b[4~": End,
	"\r": Enter, "\n": Enter, "\x03": Interrupt, "\x1a": Suspend, "\x0c": Redraw,
}

// Keys reads what one read of a terminal gave. Sequences that mean nothing here are passed over.
func Keys(typed []byte) []Key {
	var keys []Key
	for rest := string(typed); rest != ""; {
		n := length(rest)
		switch k, known := sequences[rest[:n]]; {
		case known:
			keys = append(keys, k)
		case rest[:n] == "\x1b":
			keys = append(keys, Escape)
		case n == 1 && rest[0] >= ' ' && rest[0] < 0x7f:
			keys = append(keys, Key(rest[:1]))
		}
		rest = rest[n:]
	}
	return keys
}

// length is that of the first key in s: a byte, or an escape sequence (ECMA-48, 5.4: parameters, then a final byte).
func length(s string) int {
	if s[0] != '\x1b' || len(s) < 2 || s[1] != '[' && s[1] != 'O' {
		return 1
	}
	for i := 2; i < len(s); i++ {
		if s[i] >= 0x40 && s[i] <= 0x7e {
			return i + 1
		}
	}
	return len(s)
}

// Action is what a key asks of the caller.
type Action int

// Actions, the most urgent last.
const (
	Draw Action = iota
	DrawAll
	Stop // the process, as Ctrl-Z does; then go on
	Quit
	Kill // as Ctrl-C does
)

// Press does what the keys say, and returns what is left for the caller.
func (s *Screen) Press(keys ...Key) Action {
	action := Draw
	for _, k := range keys {
		action = max(action, s.press(k))
	}
	return action
}

func (s *Screen) press(k Key) Action {
	switch k {
	case Interrupt:
		return Kill
	case Suspend:
		return Stop
	case Redraw:
		return DrawAll
	case "q":
		return Quit
	case "?", "h":
		s.help = !s.help
	case Escape:
		if !s.help {
			s.detail = false
		}
		s.help = false
	case Enter:
		s.help, s.detail, s.scroll = false, !s.detail && s.at() >= 0, 0
	case "p", " ":
		s.paused = !s.paused
	case "s":
		s.order = (s.order + 1) % len(orders)
	case "c":
		s.category = s.nextCategory()
	default:
		s.move(k)
		return Draw
	}
	s.choose()
	return Draw
}

// nextCategory is the one after that which is shown, "" for all after the last.
func (s *Screen) nextCategory() string {
	if s.now == nil {
		return ""
	}
	var all []string
	for _, c := range s.now.codes {
		all = append(all, c.Category)
	}
	slices.Sort(all)
	for _, c := range all {
		if strings.Compare(c, s.category) > 0 {
			return c
		}
	}
	return ""
}

// move moves the cursor, or what is seen of a detail.
func (s *Screen) move(k Key) {
	page := max(s.height/2, 1)
	step, ok := map[Key]int{
		Up: -1, "k": -1, Down: 1, "j": 1, PageUp: -page, PageDown: page, Home: -1 << 20, "g": -1 << 20, End: 1 << 20, "G": 1 << 20,
	}[k]
	switch {
	case !ok:
	case s.detail:
		s.scroll = max(s.scroll+step, 0) // what is too much, drawing takes off
	case len(s.rows) > 0:
		s.chosen = s.rows[min(max(s.at()+step, 0), len(s.rows)-1)].Code
	}
}
