package report

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"plain id", "u_10233", "u_10233"},
		{"Chinese name", "vip_张敏", "vip_张敏"},
		{"terminal escape", "\x1b[31mred\x1b]0;title\a", `\u001b[31mred\u001b]0;title\u0007`},
		{"eight-bit escape", "a\u009b31mb", `a\u009b31mb`},
		{"line ends", "a\r\nb\tc", "a  b c"},
		{"override of direction", "abc\u202etxt.exe", `abc\u202etxt.exe`},
		{"zero width", "a\u200bb", `a\u200bb`},
		{"line separator", "a\u2028b", `a\u2028b`},
		{"hangul filler", "a\u3164b", `a\u3164b`},
		{"ideographic space", "a\u3000b", "a b"},
		{"bad byte", "a\xffb", "a\ufffdb"},
		{"marks piled up", "a\u0301\u0301\u0301\u0301\u0301\u0301b", "a\u0301\u0301\u0301\u0301" + `\u0301\u0301b`},
		{"delete", "a\x7fb", `a\u007fb`},
		{"too long", strings.Repeat("x", 300), strings.Repeat("x", 256) + "…"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := clean(tc.in, cleanLimit); got != tc.want {
				t.Errorf("clean(%q) = %q, want %q", tc.in, got, tc.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[2J", 10)
	f.Add("张\u202e\xff", 2)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = limit&63 + 1
		got := clean(s, limit)
		if !utf8.ValidString(got) {
			t.Fatalf("clean(%q) = %q: not UTF-8", s, got)
		}
		for _, r := range got {
			if r != ' ' && !unicode.IsPrint(r) {
				t.Fatalf("clean(%q) = %q holds %U", s, got, r)
			}
		}
		if n := utf8.RuneCountInString(got); n > 10*limit+1 {
			t.Fatalf("clean(%q, %d) has %d runes", s, limit, n)
		}
		if again := clean(got, 10*limit+1); again != got {
			t.Fatalf("clean twice: %q, then %q", got, again)
		}
	})
}

func TestCutAndPadByColumns(t *testing.T) {
	for _, tc := range []struct {
		in   string
		w    int
		want string
	}{
		{"abcdef", 6, "abcdef"},
		{"abcdef", 5, "abcd…"},
		{"张敏张敏", 8, "张敏张敏"},
		{"张敏张敏", 7, "张敏张…"},
		{"张敏张敏", 6, "张敏…"},
		{"abc", 0, ""},
		{"▁▂·×", 4, "▁▂·×"},
	} {
		if got := cut(tc.in, tc.w); got != tc.want {
			t.Errorf("cut(%q, %d) = %q, want %q", tc.in, tc.w, got, tc.want)
		}
	}
	if got := padRight("张敏", 6) + "|" + padLeft("张", 4); got != "张敏  |  张" {
		t.Errorf("padded %q", got)
	}
}

func TestWrap(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		w        int
		want     string
	}{
		{"words", "the quick brown fox", 10, "the quick|brown fox"},
		{"a comma stays with its phrase", "一二三四，五六七八", 9, "一二三|四，五六|七八"},
		{"mixed", "提示 token 已过期，请重新登录", 12, "提示 token|已过期，请重|新登录"},
		{"a word longer than a line", "abcdefghijklmnop qr", 10, "abcdefghij|klmnop qr"},
		{"nothing", "", 10, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := wrap(tc.in, tc.w)
			if strings.Join(got, "|") != tc.want {
				t.Errorf("wrap(%q, %d) = %q, want %q", tc.in, tc.w, strings.Join(got, "|"), tc.want)
			}
			for _, line := range got {
				if width(line) > tc.w {
					t.Errorf("line %q has %d columns, want at most %d", line, width(line), tc.w)
				}
			}
		})
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1284310: "1,284,310", -4: "-4", -12345: "-12,345"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 537290342: "512.4 MiB", 1 << 30: "1.0 GiB", 1<<30 - 1: "1.0 GiB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}
