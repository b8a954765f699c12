package notify

import (
	"cmp"
	"log/slog"
	"net/url"
	"slices"
	"strings"
)

// Secret is a text that is never printed: a password, or an address with a token in it. string(s) gives it away.
type Secret string

const hidden = "***"

// String returns *** if there is anything to hide.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// MarshalText is String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// redactor hides the secrets of a target in texts of others: answers, and errors of the network.
type redactor struct{ secrets []string }

// minSecret is how long a part of an address must be to be hidden for itself: "send" and "v2" are no tokens.
const minSecret = 8

func newRedactor(address *url.URL, secrets ...Secret) *redactor {
	r := &redactor{}
	add := func(s string, least int) {
		if len(s) < least {
			return
		}
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			if !slices.Contains(r.secrets, form) {
				r.secrets = append(r.secrets, form)
			}
		}
	}
	for _, s := range secrets {
		add(string(s), 1)
	}
	if address != nil {
		add(address.String(), 1)
		add(address.RequestURI(), minSecret)
		for _, values := range address.Query() {
			for _, v := range values {
				add(v, minSecret)
			}
		}
		for part := range strings.SplitSeq(address.Path, "/") {
			add(part, minSecret)
		}
		password, _ := address.User.Password()
		add(password, 1)
	}
	slices.SortFunc(r.secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return r
}

func (r *redactor) redact(text string) string {
	for _, s := range r.secrets {
		text = strings.ReplaceAll(text, s, hidden)
	}
	return text
}
