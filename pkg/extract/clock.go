package extract

import "time"

// moment is a time as it was written.
type moment struct {
	ms    int64 // Unix milliseconds; for a clock, milliseconds since midnight
	clock bool  // the SDK's HH:MM:SS:ms, which has no date
}

// dayMillis is a day in milliseconds.
const dayMillis = 24 * 60 * 60 * 1000

// stamp is a time being put together.
type stamp struct {
	year, month, day     int
	hour, minute, second int
	milli                int
	zone                 *time.Location // nil: offset holds it
	offset               int            // seconds east of UTC
	digits               int
}

func (s *stamp) millis() (int64, bool) {
	if s.month < 1 || s.month > 12 || s.day < 1 || s.day > daysIn(s.year, s.month) || s.minute > 59 || s.second > 60 ||
		s.hour > 24 || s.hour == 24 && s.minute+s.second > 0 {
		return 0, false
	}
	if s.zone == nil {
		days := civil(s.year, s.month, s.day)
		return (days*86400+int64(s.hour*3600+s.minute*60+s.second-s.offset))*1000 + int64(s.milli), true
	}
	t := time.Date(s.year, time.Month(s.month), s.day, s.hour, s.minute, s.second, s.milli*1e6, s.zone)
	return t.UnixMilli(), true
}

// daysIn is how many days a month has.
func daysIn(year, month int) int {
	switch {
	case month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	case month == 2:
		return 28
	case month == 4 || month == 6 || month == 9 || month == 11:
		return 30
	}
	return 31
}

// civil counts the days from 1970-01-01 (H. Hinnant, days_from_civil).
func civil(y, m, d int) int64 {
	if m <= 2 {
		y--
	}
	era := y / 400
	yoe := y - era*400
	mp := (m + 9) % 12
	doy := (153*mp+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era*146097 + doe - 719468)
}

// reader walks over a text; its methods leave it where they found no match.
type reader struct {
	b []byte
	i int
}

func (r *reader) peek() byte {
	if r.i < len(r.b) {
		return r.b[r.i]
	}
	return 0
}

func (r *reader) byte(c byte) bool {
	if r.peek() == c && r.i < len(r.b) {
		r.i++
		return true
	}
	return false
}

func (r *reader) word(s string) bool {
	if len(r.b)-r.i >= len(s) && string(r.b[r.i:r.i+len(s)]) == s {
		r.i += len(s)
		return true
	}
	return false
}

// number reads between least and most digits; width is how many.
func (r *reader) number(least, most int) (v, width int, ok bool) {
	i := r.i
	for i < len(r.b) && i-r.i < most && r.b[i]-'0' <= 9 {
		v = v*10 + int(r.b[i]-'0')
		i++
	}
	width = i - r.i
	if width < least {
		return 0, 0, false
	}
	r.i = i
	return v, width, true
}

// spaces skips blanks, the narrow and the no-break space that JavaScript writes before AM included.
func (r *reader) spaces() bool {
	start := r.i
	if c := r.peek(); c > ' ' && c < 0x80 {
		return false
	}
	for r.byte(' ') || r.word("\u202f") || r.word("\u00a0") {
	}
	return r.i > start
}

// readTime reads a time at the beginning of b and returns how many bytes it takes, 0 if there is none. now gives the
// year to forms without one (syslog), zone its place to those without one. It does not allocate.
//
// Read are RFC 3339 with its variants (a space or slashes, a comma before the fraction, no zone), the locale forms of
// JavaScript for zh-CN and en-US (month before day, unless the first number is above 12), JavaScript's Date, RFC 1123,
// syslog, Apache, and the SDK's HH:MM:SS:ms, which has no date and an unpadded ms (websdk 4.21.1, logger).
func readTime(b []byte, zone *time.Location, now time.Time) (moment, int) {
	r := reader{b: b}
	if len(b) < 8 {
		return moment{}, 0
	}
	c := b[0]
	if c-'0' > 9 {
		if c >= 'A' && c <= 'Z' {
			return r.named(zone, now)
		}
		return moment{}, 0
	}
	v, width, _ := r.number(1, 4)
	s := stamp{zone: zone}
	sep := r.peek()
	switch {
	case width == 4 && (sep == '-' || sep == '/' || sep == '.'):
		r.i++
		var ok bool
		if s.month, _, ok = r.number(1, 2); !ok || !r.byte(sep) {
			return moment{}, 0
		}
		if s.day, _, ok = r.number(1, 2); !ok {
			return moment{}, 0
		}
		s.year = v
	case width <= 2 && sep == '/':
		r.i++
		if m, ok := r.month(); ok { // Apache: 23/Nov/2026:09:00:00 +0800
			s.day, s.month = v, m
		} else {
			d, _, ok := r.number(1, 2)
			if !ok {
				return moment{}, 0
			}
			s.month, s.day = v, d
			if v > 12 {
				s.month, s.day = d, v
			}
		}
		var ok bool
		if !r.byte('/') {
			return moment{}, 0
		}
		if s.year, _, ok = r.number(4, 4); !ok {
			return moment{}, 0
		}
	case width <= 2 && sep == ' ': // 23 Nov 2026 09:00:00
		r.i++
		m, ok := r.month()
		if !ok || !r.byte(' ') {
			return moment{}, 0
		}
		s.day, s.month = v, m
		if s.year, _, ok = r.number(4, 4); !ok {
			return moment{}, 0
		}
	case width <= 2 && sep == ':':
		return r.clock(v)
	default:
		return moment{}, 0
	}
	if !r.timeOfDay(&s) {
		return moment{}, 0
	}
	if s.hour == 24 && sep == '/' { // V8 with hour12: false calls the first hour of a day 24
		s.hour = 0
	}
	return r.finish(&s)
}

