package detect

import "slices"

// Kinds of a kick storm.
const (
	KindPending       = "pending"        // too early to say
	KindFromAPI       = "from_api"       // the console or a REST call signed them out
	KindPasswordWave  = "password_wave"  // passwords were changed
	KindRemoved       = "removed"        // accounts were deleted
	KindLoopUser      = "loop_user"      // one or two accounts are in a loop
	KindSharedAccount = "shared_account" // several people use one login
	KindPingPong      = "ping_pong"      // two devices log in again by themselves and push each other out
	KindMass          = "mass"           // many users, once or twice each
	KindMixed         = "mixed"          // none of these alone
)

// Kick codes: the server ended a login.
const (
	otherDevice     = 206
	accountRemoved  = 207
	passwordChanged = 216
	kickedByAPI     = 217
)

func isKick(code int32) bool {
	return code == otherDevice || code == accountRemoved || code == passwordChanged || code == kickedByAPI
}

const (
	kindAfter   = 6 // buckets from the onset before a kind is told
	repeats     = 4 // kicks that make a repeater
	mostShare   = 0.8
	sharedGap   = 60.0 // seconds between the kicks of people; programs are faster
	massKicks   = 2.5  // kicks a user
	massRepeats = 0.3  // of the kicks, that repeaters may have
	minExplain  = 5    // counts above the usual, below which nothing is said
)

// pattern is what the kicks of an alert look like.
type pattern struct {
	kind        string
	kicksPer    float64 // user
	repeatShare float64 // of the kicks, by users with four or more
	gap         float64 // seconds between the kicks of a repeater, median
	devices     int     // of a repeater, median; 4 means 4 or more, 0 unknown
}

// kindOf tells the kind by all kicks since the onset; codes are what each code had, and had above the usual.
func kindOf(e *evidence, codes map[int32]counts) pattern {
	p := e.pattern()
	var total counts
	for _, c := range codes {
		total.all += c.all
		total.above += max(c.above, 0)
	}
	// most: half of what is above the usual, and not only because the usual was less by chance.
	most := func(code int32) bool {
		c := codes[code]
		return 2*c.above >= total.above && 3*c.all >= total.all
	}
	switch {
	case total.above < minExplain:
		p.kind = KindMixed
	case most(kickedByAPI):
		p.kind = KindFromAPI
	case most(passwordChanged):
		p.kind = KindPasswordWave
	case most(accountRemoved):
		p.kind = KindRemoved
	case 2*e.anonymous > e.count:
		p.kind = KindMixed // nobody knows whose kicks these are
	case p.repeatShare >= mostShare && (p.devices >= keptDevices || p.devices == 0 && p.gap > sharedGap):
		p.kind = KindSharedAccount
	case p.repeatShare >= mostShare:
		p.kind = KindPingPong
	case p.repeatShare < massRepeats && p.kicksPer <= massKicks:
		p.kind = KindMass
	default:
		p.kind = KindMixed
	}
	return p
}

// counts are kicks of one code: all, and what of them is above the usual.
type counts struct{ all, above float64 }

// pattern measures the kicks whose user is known, by the sample. Kicks that as many users as these, each kicked as often as
// those in the sample, do not explain are of repeaters that are too few to be in it. What is usual is taken off the kicks of
// those who are no repeaters.
func (e *evidence) pattern() pattern {
	var p pattern
	known := float64(e.count - e.anonymous)
	if known <= 0 || len(e.sample) == 0 {
		return p
	}
	users := float64(max(e.users.count(), 1))
	p.kicksPer = known / users
	var all, repeated float64
	var gaps, devices []float64
	for _, k := range e.sample {
		n := float64(k.buckets)
		all += n
		if k.buckets < repeats {
			continue
		}
		repeated += n
		gaps = append(gaps, float64((k.last-k.first)*bucketMillis/1000)/(n-1))
		devices = append(devices, float64(len(k.devices)))
	}
	scale := 1.0 // from the sample to all
	if len(e.sample) == sampleUsers {
		scale = min(users/sampleUsers, known/all)
	}
	once := float64((all - repeated) * scale)
	repeated = known - once
	if once = max(0, once-e.expected); repeated > 0 {
		p.repeatShare = repeated / (repeated + once)
	}
	if len(gaps) > 0 {
		p.gap, p.devices = median(gaps), int(median(devices))
	}
	return p
}

// median returns the lower median.
func median(x []float64) float64 {
	slices.Sort(x)
	return x[(len(x)-1)/2]
}
