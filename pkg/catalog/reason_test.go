package catalog

import (
	"strings"
	"testing"
)

func TestReason(t *testing.T) {
	cat := Web()
	for _, tc := range []struct {
		event  string
		code   int32
		text   string
		want   string // "" for none
		prefix string // the same with words of a logger before the text; "=" for equal to want
	}{
		{"kicked by another device", 217, "the user was kicked by other device", "kicked", "="},
		{"a contained text with words around it", 50, "Sorry, the monthly active user limit for this app has been reached", "mau", "="},
		{"-1 by case: REST", -1, "Request Timeout", "rest_timeout", "="},
		{"-1 by case: upload or room", -1, "request timeout", "upload_or_room_timeout", "="},
		{"-1 in a case that no SDK writes", -1, "REQUEST TIMEOUT", "", "="},
		{"an exact text alone", 39, "not login", "not_login", "="},
		{"an exact text with a word more", 39, "not login yet", "", "="},
		{"an exact text behind a logger's words", 39, "send failed: not login", "", "not_login"},
		{"an exact text as the end of another word", 603, "unblocked", "", ""},
		{"an exact text after a Chinese letter", 603, "被blocked", "", ""},
		{"an exact text after a full stop in Chinese", 603, "发送失败。blocked", "", "blocked"},
		{"the same text under a group", 606, "group member list is full!", "group_full", "="},
		{"the same text under a room", 704, "group member list is full!", "room_full", "="},
		{"text of another code", 206, "the user was kicked by other device", "", "="},
		{"the longer of two contained texts", 505, "this appKey not open message roaming: service not open!", "roaming", "="},
		{"an equal text before a longer one", 204, "User not found", "login_user", "="},
		{"in reason, not message", 507, "you were muted", "muted", "="},
		{"no text", 217, "", "", "="},
		{"code without reasons", 40, "provision error", "login_refused_old", "="},
	} {
		e := cat.Lookup(tc.code)
		id := func(r *Reason) string {
			if r == nil {
				return ""
			}
			return r.ID
		}
		if got := id(e.Reason(tc.text)); got != tc.want {
			t.Errorf("%s: %d.Reason(%q) = %q, want %q", tc.event, tc.code, tc.text, got, tc.want)
		}
		want := tc.prefix
		if want == "=" {
			want = tc.want
		}
		if got := id(e.ReasonAfterPrefix(tc.text)); got != want {
			t.Errorf("%s: %d.ReasonAfterPrefix(%q) = %q, want %q", tc.event, tc.code, tc.text, got, want)
		}
	}
	var none *Entry
	if none.Reason("x") != nil || none.ReasonAfterPrefix("x") != nil || none.ReasonByID("x") != nil {
		t.Error("a nil entry has a reason")
	}
}

// Each text of the file has to lead back to its own reason.
func TestEveryReasonIsFoundByItsText(t *testing.T) {
	for _, e := range Web().Entries() {
		for i := range e.Reasons {
			r := &e.Reasons[i]
			if got := e.Reason(r.Text); got != r {
				t.Errorf("%d: the text of %s gives %+v", e.Code, r.ID, got)
			}
			if got := e.ReasonAfterPrefix("sending failed: " + r.Text); got != r {
				t.Errorf("%d: the text of %s behind a prefix gives %+v", e.Code, r.ID, got)
			}
			if got := e.Reason("sending failed: " + r.Text + " …"); (got == r) == r.Exact {
				t.Errorf("%d: the text of %s (exact %t) inside another gives %+v", e.Code, r.ID, r.Exact, got)
			}
			if e.ReasonByID(r.ID) != r {
				t.Errorf("%d: ReasonByID(%s) is another", e.Code, r.ID)
			}
		}
	}
}

func TestReasonAllocatesNothing(t *testing.T) {
	e, text := Web().Lookup(50), strings.Repeat("monthly ", 1000)
	if n := testing.AllocsPerRun(100, func() { e.Reason(text); e.ReasonAfterPrefix(text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