// named reads the forms that begin with the name of a day or a month.
func (r *reader) named(zone *time.Location, now time.Time) (moment, int) {
	s := stamp{zone: zone}
	if r.weekday() {
		r.byte(',')
		if !r.byte(' ') {
			return moment{}, 0
		}
	}
	if v, _, ok := r.number(1, 2); ok { // RFC 1123: Mon, 23 Nov 2026 09:00:00 GMT
		s.day = v
		if !r.byte(' ') && !r.byte('-') {
			return moment{}, 0
		}
		if s.month, ok = r.month(); !ok || !r.byte(' ') && !r.byte('-') {
			return moment{}, 0
		}
		if s.year, _, ok = r.number(4, 4); !ok || !r.timeOfDay(&s) {
			return moment{}, 0
		}
		return r.finish(&s)
	}
	var ok bool
	if s.month, ok = r.month(); !ok || !r.byte(' ') {
		return moment{}, 0
	}
	r.spaces()
	if s.day, _, ok = r.number(1, 2); !ok {
		return moment{}, 0
	}
	r.byte(',')
	mark := *r
	if r.byte(' ') {
		if y, _, ok := r.number(4, 4); ok && (r.peek() == ' ' || r.peek() == ',') {
			s.year = y
		} else {
			*r = mark
		}
	}
	if !r.timeOfDay(&s) {
		return moment{}, 0
	}
	if s.year == 0 { // syslog; asctime has the year at its end
		mark := *r
		if r.byte(' ') {
			if y, width, ok := r.number(4, 4); ok && width == 4 && r.peek()-'0' > 9 && r.peek() != '-' && r.peek() != '/' {
				s.year = y
			} else {
				*r = mark
			}
		}
	}
	if s.year == 0 {
		s.year = yearFor(&s, now)
	}
	return r.finish(&s)
}

// yearFor gives a date without a year the last one in which it is not more than a day after now.
func yearFor(s *stamp, now time.Time) int {
	if now.IsZero() {
		return 0
	}
	t := *s
	t.year = now.Year()
	if ms, ok := t.millis(); ok && ms > now.UnixMilli()+dayMillis {
		return t.year - 1
	}
	return t.year
}

// timeOfDay reads what follows a date: [T ,:] [上午|下午] HH:MM[:SS[.fraction]] [AM|PM].
func (r *reader) timeOfDay(s *stamp) bool {
	if !r.byte('T') && !r.byte('t') && !r.byte(':') {
		r.byte(',')
		if !r.spaces() {
			return false
		}
	}
	half := r.half()
	var ok bool
	if s.hour, _, ok = r.number(1, 2); !ok || !r.byte(':') {
		return false
	}
	if s.minute, _, ok = r.number(2, 2); !ok {
		return false
	}
	if r.peek() == ':' {
		r.i++
		if s.second, _, ok = r.number(2, 2); !ok {
			return false
		}
		r.fraction(s)
	}
	if half == 0 {
		mark := *r
		r.spaces()
		if half = r.half(); half == 0 {
			*r = mark
		}
	}
	switch {
	case half == 'A' && s.hour == 12:
		s.hour = 0
	case half == 'P' && s.hour < 12:
		s.hour += 12
	}
	return true
}

// half reads AM or PM in English or Chinese and returns A or P.
func (r *reader) half() byte {
	if c := r.peek(); c < 'A' {
		return 0
	}
	switch {
	case r.word("AM"), r.word("am"), r.word("上午"), r.word("凌晨"), r.word("早上"):
		return 'A'
	case r.word("PM"), r.word("pm"), r.word("下午"), r.word("晚上"), r.word("中午"):
		return 'P'
	}
	return 0
}

