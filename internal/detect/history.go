package detect

import "slices"

// History keeps the newest record of each alert, in the order in which they fired: what a summary or a page shows of a run.
// It is plain data; the zero value is empty.
type History struct {
	Alerts []Alert `json:"alerts"`
}

// maxHistory is how many alerts a History keeps; of more, the oldest that are over go first.
const maxHistory = 1000

// Add takes records in their order.
func (h *History) Add(records ...Alert) {
	for _, r := range records {
		same := func(a Alert) bool { return a.Alert == r.Alert && a.StartsAt.Equal(r.StartsAt) }
		if i := slices.IndexFunc(h.Alerts, same); i >= 0 {
			h.Alerts[i] = r
			continue
		}
		h.Alerts = append(h.Alerts, r)
		if len(h.Alerts) > maxHistory {
			i := slices.IndexFunc(h.Alerts, func(a Alert) bool { return a.State == Resolved })
			h.Alerts = slices.Delete(h.Alerts, max(i, 0), max(i, 0)+1)
		}
	}
}

// Firing returns the alerts that are not over.
func (h *History) Firing() []Alert {
	var firing []Alert
	for _, a := range h.Alerts {
		if a.State != Resolved {
			firing = append(firing, a)
		}
	}
	return firing
}
