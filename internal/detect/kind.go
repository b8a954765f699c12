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
	kindAfter  = 6 // buckets from the onset before a kind is told
	repeats    = 4 // kicks that make a repeater
	mostShare  = 0.8
	sharedGap  = 60.0 // seconds between the kicks of people; programs are faster
	massKicks  = 2.5  // kicks a user
	minExplain = 5    // counts above the usual, below which nothing is said
)

// pattern is what the kicks of an alert look like.
type pattern struct {
	kind        string
	kicksPer    float64 // user
	repeatShare float64 // of the kicks, by users with four or more
	gap         float64 // seconds between the kicks of a repeater, median
	devices     int     // of a repeater, median; 4 means 4 or more, 0 unknown
	repeaters   int     // in the sample
}

// kindOf tells the kind by all kicks since the onset; byCode are the counts of each code above the usual.
func kindOf(e *evidence, byCode map[int32]float64) pattern {
	p := e.pattern()
	total := 0.0
	for _, n := range byCode {
		total += max(n, 0)
	}
	switch {
	case total < minExplain:
		p.kind = KindMixed
	case 2*byCode[kickedByAPI] >= total:
		p.kind = KindFromAPI
	case 2*byCode[passwordChanged] >= total:
		p.kind = KindPasswordWave
	case 2*byCode[accountRemoved] >= total:
		p.kind = KindRemoved
	case p.repeatShare >= mostShare && (p.devices >= keptDevices || p.devices == 0 && p.gap > sharedGap):
		p.kind = KindSharedAccount
	case p.repeatShare >= mostShare:
		p.kind = KindPingPong
	case e.users.count() > 0 && float64(e.count) <= massKicks*float64(e.users.count()):
		p.kind = KindMass
	default:
		p.kind = KindMixed
	}
	return p
}

// pattern measures the kicks by the sample. What is usual is taken off the kicks of those who are no repeaters.
func (e *evidence) pattern() pattern {
	var p pattern
	if users := e.users.count(); users > 0 {
		p.kicksPer = float64(e.count-e.anonymous) / float64(users)
	}
	var all, repeated int64
	var gaps, devices []float64
	for _, k := range e.sample {
		all += k.buckets
		if k.buckets < repeats {
			continue
		}
		repeated += k.buckets
		gaps = append(gaps, float64((k.last-k.first)*bucketMillis/1000)/float64(k.buckets-1))
		devices = append(devices, float64(len(k.devices)))
	}
	p.repeaters = len(gaps)
	if p.repeaters == 0 {
		return p
	}
	p.gap, p.devices = median(gaps), int(median(devices))
	part := float64(all) / float64(e.count-e.anonymous) // of the kicks, and so of the usual ones, is in the sample
	rest := max(0, float64(all-repeated)-float64(part*e.expected))
	p.repeatShare = float64(repeated) / (float64(repeated) + rest) * float64(e.count-e.anonymous) / float64(e.count)
	return p
}

// median returns the lower median.
func median(x []float64) float64 {
	slices.Sort(x)
	return x[(len(x)-1)/2]
}