// fraction reads .123456 or ,123 and keeps milliseconds. A colon is the SDK's way in some releases.
func (r *reader) fraction(s *stamp) {
	if c := r.peek(); c != '.' && c != ',' && c != ':' || r.i+1 >= len(r.b) || r.b[r.i+1]-'0' > 9 {
		return
	}
	r.i++
	v, width := 0, 0
	for r.i < len(r.b) && r.b[r.i]-'0' <= 9 {
		if width < 3 {
			v = v*10 + int(r.b[r.i]-'0')
			width++
		}
		r.i++
	}
	for ; width < 3; width++ {
		v *= 10
	}
	s.milli = v
}

// finish reads the zone and checks that the time ends here and not in the middle of a word.
func (r *reader) finish(s *stamp) (moment, int) {
	mark := *r
	spaced := r.spaces()
	switch c := r.peek(); {
	case c == 0 && r.i == len(r.b):
	case r.word("GMT"), r.word("UTC"):
		s.zone, s.offset = nil, 0
		r.offset(s)
	case !spaced && (r.byte('Z') || r.byte('z')):
		s.zone, s.offset = nil, 0
	case !r.offset(s):
		if !spaced && (c == '+' || c == '-') && r.i+2 < len(r.b) && r.b[r.i+1]-'0' <= 9 && r.b[r.i+2]-'0' <= 9 {
			return moment{}, 0 // an offset that there is not: nobody knows which time it is
		}
		*r = mark
	}
	if c := r.peek(); r.i < len(r.b) && (c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_') {
		return moment{}, 0
	}
	ms, ok := s.millis()
	if !ok {
		return moment{}, 0
	}
	return moment{ms: ms}, r.i
}

// offset reads +08:00, +0800 or +08.
func (r *reader) offset(s *stamp) bool {
	mark := *r
	sign := 1
	switch {
	case r.byte('+'):
	case r.byte('-'):
		sign = -1
	default:
		return false
	}
	h, _, ok := r.number(2, 2)
	if !ok || h > 15 {
		*r = mark
		return false
	}
	m := 0
	if r.byte(':'); r.peek()-'0' <= 9 {
		if m, _, ok = r.number(2, 2); !ok || m > 59 {
			*r = mark
			return false
		}
	}
	s.zone, s.offset = nil, sign*(h*3600+m*60)
	return true
}

// clock reads the rest of HH:MM:SS:ms; h was read.
func (r *reader) clock(h int) (moment, int) {
	r.i++
	m, _, ok := r.number(2, 2)
	if !ok || !r.byte(':') {
		return moment{}, 0
	}
	sec, _, ok := r.number(2, 2)
	if !ok || h > 23 || m > 59 || sec > 60 {
		return moment{}, 0
	}
	ms := 0
	if r.peek() == ':' {
		r.i++
		if ms, _, ok = r.number(1, 3); !ok {
			return moment{}, 0
		}
	} else {
		var s stamp
		r.fraction(&s)
		ms = s.milli
	}
	if c := r.peek(); r.i < len(r.b) && (c-'0' <= 9 || c == ':') {
		return moment{}, 0
	}
	return moment{ms: int64(h*3600000 + m*60000 + sec*1000 + ms), clock: true}, r.i
}

var monthNames = [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}

const dayNames = "SunMonTueWedThuFriSat"

// month reads the English name of a month, three letters or all of it.
func (r *reader) month() (int, bool) {
	for m, name := range monthNames {
		if r.word(name[:3]) {
			r.word(name[3:])
			return m + 1, !letter(r.peek())
		}
	}
	return 0, false
}

// weekday skips the English name of a day.
func (r *reader) weekday() bool {
	if len(r.b)-r.i < 3 {
		return false
	}
	for d := range 7 {
		if string(r.b[r.i:r.i+3]) == dayNames[3*d:3*d+3] {
			r.i += 3
			for c := r.peek(); c >= 'a' && c <= 'z'; c = r.peek() {
				r.i++
			}
			return true
		}
	}
	return false
}

// epoch reads a number of seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by magnitude, as
// decimal digits with or without a fraction.
func epoch(b []byte) (ms int64, ok bool) {
	i := skipDigits(b, 0)
	if i < 9 || i > 19 {
		return 0, false
	}
	var v int64
	for _, d := range b[:i] {
		if v > (1<<63-1-9)/10 {
			return 0, false
		}
		v = v*10 + int64(d-'0')
	}
	fraction := 0
	if i < len(b) && b[i] == '.' {
		width := 0
		for i++; i < len(b) && b[i]-'0' <= 9; i++ {
			if width < 3 {
				fraction = fraction*10 + int(b[i]-'0')
				width++
			}
		}
		for ; width < 3; width++ {
			fraction *= 10
		}
	}
	if i < len(b) {
		return 0, false
	}
	switch {
	case v < 1e11:
		return v*1000 + int64(fraction), true
	case v < 1e14:
		return v, true
	case v < 1e17:
		return v / 1000, true
	}
	return v / 1e6, true
}
