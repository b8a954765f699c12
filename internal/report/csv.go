package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"imerr-scan/internal/aggregate"
)

// CSV writes one row a code, then one for each value that is in no catalog, with category unknown. Cells that a
// spreadsheet would take for a formula begin with an apostrophe.
func CSV(w io.Writer, res *aggregate.Result) error {
	rows := [][]string{{"code", "name", "category", "topic", "tier", "severity", "count", "percent", "users", "users_exact", "first", "last", "peak_per_minute"}}
	for i := range res.Codes {
		r := &res.Codes[i]
		rows = append(rows, []string{strconv.Itoa(int(r.Code)), r.Name, r.Category, r.Topic, r.Tier, r.Severity, strconv.FormatInt(r.Count, 10),
			plainPercent(r.Count, res.Events), strconv.FormatInt(r.Users.Distinct, 10), strconv.FormatBool(r.Users.Exact),
			csvTime(r.First), csvTime(r.Last), strconv.FormatInt(r.PeakPerMinute, 10)})
	}
	for _, v := range res.Unknown.Values {
		rows = append(rows, []string{v.Value, "", "unknown", "", "", "", strconv.FormatInt(v.Count, 10), plainPercent(v.Count, res.Events), "", "", csvTime(v.First), "", ""})
	}
	return writeCSV(w, rows)
}

func csvTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339)
}

func writeCSV(w io.Writer, rows [][]string) error {
	c := csv.NewWriter(w)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = csvCell(cell)
		}
		if err := c.Write(cells); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// csvCell cleans a cell and disarms it: = + - @, their full-width twins, a tab or another control character at its
// beginning make a spreadsheet calculate. A negative whole number stays one.
func csvCell(cell string) string {
	cleaned := clean(cell, cleanLimit)
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(cleaned, " "))
	control, _ := utf8.DecodeRuneInString(cell)
	if strings.ContainsRune("=+-@＝＋－＠", first) && !isInteger(cleaned) || control < ' ' {
		return "'" + cleaned
	}
	return cleaned
}

// isInteger reports whether s is a whole number as we write it.
func isInteger(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return digits != "" && len(digits) <= 19 && strings.Trim(digits, "0123456789") == ""
}
