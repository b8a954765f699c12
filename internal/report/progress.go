package report

import (
	"fmt"
	"strings"
	"time"

	"imerr-scan/pkg/catalog"
)

// Progress is how far a run has come.
type Progress struct {
	Done, Total int64         // bytes; Total 0 means not known, as for a pipe
	Elapsed     time.Duration // since the beginning
}

// Line is the progress in one line of at most width columns, without a line end:
// "312.0 MiB of 512.4 MiB  61%  244.1 MiB/s  1 s left".
func (p Progress) Line(width int, lang catalog.Lang) string {
	s := screen{lang: lang}
	parts := []string{size(p.Done)}
	known := p.Total > 0 && p.Done <= p.Total
	if known {
		parts = []string{s.say("%s of %s", "%s / %s", size(p.Done), size(p.Total)), fmt.Sprintf("%d%%", int64(100*float64(p.Done)/float64(p.Total)))}
	}
	if rate := float64(p.Done) / p.Elapsed.Seconds(); p.Elapsed >= 100*time.Millisecond && rate > 0 {
		parts = append(parts, size(int64(rate))+"/s")
		if known {
			if seconds := float64(p.Total-p.Done) / rate; seconds < 360000 {
				parts = append(parts, s.left(time.Duration(seconds*float64(time.Second))))
			}
		}
	}
	return cut(strings.Join(parts, "  "), max(width, 1))
}

func (s *screen) left(d time.Duration) string {
	d = (d + time.Second - 1).Truncate(time.Second)
	switch {
	case d < time.Minute:
		return s.say("%d s left", "还需 %d 秒", int(d.Seconds()))
	case d < time.Hour:
		return s.say("%d min %02d s left", "还需 %d 分 %02d 秒", int(d.Minutes()), int(d.Seconds())%60)
	}
	return s.say("%d h %02d min left", "还需 %d 小时 %02d 分", int(d.Hours()), int(d.Minutes())%60)
}
