package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Results of an Error, and of metrics.
const (
	Rejected = "rejected" // the sink answered and said no
	Failed   = "error"    // no answer, or none that says anything about the message
)

// Error says why a message was not taken. It holds no secret, and what the other side answered is cleaned.
type Error struct {
	Sink    string
	Result  string // Rejected or Failed
	Code    string // of the vendor, or "HTTP 403"; may be empty
	Message string // what was answered or what happened
	Hint    string // what to do about it; may be empty

	temporary bool          // the sink as a whole is to be left in peace for a while
	wait      time.Duration // at least so long
}

// Error gives sink, code, message and hint on one line.
func (e *Error) Error() string {
	text := strings.TrimSpace(e.Code + " " + e.Message)
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return e.Sink + ": " + text
}

const (
	timeout      = 5 * time.Second // of a request, up to the last byte of its answer
	answerLimit  = 64 << 10        // bytes of an answer that are read
	maxWait      = 15 * time.Minute
	messageLimit = 200 // characters of an answer that are shown
)

// request is what a vendor's message is made of.
type request struct {
	path  string     // is put behind that of the address
	query url.Values // is added to that of the address
	body  []byte
}

// post delivers over HTTP.
type post struct {
	sink     *Sink
	kind     *kind
	address  *url.URL
	composer *composer
	client   *http.Client
	redactor *redactor
}

func (p *post) deliver(ctx context.Context, notes []note) (int, *Error) {
	req, n := p.kind.compose(p.composer.at(time.Now()), notes)
	err := p.send(ctx, req)
	if err != nil {
		err.Code = p.redactor.redact(err.Code)
		err.Message = clean(p.redactor.redact(err.Message), messageLimit)
		if len(p.sink.URLs) > 0 {
			err.Message = p.address.Host + ": " + err.Message
		}
	}
	return n, err
}

func (p *post) send(ctx context.Context, r request) *Error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url(r), bytes.NewReader(r.body))
	if err != nil {
		return &Error{Result: Failed, Message: "the address cannot be used"}
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "imerr-scan")
	switch {
	case p.sink.Bearer != "":
		req.Header.Set("Authorization", "Bearer "+string(p.sink.Bearer))
	case p.sink.Username != "":
		req.SetBasicAuth(p.sink.Username, string(p.sink.Password))
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return networkError(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	verdict := p.judge(resp, answer)
	if verdict != nil && err != nil && resp.StatusCode < 300 {
		return networkError(err) // it would have said more
	}
	return verdict
}

func (p *post) url(r request) string {
	u := *p.address
	if r.path != "" {
		u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/")+r.path, ""
	}
	if len(r.query) > 0 {
		q := u.Query()
		maps.Copy(q, r.query)
		u.RawQuery = q.Encode()
	}
	return u.String()
}

// judge turns an answer into yes (nil) or the reason of a no.
func (p *post) judge(resp *http.Response, answer []byte) *Error {
	status := resp.StatusCode
	e := &Error{Code: "HTTP " + strconv.Itoa(status), Message: string(bytes.TrimSpace(answer))}
	switch {
	case status >= 300 && status < 400:
		e.Result, e.Message = Rejected, "leads elsewhere"
		if to, err := resp.Location(); err == nil {
			e.Message = "leads to another address, of " + to.Host
		}
		e.Hint = "redirects are not followed; set url: to where it leads"
		return e
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		e.Result, e.temporary, e.wait = Failed, true, retryAfter(resp)
		if status == http.StatusTooManyRequests {
			e.Hint = "too many messages; it is sent later"
		}
		return e
	}
	if verdict := p.kind.judge(status, answer); verdict != nil || status < 300 {
		return verdict
	}
	e.Result = Rejected
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Hint = "check the token or password"
	case http.StatusNotFound:
		e.Hint = "check url:"
	}
	return e
}

// retryAfter reads the header of that name, in seconds or as a date.
func retryAfter(resp *http.Response) time.Duration {
	text := resp.Header.Get("Retry-After")
	wait := time.Duration(0)
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		wait = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = time.Until(at)
	}
	return min(max(wait, 0), maxWait)
}

// networkError puts into words why there is no answer. The text of a *url.Error has the address in it and is not used.
func networkError(err error) *Error {
	e := &Error{Result: Failed, temporary: true}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.Message = fmt.Sprintf("no answer within %s", timeout)
	case errors.Is(err, context.Canceled):
		e.Message = "stopped before it answered"
	case errors.As(err, &untrusted):
		e.Message = err.Error()
		e.Hint = "if the certificate is of your own authority, set ca_file:"
	default:
		e.Message = err.Error()
	}
	return e
}

// judgeStatus takes any 2xx for yes.
func judgeStatus(int, []byte) *Error { return nil }
