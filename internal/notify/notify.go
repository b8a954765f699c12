// Package notify carries alerts to people and to systems that wake people: DingTalk, Feishu, WeCom, Slack, Alertmanager,
// a webhook, a file of NDJSON. It is the last stop of a log line, behind detect, and one of the few that touch the network.
//
// Words: a sink is one place alerts go to, of a kind; a target is one address of a sink (a cluster of Alertmanagers has
// several), with one goroutine and one queue; a record is an Alert as detect writes it; an alert is what all records with
// one identity (alert and starts_at) are about; told is what the other side is known to have taken in.
//
//	n, err := notify.New(notify.Options{Catalog: cat, Sinks: []notify.Sink{{Kind: "dingtalk", URL: url, Secret: secret}}})
//	n.Send(alert)      // returns at once
//	n.Close(ctx)       // flushes until ctx ends; tells nobody "resolved"
//
// A queue holds the newest record of each alert, not a list of records: what a sink that was down for a day gets then is
// what is true then. A firing that is over by then and was never told is told as one message that says both. People get a
// firing, its end, and one message between if the kind of a kick storm is known only later or the severity rises;
// Alertmanager gets each open alert every minute; NDJSON gets every record.
//
// It decides nothing about alerts, has no templates, no routing and no silences: that is Alertmanager's job.
package notify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"imerr-scan/internal/detect"
	"imerr-scan/pkg/catalog"
)

// Options says where alerts go. Validate and New judge it.
type Options struct {
	Sinks   []Sink
	Catalog *catalog.Catalog  // names and causes of codes; nil leaves them out
	Labels  map[string]string // external labels: which cluster, which app; for kinds alertmanager and webhook
	Zone    *time.Location    // of the times in messages; nil is the local one

	Page      string // address of our own page, or ""; Dashboard and Runbook are other links to show
	Dashboard string
	Runbook   string

	State    []byte         // of Snapshot, from before a restart or a reload; nil begins anew
	Notified func(Delivery) // is called after each try, by several goroutines; nil is allowed
	// Gate is asked before each try, by several goroutines; with an error nothing is sent, and it is asked again a second later.
	Gate      func(context.Context) error
	Transport http.RoundTripper // nil is the network
	Rand      func() float64    // 0 ≤ x < 1, for the jitter of pauses, safe for concurrent use; nil is math/rand
}

// Delivery is one try to bring a message to a sink.
type Delivery struct {
	Sink   string
	Alerts []string // their names
	Took   time.Duration
	Err    error // nil, or an *Error
}

// Stats are the counts of one sink since New, and its state. A message that carries several alerts is one message; each
// try that failed counts.
type Stats struct {
	Name, Kind string
	OK         int64 // messages taken
	Rejected   int64 // answers that said no
	Errors     int64 // no answer, or one that says "later"
	Dropped    int64 // alerts given up: the queue was full, or the sink refused one that is over for a day

	Queued    int    // alerts with something to tell
	LastError string // "" once a message was taken after it
	LastOK    time.Time
}

// Notifier sends alerts to sinks. Its methods are safe for concurrent use.
type Notifier struct {
	sinks   []*sink
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// sink is a Sink with all that is needed to send.
type sink struct {
	Sink
	kind    *kind
	targets []*target
}

// New checks opt and starts a goroutine for each target. The error joins every *Mistake. Close must be called.
func New(opt Options) (*Notifier, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	if opt.Zone == nil {
		opt.Zone = time.Local
	}
	if opt.Rand == nil {
		opt.Rand = rand.Float64
	}
	saved, err := restore(opt.State)
	if err != nil {
		return nil, err
	}
	n := &Notifier{}
	for i := range opt.Sinks {
		s, err := newSink(&opt, opt.Sinks[i].withDefaults())
		if err != nil {
			return nil, &Mistake{fmt.Sprintf("sinks[%d]", i), err.Error()}
		}
		for _, t := range s.targets {
			t.queue.restore(saved[t.id])
		}
		n.sinks = append(n.sinks, s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel = cancel
	for _, s := range n.sinks {
		for _, t := range s.targets {
			n.running.Go(func() { t.run(ctx) })
		}
	}
	return n, nil
}

func newSink(opt *Options, conf Sink) (*sink, error) {
	s := &sink{Sink: conf, kind: kindOf(conf.Kind)}
	couriers, err := s.couriers(opt)
	if err != nil {
		return nil, err
	}
	for i, c := range couriers {
		s.targets = append(s.targets, &target{
			id: fmt.Sprintf("%s/%d", s.Name, i), sink: s, courier: c,
			queue: newQueue(s.kind, &s.Sink, opt), bucket: newBucket(s.kind.burst, s.kind.every),
			wake: make(chan struct{}, 1), jitter: opt.Rand, notified: opt.Notified, gate: opt.Gate,
		})
	}
	return s, nil
}

// Send takes over a record for all sinks and returns at once. Records of one alert must come in their order.
func (n *Notifier) Send(a detect.Alert) {
	a = cleanAlert(a)
	for _, s := range n.sinks {
		for _, t := range s.targets {
			t.put(a)
		}
	}
}

// SendNow brings a to one sink, past the queue and its counts, with up to three tries. The error, made for people, is an
// *Error or several of them joined, or says that no sink has that name.
func (n *Notifier) SendNow(ctx context.Context, name string, a detect.Alert) error {
	i := slices.IndexFunc(n.sinks, func(s *sink) bool { return s.Name == name })
	if i < 0 {
		var names []string
		for _, s := range n.sinks {
			names = append(names, s.Name)
		}
		return fmt.Errorf("no sink is named %q%s", name, didYouMean(name, names))
	}
	var errs []error
	for _, t := range n.sinks[i].targets {
		if err := t.sendNow(ctx, cleanAlert(a)); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Stats returns the counts of each sink, in the order of Options.
func (n *Notifier) Stats() []Stats {
	var all []Stats
	for _, s := range n.sinks {
		sum := Stats{Name: s.Name, Kind: s.Kind}
		for _, t := range s.targets {
			t.addTo(&sum)
		}
		all = append(all, sum)
	}
	return all
}

// Snapshot returns what is queued and what each sink was told of the alerts that are open, for Options.State. It holds no
// secret, and user ids as the alerts have them.
func (n *Notifier) Snapshot() []byte {
	saved := state{}
	for _, s := range n.sinks {
		for _, t := range s.targets {
			saved[t.id] = t.save()
		}
	}
	return saved.encode()
}

// Close sends what is queued, trying each alert once more, and waits for the goroutines. When ctx ends first, requests under
// way are cut off. The error says how many alerts each sink does not know the latest of; Snapshot has them.
func (n *Notifier) Close(ctx context.Context) error {
	for _, s := range n.sinks {
		for _, t := range s.targets {
			t.close()
		}
	}
	done := make(chan struct{})
	go func() { n.running.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		n.cancel()
		select {
		case <-done:
		case <-time.After(closeGrace): // a writer that blocks cannot be cut off
		}
	}
	n.cancel()
	var errs []error
	for _, s := range n.Stats() {
		if s.Queued > 0 {
			errs = append(errs, fmt.Errorf("%s: %d alerts not delivered%s", s.Name, s.Queued, because(s.LastError)))
		}
	}
	return errors.Join(errs...)
}

const closeGrace = time.Second

func because(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}
