package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/pkg/catalog"
)

var screenOptions = TextOptions{Top: 10, Input: "app.log", Again: "app.log", Elapsed: 2100 * time.Millisecond}

func text(t *testing.T, res *aggregate.Result, opt TextOptions) string {
	t.Helper()
	var b strings.Builder
	if err := Text(&b, res, catalog.Web(), opt); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextAtEveryWidthAndLanguage(t *testing.T) {
	for _, w := range []int{40, 70, 80, 104, 160} {
		for lang, suffix := range map[catalog.Lang]string{catalog.EN: "en", catalog.ZH: "zh"} {
			t.Run(fmt.Sprintf("%d %s", w, suffix), func(t *testing.T) {
				opt := screenOptions
				opt.Width, opt.Lang = w, lang
				golden(t, fmt.Sprintf("text_%d_%s", w, suffix), text(t, morning(), opt))
			})
		}
	}
}
